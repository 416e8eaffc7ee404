//! Opening an installation: look, check the key, and only then change anything. Replicas that start at once do so one
//! after the other.

use std::sync::Arc;
use std::time::Duration;

use regcred_core::sealing::{Kek, KeyRing};
use regcred_core::{Clock, Error, Random, Result};

use super::address::PostgresOptions;
use super::incoming::is_unfinished;
use super::keeper::Keeper;
use super::link::Link;
use super::pool::Pool;
use super::pulls::Pulls;
use super::reading::Reading;
use super::session::Session;
use super::writer::Writer;
use super::{Postgres, PostgresStore};
use crate::installation::{self, OpenError};
use crate::sql::{Database, execute, first, params};
use crate::store::SqlStore;

/// The number of the schema that this program writes. Numbers are SQLite's, so that one number is one set of tables.
pub(super) const CURRENT: u32 = 8;
/// The first schema that there was on PostgreSQL.
const FIRST: u32 = 7;
/// Each text leads from the schema before it to the next; none is ever changed once released.
const MIGRATIONS: [&str; (CURRENT - FIRST + 1) as usize] =
    [include_str!("schema.sql"), include_str!("schema_uses.sql")];

impl PostgresStore {
    /// Opens the database, or makes its tables with fresh keys that `kek` wraps.
    ///
    /// Refuses, having changed nothing, a database that cannot be reached, one that holds other tables, is of a newer
    /// schema or has not got all of an installation yet, a server before 15, and a wrong KEK.
    pub fn open(
        options: &PostgresOptions,
        kek: &Kek,
        clock: &dyn Clock,
        random: &dyn Random,
    ) -> Result<(Self, Arc<KeyRing>), OpenError> {
        Self::open_if(options, kek, clock, random, |link| {
            if is_unfinished(link)? {
                return Err(OpenError::new(format!(
                    "a migration into {options} is not finished; run `regcred migrate` again, which goes on where it \
                     was, or give another database"
                )));
            }
            Ok(())
        })
    }

    /// The same while an installation moves in, to look at what has arrived.
    pub(crate) fn open_unfinished(
        options: &PostgresOptions,
        kek: &Kek,
        clock: &dyn Clock,
        random: &dyn Random,
    ) -> Result<(Self, Arc<KeyRing>), OpenError> {
        Self::open_if(options, kek, clock, random, |_| Ok(()))
    }

    fn open_if(
        options: &PostgresOptions,
        kek: &Kek,
        clock: &dyn Clock,
        random: &dyn Random,
        fit: impl Fn(&Link) -> Result<(), OpenError> + Sync,
    ) -> Result<(Self, Arc<KeyRing>), OpenError> {
        let (session, keys) = on_a_thread(|| {
            let link = Link::open(options, FIRST_CONNECTION)?;
            link.allow(LONGEST_OPENING);
            let keys = Arc::new(prepare(&link, options, kek, clock, random, &fit)?);
            Ok((Session::open(options, &keys)?, keys))
        })?;
        let pool = Pool::new(options);
        let failed = |error| OpenError::new(format!("a thread cannot be started: {error}"));
        let store = SqlStore::new(Postgres {
            writer: Writer::start(options, &keys, session).map_err(failed)?,
            pulls: Reading::new(Pulls(pool.clone())),
            pool,
            keeper: Keeper::start(options).map_err(failed)?,
        });
        Ok((store, keys))
    }

    /// Whether there is an installation in the database.
    pub fn exists(options: &PostgresOptions) -> Result<bool, OpenError> {
        on_a_thread(|| {
            let link = Link::open(options, FIRST_CONNECTION)?;
            link.allow(LONGEST_OPENING);
            Ok(schema(&link)?.is_some())
        })
    }
}

/// A connection waits with a runtime of its own, which a thread that runs one already may not do.
fn on_a_thread<T: Send>(
    work: impl FnOnce() -> Result<T, OpenError> + Send,
) -> Result<T, OpenError> {
    let done = std::thread::scope(|scope| scope.spawn(work).join());
    done.unwrap_or_else(|_| {
        Err(OpenError::new(
            "opening the database ended badly".to_owned(),
        ))
    })
}

