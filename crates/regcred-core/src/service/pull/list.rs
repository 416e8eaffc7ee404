//! List what a token may pull.

use crate::access::{self, Caller};
use crate::credentials::{DockerCredentials, Username};
use crate::error::Result;
use crate::ids::ProjectId;
use crate::registry::RegistryKey;
use crate::service::Service;

/// What a token may pull in a project, without the passwords.
pub struct Pullable {
    /// The project.
    pub project: ProjectId,
    /// Its credentials, by registry key and username.
    pub credentials: Vec<DockerCredentials>,
}

impl Service {
    /// The credentials that the calling token may pull, in a project by id or name, or in the only one that it has.
    pub async fn pullable(&self, caller: &Caller, project: Option<&str>) -> Result<Pullable> {
        let project = self.named_project(caller, project).await?;
        let grant = access::check_pull(self.store.as_ref(), caller, project).await?;
        let mut credentials = self.store.list_credentials(&grant.sight()).await?;
        credentials.sort_by(|one, other| order(one).cmp(&order(other)));
        Ok(Pullable {
            project,
            credentials,
        })
    }
}

fn order(row: &DockerCredentials) -> (&RegistryKey, &Username) {
    (row.registry.key(), &row.username)
}
