//! One origin, spoken to at addresses that were looked at: no redirects, no proxies, bounded in time and size.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use regcred_core::Timestamp;
use regcred_core::verification::Verdict;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use reqwest::{Certificate, Client, Method, StatusCode, Url, redirect};
use zeroize::Zeroizing;

use crate::hints;
use crate::origin::Origin;
use crate::policy::{Policy, Rule};
use crate::resolve::Resolve;

/// An origin that may be spoken to.
pub(crate) struct Peer {
    client: Client,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// For how long the other end asks to be left alone.
    pub(crate) retry_after: Option<Duration>,
    /// When it says that what was sent runs out.
    pub(crate) expires: Option<Timestamp>,
    challenges: Vec<String>,
    body: Zeroizing<Vec<u8>>,
}

/// What a request is sent with.
#[derive(Clone)]
pub(crate) struct Authorization(HeaderValue);

/// The addresses of a host, all of which may be spoken to.
pub(crate) struct Addresses(Vec<SocketAddr>);

impl Addresses {
    /// Looks a host up, once: `Blocked` where any of its addresses is not allowed, `Unreachable` where there is none.
    pub(crate) async fn of(
        origin: &Origin,
        rule: &Rule,
        policy: &Policy,
        resolver: &dyn Resolve,
    ) -> Result<Self, Verdict> {
        let root = origin.root();
        let port = root.port_or_known_default().ok_or(Verdict::Blocked)?;
        // What the URL makes of the host counts, not its text: `0x7f000001` is an address, too.
        let name = root.host_str().ok_or(Verdict::Blocked)?;
        let addresses = match literal(name) {
            Some(address) => vec![SocketAddr::new(address, port)],
            None => resolver
                .resolve(name, port)
                .await
                .map_err(|_| Verdict::Unreachable)?,
        };
        if addresses.is_empty() {
            return Err(Verdict::Unreachable);
        }
        Self(addresses).looked_at(rule, policy)
    }

    /// The same addresses for another origin on the same host, which may have another port.
    pub(crate) fn also_of(
        &self,
        origin: &Origin,
        rule: &Rule,
        policy: &Policy,
    ) -> Result<Self, Verdict> {
        let port = origin
            .root()
            .port_or_known_default()
            .ok_or(Verdict::Blocked)?;
        let addresses = self
            .0
            .iter()
            .map(|address| SocketAddr::new(address.ip(), port));
        Self(addresses.collect()).looked_at(rule, policy)
    }

    fn looked_at(self, rule: &Rule, policy: &Policy) -> Result<Self, Verdict> {
        if self.0.iter().all(|address| policy.lets(rule, *address)) {
            Ok(self)
        } else {
            Err(Verdict::Blocked)
        }
    }
}

impl Peer {
    /// An origin at these addresses, and at no others.
    pub(crate) fn at(
        origin: &Origin,
        Addresses(addresses): &Addresses,
        rule: &Rule,
    ) -> Result<Self, Verdict> {
        let mut client = Client::builder()
            .resolve_to_addrs(origin.root().host_str().unwrap_or_default(), addresses)
            .no_proxy()
            .redirect(redirect::Policy::none())
            .referer(false)
            .connect_timeout(CONNECT)
            .pool_max_idle_per_host(1)
            .user_agent(concat!("regcred/", env!("CARGO_PKG_VERSION")))
            .https_only(origin.is_https());
        if !origin.is_https() {
            // There is no certificate to be looked at, and reading the system's authorities takes its time.
            client = client.tls_certs_only([]);
        } else if let Some(pem) = &rule.authorities {
            let authorities = Certificate::from_pem_bundle(pem).map_err(|_| Verdict::Blocked)?;
            client = client.tls_certs_merge(authorities);
        }
        let client = client.build().map_err(|_| Verdict::Unreachable)?;
        Ok(Self { client })
    }

    /// Sends a body; the status, and for how long to wait. What the answer holds besides is not read.
    pub(crate) async fn post(
        &self,
        url: Url,
        headers: HeaderMap,
        body: String,
    ) -> Result<(StatusCode, Option<Duration>), Verdict> {
        let request = self.client.post(url).headers(headers).body(body);
        let response = request.send().await.map_err(|_| Verdict::Unreachable)?;
        let asked = hints::retry_after(response.headers());
        Ok((response.status(), asked))
    }

    /// Sends a request; `Unreachable` where no answer comes, or one that is none.
    pub(crate) async fn send(
        &self,
        method: Method,
        url: Url,
        authorization: Option<&Authorization>,
    ) -> Result<Answer, Verdict> {
        let mut request = self.client.request(method, url).header("accept", ACCEPT);
        if let Some(Authorization(value)) = authorization {
            request = request.header(AUTHORIZATION, value.clone());
        }
        let mut response = request.send().await.map_err(|_| Verdict::Unreachable)?;
        let challenges = response.headers().get_all(WWW_AUTHENTICATE).iter();
        let challenges = challenges
            .filter_map(|value| value.to_str().ok().map(str::to_owned))
            .take(MOST_CHALLENGES)
            .collect();
        let mut body = Zeroizing::new(Vec::with_capacity(MOST_BODY));
        while let Some(chunk) = response.chunk().await.map_err(|_| Verdict::Unreachable)? {
            if body.len() + chunk.len() > MOST_BODY {
                // Whoever sends that much is no registry and no token server.
                return Err(Verdict::Unverifiable);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer {
            status: response.status(),
            retry_after: hints::retry_after(response.headers()),
            expires: hints::expiry(response.headers()),
            challenges,
            body,
        })
    }
}

impl Answer {
    /// What the answer asks for.
    pub(crate) fn challenges(&self) -> impl Iterator<Item = &str> {
        self.challenges.iter().map(String::as_str)
    }

    /// The body.
    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }
}

impl Authorization {
    /// A header that is not shown; `None` where the text cannot stand in one.
    pub(crate) fn new(text: &str) -> Option<Self> {
        let mut value = HeaderValue::from_str(text).ok()?;
        value.set_sensitive(true);
        Some(Self(value))
    }
}

fn literal(host: &str) -> Option<IpAddr> {
    let host = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    host.parse().ok()
}

const CONNECT: Duration = Duration::from_secs(3);
const MOST_BODY: usize = 64 << 10;
const MOST_CHALLENGES: usize = 16;
/// Every kind of manifest that there is: a registry answers 404 for one that is of another kind than was asked for.
const ACCEPT: &str = "application/json, application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
                      application/vnd.docker.distribution.manifest.list.v2+json, \
                      application/vnd.docker.distribution.manifest.v2+json, */*;q=0.1";
