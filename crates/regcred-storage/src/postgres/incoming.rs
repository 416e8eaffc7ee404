//! An installation that moves in: an empty database that is filled, and that nobody serves before it is whole.
//!
//! As long as that takes there is a table of its own, `migration`, that says from where. It is made with the others and
//! goes in the transaction that ends the move. How far it got needs no note: rows come in the order of their keys,
//! a transaction for each so many, so the last one there is tells where to go on.

use std::time::Duration;

use regcred_core::Result;
use regcred_core::ids::InstallationId;
use tokio_postgres::types::Type;

use super::address::PostgresOptions;
use super::link::Link;
use super::open::{ALONE, CURRENT, make_tables, refuse_an_old_server, refuse_other_tables, schema};
use super::pool::LONGEST_WAIT;
use crate::installation::OpenError;
use crate::migration::{Record, TABLES, Table};
use crate::sql::{Database, execute, first, params};

/// A database that is being filled, and by this process alone.
pub(crate) struct Incoming {
    link: Link,
    options: PostgresOptions,
}

/// What a database holds.
pub(crate) enum Found {
    /// No table.
    Nothing,
    /// A part of an installation.
    Part(Part),
    /// All of one.
    Whole,
}

/// An installation of which a part has moved in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// Which.
    pub(crate) installation: InstallationId,
    /// How its source was when the move began.
    pub(crate) source: String,
}

impl Incoming {
    /// Connects, and keeps other processes from doing the same.
    pub(crate) fn open(options: &PostgresOptions) -> Result<Self, OpenError> {
        let link = Link::open(options, FIRST_CONNECTION)?;
        link.allow(LONGEST_WORK);
        refuse_an_old_server(&link, options)?;
        // Counting and looking through what lies there takes its time.
        link.run(
            "SET statement_timeout = '10min'; SET idle_in_transaction_session_timeout = '1min'",
        )?;
        let sql = "SELECT pg_advisory_lock(125771362266725)::text"; // "rcmove"
        if let Err(error) = first(&link, "pg_locks", sql, params![], |_| Ok(())) {
            return Err(match link.trouble() {
                Some(super::error::Trouble::GiveWay) => OpenError::new(format!(
                    "another process moves an installation into {options}; wait until it is done, or end it"
                )),
                _ => error.into(),
            });
        }
        Ok(Self {
            link,
            options: options.clone(),
        })
    }

    /// What there is. Refuses tables of others, and another schema.
    pub(crate) fn look(&self) -> Result<Found, OpenError> {
        self.link.allow(LONGEST_WORK);
        let Some(schema) = schema(&self.link)? else {
            refuse_other_tables(&self.link, &self.options)?;
            return Ok(Found::Nothing);
        };
        if schema != CURRENT {
            return Err(OpenError::new(format!(
                "{} has the schema {schema}, and this program writes {CURRENT}; nothing was changed: give an empty \
                 database",
                self.options
            )));
        }
        if !is_unfinished(&self.link)? {
            return Ok(Found::Whole);
        }
        let sql = "SELECT installation, source FROM migration";
        let part = first(&self.link, "migration", sql, params![], |row| {
            Ok(Part {
                installation: row.id(0, "installation", InstallationId::from_bytes)?,
                source: row.get(1, "source")?,
            })
        })?;
        part.map(Found::Part).ok_or_else(|| {
            OpenError::new(format!(
                "{} holds a part of an installation, and does not say of which; give an empty database",
                self.options
            ))
        })
    }

    /// Makes the tables, all or none, in the place of those of a part where one is there.
    pub(crate) fn begin(&self, part: &Part) -> Result<(), OpenError> {
        let link = &self.link;
        link.allow(LONGEST_WORK);
        let done = (|| {
            link.run(ALONE)?;
            match self.look()? {
                Found::Nothing => {}
                Found::Part(_) => {
                    let tables = TABLES.join(", ");
                    link.run(&format!("DROP TABLE migration, schema_version, {tables}"))?;
                }
                Found::Whole => {
                    return Err(OpenError::new(format!(
                        "{} holds an installation; give an empty database",
                        self.options
                    )));
                }
            }
            make_tables(link)?;
            link.run(MARK)?;
            let sql = "INSERT INTO migration (singleton, installation, source) VALUES (1, ?, ?)";
            let given = params![part.installation.as_bytes(), &part.source];
            execute(link, sql, given)?;
            Ok(link.run("COMMIT")?)
        })();
        if done.is_err() {
            // Where the connection is gone, so is the transaction.
            let _ = link.run("ROLLBACK");
        }
        done
    }

    /// Adds rows in one transaction.
    pub(crate) fn add(&self, table: &Table, rows: &[Record]) -> Result<()> {
        let link = &self.link;
        link.allow(LONGEST_WORK);
        let columns = table.listed();
        let types: Vec<Type> = link.types(&format!("SELECT {columns} FROM {}", table.name))?;
        link.run("BEGIN")?;
        let sql = format!("COPY {} ({columns}) FROM STDIN BINARY", table.name);
        let added = link.copy_in(
            &sql,
            &types,
            rows.iter().map(|row| row.iter().map(|datum| datum.value())),
        );
        if let Err(error) = added {
            let _ = link.run("ROLLBACK");
            return Err(error);
        }
        link.run("COMMIT")
    }

    /// Lets the server know what it has, so that it plans well from the first look-up on.
    pub(crate) fn analyze(&self) -> Result<()> {
        for table in TABLES {
            self.link.allow(LONGEST_WORK);
            self.link.run(&format!("ANALYZE {table}"))?;
        }
        Ok(())
    }

    /// Ends the move: from now on it is an installation like any other.
    pub(crate) fn finish(&self) -> Result<()> {
        self.link.allow(LONGEST_WORK);
        self.link.run("DROP TABLE migration")
    }

    /// For look-ups.
    pub(crate) fn database(&self) -> &dyn Database {
        self.link.allow(LONGEST_WORK);
        &self.link
    }
}

/// Whether a move into the database has not ended.
pub(super) fn is_unfinished(link: &Link) -> Result<bool> {
    let sql = "SELECT count(*) FROM pg_class WHERE oid = to_regclass('migration') \
               AND relnamespace = current_schema()::regnamespace";
    let there = first(link, "pg_class", sql, params![], |row| {
        row.get::<i64>(0, "count")
    })?;
    Ok(there != Some(0))
}

const MARK: &str = r#"CREATE TABLE migration (
    singleton smallint PRIMARY KEY CHECK (singleton = 1),
    installation bytea NOT NULL,
    source text COLLATE "C" NOT NULL
)"#;
const FIRST_CONNECTION: Duration = LONGEST_WAIT.saturating_mul(2);
/// So long one step may take, such as reading a table through.
const LONGEST_WORK: Duration = Duration::from_mins(11);
