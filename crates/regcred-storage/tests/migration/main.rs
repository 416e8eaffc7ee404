//! An installation moves from SQLite to PostgreSQL: whole, and whatever happens on the way.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod dump;
mod fixture;
mod interruptions;
mod moving;
#[path = "../postgres/proxy.rs"]
mod proxy;
mod refusals;
#[path = "../postgres/replica.rs"]
#[expect(dead_code, reason = "the other tests use more of it")]
mod replica;
#[path = "../postgres/scratch.rs"]
mod scratch;
