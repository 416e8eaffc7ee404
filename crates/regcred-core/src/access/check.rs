//! The access check, the only maker of grants.

use super::grant::{AdminGrant, Grant, Level, PullGrant, Sight, UserGrant, Viewer};
use super::principal::{Caller, Principal, TokenPrincipal};
use super::role::{Right, Role};
use crate::error::{Error, Result};
use crate::ids::ProjectId;
use crate::store::{Standing, Store};

/// A grant of level `L` in `project`.
///
/// `NOT_FOUND` where the project is absent or foreign; `FORBIDDEN` where the caller belongs to it with a lesser role.
pub async fn check<L: Level>(
    store: &dyn Store,
    caller: &Caller,
    project: ProjectId,
) -> Result<Grant<L>> {
    decide(
        caller,
        project,
        standing(store, &caller.principal, project).await?,
    )
}

/// The same for a caller whose standing is known; that of a service token does not matter.
pub(crate) fn decide<L: Level>(
    caller: &Caller,
    project: ProjectId,
    standing: Standing,
) -> Result<Grant<L>> {
    match belonging(&caller.principal, project, standing) {
        Belonging::Stranger => Err(stranger(project)),
        Belonging::Member(Some(role)) if role >= L::ROLE => {
            Ok(Grant::new(project, caller.actor(), caller.request.clone()))
        }
        Belonging::Member(role) => Err(Error::forbidden(format!(
            "this needs the role {} in the project; you have {}",
            L::ROLE.word(),
            role.map_or("none that sees its contents", Role::word),
        ))),
    }
}

/// A grant to pull in `project`, for service tokens with the right to. An admin has no such right, either.
pub async fn check_pull(
    store: &dyn Store,
    caller: &Caller,
    project: ProjectId,
) -> Result<PullGrant> {
    if !belongs(store, caller, project).await? {
        return Err(stranger(project));
    }
    if let Some(token) = may_pull(&caller.principal) {
        return Ok(PullGrant::new(project, token, caller.request.clone()));
    }
    match &caller.principal {
        Principal::Token(_) => Err(Error::forbidden(
            "this needs the right to pull in the project, which the token does not have; a manager makes one that has: \
             `regcred token create --right pull`",
        )),
        Principal::User(_) => Err(Error::forbidden(
            "no user may pull, an admin neither: only a service token gets a password out; a manager makes one: \
             `regcred token create --right pull`",
        )),
    }
}

/// The proof that the caller may see which credentials `project` has: a viewer, or a token that may pull them.
pub async fn check_sight(store: &dyn Store, caller: &Caller, project: ProjectId) -> Result<Sight> {
    if may_pull(&caller.principal).is_some() {
        return Ok(check_pull(store, caller, project).await?.sight());
    }
    Ok(check::<Viewer>(store, caller, project).await?.sight())
}

/// The token that asks, if it has the right to pull.
fn may_pull(principal: &Principal) -> Option<&TokenPrincipal> {
    match principal {
        Principal::Token(token) if token.rights.as_slice().contains(&Right::Pull) => Some(token),
        _ => None,
    }
}

fn stranger(project: ProjectId) -> Error {
    Error::not_found(format!("there is no project {project} that you may see"))
}

/// Whether the caller belongs to a project, with a role or without one.
pub async fn belongs(store: &dyn Store, caller: &Caller, project: ProjectId) -> Result<bool> {
    let standing = standing(store, &caller.principal, project).await?;
    let belonging = belonging(&caller.principal, project, standing);
    Ok(matches!(belonging, Belonging::Member(_)))
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

/// Whether a principal belongs to a project. A token may belong to one without a role: it may do nothing but pull.
enum Belonging {
    Stranger,
    Member(Option<Role>),
}

/// How a user stands to a project; a service token says for itself where it counts.
async fn standing(
    store: &dyn Store,
    principal: &Principal,
    project: ProjectId,
) -> Result<Standing> {
    match principal {
        Principal::User(user) => store.standing(user.id, project).await,
        Principal::Token(_) => Ok(Standing::NoRole),
    }
}

fn belonging(principal: &Principal, project: ProjectId, standing: Standing) -> Belonging {
    match principal {
        Principal::User(user) => match standing {
            Standing::NoRole | Standing::Role(_) if user.admin => {
                Belonging::Member(Some(Role::Manager))
            }
            Standing::NoProject | Standing::NoRole => Belonging::Stranger,
            Standing::Role(role) => Belonging::Member(Some(role)),
        },
        Principal::Token(token) if token.projects.contains(&project) => {
            Belonging::Member(token.rights.role())
        }
        Principal::Token(_) => Belonging::Stranger,
    }
}
