//! Why a command failed: one line that says what is wrong, one that says what to do, and the exit code.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use clap::error::{ContextKind, ContextValue};
use regcred_client::{Error, Outcome, TransportKind};

use crate::output::shown_lines;

/// The result of a command, or of a part of it.
pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

/// A failure as its user sees it.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

/// The kinds of failure, each with its exit code. `regcred help exit-codes` lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Internal = 1,
    Usage = 2,
    NotFound = 3,
    Conflict = 4,
    NotLoggedIn = 5,
    Forbidden = 6,
    Unreachable = 7,
    Refused = 8,
    BadCredentials = 9,
    Interrupted = 130,
}

impl Exit {
    pub(crate) const ALL: [Self; 10] = [
        Self::Internal,
        Self::Usage,
        Self::NotFound,
        Self::Conflict,
        Self::NotLoggedIn,
        Self::Forbidden,
        Self::Unreachable,
        Self::Refused,
        Self::BadCredentials,
        Self::Interrupted,
    ];

    /// What it means, for the list of exit codes.
    pub(crate) fn meaning(self) -> &'static str {
        match self {
            Self::Internal => "failed: a file, the terminal, the database, or a fault of regcred's",
            Self::Usage => {
                "used wrongly: an argument, a variable or a file is missing or does not fit"
            }
            Self::NotFound => "not found, or not yours to see",
            Self::Conflict => "conflict: something equal exists, or it is in use",
            Self::NotLoggedIn => "not logged in: no token, or one that is no longer accepted",
            Self::Forbidden => "forbidden: your role does not allow it",
            Self::Unreachable => {
                "unreachable: no connection, no answer in time, or not available now"
            }
            Self::Refused => {
                "refused: the server does not take the input, cannot do it, or is no platform"
            }
            Self::BadCredentials => {
                "bad credentials: refused by their registry; with --strict or --verify=proved, or not known to work"
            }
            Self::Interrupted => "interrupted by Ctrl-C, or not confirmed",
        }
    }

    pub(crate) fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            hint: Some(hint.into()),
        }
    }

    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message, hint)
    }

    pub(crate) fn internal(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(Exit::Internal, message, hint)
    }

    /// A failure whose message says what to do by itself.
    pub(crate) fn plain(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            hint: None,
        }
    }

    /// Ctrl-C; `before` anything was done, or at any moment.
    pub(crate) fn interrupted(before: bool) -> Self {
        if before {
            return Self::plain(Exit::Interrupted, "interrupted; nothing was done");
        }
        let hint = "look before you repeat a change: it may have been made all the same";
        Self::new(Exit::Interrupted, "interrupted", hint)
    }

    /// The same failure with a hint that knows more.
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The lines as they are shown.
    pub(crate) fn text(&self) -> String {
        let (error, hint) = (ERROR, HINT);
        let mut text = format!("{error}error:{error:#} {}\n", shown_lines(&self.message));
        if let Some(what) = &self.hint {
            let _ = writeln!(text, "{hint}hint:{hint:#} {}", shown_lines(what));
        }
        text
    }

    /// Shows it on standard error; who closed that does not want to read it.
    pub(crate) fn show(&self) {
        let _ = anstream::stderr().write_all(self.text().as_bytes());
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let (exit, hint) = kind_and_hint(&error);
        Self::new(exit, error.to_string(), hint)
    }
}

