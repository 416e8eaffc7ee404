//! By what an installation is known again: its id, its tables, and its history.

use std::fmt::Write as _;

use regcred_core::Result;
use regcred_core::ids::InstallationId;

use super::tables::Table;
use crate::sql::{Database, all, first, params};

/// The id of the installation that is in a database; `None` where there is none yet.
pub(crate) fn installation(db: &dyn Database) -> Result<Option<InstallationId>> {
    let sql = "SELECT id FROM installation";
    first(db, "installation", sql, params![], |row| {
        row.id(0, "id", InstallationId::from_bytes)
    })
}

/// A line for each table with the number of its rows, and for each stream of the audit trail with its head. Whoever
/// did anything with the installation meanwhile has changed it.
pub(super) fn described(db: &dyn Database, tables: &[Table]) -> Result<String> {
    let mut text = String::new();
    for table in tables {
        let _ = writeln!(text, "{} {}", table.name, table.count(db)?);
    }
    let sql = "SELECT stream, sequence, mac FROM audit_head ORDER BY stream";
    let heads = all(db, "audit_head", sql, params![], |row| {
        Ok((
            row.get::<i64>(0, "stream")?,
            row.get::<i64>(1, "sequence")?,
            row.get::<Vec<u8>>(2, "mac")?,
        ))
    })?;
    for (stream, sequence, mac) in heads {
        let _ = write!(text, "stream {stream} {sequence} ");
        for byte in mac {
            let _ = write!(text, "{byte:02x}");
        }
        text.push('\n');
    }
    Ok(text)
}

/// Whether all that the audit trail of one database tells is in that of the other one: each of its streams goes through
/// the last event here, which vouches for all events before it.
pub(super) fn history_is_in(here: &dyn Database, there: &dyn Database) -> Result<bool> {
    let sql = "SELECT stream FROM audit_head ORDER BY stream";
    let streams = all(here, "audit_head", sql, params![], |row| {
        row.get::<i64>(0, "stream")
    })?;
    for stream in streams {
        let last = "SELECT stream, sequence, mac FROM audit_event WHERE stream = ? ORDER BY sequence DESC LIMIT 1";
        let last = first(here, "audit_event", last, [stream], |row| {
            Ok((
                row.get::<i64>(1, "sequence")?,
                row.get::<Vec<u8>>(2, "mac")?,
            ))
        })?;
        let Some((sequence, mac)) = last else {
            continue;
        };
        let same = "SELECT stream FROM audit_event WHERE stream = ? AND sequence = ? AND mac = ?";
        let params = params![stream, sequence, &mac];
        if first(there, "audit_event", same, params, |_| Ok(()))?.is_none() {
            return Ok(false);
        }
    }
    Ok(true)
}
