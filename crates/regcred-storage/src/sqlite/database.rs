//! Statements on a connection of SQLite.

use std::ops::ControlFlow;

use regcred_core::Result;
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, params_from_iter};

use super::error::Told as _;
use crate::sql::{Cell, Database, Row, Value};
use crate::unit::Key;

impl Database for Connection {
    fn query(
        &self,
        sql: &str,
        params: &[Value<'_>],
        each: &mut dyn FnMut(&dyn Row) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        let mut statement = self.prepare_cached(sql).told()?;
        let mut rows = statement.query(params_from_iter(params)).told()?;
        while let Some(row) = rows.next().told()? {
            if each(row)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn execute(&self, sql: &str, params: &[Value<'_>]) -> Result<usize> {
        let mut statement = self.prepare_cached(sql).told()?;
        statement.execute(params_from_iter(params)).told()
    }

    fn begin_snapshot(&self) -> Result<bool> {
        let begins = self.is_autocommit();
        if begins {
            Database::execute(self, "BEGIN", &[])?;
        }
        Ok(begins)
    }

    fn end_snapshot(&self) -> Result<()> {
        Database::execute(self, "COMMIT", &[]).map(drop)
    }

    fn lock(&self, _: &[Key]) -> Result<()> {
        // There is one writer.
        Ok(())
    }

    fn notify(&self) -> Result<()> {
        // There is no other process.
        Ok(())
    }
}

impl Row for rusqlite::Row<'_> {
    fn cell(&self, index: usize) -> Result<Cell<'_>, String> {
        match self.get_ref(index).map_err(|error| error.to_string())? {
            ValueRef::Null => Ok(Cell::Null),
            ValueRef::Integer(number) => Ok(Cell::Integer(number)),
            ValueRef::Text(text) => std::str::from_utf8(text)
                .map(Cell::Text)
                .map_err(|error| error.to_string()),
            ValueRef::Blob(bytes) => Ok(Cell::Bytes(bytes)),
            ValueRef::Real(_) => Err("a number that is no integer".to_owned()),
        }
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}
