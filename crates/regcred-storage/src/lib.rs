//! The [`Store`](regcred_core::store::Store) of regcred on SQLite.
//!
//! One writer commits whatever is waiting in one transaction (group commit), and readers work beside it. The only
//! crate that knows the SQL driver. `tests/conformance` holds the suite that every backend passes.

mod sqlite;

pub use sqlite::{
    DATABASE_FILE, Durability, OpenError, SqliteOptions, SqliteStore, prepare_directory,
};
