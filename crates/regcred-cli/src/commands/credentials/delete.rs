//! `regcred credentials delete`.

use clap::Args;

use super::super::InProject;
use super::super::records::CredentialsRecord;
use super::{Room, Which};
use crate::failure::Result;
use crate::interrupt::Interrupt;
use crate::prompt::confirm;

#[derive(Args)]
pub(super) struct Delete {
    #[command(flatten)]
    which: Which,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Delete them although jobs or apps use them, which can no longer pull with them (regcred's own)
    #[arg(long)]
    force: bool,
}

impl Delete {
    pub(super) async fn run(&self, args: &InProject, interrupt: &Interrupt) -> Result<()> {
        let room = Room::open(args).await?;
        let found = room.find(&self.which).await?;
        let id = found.id;
        let users = found.jobs.len() + found.apps.len();
        let record = CredentialsRecord::from(found);
        let what = record.line("Delete the");
        let question = match users {
            0 => format!("{what}?"),
            _ => format!("{what}, which {users} jobs and apps use?"),
        };
        confirm(interrupt, &question, self.yes).await?;
        let credentials = if self.force {
            room.credentials.clone().forced()
        } else {
            room.credentials.clone()
        };
        room.link.done(credentials.delete(room.project, id).await)?;
        room.output
            .deleted(&id.to_string(), &record.line("deleted"))
    }
}
