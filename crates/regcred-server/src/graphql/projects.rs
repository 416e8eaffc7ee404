//! Projects: their settings, rights of groups, members.

use async_graphql::{Context, Enum, ID, InputObject, Object, Result, SelectionField, SimpleObject};
use regcred_core::access::Role;
use regcred_core::credentials::version::GracePeriod;
use regcred_core::ids::ProjectId;
use regcred_core::people::{GroupName, Login};
use regcred_core::project::{self as domain, Description, ProjectName, Technologies};
use regcred_core::service::{CreateProject, EditProject};
use regcred_core::store::{self, ProjectChange};
use regcred_core::workload::WorkloadKind;

use super::apps::{self, App};
use super::jobs::{self, Job};
use super::scalars::Uuid;
use super::technologies::{
    self, Technology, TechnologyByCategory, TechnologyByCategoryInput, TechnologyInput,
};
use super::text::told;
use super::verification::VerifyBeforeSaving;
use super::workloads::{self, int};
use super::{InField as _, asker};

/// A project, the unit of isolation.
pub(super) struct Project(pub(super) domain::Project);

#[Object]
impl Project {
    async fn id(&self) -> Uuid {
        Uuid::new(&self.0.id)
    }

    async fn name(&self) -> &str {
        self.0.name.as_str()
    }

    /// The login of its maker.
    async fn creator(&self) -> &str {
        &self.0.creator
    }

    async fn description(&self) -> Option<&str> {
        self.0.description.as_ref().map(Description::as_str)
    }

    async fn jobs_count(&self, ctx: &Context<'_>) -> Result<i32> {
        let asker = asker(ctx)?;
        let service = &asker.backend.service;
        let count = service.count_workloads(&asker.caller, self.0.id, WorkloadKind::Job);
        Ok(int(count.await?))
    }

    /// Its jobs, in the order in which they were made.
    async fn jobs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "At most so many")] limit: Option<i32>,
    ) -> Result<Vec<Job>> {
        jobs::of_project(ctx, self.0.id, workloads::limit(limit)?).await
    }

    async fn status(&self) -> ProjectStatus {
        ProjectStatus::Ready
    }

    /// Its apps, in the order in which they were made.
    async fn apps(&self, ctx: &Context<'_>) -> Result<Vec<App>> {
        apps::of_project(ctx, self.0.id).await
    }

    async fn technologies_by_category(&self) -> Vec<Option<TechnologyByCategory>> {
        technologies::by_category(&self.0.technologies)
    }

    async fn app_technologies(&self) -> Vec<Option<Technology>> {
        technologies::for_apps(&self.0.technologies)
    }

    /// Whether Docker credentials that jobs or apps use are deleted without `force`, as on the platform.
    async fn deletes_credentials_in_use(&self) -> bool {
        self.0.deletes_credentials_in_use
    }

    /// For so many days the version of Docker credentials that counted before is held.
    async fn grace_period_days(&self) -> u32 {
        self.0.grace_period.days()
    }

    /// What has to be proved of Docker credentials before they are saved, unless a request demands more.
    async fn verify_before_saving(&self) -> VerifyBeforeSaving {
        self.0.verify_before_saving.into()
    }
}

impl Project {
    /// How many bytes a field of it tells, at most; those of jobs and apps count where they are told.
    fn told(&self, field: SelectionField<'_>) -> usize {
        let technologies = &self.0.technologies;
        match field.name() {
            "name" => told(self.0.name.as_str()),
            "creator" => told(&self.0.creator),
            "description" => {
                let description = self.0.description.as_ref();
                description.map_or(0, |description| told(description.as_str()))
            }
            "technologiesByCategory" | "appTechnologies" => {
                technologies::most_told(technologies) * leaves(field)
            }
            _ => 0,
        }
    }

    /// The project of something that is shown. It counts as a row: through it the same things can be reached again.
    pub(super) async fn of(ctx: &Context<'_>, id: ProjectId) -> Result<Self> {
        let asker = asker(ctx)?;
        asker.count_rows(1)?;
        let service = &asker.backend.service;
        let project = Self(service.project(&asker.caller, id).await?);
        let at = ctx.field();
        let told = at.selection_set().map(|field| project.told(field));
        asker.count_texts(told.sum())?;
        Ok(project)
    }
}

/// How many of the fields that are selected below a field have no fields themselves.
fn leaves(field: SelectionField<'_>) -> usize {
    field.selection_set().map(leaves).sum::<usize>().max(1)
}

/// How far a project is. regcred's are ready at once.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub(super) enum ProjectStatus {
    Created,
    InitRequested,
    Initializing,
    Failed,
    Ready,
}

/// A role in a project, each including the one before.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "Role")]
pub(super) enum ProjectRole {
    /// Sees metadata, never a password.
    #[graphql(name = "ROLE_PROJECT_VIEWER")]
    Viewer,
    /// Creates, upgrades and deletes credentials.
    #[graphql(name = "ROLE_PROJECT_EDITOR")]
    Editor,
    /// Manages members, tokens and the project.
    #[graphql(name = "ROLE_PROJECT_MANAGER")]
    Manager,
}

