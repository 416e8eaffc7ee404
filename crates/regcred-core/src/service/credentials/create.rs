//! Create Docker credentials.

use crate::access::{Caller, Editor};
use crate::audit::Action;
use crate::clock::Timestamp;
use crate::credentials::{self, DockerCredentials, Username};
use crate::error::Result;
use crate::ids::{CredentialsId, ProjectId};
use crate::registry::{ImageReference, Registry};
use crate::secret::RegistryPassword;
use crate::service::Service;
use crate::store::NewCredentials;
use crate::verification::Proved;

/// What to create.
pub struct CreateCredentials {
    /// In which project.
    pub project: ProjectId,
    /// For which registry.
    pub registry: Registry,
    /// The login to it.
    pub username: Username,
    /// The password to it.
    pub password: RegistryPassword,
    /// When it runs out, where that is known.
    pub expires: Option<Timestamp>,
    /// An image of the registry to probe with.
    pub probe: Option<ImageReference>,
    /// What was proved of it before.
    pub proved: Option<Proved>,
}

impl Service {
    /// Creates credentials. `Conflict` where the couple (registry, username) exists, also under another spelling.
    pub async fn create_credentials(
        &self,
        caller: &Caller,
        input: CreateCredentials,
    ) -> Result<DockerCredentials> {
        let CreateCredentials {
            project,
            registry,
            username,
            password,
            expires,
            probe,
            proved,
        } = input;
        let grant = self.grant::<Editor>(caller, project).await?;
        let now = self.clock.now();
        let id = CredentialsId::generate(now, self.random.as_ref())?;
        let created = DockerCredentials {
            id,
            registry,
            username,
            version: 1,
            last_update: now,
            expires: credentials::expiry(expires, now)?,
            probe,
            secret: 1,
        };
        let proof = proved.map(|proved| {
            let key = created.registry.key();
            proved.of(id, created.version, key, &created.username)
        });
        let proof = proof.transpose()?;
        let binding = credentials::binding(
            &project,
            &id,
            created.version,
            &created.registry,
            &created.username,
        );
        let password =
            self.keys
                .seal(&binding, password.expose().as_bytes(), self.random.as_ref())?;
        let event = grant.event(
            now,
            Action::CredentialsCreated {
                project: project.to_string(),
                credentials: id.to_string(),
                registry_key: created.registry.key().to_string(),
                username: created.username.as_str().to_owned(),
                version: created.version,
                expires: created.expires.map(|moment| moment.rfc3339(0)),
                verdict: proof.map(|proof| proof.verdict.word()),
            },
        );
        self.store
            .create_credentials(
                &grant,
                NewCredentials {
                    credentials: created.clone(),
                    password,
                    proof,
                },
                event,
            )
            .await?;
        Ok(created)
    }
}
