//! The eight operations on Docker credentials, by their documented names.

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::error::{Error, Result};
use crate::graphql::{Document, Done, InProject};
use crate::regcred::{PATIENCE, VerifyBeforeSaving};
use crate::secret::Secret;
use crate::values::{
    CredentialsId, CredentialsInfo, Nullable, ProjectId, Registry, RegistryChange, nullable,
};

/// The Docker credentials of projects. [`Client::docker_credentials`] makes it.
///
/// The names are those of the documented class `saagieapi.docker_credentials.DockerCredentials`, and so are the
/// meanings: an absent registry is Docker Hub, and `..._for_username` finds credentials by username and registry, both
/// compared as they stand. Every operation works on regcred and on the original platform alike.
///
/// All of them fail with [`Error::NotFound`] where the project or the credentials do not exist or are not the caller's
/// to see, with [`Error::Forbidden`] where the caller's role does not allow it, and as [`Error`] says for the way
/// there.
#[derive(Clone, Debug)]
pub struct DockerCredentials {
    client: Client,
    force: bool,
    /// What is said with a password.
    expires_at: Option<Timestamp>,
    verify: Option<VerifyBeforeSaving>,
    probe: Option<Nullable<String>>,
    expected_version: Option<u32>,
}

impl DockerCredentials {
    pub(crate) fn new(client: Client) -> Self {
        Self {
            client,
            force: false,
            expires_at: None,
            verify: None,
            probe: None,
            expected_version: None,
        }
    }

    /// The same operations, of which those that delete do so also where jobs or apps use the credentials, which can then
    /// no longer be pulled with them. regcred's own: it is sent only where this is asked for, and the original platform
    /// refuses it.
    #[must_use]
    pub fn forced(mut self) -> Self {
        self.force = true;
        self
    }

