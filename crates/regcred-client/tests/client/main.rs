//! The client against a server that does as it is told: what the caller gets, and what the server saw.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail by a panic"
)]

mod addressing;
mod blocking;
mod environment;
mod properties;
mod pulls;
mod repeating;
mod rubbish;
mod secrets;
mod session;
mod support;
mod time;
mod tls;
mod values;
mod verification;
mod versions;
