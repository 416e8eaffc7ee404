//! The writer: one thread that commits whatever is waiting in one transaction.
//!
//! Each use case is a savepoint, so one that fails leaves the others alone; the batch has one `COMMIT`, hence one
//! fsync. Nobody is answered before it: also a refusal may rest on what the same batch wrote. Where the commit fails,
//! everybody in the batch is told that nothing was changed.

use std::thread;

use regcred_core::audit::AuditEvent;
use regcred_core::{Error, Result};
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::audit::Trail;
use super::columns::execute;
use super::error::{Told as _, closed};

/// The way to the writer.
#[derive(Clone)]
pub(super) struct Writer(mpsc::Sender<Message>);

/// What a use case writes with: the open transaction, and the audit trail.
pub(super) struct Unit<'a> {
    pub(super) db: &'a Connection,
    trail: &'a mut Trail,
}

enum Message {
    Work(Job),
    Close(oneshot::Sender<()>),
}

/// Does its work, unless there is no transaction to do it in.
type Job = Box<dyn FnOnce(Option<&mut Unit<'_>>) -> Answer + Send>;

/// Tells whoever asked, once it is known whether the batch was committed.
type Answer = Box<dyn FnOnce(Result<(), Error>) + Send>;

impl Writer {
    /// Starts the thread.
    pub(super) fn start(db: Connection, trail: Trail) -> std::io::Result<Self> {
        let (messages, waiting) = mpsc::channel(MOST_WAITING);
        thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || serve(db, trail, waiting))?;
        Ok(Self(messages))
    }

    /// Runs `work` in a transaction, and answers once it is on disk.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Unit<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |unit| {
            let done = unit.map(|unit| unit.attempt(work));
            Box::new(move |committed: Result<()>| {
                // Without a transaction there is no work done, and nothing was committed.
                let done = committed.and_then(|()| done.unwrap_or_else(|| Err(closed())));
                let _ = answer.send(done);
            })
        });
        self.0
            .send(Message::Work(job))
            .await
            .map_err(|_| closed())?;
        answered.await.map_err(|_| closed())?
    }

    /// Whether the thread still takes work.
    pub(super) fn alive(&self) -> bool {
        !self.0.is_closed()
    }

    /// Finishes what is waiting and ends the thread.
    pub(super) async fn close(&self) {
        let (done, ended) = oneshot::channel();
        if self.0.send(Message::Close(done)).await.is_ok() {
            let _ = ended.await;
        }
    }
}

impl Unit<'_> {
    /// Writes down that something was done, in the transaction that does it.
    pub(super) fn record(&mut self, event: &AuditEvent) -> Result<()> {
        self.trail.append(self.db, event)
    }

    /// All of `work` or nothing of it.
    fn attempt<T>(&mut self, work: impl FnOnce(&mut Unit<'_>) -> Result<T>) -> Result<T> {
        execute(self.db, "SAVEPOINT unit", [])?;
        let end = self.trail.end();
        let done = work(self);
        if done.is_err() {
            self.trail.set_back(end);
            // Where that fails nothing of the transaction may stay; the batch sees that it is gone.
            if execute(self.db, "ROLLBACK TO unit", []).is_err() {
                let _ = execute(self.db, "ROLLBACK", []);
            }
        }
        let _ = execute(self.db, "RELEASE unit", []);
        done
    }
}

fn serve(db: Connection, mut trail: Trail, mut waiting: mpsc::Receiver<Message>) {
    while let Some(message) = waiting.blocking_recv() {
        let mut message = Some(message);
        let mut closing = None;
        let more = || match message.take().or_else(|| waiting.try_recv().ok()) {
            Some(Message::Work(job)) => Some(job),
            Some(Message::Close(done)) => {
                closing = Some(done);
                None
            }
            None => None,
        };
        batch(&db, &mut trail, std::iter::from_fn(more).take(MOST_AT_ONCE));
        if let Some(done) = closing {
            drop(waiting);
            // The last connection to close folds the log into the database.
            drop(db);
            let _ = done.send(());
            return;
        }
    }
}

/// Runs the jobs in one transaction and answers them all.
fn batch(db: &Connection, trail: &mut Trail, jobs: impl Iterator<Item = Job>) {
    // Whoever comes once it is at its end belongs to the next batch.
    let mut jobs = jobs.fuse().peekable();
    if jobs.peek().is_none() {
        return;
    }
    let end = trail.end();
    let mut answers = Vec::new();
    let committed = transact(db, trail, &mut jobs, &mut answers).inspect_err(|error| {
        trail.set_back(end);
        if !db.is_autocommit() {
            let _ = db.execute_batch("ROLLBACK");
        }
        let detail = error.detail().unwrap_or(error.message());
        tracing::error!(detail, "a batch of changes was not committed");
    });
    // Those to whom the transaction did not come any more.
    answers.extend(jobs.map(|job| job(None)));
    for answer in answers {
        answer(committed.clone());
    }
}

fn transact(
    db: &Connection,
    trail: &mut Trail,
    jobs: &mut impl Iterator<Item = Job>,
    answers: &mut Vec<Answer>,
) -> Result<()> {
    execute(db, "BEGIN IMMEDIATE", [])?;
    let end = trail.end();
    for job in jobs {
        answers.push(job(Some(&mut Unit { db, trail })));
        if db.is_autocommit() {
            return Err(Error::unavailable("SQLite gave the whole transaction up"));
        }
    }
    if trail.end() != end {
        trail.write_head(db)?;
    }
    db.prepare_cached("COMMIT")
        .and_then(|mut commit| commit.execute([]))
        .map(drop)
        .told()
}

/// Further use cases wait for the next batch: a bound on how long one commit may become.
const MOST_AT_ONCE: usize = 256;
/// Further ones wait at the sender.
const MOST_WAITING: usize = 1024;
