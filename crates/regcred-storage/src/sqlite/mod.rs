//! SQLite: WAL, `synchronous=FULL`, an exclusive lock on the data directory.
//!
//! [`open`] finds or makes the installation; [`writer`] is the one thread that writes; [`readers`] are connections
//! for everything else; [`store`] is the `Store`, whose statements lie in a room for each concept.

mod alerts;
mod audit;
mod checks;
mod columns;
mod credentials;
mod deliveries;
mod directory;
mod error;
mod open;
mod people;
mod projects;
mod readers;
mod schema;
mod sessions;
mod store;
mod tokens;
mod uses;
mod verifications;
mod versions;
mod workloads;
mod writer;

pub use directory::prepare_directory;
pub use open::{DATABASE_FILE, Durability, OpenError, SqliteOptions};
pub use store::SqliteStore;
