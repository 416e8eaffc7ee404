//! Edit a job or an app.

use crate::access::{Caller, Editor};
use crate::audit::Action;
use crate::error::Result;
use crate::ids::{ProjectId, WorkloadId};
use crate::service::Service;
use crate::store::WorkloadChange;
use crate::workload::{Settings, Workload, WorkloadKind};

impl Service {
    /// Edits what belongs to no version; says in which project, and what it is now. `Conflict` where the new name is taken.
    pub async fn edit_workload(
        &self,
        caller: &Caller,
        kind: WorkloadKind,
        id: WorkloadId,
        change: WorkloadChange,
    ) -> Result<(ProjectId, Workload)> {
        let grant = self.workload_grant::<Editor>(caller, kind, id).await?;
        change.settings(&Settings::default()).check()?;
        let event = grant.event(
            self.clock.now(),
            Action::WorkloadEdited {
                project: grant.project().to_string(),
                kind: kind.word(),
                workload: id.to_string(),
                name: change.name.as_ref().map(|name| name.as_str().to_owned()),
                fields: change.fields(),
            },
        );
        let done = self
            .store
            .edit_workload(&grant, kind, id, change, event)
            .await?;
        Ok((grant.project(), done.ok_or_else(|| kind.absent(id))?))
    }
}
