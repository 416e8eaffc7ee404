//! Requests over HTTP: bounded in time and size, repeated only where that is safe, and errors by what broke.

use std::error::Error as _;
use std::future::Future;
use std::io;
use std::time::{Duration, Instant};

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER, USER_AGENT};
use reqwest::{Certificate, redirect};
use rustls::CertificateError;
use serde::{Deserialize, Serialize};
use tracing::Span;
use zeroize::Zeroizing;

use crate::address::Address;
use crate::error::{Error, Outcome, Result, TransportKind, shown};
use crate::secret::Secret;

pub(crate) struct Transport {
    http: reqwest::Client,
    address: Address,
    limits: Limits,
}

/// The bounds of an operation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) connect: Duration,
    /// What the caller said; otherwise it is the request's own, or [`REQUEST`].
    pub(crate) request: Option<Duration>,
    pub(crate) total: Duration,
    pub(crate) retries: u32,
}

/// What a request does on the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It reads, or makes nothing that is missed: it may be sent again.
    None,
    /// It changes something: it is sent again only if it certainly did not arrive.
    Change,
}

/// How often an operation was tried, and whether to try it again.
///
/// It is a value that the operation's loop asks, and not a function that takes the attempt: the future of one that
/// borrows is not known to be `Send`.
pub(crate) struct Attempts {
    operation: &'static str,
    effect: Effect,
    number: u32,
    retries: u32,
    /// What the server itself said at an earlier attempt.
    said: Option<Error>,
}

/// What is asked: a POST where it has a body, a GET otherwise.
#[derive(Clone, Copy)]
pub(crate) struct Request<'a> {
    /// From the root of the installation.
    path: &'a str,
    query: Option<(&'a str, &'a str)>,
    body: Option<&'a Body>,
    /// How long it may take where the caller did not say; `None` is as long as any.
    patience: Option<Duration>,
}

/// The body of a request, wiped when it is dropped.
pub(crate) struct Body(Bytes);

/// An answer of bounded size.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Zeroizing<Vec<u8>>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            request: None,
            total: Duration::from_secs(30),
            retries: 2,
        }
    }
}

impl Effect {
    /// What is known of a request that was sent, and whose answer does not tell.
    pub(crate) fn unanswered(self) -> Outcome {
        match self {
            Self::None => Outcome::NotDone,
            Self::Change => Outcome::Unknown,
        }
    }
}

impl<'a> Request<'a> {
    pub(crate) fn post(path: &'a str, body: &'a Body) -> Self {
        Self {
            path,
            query: None,
            body: Some(body),
            patience: None,
        }
    }

    pub(crate) fn get(path: &'a str, query: Option<(&'a str, &'a str)>) -> Self {
        Self {
            path,
            query,
            body: None,
            patience: None,
        }
    }

    /// The same request, of which it is known how long it takes.
    pub(crate) fn with_patience(self, patience: Option<Duration>) -> Self {
        Self { patience, ..self }
    }
}

impl Body {
    pub(crate) fn json(value: &impl Serialize) -> Result<Self> {
        let unwritten = |error| Error::protocol(format!("the request cannot be written: {error}"));
        // A buffer that grows leaves copies behind that nobody wipes.
        let mut length = Length(0);
        serde_json::to_writer(&mut length, value).map_err(unwritten)?;
        let mut text = Zeroizing::new(Vec::with_capacity(length.0));
        serde_json::to_writer(&mut *text, value).map_err(unwritten)?;
        Ok(Self(Bytes::from_owner(text)))
    }
}

