//! The time of day, in one place.

use jiff::Timestamp;

/// Now. A command runs at one moment, and asks once.
#[expect(
    clippy::disallowed_methods,
    reason = "a command has no service whose clock it could take; this is the one place"
)]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}
