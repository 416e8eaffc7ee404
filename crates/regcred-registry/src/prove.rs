//! The proof: what docker does to log in, and no more.

use std::sync::Arc;
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use regcred_core::Timestamp;
use regcred_core::credentials::Username;
use regcred_core::registry::{ImageReference, RegistryKey};
use regcred_core::secret::RegistryPassword;
use regcred_core::verification::{Proof, Verdict};
use reqwest::{Method, StatusCode, Url};
use zeroize::Zeroizing;

use crate::challenge::{self, Challenge};
use crate::gate::{Gate, Place};
use crate::http::{Addresses, Answer, Authorization, Peer};
use crate::origin::Origin;
use crate::policy::{Policy, Rule};
use crate::realm;
use crate::resolve::Resolve;

/// Credentials to prove.
pub struct Login<'a> {
    /// For which registry.
    pub registry: &'a RegistryKey,
    /// The login to it.
    pub username: &'a Username,
    /// The password.
    pub password: &'a RegistryPassword,
    /// An image of the registry from which they are to be able to pull, if that is to be proved, too.
    pub probe: Option<&'a ImageReference>,
}

/// Proves logins, some at a time.
pub struct Prover {
    policy: Policy,
    resolver: Arc<dyn Resolve>,
    gate: Gate,
}

impl Prover {
    /// Under a policy, with names looked up by `resolver`.
    #[must_use]
    pub fn new(policy: Policy, resolver: Arc<dyn Resolve>) -> Self {
        Self {
            policy,
            resolver,
            gate: Gate::new(),
        }
    }

    /// A place to try credentials of a registry, on somebody's behalf. `None` where there is none within twelve seconds:
    /// then nothing was tried. Whoever opens a password opens it behind this, so that it is the one of the moment.
    pub async fn place(&self, registry: &RegistryKey, asker: &str) -> Option<Place> {
        self.place_at(registry.host(), asker).await
    }

    /// The same, for the host of a registry key.
    pub async fn place_at(&self, host: &str, asker: &str) -> Option<Place> {
        self.gate.enter(host, asker).await
    }

    /// Tries the credentials where they are for, ten seconds at most, and gives the place back.
    pub async fn prove(&self, login: &Login<'_>, _place: Place) -> Proof {
        let mut heard = Heard::default();
        let attempt = tokio::time::timeout(TOTAL, self.attempt(login, &mut heard)).await;
        let verdict = attempt.map_or(Verdict::Unreachable, |done| done.unwrap_or_else(|why| why));
        let host = login.registry.host();
        tracing::debug!(host, verdict = verdict.word(), "proved a login");
        heard.with(verdict)
    }

    /// Each step ends with a verdict, or leads on to the next.
    async fn attempt(&self, login: &Login<'_>, heard: &mut Heard) -> Result<Verdict, Verdict> {
        // An identity token is no password: it is exchanged in another way.
        if login.username.as_str() == IDENTITY_TOKEN {
            return Err(Verdict::Unverifiable);
        }
        if login
            .probe
            .is_some_and(|probe| probe.host() != login.registry.host())
        {
            return Err(Verdict::Unverifiable);
        }
        let rule = self.policy.rule(login.registry.host());
        let (registry, origin, anonymous) = self.knock(login.registry, &rule).await?;
        heard.retry_after = anonymous.retry_after;
        if anonymous.status != StatusCode::UNAUTHORIZED {
            return Err(match anonymous.status {
                // Nobody was asked for anything.
                StatusCode::OK => Verdict::Unverifiable,
                status => unproved(status),
            });
        }
        let asked = challenge::first(anonymous.challenges()).ok_or(Verdict::Unverifiable)?;
        let authorization = match asked {
            Challenge::Basic => basic(login)?,
            Challenge::Bearer { realm, service } => {
                let realm =
                    realm::allowed(&realm, &origin, &rule, &self.policy).ok_or(Verdict::Blocked)?;
                self.token(login, &registry, &origin, realm, service.as_deref(), heard)
                    .await?
            }
        };
        let answer = registry
            .send(Method::GET, origin.at("/v2/"), Some(&authorization))
            .await?;
        heard.hear(&answer);
        judge(answer.status, Verdict::Rejected)?;
        if let Some(probe) = login.probe {
            let reference = probe.digest().or(probe.tag()).unwrap_or("latest");
            let path = format!("/v2/{}/manifests/{reference}", probe.repository());
            let answer = registry
                .send(Method::HEAD, origin.at(&path), Some(&authorization))
                .await?;
            heard.hear(&answer);
            // A 404 proves nothing: there may be no such image, or the registry hides what one may not see.
            judge(answer.status, Verdict::NoPullRight)?;
        }
        Ok(Verdict::Ok)
    }

