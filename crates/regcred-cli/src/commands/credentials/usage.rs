//! `regcred credentials usage`.

use clap::{ArgGroup, Args};

use super::super::InProject;
use super::super::records::UsageRecord;
use super::{Room, Selector};
use crate::failure::Result;

#[derive(Args)]
#[command(group(ArgGroup::new("which").args(["id", "username"])))]
pub(super) struct Usage {
    #[command(flatten)]
    which: Selector,
}

impl Usage {
    pub(super) async fn run(&self, args: &InProject) -> Result<()> {
        let room = Room::open(args).await?;
        let regcred = room.link.client.regcred();
        let all = room
            .link
            .done(regcred.credentials_usage(room.project).await)?;
        if !self.which.is_given() {
            let records: Vec<UsageRecord> = all.into_iter().map(Into::into).collect();
            return room.output.list(&records);
        }
        let id = room.select(&self.which).await?.id;
        // What was deleted between the two requests is not there.
        match all.into_iter().find(|one| one.id == id) {
            Some(one) => room.output.one(&UsageRecord::from(one)),
            None => room.output.list::<UsageRecord>(&[]),
        }
    }
}
