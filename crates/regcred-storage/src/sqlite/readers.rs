//! Connections that only read, beside the writer.
//!
//! In WAL mode a reader waits for nobody, and what it reads lies in the page cache: a look-up is over sooner than it
//! would be handed to another thread. So look-ups run where they are asked for
//! ([`Readers::read`]); only what grows with the whole database goes to a thread for blocking work
//! ([`Readers::scan`]).
//!
//! To begin and to end a read transaction takes locks in a file that all readers share. So a connection keeps seeing what it saw
//! as long as nothing was committed since; nobody is shown what was kept for longer than a moment. While the rest of the log is
//! folded into the database nothing is kept: SQLite begins it anew only when nobody looks into it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

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
    idle: Mutex<Option<Vec<Reader>>>,
    /// How often the writer committed something.
    commits: AtomicU64,
    /// Whether nobody is to keep looking into the log.
    folding: AtomicBool,
    /// Who may scan: threads are left for other blocking work, such as hashing.
    scanning: Semaphore,
}

/// A connection, and what it sees.
struct Reader {
    db: Connection,
    seen: Option<Seen>,
}

/// The state of the database behind so many commits, as it was looked up.
#[derive(Clone, Copy)]
struct Seen {
    commits: u64,
    since: Instant,
}

impl Readers {
    pub(super) fn new(path: &Path) -> Self {
        Self(Arc::new(Pool {
            path: path.to_owned(),
            idle: Mutex::new(Some(Vec::new())),
            commits: AtomicU64::new(0),
            folding: AtomicBool::new(false),
            scanning: Semaphore::new(MOST_SCANS),
        }))
    }

    /// A look-up, done here and now. It sees whatever was committed before.
    pub(super) fn read<T>(&self, work: impl FnOnce(&dyn Database) -> Result<T>) -> Result<T> {
        let idle = self.0.lock().as_mut().ok_or_else(closed)?.pop();
        let mut reader = match idle {
            Some(reader) => reader,
            None => Reader {
                db: connect(&self.0.path).told()?,
                seen: None,
            },
        };
        reader.look(self.commits())?;
        let done = work(&reader.db);
        let kept = match reader.seen {
            Some(seen) if done.is_ok() && self.may_keep(seen) => Ok(()),
            _ => reader.let_go(),
        };
        if kept.is_ok()
            && let Some(idle) = self.0.lock().as_mut()
            && idle.len() < MOST_IDLE
        {
            idle.push(reader);
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

    /// Something was committed: whoever reads from now on sees it. Where the log is to be folded into the database as it is now,
    /// what idle connections see is ended, and nothing is kept until the next commit.
    pub(super) fn committed(&self, folding: bool) {
        self.0.commits.fetch_add(1, Ordering::AcqRel);
        self.0.folding.store(folding, Ordering::Release);
        if folding && let Some(idle) = self.0.lock().as_mut() {
            idle.retain_mut(|reader| reader.let_go().is_ok());
        }
    }

    fn may_keep(&self, seen: Seen) -> bool {
        seen.commits == self.commits() && !self.0.folding.load(Ordering::Acquire)
    }

    fn commits(&self) -> u64 {
        self.0.commits.load(Ordering::Acquire)
    }

    /// Closes the idle connections; those in use close when they are given back.
    pub(super) fn close(&self) {
        self.0.lock().take();
    }
}

impl Pool {
    fn lock(&self) -> MutexGuard<'_, Option<Vec<Reader>>> {
        // No code under the lock can panic half-way through a change.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reader {
    /// Sees the state behind so many commits, or a later one.
    fn look(&mut self, commits: u64) -> Result<()> {
        let now = Instant::now();
        if self.seen.is_some_and(|seen| {
            seen.commits == commits && now.duration_since(seen.since) < LONGEST_SEEN
        }) {
            return Ok(());
        }
        self.let_go()?;
        self.db.begin_snapshot()?;
        self.seen = Some(Seen {
            commits,
            since: now,
        });
        Ok(())
    }

    fn let_go(&mut self) -> Result<()> {
        match self.seen.take() {
            Some(_) => self.db.end_snapshot(),
            None => Ok(()),
        }
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

/// So long a connection keeps what it sees: nobody else is to write there, but what somebody does is seen soon.
const LONGEST_SEEN: Duration = Duration::from_millis(10);
/// As many as read at once on a large machine; more are made for a moment where that is not enough.
const MOST_IDLE: usize = 16;
/// What each of them keeps of the database in memory, in KiB.
const CACHE: i64 = 8 * 1024;
/// So many scans run at once.
const MOST_SCANS: usize = 8;
