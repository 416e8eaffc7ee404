//! What all requests share.

use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use regcred_core::access::{Caller, RequestId};
use regcred_core::credentials::MOST_IN_PROJECT;
use regcred_core::people::{Login, LoginPassword, PasswordHash};
use regcred_core::service::{Service, Verified};
use regcred_core::verification::schedule::Jitter;
use regcred_core::verification::{Accounts, Hosts};
use regcred_core::{Error, Result, Timestamp};
use regcred_registry::Prover;

use crate::alerts::Alerts;
use crate::door::Door;
use crate::graphql::{GatewaySchema, PlatformSchema};
use crate::limits::{Hashing, LoginLimits, PullLimits};
use crate::metrics::Metrics;

/// What all requests share.
pub(crate) struct App {
    pub(crate) backend: Arc<Backend>,
    pub(crate) platform: Door<PlatformSchema>,
    pub(crate) gateway: Door<GatewaySchema>,
    pub(crate) number: u32,
    pub(crate) realm: Option<String>,
    pub(crate) metrics: Metrics,
}

/// The use cases, with the limits that stand before the expensive ones.
pub(crate) struct Backend {
    pub(crate) service: Arc<Service>,
    pub(crate) logins: LoginLimits,
    pub(crate) pulls: PullLimits,
    pub(crate) alerts: Alerts,
    pub(crate) prover: Prover,
    /// Which registries are left alone by what is tried without being asked for.
    hosts: Mutex<Hosts>,
    /// Which accounts there.
    accounts: Mutex<Accounts>,
    hashing: Hashing,
}

impl Backend {
    pub(crate) fn new(service: Arc<Service>, prover: Prover, alerts: Alerts) -> Self {
        Self {
            service,
            logins: LoginLimits::new(),
            pulls: PullLimits::default(),
            alerts,
            prover,
            hosts: Mutex::default(),
            accounts: Mutex::default(),
            hashing: Hashing::new(),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.service.clock().now()
    }

    pub(crate) fn hosts(&self) -> MutexGuard<'_, Hosts> {
        // No code under the lock can panic half-way through a change.
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn accounts(&self) -> MutexGuard<'_, Accounts> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn jitter(&self) -> Jitter {
        // Where there is no randomness the registry gets the longer pause.
        Jitter::draw(self.service.random()).unwrap_or(Jitter::ALL)
    }

    /// Proves a password under the limits of logins; `None` where it is wrong or the user unknown.
    pub(crate) async fn prove(
        &self,
        peer: IpAddr,
        login: &Login,
        password: LoginPassword,
    ) -> Result<Option<Verified>> {
        let attempt = self.logins.attempt(peer, login, self.now())?;
        let candidate = self.service.login_candidate(login).await?;
        let verified = self
            .hashing
            .run(attempt.trusted, move || candidate.verify(&password))
            .await?;
        let outcome = if verified.is_some() {
            attempt.succeeded(self.now())
        } else {
            attempt.failed(self.now())
        };
        let service = Arc::clone(&self.service);
        tokio::spawn(async move { service.tell_others(&outcome.to_string()).await });
        Ok(verified)
    }

    /// Hashes a new password.
    pub(crate) async fn hash(self: &Arc<Self>, password: LoginPassword) -> Result<PasswordHash> {
        let backend = Arc::clone(self);
        self.hashing
            .run(true, move || password.hash(backend.service.random()))
            .await
    }
}

/// Who asks, from where: what a resolver needs besides its arguments.
pub(crate) struct Asker {
    pub(crate) backend: Arc<Backend>,
    pub(crate) caller: Caller,
    pub(crate) peer: IpAddr,
    /// How many rows its answer holds so far.
    rows: AtomicUsize,
    /// How many bytes of what jobs and apps say.
    texts: AtomicUsize,
    /// How many rows of jobs and apps were read for it.
    rows_read: AtomicUsize,
    /// How many bytes of what these say.
    texts_read: AtomicUsize,
}

impl Asker {
    pub(crate) fn new(backend: Arc<Backend>, caller: Caller, peer: IpAddr) -> Self {
        Self {
            backend,
            caller,
            peer,
            rows: AtomicUsize::new(0),
            texts: AtomicUsize::new(0),
            rows_read: AtomicUsize::new(0),
            texts_read: AtomicUsize::new(0),
        }
    }

    /// Counts rows of the answer; refuses what one answer cannot hold. Any one list fits.
    pub(crate) fn count_rows(&self, rows: usize) -> Result<()> {
        bounded(&self.rows, rows, MOST_IN_PROJECT).ok_or_else(too_many_rows)
    }

    /// Counts bytes of what jobs and apps say, as they are told; refuses what one answer cannot hold.
    pub(crate) fn count_texts(&self, bytes: usize) -> Result<()> {
        bounded(&self.texts, bytes, MOST_TEXTS).ok_or_else(too_much_text)
    }

    /// Counts rows of jobs and apps, and bytes of what they say, before they are read; refuses what one answer cannot
    /// hold.
    pub(crate) fn count_read(&self, rows: usize, bytes: usize) -> Result<()> {
        bounded(&self.rows_read, rows, MOST_IN_PROJECT).ok_or_else(too_many_rows)?;
        bounded(&self.texts_read, bytes, MOST_TEXTS).ok_or_else(too_much_text)
    }
}

/// Counts so many more, if there are `most` of them by then at most.
fn bounded(count: &AtomicUsize, more: usize, most: usize) -> Option<()> {
    let before = count.fetch_add(more, Ordering::Relaxed);
    (before.saturating_add(more) <= most).then_some(())
}

fn too_many_rows() -> Error {
    Error::invalid(format!(
        "the answer would hold more than {MOST_IN_PROJECT} rows; ask for one list at a time"
    ))
}

fn too_much_text() -> Error {
    Error::invalid(format!(
        "the answer would hold more than {} MiB of jobs and apps; ask for fewer of them at a time, for fewer of \
         their versions with `versions(limit, onlyCurrent)`, or for fewer of their fields",
        MOST_TEXTS >> 20
    ))
}

/// Writes down what the caller is not told of an error.
pub(crate) fn log_fault(error: &Error, request: &RequestId) {
    if let Some(detail) = error.detail() {
        tracing::error!(request_id = %request, detail, "{}", error.message());
    }
}

/// So many bytes of what jobs and apps say are in one answer.
const MOST_TEXTS: usize = 8 << 20;
