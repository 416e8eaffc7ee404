//! `regcred user`: users, made by whoever holds the database and its key.

use std::io::{IsTerminal as _, Read as _, stdin};

use clap::Subcommand;
use regcred_server::StoreArgs;
use regcred_server::operator::{self, NewUser, OperatorError, SecretText};

#[derive(Subcommand)]
pub(crate) enum UserCommand {
    /// Create a user; the password is asked for
    Create {
        /// ASCII letters, digits and `.`, `_`, `-`, `@`, `+`; its case does not count
        login: String,
        /// An admin of the platform: all projects and users, but no passwords out
        #[arg(long)]
        admin: bool,
        /// A group that the user belongs to; may be repeated
        #[arg(long = "group", value_name = "GROUP")]
        groups: Vec<String>,
        /// Read the password from standard input instead; a line break at its end does not count
        #[arg(long)]
        password_stdin: bool,
        #[command(flatten)]
        store: StoreArgs,
    },
}

pub(crate) fn user(command: UserCommand) -> Result<String, OperatorError> {
    let UserCommand::Create {
        login,
        admin,
        groups,
        password_stdin,
        store,
    } = command;
    let password = if password_stdin {
        from_stdin()?
    } else {
        from_terminal(&login)?
    };
    let login = operator::create_user(
        store,
        NewUser {
            login,
            password,
            admin,
            groups,
        },
    )?;
    Ok(format!(
        "created {} {login}",
        if admin { "admin" } else { "user" }
    ))
}

fn from_stdin() -> Result<SecretText, OperatorError> {
    let mut text = String::new();
    // A password has at most 1 KiB: a little more is enough to tell that it is too long.
    stdin()
        .take(4096)
        .read_to_string(&mut text)
        .map_err(|error| format!("the password cannot be read: {error}"))?;
    let length = text.trim_end_matches(['\r', '\n']).len();
    text.truncate(length);
    Ok(SecretText::new(text))
}

fn from_terminal(login: &str) -> Result<SecretText, OperatorError> {
    if !stdin().is_terminal() {
        return Err(
            "there is no terminal to ask for the password; give it with --password-stdin"
                .to_owned(),
        );
    }
    let ask = |prompt: String| {
        rpassword::prompt_password(prompt)
            .map(SecretText::new)
            .map_err(|error| format!("the password cannot be read: {error}"))
    };
    let first = ask(format!("Password of {login}: "))?;
    let second = ask("Again: ".to_owned())?;
    if first.expose() == second.expose() {
        Ok(first)
    } else {
        Err("the two passwords differ; try again".to_owned())
    }
}
