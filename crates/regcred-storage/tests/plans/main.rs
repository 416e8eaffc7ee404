//! How each statement of the store finds its rows in a large installation: by an index, and no more of them than a project
//! has.
//!
//! A database of PostgreSQL is filled with a million credentials, and each method of the store is called on it, while
//! the server tells the plan of every statement, those of triggers among them (`auto_explain`). The texts of the same
//! statements are given to SQLite, whose plans do not hang on what a database holds.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod calls;
#[expect(dead_code, reason = "the conformance suite needs more of it")]
#[path = "../conformance/fixture.rs"]
mod fixture;
mod judge;
mod plans;
#[path = "../postgres/scratch.rs"]
mod scratch;
#[expect(dead_code, reason = "the conformance suite needs more of it")]
#[path = "../conformance/tokens.rs"]
mod tokens;
mod told;
