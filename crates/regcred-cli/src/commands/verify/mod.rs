//! `regcred verify`: whether credentials work at their registry.

mod outcome;
mod targets;
mod trying;

use clap::{ArgGroup, Args};

use self::outcome::report;
pub(super) use self::targets::Target;
use self::targets::targets;
use self::trying::{How, try_all};
use super::InProject;
use super::credentials::Selector;
use crate::failure::Result;
use crate::interrupt::Interrupt;

#[derive(Args)]
#[command(group(ArgGroup::new("which").args(["id", "username"])))]
pub(super) struct Verify {
    #[command(flatten)]
    which: Selector,
    /// All of them in all projects that you may see
    #[arg(long, conflicts_with_all = ["which", "project"])]
    all_projects: bool,
    /// An image of the registry: whether they may pull it is tried, too
    #[arg(long, value_name = "IMAGE", requires = "which")]
    probe: Option<String>,
    /// The version of that number, such as one that is staged, instead of the one that counts
    #[arg(long, value_name = "VERSION", requires = "which")]
    version: Option<u32>,
    /// Fail, too, where nothing was proved
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    args: InProject,
}

impl Verify {
    pub(super) async fn run(&self, interrupt: &Interrupt) -> Result<()> {
        let output = self.args.client.output;
        let link = self.args.client.connection.link()?;
        let targets = targets(self, &link).await?;
        let how = How {
            version: self.version,
            probe: self.probe.clone(),
        };
        let tried = try_all(&link, targets, &how, output, interrupt).await;
        report(&tried, self.all_projects, self.strict, output)
    }
}
