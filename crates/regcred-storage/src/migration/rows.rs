//! Rows on their way: read in the order of their primary key, as they are, a bounded number at a time.
//!
//! Both databases have one order of keys, byte by byte, so "behind this row" means the same in both.

use std::fmt::Write as _;
use std::ops::ControlFlow;

use regcred_core::{Error, Result};

use super::tables::Table;
use crate::sql::{Cell, Database, Row, Value};

/// What a row holds in a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Datum {
    Null,
    Integer(i64),
    Text(String),
    Bytes(Vec<u8>),
}

/// A row, in the order of its table's columns; or its key, in the key's.
pub(crate) type Record = Vec<Datum>;

impl Datum {
    pub(super) fn of(cell: Cell<'_>) -> Self {
        match cell {
            Cell::Null => Self::Null,
            Cell::Integer(number) => Self::Integer(number),
            Cell::Text(text) => Self::Text(text.to_owned()),
            Cell::Bytes(bytes) => Self::Bytes(bytes.to_owned()),
        }
    }

    /// The same for a statement.
    pub(crate) fn value(&self) -> Value<'_> {
        match self {
            Self::Null => Value::Null,
            Self::Integer(number) => Value::Integer(*number),
            Self::Text(text) => text.into(),
            Self::Bytes(bytes) => bytes.into(),
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::Null | Self::Integer(_) => 8,
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
        }
    }
}

impl Table {
    /// The rows behind a key, or the first ones: at most `limit`, and no more than fit into memory with ease.
    pub(super) fn rows_behind(
        &self,
        db: &dyn Database,
        key: Option<&Record>,
        limit: usize,
    ) -> Result<Vec<Record>> {
        let (columns, ordered) = (self.listed(), self.listed_key());
        let behind = if key.is_some() {
            let places = vec!["?"; self.key.len()].join(", ");
            format!("WHERE ({ordered}) > ({places}) ")
        } else {
            String::new()
        };
        let sql = format!(
            "SELECT {columns} FROM {} {behind}ORDER BY {ordered} LIMIT ?",
            self.name
        );
        let mut params: Vec<_> = key.into_iter().flatten().map(Datum::value).collect();
        params.push(i64::try_from(limit).unwrap_or(i64::MAX).into());
        let (mut rows, mut size) = (Vec::new(), 0);
        db.query(&sql, &params, &mut |row| {
            let row = self.read(row)?;
            size += row.iter().map(Datum::size).sum::<usize>();
            rows.push(row);
            Ok(if size < MOST_BYTES {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            })
        })?;
        Ok(rows)
    }

    /// The key of the last row.
    pub(super) fn last_key(&self, db: &dyn Database) -> Result<Option<Record>> {
        let key: Vec<_> = self.key_columns().map(|column| &*column.name).collect();
        let sql = format!(
            "SELECT {} FROM {} ORDER BY {} DESC LIMIT 1",
            key.join(", "),
            self.name,
            key.join(" DESC, ")
        );
        let mut last = None;
        db.query(&sql, &[], &mut |row| {
            let cells = (0..key.len()).map(|index| row.cell(index).map(Datum::of));
            let read: Result<Record, _> = cells.collect();
            last = Some(read.map_err(|why| {
                Error::internal(format!("a key of {} cannot be read: {why}", self.name))
            })?);
            Ok(ControlFlow::Break(()))
        })?;
        Ok(last)
    }

    /// The key of a row.
    pub(super) fn key_of(&self, row: &Record) -> Record {
        let key = self.key.iter().filter_map(|index| row.get(*index));
        key.cloned().collect()
    }

    /// A row as a message names it: by table and key.
    pub(super) fn named(&self, row: &Record) -> String {
        let key: Vec<_> = self.key_of(row).iter().map(shown).collect();
        format!("the row {} of {}", key.join(", "), self.name)
    }

    fn read(&self, row: &dyn Row) -> Result<Record> {
        let cell = |index| row.cell(index).map(Datum::of);
        let all = self.columns.iter().enumerate();
        all.map(|(index, column)| {
            cell(index).map_err(|why| {
                let key = self.key.iter().map(|index| cell(*index));
                let key: Vec<_> = key
                    .map(|part| part.map_or("unknown".to_owned(), |part| shown(&part)))
                    .collect();
                Error::internal(format!(
                    "{}.{} of the row {} cannot be read: {why}",
                    self.name,
                    column.name,
                    key.join(", ")
                ))
            })
        })
        .collect()
    }
}

/// Part of a key, for a message: identifiers as the interface has them.
pub(super) fn shown(part: &Datum) -> String {
    match part {
        Datum::Null => "nothing".to_owned(),
        Datum::Integer(number) => number.to_string(),
        Datum::Text(text) => format!("{text:?}"),
        Datum::Bytes(bytes) => {
            let dashes: &[usize] = if bytes.len() == 16 {
                &[4, 6, 8, 10]
            } else {
                &[]
            };
            let mut text = String::new();
            for (index, byte) in bytes.iter().enumerate() {
                let dash = if dashes.contains(&index) { "-" } else { "" };
                // Writing to a String cannot fail.
                let _ = write!(text, "{dash}{byte:02x}");
            }
            text
        }
    }
}

/// So many rows at most are read at a time, and moved in one transaction.
pub(super) const MOST_ROWS: usize = 2_000;
/// With so many bytes, and one row more.
const MOST_BYTES: usize = 4 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_shown_as_the_interface_has_them() {
        let id = Datum::Bytes((0..16).collect());
        assert_eq!(shown(&id), "00010203-0405-0607-0809-0a0b0c0d0e0f");
        assert_eq!(shown(&Datum::Bytes(vec![0xab, 1])), "ab01");
        assert_eq!(shown(&Datum::Integer(-7)), "-7");
        assert_eq!(shown(&Datum::Text("a\n\"".to_owned())), r#""a\n\"""#);
    }
}
