//! Read the metadata of Docker credentials.

use super::absent;
use crate::access::{Caller, Viewer};
use crate::clock::Day;
use crate::credentials::{CredentialsUse, DockerCredentials, Puller};
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
        self.store.list_credentials(&grant.sight()).await
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
            .credentials(&grant.sight(), id)
            .await?
            .ok_or_else(|| absent(id))
    }

    /// Who pulled credentials of a project for what, one of them or all, in the order of their ids, the latest first.
    pub async fn pullers(
        &self,
        caller: &Caller,
        project: ProjectId,
        of: Option<CredentialsId>,
    ) -> Result<Vec<Puller>> {
        let grant = self.grant::<Viewer>(caller, project).await?;
        self.store.pullers(&grant.sight(), of).await
    }

    /// How the credentials of a project were pulled, one of them or all, in the order of their ids, with the days behind
    /// `since` of the last [`DAYS_OF_USE`](crate::credentials::DAYS_OF_USE), or without any. Those that never were are
    /// left out.
    pub async fn credentials_uses(
        &self,
        caller: &Caller,
        project: ProjectId,
        of: Option<CredentialsId>,
        since: Option<Day>,
    ) -> Result<Vec<CredentialsUse>> {
        let grant = self.grant::<Viewer>(caller, project).await?;
        self.store.credentials_uses(&grant.sight(), of, since).await
    }
}
