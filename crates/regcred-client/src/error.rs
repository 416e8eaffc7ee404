//! Everything that can go wrong, as kinds that a caller can match on; nobody has to read a message to decide.

use std::fmt;
use std::time::Duration;

use crate::regcred::{Account, VerificationVerdict};
use crate::transport::Effect;

/// The result of an operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an operation failed.
///
/// It is matched exhaustively: a new kind is a breaking change, so that no caller overlooks one. The messages are for
/// people; those that come from the server have lost their control characters, and hold at most 500 characters.
///
/// ```
/// use regcred_client::Error;
///
/// fn worth_another_try(error: &Error) -> bool {
///     matches!(error, Error::Throttled { .. } | Error::Unavailable { .. } | Error::Transport { .. })
/// }
/// ```
#[derive(Debug)]
pub enum Error {
    /// It does not exist, or the caller may not know that it does. Code `NOT_FOUND`.
    NotFound {
        /// What was looked for.
        message: String,
    },
    /// Something equal exists already. Code `CONFLICT`.
    Conflict {
        /// What it collides with.
        message: String,
    },
    /// Jobs or apps use it. Code `IN_USE`.
    InUse {
        /// By what.
        message: String,
    },
    /// The caller may see it, but not do this to it. Code `FORBIDDEN`, HTTP 403.
    Forbidden {
        /// What is not allowed.
        message: String,
    },
    /// The input breaks a rule. Code `INVALID`, or an argument that was refused before anything was sent.
    Invalid {
        /// The field that is wrong, where the server says it: `username`, `password`, `registry`, `name`.
        field: Option<String>,
        /// The rule, and how to mend the input.
        message: String,
    },
    /// The credentials were to be tried at their registry before they are saved, and what came of it does not suffice, so
    /// nothing was saved. Codes `INVALID` and `UNAVAILABLE` with a verdict.
    NotSaved {
        /// What came of it.
        verdict: VerificationVerdict,
        /// Why that does not suffice.
        message: String,
    },
    /// No token, one that ran out or was revoked, or a wrong login or password. HTTP 401.
    Unauthenticated {
        /// What was presented.
        message: String,
    },
    /// There are no credentials for the image or server that was asked for: the one kind that means so. Code
    /// `NO_MATCH`, HTTP 404.
    NoMatch {
        /// What was looked for.
        message: String,
    },
    /// Several accounts fit the image or server equally well, and nothing decides between them. HTTP 409.
    Ambiguous {
        /// Which they are, and what would decide.
        message: String,
        /// The accounts.
        candidates: Vec<Account>,
    },
    /// The server is asked more often than it allows, and did nothing. HTTP 429.
    Throttled {
        /// What it says.
        message: String,
        /// When to try again, where it says so.
        retry_after: Option<Duration>,
    },
    /// The server, or what stands before it, cannot serve now. Code `UNAVAILABLE`, HTTP 502, 503, 504.
    Unavailable {
        /// The server's own code, where it said so itself: that is an answer. Absent where the answer may be that of
        /// something in between, such as a gateway, and the server may not have been reached at all.
        code: Option<String>,
        /// What it says.
        message: String,
        /// When to try again, where it says so.
        retry_after: Option<Duration>,
        /// Whether the operation may have been carried out all the same.
        outcome: Outcome,
    },
    /// The server says no in another way: a fault of its own, or a code that this client does not know.
    Refused {
        /// Its code, where it gave one.
        code: Option<String>,
        /// What it says.
        message: String,
        /// Whether the operation may have been carried out all the same.
        outcome: Outcome,
    },
    /// What was asked for is regcred's own, and the server is not regcred.
    Unsupported {
        /// What the server does not have.
        what: &'static str,
    },
    /// The server was not reached, or the connection broke.
    Transport {
        /// Where it broke.
        kind: TransportKind,
        /// What the network or TLS says.
        message: String,
        /// Whether the operation may have been carried out all the same.
        outcome: Outcome,
    },
    /// The answer is not one of the platform's: something else listens there, or stands in between.
    Protocol {
        /// What came instead.
        message: String,
        /// Whether the operation may have been carried out all the same.
        outcome: Outcome,
    },
}

/// Where the way to the server broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransportKind {
    /// No connection: a name that does not resolve, a port where nobody listens, a proxy that does not let through.
    Connect,
    /// The server's certificate was not accepted, or TLS was not agreed on.
    Tls,
    /// It took longer than the connect, request or total timeout.
    Timeout,
    /// The connection broke while the request or the answer was under way.
    Interrupted,
}

