//! Hostile requests against the real program. Each is refused in words that name the limit, costs next to nothing, and
//! leaves the process as it was. What is let through is cheap as well.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says what it measured"
)]

mod bodies;
mod requests;
#[path = "../support/mod.rs"]
mod support;
