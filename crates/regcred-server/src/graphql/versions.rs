//! The versions of Docker credentials: one that waits, the one that counts, and those before it.

use async_graphql::{Context, Enum, InputObject, MaybeUndefined, Object, Result, SimpleObject};
use regcred_core::Timestamp;
use regcred_core::credentials::version::{self as domain, VersionState};
use regcred_core::credentials::{Puller, Username, last_handed};
use regcred_core::ids::{CredentialsId, ProjectId};
use regcred_core::registry::Registry;
use regcred_core::secret::RegistryPassword;
use regcred_core::service::{SwitchVersion, UpgradeCredentials};

use super::credentials::DockerCredentials;
use super::scalars::{DateTime, Uuid};
use super::secret::Secret;
use super::usage::TokenUse;
use super::verification::{Verification, VerifyBeforeSaving};
use super::{InField as _, asker};

/// One of the passwords of Docker credentials, without the password.
#[derive(SimpleObject)]
struct DockerCredentialsVersion {
    /// Its number, never given twice.
    version: u32,
    state: DockerCredentialsVersionState,
    /// The registry that it is for, as it was given; null is Docker Hub.
    registry: Option<String>,
    username: String,
    /// When it was made; of the one that counts, since when it does.
    since: DateTime,
    /// When the password runs out, where that is known.
    expires_at: Option<DateTime>,
    /// Since when it does not count any more.
    superseded_at: Option<DateTime>,
    /// Until when it can be brought back; then it is destroyed.
    held_until: Option<DateTime>,
    /// What came of trying it at its registry, the last time; null where that was not done.
    verification: Option<Verification>,
    /// Whether its password may be revoked at the registry without breaking a pull: nothing was handed it since its
    /// successor counts, and what clients kept of it has run out.
    safe_to_revoke: bool,
    /// The service tokens that pulled last while it counted: they have not asked since.
    pulled_last_by: Vec<TokenUse>,
}

/// Where a version is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
enum DockerCredentialsVersionState {
    /// It waits to be promoted.
    Staged,
    /// It is the one that is pulled.
    Current,
    /// It counted before, and can be brought back.
    Previous,
}

impl DockerCredentialsVersion {
    /// One of `versions`, which `pullers` were handed.
    fn new(
        version: &domain::CredentialsVersion,
        versions: &[domain::CredentialsVersion],
        pullers: &[Puller],
        now: Timestamp,
    ) -> Self {
        let (state, superseded, until) = match version.state {
            VersionState::Staged { .. } => (DockerCredentialsVersionState::Staged, None, None),
            VersionState::Current => (DockerCredentialsVersionState::Current, None, None),
            VersionState::Previous { superseded, until } => (
                DockerCredentialsVersionState::Previous,
                Some(superseded),
                Some(until),
            ),
        };
        Self {
            version: version.number,
            state,
            registry: version.registry.typed().map(str::to_owned),
            username: version.username.as_str().to_owned(),
            since: DateTime::read(version.at),
            expires_at: version.expires.map(DateTime::read),
            superseded_at: superseded.map(DateTime::read),
            held_until: until.map(DateTime::read),
            verification: version.proof.map(Verification::from),
            safe_to_revoke: domain::is_safe_to_revoke(version, versions, now),
            pulled_last_by: last_handed(pullers, version.number)
                .into_iter()
                .map(TokenUse::of)
                .collect(),
        }
    }
}

/// The version to stage.
#[derive(InputObject)]
struct DockerCredentialsStaging {
    id: Uuid,
    project_id: Uuid,
    password: Secret,
    /// The registry of the version; null is Docker Hub, left out keeps the one there is.
    registry: MaybeUndefined<String>,
    /// The username of the version; left out or null keeps the one there is.
    username: Option<String>,
    /// When the password runs out, where that is known.
    expires_at: Option<DateTime>,
    /// The version that is taken for the current one; where it is another one, nothing is changed: `CONFLICT`.
    expected_version: Option<u32>,
}

/// The version that is to count.
#[derive(InputObject)]
struct DockerCredentialsVersionInput {
    id: Uuid,
    project_id: Uuid,
    /// Its number; left out or null is the one that is staged, or that counted last.
    version: Option<u32>,
    /// The version that is taken for the current one; where it is another one, nothing is changed: `CONFLICT`.
    expected_version: Option<u32>,
    /// Whether to go on where its registry refused it when it was tried last.
    force: Option<bool>,
}

impl DockerCredentialsVersionInput {
    fn read(&self) -> Result<SwitchVersion> {
        let (project, id) = ids(&self.project_id, &self.id)?;
        Ok(SwitchVersion {
            project,
            id,
            version: self.version,
            expected_version: self.expected_version,
            force: self.force == Some(true),
        })
    }
}

#[derive(Default)]
pub(super) struct VersionQueries;

