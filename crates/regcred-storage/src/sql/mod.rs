//! The way to a database, whichever it is: statements, what goes into them, and what comes out.
//!
//! A statement has one text. It is written for SQLite and PostgreSQL alike, with `?` and `?1` for what goes in;
//! [`crate::postgres`] spells those its own way. [`Database`] is a connection; the functions of [`columns`] are what the
//! statements call.

mod columns;
mod value;

pub(crate) use columns::{Columns, all, execute, first, put};
pub(crate) use value::{Cell, Value, params};

use std::ops::ControlFlow;

use regcred_core::Result;

use crate::unit::Key;

/// A connection to a database.
pub(crate) trait Database {
    /// Runs a query, and shows its rows until there are no more or enough.
    fn query(
        &self,
        sql: &str,
        params: &[Value<'_>],
        each: &mut dyn FnMut(&dyn Row) -> Result<ControlFlow<()>>,
    ) -> Result<()>;

    /// Runs a statement; the number of rows that it changed.
    fn execute(&self, sql: &str, params: &[Value<'_>]) -> Result<usize>;

    /// Runs a statement of which nobody asks what it changed. It may be run a little later, before the next that gives
    /// something; where it fails, so does that.
    fn put(&self, sql: &str, params: &[Value<'_>]) -> Result<()> {
        self.execute(sql, params).map(drop)
    }

    /// Begins to see one state of the database, whatever others change; `false` where it sees one already.
    fn begin_snapshot(&self) -> Result<bool>;

    /// Sees what there is again.
    fn end_snapshot(&self) -> Result<()>;

    /// Keeps other transactions out of `keys`, which come in order, until the end of this one.
    fn lock(&self, keys: &[Key]) -> Result<()>;

    /// Tells other processes on the same database, once the transaction is committed, that tokens or rights were changed or
    /// something waits to be delivered.
    fn notify(&self) -> Result<()>;
}

/// A row that a query gives.
pub(crate) trait Row {
    /// The value of a column, or why it cannot be read.
    fn cell(&self, index: usize) -> Result<Cell<'_>, String>;
}

/// Several statements that see one state of the database.
pub(crate) fn snapshot<T>(
    db: &dyn Database,
    work: impl FnOnce(&dyn Database) -> Result<T>,
) -> Result<T> {
    let begun = db.begin_snapshot()?;
    let done = work(db);
    if begun {
        db.end_snapshot()?;
    }
    done
}
