//! Delivers to webhooks that an operator has listed.
//!
//! It is here because sending is walled to this crate, and because the same care is due: names are resolved once, redirects are
//! not followed, time and size are bounded, and the metadata of clouds is never reached. Private addresses are allowed: the
//! URL is the operator's own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use regcred_core::Timestamp;
use regcred_core::verification::Verdict;
use regcred_core::webhook::{SigningSecret, Target, seconds};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{StatusCode, Url};

use crate::http::{Addresses, Peer};
use crate::origin::Origin;
use crate::policy::{Policy, Rule};
use crate::resolve::Resolve;

/// Where to deliver.
pub struct Webhook {
    url: Url,
    target: Target,
    rule: Rule,
    secret: SigningSecret,
}

impl Webhook {
    /// At a URL, whose messages are signed with `secret`. The error says what is wrong with the URL, and does not repeat it.
    pub fn new(
        url: &str,
        secret: SigningSecret,
        authorities: Option<Vec<u8>>,
        allow_http: bool,
    ) -> Result<Self, &'static str> {
        let target = Target::of(url);
        let url = Url::parse(url).map_err(|_| "is no URL")?;
        match url.scheme() {
            "https" => {}
            "http" if allow_http => {}
            "http" => {
                return Err(
                    "is plain http; use https, or `allow-http = true` where the network is safe",
                );
            }
            _ => return Err("is not https"),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("has a login in it, which would not be sent; leave it out");
        }
        let rule = Rule {
            host: Origin::of_url(&url).host(),
            authorities,
            allow_private: true,
            allow_http,
            realm_hosts: Vec::new(),
        };
        Ok(Self {
            url,
            target,
            rule,
            secret,
        })
    }

    /// Under what it is written down.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// `host[:port]`, to name it by: the rest of the URL may hold a secret.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.rule.host
    }
}

/// What to deliver.
pub struct Message<'a> {
    /// The same at each attempt.
    pub id: &'a str,
    /// The moment of this one.
    pub at: Timestamp,
    /// JSON.
    pub body: &'a str,
}

/// What came of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// 2xx.
    Taken,
    /// 410: nothing more is wanted there.
    Gone,
    /// Anything else, or nothing within ten seconds.
    Failed {
        /// The status, where there was an answer.
        status: Option<u16>,
        /// For how long the receiver asks to be left alone.
        asked: Option<Duration>,
    },
}

/// Delivers messages.
pub struct Courier {
    policy: Policy,
    resolver: Arc<dyn Resolve>,
}

impl Courier {
    /// To anywhere but `own`, the addresses on which the service itself listens.
    #[must_use]
    pub fn new(own: Vec<SocketAddr>, resolver: Arc<dyn Resolve>) -> Self {
        Self {
            policy: Policy::new(Vec::new(), own),
            resolver,
        }
    }

    /// One attempt, ten seconds at most.
    pub async fn deliver(&self, webhook: &Webhook, message: &Message<'_>) -> Attempt {
        let failed = Attempt::Failed {
            status: None,
            asked: None,
        };
        let attempt = tokio::time::timeout(TOTAL, self.attempt(webhook, message)).await;
        match attempt {
            Ok(Ok((status, _))) if status.is_success() => Attempt::Taken,
            Ok(Ok((StatusCode::GONE, _))) => Attempt::Gone,
            Ok(Ok((status, asked))) => Attempt::Failed {
                status: Some(status.as_u16()),
                asked,
            },
            Ok(Err(_)) | Err(_) => failed,
        }
    }

    async fn attempt(
        &self,
        webhook: &Webhook,
        message: &Message<'_>,
    ) -> Result<(StatusCode, Option<Duration>), Verdict> {
        let origin = Origin::of_url(&webhook.url);
        let rule = &webhook.rule;
        let addresses = Addresses::of(&origin, rule, &self.policy, self.resolver.as_ref()).await?;
        let peer = Peer::at(&origin, &addresses, rule)?;
        let Message { id, at, body } = *message;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in [
            ("webhook-id", id),
            ("webhook-timestamp", &seconds(at)),
            ("webhook-signature", &webhook.secret.sign(id, at, body)),
        ] {
            let value = HeaderValue::from_str(value).map_err(|_| Verdict::Blocked)?;
            headers.insert(HeaderName::from_static(name), value);
        }
        peer.post(webhook.url.clone(), headers, body.to_owned())
            .await
    }
}

const TOTAL: Duration = Duration::from_secs(10);
