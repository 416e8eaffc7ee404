//! The versions of credentials: rotation without a pull that fails.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Regcred;
use super::usage::TokenUse;
use super::verification::{PATIENCE, Verification, VerifyBeforeSaving};
use crate::error::Result;
use crate::graphql::{Document, Done};
use crate::secret::Secret;
use crate::values::{
    CredentialsId, CredentialsInfo, Nullable, ProjectId, Registry, RegistryChange, maybe_moment,
    moment, nullable,
};

/// One of the passwords of credentials, without the password.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CredentialsVersion {
    /// Its number, never given twice: 1 is the first.
    pub version: u32,
    /// Whether it counts.
    pub state: VersionState,
    /// The registry that it is for.
    pub registry: Registry,
    /// The login that it is for.
    pub username: String,
    /// When it was made; of the one that counts, since when it does.
    #[serde(deserialize_with = "moment")]
    pub since: Timestamp,
    /// When the password runs out, where that is known.
    #[serde(deserialize_with = "maybe_moment")]
    pub expires_at: Option<Timestamp>,
    /// Since when it does not count any more.
    #[serde(deserialize_with = "maybe_moment")]
    pub superseded_at: Option<Timestamp>,
    /// Until when it can be brought back; then it is destroyed.
    #[serde(deserialize_with = "maybe_moment")]
    pub held_until: Option<Timestamp>,
    /// What came of trying it at its registry, the last time.
    #[serde(deserialize_with = "nullable")]
    pub verification: Option<Verification>,
    /// Whether its password may be revoked at the registry without breaking a pull: nothing was handed it since its
    /// successor counts, and what clients kept of it has run out.
    pub safe_to_revoke: bool,
    /// The service tokens that pulled last while it counted: they have not asked since.
    pub pulled_last_by: Vec<TokenUse>,
}

/// Where a version is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum VersionState {
    /// It waits to be promoted.
    Staged,
    /// It is the one that is pulled.
    Current,
    /// It counted before, and can be brought back.
    Previous,
    /// A word that this client does not know.
    #[serde(other)]
    Unknown,
}

/// A version to stage. [`Self::new`] keeps registry and username. It holds a password, so it has no `Debug`.
#[derive(Clone)]
pub struct Staging<'a> {
    /// The password.
    pub password: &'a Secret,
    /// The registry that it is for.
    pub registry: RegistryChange,
    /// The login that it is for; absent keeps the one there is.
    pub username: Option<&'a str>,
    /// When the password runs out, where that is known.
    pub expires_at: Option<Timestamp>,
    /// The version that the caller takes for the current one.
    pub expected_version: Option<u32>,
    /// What has to be proved before it is saved.
    pub verify: Option<VerifyBeforeSaving>,
}

impl<'a> Staging<'a> {
    /// Of a password for the same registry and login.
    #[must_use]
    pub fn new(password: &'a Secret) -> Self {
        Self {
            password,
            registry: RegistryChange::Keep,
            username: None,
            expires_at: None,
            expected_version: None,
            verify: None,
        }
    }
}

/// Which version is to count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Switch {
    /// Its number; absent is the one that is staged, or that counted last.
    pub version: Option<u32>,
    /// The version that the caller takes for the current one; where it is another one, nothing is changed.
    pub expected_version: Option<u32>,
    /// Whether to go on where its registry refused it when it was tried last.
    pub force: bool,
}

/// What counts after a switch.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Switched {
    /// The number of the version.
    pub version: u32,
    /// The credentials.
    #[serde(flatten)]
    pub credentials: CredentialsInfo,
}

impl Regcred {
    /// The versions of credentials that can be used, the latest first. For viewers.
    pub async fn versions(
        &self,
        project: ProjectId,
        credentials: CredentialsId,
    ) -> Result<Vec<CredentialsVersion>> {
        #[derive(Deserialize)]
        struct Data {
            #[serde(rename = "dockerCredentialsVersions")]
            versions: Vec<CredentialsVersion>,
        }
        let variables = One::new(project, credentials);
        let data: Data = self.execute(WHAT, &VERSIONS, variables).await?;
        Ok(data.versions)
    }

