//! PostgreSQL, which many replicas share: what is acknowledged is committed there, and nothing is kept here but what may
//! be forgotten.
//!
//! [`open`] finds or makes the installation, on the host that [`reach`] finds; [`writer`] is the one thread that writes,
//! with the [`session`] that has a stream of the audit trail to itself: pulls and events [`together`], and [`creates`], too;
//! [`pool`] has the connections that read, and [`reading`] those who read together, as [`pulls`] do; [`keeper`] listens to
//! other replicas; [`incoming`] is a database into which an installation moves.

mod address;
mod copy;
mod creates;
mod dialect;
mod error;
mod incoming;
mod keeper;
mod link;
mod open;
mod pool;
mod pulls;
mod reach;
mod reading;
mod session;
mod tls;
mod together;
mod value;
mod writer;

use std::time::Duration;

use regcred_core::Result;
use regcred_core::ids::ProjectId;
use regcred_core::registry::RegistryKey;
use regcred_core::store::StoredPassword;

use crate::backend::Backend;
use crate::sql::{Database, first, params};
use crate::store::SqlStore;
use crate::unit::{Key, Work, closed};

pub use address::PostgresOptions;
pub(crate) use incoming::{Found, Incoming, Part};

use keeper::Keeper;
use pool::Pool;
use pulls::{Pulls, Wanted};
use reading::Reading;
use writer::Writer;

/// The store on PostgreSQL.
pub type PostgresStore = SqlStore<Postgres>;

/// A database of PostgreSQL that is open.
pub struct Postgres {
    writer: Writer,
    pool: Pool,
    pulls: Reading<Pulls>,
    keeper: Keeper,
}

impl Backend for Postgres {
    async fn read<T: Send + 'static>(
        &self,
        work: impl Fn(&dyn Database) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.pool.read(LONGEST_READ, move |link| work(link)).await
    }

    async fn sealed_of_first(
        &self,
        project: ProjectId,
        keys: Vec<RegistryKey>,
        limit: usize,
    ) -> Result<Vec<StoredPassword>> {
        let wanted = Wanted {
            project,
            keys,
            limit,
        };
        self.pulls.ask(wanted).await
    }

    async fn scan<T: Send + 'static>(
        &self,
        work: impl Fn(&dyn Database) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.pool.read(LONGEST_SCAN, move |link| work(link)).await
    }

    async fn carry_out<W: Work + 'static>(&self, keys: Vec<Key>, work: W) -> Result<W::Done> {
        self.writer.carry_out(keys, work).await
    }

    fn stream(&self) -> u32 {
        self.writer.stream()
    }

    fn leads(&self) -> bool {
        self.keeper.leads()
    }

    fn forgets_after(&self) -> Option<Duration> {
        Some(REMEMBERED)
    }

    async fn changed_elsewhere(&self, seen: u64) -> u64 {
        self.keeper.changed(seen).await
    }

    async fn tell_others(&self, text: String) {
        let text = self.keeper.signed(&text);
        let told = self.pool.read(LONGEST_LOOK, move |db| {
            let sql = "SELECT pg_notify(?1, ?2)";
            first(db, "pg_notify", sql, params![keeper::SAID, &text], |_| {
                Ok(())
            })
        });
        if let Err(error) = told.await {
            tracing::debug!(detail = error.detail(), "other replicas cannot be told");
        }
    }

    async fn told_elsewhere(&self) -> String {
        self.keeper.told().await
    }

    async fn ready(&self) -> Result<()> {
        if !self.writer.alive() {
            return Err(closed());
        }
        // One that only reads is of no use.
        let sql = "SELECT id FROM installation WHERE NOT pg_is_in_recovery()";
        let ready = self.pool.read(LONGEST_LOOK, move |db| {
            first(db, "installation", sql, params![], |_| Ok(()))
        });
        let primary = ready.await?;
        primary.ok_or_else(|| regcred_core::Error::unavailable("the database is a standby"))
    }

    async fn close(&self) {
        self.writer.close().await;
        self.pool.close();
    }
}

const LONGEST_READ: Duration = Duration::from_secs(4);
const LONGEST_SCAN: Duration = Duration::from_secs(15);
const LONGEST_LOOK: Duration = Duration::from_secs(2);
/// So long what was read of tokens and rights may be remembered, also where nobody can be heard: with the time that a request
/// takes, a revocation acts within five seconds.
const REMEMBERED: Duration = Duration::from_secs(4);
