//! Verify Docker credentials: what goes before the proof at the registry, and what comes behind it.
//!
//! The proof itself needs the network and is not made here. It is always of stored credentials at their own registry,
//! never of a password at some other place.

use std::time::Duration;

use super::absent;
use crate::access::{Caller, Editor, Viewer};
use crate::audit::Action;
use crate::credentials::{DockerCredentials, Username};
use crate::error::{Error, Result};
use crate::ids::{CredentialsId, ProjectId};
use crate::registry::{ImageReference, RegistryKey};
use crate::secret::RegistryPassword;
use crate::service::Service;
use crate::store::StoredPassword;
use crate::verification::{Proof, Proved, Recorded, Verification};

/// Credentials whose proof may begin.
pub struct ToProve {
    /// The project.
    pub project: ProjectId,
    /// The credentials.
    pub credentials: DockerCredentials,
    /// Their password.
    pub password: RegistryPassword,
}

impl Service {
    /// The registry at which credentials are to be proved, a version of them or the current one, for editors: what goes
    /// before the wait for a place there.
    pub async fn registry_to_prove_at(
        &self,
        caller: &Caller,
        project: ProjectId,
        id: CredentialsId,
        version: Option<u32>,
    ) -> Result<RegistryKey> {
        let grant = self.grant::<Editor>(caller, project).await?;
        if let Some(number) = version {
            let found = self.held_version(&grant.sight(), id, number).await?;
            return Ok(found.registry.key().clone());
        }
        let row = self.store.credentials(&grant.sight(), id).await?;
        row.map(|row| row.registry.key().clone())
            .ok_or_else(|| absent(id))
    }

    /// Opens credentials to prove them at their registry, a version of them or the current one. For editors; the password
    /// goes to the registry alone.
    pub async fn credentials_to_prove(
        &self,
        caller: &Caller,
        project: ProjectId,
        id: CredentialsId,
        version: Option<u32>,
    ) -> Result<ToProve> {
        let grant = self.grant::<Editor>(caller, project).await?;
        if let Some(number) = version {
            self.held_version(&grant.sight(), id, number).await?;
        }
        let unsealing = grant.unsealing();
        let stored = self.store.sealed_password(&unsealing, id, version).await?;
        let stored = stored.ok_or_else(|| absent(id))?;
        let password = self.open_password(&stored)?;
        Ok(ToProve {
            project,
            credentials: stored.credentials,
            password,
        })
    }

    /// Writes down what came of a proof. `rest` is for how long the registry is left alone behind it.
    pub async fn record_verification(
        &self,
        caller: &Caller,
        tried: &ToProve,
        proof: &Proof,
        probe: Option<&ImageReference>,
        rest: Duration,
    ) -> Result<Recorded> {
        let grant = self.grant::<Editor>(caller, tried.project).await?;
        let proving = grant.proving();
        let author = move |at, action| grant.event(at, action);
        let recorded = self.record_proof(&proving, author, tried, (proof, probe), rest);
        recorded.await?.ok_or_else(|| absent(tried.credentials.id))
    }

    /// Writes down that a password is about to be tried before it is saved. Without that, nothing is sent.
    pub async fn record_trying(
        &self,
        caller: &Caller,
        project: ProjectId,
        credentials: Option<CredentialsId>,
        (registry, username): (&RegistryKey, &Username),
    ) -> Result<()> {
        let grant = self.grant::<Editor>(caller, project).await?;
        let event = grant.event(
            self.clock.now(),
            Action::CredentialsTried {
                project: project.to_string(),
                credentials: credentials.map(|id| id.to_string()),
                registry_key: registry.to_string(),
                username: username.as_str().to_owned(),
            },
        );
        self.store.record_unsaved(&grant, event).await
    }

    /// Writes down that a password was not saved for what came of trying it.
    pub async fn record_not_saved(
        &self,
        caller: &Caller,
        project: ProjectId,
        credentials: Option<CredentialsId>,
        proved: &Proved,
    ) -> Result<()> {
        let grant = self.grant::<Editor>(caller, project).await?;
        let event = grant.event(
            proved.at,
            Action::CredentialsNotSaved {
                project: project.to_string(),
                credentials: credentials.map(|id| id.to_string()),
                registry_key: proved.registry.to_string(),
                username: proved.username.as_str().to_owned(),
                verdict: proved.verdict.word(),
            },
        );
        self.store.record_unsaved(&grant, event).await
    }

    /// The proofs of a project's credentials, of one of them or of all, the latest first.
    pub async fn verifications(
        &self,
        caller: &Caller,
        project: ProjectId,
        of: Option<CredentialsId>,
    ) -> Result<Vec<Verification>> {
        let grant = self.grant::<Viewer>(caller, project).await?;
        self.store.verifications(&grant.sight(), of).await
    }

    /// The password of a row. It is in memory from now on.
    pub(in crate::service) fn open_password(
        &self,
        stored: &StoredPassword,
    ) -> Result<RegistryPassword> {
        let opened = self.keys.open_record(&stored.binding(), &stored.password);
        let opened = opened.map_err(|reason| {
            Error::internal(format!(
                "docker_credentials.password of the row {} does not open: {reason}",
                stored.credentials.id
            ))
        })?;
        RegistryPassword::from_opened(opened)
    }
}