    /// The same operations, of which those that set a password say when it runs out. regcred's own: it is sent only
    /// where this is asked for, and the original platform refuses it.
    ///
    /// ```no_run
    /// # async fn example(client: regcred_client::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// # let project = client.projects().by_name("demo").await?.id;
    /// use regcred_client::Secret;
    ///
    /// let password = Secret::new(std::env::var("GHCR_PASSWORD").unwrap_or_default());
    /// let until_spring = client.docker_credentials().expiring_at("2027-03-20T00:00:00Z".parse()?);
    /// until_spring.create(project, "ci-bot", &password, "ghcr.io").await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn expiring_at(mut self, moment: Timestamp) -> Self {
        self.expires_at = Some(moment);
        self
    }

    /// The same operations, of which those that set a password have it tried at its registry before. What does not suffice
    /// is [`Error::NotSaved`]. regcred's own: it is sent only where this is asked for, and the original platform refuses it.
    #[must_use]
    pub fn verified(mut self, verify: VerifyBeforeSaving) -> Self {
        self.verify = Some(verify);
        self
    }

    /// The same operations, of which those that set a password also say which image the credentials are to be able to pull,
    /// to be tried whenever they are; `None` takes away the one there is. regcred's own, as the others are.
    #[must_use]
    pub fn probing(mut self, image: Option<&str>) -> Self {
        self.probe = Some(image.map(str::to_owned).into());
        self
    }

    /// The same operations, of which those that upgrade do so only where this is the version that counts, else
    /// [`Error::Conflict`]: nobody else's change is lost. regcred's own, as the others are.
    #[must_use]
    pub fn expecting_version(mut self, version: u32) -> Self {
        self.expected_version = Some(version);
        self
    }

    /// Executes a document that sets a password: the platform's, or with what only regcred knows the other one. A server
    /// that is not regcred is told as such.
    async fn set<D: DeserializeOwned, I: Serialize>(
        &self,
        [platforms, own]: [&Document; 2],
        input: I,
    ) -> Result<D> {
        let (verify, what) = (self.verify, "more to say of passwords");
        let says_more =
            self.expires_at.is_some() || self.probe.is_some() || self.expected_version.is_some();
        match verify {
            Some(verify) => {
                let variables = Verified { input, verify };
                self.client.regcred().execute(what, own, variables).await
            }
            None if says_more => {
                let regcred = self.client.regcred();
                regcred.execute(what, platforms, Input { input }).await
            }
            None => self.client.execute(platforms, Input { input }).await,
        }
    }

    fn expires_at(&self) -> Option<String> {
        self.expires_at.map(|moment| moment.to_string())
    }

    /// Creates credentials.
    ///
    /// [`Error::Conflict`] where the project has this couple of registry and username already; regcred answers so too
    /// where the registry is only spelled differently. [`Error::Invalid`] where a value breaks a rule.
    ///
    /// ```no_run
    /// # async fn example(client: regcred_client::Client) -> regcred_client::Result<()> {
    /// use regcred_client::{Registry, Secret};
    ///
    /// let project = client.projects().by_name("demo").await?.id;
    /// let password = Secret::new(std::env::var("GHCR_PASSWORD").unwrap_or_default());
    /// let credentials = client.docker_credentials();
    /// let at_ghcr = credentials.create(project, "ci-bot", &password, "ghcr.io").await?;
    /// let at_the_hub = credentials.create(project, "ci-bot", &password, Registry::DockerHub).await?;
    /// assert_ne!(at_ghcr.id, at_the_hub.id);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn create(
        &self,
        project: ProjectId,
        username: &str,
        password: &Secret,
        registry: impl Into<Registry>,
    ) -> Result<CredentialsInfo> {
        let registry = registry.into();
        let input = NewCredentials {
            registry: registry.as_deref(),
            username,
            password: password.expose(),
            project_id: project,
            expires_at: self.expires_at(),
            probe: self.probe.as_ref(),
        };
        let data: Created = self.set([&CREATE, &CREATE_VERIFIED], input).await?;
        data.credentials.ok_or_else(Error::no_answer)
    }

    /// Deletes credentials by their id. [`Error::InUse`] where jobs or apps use them, on servers that look.
    pub async fn delete(&self, project: ProjectId, credentials: CredentialsId) -> Result<()> {
        let variables = One::new(project, credentials);
        let done: Done = if self.force {
            let regcred = self.client.regcred();
            let what = "deletion of credentials in use";
            regcred.execute(what, &DELETE_FORCED, variables).await?
        } else {
            self.client.execute(&DELETE, variables).await?
        };
        done.check(&DELETE, absent(project, credentials))
    }

    /// Deletes the credentials of this username and registry: looks for them first, then deletes them by their id.
    pub async fn delete_for_username(
        &self,
        project: ProjectId,
        username: &str,
        registry: impl Into<Registry>,
    ) -> Result<()> {
        let found = self
            .get_info_for_username(project, username, registry)
            .await?;
        self.delete(project, found.id).await
    }

    /// What there is to know about credentials, by their id.
    pub async fn get_info(
        &self,
        project: ProjectId,
        credentials: CredentialsId,
    ) -> Result<CredentialsInfo> {
        let data: Got = self
            .client
            .execute(&GET, One::new(project, credentials))
            .await?;
        data.credentials
            .ok_or_else(|| Error::not_found(absent(project, credentials)))
    }

    /// What there is to know about the credentials of this username and registry.
    ///
    /// Both are compared as they stand, after listing the project's: the platform has no query for it. So `ghcr.io`
    /// does not find what was created as `https://ghcr.io`; the error names the registries that the username has.
    pub async fn get_info_for_username(
        &self,
        project: ProjectId,
        username: &str,
        registry: impl Into<Registry>,
    ) -> Result<CredentialsInfo> {
        let registry = registry.into();
        let all = self.list_for_project(project).await?;
        let (mut found, others): (Vec<_>, Vec<_>) = all
            .into_iter()
            .filter(|one| one.username == username)
            .partition(|one| one.registry == registry);
        match (found.pop(), found.is_empty()) {
            (Some(one), true) => Ok(one),
            (Some(_), false) => Err(Error::protocol(format!(
                "the server has credentials of {username:?} for {registry} more than once; name them by their id"
            ))),
            (None, _) => Err(Error::not_found(nobody(username, &registry, &others))),
        }
    }

    /// All credentials of a project, in the order in which the server gives them.
    pub async fn list_for_project(&self, project: ProjectId) -> Result<Vec<CredentialsInfo>> {
        let data: All = self
            .client
            .execute(
                &LIST,
                InProject {
                    project_id: project,
                },
            )
            .await?;
        Ok(data.credentials.unwrap_or_default())
    }

    /// Replaces the password of credentials, and where asked their registry and username.
    ///
    /// `username` absent keeps the one there is, as in the documented class. The registry has to be said: with
    /// [`RegistryChange::Keep`] it is read first and sent along, because a server that is not told one moves the
    /// credentials to Docker Hub. Whoever changes the registry at the same moment may win or lose.
    ///
    /// ```no_run
    /// # async fn example(client: regcred_client::Client) -> regcred_client::Result<()> {
    /// # let (project, id) = (client.projects().by_name("demo").await?.id, uuid::Uuid::nil().into());
    /// use regcred_client::{RegistryChange, Secret};
    ///
    /// let password = Secret::new(std::env::var("GHCR_PASSWORD").unwrap_or_default());
    /// let upgraded = client
    ///     .docker_credentials()
    ///     .upgrade(project, id, &password, RegistryChange::Keep, None)
    ///     .await?;
    /// println!("upgraded at {}", upgraded.last_update);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn upgrade(
        &self,
        project: ProjectId,
        credentials: CredentialsId,
        password: &Secret,
        registry: RegistryChange,
        username: Option<&str>,
    ) -> Result<CredentialsInfo> {
        let registry = match registry {
            RegistryChange::Set(registry) => registry,
            RegistryChange::Keep => self.get_info(project, credentials).await?.registry,
        };
        let input = Upgrade {
            id: credentials,
            registry: registry.as_deref(),
            username,
            password: password.expose(),
            project_id: project,
            expires_at: self.expires_at(),
            probe: self.probe.as_ref(),
            expected_version: self.expected_version,
        };
        let data: Upgraded = self.set([&UPGRADE, &UPGRADE_VERIFIED], input).await?;
        data.credentials.ok_or_else(Error::no_answer)
    }

    /// Replaces the password of the credentials of this username and registry, and nothing else.
    pub async fn upgrade_for_username(
        &self,
        project: ProjectId,
        username: &str,
        password: &Secret,
        registry: impl Into<Registry>,
    ) -> Result<CredentialsInfo> {
        let registry = registry.into();
        let found = self
            .get_info_for_username(project, username, registry.clone())
            .await?;
        self.upgrade(
            project,
            found.id,
            password,
            RegistryChange::Set(registry),
            None,
        )
        .await
    }
}

