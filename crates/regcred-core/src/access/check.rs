//! The access check, the only maker of grants.

use super::grant::{AdminGrant, Grant, Level, UserGrant};
use super::principal::{Caller, Principal};
use super::role::Role;
use crate::error::{Error, Result};
use crate::ids::ProjectId;
use crate::store::Store;

/// A grant of level `L` in `project`.
///
/// `NOT_FOUND` where the project is absent or foreign; `FORBIDDEN` where the caller belongs to it with a lesser role.
pub async fn check<L: Level>(
    store: &dyn Store,
    caller: &Caller,
    project: ProjectId,
) -> Result<Grant<L>> {
    match standing(store, &caller.principal, project).await? {
        Standing::Stranger => Err(Error::not_found(format!(
            "there is no project {project} that you may see"
        ))),
        Standing::Member(Some(role)) if role >= L::ROLE => {
            Ok(Grant::new(project, caller.actor(), caller.request.clone()))
        }
        Standing::Member(role) => Err(Error::forbidden(format!(
            "this needs the role {} in the project; you have {}",
            L::ROLE.word(),
            role.map_or("none that sees its contents", Role::word),
        ))),
    }
}

/// A grant to administer the platform; `FORBIDDEN` for everyone but admins.
pub fn as_admin(caller: &Caller) -> Result<AdminGrant> {
    match &caller.principal {
        Principal::User(user) if user.admin => {
            Ok(AdminGrant::new(caller.actor(), caller.request.clone()))
        }
        _ => Err(Error::forbidden("this needs an admin of the platform")),
    }
}

/// A grant for what concerns the calling user alone; `FORBIDDEN` for service tokens.
pub fn as_user(caller: &Caller) -> Result<UserGrant> {
    match &caller.principal {
        Principal::User(user) => Ok(UserGrant::new(
            user.clone(),
            caller.actor(),
            caller.request.clone(),
        )),
        Principal::Token(_) => Err(Error::forbidden(
            "this needs a user; a service token may not do it",
        )),
    }
}

enum Standing {
    Stranger,
    Member(Option<Role>),
}

async fn standing(
    store: &dyn Store,
    principal: &Principal,
    project: ProjectId,
) -> Result<Standing> {
    Ok(match principal {
        Principal::User(user) => match store.project_role(user.id, project).await? {
            Some(_) if user.admin => Standing::Member(Some(Role::Manager)),
            None | Some(None) => Standing::Stranger,
            Some(Some(role)) => Standing::Member(Some(role)),
        },
        Principal::Token(token) if token.projects.contains(&project) => {
            Standing::Member(token.rights.role())
        }
        Principal::Token(_) => Standing::Stranger,
    })
}
