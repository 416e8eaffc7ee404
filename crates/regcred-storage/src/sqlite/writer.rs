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
use rusqlite::config::DbConfig;
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
        let jobs = std::iter::from_fn(more).take(MOST_AT_ONCE);
        if folder.is_broken() {
            // Who waits for one is told that the store is closed.
            jobs.for_each(drop);
        } else {
            batch(&db, &mut trail, jobs);
        }
        let broken = folder.is_broken();
        if broken || closing.is_some() {
            drop(waiting);
            if broken {
                // What the database may have lost is in the log.
                let _ = db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
            }
            // The last connection to close folds all of the log into the database.
            drop(folder);
            drop(db);
            if let Some(done) = closing {
                let _ = done.send(());
            }
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::FutureExt as _;
    use regcred_core::clock::SystemClock;
    use regcred_core::ids::InstallationId;
    use regcred_core::random::SystemRandom;
    use regcred_core::sealing::{Kek, KeyRing};
    use regcred_core::{Clock as _, ErrorKind};

    use super::*;
    use crate::sqlite::readers::Readers;
    use crate::unit::{Answer, Other};

    /// What a use case does once it has added a row.
    #[derive(Clone, Copy)]
    enum Then {
        IsDone,
        IsRefused,
        /// Fails where there is no savepoint of its own.
        UsesItsSavepoint,
        RollsAllBack,
        RollsAllBackAndFails,
    }
    use Then::{IsDone, IsRefused, RollsAllBack, RollsAllBackAndFails, UsesItsSavepoint};

    const TABLES: &str = "CREATE TABLE added (number INTEGER); \
                          CREATE TABLE audit_head (stream INTEGER PRIMARY KEY, sequence INTEGER, mac BLOB)";

    type Told = std::result::Result<(), ErrorKind>;
    const DONE: Told = Ok(());
    const REFUSED: Told = Err(ErrorKind::Conflict);
    const FAILED: Told = Err(ErrorKind::Internal);
    const UNAVAILABLE: Told = Err(ErrorKind::Unavailable);

    fn keys() -> Arc<KeyRing> {
        let kek = Kek::parse(Kek::generate(&SystemRandom).unwrap().expose()).unwrap();
        let id = InstallationId::generate(SystemClock.now(), &SystemRandom).unwrap();
        let keys = KeyRing::create(id, &kek, &SystemRandom).unwrap();
        Arc::new(KeyRing::open(id, &keys, &kek).unwrap())
    }

    /// Adds the row of its number.
    fn one(number: usize, then: Then) -> (Arc<AtomicUsize>, Box<dyn Job>, Answer<()>) {
        let runs = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&runs);
        let (job, answer) = job(
            Vec::new(),
            Other(move |unit: &mut Unit<'_>| {
                counted.fetch_add(1, Ordering::Relaxed);
                let does = |sql: &str| unit.db.execute(sql, &[]).map(drop);
                does(&format!("INSERT INTO added VALUES ({number})"))?;
                match then {
                    IsDone => Ok(()),
                    IsRefused => Err(Error::conflict("taken")),
                    UsesItsSavepoint => does("ROLLBACK TO unit"),
                    RollsAllBack => does("ROLLBACK"),
                    RollsAllBackAndFails => {
                        does("ROLLBACK")?;
                        Err(Error::internal("broken"))
                    }
                }
            }),
        );
        (runs, job, answer)
    }

    /// Carries a batch out. `expected` is what each is told, and how often it ran; `rows` is what stays.
    fn check(batch_of: &[Then], expected: &[(Told, usize)], rows: &[i64]) {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(TABLES).unwrap();
        let mut trail = Trail::begin_stream(&db, keys(), 1).unwrap();
        let (mut jobs, mut asked) = (Vec::new(), Vec::new());
        for (number, then) in batch_of.iter().enumerate() {
            let (runs, job, answer) = one(number, *then);
            jobs.push(job);
            asked.push((runs, answer));
        }
        batch(&db, &mut trail, jobs.into_iter());
        let told = asked.into_iter().map(|(runs, mut answer)| {
            let told = answer.wait().now_or_never().unwrap();
            let told = told.map_err(|error| error.kind());
            (told, runs.load(Ordering::Relaxed))
        });
        assert_eq!(told.collect::<Vec<_>>(), expected);
        assert!(db.is_autocommit());
        let sql = "SELECT number FROM added ORDER BY number";
        let mut statement = db.prepare(sql).unwrap();
        let stay = statement.query_map([], |row| row.get(0)).unwrap();
        assert_eq!(stay.collect::<rusqlite::Result<Vec<i64>>>().unwrap(), rows);
    }

    #[test]
    fn what_nobody_refuses_is_done_once_and_without_savepoints() {
        check(&[IsDone, IsDone], &[(DONE, 1), (DONE, 1)], &[0, 1]);
        check(&[UsesItsSavepoint], &[(FAILED, 1)], &[]);
    }

    #[test]
    fn one_that_is_refused_leaves_the_others_alone() {
        let refused_last = [(DONE, 2), (DONE, 2), (REFUSED, 2)];
        check(&[IsDone, IsDone, IsRefused], &refused_last, &[0, 1]);
        // Those behind it ran only in the second run.
        check(&[IsRefused, IsDone], &[(REFUSED, 2), (DONE, 1)], &[1]);
        check(&[IsRefused, IsRefused], &[(REFUSED, 2), (REFUSED, 1)], &[]);
        check(&[UsesItsSavepoint, IsDone], &[(DONE, 2), (DONE, 1)], &[1]);
    }

    #[test]
    fn one_that_is_refused_alone_is_not_run_again() {
        check(&[IsRefused], &[(REFUSED, 1)], &[]);
        check(&[RollsAllBackAndFails], &[(FAILED, 1)], &[]);
    }

    #[test]
    fn nothing_stays_of_a_transaction_that_was_given_up() {
        check(&[RollsAllBack], &[(UNAVAILABLE, 1)], &[]);
        let both = [(UNAVAILABLE, 1), (UNAVAILABLE, 1)];
        check(&[IsDone, RollsAllBack], &both, &[]);
        let all = [(UNAVAILABLE, 2), (UNAVAILABLE, 2), (UNAVAILABLE, 0)];
        check(&[IsDone, RollsAllBackAndFails, IsDone], &all, &[]);
    }

    #[tokio::test]
    async fn nothing_is_written_and_nothing_lost_once_a_disk_fails_to_keep_what_was_folded() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.db");
        let mut db = Connection::open(&path).unwrap();
        db.execute_batch("PRAGMA journal_mode = WAL").unwrap();
        db.execute_batch(TABLES).unwrap();
        let trail = Trail::begin_stream(&db, keys(), 1).unwrap();
        let connection = Connection::open(&path).unwrap();
        let keep_log = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
        connection.set_db_config(keep_log, true).unwrap();
        let lost = || Err(std::io::Error::other("lost"));
        let folder = Folder::start(connection, lost).unwrap();
        folder.attend(&mut db, &Readers::new(&path)).unwrap();
        let writer = Writer::start(db, folder, trail).unwrap();
        let add = async || {
            let sql = "INSERT INTO added VALUES (zeroblob(1000000))";
            let add = Other(move |unit: &mut Unit<'_>| unit.db.execute(sql, &[]).map(drop));
            writer.carry_out(add).await
        };
        let mut added = 0;
        let refused = loop {
            match add().await {
                Ok(()) => added += 1,
                Err(error) => break error,
            }
            assert!(added < 1_000, "the disk is not heard");
        };
        assert_eq!(refused.kind(), ErrorKind::Unavailable);
        writer.close().await;
        assert!(!writer.alive());
        // The log is left to whoever opens the database next, who folds it from its beginning.
        let log = std::fs::metadata(directory.path().join("a.db-wal")).unwrap();
        assert!(log.len() > 16 * 1024 * 1024);
        let db = Connection::open(&path).unwrap();
        let count = |sql| db.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(count("SELECT count(*) FROM added"), added);
    }
}
