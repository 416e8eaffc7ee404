//! `regcred man`: the manual pages.

use std::path::PathBuf;

use clap::{Args, CommandFactory as _};
use clap_mangen::Man as Page;

use super::Cli;
use crate::failure::{Failure, Result};
use crate::output::print;

#[derive(Args)]
#[command(
    after_help = "To read one: regcred man --dir ~/.local/share/man/man1 && man regcred-credentials-create"
)]
pub(super) struct Man {
    /// Write the pages of all commands into this directory, which is made where it is missing
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl Man {
    pub(super) fn run(&self) -> Result<()> {
        let Some(dir) = &self.dir else {
            let mut page = Vec::new();
            Page::new(Cli::command())
                .render(&mut page)
                .map_err(|error| unwritten(&error))?;
            return print(&String::from_utf8_lossy(&page));
        };
        std::fs::create_dir_all(dir).map_err(|error| unwritten(&error))?;
        clap_mangen::generate_to(Cli::command(), dir).map_err(|error| unwritten(&error))
    }
}

fn unwritten(error: &std::io::Error) -> Failure {
    Failure::internal(
        format!("the pages cannot be written: {error}"),
        "name a directory of yours with --dir",
    )
}
