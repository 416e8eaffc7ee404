//! `regcred kubelet`: the nodes of a cluster get credentials through `regcred-kubelet-provider`.

mod check;
mod config;

use clap::{Args, Subcommand};

use crate::failure::Result;
use crate::interrupt::Interrupt;

#[derive(Args)]
pub(super) struct KubeletCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Print the configuration by which a kubelet asks regcred, or check one
    ///
    /// Put it into a file on each node, with the program regcred-kubelet-provider in a directory beside it, and start the
    /// kubelet with --image-credential-provider-config=FILE and --image-credential-provider-bin-dir=DIRECTORY.
    Config(Box<config::Config>),
}

impl KubeletCommand {
    pub(super) fn run(&self) -> Result<()> {
        match &self.command {
            Command::Config(command) => Interrupt::during(async |_| command.run().await),
        }
    }
}
