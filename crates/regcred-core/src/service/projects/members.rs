//! Roles of users and groups in a project.

use crate::access::{Caller, Manager, Role};
use crate::audit::Action;
use crate::error::{Error, Result};
use crate::ids::ProjectId;
use crate::people::Login;
use crate::service::Service;
use crate::store::{GroupRole, Member};

impl Service {
    /// The roles of groups in a project, for managers.
    pub async fn group_roles(&self, caller: &Caller, project: ProjectId) -> Result<Vec<GroupRole>> {
        self.store
            .group_roles(&self.grant::<Manager>(caller, project).await?)
            .await
    }

    /// The members of a project, for managers.
    pub async fn members(&self, caller: &Caller, project: ProjectId) -> Result<Vec<Member>> {
        self.store
            .members(&self.grant::<Manager>(caller, project).await?)
            .await
    }

    /// Gives a user a role in a project, for managers.
    pub async fn set_member(
        &self,
        caller: &Caller,
        project: ProjectId,
        login: &Login,
        role: Role,
    ) -> Result<()> {
        let grant = self.grant::<Manager>(caller, project).await?;
        let event = grant.event(
            self.clock.now(),
            Action::MemberSet {
                project: project.to_string(),
                login: login.as_str().to_owned(),
                role: role.word(),
            },
        );
        let set = self.store.set_member(&grant, login, role, event);
        if self.ending(set).await? {
            Ok(())
        } else {
            Err(Error::not_found(format!(
                "there is no user `{}`; an admin can create one",
                login.as_str()
            )))
        }
    }

    /// Takes a user's role in a project away, for managers. Roles through groups remain.
    pub async fn remove_member(
        &self,
        caller: &Caller,
        project: ProjectId,
        login: &Login,
    ) -> Result<()> {
        let grant = self.grant::<Manager>(caller, project).await?;
        let action = Action::MemberRemoved {
            project: project.to_string(),
            login: login.as_str().to_owned(),
        };
        let event = grant.event(self.clock.now(), action);
        let removed = self.store.remove_member(&grant, login, event);
        if self.ending(removed).await? {
            Ok(())
        } else {
            Err(Error::not_found(format!(
                "`{}` is not a member of the project",
                login.as_str()
            )))
        }
    }
}
