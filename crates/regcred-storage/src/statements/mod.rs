//! The statements, in a room for each concept.
//!
//! Each function runs on an open connection. One that changes something takes the [`Unit`](crate::unit::Unit) of its
//! transaction, or the connection of that where it is part of another.

pub(crate) mod alerts;
pub(crate) mod checks;
pub(crate) mod credentials;
pub(crate) mod deliveries;
pub(crate) mod people;
pub(crate) mod projects;
pub(crate) mod sessions;
pub(crate) mod tokens;
pub(crate) mod uses;
pub(crate) mod verifications;
pub(crate) mod versions;
pub(crate) mod workloads;
