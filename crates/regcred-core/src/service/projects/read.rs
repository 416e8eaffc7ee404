//! Read projects.

use super::absent;
use crate::access::{Caller, Principal, Viewer};
use crate::error::{Error, Result};
use crate::ids::ProjectId;
use crate::project::{Project, ProjectName};
use crate::service::Service;
use crate::store::ProjectScope;

impl Service {
    /// The projects that the caller may see, ordered by name.
    pub async fn projects(&self, caller: &Caller) -> Result<Vec<Project>> {
        let scope = match &caller.principal {
            Principal::User(user) if user.admin => ProjectScope::All,
            Principal::User(user) => ProjectScope::Of(user.id),
            Principal::Token(token) if token.rights.role().is_some() => {
                ProjectScope::These(token.projects.clone())
            }
            Principal::Token(_) => {
                return Err(Error::forbidden("this token may not view projects"));
            }
        };
        self.store.projects(scope).await
    }

    /// One project.
    pub async fn project(&self, caller: &Caller, project: ProjectId) -> Result<Project> {
        let grant = self.grant::<Viewer>(caller, project).await?;
        self.store
            .project(&grant)
            .await?
            .ok_or_else(|| absent(project))
    }

    /// The project with this name, whatever the case. Foreign and absent answer alike.
    pub async fn project_named(&self, caller: &Caller, name: &ProjectName) -> Result<Project> {
        let hidden = || {
            Error::not_found(format!(
                "there is no project `{}` that you may see",
                name.as_str()
            ))
        };
        let id = self.store.project_named(name).await?.ok_or_else(hidden)?;
        self.project(caller, id)
            .await
            .map_err(|error| match error.kind() {
                crate::ErrorKind::NotFound => hidden(),
                _ => error,
            })
    }
}
