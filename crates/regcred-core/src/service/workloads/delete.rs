//! Delete a job or an app.

use std::sync::Arc;

use crate::access::{Caller, Editor};
use crate::audit::Action;
use crate::error::Result;
use crate::ids::{ProjectId, WorkloadId};
use crate::service::Service;
use crate::workload::{Workload, WorkloadKind};

impl Service {
    /// Deletes a job or an app with its versions; says in which project, and what it was.
    pub async fn delete_workload(
        &self,
        caller: &Caller,
        kind: WorkloadKind,
        id: WorkloadId,
    ) -> Result<(ProjectId, Workload)> {
        let grant = Arc::new(self.workload_grant::<Editor>(caller, kind, id).await?);
        let (now, author) = (self.clock.now(), Arc::clone(&grant));
        let describe = Box::new(move |gone: &Workload| {
            author.event(
                now,
                Action::WorkloadDeleted {
                    project: author.project().to_string(),
                    kind: kind.word(),
                    workload: id.to_string(),
                    name: gone.name.as_str().to_owned(),
                },
            )
        });
        let gone = self
            .store
            .delete_workload(&grant, kind, id, describe)
            .await?;
        Ok((grant.project(), gone.ok_or_else(|| kind.absent(id))?))
    }
}
