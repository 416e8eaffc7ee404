//! `regcred`: the service, the operator's commands, and the commands that ask a server.
//!
//! Errors go to standard error: what is wrong, and what to do. The exit codes are those of [`failure::Exit`].

mod commands;
mod connection;
mod contexts;
mod failure;
mod interrupt;
mod output;
mod prompt;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    match commands::Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.show();
            failure.exit.into()
        }
    }
}
