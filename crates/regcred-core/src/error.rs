//! One error type with two messages: what the caller may read, and what belongs in the log.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use crate::verification::Verdict;

/// The result of a use case.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, in the domain's words. Adapters turn it into a status or a code; the domain knows none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// It does not exist, or the caller may not know that it does.
    NotFound,
    /// The caller may see the thing, but not do this to it.
    Forbidden,
    /// Another thing with the same identity exists already.
    Conflict,
    /// Other things depend on it; the message names them and says how to go on all the same.
    InUse,
    /// The input breaks a rule; the message says which and how to mend it.
    Invalid,
    /// No valid token, or a wrong login or password.
    Unauthenticated,
    /// A limit was reached; the same call may succeed after the given time, in whole seconds.
    Throttled(Duration),
    /// The store or the audit trail is out of reach or full; the message says whether anything was changed.
    Unavailable,
    /// A fault of ours. The caller's message is a fixed sentence.
    Internal,
}

/// An error with the caller's message, and the log's detail where there is more to say.
#[derive(Clone, Debug)]
pub struct Error {
    kind: ErrorKind,
    message: Cow<'static, str>,
    detail: Option<String>,
    field: Option<&'static str>,
    verdict: Option<Verdict>,
}

impl Error {
    /// An error whose message is the caller's.
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            message: message.into(),
            detail: None,
            field: None,
            verdict: None,
        }
    }

    /// Bad input: say what is wrong and how to mend it.
    pub fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Invalid, message)
    }

    /// Absent, or hidden from this caller.
    pub fn not_found(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::NotFound, message)
    }

    /// Something equal exists.
    pub fn conflict(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Conflict, message)
    }

    /// Seen, but not allowed.
    pub fn forbidden(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Forbidden, message)
    }

    /// The one answer for every bad token and every bad login.
    #[must_use]
    pub fn unauthenticated() -> Self {
        Self::new(
            ErrorKind::Unauthenticated,
            "the token is missing, unknown, expired or revoked; log in again",
        )
    }

    /// The store cannot serve now; `detail` is for the log.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self {
            kind: ErrorKind::Unavailable,
            message: "the store is not available, nothing was changed; try again shortly".into(),
            detail: Some(detail.into()),
            field: None,
            verdict: None,
        }
    }

    /// A commit failed so late that it may hold all the same; `detail` is for the log.
    pub fn uncertain(detail: impl Into<String>) -> Self {
        Self {
            kind: ErrorKind::Unavailable,
            message: "the store failed, and the change may have been made all the same; look before you repeat it".into(),
            detail: Some(detail.into()),
            field: None,
            verdict: None,
        }
    }

    /// A fault of ours; `detail` is for the log, the caller gets a fixed sentence.
    pub fn internal(detail: impl Into<String>) -> Self {
        Self {
            kind: ErrorKind::Internal,
            message: "internal error; the log has the details under this request id".into(),
            detail: Some(detail.into()),
            field: None,
            verdict: None,
        }
    }

    /// Names the field of the input that is at fault, as interfaces call it. It changes no error that is not about bad
    /// input, nor one that knows its field.
    #[must_use]
    pub fn in_field(mut self, field: &'static str) -> Self {
        if self.kind == ErrorKind::Invalid {
            self.field.get_or_insert(field);
        }
        self
    }

    /// Says what came of trying a password at its registry, where that is why it fails.
    #[must_use]
    pub fn with_verdict(mut self, verdict: Verdict) -> Self {
        self.verdict = Some(verdict);
        self
    }

    /// The same error with another message for the caller.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        self.message = message.into();
        self
    }

    /// What kind of error it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The message for the caller.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The field of the input that is at fault, where that is known.
    #[must_use]
    pub fn field(&self) -> Option<&'static str> {
        self.field
    }

    /// What came of trying a password at its registry, where that is why it fails.
    #[must_use]
    pub fn verdict(&self) -> Option<Verdict> {
        self.verdict
    }

    /// The detail for the log, never for the caller.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
