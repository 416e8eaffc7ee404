//! Webhooks: what waits to be sent, how it is signed, and when it is tried again.
//!
//! The form is that of Standard Webhooks (<https://www.standardwebhooks.com>): receivers have libraries for it. Sending
//! needs the network and is not done here.

mod retry;
mod signature;

use std::fmt;

use aws_lc_rs::digest;

use crate::clock::Timestamp;
use crate::ids::DeliveryId;
pub use retry::{MOST_ATTEMPTS, again_after};
pub use signature::{SigningSecret, SigningSecretError, seconds};

/// Where something is to be delivered, as it is written down: a digest of the URL, in which a secret may stand.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Target(String);

impl Target {
    /// Of a URL.
    #[must_use]
    pub fn of(url: &str) -> Self {
        let digest = digest::digest(&digest::SHA256, url.as_bytes());
        let hex = digest
            .as_ref()
            .iter()
            .take(16)
            .map(|byte| format!("{byte:02x}"));
        Self(hex.collect())
    }

    /// From a stored row.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Something to deliver.
#[derive(Clone, Debug)]
pub struct NewDelivery {
    /// Its id, the same at each attempt.
    pub id: DeliveryId,
    /// Where to.
    pub target: Target,
    /// JSON.
    pub body: String,
    /// Since when.
    pub at: Timestamp,
}

/// Something that waits to be delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its id, the same at each attempt.
    pub id: DeliveryId,
    /// JSON.
    pub body: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is to be tried.
    pub due: Timestamp,
}

/// So many deliveries wait at most; the oldest ones go.
pub const MOST_WAITING: usize = 10_000;
