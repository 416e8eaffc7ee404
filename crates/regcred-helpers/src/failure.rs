//! Why a run failed: a line for the program that runs it, and what to do for people.

use std::time::Duration;

use regcred_client::{Error, TransportKind, steers_a_terminal};

/// The result of a run, or of a part of it.
pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

/// A failure as others see it: one line, without what may be a secret.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What is wrong. Some programs know a line by its words.
    pub(crate) line: String,
    /// More for people than the line says, or what to do.
    hint: String,
}

impl Failure {
    /// A failure in words for people. None of the lines that programs know is in it: some look for it anywhere in what
    /// they are told, and the words of a server are among these.
    pub(crate) fn new(line: impl Into<String>, hint: impl Into<String>) -> Self {
        let mut line = one_line(&line.into());
        for known in [NOT_FOUND, NO_SERVER, NO_USERNAME] {
            line = line.replace(known, "…");
        }
        Self {
            line,
            hint: hint.into(),
        }
    }

    /// A failure that programs know by its line.
    pub(crate) fn known(line: &'static str, hint: impl Into<String>) -> Self {
        Self {
            line: line.to_owned(),
            hint: hint.into(),
        }
    }

    /// What people are told.
    pub(crate) fn told(&self) -> String {
        format!("{}; {}", self.line, self.hint)
    }
}

/// Nothing that could end the line or steer a terminal, whatever a path or a server held.
pub(crate) fn one_line(text: &str) -> String {
    let shown = |character: char| {
        if steers_a_terminal(character) {
            ' '
        } else {
            character
        }
    };
    text.chars().map(shown).collect()
}

/// What a refusal of the server means to whoever configured the helper. `token` says where the token is from.
pub(crate) fn of_server(error: &Error, token: &str) -> Failure {
    let says = |message: &str| format!("regcred says: {message}");
    let (line, hint) = match error {
        Error::Unauthenticated { .. } => (
            format!("the token in {token} is not accepted: it is wrong, ran out or was revoked"),
            "put one there that counts; `regcred token create` makes one".to_owned(),
        ),
        Error::Forbidden { message } => (
            format!("the token in {token} may not do this: {message}"),
            "pulls need a token with the right `pull`, changes one with the right `edit`; `regcred token create` makes one"
                .to_owned(),
        ),
        Error::NotFound { message } => (
            says(message),
            format!("check the project (REGCRED_PROJECT, or `project` in the file), and that the token in {token} counts there"),
        ),
        Error::Invalid {
            field: Some(field),
            message,
        } if field == "project" => (
            says(message),
            "name the project in REGCRED_PROJECT, or as `project` in the file".to_owned(),
        ),
        // The client's own words.
        Error::Invalid {
            field: Some(field),
            message,
        } if field == "token" => (
            message.clone(),
            format!("put the token alone into {token}"),
        ),
        Error::Invalid { message, .. } | Error::NotSaved { message, .. } => (
            says(message),
            "mend what was asked for, and try again".to_owned(),
        ),
        Error::Throttled {
            message,
            retry_after,
        } => (message.clone(), again(*retry_after)),
        Error::Unavailable {
            code: Some(_),
            message,
            retry_after,
            ..
        } => (
            format!("regcred cannot do this now: {message}"),
            format!("{}; its log says why", again(*retry_after)),
        ),
        Error::Unsupported { .. } => (
            error.to_string(),
            "check the URL: it must be that of a regcred of this version or a later one".to_owned(),
        ),
        Error::Transport {
            kind: TransportKind::Tls,
            message,
            ..
        } => (
            message.clone(),
            "if you trust its authority, name that one's certificate in REGCRED_CA_FILE, or as `ca-file` in the file"
                .to_owned(),
        ),
        Error::Transport { message, .. } | Error::Unavailable { message, .. } => (
            format!("regcred is out of reach: {message}"),
            "check that it runs, and that its URL is right".to_owned(),
        ),
        Error::Ambiguous { message, .. } => (
            says(message),
            "delete the account that is not meant, or give one of them a longer path".to_owned(),
        ),
        Error::Conflict { message } | Error::InUse { message } => {
            (says(message), "nothing was changed".to_owned())
        }
        Error::NoMatch { message } => (
            says(message),
            "`regcred pull --server KEY --explain` says more".to_owned(),
        ),
        Error::Refused { message, .. } => (
            says(message),
            "check that the URL is regcred's own; its log may say more".to_owned(),
        ),
        Error::Protocol { message, .. } => (
            message.clone(),
            "check that the URL is regcred's own, and not that of a page or a proxy".to_owned(),
        ),
    };
    Failure::new(line, hint)
}

fn again(after: Option<Duration>) -> String {
    match after {
        Some(after) => format!("try again in {} s", after.as_secs().max(1)),
        None => "try again later".to_owned(),
    }
}

/// What clients know the absence of credentials by.
pub(crate) const NOT_FOUND: &str = "credentials not found in native keychain";
/// What clients know a missing key by.
pub(crate) const NO_SERVER: &str = "no credentials server URL";
/// What clients know a missing username by.
pub(crate) const NO_USERNAME: &str = "no credentials username";
