//! The two programs as whole processes, against a server that does as it is told: what they print, and what it saw.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail by a panic"
)]

mod cache;
mod change;
mod configuration;
mod get;
mod hostile;
mod hostile_provider;
mod kubelet;
mod pins;
mod secrets;
mod server;
mod time;
mod world;
