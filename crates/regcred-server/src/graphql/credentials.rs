//! Docker credentials: the platform's five operations, and what regcred adds to what they show.

use async_graphql::{
    ComplexObject, Context, InputObject, MaybeUndefined, Object, Result, SimpleObject,
};
use regcred_core::credentials::{self as domain, Username};
use regcred_core::ids::{CredentialsId, ProjectId};
use regcred_core::registry::Registry;
use regcred_core::secret::RegistryPassword;
use regcred_core::service::{CreateCredentials, UpgradeCredentials};
use regcred_core::verification as domain_proofs;

use super::apps::App;
use super::jobs::Job;
use super::scalars::{DateTime, Uuid};
use super::secret::Secret;
use super::usage::{self, PulledBy, PullsOfDay, TokenUse, Usage};
use super::verification::{Proofs, Verification, VerifyBeforeSaving};
use super::{InField as _, asker};

/// Docker credentials of a project. Their password goes in and never comes out.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(super) struct DockerCredentials {
    id: Uuid,
    /// The registry exactly as it was given; null is Docker Hub.
    registry: Option<String>,
    username: String,
    /// When registry, username or password last changed.
    last_update: DateTime,
    /// The canonical form of the registry, by which it is matched: `host[:port][/scope]`; Docker Hub is `docker.io`.
    registry_key: String,
    /// When the password runs out, where that is known.
    expires_at: Option<DateTime>,
    /// The number of the password that counts: 1 when they were created, and a higher one with each that is made.
    version: u32,
    /// An image of the registry that they are to be able to pull; with it, a verification is of that, too.
    probe: Option<String>,
    #[graphql(skip)]
    usage: Usage,
    /// The latest first.
    #[graphql(skip)]
    proofs: Vec<domain_proofs::Verification>,
}

/// What is shown only where it is asked for.
#[ComplexObject]
impl DockerCredentials {
    /// What came of trying the present password at the registry, the last time; null where that was not done.
    async fn verification(&self) -> Option<Verification> {
        let mut proofs = self.proofs.iter();
        let latest = proofs.find(|proof| proof.version == self.version);
        latest.copied().map(Verification::from)
    }

    /// The last proofs, of earlier passwords, too, the latest first; at most 20.
    async fn verifications(&self) -> Vec<Verification> {
        self.proofs
            .iter()
            .take(domain_proofs::PROOFS_KEPT)
            .copied()
            .map(Verification::from)
            .collect()
    }

    /// The jobs whose current version uses them.
    #[expect(
        clippy::unused_async,
        reason = "resolvers are asynchronous for the library"
    )]
    async fn jobs(&self, ctx: &Context<'_>) -> Result<Option<&Vec<Job>>> {
        asker(ctx)?.count_rows(self.usage.jobs.len())?;
        Ok(Some(&self.usage.jobs))
    }

    /// The apps whose current version uses them.
    #[expect(
        clippy::unused_async,
        reason = "resolvers are asynchronous for the library"
    )]
    async fn apps(&self, ctx: &Context<'_>) -> Result<Option<&Vec<App>>> {
        asker(ctx)?.count_rows(self.usage.apps.len())?;
        Ok(Some(&self.usage.apps))
    }

    /// When they were last pulled.
    async fn last_used(&self) -> Option<DateTime> {
        self.usage.last_used()
    }

    /// The service token that last pulled them.
    async fn last_used_by(&self) -> Option<TokenUse> {
        self.usage.last_used_by()
    }

    /// Who pulled them for what, the last time of each, the latest first; at most 100.
    async fn pulled_by(&self) -> Vec<PulledBy> {
        self.usage.pullers.iter().map(PulledBy::new).collect()
    }

    /// How often they were pulled, by day, the latest first; days without a pull are left out. Of the last 30 days
    /// unless given, of 90 at most.
    #[expect(
        clippy::unused_async,
        reason = "resolvers are asynchronous for the library"
    )]
    async fn pulls_by_day(&self, days: Option<i32>) -> Result<Vec<PullsOfDay>> {
        Ok(self.usage.pulls_by_day(days)?)
    }
}

