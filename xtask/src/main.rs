//! The project's own chores, run as `cargo xtask NAME` from anywhere in the workspace.
//!
//! A chore calls the programs that a person would call by hand ([`shell`]) and fetches by itself what they need
//! ([`tools`]). It stays small and light to build: it is the first thing that a fresh machine compiles, and it depends
//! on no other crate of the workspace.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a chore tells the person who runs it how it goes"
)]

mod bench;
mod dependencies;
mod postgres;
mod schema;
mod shell;
mod soak;
mod test;
mod tools;

use std::process::ExitCode;

use clap::Parser;
use clap::builder::PossibleValuesParser;

use shell::Outcome;

/// The project's own chores.
#[derive(Parser)]
#[command(name = "xtask", bin_name = "cargo xtask", max_term_width = 120)]
enum Chore {
    /// Run every check in order, up to the first that fails
    Test {
        /// Run this check only
        #[arg(value_name = "CHECK", value_parser = PossibleValuesParser::new(test::names()))]
        only: Option<String>,
    },
    /// Write schema.graphql from the code
    Schema(schema::Options),
    /// Write the list of what the helpers are made of
    Dependencies,
    /// Measure the service and the command line against their yardsticks, in one run
    Bench {
        /// Measure this only
        #[arg(value_name = "SUBJECT", value_parser = PossibleValuesParser::new(bench::names()))]
        only: Option<String>,
    },
    /// Run a command with a PostgreSQL of its own, which is gone afterwards
    Postgres(postgres::Options),
    /// Run what takes too long for every run of the tests: kills by the hundred, power cuts, failovers
    Soak,
}

fn main() -> ExitCode {
    run(Chore::parse()).unwrap_or_else(|failure| {
        eprintln!("xtask: {failure}");
        ExitCode::FAILURE
    })
}

fn run(chore: Chore) -> Outcome<ExitCode> {
    match chore {
        Chore::Test { only } => test::run(only.as_deref())?,
        Chore::Schema(options) => schema::run(options)?,
        Chore::Dependencies => dependencies::run()?,
        Chore::Bench { only } => bench::run(only.as_deref())?,
        // The command's status, which may well be none of a failure of ours.
        Chore::Postgres(options) => return postgres::run(options),
        Chore::Soak => soak::run()?,
    }
    Ok(ExitCode::SUCCESS)
}
