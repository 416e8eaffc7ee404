//! SQLite: WAL, `synchronous=FULL`, an exclusive lock on the data directory.
//!
//! [`open`] finds or makes the installation; [`writer`] is the one thread that writes; [`readers`] are connections
//! for everything else.

mod database;
mod directory;
mod error;
mod folder;
mod moved;
mod open;
mod readers;
mod schema;
mod writer;

use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use regcred_core::Result;

use crate::backend::Backend;
use crate::sql::{Database, first, params};
use crate::store::SqlStore;
use crate::unit::{Key, Work, closed};

pub use directory::prepare_directory;
pub use moved::{moved_to, note_moved};
pub use open::{DATABASE_FILE, Durability, SqliteOptions};

use directory::DirectoryLock;
use readers::Readers;
use writer::Writer;

/// The store on SQLite.
pub type SqliteStore = SqlStore<Sqlite>;

/// A database of SQLite that is open.
pub struct Sqlite {
    writer: Writer,
    readers: Readers,
    /// The stream of the audit trail that this process writes.
    stream: u32,
    /// The database. A process that closes a file loses its locks on it, so this stays open as long as there are connections.
    _file: Arc<File>,
    _lock: DirectoryLock,
}

impl Sqlite {
    /// A look-up by whoever moves all of it elsewhere.
    pub(crate) fn look<T>(&self, work: impl FnOnce(&dyn Database) -> Result<T>) -> Result<T> {
        self.readers.read(work)
    }
}

impl Backend for Sqlite {
    async fn read<T: Send + 'static>(
        &self,
        work: impl Fn(&dyn Database) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.readers.read(work)
    }

    async fn scan<T: Send + 'static>(
        &self,
        work: impl Fn(&dyn Database) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.readers.scan(work).await
    }

    async fn carry_out<W: Work + 'static>(&self, _: Vec<Key>, work: W) -> Result<W::Done> {
        self.writer.carry_out(work).await
    }

    fn stream(&self) -> u32 {
        self.stream
    }

    fn leads(&self) -> bool {
        true
    }

    fn forgets_after(&self) -> Option<Duration> {
        None
    }

    async fn changed_elsewhere(&self, _: u64) -> u64 {
        // There is no other process.
        std::future::pending().await
    }

    async fn tell_others(&self, _: String) {}

    async fn told_elsewhere(&self) -> String {
        std::future::pending().await
    }

    async fn ready(&self) -> Result<()> {
        if !self.writer.alive() {
            return Err(closed());
        }
        self.readers.read(|db| {
            let sql = "SELECT id FROM installation";
            first(db, "installation", sql, params![], |_| Ok(())).map(drop)
        })
    }

    async fn close(&self) {
        self.readers.close();
        self.writer.close().await;
    }
}