fn kind_and_hint(error: &Error) -> (Exit, String) {
    let (exit, hint) = match error {
        Error::NotFound { .. } => (Exit::NotFound, "look what there is with the `list` command"),
        Error::NoMatch { .. } => (
            Exit::NotFound,
            "look what there is with `regcred credentials list`, and how the registry is spelled there",
        ),
        Error::Ambiguous { .. } => (
            Exit::Conflict,
            "delete the account that is not meant, or let the workload name its credentials",
        ),
        Error::Conflict { .. } => (
            Exit::Conflict,
            "look what there is with the `list` command; change that, or choose another name",
        ),
        Error::InUse { .. } => (
            Exit::Conflict,
            "let them use others first: `regcred job upgrade`, `regcred app upgrade`; on regcred, `--force` deletes them \
             all the same",
        ),
        Error::Unauthenticated { .. } => (Exit::NotLoggedIn, "log in with `regcred login`"),
        Error::Forbidden { .. } => (
            Exit::Forbidden,
            "ask a manager of the project, or an admin, for a role that allows it",
        ),
        Error::Invalid {
            field: Some(field), ..
        } => return of_field(field),
        Error::Invalid { field: None, .. } => (Exit::Refused, "mend the input, and run it again"),
        Error::NotSaved { verdict, .. } if verdict.is_bad() => (
            Exit::BadCredentials,
            "give a username and a password that the registry accepts",
        ),
        Error::NotSaved { .. } => (
            Exit::BadCredentials,
            "see what stands in the way, and run it again",
        ),
        Error::Unsupported { .. } => (
            Exit::Refused,
            "use it with a regcred; the original platform does not have it",
        ),
        Error::Unavailable {
            retry_after: Some(after),
            ..
        }
        | Error::Throttled {
            retry_after: Some(after),
            ..
        } => {
            let after = after.as_secs().max(1);
            return (Exit::Unreachable, format!("try again in {after} s"));
        }
        Error::Unavailable { .. } | Error::Throttled { .. } => {
            (Exit::Unreachable, "try again shortly")
        }
        Error::Transport { kind, .. } => (
            Exit::Unreachable,
            match kind {
                TransportKind::Tls => {
                    "give the authority of its certificate with --ca-file, if you trust it"
                }
                TransportKind::Timeout => "try again, or allow more time with --timeout SECONDS",
                TransportKind::Connect | TransportKind::Interrupted => {
                    "check the URL, and that the server runs and can be reached from here"
                }
            },
        ),
        Error::Protocol { .. } => (
            Exit::Refused,
            "check that the URL is the platform's own, and not that of a page or a proxy",
        ),
        Error::Refused { .. } => (Exit::Refused, "the server's log may say more"),
    };
    if error.outcome() == Outcome::Unknown {
        return (exit, LOOK_FIRST.to_owned());
    }
    (exit, hint.to_owned())
}

/// What is wrong before anything is sent is the use of the command; the rest the server refused.
fn of_field(field: &str) -> (Exit, String) {
    let (exit, hint) = match field {
        "url" => (
            Exit::Usage,
            "give a URL such as https://regcred.example; plain http reaches other hosts with --allow-http only",
        ),
        "ca_certificates" => (
            Exit::Usage,
            "give a file of PEM certificates with --ca-file",
        ),
        "token" => (
            Exit::Usage,
            "give the token as it was shown, or log in with `regcred login`",
        ),
        "realm" => (Exit::Usage, "give the realm as the platform spells it"),
        _ => return (Exit::Refused, format!("mend the {field}, and run it again")),
    };
    (exit, hint.to_owned())
}

/// An error of the command line that does not repeat a login that somebody put into a URL or a registry.
pub(crate) fn without_logins(mut error: clap::Error) -> clap::Error {
    for kind in [ContextKind::InvalidValue, ContextKind::InvalidArg] {
        if let Some(ContextValue::String(value)) = error.get(kind)
            && let Some(shortened) = without_login(value)
        {
            error.insert(kind, ContextValue::String(shortened));
        }
    }
    error
}

/// The value with `...` for what stands before the `@` of a host; `None` where nothing does. A digest stays.
fn without_login(value: &str) -> Option<String> {
    let start = value.find("://").map_or(0, |scheme| scheme + 3);
    let authority = value.get(start..)?.split('/').next()?;
    let (login, host) = authority.rsplit_once('@')?;
    if host.starts_with("sha256:") || host.starts_with("sha512:") {
        return None;
    }
    let rest = value.get(start + login.len()..)?;
    Some(format!("{}...{rest}", value.get(..start)?))
}

const LOOK_FIRST: &str = "look with the `list` command whether it was done before you run it again";

const ERROR: Style = AnsiColor::Red.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();