fn absent(project: ProjectId, credentials: CredentialsId) -> String {
    format!("there are no Docker credentials {credentials} in the project {project}")
}

/// The registry may only be spelled differently: name those that the username has.
fn nobody(username: &str, registry: &Registry, others: &[CredentialsInfo]) -> String {
    let message = format!("there are no Docker credentials of {username:?} for {registry}");
    if others.is_empty() {
        return message;
    }
    let named: Vec<_> = others
        .iter()
        .take(MOST_NAMED)
        .map(|other| match &other.registry {
            Registry::DockerHub => "Docker Hub".to_owned(),
            Registry::At(registry) => format!("{registry:?}"),
        })
        .collect();
    format!("{message}; there are some for {}", named.join(", "))
}

const MOST_NAMED: usize = 5;

const LIST: Document = Document::query(
    "allDockerCredentials",
    "query allDockerCredentials($projectId: UUID!) { \
     allDockerCredentials(projectId: $projectId) { id registry username lastUpdate jobs { id } apps { id } } }",
);
const GET: Document = Document::query(
    "dockerCredentials",
    "query dockerCredentials($id: UUID!, $projectId: UUID!) { \
     dockerCredentials(id: $id, projectId: $projectId) \
     { id registry username lastUpdate jobs { id } apps { id } } }",
);
const CREATE: Document = Document::mutation(
    "createDockerCredentials",
    "mutation createDockerCredentials($input: DockerCredentialsInput) { \
     createDockerCredentials(dockerCredentials: $input) \
     { id registry username lastUpdate jobs { id } apps { id } } }",
)
// The project may demand that they are tried before.
.within(PATIENCE);
const UPGRADE: Document = Document::mutation(
    "updateDockerCredentials",
    "mutation updateDockerCredentials($input: DockerCredentialsUpdate) { \
     updateDockerCredentials(dockerCredentialsUpdate: $input) \
     { id registry username lastUpdate jobs { id } apps { id } } }",
)
// The project may demand that they are tried before.
.within(PATIENCE);
const CREATE_VERIFIED: Document = Document::mutation(
    "createDockerCredentials",
    "mutation createDockerCredentials($input: DockerCredentialsInput, $verify: VerifyBeforeSaving) { \
     createDockerCredentials(dockerCredentials: $input, verify: $verify) \
     { id registry username lastUpdate jobs { id } apps { id } } }",
)
.within(PATIENCE);
const UPGRADE_VERIFIED: Document = Document::mutation(
    "updateDockerCredentials",
    "mutation updateDockerCredentials($input: DockerCredentialsUpdate, $verify: VerifyBeforeSaving) { \
     updateDockerCredentials(dockerCredentialsUpdate: $input, verify: $verify) \
     { id registry username lastUpdate jobs { id } apps { id } } }",
)
.within(PATIENCE);
const DELETE: Document = Document::mutation(
    "deleteDockerCredentials",
    "mutation deleteDockerCredentials($id: UUID!, $projectId: UUID!) { \
     deleteDockerCredentials(id: $id, projectId: $projectId) }",
);
const DELETE_FORCED: Document = Document::mutation(
    "deleteDockerCredentials",
    "mutation deleteDockerCredentials($id: UUID!, $projectId: UUID!) { \
     deleteDockerCredentials(id: $id, projectId: $projectId, force: true) }",
);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct One {
    id: CredentialsId,
    project_id: ProjectId,
}

