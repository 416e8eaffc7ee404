//! The [`Store`](regcred_core::store::Store) of regcred, on SQLite and on PostgreSQL.
//!
//! What is done in a transaction is written once, in `statements`; `backend` is what the two databases do each in its own
//! way. Both have one writer that commits whatever is waiting in one transaction (group commit), and readers beside it.
//! The only crate that knows SQL and its drivers. `tests/conformance` holds the suite that both pass.

mod backend;
mod installation;
mod migration;
mod postgres;
mod sql;
mod sqlite;
mod statements;
mod store;
mod trail;
mod unit;

pub use installation::OpenError;
pub use migration::{Doing, Migration, Progress, Standing};
pub use postgres::{PostgresOptions, PostgresStore};
pub use sqlite::{
    DATABASE_FILE, Durability, SqliteOptions, SqliteStore, moved_to, note_moved, prepare_directory,
};
pub use store::SqlStore;
