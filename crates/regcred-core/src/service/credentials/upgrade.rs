//! Upgrade Docker credentials: a new password, and perhaps another username and registry.

use std::sync::Arc;

use super::absent;
use crate::access::{Caller, Editor};
use crate::audit::Action;
use crate::clock::Timestamp;
use crate::credentials::{self, DockerCredentials, Username};
use crate::error::{Error, Result};
use crate::ids::{CredentialsId, ProjectId};
use crate::registry::Registry;
use crate::secret::RegistryPassword;
use crate::service::Service;
use crate::store::Upgrade;

/// What to upgrade, with the platform's meaning of what is absent.
pub struct UpgradeCredentials {
    /// In which project.
    pub project: ProjectId,
    /// Which credentials.
    pub id: CredentialsId,
    /// The registry from now on. The platform's rule: what was left out means Docker Hub.
    pub registry: Registry,
    /// The username from now on; `None` keeps the one there is.
    pub username: Option<Username>,
    /// The new password, mandatory.
    pub password: RegistryPassword,
    /// When it runs out. The old password's expiry says nothing of the new one: `None` is not known.
    pub expires: Option<Timestamp>,
}

impl Service {
    /// Upgrades credentials: old or new, never anything between, also under concurrent upgrades.
    pub async fn upgrade_credentials(
        &self,
        caller: &Caller,
        input: UpgradeCredentials,
    ) -> Result<DockerCredentials> {
        let UpgradeCredentials {
            project,
            id,
            registry,
            username,
            password,
            expires,
        } = input;
        let grant = Arc::new(self.grant::<Editor>(caller, project).await?);
        let now = self.clock.now();
        let expires = credentials::expiry(expires, now)?;
        let (keys, random, author) = (
            Arc::clone(&self.keys),
            Arc::clone(&self.random),
            Arc::clone(&grant),
        );
        let decide = Box::new(move |present: &DockerCredentials| {
            // Upgrades that come together are ordered here, not by their clocks.
            let now = now.max(present.last_update);
            let username = username.unwrap_or_else(|| present.username.clone());
            let version = present
                .version
                .checked_add(1)
                .ok_or_else(|| Error::internal("the version ran over"))?;
            let binding = credentials::binding(&project, &id, version, &registry, &username);
            let password = keys.seal(&binding, password.expose().as_bytes(), random.as_ref())?;
            let event = author.event(
                now,
                Action::CredentialsUpgraded {
                    project: project.to_string(),
                    credentials: id.to_string(),
                    registry_key: registry.key().to_string(),
                    username: username.as_str().to_owned(),
                    version,
                    expires: expires.map(|moment| moment.rfc3339(0)),
                },
            );
            Ok(Upgrade {
                registry,
                username,
                version,
                at: now,
                expires,
                password,
                event,
            })
        });
        self.store
            .upgrade_credentials(&grant, id, decide)
            .await?
            .ok_or_else(|| absent(id))
    }
}
