//! Delete a project.

use super::absent;
use crate::access::{Caller, Manager};
use crate::audit::Action;
use crate::error::Result;
use crate::ids::ProjectId;
use crate::service::Service;

impl Service {
    /// Deletes a project with its credentials, members, rights and tokens, for managers.
    pub async fn delete_project(&self, caller: &Caller, project: ProjectId) -> Result<()> {
        let grant = self.grant::<Manager>(caller, project).await?;
        let event = grant.event(
            self.clock.now(),
            Action::ProjectDeleted {
                project: project.to_string(),
            },
        );
        let deleted = self.store.delete_project(&grant, event);
        let deleted = self.ending(deleted).await?;
        if deleted {
            Ok(())
        } else {
            Err(absent(project))
        }
    }
}
