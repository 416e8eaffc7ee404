//! The folder: one thread that folds the log into the database, beside the writer.
//!
//! Most of a long log is folded, and is on the disk in the database, while the writer goes on. What it writes meanwhile is left
//! over, and as SQLite begins the log anew only once all of it is folded, the writer folds the rest behind its next commits.
//!
//! A disk that does not say that it keeps what was folded may have lost it, and says so once. Nothing is folded any more then,
//! and nothing written: the log has all of it, and whoever opens the database next folds the log from its beginning.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;
use rusqlite::hooks::Wal;

use super::error::is_of_sync;
use super::readers::Readers;

/// The thread, and how it is asked.
pub(super) struct Folder {
    desk: Arc<Desk>,
    thread: Option<JoinHandle<()>>,
}

/// What the writer and the thread tell each other.
struct Desk {
    stage: Mutex<Stage>,
    changed: Condvar,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The log is short.
    Short,
    /// The log had so many pages: the thread folds them.
    Folding(i32),
    /// The thread has done so: the writer folds the rest, unless it is long, too.
    Rest(i32),
    /// The disk may have lost something.
    Broken,
    /// The store is closed.
    Closed,
}

/// What is to be done for a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Duty {
    AskTheThread,
    FoldTheRest,
}

impl Folder {
    /// Starts the thread. `db` is its own connection, on the database of the writer, and `sync` has the disk keep what is in
    /// that.
    pub(super) fn start(
        db: Connection,
        sync: impl Fn() -> io::Result<()> + Send + 'static,
    ) -> io::Result<Self> {
        let desk = Arc::new(Desk {
            stage: Mutex::new(Stage::Short),
            changed: Condvar::new(),
        });
        let asked = Arc::clone(&desk);
        let thread = thread::Builder::new()
            .name("sqlite-folder".to_owned())
            .spawn(move || asked.serve(&db, sync))?;
        Ok(Self {
            desk,
            thread: Some(thread),
        })
    }

    /// Has the readers told of each commit of the writer, and the log folded once it is long.
    pub(super) fn attend(
        &self,
        writer: &mut Connection,
        readers: &Readers,
    ) -> rusqlite::Result<()> {
        let (desk, readers) = (Arc::clone(&self.desk), readers.clone());
        writer.wal_hook(Some(move |log: &mut Wal, pages| {
            let duty = desk.committed(pages);
            // No further than somebody looks into it can the log be folded.
            readers.committed(duty.is_some());
            match duty {
                Some(Duty::AskTheThread) => desk.changed.notify_one(),
                // What cannot be folded now is with the next commit.
                Some(Duty::FoldTheRest) => {
                    if let Err(error) = log.checkpoint()
                        && is_of_sync(&error)
                    {
                        desk.broke(&error);
                    }
                }
                None => {}
            }
            Ok(())
        }))
    }

    /// Whether nothing may be written any more.
    pub(super) fn is_broken(&self) -> bool {
        *self.desk.lock() == Stage::Broken
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        *self.desk.lock() = Stage::Closed;
        self.desk.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Desk {
    fn serve(&self, db: &Connection, sync: impl Fn() -> io::Result<()>) {
        loop {
            let idle = |stage: &mut Stage| !matches!(stage, Stage::Folding(_) | Stage::Closed);
            let asked = self.changed.wait_while(self.lock(), idle);
            let stage = *asked.unwrap_or_else(PoisonError::into_inner);
            let Stage::Folding(pages) = stage else {
                return;
            };
            match db.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())) {
                Err(error) if is_of_sync(&error) => self.broke(&error),
                // What it does not fold, the writer does.
                Err(error) => {
                    let detail = error.to_string();
                    tracing::warn!(detail, "the log was not folded into the database");
                }
                // SQLite itself does this only where all of the log was folded.
                Ok(()) => {
                    let _ = sync().inspect_err(|error| self.broke(error));
                }
            }
            let mut stage = self.lock();
            if matches!(*stage, Stage::Folding(_)) {
                *stage = Stage::Rest(pages);
            }
        }
    }

    /// Something was committed, and the log has so many pages.
    fn committed(&self, pages: i32) -> Option<Duty> {
        let mut stage = self.lock();
        let (next, duty) = match *stage {
            Stage::Short if pages >= LONG => (Stage::Folding(pages), Some(Duty::AskTheThread)),
            Stage::Rest(_) if pages < LONG => (Stage::Short, None),
            Stage::Rest(before) if pages >= before.saturating_add(LONG) => {
                (Stage::Folding(pages), Some(Duty::AskTheThread))
            }
            Stage::Rest(before) => (Stage::Rest(before), Some(Duty::FoldTheRest)),
            same => (same, None),
        };
        *stage = next;
        duty
    }

