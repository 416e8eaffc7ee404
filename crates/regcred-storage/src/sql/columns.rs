//! Reading rows: what cannot be read is named with table, column and row.

use std::fmt::Write as _;
use std::ops::ControlFlow;

use regcred_core::{Error, Result, Timestamp};

use super::value::FromCell;
use super::{Cell, Database, Row, Value};

/// A row of `table`, read by position; its first column identifies it in errors.
pub(crate) struct Columns<'a> {
    table: &'static str,
    row: &'a dyn Row,
}

impl<'a> Columns<'a> {
    pub(crate) fn new(table: &'static str, row: &'a dyn Row) -> Self {
        Self { table, row }
    }

    /// The value of a column.
    pub(crate) fn get<T: FromCell>(&self, index: usize, column: &str) -> Result<T> {
        let cell = self.row.cell(index);
        let cell = cell.map_err(|error| self.unreadable(column, &error))?;
        T::from_cell(cell).ok_or_else(|| self.unreadable(column, NO_SUCH_VALUE))
    }

    /// An identifier, of sixteen bytes.
    pub(crate) fn id<T>(&self, index: usize, column: &str, make: fn([u8; 16]) -> T) -> Result<T> {
        Ok(make(self.get(index, column)?))
    }

    /// A moment, in microseconds since the epoch.
    pub(crate) fn moment(&self, index: usize, column: &str) -> Result<Timestamp> {
        Ok(Timestamp::from_micros(self.get(index, column)?))
    }

    /// A moment that may not be there.
    pub(crate) fn moment_if_any(&self, index: usize, column: &str) -> Result<Option<Timestamp>> {
        Ok(self
            .get::<Option<i64>>(index, column)?
            .map(Timestamp::from_micros))
    }

    /// A value that only some texts have.
    pub(crate) fn parsed<T>(
        &self,
        index: usize,
        column: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T> {
        let text: String = self.get(index, column)?;
        parse(&text).ok_or_else(|| self.unreadable(column, NO_SUCH_VALUE))
    }

    /// The same, of a value that may not be there.
    pub(crate) fn parsed_if_any<T>(
        &self,
        index: usize,
        column: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>> {
        let text: Option<String> = self.get(index, column)?;
        text.map(|text| parse(&text).ok_or_else(|| self.unreadable(column, NO_SUCH_VALUE)))
            .transpose()
    }

    fn unreadable(&self, column: &str, why: &str) -> Error {
        let row = match self.row.cell(0) {
            Ok(Cell::Bytes(bytes)) => bytes.iter().fold(String::new(), |mut text, byte| {
                // Writing to a String cannot fail.
                let _ = write!(text, "{byte:02x}");
                text
            }),
            Ok(Cell::Text(text)) => text.to_owned(),
            Ok(Cell::Integer(number)) => number.to_string(),
            _ => "unknown".to_owned(),
        };
        Error::internal(format!(
            "{}.{column} of the row {row} cannot be read: {why}",
            self.table
        ))
    }
}

/// Every row that a query gives.
pub(crate) fn all<'p, T, V: Into<Value<'p>>, const N: usize>(
    db: &dyn Database,
    table: &'static str,
    sql: &str,
    params: [V; N],
    read: impl Fn(&Columns<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let mut all = Vec::new();
    db.query(sql, &params.map(Into::into), &mut |row| {
        all.push(read(&Columns::new(table, row))?);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(all)
}

/// The first row that a query gives, if any.
pub(crate) fn first<'p, T, V: Into<Value<'p>>, const N: usize>(
    db: &dyn Database,
    table: &'static str,
    sql: &str,
    params: [V; N],
    read: impl Fn(&Columns<'_>) -> Result<T>,
) -> Result<Option<T>> {
    let mut first = None;
    db.query(sql, &params.map(Into::into), &mut |row| {
        first = Some(read(&Columns::new(table, row))?);
        Ok(ControlFlow::Break(()))
    })?;
    Ok(first)
}

/// Runs a statement; the number of rows that it changed.
pub(crate) fn execute<'p, V: Into<Value<'p>>, const N: usize>(
    db: &dyn Database,
    sql: &str,
    params: [V; N],
) -> Result<usize> {
    db.execute(sql, &params.map(Into::into))
}

/// Runs a statement of which nobody asks what it changed; see [`Database::put`].
pub(crate) fn put<'p, V: Into<Value<'p>>, const N: usize>(
    db: &dyn Database,
    sql: &str,
    params: [V; N],
) -> Result<()> {
    db.put(sql, &params.map(Into::into))
}

const NO_SUCH_VALUE: &str = "no value of this kind";
