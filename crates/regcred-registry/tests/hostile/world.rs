//! A registry, a server beside it on another port, one on another host, and names that lead to them.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use regcred_core::credentials::Username;
use regcred_core::registry::{ImageReference, RegistryKey};
use regcred_core::secret::RegistryPassword;
use regcred_registry::{Login, Policy, Proof, Prover, Resolve, Rule, Verdict};

use crate::server::{Server, http};

pub(crate) const USERNAME: &str = "robot$name";
pub(crate) const PASSWORD: &str = "the pa55word: of it";

/// What names lead to; each look-up gets the next answer, the last one over and over.
pub(crate) struct Names {
    answers: Mutex<Vec<io::Result<Vec<IpAddr>>>>,
    pub(crate) asked: AtomicUsize,
}

#[async_trait]
impl Resolve for Names {
    async fn resolve(&self, _: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.len() > 1 {
            answers.remove(0)
        } else {
            match &answers[0] {
                Ok(addresses) => Ok(addresses.clone()),
                Err(error) => Err(io::Error::from(error.kind())),
            }
        };
        Ok(answer?
            .into_iter()
            .map(|address| SocketAddr::new(address, port))
            .collect())
    }
}

pub(crate) struct World {
    pub(crate) registry: Server,
    /// The same host, another port.
    pub(crate) sibling: Server,
    /// Another host.
    pub(crate) other: Server,
    pub(crate) names: Arc<Names>,
    /// What an admin allows for the registry.
    pub(crate) rule: Rule,
    /// What is allowed for other hosts.
    pub(crate) more: Vec<Rule>,
    pub(crate) own: Vec<SocketAddr>,
    pub(crate) probe: Option<String>,
    pub(crate) username: &'static str,
}

impl World {
    pub(crate) fn new() -> Self {
        let (registry, sibling, other) = (Server::start(), Server::start(), Server::start());
        let rule = Rule {
            host: format!("registry.test:{}", registry.address.port()),
            allow_private: true,
            allow_http: true,
            ..Rule::default()
        };
        for server in [&sibling, &other] {
            // Whoever is led here is let in: nothing would hold credentials back.
            server.answers(|_| Some(http(200, &[], r#"{"token":"stolen"}"#)));
        }
        Self {
            registry,
            sibling,
            other,
            names: names([Ok(vec![Ipv4Addr::LOCALHOST.into()])]),
            rule,
            more: Vec::new(),
            own: Vec::new(),
            probe: None,
            username: USERNAME,
        }
    }

    /// The verdict. Nobody but the registry ever gets credentials, in any form.
    pub(crate) async fn verdict(&self) -> Verdict {
        let verdict = self.verdict_of(&self.rule.host).await;
        for server in [&self.sibling, &self.other] {
            assert_eq!(secrets_in(&server.seen()), 0, "credentials went astray");
        }
        verdict
    }

    pub(crate) async fn verdict_of(&self, registry: &str) -> Verdict {
        self.proof_of(registry).await.verdict
    }

    pub(crate) async fn proof_of(&self, registry: &str) -> Proof {
        let mut rules = self.more.clone();
        rules.push(self.rule.clone());
        let names = Arc::clone(&self.names) as Arc<dyn Resolve>;
        let prover = Prover::new(Policy::new(rules, self.own.clone()), names);
        let registry = RegistryKey::parse(registry).unwrap();
        let username = Username::parse(self.username.to_owned()).unwrap();
        let password = RegistryPassword::parse(PASSWORD.to_owned()).unwrap();
        let probe = self
            .probe
            .as_ref()
            .map(|image| ImageReference::parse(image).unwrap());
        let login = Login {
            registry: &registry,
            username: &username,
            password: &password,
            probe: probe.as_ref(),
        };
        let place = prover.place(&registry, "the tests").await.unwrap();
        prover.prove(&login, place).await
    }

    /// How often credentials came to the registry.
    pub(crate) fn logins(&self) -> usize {
        secrets_in(&self.registry.seen())
    }
}

pub(crate) fn names<const N: usize>(answers: [io::Result<Vec<IpAddr>>; N]) -> Arc<Names> {
    Arc::new(Names {
        answers: Mutex::new(answers.into()),
        asked: AtomicUsize::new(0),
    })
}

/// The password as it is, and the pair as Basic sends it.
pub(crate) fn secrets_in(text: &str) -> usize {
    let pair = BASE64_STANDARD.encode(format!("{USERNAME}:{PASSWORD}"));
    text.matches(PASSWORD).count() + text.matches(&pair).count()
}
