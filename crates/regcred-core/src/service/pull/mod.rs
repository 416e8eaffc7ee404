//! Use cases of pulls: which project, and one file an operation.

mod explain;
mod hand_out;
mod list;

pub use explain::{Explained, Explanation};
pub use hand_out::{PullRefusal, Pulled};
pub use list::Pullable;

use crate::access::{self, Caller, Principal, Viewer};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{CredentialsId, ProjectId};
use crate::project::ProjectName;
use crate::registry::PullTarget;
use crate::service::Service;

/// What is asked for.
pub struct PullRequest {
    /// The project by id or name; `None` where the token has exactly one.
    pub project: Option<String>,
    /// What is pulled.
    pub target: PullTarget,
    /// The credentials that the workload names, if it names any.
    pub pin: Option<CredentialsId>,
}

impl Service {
    /// Whether the caller may be told which jobs and apps the project has: a token may pull without that.
    async fn sees_workloads(&self, caller: &Caller, project: ProjectId) -> Result<bool> {
        match self.grant::<Viewer>(caller, project).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::Forbidden => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The project that a caller names by id or name, or has by itself. A name is looked up among the caller's own
    /// projects, so that a foreign one and one that does not exist answer alike; for an id, a grant is still needed.
    async fn named_project(&self, caller: &Caller, named: Option<&str>) -> Result<ProjectId> {
        let Some(named) = named else {
            return only_project(caller);
        };
        if let Ok(id) = ProjectId::parse(named) {
            return Ok(id);
        }
        if let Ok(name) = ProjectName::parse(named.to_owned())
            && let Some(id) = self.store.project_named(&name).await?
            && access::belongs(self.store.as_ref(), caller, id).await?
        {
            return Ok(id);
        }
        Err(Error::not_found(
            "there is no project of this name that you may see",
        ))
    }
}

fn only_project(caller: &Caller) -> Result<ProjectId> {
    let several = match &caller.principal {
        Principal::Token(token) => match token.projects.as_slice() {
            [only] => return Ok(*only),
            several => format!(
                "the token counts in {} projects; name one of them",
                several.len()
            ),
        },
        Principal::User(_) => "name the project, by id or name".to_owned(),
    };
    Err(Error::invalid(several).in_field("project"))
}
