//! Go back to an earlier version of a job or an app.

use std::sync::Arc;

use crate::access::{Caller, Editor};
use crate::audit::Action;
use crate::error::Result;
use crate::ids::{ProjectId, WorkloadId};
use crate::service::Service;
use crate::workload::{PinnedImage, Workload, WorkloadKind};

impl Service {
    /// Makes a version the current one; no version goes. `NotFound` where there is no such version, `Invalid` where
    /// its credentials are no longer in the project.
    pub async fn roll_back_workload(
        &self,
        caller: &Caller,
        kind: WorkloadKind,
        id: WorkloadId,
        version: u32,
    ) -> Result<(ProjectId, Workload)> {
        let grant = Arc::new(self.workload_grant::<Editor>(caller, kind, id).await?);
        let (now, author) = (self.clock.now(), Arc::clone(&grant));
        let describe = Box::new(move |back: &Workload| {
            let image = back.current.image.as_ref();
            author.event(
                now,
                Action::WorkloadRolledBack {
                    project: author.project().to_string(),
                    kind: kind.word(),
                    workload: id.to_string(),
                    version,
                    image: image.map(|image| image.typed().to_owned()),
                    credentials: image
                        .and_then(PinnedImage::credentials)
                        .map(|id| id.to_string()),
                },
            )
        });
        let done = self
            .store
            .roll_back_workload(&grant, kind, id, version, describe)
            .await?;
        Ok((grant.project(), done.ok_or_else(|| kind.absent(id))?))
    }
}
