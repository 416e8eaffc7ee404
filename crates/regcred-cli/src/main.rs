//! `regcred`: the service, the operator's commands, and the commands that ask a server.
//!
//! Errors go to standard error: what is wrong, and what to do. The exit codes are those of [`failure::Exit`].

mod clock;
mod commands;
mod connection;
mod contexts;
mod docker_config;
mod failure;
mod files;
mod hardening;
mod interrupt;
mod output;
mod prompt;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    hardening::keep_memory_to_itself();
    let cli = match commands::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => failure::without_logins(error).exit(),
    };
    match cli.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.show();
            failure.exit.into()
        }
    }
}