impl DockerCredentials {
    fn new(credentials: &domain::DockerCredentials, last_update: DateTime, usage: Usage) -> Self {
        Self {
            id: Uuid::new(&credentials.id),
            registry: credentials.registry.typed().map(str::to_owned),
            username: credentials.username.as_str().to_owned(),
            last_update,
            registry_key: credentials.registry.key().to_string(),
            expires_at: credentials.expires.map(DateTime::read),
            usage,
            version: credentials.version,
            probe: credentials.probe.as_ref().map(ToString::to_string),
            proofs: Vec::new(),
        }
    }

    fn with_proofs(mut self, proofs: Vec<domain_proofs::Verification>) -> Self {
        self.proofs = proofs;
        self
    }

    fn read(credentials: &domain::DockerCredentials, usage: Usage) -> Self {
        let moment = DateTime::read(credentials.last_update);
        Self::new(credentials, moment, usage)
    }

    fn written(credentials: &domain::DockerCredentials, usage: Usage) -> Self {
        let moment = DateTime::written(credentials.last_update);
        Self::new(credentials, moment, usage)
    }

    /// As the answer to a change of what there was.
    pub(super) async fn changed(
        ctx: &Context<'_>,
        project: ProjectId,
        credentials: &domain::DockerCredentials,
    ) -> Result<Self> {
        let id = credentials.id;
        let usage = usage::of_one(ctx, project, id).await?;
        let proofs = Proofs::read(ctx, project, Some(id)).await?.take(id);
        Ok(Self::written(credentials, usage).with_proofs(proofs))
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
    /// When the password runs out, where that is known.
    expires_at: Option<DateTime>,
    /// An image of the registry that they are to be able to pull; with it, a verification is of that, too.
    probe: Option<String>,
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
    /// When the new password runs out; left out or null is not known, whatever was known of the old one.
    expires_at: Option<DateTime>,
    /// The version that is taken for the current one; where it is another one, nothing is changed: `CONFLICT`.
    expected_version: Option<u32>,
    /// An image to probe with. Left out, the one there is stays, as long as it is of the registry; null takes it away.
    probe: MaybeUndefined<String>,
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
        let mut usage = usage::of_project(ctx, project).await?;
        let mut proofs = Proofs::read(ctx, project, None).await?;
        let shown = all.iter().map(|row| {
            DockerCredentials::read(row, usage.take(row.id)).with_proofs(proofs.take(row.id))
        });
        Ok(Some(shown.collect()))
    }

    /// What is made of registries as they are typed, for whoever compares or matches them. At most 1,000 at once.
    #[expect(
        clippy::unused_async,
        reason = "resolvers are asynchronous for the library"
    )]
    async fn registry_keys(
        &self,
        ctx: &Context<'_>,
        registries: Vec<String>,
    ) -> Result<Vec<RegistryKeyAnswer>> {
        // Nothing of anybody's is told, but whoever asks is somebody.
        asker(ctx)?;
        if registries.len() > MOST_REGISTRIES {
            let message = format!("at most {MOST_REGISTRIES} registries may be asked for at once");
            return Err(regcred_core::Error::invalid(message)
                .in_field("registries")
                .into());
        }
        Ok(registries.into_iter().map(RegistryKeyAnswer::of).collect())
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
        let usage = usage::of_one(ctx, project, id).await?;
        let proofs = Proofs::read(ctx, project, Some(id)).await?.take(id);
        Ok(Some(
            DockerCredentials::read(&one, usage).with_proofs(proofs),
        ))
    }
}

#[derive(Default)]
pub(super) struct CredentialsMutations;