impl Transport {
    pub(crate) fn new(address: Address, authorities: &[u8], limits: Limits) -> Result<Self> {
        let mut http = reqwest::Client::builder()
            .connect_timeout(limits.connect)
            // A redirect would carry the token to where nobody meant to send it.
            .redirect(redirect::Policy::none())
            .tcp_nodelay(true)
            // Below the ten seconds after which regcred closes an idle connection.
            .pool_idle_timeout(Duration::from_secs(8));
        if address.is_loopback() {
            // A proxy cannot reach this machine, and has no business with its tokens.
            http = http.no_proxy();
        }
        if address.is_tls() {
            http = http.tls_certs_merge(certificates(authorities)?);
        } else {
            // Reading the system's roots takes longer than a whole request on this machine.
            http = http.tls_certs_only([]);
        }
        let http = http.build().map_err(|error| {
            if !authorities.is_empty() && tls(&error).is_some() {
                return no_certificate();
            }
            Error::Transport {
                kind: TransportKind::Tls,
                message: format!("TLS cannot be set up: {}", causes(&error)),
                outcome: Outcome::NotDone,
            }
        })?;
        Ok(Self {
            http,
            address,
            limits,
        })
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    /// Bounds all of an operation's work.
    pub(crate) async fn within<T>(
        &self,
        limit: Duration,
        effect: Effect,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
            let late = Error::Transport {
                kind: TransportKind::Timeout,
                message: format!("{} did not answer within {}", self.address, seconds(limit)),
                outcome: Outcome::NotDone,
            };
            Err(late.of(effect))
        })
    }

    /// The attempts at an operation, of which this is the first.
    pub(crate) fn attempts(&self, operation: &'static str, effect: Effect) -> Attempts {
        Attempts {
            operation,
            effect,
            number: 0,
            retries: self.limits.retries,
            said: None,
        }
    }

    /// Sends a request once. Any status is an answer, except those that say "later".
    pub(crate) async fn send(
        &self,
        request: &Request<'_>,
        headers: HeaderMap,
        effect: Effect,
    ) -> Result<Answer> {
        let answer = self.answered(request, headers).await;
        let answer = answer.map_err(|error| error.of(effect))?;
        match answer.later() {
            None => Ok(answer),
            Some(later) => Err(later.of(effect)),
        }
    }

    async fn answered(&self, request: &Request<'_>, headers: HeaderMap) -> Result<Answer> {
        let start = Instant::now();
        let limit = self.limits.request.or(request.patience).unwrap_or(REQUEST);
        let url = self.address.endpoint(request.path, request.query);
        let asking = match request.body {
            None => self.http.get(url),
            Some(body) => self
                .http
                .post(url)
                .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
                .body(body.0.clone()),
        };
        let mut response = asking
            .timeout(limit)
            .headers(headers)
            .header(USER_AGENT, HeaderValue::from_static(AGENT))
            .send()
            .await
            .map_err(|error| self.broken(&error, limit))?;
        let status = response.status().as_u16();
        let headers = std::mem::take(response.headers_mut());
        let too_much = || {
            Error::protocol(format!(
                "{} answered with more than {} MiB",
                self.address,
                MOST_BYTES >> 20
            ))
        };
        if response
            .content_length()
            .is_some_and(|length| length > MOST_BYTES as u64)
        {
            return Err(too_much());
        }
        let length = response.content_length().unwrap_or_default();
        let length = usize::try_from(length).unwrap_or(MOST_BYTES);
        let mut body = Zeroizing::new(Vec::with_capacity(length.min(FIRST_BYTES)));
        while let Some(part) = response
            .chunk()
            .await
            .map_err(|error| self.broken(&error, limit))?
        {
            if body.len() + part.len() > MOST_BYTES {
                return Err(too_much());
            }
            add(&mut body, &part);
        }
        tracing::debug!(status, bytes = body.len(), elapsed = ?start.elapsed(), "answered");
        Ok(Answer {
            status,
            headers,
            body,
        })
    }

    fn broken(&self, error: &reqwest::Error, limit: Duration) -> Error {
        let tls = tls(error);
        // Once it is connected, a request may have arrived, whatever breaks.
        let kind = if tls.is_some() && error.is_connect() {
            TransportKind::Tls
        } else if error.is_timeout() {
            TransportKind::Timeout
        } else if error.is_connect() {
            TransportKind::Connect
        } else {
            TransportKind::Interrupted
        };
        let address = &self.address;
        let message = match kind {
            TransportKind::Timeout if error.is_connect() => {
                let limit = seconds(self.limits.connect);
                return Error::Transport {
                    kind: TransportKind::Connect,
                    message: format!("no connection to {address} within {limit}"),
                    outcome: Outcome::NotDone,
                };
            }
            TransportKind::Timeout => {
                format!("{address} did not answer within {}", seconds(limit))
            }
            TransportKind::Tls => {
                let said = tls.map_or_else(|| causes(error), said_by_tls);
                format!("no TLS connection to {address}: {said}")
            }
            TransportKind::Connect => format!("no connection to {address}: {}", causes(error)),
            TransportKind::Interrupted => {
                format!("the connection to {address} broke: {}", causes(error))
            }
        };
        Error::Transport {
            kind,
            message,
            outcome: Outcome::NotDone,
        }
    }
}

impl Attempts {
    /// What belongs to the present attempt is traced in this span.
    pub(crate) fn span(&self) -> Span {
        tracing::debug_span!("request", operation = self.operation, attempt = self.number)
    }

