//! Opening an installation: lock, look, check the key, and only then change anything.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use regcred_core::sealing::{Kek, KeyRing};
use regcred_core::{Clock, Error, Random};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::directory::{DirectoryLock, make_private, unusable};
use super::error::{Told as _, told};
use super::folder::Folder;
use super::moved::refuse_moved;
use super::readers::{self, Readers};
use super::schema::{self, Version};
use super::writer::Writer;
use super::{Sqlite, SqliteStore};
use crate::installation::{self, OpenError};
use crate::store::SqlStore;
use crate::trail::Trail;

/// What the writer keeps of the database in memory, in KiB.
const WRITER_CACHE: i64 = 16 * 1024;

/// The name of the database in the data directory.
pub const DATABASE_FILE: &str = "regcred.db";

/// Where the database lies, and how surely it is written.
#[derive(Clone, Debug)]
pub struct SqliteOptions {
    directory: PathBuf,
    durability: Durability,
}

/// When a commit counts as done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Once it is on the disk. What the service always uses.
    Full,
    /// Once it is with the operating system: a power loss may take the last commits. For the proof that the power-loss
    /// test can fail, and nothing else.
    Normal,
}

impl SqliteOptions {
    /// The database in a data directory that exists.
    #[must_use]
    pub fn new(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
            durability: Durability::Full,
        }
    }

    /// With another durability.
    #[must_use]
    pub fn durability(self, durability: Durability) -> Self {
        Self { durability, ..self }
    }
}

impl SqliteStore {
    /// Opens the database, or makes it with fresh keys that `kek` wraps.
    ///
    /// Refuses, having changed no data, a directory that another process uses, that cannot be written, or whose
    /// installation was moved elsewhere, a file that is no database of regcred or of a newer schema, and a wrong KEK.
    pub fn open(
        options: &SqliteOptions,
        kek: &Kek,
        clock: &dyn Clock,
        random: &dyn Random,
    ) -> Result<(Self, Arc<KeyRing>), OpenError> {
        let directory = &options.directory;
        let lock = DirectoryLock::take(directory)?;
        refuse_moved(directory)?;
        let path = directory.join(DATABASE_FILE);
        make_private(&path).map_err(|error| unusable(directory, &error))?;
        let mut db = connect(&path)?;
        let present = look(&db, &path, kek)?;
        prepare(&db, &path, options.durability)?;
        let keys = match present {
            Some((schema, keys)) => {
                in_transaction(&db, || schema::migrate(&db, schema, clock.now()))?;
                keys
            }
            None => make(&db, kek, clock, random)?,
        };
        let keys = Arc::new(keys);
        let trail = Trail::resume(&db, Arc::clone(&keys))?;
        let stream = trail.stream();
        let readers = Readers::new(&path);
        let no_thread = |error| OpenError::new(format!("a thread cannot be started: {error}"));
        let file = File::open(&path).map_err(|error| unusable(directory, &error))?;
        let file = Arc::new(file);
        let kept = Arc::clone(&file);
        let folder = Folder::start(connect(&path)?, move || kept.sync_data()).map_err(no_thread)?;
        folder.attend(&mut db, &readers).told()?;
        let writer = Writer::start(db, folder, trail).map_err(no_thread)?;
        let store = SqlStore::new(Sqlite {
            writer,
            readers,
            stream,
            _file: file,
            _lock: lock,
        });
        Ok((store, keys))
    }
}

/// What is there, the schema and the keys; `None` where the file is empty. Changes nothing.
fn look(db: &Connection, path: &Path, kek: &Kek) -> Result<Option<(u32, KeyRing)>, OpenError> {
    let unreadable = |error| OpenError::new(format!("{} cannot be read: {error}", path.display()));
    let Version {
        application,
        schema,
    } = Version::of(db).map_err(unreadable)?;
    if application == 0 && schema == 0 && is_empty(db).map_err(unreadable)? {
        return Ok(None);
    }
    if application != schema::APPLICATION_ID {
        return Err(OpenError::new(format!(
            "{} is no database of regcred; give another data directory",
            path.display()
        )));
    }
    if schema > schema::CURRENT {
        return Err(OpenError::new(format!(
            "{} has the schema {schema}, and this program knows {} at most; nothing was changed: run the newer \
             program that wrote it",
            path.display(),
            schema::CURRENT
        )));
    }
    Ok(Some((schema, installation::keys(db, kek)?)))
}

fn is_empty(db: &Connection) -> rusqlite::Result<bool> {
    db.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| {
        row.get(0)
    })
}

/// Makes a new installation, all of it or nothing.
fn make(
    db: &Connection,
    kek: &Kek,
    clock: &dyn Clock,
    random: &dyn Random,
) -> Result<KeyRing, OpenError> {
    in_transaction(db, || {
        schema::migrate(db, 0, clock.now())?;
        installation::make(db, kek, clock, random)
    })
}

fn in_transaction<T, E: From<Error>>(
    db: &Connection,
    work: impl FnOnce() -> Result<T, E>,
) -> Result<T, E> {
    let transaction = db.unchecked_transaction().told()?;
    let done = work()?;
    transaction.commit().told()?;
    Ok(done)
}

/// A connection that may write. It can undo what a crash left half-done, which one that only reads cannot; and until it
/// is prepared, as the writer's is, it leaves the log of the database as it is when it is closed.
fn connect(path: &Path) -> Result<Connection, OpenError> {
    let open = || {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(path, flags)?;
        db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        readers::configure(&db)?;
        Ok(db)
    };
    open().map_err(|error: rusqlite::Error| OpenError::new(format!("{}: {error}", path.display())))
}

/// Makes the connection fit to write.
fn prepare(db: &Connection, path: &Path, durability: Durability) -> Result<(), OpenError> {
    let synchronous = match durability {
        Durability::Full => "FULL",
        Durability::Normal => "NORMAL",
    };
    let set = || {
        let mode: String =
            db.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
        db.pragma_update(None, "synchronous", synchronous)?;
        db.pragma_update(None, "foreign_keys", true)?;
        // Pages that a savepoint may have to bring back are kept in memory: a file for them costs more than the pages.
        db.pragma_update(None, "temp_store", "MEMORY")?;
        db.pragma_update(None, "cache_size", -WRITER_CACHE)?;
        db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
        Ok(mode)
    };
    let mode = set()
        .map_err(|error: rusqlite::Error| OpenError::new(format!("{}: {error}", path.display())))?;
    if mode == "wal" {
        return Ok(());
    }
    Err(OpenError::new(format!(
        "{}: this file system does not do what WAL needs; use a local disk",
        path.display()
    )))
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        told(&error).into()
    }
}
