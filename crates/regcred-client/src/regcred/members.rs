//! Who has a role of their own in a project.

use serde::{Deserialize, Serialize};

use super::Regcred;
use crate::error::Result;
use crate::graphql::{Document, Done, InProject};
use crate::values::{ProjectId, nullable};

/// A user with a role in a project.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Member {
    /// The login, in lower case.
    pub login: String,
    /// The role.
    pub role: ProjectRole,
}

/// A role in a project, each including the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ProjectRole {
    /// Sees metadata, never a password.
    #[serde(rename = "ROLE_PROJECT_VIEWER")]
    Viewer,
    /// Creates, upgrades and deletes credentials.
    #[serde(rename = "ROLE_PROJECT_EDITOR")]
    Editor,
    /// Manages members, tokens and the project.
    #[serde(rename = "ROLE_PROJECT_MANAGER")]
    Manager,
}

impl Regcred {
    /// The users with a role of their own in a project, ordered by login; those who have one through a group are not
    /// among them. For managers.
    pub async fn list_members(&self, project: ProjectId) -> Result<Vec<Member>> {
        #[derive(Deserialize)]
        struct Data {
            #[serde(rename = "projectMembers", deserialize_with = "nullable")]
            members: Option<Vec<Member>>,
        }
        let variables = InProject {
            project_id: project,
        };
        let data: Data = self.execute(MEMBERS, &LIST, variables).await?;
        Ok(data.members.unwrap_or_default())
    }

    /// Gives a user a role in a project, in place of the one there was. For managers.
    pub async fn set_member(
        &self,
        project: ProjectId,
        login: &str,
        role: ProjectRole,
    ) -> Result<()> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Variables<'a> {
            project_id: ProjectId,
            login: &'a str,
            role: ProjectRole,
        }
        let variables = Variables {
            project_id: project,
            login,
            role,
        };
        let done: Done = self.execute(MEMBERS, &SET, variables).await?;
        done.check(&SET, format!("there is no user {login:?}"))
    }

    /// Takes a user's role in a project away; roles through groups remain. For managers.
    pub async fn remove_member(&self, project: ProjectId, login: &str) -> Result<()> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Variables<'a> {
            project_id: ProjectId,
            login: &'a str,
        }
        let variables = Variables {
            project_id: project,
            login,
        };
        let done: Done = self.execute(MEMBERS, &REMOVE, variables).await?;
        done.check(
            &REMOVE,
            format!("{login:?} has no role of their own in the project"),
        )
    }
}

const MEMBERS: &str = "members of projects";

const LIST: Document = Document::query(
    "projectMembers",
    "query projectMembers($projectId: UUID!) { projectMembers(projectId: $projectId) { login role } }",
);
const SET: Document = Document::mutation(
    "setProjectMember",
    "mutation setProjectMember($projectId: UUID!, $login: String!, $role: ProjectRole!) { \
     setProjectMember(projectId: $projectId, login: $login, role: $role) }",
);
const REMOVE: Document = Document::mutation(
    "removeProjectMember",
    "mutation removeProjectMember($projectId: UUID!, $login: String!) { \
     removeProjectMember(projectId: $projectId, login: $login) }",
);
