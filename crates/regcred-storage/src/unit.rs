//! What a use case that changes something works with, and how it waits for its turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use regcred_core::audit::AuditEvent;
use regcred_core::ids::{CredentialsId, ProjectId, UserId};
use regcred_core::store::{NewCredentials, PullRecord, PullRecorded};
use regcred_core::{Error, Result};
use tokio::sync::oneshot;

use crate::sql::Database;
use crate::statements::credentials;
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

/// What a use case does in a transaction.
pub(crate) trait Work: Send {
    type Done: Send;

    /// Does it, as often as it takes until a transaction is committed.
    fn run(&mut self, unit: &mut Unit<'_>) -> Result<Self::Done>;

    /// What may be done together with others of its kind, where that is all that it does.
    fn many(&self) -> Option<Many<'_>> {
        None
    }

    /// What is done once a pull was written down together with others.
    fn pulled(_: PullRecorded) -> Option<Self::Done> {
        None
    }

    /// What is done once credentials were created together with others.
    fn created() -> Option<Self::Done> {
        None
    }
}

/// What comes by the thousand, so that a backend may do it for many in one.
pub(crate) enum Many<'a> {
    Pull(&'a Pull),
    Create(&'a Create),
}

/// A pull that is to be written down.
pub(crate) struct Pull {
    pub(crate) by: By,
    pub(crate) record: PullRecord,
    pub(crate) event: AuditEvent,
}

impl Work for Pull {
    type Done = PullRecorded;

    fn run(&mut self, unit: &mut Unit<'_>) -> Result<PullRecorded> {
        uses::record(unit, &self.by, &self.record, &self.event)
    }

    fn many(&self) -> Option<Many<'_>> {
        Some(Many::Pull(self))
    }

    fn pulled(recorded: PullRecorded) -> Option<PullRecorded> {
        Some(recorded)
    }
}

/// Credentials that are to be created.
pub(crate) struct Create {
    pub(crate) project: ProjectId,
    pub(crate) new: NewCredentials,
    pub(crate) event: AuditEvent,
}

impl Work for Create {
    type Done = ();

    fn run(&mut self, unit: &mut Unit<'_>) -> Result<()> {
        credentials::create(unit, self.project, &self.new, &self.event)
    }

    fn many(&self) -> Option<Many<'_>> {
        // A proof took longer than all that is saved by it.
        self.new.proof.is_none().then_some(Many::Create(self))
    }

    fn created() -> Option<()> {
        Some(())
    }
}

/// Any other.
pub(crate) struct Other<F>(pub(crate) F);

impl<T: Send, F: FnMut(&mut Unit<'_>) -> Result<T> + Send> Work for Other<F> {
    type Done = T;

    fn run(&mut self, unit: &mut Unit<'_>) -> Result<T> {
        (self.0)(unit)
    }
}

/// A use case that waits for the writer.
pub(crate) trait Job: Send {
    /// What it must hold.
    fn keys(&self) -> &[Key];
    /// What may be done together with others of its kind, where that is all that it does.
    fn many(&self) -> Option<Many<'_>>;
    /// Its pull was written down together with others.
    fn pulled(&mut self, recorded: PullRecorded);
    /// Its credentials were created together with others.
    fn created(&mut self);
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
pub(crate) fn job<W: Work + 'static>(keys: Vec<Key>, work: W) -> (Box<dyn Job>, Answer<W::Done>) {
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

struct Task<W: Work> {
    keys: Vec<Key>,
    work: W,
    done: Option<Result<W::Done>>,
    asker: oneshot::Sender<Result<W::Done>>,
    /// Whether it was begun or given up.
    decided: Arc<AtomicBool>,
}

impl<W: Work> Job for Task<W> {
    fn keys(&self) -> &[Key] {
        &self.keys
    }

    fn many(&self) -> Option<Many<'_>> {
        self.work.many()
    }

    fn pulled(&mut self, recorded: PullRecorded) {
        self.done = W::pulled(recorded).map(Ok);
    }

    fn created(&mut self) {
        self.done = W::created().map(Ok);
    }

    fn begin(&self) -> bool {
        !self.asker.is_closed() && decide(&self.decided)
    }

    fn run(&mut self, unit: &mut Unit<'_>) -> Result<()> {
        let done = self.work.run(unit);
        let outcome = done.as_ref().map(drop).map_err(Clone::clone);
        self.done = Some(done);
        outcome
    }

    fn fail(&mut self, error: Error) {
        self.done = Some(Err(error));
    }

    fn answer(self: Box<Self>, committed: Result<()>) {
        // Without a transaction there is no work done, and nothing was committed.
        let Self { done, asker, .. } = *self;
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