/// In one transaction, alone: what is there is looked at, and made where nothing is.
fn prepare(
    link: &Link,
    options: &PostgresOptions,
    kek: &Kek,
    clock: &dyn Clock,
    random: &dyn Random,
    fit: &dyn Fn(&Link) -> Result<(), OpenError>,
) -> Result<KeyRing, OpenError> {
    // Another replica may have much to bring up.
    link.run("SET statement_timeout = '30s'; SET lock_timeout = '30s'")?;
    link.run(ALONE)?;
    refuse_an_old_server(link, options)?;
    let keys = match schema(link)? {
        Some(schema) if schema > CURRENT => {
            return Err(OpenError::new(format!(
                "{options} has the schema {schema}, and this program knows {CURRENT} at most; nothing was changed: run \
                 the newer program that wrote it"
            )));
        }
        Some(schema) => {
            fit(link)?;
            let keys = installation::keys(link, kek)?;
            bring_up(link, schema)?;
            keys
        }
        None => {
            refuse_other_tables(link, options)?;
            make_tables(link)?;
            installation::make(link, kek, clock, random)?
        }
    };
    link.run("COMMIT")?;
    Ok(keys)
}

pub(super) fn refuse_an_old_server(
    link: &Link,
    options: &PostgresOptions,
) -> Result<(), OpenError> {
    let version = number(link, "SELECT current_setting('server_version_num')::int8")?;
    if version.is_none_or(|version| version < 150_000) {
        return Err(OpenError::new(format!(
            "the server of {options} is older than PostgreSQL 15; use a newer one"
        )));
    }
    Ok(())
}

/// Refuses whatever is in a database that has no schema of regcred's.
pub(super) fn refuse_other_tables(link: &Link, options: &PostgresOptions) -> Result<(), OpenError> {
    let others = number(
        link,
        "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace",
    )?;
    if others != Some(0) {
        return Err(OpenError::new(format!(
            "{options} holds tables, and none of regcred's; give a database of its own"
        )));
    }
    Ok(())
}

/// The tables of the present schema, empty.
pub(super) fn make_tables(link: &Link) -> Result<()> {
    migrate(link, 0)?;
    execute(
        link,
        "INSERT INTO schema_version (singleton, version) VALUES (1, ?)",
        params![CURRENT],
    )
    .map(drop)
}

/// Brings up an earlier schema. It takes as long as there is much in it.
fn bring_up(link: &Link, from: u32) -> Result<()> {
    if from == CURRENT {
        return Ok(());
    }
    tracing::info!(
        from,
        to = CURRENT,
        "the schema of the database is brought up"
    );
    link.allow(LONGEST_MIGRATION);
    link.run("SET LOCAL statement_timeout = 0")?;
    migrate(link, (from + 1).saturating_sub(FIRST) as usize)?;
    let sql = "UPDATE schema_version SET version = ?";
    execute(link, sql, params![CURRENT])?;
    link.allow(LONGEST_OPENING);
    Ok(())
}

fn migrate(link: &Link, done: usize) -> Result<()> {
    MIGRATIONS
        .iter()
        .skip(done)
        .try_for_each(|text| link.run(text))
}

/// The number of the schema; `None` where regcred has none.
pub(super) fn schema(link: &Link) -> Result<Option<u32>> {
    let there = number(
        link,
        "SELECT count(*) FROM pg_class WHERE oid = to_regclass('schema_version') \
         AND relnamespace = current_schema()::regnamespace",
    )?;
    if there == Some(0) {
        return Ok(None);
    }
    let sql = "SELECT version FROM schema_version";
    let version = number(link, sql)?.and_then(|version| u32::try_from(version).ok());
    let version = version.ok_or_else(|| Error::internal("schema_version holds no number"))?;
    Ok(Some(version))
}

fn number(db: &dyn Database, sql: &str) -> Result<Option<i64>> {
    first(db, "schema_version", sql, params![], |row| {
        row.get(0, "number")
    })
}

/// Begins a transaction in which nobody else makes what is to be there once; "rcopen" in ASCII.
pub(super) const ALONE: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; \
                                SELECT pg_advisory_xact_lock(125771396965742)";
/// So long the first connection may take: what is wrong with it is told soon.
const FIRST_CONNECTION: Duration = Duration::from_secs(4);
/// So long all rows of a large installation may take.
const LONGEST_MIGRATION: Duration = Duration::from_hours(1);
/// With the wait for another replica that makes the tables.
const LONGEST_OPENING: Duration = Duration::from_secs(30);