#[Object]
impl CredentialsMutations {
    /// Creates Docker credentials. For editors. `CONFLICT` where the project has this couple of registry and username,
    /// also where the registry is only spelled differently. With `verify`, or where the project demands it, they are tried
    /// at their registry before; what is refused is not saved, and `extensions.verdict` says why.
    async fn create_docker_credentials(
        &self,
        ctx: &Context<'_>,
        docker_credentials: Option<DockerCredentialsInput>,
        verify: Option<VerifyBeforeSaving>,
    ) -> Result<Option<DockerCredentials>> {
        let asker = asker(ctx)?;
        let given = docker_credentials.ok_or_else(|| missing("dockerCredentials"))?;
        let project = given.project_id.read(ProjectId::parse)?;
        let registry = Registry::parse(given.registry).in_field("registry")?;
        let probe = given.probe.as_deref();
        let mut input = CreateCredentials {
            project,
            probe: probe
                .map(|probe| domain::read_probe(probe, registry.key()))
                .transpose()?,
            registry,
            username: Username::parse(given.username).in_field("username")?,
            password: RegistryPassword::parse(given.password.into_inner()).in_field("password")?,
            expires: given.expires_at.map(|moment| moment.moment()).transpose()?,
            proved: None,
        };
        let backend = &asker.backend;
        backend
            .prove_new(&asker.caller, &mut input, verify.map(Into::into))
            .await?;
        let service = &backend.service;
        let created = service.create_credentials(&asker.caller, input).await?;
        let mut proofs = Proofs::read(ctx, project, Some(created.id)).await?;
        let proofs = proofs.take(created.id);
        Ok(Some(
            DockerCredentials::written(&created, Usage::default()).with_proofs(proofs),
        ))
    }

    /// Replaces the password, and with it registry and username as the input says: makes a version and promotes it at once.
    /// The one before is held for the project's grace period. For editors. `verify` is as in `createDockerCredentials`.
    async fn update_docker_credentials(
        &self,
        ctx: &Context<'_>,
        docker_credentials_update: Option<DockerCredentialsUpdate>,
        verify: Option<VerifyBeforeSaving>,
    ) -> Result<Option<DockerCredentials>> {
        let asker = asker(ctx)?;
        let given = docker_credentials_update.ok_or_else(|| missing("dockerCredentialsUpdate"))?;
        let (project, id) = (
            given.project_id.read(ProjectId::parse)?,
            given.id.read(CredentialsId::parse)?,
        );
        // The platform's rule: what is left out is Docker Hub.
        let registry = Registry::parse(given.registry).in_field("registry")?;
        let probe = match given.probe {
            MaybeUndefined::Undefined => None,
            MaybeUndefined::Null => Some(None),
            MaybeUndefined::Value(probe) => Some(Some(domain::read_probe(&probe, registry.key())?)),
        };
        let mut input = UpgradeCredentials {
            project,
            id,
            registry: Some(registry),
            username: given
                .username
                .map(Username::parse)
                .transpose()
                .in_field("username")?,
            password: RegistryPassword::parse(given.password.into_inner()).in_field("password")?,
            expires: given.expires_at.map(|moment| moment.moment()).transpose()?,
            expected_version: given.expected_version,
            probe,
            proved: None,
        };
        let backend = &asker.backend;
        backend
            .prove_next(&asker.caller, &mut input, verify.map(Into::into))
            .await?;
        let service = &backend.service;
        let upgraded = service.upgrade_credentials(&asker.caller, input).await?;
        Ok(Some(
            DockerCredentials::changed(ctx, project, &upgraded).await?,
        ))
    }

    /// Deletes Docker credentials. For editors. `IN_USE`, with their names, where the current version of a job or an app
    /// uses them, unless `force` or the project's setting says to go on.
    async fn delete_docker_credentials(
        &self,
        ctx: &Context<'_>,
        id: Uuid,
        project_id: Uuid,
        force: Option<bool>,
    ) -> Result<Option<bool>> {
        let asker = asker(ctx)?;
        let (project, id) = (
            project_id.read(ProjectId::parse)?,
            id.read(CredentialsId::parse)?,
        );
        asker
            .backend
            .service
            .delete_credentials(&asker.caller, project, id, force == Some(true))
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

/// What is made of a registry as it was typed.
#[derive(SimpleObject)]
struct RegistryKeyAnswer {
    /// As it was typed; empty is Docker Hub.
    registry: String,
    /// Its canonical form; null where it is no registry.
    key: Option<String>,
    /// Why it is none.
    problem: Option<String>,
}

impl RegistryKeyAnswer {
    fn of(registry: String) -> Self {
        let (key, problem) = match Registry::parse(Some(registry.clone())) {
            Ok(parsed) => (Some(parsed.key().to_string()), None),
            Err(error) => (None, Some(error.message().to_owned())),
        };
        Self {
            registry,
            key,
            problem,
        }
    }
}

const MOST_REGISTRIES: usize = 1_000;