    /// Waits for the next attempt where that is safe and may help; gives the error back otherwise.
    pub(crate) async fn again_after(&mut self, error: Error) -> Result<()> {
        let Some(wait) = self.wait_after(&error) else {
            return Err(error);
        };
        tracing::debug!(operation = self.operation, ?wait, %error, "trying again");
        if matches!(error, Error::Unavailable { code: Some(_), .. }) {
            self.said = Some(error);
        }
        tokio::time::sleep(wait).await;
        self.number += 1;
        Ok(())
    }

    /// The error of all attempts: where the server said at one that it cannot serve, a later one that came to nothing
    /// does not make it a server that was not reached.
    pub(crate) fn last(&mut self, error: Error) -> Error {
        match error {
            Error::Transport { .. } | Error::Unavailable { code: None, .. } => {
                self.said.take().unwrap_or(error)
            }
            error => error,
        }
    }

    /// How long to wait before the next attempt; `None` where there is to be none.
    fn wait_after(&self, error: &Error) -> Option<Duration> {
        if self.number >= self.retries {
            return None;
        }
        let asked = match error {
            // The server turned the request away before it looked at it.
            Error::Throttled { retry_after, .. } => *retry_after,
            Error::Unavailable { retry_after, .. } if self.effect == Effect::None => *retry_after,
            Error::Transport {
                kind: TransportKind::Connect,
                ..
            } => None,
            Error::Transport {
                kind: TransportKind::Interrupted | TransportKind::Timeout,
                ..
            } if self.effect == Effect::None => None,
            _ => return None,
        };
        if asked.is_some_and(|asked| asked > LONGEST_WAIT) {
            return None;
        }
        // Full jitter: clients that were cut off together do not come back together.
        let most = FIRST_WAIT
            .saturating_mul(1 << self.number.min(8))
            .min(LONGEST_WAIT);
        Some(asked.unwrap_or_default() + most.mul_f64(fastrand::f64()))
    }
}

impl Answer {
    /// The body as a text that is wiped.
    pub(crate) fn into_text(mut self) -> Option<Secret> {
        let bytes = std::mem::take(&mut *self.body);
        String::from_utf8(bytes).ok().map(Secret::new)
    }

    /// What it says where it says "later": that nothing was done at 429, that nothing is known behind a gateway.
    fn later(&self) -> Option<Error> {
        let (said, outcome) = match self.status {
            429 => ("asks to come back later (HTTP 429)", None),
            502 => (
                "is not reached by its gateway (HTTP 502)",
                Some(Outcome::Unknown),
            ),
            503 => ("is not available (HTTP 503)", Some(Outcome::Unknown)),
            504 => (
                "did not answer its gateway in time (HTTP 504)",
                Some(Outcome::Unknown),
            ),
            _ => return None,
        };
        let after = self.headers.get(RETRY_AFTER);
        let after = after.and_then(|after| after.to_str().ok()?.parse().ok());
        let retry_after = after.map(Duration::from_secs);
        let Problem { detail, code, .. } = self.problem();
        let detail = detail.map(|detail| format!(": {}", shown(&detail)));
        let message = format!("the server {said}{}", detail.unwrap_or_default());
        Some(match outcome {
            None => Error::Throttled {
                message,
                retry_after,
            },
            Some(outcome) => Error::Unavailable {
                code: code.as_deref().map(shown),
                message,
                retry_after,
                outcome,
            },
        })
    }

    /// The error that a status other than 200 stands for.
    pub(crate) fn refused(&self, effect: Effect) -> Error {
        let detail = self.detail();
        let said = |otherwise: &str| detail.clone().unwrap_or_else(|| otherwise.to_owned());
        let status = self.status;
        match status {
            401 => Error::Unauthenticated {
                message: "the token is not accepted: it is wrong, ran out or was revoked"
                    .to_owned(),
            },
            403 => Error::Forbidden {
                message: said("the server forbids it (HTTP 403)"),
            },
            404 if detail.is_some() => Error::not_found(said("")),
            400..500 if detail.is_some() => Error::Refused {
                code: Some(format!("HTTP {status}")),
                message: said(""),
                outcome: Outcome::NotDone,
            },
            500..600 => Error::Refused {
                code: Some(format!("HTTP {status}")),
                message: said(&format!("the server failed (HTTP {status})")),
                outcome: effect.unanswered(),
            },
            300..400 => {
                let to = self.headers.get(LOCATION).and_then(|to| to.to_str().ok());
                let to =
                    to.map_or_else(|| "elsewhere".to_owned(), |to| format!("to {}", shown(to)));
                Error::protocol(format!(
                    "the server redirects {to} (HTTP {status}), which is not followed; use the URL of the platform itself"
                ))
            }
            _ => {
                let what = self.what_it_is();
                let error = Error::protocol(format!(
                    "there is no platform at this URL: it answered HTTP {status}{what}"
                ));
                // It was accepted, whatever that means there.
                if status < 300 {
                    error.of(effect)
                } else {
                    error
                }
            }
        }
    }