    /// Makes a version that waits to be promoted, in place of one that waited before; what is pulled stays what it is. For
    /// editors. It can be tried before it counts ([`Self::verify_version`]).
    ///
    /// [`Error::NotSaved`](crate::Error::NotSaved) where it was to be tried, and that does not suffice;
    /// [`Error::Conflict`](crate::Error::Conflict) where another version counts than the expected one.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     client: regcred_client::Client,
    /// #     project: regcred_client::ProjectId,
    /// #     id: regcred_client::CredentialsId,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// use regcred_client::Secret;
    /// use regcred_client::regcred::{Staging, Switch};
    ///
    /// let regcred = client.regcred();
    /// let password = Secret::new(std::env::var("GHCR_PASSWORD")?);
    /// let staged = regcred.stage(project, id, &Staging::new(&password)).await?;
    /// let tried = regcred.verify_version(project, id, staged.version, None).await?;
    /// if !tried.verdict.is_bad() {
    ///     let version = Some(staged.version);
    ///     regcred.promote(project, id, Switch { version, ..Switch::default() }, None).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn stage(
        &self,
        project: ProjectId,
        credentials: CredentialsId,
        staging: &Staging<'_>,
    ) -> Result<CredentialsVersion> {
        #[derive(Deserialize)]
        struct Data {
            #[serde(rename = "stageDockerCredentials")]
            staged: CredentialsVersion,
        }
        let variables = Variables {
            input: NewVersion {
                id: credentials,
                project_id: project,
                password: staging.password.expose(),
                registry: match &staging.registry {
                    RegistryChange::Keep => None,
                    RegistryChange::Set(registry) => Some(registry.as_deref().into()),
                },
                username: staging.username,
                expires_at: staging.expires_at.map(|moment| moment.to_string()),
                expected_version: staging.expected_version,
            },
            verify: staging.verify,
        };
        let data: Data = self.execute(WHAT, &STAGE, variables).await?;
        Ok(data.staged)
    }

    /// Makes the staged version the current one; the one before is held for the project's grace period. For editors. With
    /// `verify`, or where the project demands it, it is tried before: what does not suffice is
    /// [`Error::NotSaved`](crate::Error::NotSaved), unless forced.
    ///
    /// [`Error::NotFound`](crate::Error::NotFound) where none is staged, [`Error::Conflict`](crate::Error::Conflict) where
    /// another one is, where the credentials were changed since it was staged, or where their registry refused it when it
    /// was tried last.
    pub async fn promote(
        &self,
        project: ProjectId,
        credentials: CredentialsId,
        switch: Switch,
        verify: Option<VerifyBeforeSaving>,
    ) -> Result<Switched> {
        #[derive(Deserialize)]
        struct Data {
            #[serde(rename = "promoteDockerCredentials")]
            promoted: Switched,
        }
        let variables = Variables {
            input: Chosen::new(project, credentials, switch),
            verify,
        };
        let data: Data = self.execute(WHAT, &PROMOTE, variables).await?;
        Ok(data.promoted)
    }

    /// Brings a previous version back; the one that counts until then is held, so that this can be undone. For editors.
    /// It is not tried before. [`Error::NotFound`](crate::Error::NotFound) where there is none any more,
    /// [`Error::Conflict`](crate::Error::Conflict) where its registry refused it when it was tried last.
    pub async fn roll_back(
        &self,
        project: ProjectId,
        credentials: CredentialsId,
        switch: Switch,
    ) -> Result<Switched> {
        #[derive(Deserialize)]
        struct Data {
            #[serde(rename = "rollbackDockerCredentials")]
            back: Switched,
        }
        let variables = Variables {
            input: Chosen::new(project, credentials, switch),
            verify: None,
        };
        let data: Data = self.execute(WHAT, &ROLL_BACK, variables).await?;
        Ok(data.back)
    }

    /// Destroys a version that does not count: the staged one, or a previous one before its time. For editors.
    pub async fn destroy_version(
        &self,
        project: ProjectId,
        credentials: CredentialsId,
        version: u32,
    ) -> Result<()> {
        let mut variables = One::new(project, credentials);
        variables.version = Some(version);
        let done: Done = self.execute(WHAT, &DESTROY, variables).await?;
        done.check(&DESTROY, "there is no such version")
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct One {
    id: CredentialsId,
    project_id: ProjectId,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u32>,
}

impl One {
    fn new(project_id: ProjectId, id: CredentialsId) -> Self {
        Self {
            id,
            project_id,
            version: None,
        }
    }
}

#[derive(Serialize)]
struct Variables<I> {
    input: I,
    #[serde(skip_serializing_if = "Option::is_none")]
    verify: Option<VerifyBeforeSaving>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewVersion<'a> {
    id: CredentialsId,
    project_id: ProjectId,
    password: &'a str,
    /// Null is Docker Hub, left out keeps the one there is.
    #[serde(skip_serializing_if = "Option::is_none")]
    registry: Option<Nullable<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_version: Option<u32>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Chosen {
    id: CredentialsId,
    project_id: ProjectId,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_version: Option<u32>,
    force: bool,
}

impl Chosen {
    fn new(project_id: ProjectId, id: CredentialsId, switch: Switch) -> Self {
        Self {
            id,
            project_id,
            version: switch.version,
            expected_version: switch.expected_version,
            force: switch.force,
        }
    }
}

const WHAT: &str = "versions of credentials";

const VERSIONS: Document = Document::query(
    "dockerCredentialsVersions",
    "query dockerCredentialsVersions($id: UUID!, $projectId: UUID!) { \
     dockerCredentialsVersions(id: $id, projectId: $projectId) { version state registry username since expiresAt \
     supersededAt heldUntil verification { verdict checkedAt version probed } safeToRevoke pulledLastBy { id name } } }",
);
const STAGE: Document = Document::mutation(
    "stageDockerCredentials",
    "mutation stageDockerCredentials($input: DockerCredentialsStaging!, $verify: VerifyBeforeSaving) { \
     stageDockerCredentials(dockerCredentialsStaging: $input, verify: $verify) { version state registry username since \
     expiresAt supersededAt heldUntil verification { verdict checkedAt version probed } safeToRevoke pulledLastBy { id name } } }",
)
.within(PATIENCE);
const PROMOTE: Document = Document::mutation(
    "promoteDockerCredentials",
    "mutation promoteDockerCredentials($input: DockerCredentialsVersionInput!, $verify: VerifyBeforeSaving) { \
     promoteDockerCredentials(dockerCredentialsVersion: $input, verify: $verify) \
     { version id registry username lastUpdate jobs { id } apps { id } } }",
)
.within(PATIENCE);
const ROLL_BACK: Document = Document::mutation(
    "rollbackDockerCredentials",
    "mutation rollbackDockerCredentials($input: DockerCredentialsVersionInput!) { \
     rollbackDockerCredentials(dockerCredentialsVersion: $input) \
     { version id registry username lastUpdate jobs { id } apps { id } } }",
);
const DESTROY: Document = Document::mutation(
    "destroyDockerCredentialsVersion",
    "mutation destroyDockerCredentialsVersion($id: UUID!, $projectId: UUID!, $version: Int!) { \
     destroyDockerCredentialsVersion(id: $id, projectId: $projectId, version: $version) }",
);
