//! Credentials are tried by themselves, at a gentle pace.
//!
//! What is due is in the store, which registries and accounts are left alone for now in
//! [`Hosts`](regcred_core::verification::Hosts) and [`Accounts`](regcred_core::verification::Accounts), and the rules of all of
//! it in `regcred-core`. Here it is waited for: one try at a time at each registry, a pause behind it, some in
//! all. A try is put off in the store before anything is sent, so that neither a crash nor a full disk makes a login that fails
//! come over and over again.

mod queue;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use regcred_core::credentials::DockerCredentials;
use regcred_core::service::ToProve;
use regcred_core::verification::{DueCheck, Proof};
use regcred_core::{Error, Result, Timestamp};
use regcred_registry::Login;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::app::Backend;
use crate::metrics::Metrics;
use queue::Queue;

/// What tries credentials by itself.
#[derive(Clone)]
pub(crate) struct Checks {
    backend: Arc<Backend>,
    metrics: Metrics,
}

/// The turn of credentials at their registry: the host is busy until it is over.
struct Turn {
    backend: Arc<Backend>,
    due: DueCheck,
    over: bool,
}

impl Checks {
    pub(crate) fn new(backend: Arc<Backend>, metrics: Metrics) -> Self {
        Self { backend, metrics }
    }

    /// Goes on until `stopping` changes, and finishes what is under way then.
    pub(crate) async fn run(self, mut stopping: watch::Receiver<bool>) {
        let (mut under_way, mut queue) = (JoinSet::new(), Queue::default());
        loop {
            let wait = match self.begin(&mut queue).await {
                Ok((turns, wait)) => {
                    for turn in turns {
                        let checks = self.clone();
                        under_way.spawn(async move { checks.take(turn).await });
                    }
                    wait
                }
                Err(error) => {
                    warn(&error, "it is not known which credentials are to be tried");
                    A_WHILE
                }
            };
            tokio::select! {
                _ = stopping.changed() => break,
                Some(_) = under_way.join_next() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
        while under_way.join_next().await.is_some() {}
    }

    /// The turns that begin now, and how long to wait for the next ones, unless one of these is over before.
    async fn begin(&self, queue: &mut Queue) -> Result<(Vec<Turn>, Duration)> {
        let (backend, now) = (&self.backend, self.backend.now());
        let mut turns = Vec::new();
        if !backend.service.leads() {
            *queue = Queue::default();
            return Ok((turns, LOOK_FOR_THE_LEAD));
        }
        while backend.hosts().places() > 0 {
            let Some(due) = self.next(queue, now).await? else {
                let wait = queue.next(&backend.hosts(), now).since(now);
                return Ok((turns, wait.clamp(A_MOMENT, A_WHILE)));
            };
            turns.push(Turn::begin(Arc::clone(backend), due));
        }
        // It goes on when one of them is over.
        Ok((turns, A_WHILE))
    }

    /// The next one that may begin. What is due of an account that is left alone is put off, and not tried.
    async fn next(&self, queue: &mut Queue, now: Timestamp) -> Result<Option<DueCheck>> {
        let Backend { service, .. } = &*self.backend;
        if queue.is_old(now) {
            self.ask(queue, now).await?;
        }
        loop {
            let first = queue.take(&self.backend.hosts(), now);
            let Some(due) = first else {
                if !queue.is_used_up(now) {
                    return Ok(None);
                }
                self.ask(queue, now).await?;
                continue;
            };
            let left_alone = self.backend.accounts().left_alone(&due, now);
            let Some(account) = left_alone else {
                return Ok(Some(due));
            };
            queue.leave_alone(&account);
            service.put_off_checks(account).await?;
        }
    }

    /// Asks the store what is due before long, at hosts that may be asked until then.
    async fn ask(&self, queue: &mut Queue, now: Timestamp) -> Result<()> {
        let (backend, horizon) = (&self.backend, Queue::horizon(now));
        let resting = backend.hosts().resting(horizon);
        let found = backend.service.due_checks(horizon, resting, queue::MOST);
        queue.fill(found.await?, now);
        Ok(())
    }

    /// One try, from the place at the registry to what is written down of it.
    async fn take(&self, mut turn: Turn) {
        let backend = &self.backend;
        let tried = async {
            // What is opened is what counts once there is a place.
            let Some(place) = backend.prover.place_at(&turn.due.host, ASKER).await else {
                return Ok(None);
            };
            // Somebody may have asked meanwhile: then it is put off when it is found again.
            let left_alone = backend.accounts().left_alone(&turn.due, backend.now());
            if left_alone.is_some() {
                turn.leave();
                return Ok(None);
            }
            let Some(proved) = backend.service.claim_check(&turn.due).await? else {
                turn.leave();
                return Ok(None);
            };
            let login = Login {
                registry: proved.credentials.registry.key(),
                username: &proved.credentials.username,
                password: &proved.password,
                probe: proved.credentials.probe.as_ref(),
            };
            let proof = backend.prover.prove(&login, place).await;
            Ok(Some((proved, proof)))
        };
        let outcome = match tried.await {
            Ok(Some((proved, proof))) => self.finish(turn, &proved, &proof).await,
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = outcome {
            warn(&error, "credentials could not be tried");
        }
    }

    /// Writes down what came of a try, and tells of it.
    async fn finish(&self, turn: Turn, proved: &ToProve, proof: &Proof) -> Result<()> {
        let rest = turn.end(&proved.credentials, proof);
        self.metrics.check(proof.verdict);
        let recorded = self.backend.service.record_check(proved, proof, rest);
        if let Some(recorded) = recorded.await? {
            self.backend.alerts.tell(recorded.announced.as_slice());
        }
        Ok(())
    }
}

impl Turn {
    fn begin(backend: Arc<Backend>, due: DueCheck) -> Self {
        let now = backend.now();
        backend.hosts().begin(&due.host, now);
        Self {
            backend,
            due,
            over: false,
        }
    }

    /// Nothing was sent, so that no pause is called for.
    fn leave(&mut self) {
        self.over = true;
        self.backend.hosts().leave(&self.due.host);
    }

    /// For how long the registry is left alone.
    fn end(mut self, tried: &DockerCredentials, proof: &Proof) -> Duration {
        self.over = true;
        let Self { backend, due, .. } = &self;
        let (now, jitter) = (backend.now(), backend.jitter());
        let of = Some((tried.id, tried.version));
        // Before the host is free for the next one.
        let mut accounts = backend.accounts();
        accounts.hear(&due.host, &tried.username, of, proof.verdict, now);
        drop(accounts);
        backend.hosts().end(&due.host, proof, now, jitter)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.over {
            let now = self.backend.now();
            self.backend.hosts().give_up(&self.due.host, now);
        }
    }
}

/// Tells of credentials that run out, until `stopping` changes. Whoever gets the lead looks at once, also if it had it before.
pub(crate) async fn tell_expiries(backend: Arc<Backend>, mut stopping: watch::Receiver<bool>) {
    let mut looked: Option<Timestamp> = None;
    loop {
        let now = backend.now();
        let leads = backend.service.leads();
        looked = looked.filter(|looked| leads && *looked <= now);
        let due = looked.is_none_or(|looked| looked.plus(A_WHILE) <= now);
        if leads && due {
            match backend.service.announce_expiries().await {
                Ok(announced) if announced.is_empty() => looked = Some(now),
                Ok(announced) => {
                    backend.alerts.tell(&announced);
                    continue;
                }
                Err(error) => {
                    warn(&error, "it could not be told which credentials run out");
                    looked = Some(now);
                }
            }
        }
        tokio::select! {
            _ = stopping.changed() => return,
            () = tokio::time::sleep(LOOK_FOR_THE_LEAD) => {}
        }
    }
}

fn warn(error: &Error, what: &str) {
    tracing::warn!(detail = error.detail(), "{what}: {error}");
}

/// In whose name places are asked for; no project has this one.
const ASKER: &str = "regcred";
/// What was created meanwhile is seen this late.
const A_WHILE: Duration = Duration::from_mins(1);
/// Of several replicas one does what is done by itself; the others see this late that it is their turn.
pub(crate) const LOOK_FOR_THE_LEAD: Duration = Duration::from_secs(2);
const A_MOMENT: Duration = Duration::from_millis(50);
