//! Add a version to a job or an app.

use std::sync::Arc;

use super::maker;
use crate::access::{Caller, Editor};
use crate::audit::Action;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::ids::WorkloadId;
use crate::service::Service;
use crate::workload::{PinnedImage, Version, VersionDetails, WorkloadKind};

/// A version to add.
pub struct NewVersion {
    /// What it runs, where that is an image.
    pub image: Option<PinnedImage>,
    /// What is kept for whoever runs it.
    pub details: VersionDetails,
}

impl NewVersion {
    pub(super) fn numbered(&self, number: u32, creator: String, created: Timestamp) -> Version {
        Version {
            number,
            creator,
            created,
            image: self.image.clone(),
            details: self.details.clone(),
        }
    }
}

impl Service {
    /// Adds a version, which is the current one from then on. `Invalid` where it names credentials that are not in the
    /// project.
    pub async fn add_workload_version(
        &self,
        caller: &Caller,
        kind: WorkloadKind,
        id: WorkloadId,
        version: NewVersion,
    ) -> Result<Version> {
        let grant = Arc::new(self.workload_grant::<Editor>(caller, kind, id).await?);
        version.details.check()?;
        let (now, maker, author) = (self.clock.now(), maker(caller), Arc::clone(&grant));
        let decide = Box::new(move |number| {
            let image = version.image.as_ref();
            let action = Action::WorkloadVersionAdded {
                project: author.project().to_string(),
                kind: kind.word(),
                workload: id.to_string(),
                version: number,
                image: image.map(|image| image.typed().to_owned()),
                credentials: image
                    .and_then(PinnedImage::credentials)
                    .map(|id| id.to_string()),
            };
            (
                version.numbered(number, maker.clone(), now),
                author.event(now, action),
            )
        });
        self.store
            .add_workload_version(&grant, kind, id, decide)
            .await?
            .ok_or_else(|| kind.absent(id))
    }
}
