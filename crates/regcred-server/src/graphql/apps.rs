//! Apps: in the slice of the platform's interface that images and credentials need.

use async_graphql::{ComplexObject, Context, Enum, InputObject, Object, Result, SimpleObject};
use regcred_core::Error;
use regcred_core::ids::{ProjectId, WorkloadId, parse_uuid};
use regcred_core::project::Description;
use regcred_core::service::{CreateWorkload, NewVersion};
use regcred_core::store::WorkloadChange;
use regcred_core::workload::{
    self as domain, Settings, Version, VersionDetails, Workload, WorkloadKind, WorkloadName,
};

use super::never::{AppAlerting, AppHistory, AppStatus, Volume, VolumeWithPath};
use super::projects::Project;
use super::scalars::{DateTime, Email, Uuid};
use super::technologies::Technology;
use super::text::Text;
use super::workloads::{
    AppDocker, AppResourceRequestLimit, count_ports, int, moment, refuse, refuse_alerting,
    version_number,
};
use super::{InField as _, asker, workloads};

/// An app of a project.
pub(super) struct App {
    pub(super) project: ProjectId,
    pub(super) app: Workload,
}

#[Object]
impl App {
    async fn id(&self) -> Uuid {
        Uuid::new(&self.app.id)
    }

    async fn name(&self) -> Text<&str> {
        Text(self.app.name.as_str())
    }

    async fn description(&self) -> Option<Text<&str>> {
        let description = self.app.description.as_ref();
        description.map(Description::as_str).map(Text)
    }

    async fn creation_date(&self) -> DateTime {
        moment(self.app.created)
    }

    async fn creator(&self) -> Text<&str> {
        Text(&self.app.creator)
    }

    /// Its versions, the latest first.
    async fn versions(&self, ctx: &Context<'_>) -> Result<Vec<AppVersion>> {
        let versions = workloads::versions(ctx, self.project, self.app.id, None).await?;
        Ok(versions.iter().map(AppVersion::new).collect())
    }

    async fn current_version(&self) -> Option<AppVersion> {
        Some(AppVersion::new(&self.app.current))
    }

    async fn technology(&self) -> Option<Technology> {
        Some(Technology::new(&self.app.technology))
    }

    async fn project(&self, ctx: &Context<'_>) -> Result<Project> {
        Project::of(ctx, self.project).await
    }

    async fn linked_volumes(&self) -> Option<Vec<Volume>> {
        Some(Vec::new())
    }

    /// Whether it runs an image of its own.
    async fn is_generic_app(&self) -> bool {
        self.app.current.image.is_some()
    }

    async fn history(&self) -> Option<AppHistory> {
        None
    }

    async fn alerting(&self) -> Option<AppAlerting> {
        None
    }

    async fn resources(&self) -> Option<AppResourceRequestLimit> {
        let kept = self.app.settings.resources.as_ref();
        kept.map(AppResourceRequestLimit::new)
    }
}

/// A version of an app.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(super) struct AppVersion {
    number: i32,
    creation_date: DateTime,
    creator: Text,
    release_note: Option<Text>,
    docker_info: Option<AppDocker>,
    runtime_context_id: Option<Text>,
    #[graphql(skip)]
    ports: Vec<Port>,
    is_major: Option<bool>,
}

/// What is counted, and what there never is.
#[ComplexObject]
impl AppVersion {
    #[expect(
        clippy::unused_async,
        reason = "resolvers are asynchronous for the library"
    )]
    async fn ports(&self, ctx: &Context<'_>) -> Result<&Vec<Port>> {
        count_ports(ctx, self.ports.len())?;
        Ok(&self.ports)
    }

    async fn volumes_with_path(&self) -> Option<Vec<VolumeWithPath>> {
        Some(Vec::new())
    }
}

impl AppVersion {
    fn new(version: &Version) -> Self {
        let details = &version.details;
        Self {
            number: int(version.number),
            creation_date: moment(version.created),
            creator: Text(version.creator.clone()),
            release_note: details.release_note.clone().map(Text),
            docker_info: AppDocker::of(version),
            runtime_context_id: details.runtime_context.clone().map(Text),
            ports: details.ports.iter().map(Port::new).collect(),
            is_major: Some(false),
        }
    }
}

