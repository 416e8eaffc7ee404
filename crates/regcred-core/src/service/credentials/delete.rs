//! Delete Docker credentials.

use std::sync::Arc;

use super::absent;
use crate::access::{Caller, Editor};
use crate::audit::Action;
use crate::credentials::DockerCredentials;
use crate::error::Result;
use crate::ids::{CredentialsId, ProjectId};
use crate::service::Service;

impl Service {
    /// Deletes credentials. `NotFound` where they are absent; `InUse`, with the names, where the current version of a
    /// job or an app uses them, unless `force` or the project's setting says to go on.
    pub async fn delete_credentials(
        &self,
        caller: &Caller,
        project: ProjectId,
        id: CredentialsId,
        force: bool,
    ) -> Result<()> {
        let grant = Arc::new(self.grant::<Editor>(caller, project).await?);
        let now = self.clock.now();
        let author = Arc::clone(&grant);
        let describe = Box::new(move |gone: &DockerCredentials, used_by: u64| {
            author.event(
                now,
                Action::CredentialsDeleted {
                    project: project.to_string(),
                    credentials: id.to_string(),
                    registry_key: gone.registry.key().to_string(),
                    username: gone.username.as_str().to_owned(),
                    force,
                    used_by,
                },
            )
        });
        let deleted = self
            .store
            .delete_credentials(&grant, id, force, describe)
            .await?;
        if deleted { Ok(()) } else { Err(absent(id)) }
    }
}
