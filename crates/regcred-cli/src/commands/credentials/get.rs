//! `regcred credentials get`.

use clap::Args;

use super::super::InProject;
use super::super::records::CredentialsRecord;
use super::{Room, Which};
use crate::failure::Result;

#[derive(Args)]
pub(super) struct Get {
    #[command(flatten)]
    which: Which,
}

impl Get {
    pub(super) async fn run(&self, args: &InProject) -> Result<()> {
        let room = Room::open(args).await?;
        let found = room.find(&self.which).await?;
        room.output.one(&CredentialsRecord::from(found))
    }
}