/// A port of an app.
#[derive(SimpleObject)]
pub(super) struct Port {
    name: Option<Text>,
    number: i32,
    is_rewrite_url: bool,
    base_path_variable_name: Option<Text>,
    scope: Option<ExpositionScope>,
    /// Empty: regcred runs nothing.
    internal_url: String,
}

impl Port {
    fn new(kept: &domain::Port) -> Self {
        Self {
            name: kept.name.clone().map(Text),
            number: kept.number,
            is_rewrite_url: kept.is_rewrite_url,
            base_path_variable_name: kept.base_path_variable_name.clone().map(Text),
            scope: kept.scope.map(ExpositionScope::from),
            internal_url: String::new(),
        }
    }
}

/// Who may reach a port.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::Scope")]
pub(super) enum ExpositionScope {
    Project,
    Public,
}

/// The app to create.
#[derive(InputObject)]
pub(super) struct AppInput {
    project_id: Uuid,
    name: String,
    description: Option<String>,
    technology_id: Uuid,
    version: AppVersionInput,
    alerting: Option<AppAlertingInput>,
    resources: Option<AppResourceRequestLimit>,
}

/// The app to edit: what is null or left out stays.
#[derive(InputObject)]
pub(super) struct AppEditionInput {
    id: Uuid,
    name: Option<String>,
    description: Option<String>,
    alerting: Option<AppAlertingInput>,
    resources: Option<AppResourceRequestLimit>,
}

/// The version of an app to add: with an image, or with a context of the catalogue.
#[derive(InputObject)]
pub(super) struct AppVersionInput {
    docker_info: Option<AppDocker>,
    runtime_context_id: Option<String>,
    ports: Vec<PortInput>,
    /// Refused unless empty: regcred has no disks.
    volumes_with_path: Option<Vec<Option<VolumeWithPathInput>>>,
    release_note: Option<String>,
}

/// A port of an app.
#[derive(InputObject)]
pub(super) struct PortInput {
    name: Option<String>,
    number: i32,
    is_rewrite_url: bool,
    base_path_variable_name: Option<String>,
    scope: Option<ExpositionScope>,
}

/// A disk, and where it is mounted. regcred has none.
#[derive(InputObject)]
pub(super) struct VolumeWithPathInput {
    path: String,
    volume_id: Uuid,
}

/// Who is told how an app stands. regcred runs nothing.
#[derive(InputObject)]
pub(super) struct AppAlertingInput {
    emails: Option<Vec<Email>>,
    logins: Option<Vec<String>>,
    status_list: Vec<AppStatus>,
}

#[derive(Default)]
pub(super) struct AppQueries;

#[Object]
impl AppQueries {
    /// An app. For viewers.
    async fn app(&self, ctx: &Context<'_>, id: Uuid) -> Result<Option<App>> {
        let asker = asker(ctx)?;
        let id = id.read(WorkloadId::parse)?;
        let service = &asker.backend.service;
        let (project, app) = service.workload(&asker.caller, KIND, id).await?;
        Ok(Some(App { project, app }))
    }
}

/// The apps of a project.
pub(super) async fn of_project(ctx: &Context<'_>, project: ProjectId) -> Result<Vec<App>> {
    let texts = workloads::texts(&ctx.look_ahead());
    let apps = workloads::of_project(ctx, project, KIND, None, texts).await?;
    Ok(apps.into_iter().map(|app| App { project, app }).collect())
}

#[derive(Default)]
pub(super) struct AppMutations;

#[Object]
impl AppMutations {
    /// Creates an app with its first version. For editors. `CONFLICT` where the project has an app of that name.
    async fn create_app(&self, ctx: &Context<'_>, app: AppInput) -> Result<App> {
        let asker = asker(ctx)?;
        let project = app.project_id.read(ProjectId::parse)?;
        refuse_alerting(app.alerting.as_ref())?;
        let input = CreateWorkload {
            project,
            kind: KIND,
            name: WorkloadName::parse(app.name).in_field("name")?,
            alias: None,
            description: app
                .description
                .map(Description::of_workload)
                .transpose()
                .in_field("description")?,
            category: String::new(),
            technology: app.technology_id.read(parse_uuid)?,
            settings: Settings {
                resources: app.resources.map(|resources| resources.read()),
                ..Settings::default()
            },
            version: read(app.version)?,
        };
        let service = &asker.backend.service;
        let app = service.create_workload(&asker.caller, input).await?;
        Ok(App { project, app })
    }

