//! `docker-credential-regcred`: one argument says what to do, standard input for what; the answer is on standard output.
//!
//! An error is one line on standard output, and exit code 1; standard error says to people what to do. Clients take
//! one line for "there are none", and go on without credentials: it is said only where regcred says so.

mod change;
mod get;
mod list;

use std::ffi::OsString;
use std::process::ExitCode;

use zeroize::Zeroizing;

use crate::access::Access;
use crate::failure::{Failure, NOT_FOUND, Result};
use crate::input;
use crate::process::{Answer, Program, block_on};
use crate::reference::ServerKey;

/// Runs the program with the arguments of the process.
#[must_use]
pub fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    PROGRAM.run(move || act(&arguments))
}

fn act(arguments: &[OsString]) -> Result<Answer> {
    let [action] = arguments else {
        return Err(usage());
    };
    match action.to_str() {
        Some("get") => {
            let key = server_key()?;
            if key.is_dockers_own() {
                return Err(Failure::known(NOT_FOUND, dockers_own()));
            }
            let access = Access::configured(PROGRAM)?;
            block_on(get::get(&access, &key))
        }
        Some("list") => {
            let access = Access::configured(PROGRAM)?;
            block_on(list::list(&access))
        }
        Some("store") => {
            let login = change::Login::parse(&input::read(MOST_BYTES)?)?;
            if login.key().is_dockers_own() {
                return Err(Failure::new(
                    "regcred does not keep the tokens of docker's login by browser",
                    dockers_own(),
                ));
            }
            let access = Access::configured(PROGRAM)?;
            block_on(change::store(&access, &login))
        }
        Some("erase") => {
            let key = server_key()?;
            if key.is_dockers_own() {
                return Ok(Zeroizing::default());
            }
            let access = Access::configured(PROGRAM)?;
            block_on(change::erase(&access, &key))
        }
        Some("version" | "--version") => Ok(Zeroizing::new(VERSION.as_bytes().to_vec())),
        Some("help" | "--help") => Ok(Zeroizing::new(HELP.as_bytes().to_vec())),
        _ => Err(usage()),
    }
}

fn server_key() -> Result<ServerKey> {
    ServerKey::parse(&input::read(MOST_BYTES)?)
}

/// What to do where docker asks for tokens of its own.
fn dockers_own() -> String {
    "under this key docker keeps a token of its own login by browser, which is no password of a registry; log in with \
     `docker login --username`; nothing was sent"
        .to_owned()
}

fn usage() -> Failure {
    Failure::new(
        "one argument is needed: get, store, erase, list or version",
        "docker runs it with one of these; `docker-credential-regcred help` says more",
    )
}

const PROGRAM: Program = Program {
    name: "docker-credential-regcred",
    fails_on_stdout: true,
};
/// More than a key, or a login with the longest password, takes.
const MOST_BYTES: usize = 64 << 10;
const VERSION: &str = concat!(
    "docker-credential-regcred (regcred) ",
    env!("CARGO_PKG_VERSION"),
    "\n"
);
const HELP: &str = "\
docker-credential-regcred get|store|erase|list|version

A credential helper of docker on regcred. It reads what it is asked from standard input, as docker writes it.
REGCRED_URL and REGCRED_TOKEN say where regcred is; ~/.config/regcred/helper.toml stands in for them.
";
