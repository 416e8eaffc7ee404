//! Docker credentials: the platform's five operations.

use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use regcred_core::credentials::{self as domain, Username};
use regcred_core::ids::{CredentialsId, ProjectId};
use regcred_core::registry::Registry;
use regcred_core::secret::RegistryPassword;
use regcred_core::service::{CreateCredentials, UpgradeCredentials};

use super::projects::{App, Job};
use super::scalars::{DateTime, Uuid};
use super::secret::Secret;
use super::{InField as _, asker};

/// Docker credentials of a project. Their password goes in and never comes out.
#[derive(SimpleObject)]
pub(super) struct DockerCredentials {
    id: Uuid,
    /// The registry exactly as it was given; null is Docker Hub.
    registry: Option<String>,
    username: String,
    /// When registry, username or password last changed.
    last_update: DateTime,
    jobs: Option<Vec<Job>>,
    apps: Option<Vec<App>>,
}

impl DockerCredentials {
    fn new(credentials: &domain::DockerCredentials, last_update: DateTime) -> Self {
        Self {
            id: Uuid::new(&credentials.id),
            registry: credentials.registry.typed().map(str::to_owned),
            username: credentials.username.as_str().to_owned(),
            last_update,
            jobs: Some(Vec::new()),
            apps: Some(Vec::new()),
        }
    }

    fn read(credentials: &domain::DockerCredentials) -> Self {
        let moment = DateTime::read(credentials.last_update);
        Self::new(credentials, moment)
    }

    fn written(credentials: &domain::DockerCredentials) -> Self {
        let moment = DateTime::written(credentials.last_update);
        Self::new(credentials, moment)
    }
}

/// The Docker credentials to create.
#[derive(InputObject)]
pub(super) struct DockerCredentialsInput {
    /// Host with optional port and path; null is Docker Hub.
    registry: Option<String>,
    username: String,
    password: Secret,
    project_id: Uuid,
}

/// The Docker credentials to update.
#[derive(InputObject)]
pub(super) struct DockerCredentialsUpdate {
    id: Uuid,
    /// The registry from now on; left out or null is Docker Hub, whatever it was.
    registry: Option<String>,
    /// The username from now on; left out or null keeps the one there is.
    username: Option<String>,
    password: Secret,
    project_id: Uuid,
}

#[derive(Default)]
pub(super) struct CredentialsQueries;

#[Object]
impl CredentialsQueries {
    /// All Docker credentials of a project, in the order in which they were made. For viewers.
    async fn all_docker_credentials(
        &self,
        ctx: &Context<'_>,
        project_id: Uuid,
    ) -> Result<Option<Vec<DockerCredentials>>> {
        let asker = asker(ctx)?;
        let project = project_id.read(ProjectId::parse)?;
        let all = asker
            .backend
            .service
            .list_credentials(&asker.caller, project)
            .await?;
        asker.count_rows(all.len())?;
        Ok(Some(all.iter().map(DockerCredentials::read).collect()))
    }

    /// Docker credentials by id. For viewers.
    async fn docker_credentials(
        &self,
        ctx: &Context<'_>,
        id: Uuid,
        project_id: Uuid,
    ) -> Result<Option<DockerCredentials>> {
        let asker = asker(ctx)?;
        let (project, id) = (
            project_id.read(ProjectId::parse)?,
            id.read(CredentialsId::parse)?,
        );
        let one = asker
            .backend
            .service
            .credentials(&asker.caller, project, id)
            .await?;
        Ok(Some(DockerCredentials::read(&one)))
    }
}

#[derive(Default)]
pub(super) struct CredentialsMutations;

#[Object]
impl CredentialsMutations {
    /// Creates Docker credentials. For editors. `CONFLICT` where the project has this couple of registry and username,
    /// also where the registry is only spelled differently.
    async fn create_docker_credentials(
        &self,
        ctx: &Context<'_>,
        docker_credentials: Option<DockerCredentialsInput>,
    ) -> Result<Option<DockerCredentials>> {
        let asker = asker(ctx)?;
        let given = docker_credentials.ok_or_else(|| missing("dockerCredentials"))?;
        let input = CreateCredentials {
            project: given.project_id.read(ProjectId::parse)?,
            registry: Registry::parse(given.registry).in_field("registry")?,
            username: Username::parse(given.username).in_field("username")?,
            password: RegistryPassword::parse(given.password.into_inner()).in_field("password")?,
        };
        let created = asker
            .backend
            .service
            .create_credentials(&asker.caller, input)
            .await?;
        Ok(Some(DockerCredentials::written(&created)))
    }

    /// Replaces the password, and with it registry and username as the input says. For editors.
    async fn update_docker_credentials(
        &self,
        ctx: &Context<'_>,
        docker_credentials_update: Option<DockerCredentialsUpdate>,
    ) -> Result<Option<DockerCredentials>> {
        let asker = asker(ctx)?;
        let given = docker_credentials_update.ok_or_else(|| missing("dockerCredentialsUpdate"))?;
        let input = UpgradeCredentials {
            project: given.project_id.read(ProjectId::parse)?,
            id: given.id.read(CredentialsId::parse)?,
            registry: Registry::parse(given.registry).in_field("registry")?,
            username: given
                .username
                .map(Username::parse)
                .transpose()
                .in_field("username")?,
            password: RegistryPassword::parse(given.password.into_inner()).in_field("password")?,
        };
        let upgraded = asker
            .backend
            .service
            .upgrade_credentials(&asker.caller, input)
            .await?;
        Ok(Some(DockerCredentials::written(&upgraded)))
    }

    /// Deletes Docker credentials. For editors.
    async fn delete_docker_credentials(
        &self,
        ctx: &Context<'_>,
        id: Uuid,
        project_id: Uuid,
    ) -> Result<Option<bool>> {
        let asker = asker(ctx)?;
        let (project, id) = (
            project_id.read(ProjectId::parse)?,
            id.read(CredentialsId::parse)?,
        );
        asker
            .backend
            .service
            .delete_credentials(&asker.caller, project, id)
            .await?;
        Ok(Some(true))
    }
}

fn missing(argument: &'static str) -> regcred_core::Error {
    regcred_core::Error::invalid(format!(
        "the argument `{argument}` is missing; give the object with its fields"
    ))
    .in_field(argument)
}