    /// What came instead of an answer in JSON.
    pub(crate) fn what_it_is(&self) -> String {
        let kind = self.headers.get(CONTENT_TYPE);
        match kind.and_then(|kind| kind.to_str().ok()) {
            _ if self.body.is_empty() => " and nothing".to_owned(),
            Some(kind) => format!(" with {}", shown(kind)),
            None => " with something unknown".to_owned(),
        }
    }

    fn detail(&self) -> Option<String> {
        self.problem().detail.as_deref().map(shown)
    }

    /// What it says as a problem; nothing where it is none.
    pub(crate) fn problem(&self) -> Problem {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// An `application/problem+json` (RFC 9457), as far as it counts whatever was asked.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Problem {
    pub(crate) detail: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) field: Option<String>,
    pub(crate) request_id: Option<String>,
}

/// The certificates of a PEM text, which holds at least one unless it is empty.
pub(crate) fn certificates(pem: &[u8]) -> Result<Vec<Certificate>> {
    let found = Certificate::from_pem_bundle(pem).map_err(|_| no_certificate())?;
    if found.is_empty() && !pem.is_empty() {
        return Err(no_certificate());
    }
    Ok(found)
}

/// How many bytes are written to it.
struct Length(usize);

impl io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn no_certificate() -> Error {
    Error::invalid(
        "ca_certificates",
        "the extra authorities hold no certificate that can be read; give PEM certificates",
    )
}

/// The causes of an error, from the one that says something to the last, each once.
fn causes(error: &reqwest::Error) -> String {
    let mut cause = error.source();
    let mut texts: Vec<String> = Vec::new();
    while let Some(current) = cause {
        let text = shown(&current.to_string());
        if texts.last().is_none_or(|last| !last.contains(&text)) {
            texts.push(text);
        }
        cause = current.source();
    }
    if texts.len() > 1 && texts.iter().any(|text| text == "client error (Connect)") {
        texts.retain(|text| text != "client error (Connect)");
    }
    if texts.is_empty() {
        return shown(&error.to_string());
    }
    texts.join(": ")
}

/// What TLS says, wherever it lies among the causes: an error of the system may hold another as its inner, which is not
/// its source.
fn tls<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a rustls::Error> {
    if let Some(found) = error.downcast_ref() {
        return Some(found);
    }
    let inner = error.downcast_ref::<io::Error>();
    match inner.and_then(io::Error::get_ref) {
        Some(inner) => tls(inner),
        None => error.source().and_then(tls),
    }
}

/// What is wrong with a certificate, and how to mend it; the library's words where they say it.
fn said_by_tls(error: &rustls::Error) -> String {
    let text = shown(&error.to_string());
    if matches!(
        error,
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)
    ) {
        "its certificate was signed by an authority that is not trusted here; add that authority's certificate".to_owned()
    } else if text.contains("CaUsedAsEndEntity") {
        "its certificate is that of an authority (CA:TRUE), which no server may present; give it one that is not"
            .to_owned()
    } else {
        text
    }
}

/// Adds a part of a body. A buffer that grows by itself leaves copies behind that nobody wipes.
fn add(body: &mut Zeroizing<Vec<u8>>, part: &[u8]) {
    let length = body.len() + part.len();
    if length > body.capacity() {
        let mut larger = Zeroizing::new(Vec::with_capacity(length.max(2 * body.capacity())));
        larger.extend_from_slice(body);
        *body = larger;
    }
    body.extend_from_slice(part);
}

fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f64())
}

const AGENT: &str = concat!("regcred-client/", env!("CARGO_PKG_VERSION"));
/// More than the largest answer of regcred's: 50,000 credentials.
const MOST_BYTES: usize = 64 << 20;
/// What an answer's own word on its length is worth before the bytes are there.
const FIRST_BYTES: usize = 1 << 20;
/// How long one request may take unless it is said otherwise.
const REQUEST: Duration = Duration::from_secs(10);
const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
