//! `regcred`: the service, and the operator's commands.
//!
//! Exit codes: 0 done, 1 failed, 2 used wrongly. Errors go to standard error: what is wrong, and what to do.

mod operator;

use std::io::{Write as _, stderr, stdout};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use regcred_server::{ServeArgs, StoreArgs};

/// Keeps the Docker credentials of projects, and serves them to those who may have them.
#[derive(Parser)]
#[command(
    name = "regcred",
    version,
    propagate_version = true,
    max_term_width = 120
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the platform's Docker-credentials API
    ///
    /// Settings come from flags, then variables, then the file given with --config, whose keys are the flags' names.
    Serve(Box<ServeArgs>),
    /// Create users on the database directly; the service must not run
    User {
        #[command(subcommand)]
        command: operator::UserCommand,
    },
    /// Look after the key-encryption key; the service must not run
    Key {
        #[command(subcommand)]
        command: KeyCommand,
    },
    /// Look after the audit trail; the service must not run
    Audit {
        #[command(subcommand)]
        command: AuditCommand,
    },
}

#[derive(Subcommand)]
enum KeyCommand {
    /// Prove that the key opens the installation and every sealed password in it
    Status {
        #[command(flatten)]
        store: StoreArgs,
    },
}

#[derive(Subcommand)]
enum AuditCommand {
    /// Prove that no event was changed, removed or reordered
    Verify {
        #[command(flatten)]
        store: StoreArgs,
    },
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Serve(args) => regcred_server::serve(*args).map(|()| None),
        Command::User { command } => operator::user(command).map(Some),
        Command::Key {
            command: KeyCommand::Status { store },
        } => regcred_server::operator::key_status(store).map(Some),
        Command::Audit {
            command: AuditCommand::Verify { store },
        } => regcred_server::operator::audit_verify(store).map(Some),
    };
    match done {
        Ok(text) => {
            if let Some(text) = text {
                // Who closed standard output does not want to read it.
                let _ = writeln!(stdout(), "{text}");
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(stderr(), "regcred: {error}");
            ExitCode::FAILURE
        }
    }
}
