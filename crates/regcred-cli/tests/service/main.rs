//! The service as a user meets it: the real program, over HTTP.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::needless_pass_by_value,
    reason = "a test fails by panicking, says what it measured, and gives JSON away"
)]

mod api;
mod bad_input;
mod client;
mod disconnects;
mod door;
mod durability;
mod matrix;
mod migrate;
mod principals;
mod pull;
mod registry;
mod rotation;
mod running;
mod saving;
mod secrets;
mod store;
mod support;
mod verify;
mod webhooks;
mod workloads;
