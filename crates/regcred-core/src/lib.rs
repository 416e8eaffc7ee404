//! The domain of regcred, without I/O.
//!
//! A request that has been authenticated becomes a [`access::Caller`]; the access check turns it into a
//! [`access::Grant`]; a use case of [`service::Service`] does one thing with it through the
//! [`store::Store`], which writes the audit event in the same transaction. Passwords are sealed here
//! ([`sealing`]) before they reach the store, and no type here can print one.
//!
//! Time and randomness are arguments ([`clock::Clock`], [`random::Random`]), so that tests are exact.

pub mod access;
pub mod alert;
pub mod audit;
pub mod clock;
pub mod credentials;
pub mod error;
pub mod ids;
pub mod people;
pub mod project;
pub mod pull;
pub mod random;
pub mod registry;
pub mod sealing;
pub mod secret;
pub mod service;
pub mod store;
mod text;
pub mod token;
pub mod verification;
pub mod webhook;
pub mod workload;

pub use clock::{Clock, Day, Timestamp};
pub use error::{Error, ErrorKind, Result};
pub use random::Random;
