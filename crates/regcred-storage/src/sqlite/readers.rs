//! Connections that only read, beside the writer.
//!
//! In WAL mode a reader waits for nobody, and what it reads lies in the page cache: a look-up is over sooner than it
//! would be handed to another thread. So look-ups run where they are asked for
//! ([`Readers::read`]); only what grows with the whole database goes to a thread for blocking work
//! ([`Readers::scan`]).

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use regcred_core::{Error, Result};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::Semaphore;

use super::error::Told as _;
use crate::sql::Database;
use crate::unit::closed;

/// Idle connections, and how to make more.
#[derive(Clone)]
pub(super) struct Readers(Arc<Pool>);

struct Pool {
    path: PathBuf,
    /// `None` once closed.
    idle: Mutex<Option<Vec<Connection>>>,
    /// Who may scan: threads are left for other blocking work, such as hashing.
    scanning: Semaphore,
}

impl Readers {
    pub(super) fn new(path: &Path) -> Self {
        Self(Arc::new(Pool {
            path: path.to_owned(),
            idle: Mutex::new(Some(Vec::new())),
            scanning: Semaphore::new(MOST_SCANS),
        }))
    }

    /// A look-up, done here and now.
    pub(super) fn read<T>(&self, work: impl FnOnce(&dyn Database) -> Result<T>) -> Result<T> {
        let db = match self.0.lock().as_mut().ok_or_else(closed)?.pop() {
            Some(db) => db,
            None => connect(&self.0.path).told()?,
        };
        let done = work(&db);
        if let Some(idle) = self.0.lock().as_mut()
            && idle.len() < MOST_IDLE
        {
            idle.push(db);
        }
        done
    }

    /// Something long, done where blocking is allowed, once its turn has come.
    pub(super) async fn scan<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Database) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let _turn = self.0.scanning.acquire().await.map_err(|_| closed())?;
        let readers = self.clone();
        tokio::task::spawn_blocking(move || readers.read(work))
            .await
            .map_err(|error| Error::internal(format!("a read ended badly: {error}")))?
    }

    /// Closes the idle connections; those in use close when they are given back.
    pub(super) fn close(&self) {
        self.0.lock().take();
    }
}

impl Pool {
    fn lock(&self) -> MutexGuard<'_, Option<Vec<Connection>>> {
        // No code under the lock can panic half-way through a change.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that cannot write.
pub(super) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    configure(&db)?;
    db.pragma_update(None, "cache_size", -CACHE)?;
    Ok(db)
}

/// What every connection of the store has.
pub(super) fn configure(db: &Connection) -> rusqlite::Result<()> {
    db.set_prepared_statement_cache_capacity(128);
    // A plan is made once: without this a statement is planned anew for every other value that it is given.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    db.pragma_update(None, "trusted_schema", false)
}

/// As many as read at once on a large machine; more are made for a moment where that is not enough.
const MOST_IDLE: usize = 16;
/// What each of them keeps of the database in memory, in KiB.
const CACHE: i64 = 8 * 1024;
/// So many scans run at once.
const MOST_SCANS: usize = 8;
