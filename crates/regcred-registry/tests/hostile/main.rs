//! Registries that want credentials for somebody else: what they get, and what the caller learns.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]

mod cases;
mod challenges;
mod server;
mod webhooks;
mod world;
