//! What is PostgreSQL's alone: its schema beside SQLite's, replicas beside each other, and a database that is out of reach.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod address;
mod opening;
mod planning;
mod proxy;
mod pulling;
mod reading;
mod replica;
mod replicas;
mod schema;
mod scratch;
mod tls;
mod trouble;
