//! What one database can hold and the other one cannot: PostgreSQL has no text with the character U+0000 in it.

use std::ops::ControlFlow;

use regcred_core::{Error, Result};

use super::rows::{Datum, shown};
use super::tables::Table;
use crate::sql::Database;

/// Each text that cannot be moved, named by table, column and row; not more of them than can be read.
pub(super) fn obstacles(source: &dyn Database, tables: &[Table]) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for table in tables {
        for column in table.columns.iter().filter(|column| column.is_text) {
            let sql = format!(
                "SELECT {} FROM {} WHERE instr(CAST({} AS BLOB), x'00') > 0 LIMIT {MOST_NAMED}",
                table.listed_key(),
                table.name,
                column.name
            );
            source.query(&sql, &[], &mut |row| {
                let key = (0..table.key.len()).map(|index| row.cell(index).map(Datum::of));
                let key: Result<Vec<_>, _> =
                    key.map(|part| part.map(|part| shown(&part))).collect();
                let key = key.map_err(Error::internal)?;
                found.push(format!(
                    "{}.{} of the row {}",
                    table.name,
                    column.name,
                    key.join(", ")
                ));
                Ok(ControlFlow::Continue(()))
            })?;
        }
    }
    Ok(found)
}

const MOST_NAMED: usize = 20;
