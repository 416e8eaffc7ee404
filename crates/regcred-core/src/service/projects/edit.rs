//! Edit a project.

use super::{absent, described, each_once};
use crate::access::{Caller, Manager};
use crate::audit::Action;
use crate::credentials::version::GracePeriod;
use crate::error::Result;
use crate::ids::ProjectId;
use crate::project::Project;
use crate::service::Service;
use crate::store::ProjectChange;
use crate::verification::SavingPolicy;

/// The project to edit, and what to change of it.
pub struct EditProject {
    /// Which project.
    pub project: ProjectId,
    /// What to change; the platform's rule: what is left out stays, what is empty becomes empty.
    pub change: ProjectChange,
}

impl Service {
    /// Edits a project, for managers. `Conflict` where the new name is taken.
    pub async fn edit_project(&self, caller: &Caller, input: EditProject) -> Result<Project> {
        let EditProject { project, change } = input;
        let grant = self.grant::<Manager>(caller, project).await?;
        if let Some(technologies) = &change.technologies {
            technologies.check()?;
        }
        each_once(change.groups.as_deref().unwrap_or_default())?;
        let event = grant.event(
            self.clock.now(),
            Action::ProjectEdited {
                project: project.to_string(),
                name: change.name.as_ref().map(|name| name.as_str().to_owned()),
                groups: change.groups.as_deref().map(described),
                deletes_credentials_in_use: change.deletes_credentials_in_use,
                grace_period_days: change.grace_period.map(GracePeriod::days),
                verify_before_saving: change.verify_before_saving.map(SavingPolicy::word),
            },
        );
        let edited = self.store.edit_project(&grant, change, event);
        self.ending(edited).await?.ok_or_else(|| absent(project))
    }
}
