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
    /// Deletes credentials. `NotFound` where they are absent.
    pub async fn delete_credentials(
        &self,
        caller: &Caller,
        project: ProjectId,
        id: CredentialsId,
    ) -> Result<()> {
        let grant = Arc::new(self.grant::<Editor>(caller, project).await?);
        let now = self.clock.now();
        let author = Arc::clone(&grant);
        let describe = Box::new(move |gone: &DockerCredentials| {
            author.event(
                now,
                Action::CredentialsDeleted {
                    project: project.to_string(),
                    credentials: id.to_string(),
                    registry_key: gone.registry.key().to_string(),
                    username: gone.username.as_str().to_owned(),
                },
            )
        });
        if self.store.delete_credentials(&grant, id, describe).await? {
            Ok(())
        } else {
            Err(absent(id))
        }
    }
}