    /// Adds a version to an app, which is the current one from then on. For editors.
    async fn add_app_version(
        &self,
        ctx: &Context<'_>,
        app_id: Uuid,
        version: AppVersionInput,
    ) -> Result<AppVersion> {
        let asker = asker(ctx)?;
        let id = app_id.read(WorkloadId::parse)?;
        let version = read(version)?;
        let service = &asker.backend.service;
        let added = service
            .add_workload_version(&asker.caller, KIND, id, version)
            .await?;
        Ok(AppVersion::new(&added))
    }

    /// Edits an app. For editors. `CONFLICT` where the new name is taken.
    async fn edit_app(&self, ctx: &Context<'_>, app_edition: AppEditionInput) -> Result<App> {
        let asker = asker(ctx)?;
        let id = app_edition.id.read(WorkloadId::parse)?;
        refuse_alerting(app_edition.alerting.as_ref())?;
        let change = WorkloadChange {
            name: app_edition
                .name
                .map(WorkloadName::parse)
                .transpose()
                .in_field("name")?,
            description: app_edition
                .description
                .map(Description::of_workload)
                .transpose()
                .in_field("description")?,
            resources: app_edition.resources.map(|resources| resources.read()),
            ..WorkloadChange::default()
        };
        let service = &asker.backend.service;
        let (project, app) = service
            .edit_workload(&asker.caller, KIND, id, change)
            .await?;
        Ok(App { project, app })
    }

    /// Makes an earlier version the current one. For editors. `INVALID` where its credentials are gone.
    async fn rollback_app_version(
        &self,
        ctx: &Context<'_>,
        app_id: Uuid,
        version_number: i32,
        volumes_with_path: Option<Vec<Option<VolumeWithPathInput>>>,
    ) -> Result<Option<App>> {
        let asker = asker(ctx)?;
        let id = app_id.read(WorkloadId::parse)?;
        let to = self::version_number(version_number)?;
        refuse_volumes(volumes_with_path.as_deref())?;
        let service = &asker.backend.service;
        let (project, app) = service
            .roll_back_workload(&asker.caller, KIND, id, to)
            .await?;
        Ok(Some(App { project, app }))
    }

    /// Deletes an app with its versions, and shows what it was. For editors.
    async fn delete_app(&self, ctx: &Context<'_>, app_id: Uuid) -> Result<Option<App>> {
        let asker = asker(ctx)?;
        let id = app_id.read(WorkloadId::parse)?;
        let service = &asker.backend.service;
        let (project, app) = service.delete_workload(&asker.caller, KIND, id).await?;
        Ok(Some(App { project, app }))
    }
}

fn read(given: AppVersionInput) -> Result<NewVersion> {
    refuse_volumes(given.volumes_with_path.as_deref())?;
    let context = given.runtime_context_id.filter(|id| !id.is_empty());
    if given.docker_info.is_none() && context.is_none() {
        return Err(Error::invalid(
            "the version has neither an image nor a context; give `dockerInfo` or `runtimeContextId`",
        )
        .in_field("dockerInfo")
        .into());
    }
    let port = |port: PortInput| domain::Port {
        name: port.name,
        number: port.number,
        is_rewrite_url: port.is_rewrite_url,
        base_path_variable_name: port.base_path_variable_name,
        scope: port.scope.map(Into::into),
    };
    Ok(NewVersion {
        image: given.docker_info.map(AppDocker::read).transpose()?,
        details: VersionDetails {
            release_note: given.release_note,
            runtime_context: context,
            ports: given.ports.into_iter().map(port).collect(),
            ..VersionDetails::default()
        },
    })
}

fn refuse_volumes(given: Option<&[Option<VolumeWithPathInput>]>) -> Result<()> {
    let any = given.is_some_and(|volumes| !volumes.is_empty());
    refuse(any, "volumesWithPath", "has no disks")
}

const KIND: WorkloadKind = WorkloadKind::App;
