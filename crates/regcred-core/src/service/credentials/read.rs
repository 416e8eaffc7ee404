//! Read the metadata of Docker credentials.

use super::absent;
use crate::access::{Caller, Viewer};
use crate::credentials::DockerCredentials;
use crate::error::Result;
use crate::ids::{CredentialsId, ProjectId};
use crate::service::Service;

impl Service {
    /// All credentials of a project, in the order in which they were made.
    pub async fn list_credentials(
        &self,
        caller: &Caller,
        project: ProjectId,
    ) -> Result<Vec<DockerCredentials>> {
        let grant = self.grant::<Viewer>(caller, project).await?;
        self.store.list_credentials(&grant).await
    }

    /// One of them. `NotFound` where absent.
    pub async fn credentials(
        &self,
        caller: &Caller,
        project: ProjectId,
        id: CredentialsId,
    ) -> Result<DockerCredentials> {
        let grant = self.grant::<Viewer>(caller, project).await?;
        self.store
            .credentials(&grant, id)
            .await?
            .ok_or_else(|| absent(id))
    }
}
