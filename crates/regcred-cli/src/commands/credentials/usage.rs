//! `regcred credentials usage`.

use super::super::InProject;
use super::super::records::UsageRecord;
use super::Room;
use crate::failure::Result;

pub(super) async fn run(args: &InProject) -> Result<()> {
    let room = Room::open(args).await?;
    let all = room
        .link
        .client
        .regcred()
        .credentials_usage(room.project)
        .await;
    let records: Vec<UsageRecord> = room.link.done(all)?.into_iter().map(Into::into).collect();
    room.output.list(&records)
}
