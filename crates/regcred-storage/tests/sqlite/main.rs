//! What is SQLite's own: opening and refusing to open, what somebody changed behind the store's back, file modes.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bounds;
mod installation;
mod lifetimes;
mod opening;
mod passwords;
mod reading;
mod tampering;
