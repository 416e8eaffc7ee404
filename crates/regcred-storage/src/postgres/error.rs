//! What an error of PostgreSQL means: to whoever asked, and to whoever might try again.

use regcred_core::Error;
use tokio_postgres::error::SqlState;

/// Why a statement failed, as far as it matters for trying again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Somebody else changed the same meanwhile, so that a row that was looked for is gone or there: the same statements
    /// see what it is now.
    Raced,
    /// This transaction has to give way to another one.
    GiveWay,
    /// The connection is of no use any more. What it was about to do may be done or not.
    Lost,
    /// Trying again is no help.
    Refused,
}

impl Trouble {
    pub(super) fn of(error: &tokio_postgres::Error) -> Self {
        let Some(code) = error.code() else {
            return if error.is_closed() || is_io(error) {
                Self::Lost
            } else {
                Self::Refused
            };
        };
        if [SqlState::UNIQUE_VIOLATION, SqlState::FOREIGN_KEY_VIOLATION].contains(code) {
            Self::Raced
        } else if [
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::T_R_DEADLOCK_DETECTED,
            SqlState::LOCK_NOT_AVAILABLE,
        ]
        .contains(code)
        {
            Self::GiveWay
        } else if LOST.iter().any(|class| code.code().starts_with(class)) {
            Self::Lost
        } else {
            Self::Refused
        }
    }
}

fn is_io(error: &tokio_postgres::Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        if error.is::<std::io::Error>() {
            return true;
        }
        source = error.source();
    }
    false
}

/// Out of reach, out of room, too slow or in another's way is `Unavailable`: nothing was changed and it may pass. The
/// rest is a fault.
pub(super) fn told(error: &tokio_postgres::Error) -> Error {
    let detail = format!("PostgreSQL: {}", whole(error));
    let passes = match error.code() {
        None => Trouble::of(error) == Trouble::Lost,
        Some(code) => PASSES.iter().any(|class| code.code().starts_with(class)),
    };
    if passes {
        Error::unavailable(detail)
    } else {
        Error::internal(detail)
    }
}

/// An error with its causes; what the server says of the values that a row had is left out.
pub(super) fn whole(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

/// Connection exceptions, the server stops or starts, a server that became a standby, and a statement that was prepared before
/// another program changed a table.
const LOST: &[&str] = &["08", "57P", "25006", "25P03", "0A000", "26000"];
/// The same, and: serialization, insufficient resources, object not in a state, operator intervention (a time-out is one),
/// and system errors.
const PASSES: &[&str] = &["08", "40", "53", "55", "57", "58", "25006", "25P03"];