#[Object]
impl VersionQueries {
    /// The versions of Docker credentials that can be used, the latest first. For viewers.
    async fn docker_credentials_versions(
        &self,
        ctx: &Context<'_>,
        id: Uuid,
        project_id: Uuid,
    ) -> Result<Vec<DockerCredentialsVersion>> {
        let asker = asker(ctx)?;
        let (project, id) = ids(&project_id, &id)?;
        let (service, now) = (&asker.backend.service, asker.backend.now());
        let versions = service
            .credentials_versions(&asker.caller, project, id)
            .await?;
        let pullers = service.pullers(&asker.caller, project, Some(id)).await?;
        asker.count_rows(versions.len() + pullers.len())?;
        let shown = versions.iter();
        Ok(shown
            .map(|version| DockerCredentialsVersion::new(version, &versions, &pullers, now))
            .collect())
    }
}

#[derive(Default)]
pub(super) struct VersionMutations;

#[Object]
impl VersionMutations {
    /// Makes a version that waits, in place of one that waited before; what is pulled stays what it is. For editors. It can
    /// be verified by its number before it is promoted; `verify` is as in `createDockerCredentials`.
    async fn stage_docker_credentials(
        &self,
        ctx: &Context<'_>,
        docker_credentials_staging: DockerCredentialsStaging,
        verify: Option<VerifyBeforeSaving>,
    ) -> Result<DockerCredentialsVersion> {
        let asker = asker(ctx)?;
        let given = docker_credentials_staging;
        let (project, id) = ids(&given.project_id, &given.id)?;
        let registry = match given.registry {
            MaybeUndefined::Undefined => None,
            MaybeUndefined::Null => Some(None),
            MaybeUndefined::Value(registry) => Some(Some(registry)),
        };
        let mut input = UpgradeCredentials {
            project,
            id,
            registry: registry
                .map(Registry::parse)
                .transpose()
                .in_field("registry")?,
            username: given
                .username
                .map(Username::parse)
                .transpose()
                .in_field("username")?,
            password: RegistryPassword::parse(given.password.into_inner()).in_field("password")?,
            expires: given.expires_at.map(|moment| moment.moment()).transpose()?,
            expected_version: given.expected_version,
            probe: None,
            proved: None,
        };
        let backend = &asker.backend;
        backend
            .prove_next(&asker.caller, &mut input, verify.map(Into::into))
            .await?;
        let (service, now) = (&backend.service, backend.now());
        let staged = service.stage_credentials(&asker.caller, input).await?;
        let alone = std::slice::from_ref(&staged);
        Ok(DockerCredentialsVersion::new(&staged, alone, &[], now))
    }

    /// Makes the staged version the current one; the one before is held for the project's grace period. For editors.
    /// `CONFLICT` where another version is staged than the given one, where the credentials were changed since it was staged
    /// and `expectedVersion` does not name the current one, or where its registry refused it, unless `force` is true. With
    /// `verify`, or where the project demands it, it is tried before.
    async fn promote_docker_credentials(
        &self,
        ctx: &Context<'_>,
        docker_credentials_version: DockerCredentialsVersionInput,
        verify: Option<VerifyBeforeSaving>,
    ) -> Result<DockerCredentials> {
        let asker = asker(ctx)?;
        let mut input = docker_credentials_version.read()?;
        let backend = &asker.backend;
        backend
            .prove_staged(&asker.caller, &mut input, verify.map(Into::into))
            .await?;
        let (service, project) = (&backend.service, input.project);
        let promoted = service.promote_credentials(&asker.caller, input).await?;
        DockerCredentials::changed(ctx, project, &promoted).await
    }

    /// Brings a previous version back, the one that counted last or the given one; the one that counts until then is held,
    /// so that this can be undone. For editors. `CONFLICT` where its registry refused it, unless `force` is true.
    async fn rollback_docker_credentials(
        &self,
        ctx: &Context<'_>,
        docker_credentials_version: DockerCredentialsVersionInput,
    ) -> Result<DockerCredentials> {
        let asker = asker(ctx)?;
        let input = docker_credentials_version.read()?;
        let (service, project) = (&asker.backend.service, input.project);
        let back = service.roll_back_credentials(&asker.caller, input).await?;
        DockerCredentials::changed(ctx, project, &back).await
    }

    /// Destroys a version that does not count: the staged one, or a previous one before its time. For editors.
    async fn destroy_docker_credentials_version(
        &self,
        ctx: &Context<'_>,
        id: Uuid,
        project_id: Uuid,
        version: u32,
    ) -> Result<bool> {
        let asker = asker(ctx)?;
        let (project, id) = ids(&project_id, &id)?;
        let service = &asker.backend.service;
        service
            .destroy_version(&asker.caller, project, id, version)
            .await?;
        Ok(true)
    }
}

fn ids(project: &Uuid, id: &Uuid) -> Result<(ProjectId, CredentialsId)> {
    Ok((
        project.read(ProjectId::parse)?,
        id.read(CredentialsId::parse)?,
    ))
}