/// A group of users with its role in a project.
#[derive(SimpleObject)]
pub(super) struct SecurityGroup {
    name: ID,
    role: Option<ProjectRole>,
    is_all_projects: bool,
}

/// A group of users with the role that it gets in a project.
#[derive(InputObject)]
pub(super) struct SecurityGroupInput {
    name: ID,
    role: Option<ProjectRole>,
}

/// A user with a role in a project.
#[derive(SimpleObject)]
pub(super) struct Member {
    login: String,
    role: ProjectRole,
}

/// The project to create.
#[derive(InputObject)]
pub(super) struct ProjectInput {
    name: String,
    description: Option<String>,
    technologies_by_category: Option<Vec<TechnologyByCategoryInput>>,
    app_technologies: Option<Vec<TechnologyInput>>,
    authorized_groups: Option<Vec<Option<SecurityGroupInput>>>,
}

/// The project to edit: what is null or left out stays, what is empty becomes empty.
#[derive(InputObject)]
pub(super) struct ProjectEditionInput {
    id: Uuid,
    name: Option<String>,
    description: Option<String>,
    authorized_groups: Option<Vec<Option<SecurityGroupInput>>>,
    technologies_by_category: Option<Vec<TechnologyByCategoryInput>>,
    app_technologies: Option<Vec<TechnologyInput>>,
    /// Whether Docker credentials that jobs or apps use are deleted without `force`, as on the platform.
    deletes_credentials_in_use: Option<bool>,
    /// For so many days the version of Docker credentials that counted before is held: 0 to 90.
    grace_period_days: Option<i32>,
    /// What has to be proved of Docker credentials before they are saved, unless a request demands more.
    verify_before_saving: Option<VerifyBeforeSaving>,
}

/// The platform.
#[derive(SimpleObject)]
pub(super) struct Platform {
    id: i32,
    name: Option<String>,
}

/// The number of the platform, as the schema's data.
pub(super) struct PlatformNumber(pub(super) u32);

#[derive(Default)]
pub(super) struct ProjectQueries;

#[Object]
impl ProjectQueries {
    /// The platform of this endpoint.
    #[expect(
        clippy::unused_async,
        reason = "resolvers are asynchronous for the library"
    )]
    async fn platform(&self, ctx: &Context<'_>) -> Result<Option<Platform>> {
        let number = i32::try_from(ctx.data::<PlatformNumber>()?.0).unwrap_or(i32::MAX);
        Ok(Some(Platform {
            id: number,
            name: None,
        }))
    }

    /// The projects that the caller may see, ordered by name. As on the platform, the arguments have no effect.
    async fn projects(
        &self,
        ctx: &Context<'_>,
        search: Option<String>,
        first: Option<i32>,
        skip: Option<i32>,
    ) -> Result<Option<Vec<Project>>> {
        let _ = (search, first, skip);
        let asker = asker(ctx)?;
        let projects = asker.backend.service.projects(&asker.caller).await?;
        Ok(Some(projects.into_iter().map(Project).collect()))
    }

    /// A project. For viewers.
    async fn project(&self, ctx: &Context<'_>, id: Uuid) -> Result<Option<Project>> {
        let asker = asker(ctx)?;
        let id = id.read(ProjectId::parse)?;
        Ok(Some(Project(
            asker.backend.service.project(&asker.caller, id).await?,
        )))
    }

    /// A project by its name, whatever the case. For viewers.
    async fn project_by_name(&self, ctx: &Context<'_>, name: String) -> Result<Option<Project>> {
        let asker = asker(ctx)?;
        let name = ProjectName::parse(name).in_field("name")?;
        Ok(Some(Project(
            asker
                .backend
                .service
                .project_named(&asker.caller, &name)
                .await?,
        )))
    }

    /// The roles of groups in a project. For managers.
    async fn rights(
        &self,
        ctx: &Context<'_>,
        project_id: Uuid,
    ) -> Result<Option<Vec<SecurityGroup>>> {
        let asker = asker(ctx)?;
        let groups = asker
            .backend
            .service
            .group_roles(&asker.caller, project_id.read(ProjectId::parse)?)
            .await?;
        Ok(Some(groups.iter().map(security_group).collect()))
    }

    /// The users with a role of their own in a project, ordered by login. For managers.
    async fn project_members(
        &self,
        ctx: &Context<'_>,
        project_id: Uuid,
    ) -> Result<Option<Vec<Member>>> {
        let asker = asker(ctx)?;
        let members = asker
            .backend
            .service
            .members(&asker.caller, project_id.read(ProjectId::parse)?)
            .await?;
        let member = |member: store::Member| Member {
            login: member.login.as_str().to_owned(),
            role: member.role.into(),
        };
        Ok(Some(members.into_iter().map(member).collect()))
    }
}

#[derive(Default)]
pub(super) struct ProjectMutations;