impl One {
    fn new(project_id: ProjectId, id: CredentialsId) -> Self {
        Self { id, project_id }
    }
}

#[derive(Serialize)]
struct Input<I> {
    input: I,
}

#[derive(Serialize)]
struct Verified<I> {
    input: I,
    verify: VerifyBeforeSaving,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewCredentials<'a> {
    registry: Option<&'a str>,
    username: &'a str,
    password: &'a str,
    project_id: ProjectId,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    probe: Option<&'a Nullable<String>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Upgrade<'a> {
    id: CredentialsId,
    registry: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
    password: &'a str,
    project_id: ProjectId,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    probe: Option<&'a Nullable<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_version: Option<u32>,
}

#[derive(Deserialize)]
struct All {
    #[serde(rename = "allDockerCredentials", deserialize_with = "nullable")]
    credentials: Option<Vec<CredentialsInfo>>,
}

#[derive(Deserialize)]
struct Got {
    #[serde(rename = "dockerCredentials", deserialize_with = "nullable")]
    credentials: Option<CredentialsInfo>,
}

#[derive(Deserialize)]
struct Created {
    #[serde(rename = "createDockerCredentials", deserialize_with = "nullable")]
    credentials: Option<CredentialsInfo>,
}

#[derive(Deserialize)]
struct Upgraded {
    #[serde(rename = "updateDockerCredentials", deserialize_with = "nullable")]
    credentials: Option<CredentialsInfo>,
}
