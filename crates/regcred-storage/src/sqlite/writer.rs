//! The writer: one thread that commits whatever is waiting in one transaction.
//!
//! First the use cases of a batch run one behind the other. Where one of them is refused, the transaction is rolled back and run
//! again with a savepoint for each, so that one that fails leaves the others alone. The batch has one `COMMIT`, hence one
//! fsync. Nobody is answered before it: also a refusal may rest on what the same batch wrote. Where the commit fails,
//! everybody in the batch is told that nothing was changed.

use std::iter::Peekable;
use std::thread;

use regcred_core::{Error, Result};
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::error::Told as _;
use super::folder::Folder;
use crate::sql::Database;
use crate::trail::Trail;
use crate::unit::{Job, Unit, Work, closed, job};

/// The way to the writer.
#[derive(Clone)]
pub(super) struct Writer(mpsc::Sender<Message>);

enum Message {
    Work(Box<dyn Job>),
    Close(oneshot::Sender<()>),
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(db: Connection, folder: Folder, trail: Trail) -> std::io::Result<Self> {
        let (messages, waiting) = mpsc::channel(MOST_WAITING);
        thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || serve(db, folder, trail, waiting))?;
        Ok(Self(messages))
    }

    /// Runs `work` in a transaction, and answers once it is on disk.
    pub(super) async fn carry_out<W: Work + 'static>(&self, work: W) -> Result<W::Done> {
        // The writer is alone: there is nobody to keep out.
        let (job, mut answer) = job(Vec::new(), work);
        self.0
            .send(Message::Work(job))
            .await
            .map_err(|_| closed())?;
        answer.wait().await
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

fn serve(db: Connection, folder: Folder, mut trail: Trail, mut waiting: mpsc::Receiver<Message>) {
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
            // The last connection to close folds all of the log into the database.
            drop(folder);
            drop(db);
            let _ = done.send(());
            return;
        }
    }
}

/// Runs the jobs in one transaction and answers them all.
fn batch(db: &Connection, trail: &mut Trail, jobs: impl Iterator<Item = Box<dyn Job>>) {
    // Whoever comes once it is at its end belongs to the next batch.
    let mut jobs = jobs.fuse().peekable();
    if jobs.peek().is_none() {
        return;
    }
    let mut taken = Vec::new();
    let committed = carry_out(db, trail, &mut jobs, &mut taken).inspect_err(|error| {
        let detail = error.detail().unwrap_or(error.message());
        tracing::error!(detail, "a batch of changes was not committed");
    });
    // Also those to whom the transaction did not come any more.
    for job in taken.into_iter().chain(jobs) {
        job.answer(committed.clone());
    }
}

/// First without savepoints; where one is refused, all of them again with a savepoint for each.
fn carry_out(
    db: &Connection,
    trail: &mut Trail,
    jobs: &mut Peekable<impl Iterator<Item = Box<dyn Job>>>,
    taken: &mut Vec<Box<dyn Job>>,
) -> Result<()> {
    let plainly = transact(db, trail, |trail| {
        for mut job in jobs.by_ref() {
            let ran = job.run(&mut Unit::new(db, trail));
            taken.push(job);
            ran.map_err(|_| Broken::Refused)?;
            still_open(db)?;
        }
        Ok(())
    });
    match plainly {
        Ok(()) => return Ok(()),
        Err(Broken::Failed(error)) => return Err(error),
        // It rests on what is committed.
        Err(Broken::Refused) if taken.len() == 1 && jobs.peek().is_none() => return Ok(()),
        Err(Broken::Refused) => taken.extend(jobs),
    }
    let carefully = transact(db, trail, |trail| {
        for job in taken {
            attempt(db, trail, job.as_mut())?;
            still_open(db)?;
        }
        Ok(())
    });
    carefully.map_err(|broken| match broken {
        Broken::Failed(error) => error,
        Broken::Refused => Error::internal("a refused change took others with it"),
    })
}

/// Why nothing is left of a transaction.
enum Broken {
    /// A use case was refused.
    Refused,
    Failed(Error),
}

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// All of it or nothing.
fn transact(
    db: &Connection,
    trail: &mut Trail,
    work: impl FnOnce(&mut Trail) -> Result<(), Broken>,
) -> Result<(), Broken> {
    let end = trail.end();
    let done = || {
        Database::execute(db, "BEGIN IMMEDIATE", &[])?;
        work(trail)?;
        trail.write(db)?;
        let mut commit = db.prepare_cached("COMMIT").told()?;
        commit.execute([]).told()?;
        Ok(())
    };
    let done = done();
    if done.is_err() {
        trail.set_back(&end);
        if !db.is_autocommit() {
            let _ = db.execute_batch("ROLLBACK");
        }
    }
    done
}

fn still_open(db: &Connection) -> Result<()> {
    if db.is_autocommit() {
        return Err(Error::unavailable("SQLite gave the whole transaction up"));
    }
    Ok(())
}

/// All of a job or nothing of it; an error where there is no telling.
fn attempt(db: &Connection, trail: &mut Trail, job: &mut dyn Job) -> Result<()> {
    let statement = |sql| Database::execute(db, sql, &[]).map(drop);
    statement("SAVEPOINT unit")?;
    let end = trail.end();
    if job.run(&mut Unit::new(db, trail)).is_err() {
        trail.set_back(&end);
        // Where that fails nothing of the transaction may stay; whoever runs it sees that it is gone.
        if statement("ROLLBACK TO unit").is_err() {
            let _ = statement("ROLLBACK");
        }
    }
    let _ = statement("RELEASE unit");
    Ok(())
}

/// Further use cases wait for the next batch: a bound on how long one commit may become.
const MOST_AT_ONCE: usize = 256;
/// Further ones wait at the sender.
const MOST_WAITING: usize = 1024;
