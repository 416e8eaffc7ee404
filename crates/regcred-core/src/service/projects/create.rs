//! Create a project.

use super::{described, each_once};
use crate::access::{self, Caller};
use crate::audit::Action;
use crate::credentials::version::GracePeriod;
use crate::error::Result;
use crate::ids::ProjectId;
use crate::project::{Description, Project, ProjectName, Technologies};
use crate::service::Service;
use crate::store::GroupRole;
use crate::verification::SavingPolicy;

/// The project to create.
pub struct CreateProject {
    /// Its name.
    pub name: ProjectName,
    /// Its description.
    pub description: Option<Description>,
    /// The technologies that it allows.
    pub technologies: Technologies,
    /// The roles of groups; a group need not have a member yet.
    pub groups: Vec<GroupRole>,
}

impl Service {
    /// Creates a project; any user may, and becomes its manager. `Conflict` where the name is taken.
    pub async fn create_project(&self, caller: &Caller, input: CreateProject) -> Result<Project> {
        let grant = access::as_user(caller)?;
        let CreateProject {
            name,
            description,
            technologies,
            groups,
        } = input;
        technologies.check()?;
        each_once(&groups)?;
        let now = self.clock.now();
        let id = ProjectId::generate(now, self.random.as_ref())?;
        let creator = grant.user().login.as_str().to_owned();
        let project = Project {
            id,
            name,
            creator,
            description,
            technologies,
            deletes_credentials_in_use: false,
            grace_period: GracePeriod::default(),
            verify_before_saving: SavingPolicy::default(),
        };
        let event = grant.event(
            now,
            Action::ProjectCreated {
                project: id.to_string(),
                name: project.name.as_str().to_owned(),
                groups: described(&groups),
            },
        );
        self.store
            .create_project(&grant, project.clone(), groups, event)
            .await?;
        Ok(project)
    }
}
