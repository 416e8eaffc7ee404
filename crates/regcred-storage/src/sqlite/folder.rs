//! The folder: one thread that folds the log into the database, beside the writer.
//!
//! Most of a long log is folded while the writer goes on. What it writes meanwhile is left over, and as SQLite begins the log
//! anew only once all of it is folded, the writer folds the rest behind its next commit: little, for which it stops for a moment.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;
use rusqlite::hooks::Wal;

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
    /// The log is long: the thread folds what is in it.
    Folding,
    /// The thread has done so: the writer folds the rest.
    Rest,
    /// The store is closed.
    Closed,
}

impl Folder {
    /// Starts the thread. `db` is its own connection, on the database of the writer.
    pub(super) fn start(db: Connection) -> io::Result<Self> {
        let desk = Arc::new(Desk {
            stage: Mutex::new(Stage::Short),
            changed: Condvar::new(),
        });
        let asked = Arc::clone(&desk);
        let thread = thread::Builder::new()
            .name("sqlite-folder".to_owned())
            .spawn(move || asked.serve(&db))?;
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
            let before = desk.committed(pages >= LONG);
            // No further than somebody looks into it can the log be folded.
            readers.committed(before.is_some());
            match before {
                Some(Stage::Short) => desk.changed.notify_one(),
                // What cannot be folded now is with the next commit.
                Some(_) => drop(log.checkpoint()),
                None => {}
            }
            Ok(())
        }))
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
    fn serve(&self, db: &Connection) {
        loop {
            let idle = |stage: &mut Stage| matches!(stage, Stage::Short | Stage::Rest);
            let asked = self.changed.wait_while(self.lock(), idle);
            let stage = *asked.unwrap_or_else(PoisonError::into_inner);
            if stage == Stage::Closed {
                return;
            }
            // What it does not fold, the writer does.
            let _ = db.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
            let mut stage = self.lock();
            if *stage == Stage::Folding {
                *stage = Stage::Rest;
            }
        }
    }

    /// Something was committed; the stage in which something has to be done for the log.
    fn committed(&self, long: bool) -> Option<Stage> {
        let mut stage = self.lock();
        let before = *stage;
        *stage = match before {
            Stage::Short if long => Stage::Folding,
            Stage::Rest if !long => Stage::Short,
            same => same,
        };
        (long && matches!(before, Stage::Short | Stage::Rest)).then_some(before)
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
    use super::*;

    fn desk(stage: Stage) -> Desk {
        Desk {
            stage: Mutex::new(stage),
            changed: Condvar::new(),
        }
    }

    #[test]
    fn a_long_log_is_folded_once_by_the_thread_and_then_by_the_writer_until_it_begins_anew() {
        let desk = desk(Stage::Short);
        assert_eq!(desk.committed(false), None);
        assert_eq!(desk.committed(true), Some(Stage::Short));
        // The thread is at it.
        assert_eq!(desk.committed(true), None);
        assert_eq!(desk.committed(true), None);
        *desk.lock() = Stage::Rest;
        assert_eq!(desk.committed(true), Some(Stage::Rest));
        assert_eq!(desk.committed(true), Some(Stage::Rest));
        assert_eq!(desk.committed(false), None);
        assert_eq!(desk.committed(true), Some(Stage::Short));
    }

    #[test]
    fn a_log_that_began_anew_while_the_thread_was_still_at_it_is_short_with_the_next_commit() {
        let desk = desk(Stage::Folding);
        assert_eq!(desk.committed(false), None);
        *desk.lock() = Stage::Rest;
        assert_eq!(desk.committed(false), None);
        assert_eq!(*desk.lock(), Stage::Short);
    }

    #[test]
    fn the_thread_folds_when_it_is_asked_and_ends_with_its_owner() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.db");
        let mut writer = Connection::open(&path).unwrap();
        let setup =
            "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (a BLOB)";
        writer.execute_batch(setup).unwrap();
        let folder = Folder::start(Connection::open(&path).unwrap()).unwrap();
        folder.attend(&mut writer, &Readers::new(&path)).unwrap();
        let size = || std::fs::metadata(&path).unwrap().len();
        let before = size();
        let insert = format!("INSERT INTO t VALUES (zeroblob({}))", LONG * 4_096);
        writer.execute_batch(&insert).unwrap();
        while *folder.desk.lock() != Stage::Rest {
            thread::yield_now();
        }
        // Nobody wrote meanwhile, so nothing is left for the writer.
        assert!(size() > before + 4_096 * u64::from(LONG.unsigned_abs()));
        drop(folder);
        writer.execute_batch("DELETE FROM t").unwrap();
    }
}
