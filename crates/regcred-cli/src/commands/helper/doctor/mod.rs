//! `regcred helper doctor`: goes down the way of a pull, and says at each step what is wrong and what to do.

mod client;
mod credentials;
mod program;

use clap::Args;

use super::file::WhichFile;
use crate::commands::checks::Report;
use crate::docker_config::key::Reference;
use crate::failure::{Exit, Result};
use crate::output::OutputArgs;

#[derive(Args)]
pub(super) struct Doctor {
    /// The registry or the image whose pull fails; left out, all registries for which the helper is entered
    #[arg(value_name = "REGISTRY|IMAGE")]
    reference: Option<Reference>,
    #[command(flatten)]
    which: WhichFile,
    #[command(flatten)]
    output: OutputArgs,
}

impl Doctor {
    pub(super) async fn run(&self) -> Result<()> {
        let mut report = Report::default();
        let reference = self.reference.as_ref();
        let asked = client::check(&self.which, reference, &mut report);
        let program = program::check(&mut report);
        let connection = program::configuration(&mut report);
        credentials::check(connection, reference, &asked, &mut report).await;
        program::run(program, &asked, &mut report).await;
        report.show(self.output, Exit::Internal)
    }
}