#[Object]
impl ProjectMutations {
    /// Creates a project; any user may, and becomes its manager. `CONFLICT` where the name is taken, whatever the case.
    async fn create_project(&self, ctx: &Context<'_>, project: ProjectInput) -> Result<Project> {
        let asker = asker(ctx)?;
        let input = CreateProject {
            name: ProjectName::parse(project.name).in_field("name")?,
            description: project
                .description
                .map(Description::parse)
                .transpose()
                .in_field("description")?,
            technologies: technologies::read(
                project.technologies_by_category,
                project.app_technologies,
                Technologies::default(),
            )?,
            groups: group_roles(project.authorized_groups.unwrap_or_default())
                .in_field("authorizedGroups")?,
        };
        Ok(Project(
            asker
                .backend
                .service
                .create_project(&asker.caller, input)
                .await?,
        ))
    }

    /// Edits a project. For managers. `CONFLICT` where the new name is taken.
    async fn edit_project(
        &self,
        ctx: &Context<'_>,
        project: ProjectEditionInput,
    ) -> Result<Project> {
        let asker = asker(ctx)?;
        let id = project.id.read(ProjectId::parse)?;
        let (jobs, apps) = (project.technologies_by_category, project.app_technologies);
        let technologies = if jobs.is_some() || apps.is_some() {
            let present = asker
                .backend
                .service
                .project(&asker.caller, id)
                .await?
                .technologies;
            Some(technologies::read(jobs, apps, present)?)
        } else {
            None
        };
        let change = ProjectChange {
            name: project
                .name
                .map(ProjectName::parse)
                .transpose()
                .in_field("name")?,
            description: project
                .description
                .map(Description::parse)
                .transpose()
                .in_field("description")?,
            technologies,
            groups: project
                .authorized_groups
                .map(group_roles)
                .transpose()
                .in_field("authorizedGroups")?,
            deletes_credentials_in_use: project.deletes_credentials_in_use,
            grace_period: project
                .grace_period_days
                .map(|days| GracePeriod::of_days(days.into()))
                .transpose()?,
            verify_before_saving: project.verify_before_saving.map(Into::into),
        };
        let input = EditProject {
            project: id,
            change,
        };
        Ok(Project(
            asker
                .backend
                .service
                .edit_project(&asker.caller, input)
                .await?,
        ))
    }

    /// Deletes a project with its credentials, members and tokens. For managers.
    async fn delete_project(&self, ctx: &Context<'_>, project_id: Uuid) -> Result<Option<bool>> {
        let asker = asker(ctx)?;
        asker
            .backend
            .service
            .delete_project(&asker.caller, project_id.read(ProjectId::parse)?)
            .await?;
        Ok(Some(true))
    }

    /// Deletes a project, as `deleteProject` does.
    #[graphql(deprecation = "Use deleteProject mutation instead")]
    async fn archive_project(&self, ctx: &Context<'_>, project_id: Uuid) -> Result<Option<bool>> {
        self.delete_project(ctx, project_id).await
    }

    /// Gives a user a role in a project, in place of the one there was. For managers.
    async fn set_project_member(
        &self,
        ctx: &Context<'_>,
        project_id: Uuid,
        login: String,
        role: ProjectRole,
    ) -> Result<bool> {
        let asker = asker(ctx)?;
        let (project, login) = (
            project_id.read(ProjectId::parse)?,
            Login::parse(&login).in_field("login")?,
        );
        asker
            .backend
            .service
            .set_member(&asker.caller, project, &login, role.into())
            .await?;
        Ok(true)
    }

    /// Takes a user's role in a project away; roles through groups remain. For managers.
    async fn remove_project_member(
        &self,
        ctx: &Context<'_>,
        project_id: Uuid,
        login: String,
    ) -> Result<bool> {
        let asker = asker(ctx)?;
        let (project, login) = (
            project_id.read(ProjectId::parse)?,
            Login::parse(&login).in_field("login")?,
        );
        asker
            .backend
            .service
            .remove_member(&asker.caller, project, &login)
            .await?;
        Ok(true)
    }
}

fn security_group(given: &store::GroupRole) -> SecurityGroup {
    SecurityGroup {
        name: ID(given.group.as_str().to_owned()),
        role: Some(given.role.into()),
        is_all_projects: false,
    }
}

fn group_roles(
    groups: Vec<Option<SecurityGroupInput>>,
) -> regcred_core::Result<Vec<store::GroupRole>> {
    groups
        .into_iter()
        .flatten()
        .map(|group| {
            let name = GroupName::parse(&group.name)?;
            let role = group.role.ok_or_else(|| {
                regcred_core::Error::invalid(format!(
                    "the group `{}` has no role; give ROLE_PROJECT_VIEWER, ROLE_PROJECT_EDITOR or ROLE_PROJECT_MANAGER",
                    name.as_str()
                ))
            })?;
            Ok(store::GroupRole { group: name, role: role.into() })
        })
        .collect()
}