    fn broke(&self, error: &dyn std::error::Error) {
        let detail = error.to_string();
        tracing::error!(
            detail,
            "the disk may have lost what was folded into the database; nothing is written any more until regcred is started \
             again, which folds the log from its beginning"
        );
        *self.lock() = Stage::Broken;
    }

    fn lock(&self) -> MutexGuard<'_, Stage> {
        // No code under the lock can panic half-way through a change.
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// So many pages are a long log.
const LONG: i32 = 4_000;

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use tempfile::TempDir;

    use super::*;

    fn desk(stage: Stage) -> Desk {
        Desk {
            stage: Mutex::new(stage),
            changed: Condvar::new(),
        }
    }

    #[test]
    fn a_long_log_is_folded_by_the_thread_and_then_by_the_writer_until_it_begins_anew() {
        let desk = desk(Stage::Short);
        assert_eq!(desk.committed(LONG - 1), None);
        assert_eq!(desk.committed(LONG), Some(Duty::AskTheThread));
        // The thread is at it.
        assert_eq!(desk.committed(LONG + 1), None);
        assert_eq!(desk.committed(5 * LONG), None);
        *desk.lock() = Stage::Rest(LONG);
        assert_eq!(desk.committed(LONG + 9), Some(Duty::FoldTheRest));
        assert_eq!(desk.committed(2 * LONG - 1), Some(Duty::FoldTheRest));
        assert_eq!(desk.committed(6), None);
        assert_eq!(desk.committed(LONG), Some(Duty::AskTheThread));
    }

    #[test]
    fn a_rest_that_is_long_is_for_the_thread_again() {
        let desk = desk(Stage::Rest(LONG));
        assert_eq!(desk.committed(2 * LONG), Some(Duty::AskTheThread));
        assert_eq!(*desk.lock(), Stage::Folding(2 * LONG));
    }

    #[test]
    fn a_log_that_began_anew_while_the_thread_was_still_at_it_is_short_with_the_next_commit() {
        let desk = desk(Stage::Folding(LONG));
        assert_eq!(desk.committed(6), None);
        *desk.lock() = Stage::Rest(LONG);
        assert_eq!(desk.committed(12), None);
        assert_eq!(*desk.lock(), Stage::Short);
    }

    #[test]
    fn nothing_is_folded_once_the_disk_may_have_lost_something() {
        let desk = desk(Stage::Broken);
        assert_eq!(desk.committed(9 * LONG), None);
        assert_eq!(desk.committed(1), None);
        assert_eq!(*desk.lock(), Stage::Broken);
    }

    /// A writer whose log is long, and what became of it.
    fn scene(sync: impl Fn() -> io::Result<()> + Send + 'static) -> (TempDir, Connection, Folder) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.db");
        let mut writer = Connection::open(&path).unwrap();
        let setup = "PRAGMA journal_mode = WAL; CREATE TABLE t (a BLOB)";
        writer.execute_batch(setup).unwrap();
        let folder = Folder::start(Connection::open(&path).unwrap(), sync).unwrap();
        folder.attend(&mut writer, &Readers::new(&path)).unwrap();
        let insert = format!("INSERT INTO t VALUES (zeroblob({}))", LONG * 4_096);
        writer.execute_batch(&insert).unwrap();
        let begun = Instant::now();
        while matches!(*folder.desk.lock(), Stage::Short | Stage::Folding(_)) {
            assert!(begun.elapsed() < Duration::from_secs(30), "it is not done");
            thread::sleep(Duration::from_millis(1));
        }
        (directory, writer, folder)
    }

    #[test]
    fn the_thread_folds_when_it_is_asked_and_ends_with_its_owner() {
        let (directory, writer, folder) = scene(|| Ok(()));
        assert!(matches!(*folder.desk.lock(), Stage::Rest(_)));
        // Nobody wrote meanwhile, so nothing is left for the writer.
        let database = std::fs::metadata(directory.path().join("a.db")).unwrap();
        assert!(database.len() > 4_096 * u64::from(LONG.unsigned_abs()));
        drop(folder);
        writer.execute_batch("DELETE FROM t").unwrap();
    }

    #[test]
    fn a_disk_that_does_not_keep_what_was_folded_ends_it() {
        let (_directory, _writer, folder) = scene(|| Err(io::Error::other("lost")));
        assert!(folder.is_broken());
    }
}
