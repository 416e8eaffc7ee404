//! The schema, by numbered migrations. A database of a newer schema is refused.

use regcred_core::{Result, Timestamp};
use rusqlite::Connection;

use super::error::Told as _;
use crate::statements::checks;

/// Each text leads from the schema before it to the next; none is ever changed once released.
const MIGRATIONS: [&str; CURRENT as usize] = [
    include_str!("schema.sql"),
    include_str!("schema_pulls.sql"),
    include_str!("schema_verification.sql"),
    include_str!("schema_workloads.sql"),
    include_str!("schema_versions.sql"),
    include_str!("schema_pullers.sql"),
    include_str!("schema_checks.sql"),
    include_str!("schema_uses.sql"),
];

/// The number of the schema that this program writes.
pub(super) const CURRENT: u32 = 8;

/// Tells a database of regcred from any other of SQLite: "rcdb" in ASCII.
pub(super) const APPLICATION_ID: u32 = 0x7263_6462;

/// What a database file says of itself.
pub(super) struct Version {
    pub(super) application: u32,
    pub(super) schema: u32,
}

impl Version {
    pub(super) fn of(db: &Connection) -> rusqlite::Result<Self> {
        let pragma = |name| db.pragma_query_value(None, name, |row| row.get::<_, u32>(0));
        Ok(Self {
            application: pragma("application_id")?,
            schema: pragma("user_version")?,
        })
    }
}

/// Runs the migrations behind `from`; the caller has opened a transaction.
pub(super) fn migrate(db: &Connection, from: u32, now: Timestamp) -> Result<()> {
    for text in MIGRATIONS.iter().skip(from as usize) {
        db.execute_batch(text).told()?;
    }
    if from < CHECKS {
        checks::plan_all(db, now)?;
    }
    db.pragma_update(None, "application_id", APPLICATION_ID)
        .told()?;
    db.pragma_update(None, "user_version", CURRENT).told()
}

/// The schema from which on credentials are tried by themselves.
const CHECKS: u32 = 7;
