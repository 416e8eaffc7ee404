//! Reading rows: what cannot be read is named with table, column and row.

use std::fmt::Write as _;

use regcred_core::{Error, Result, Timestamp};
use rusqlite::types::{FromSql, ValueRef};
use rusqlite::{Connection, Params, Row};

use super::error::Told as _;

/// A row of `table`, read by position; its first column identifies it in errors.
pub(super) struct Columns<'a> {
    table: &'static str,
    row: &'a Row<'a>,
}

impl Columns<'_> {
    /// The value of a column.
    pub(super) fn get<T: FromSql>(&self, index: usize, column: &str) -> Result<T> {
        self.row
            .get(index)
            .map_err(|error| self.unreadable(column, &error.to_string()))
    }

    /// An identifier, of sixteen bytes.
    pub(super) fn id<T>(&self, index: usize, column: &str, make: fn([u8; 16]) -> T) -> Result<T> {
        Ok(make(self.get(index, column)?))
    }

    /// A moment, in microseconds since the epoch.
    pub(super) fn moment(&self, index: usize, column: &str) -> Result<Timestamp> {
        Ok(Timestamp::from_micros(self.get(index, column)?))
    }

    /// A moment that may not be there.
    pub(super) fn moment_if_any(&self, index: usize, column: &str) -> Result<Option<Timestamp>> {
        Ok(self
            .get::<Option<i64>>(index, column)?
            .map(Timestamp::from_micros))
    }

    /// A value that only some texts have.
    pub(super) fn parsed<T>(
        &self,
        index: usize,
        column: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T> {
        let text: String = self.get(index, column)?;
        parse(&text).ok_or_else(|| self.unreadable(column, "no value of this kind"))
    }

    /// The same, of a value that may not be there.
    pub(super) fn parsed_if_any<T>(
        &self,
        index: usize,
        column: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>> {
        let text: Option<String> = self.get(index, column)?;
        text.map(|text| {
            parse(&text).ok_or_else(|| self.unreadable(column, "no value of this kind"))
        })
        .transpose()
    }

    fn unreadable(&self, column: &str, why: &str) -> Error {
        let row = match self.row.get_ref(0) {
            Ok(ValueRef::Blob(bytes)) => bytes.iter().fold(String::new(), |mut text, byte| {
                // Writing to a String cannot fail.
                let _ = write!(text, "{byte:02x}");
                text
            }),
            Ok(ValueRef::Text(text)) => String::from_utf8_lossy(text).into_owned(),
            Ok(ValueRef::Integer(number)) => number.to_string(),
            _ => "unknown".to_owned(),
        };
        Error::internal(format!(
            "{}.{column} of the row {row} cannot be read: {why}",
            self.table
        ))
    }
}

/// Every row that a query gives.
pub(super) fn all<T>(
    db: &Connection,
    table: &'static str,
    sql: &str,
    params: impl Params,
    read: impl Fn(&Columns<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let mut statement = db.prepare_cached(sql).told()?;
    let mut rows = statement.query(params).told()?;
    let mut all = Vec::new();
    while let Some(row) = rows.next().told()? {
        all.push(read(&Columns { table, row })?);
    }
    Ok(all)
}

/// The first row that a query gives, if any.
pub(super) fn first<T>(
    db: &Connection,
    table: &'static str,
    sql: &str,
    params: impl Params,
    read: impl FnOnce(&Columns<'_>) -> Result<T>,
) -> Result<Option<T>> {
    let mut statement = db.prepare_cached(sql).told()?;
    let mut rows = statement.query(params).told()?;
    match rows.next().told()? {
        Some(row) => read(&Columns { table, row }).map(Some),
        None => Ok(None),
    }
}

/// Runs a statement; the number of rows that it changed.
pub(super) fn execute(db: &Connection, sql: &str, params: impl Params) -> Result<usize> {
    db.prepare_cached(sql).told()?.execute(params).told()
}