    /// An anonymous request; by plain http only where that is allowed and https does not answer.
    async fn knock(
        &self,
        key: &RegistryKey,
        rule: &Rule,
    ) -> Result<(Peer, Origin, Answer), Verdict> {
        let origin = Origin::of_registry(key, "https")?;
        let addresses = self.addresses(&origin, rule).await?;
        let peer = Peer::at(&origin, &addresses, rule)?;
        match peer.send(Method::GET, origin.at("/v2/"), None).await {
            Ok(answer) => return Ok((peer, origin, answer)),
            Err(Verdict::Unreachable) if rule.allow_http => {}
            Err(verdict) => return Err(verdict),
        }
        let origin = Origin::of_registry(key, "http")?;
        let addresses = addresses.also_of(&origin, rule, &self.policy)?;
        let peer = Peer::at(&origin, &addresses, rule)?;
        let answer = peer.send(Method::GET, origin.at("/v2/"), None).await?;
        Ok((peer, origin, answer))
    }

    /// A token of the realm's, for the registry.
    async fn token(
        &self,
        login: &Login<'_>,
        registry: &Peer,
        origin: &Origin,
        mut realm: Url,
        service: Option<&str>,
        heard: &mut Heard,
    ) -> Result<Authorization, Verdict> {
        let at = Origin::of_url(&realm);
        {
            let mut query = realm.query_pairs_mut();
            if let Some(service) = service {
                query.append_pair("service", service);
            }
            query.append_pair("account", login.username.as_str());
            query.append_pair("client_id", "regcred");
            query.append_pair("offline_token", "true");
            if let Some(probe) = login.probe {
                query.append_pair("scope", &format!("repository:{}:pull", probe.repository()));
            }
        }
        let basic = basic(login)?;
        let answer = if at == *origin {
            registry.send(Method::GET, realm, Some(&basic)).await?
        } else {
            let rule = self.policy.rule(&at.host());
            let peer = Peer::at(&at, &self.addresses(&at, &rule).await?, &rule)?;
            peer.send(Method::GET, realm, Some(&basic)).await?
        };
        heard.hear(&answer);
        judge(answer.status, Verdict::Rejected)?;
        bearer(answer.body())
    }

    async fn addresses(&self, origin: &Origin, rule: &Rule) -> Result<Addresses, Verdict> {
        Addresses::of(origin, rule, &self.policy, self.resolver.as_ref()).await
    }
}

/// What was said beside the verdict.
#[derive(Default)]
struct Heard {
    retry_after: Option<Duration>,
    expires: Option<Timestamp>,
}

impl Heard {
    /// An answer to somebody who logged in.
    fn hear(&mut self, answer: &Answer) {
        self.retry_after = answer.retry_after;
        if answer.status == StatusCode::OK {
            self.expires = answer.expires.or(self.expires);
        }
    }

    /// With what it amounts to: to be left alone is asked by a 429 only, and what is refused has no end.
    fn with(self, verdict: Verdict) -> Proof {
        let limited = verdict == Verdict::RateLimited;
        Proof {
            verdict,
            retry_after: self.retry_after.filter(|_| limited),
            expires: self.expires.filter(|_| verdict == Verdict::Ok),
        }
    }
}

/// 200 leads on; a refusal is what it means at this step.
fn judge(status: StatusCode, refused: Verdict) -> Result<(), Verdict> {
    match status {
        StatusCode::OK => Ok(()),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(refused),
        status => Err(unproved(status)),
    }
}

/// What neither lets in nor refuses.
fn unproved(status: StatusCode) -> Verdict {
    match status {
        StatusCode::TOO_MANY_REQUESTS => Verdict::RateLimited,
        status if status.is_server_error() => Verdict::Unreachable,
        _ => Verdict::Unverifiable,
    }
}

/// HTTP Basic (RFC 7617).
fn basic(login: &Login<'_>) -> Result<Authorization, Verdict> {
    let (username, password) = (login.username.as_str(), login.password.expose());
    let pair = Zeroizing::new(format!("{username}:{password}"));
    let text = Zeroizing::new(format!("Basic {}", BASE64_STANDARD.encode(pair.as_bytes())));
    Authorization::new(&text).ok_or(Verdict::Unverifiable)
}

/// The token of a token server's answer, under either of its names.
fn bearer(body: &[u8]) -> Result<Authorization, Verdict> {
    let answer: serde_json::Value =
        serde_json::from_slice(body).map_err(|_| Verdict::Unverifiable)?;
    let named = |name| answer.get(name).and_then(serde_json::Value::as_str);
    let token = named("token").or_else(|| named("access_token"));
    let token = token
        .filter(|token| !token.is_empty())
        .ok_or(Verdict::Unverifiable)?;
    let text = Zeroizing::new(format!("Bearer {token}"));
    Authorization::new(&text).ok_or(Verdict::Unverifiable)
}

const TOTAL: Duration = Duration::from_secs(10);
/// The username that marks a password as an identity token (docker's credential helpers).
const IDENTITY_TOKEN: &str = "<token>";