/// Whether an operation that failed may have been carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was not.
    NotDone,
    /// It may have been: a change was sent, and no answer tells. Look before you repeat it.
    Unknown,
}

impl Error {
    /// Whether the operation may have been carried out although it failed.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Unavailable { outcome, .. }
            | Self::Refused { outcome, .. }
            | Self::Transport { outcome, .. }
            | Self::Protocol { outcome, .. } => *outcome,
            Self::NotFound { .. }
            | Self::Conflict { .. }
            | Self::InUse { .. }
            | Self::Forbidden { .. }
            | Self::Invalid { .. }
            | Self::NotSaved { .. }
            | Self::Unauthenticated { .. }
            | Self::NoMatch { .. }
            | Self::Ambiguous { .. }
            | Self::Throttled { .. }
            | Self::Unsupported { .. } => Outcome::NotDone,
        }
    }

    pub(crate) fn invalid(field: &str, message: impl Into<String>) -> Self {
        Self::Invalid {
            field: Some(field.to_owned()),
            message: message.into(),
        }
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::NotFound {
            message: message.into(),
        }
    }

    pub(crate) fn protocol(message: impl Into<String>) -> Self {
        Self::Protocol {
            message: message.into(),
            outcome: Outcome::NotDone,
        }
    }

    /// A change that was answered with null and no error.
    pub(crate) fn no_answer() -> Self {
        Self::protocol("the server answered with null and no error").of(Effect::Change)
    }

    /// The same error once it is known what the request does: reading leaves nothing uncertain, and a change that was
    /// sent without an answer may have been made.
    pub(crate) fn of(mut self, effect: Effect) -> Self {
        let (message, outcome) = match &mut self {
            Self::Transport {
                kind: TransportKind::Connect | TransportKind::Tls,
                ..
            } => return self,
            Self::Transport {
                message, outcome, ..
            }
            | Self::Protocol { message, outcome } => {
                *outcome = Outcome::Unknown;
                (message, outcome)
            }
            Self::Unavailable {
                message, outcome, ..
            } => (message, outcome),
            _ => return self,
        };
        if effect == Effect::None {
            *outcome = Outcome::NotDone;
        } else if *outcome == Outcome::Unknown {
            message.push_str("; the change may have been made all the same");
        }
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound { message }
            | Self::Conflict { message }
            | Self::InUse { message }
            | Self::Forbidden { message }
            | Self::Invalid { message, .. }
            | Self::NotSaved { message, .. }
            | Self::Unauthenticated { message }
            | Self::NoMatch { message }
            | Self::Ambiguous { message, .. }
            | Self::Throttled { message, .. }
            | Self::Unavailable { message, .. }
            | Self::Refused { message, .. }
            | Self::Transport { message, .. }
            | Self::Protocol { message, .. } => f.write_str(message),
            Self::Unsupported { what } => {
                write!(f, "this server has no {what}: they are regcred's own")
            }
        }
    }
}

impl std::error::Error for Error {}

/// Whether a character could steer a terminal, end a line, or turn the direction of writing, where it is printed for
/// people: control characters, the separators of lines and paragraphs, and the marks of Unicode's bidirectional
/// algorithm. Texts of errors hold none; whoever prints other texts of a server's asks this first.
#[must_use]
pub fn steers_a_terminal(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

/// A text of the server as it may be shown: one line, nothing that steers a terminal, at most 500 characters.
pub(crate) fn shown(text: &str) -> String {
    let mut shown = String::new();
    let words =
        text.split(|character: char| steers_a_terminal(character) || character.is_whitespace());
    for word in words.filter(|word| !word.is_empty()) {
        if !shown.is_empty() {
            shown.push(' ');
        }
        shown.push_str(word);
    }
    if let Some((end, _)) = shown.char_indices().nth(MOST_SHOWN) {
        shown.truncate(end);
        shown.push('…');
    }
    shown
}

const MOST_SHOWN: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_cannot_steer_a_terminal() {
        assert_eq!(shown("a\u{1b}[31m b\r\n\tc\u{0}"), "a [31m b c");
        assert_eq!(
            shown("a\u{202e}b\u{2028}c\u{2029}d\u{2067}e\u{200f}f\u{61c}g"),
            "a b c d e f g"
        );
        assert_eq!(shown(&"é".repeat(600)).chars().count(), MOST_SHOWN + 1);
    }
}
