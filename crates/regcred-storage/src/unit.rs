//! What a use case that changes something works with, and how it waits for its turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use regcred_core::audit::AuditEvent;
use regcred_core::ids::{CredentialsId, ProjectId, UserId};
use regcred_core::store::{PullRecord, PullRecorded};
use regcred_core::{Error, Result};
use tokio::sync::oneshot;

use crate::sql::Database;
use crate::statements::uses::{self, By};
use crate::trail::Trail;

/// The open transaction, and the audit trail.
pub(crate) struct Unit<'a> {
    pub(crate) db: &'a dyn Database,
    trail: &'a mut Trail,
}

impl<'a> Unit<'a> {
    pub(crate) fn new(db: &'a dyn Database, trail: &'a mut Trail) -> Self {
        Self { db, trail }
    }

    /// Writes down that something was done, in the transaction that does it.
    pub(crate) fn record(&mut self, event: &AuditEvent) -> Result<()> {
        self.trail.append(event)
    }

    /// Tells other processes on the same database, once this is committed, that tokens or rights were changed or something
    /// waits to be delivered.
    pub(crate) fn tell(&self) -> Result<()> {
        self.db.notify()
    }

    /// Keeps others out of `key` until the end of the transaction.
    pub(crate) fn lock(&self, key: Key) -> Result<()> {
        self.db.lock(&[key])
    }
}

/// What only one transaction changes at a time, where several can change something at once. Whoever decides on what it
/// has read of a thing holds its key from before it reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    /// Who is an admin.
    Admins,
    /// Which projects tokens have.
    Tokens,
    /// A user, with password and sessions.
    User(UserId),
    /// A project with all that is in it, but for the use of its credentials.
    Project(ProjectId),
    /// The use of credentials.
    Use(CredentialsId),
}

/// A use case that waits for the writer.
pub(crate) trait Job: Send {
    /// What it must hold.
    fn keys(&self) -> &[Key];
    /// The pull that it writes down, where that is all that it does.
    fn pull(&self) -> Option<&Pull> {
        None
    }
    /// Says what came of writing its pull down in another way than by [`Self::run`].
    fn pulled(&mut self, _: PullRecorded) {}
    /// Takes it on; `false` where nobody waits for it any more.
    fn begin(&self) -> bool;
    /// Does the work in a transaction, as often as it takes until one is committed.
    fn run(&mut self, unit: &mut Unit<'_>) -> Result<()>;
    /// Its work failed after all.
    fn fail(&mut self, error: Error);
    /// Tells whoever asked, once it is known whether the transaction of the last run was committed.
    fn answer(self: Box<Self>, committed: Result<()>);
}

/// A job, and where its answer arrives.
pub(crate) fn job<T: Send + 'static>(
    keys: Vec<Key>,
    work: impl FnMut(&mut Unit<'_>) -> Result<T> + Send + 'static,
) -> (Box<dyn Job>, Answer<T>) {
    let (asker, answer) = oneshot::channel();
    let decided = Arc::new(AtomicBool::new(false));
    let task = Task {
        keys,
        work,
        done: None,
        asker,
        decided: Arc::clone(&decided),
    };
    (Box::new(task), Answer { answer, decided })
}

/// A pull that is to be written down.
pub(crate) struct Pull {
    pub(crate) by: By,
    pub(crate) record: PullRecord,
    pub(crate) event: AuditEvent,
}

/// A job that writes a pull down, and where its answer arrives.
pub(crate) fn pull_job(pull: Pull) -> (Box<dyn Job>, Answer<PullRecorded>) {
    let keys = vec![Key::Use(pull.record.credentials)];
    let (asker, answer) = oneshot::channel();
    let decided = Arc::new(AtomicBool::new(false));
    let task = PullTask {
        pull,
        task: Task {
            keys,
            work: (),
            done: None,
            asker,
            decided: Arc::clone(&decided),
        },
    };
    (Box::new(task), Answer { answer, decided })
}

struct PullTask {
    pull: Pull,
    task: Task<PullRecorded, ()>,
}

impl Job for PullTask {
    fn keys(&self) -> &[Key] {
        &self.task.keys
    }

    fn pull(&self) -> Option<&Pull> {
        Some(&self.pull)
    }

    fn pulled(&mut self, recorded: PullRecorded) {
        self.task.done = Some(Ok(recorded));
    }

    fn begin(&self) -> bool {
        self.task.begin()
    }

    fn run(&mut self, unit: &mut Unit<'_>) -> Result<()> {
        let Pull { by, record, event } = &self.pull;
        let done = uses::record(unit, by, record, event);
        self.task.finish(done)
    }

    fn fail(&mut self, error: Error) {
        self.task.done = Some(Err(error));
    }

    fn answer(self: Box<Self>, committed: Result<()>) {
        self.task.answer(committed);
    }
}

/// The answer to a job.
pub(crate) struct Answer<T> {
    answer: oneshot::Receiver<Result<T>>,
    decided: Arc<AtomicBool>,
}

impl<T> Answer<T> {
    /// Waits for it.
    pub(crate) async fn wait(&mut self) -> Result<T> {
        (&mut self.answer).await.map_err(|_| closed())?
    }

    /// Gives the job up, unless it was begun.
    pub(crate) fn give_up(&self) -> bool {
        decide(&self.decided)
    }
}

struct Task<T, F> {
    keys: Vec<Key>,
    work: F,
    done: Option<Result<T>>,
    asker: oneshot::Sender<Result<T>>,
    /// Whether it was begun or given up.
    decided: Arc<AtomicBool>,
}

impl<T: Send, F: FnMut(&mut Unit<'_>) -> Result<T> + Send> Job for Task<T, F> {
    fn keys(&self) -> &[Key] {
        &self.keys
    }

    fn begin(&self) -> bool {
        Task::begin(self)
    }

    fn run(&mut self, unit: &mut Unit<'_>) -> Result<()> {
        let done = (self.work)(unit);
        self.finish(done)
    }

    fn fail(&mut self, error: Error) {
        self.done = Some(Err(error));
    }

    fn answer(self: Box<Self>, committed: Result<()>) {
        Task::answer(*self, committed);
    }
}

impl<T, F> Task<T, F> {
    fn begin(&self) -> bool {
        !self.asker.is_closed() && decide(&self.decided)
    }

    /// Keeps what was done; whether it failed.
    fn finish(&mut self, done: Result<T>) -> Result<()> {
        let outcome = done.as_ref().map(drop).map_err(Clone::clone);
        self.done = Some(done);
        outcome
    }

    fn answer(self, committed: Result<()>) {
        // Without a transaction there is no work done, and nothing was committed.
        let Self { done, asker, .. } = self;
        let done = committed.and_then(|()| done.unwrap_or_else(|| Err(closed())));
        let _ = asker.send(done);
    }
}

/// Whether it is we who decide.
fn decide(decided: &AtomicBool) -> bool {
    !decided.swap(true, Ordering::AcqRel)
}

/// The store was closed.
pub(crate) fn closed() -> Error {
    Error::unavailable("the store is closed")
}
