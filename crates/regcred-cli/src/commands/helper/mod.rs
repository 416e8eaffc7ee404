//! `regcred helper`: docker, podman and their like get credentials through `docker-credential-regcred`.

mod configuration;
mod doctor;
mod file;
mod install;
mod uninstall;

use clap::{Args, Subcommand};

use crate::failure::Result;
use crate::interrupt::Interrupt;

#[derive(Args)]
pub(super) struct HelperCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Enter the helper into docker's config.json or an auth.json, and keep a token for it
    ///
    /// Nothing else in the file is touched. Give --token-stdin or --token-file once, so that the helper knows the server
    /// and has a token; it takes the server from where this command would go.
    Install(Box<install::Install>),
    /// Take the helper's entries out again
    Uninstall(uninstall::Uninstall),
    /// Say what is wrong when a pull fails
    ///
    /// It goes down the whole way of a pull: the client's file, the helper, its configuration, the server, the token,
    /// the credentials; at last it runs the helper as a client does.
    Doctor(Box<doctor::Doctor>),
}

impl HelperCommand {
    pub(super) fn run(&self) -> Result<()> {
        match &self.command {
            Command::Install(command) => {
                Interrupt::during(async |interrupt| command.run(interrupt).await)
            }
            Command::Uninstall(command) => command.run(),
            Command::Doctor(command) => Interrupt::during(async |_| command.run().await),
        }
    }
}
