//! Jobs: in the slice of the platform's interface that images and credentials need.

use async_graphql::{ComplexObject, Context, Object, Result, SimpleObject};
use regcred_core::ids::{ProjectId, WorkloadId, parse_uuid};
use regcred_core::project::{Description, find_technology};
use regcred_core::workload::{Alias, Texts, Version, Workload, WorkloadKind};

use super::job_inputs::{ExtraTechnology, JobEditionInput, JobInput, JobVersionInput};
use super::never::{
    JobDeletableState, JobInstance, JobPackage, JobPipelineAlerting, JobVersionDeletableState,
    MigrationStatus, Pipeline, ScheduleStatus,
};
use super::projects::Project;
use super::scalars::{Cron, DateTime, TimeZone, Upload, Uuid};
use super::technologies::Technology;
use super::text::Text;
use super::workloads::{JobDocker, JobResourceRequestLimit, int, limit, moment, version_number};
use super::{asker, workloads};

/// A job of a project.
pub(super) struct Job {
    pub(super) project: ProjectId,
    pub(super) job: Workload,
}

#[Object]
impl Job {
    async fn id(&self) -> Uuid {
        Uuid::new(&self.job.id)
    }

    async fn project(&self, ctx: &Context<'_>) -> Result<Project> {
        Project::of(ctx, self.project).await
    }

    async fn name(&self) -> Text<&str> {
        Text(self.job.name.as_str())
    }

    /// The short name that it was given.
    async fn alias(&self) -> Option<Text<&str>> {
        self.job.alias.as_ref().map(Alias::as_str).map(Text)
    }

    async fn description(&self) -> Option<Text<&str>> {
        let description = self.job.description.as_ref();
        description.map(Description::as_str).map(Text)
    }

    async fn count_job_instance(&self) -> Option<i32> {
        Some(0)
    }

    async fn instances(
        &self,
        limit: Option<i32>,
        skip: Option<i32>,
        check_in_pipeline_instance: Option<bool>,
        last_execution: Option<bool>,
    ) -> Option<Vec<JobInstance>> {
        let _ = (limit, skip, check_in_pipeline_instance, last_execution);
        Some(Vec::new())
    }

    /// Its versions, the latest first.
    async fn versions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "At most so many")] limit: Option<i32>,
        only_current: Option<bool>,
    ) -> Result<Vec<JobVersion>> {
        let current = &self.job.current;
        let limit = self::limit(limit)?;
        if only_current == Some(true) {
            if limit == Some(0) {
                return Ok(Vec::new());
            }
            return Ok(vec![JobVersion::new(current, true)]);
        }
        let versions = workloads::versions(ctx, self.project, self.job.id, limit).await?;
        let is_current = |version: &Version| version.number == current.number;
        Ok(versions
            .iter()
            .map(|version| JobVersion::new(version, is_current(version)))
            .collect())
    }

    async fn category(&self) -> Text<&str> {
        Text(&self.job.category)
    }

    async fn technology(&self) -> Option<Technology> {
        Some(Technology::new(&self.job.technology))
    }

    async fn is_scheduled(&self) -> bool {
        false
    }

    async fn cron_scheduling(&self) -> Option<Cron> {
        None
    }

    async fn schedule_status(&self) -> Option<ScheduleStatus> {
        None
    }

    async fn schedule_timezone(&self) -> Option<TimeZone> {
        None
    }

    async fn alerting(&self) -> Option<JobPipelineAlerting> {
        None
    }

    async fn is_streaming(&self) -> bool {
        self.job.settings.is_streaming
    }

    async fn creation_date(&self) -> DateTime {
        moment(self.job.created)
    }

    async fn migration_status(&self) -> Option<MigrationStatus> {
        None
    }

    async fn migration_platform_id(&self) -> Option<i32> {
        None
    }

    async fn migration_project_id(&self) -> Option<Uuid> {
        None
    }

    async fn migration_job_id(&self) -> Option<Uuid> {
        None
    }

    async fn original_job_id(&self) -> Option<Uuid> {
        None
    }

    async fn is_deletable(&self) -> bool {
        true
    }

    async fn deletable_state(&self) -> Option<JobDeletableState> {
        None
    }

    async fn pipelines(&self, is_current: Option<bool>) -> Option<Vec<Pipeline>> {
        let _ = is_current;
        Some(Vec::new())
    }

    async fn graph_pipelines(&self, is_current: Option<bool>) -> Option<Vec<Pipeline>> {
        let _ = is_current;
        Some(Vec::new())
    }

    #[graphql(name = "doesUseGPU")]
    async fn does_use_gpu(&self) -> Option<bool> {
        self.job.settings.does_use_gpu
    }

    async fn resources(&self) -> Option<JobResourceRequestLimit> {
        let kept = self.job.settings.resources.as_ref();
        kept.map(JobResourceRequestLimit::new)
    }
}

/// A version of a job.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(super) struct JobVersion {
    number: i32,
    creation_date: DateTime,
    creator: Text,
    release_note: Option<Text>,
    runtime_version: Option<Text>,
    command_line: Option<Text>,
    docker_info: Option<JobDocker>,
    extra_technology: Option<ExtraTechnology>,
    is_current: bool,
    is_major: Option<bool>,
    /// Where its source lies.
    source_url: Option<Text>,
}

/// What there never is.
#[ComplexObject]
impl JobVersion {
    async fn package_info(&self) -> Option<JobPackage> {
        None
    }

    async fn deletable_state(&self) -> Option<JobVersionDeletableState> {
        None
    }

    #[graphql(name = "doesUseGPU", deprecation = "Use Job.doesUseGPU instead")]
    async fn does_use_gpu(&self) -> Option<bool> {
        None
    }
}

impl JobVersion {
    fn new(version: &Version, is_current: bool) -> Self {
        let details = &version.details;
        let extra = details.extra_technology.as_ref();
        Self {
            number: int(version.number),
            creation_date: moment(version.created),
            creator: Text(version.creator.clone()),
            release_note: details.release_note.clone().map(Text),
            runtime_version: details.runtime_version.clone().map(Text),
            command_line: details.command_line.clone().map(Text),
            docker_info: JobDocker::of(version),
            extra_technology: extra.map(ExtraTechnology::new),
            is_current,
            is_major: Some(false),
            source_url: details.source_url.clone().map(Text),
        }
    }
}

#[derive(Default)]
pub(super) struct JobQueries;

#[Object]
impl JobQueries {
    /// The jobs of a project, in the order in which they were made; of a category or a technology, where one is given.
    /// For viewers.
    async fn jobs(
        &self,
        ctx: &Context<'_>,
        project_id: Uuid,
        category: Option<String>,
        technology_id: Option<Uuid>,
    ) -> Result<Option<Vec<Job>>> {
        let project = project_id.read(ProjectId::parse)?;
        let technology = technology_id.map(|id| id.read(parse_uuid)).transpose()?;
        let mut texts = workloads::texts(&ctx.look_ahead());
        if category.is_some() {
            texts = texts.and(Texts::CATEGORY);
        }
        let mut jobs = workloads::of_project(ctx, project, KIND, None, texts).await?;
        jobs.retain(|job| {
            category
                .as_ref()
                .is_none_or(|category| job.category == *category)
                && technology.is_none_or(|technology| same_technology(job.technology, technology))
        });
        let jobs = jobs.into_iter().map(|job| Job { project, job });
        Ok(Some(jobs.collect()))
    }

    /// A job. For viewers.
    async fn job(&self, ctx: &Context<'_>, id: Uuid) -> Result<Option<Job>> {
        let asker = asker(ctx)?;
        let id = id.read(WorkloadId::parse)?;
        let service = &asker.backend.service;
        let (project, job) = service.workload(&asker.caller, KIND, id).await?;
        Ok(Some(Job { project, job }))
    }
}

/// The jobs of a project, at most `limit` of them.
pub(super) async fn of_project(
    ctx: &Context<'_>,
    project: ProjectId,
    limit: Option<usize>,
) -> Result<Vec<Job>> {
    let texts = workloads::texts(&ctx.look_ahead());
    let jobs = workloads::of_project(ctx, project, KIND, limit, texts).await?;
    Ok(jobs.into_iter().map(|job| Job { project, job }).collect())
}

#[derive(Default)]
pub(super) struct JobMutations;

#[Object]
impl JobMutations {
    /// Creates a job with its first version. For editors. `CONFLICT` where the project has a job of that name.
    async fn create_job(
        &self,
        ctx: &Context<'_>,
        job: JobInput,
        job_version: JobVersionInput,
        file: Option<Upload>,
    ) -> Result<Job> {
        let asker = asker(ctx)?;
        let input = job.read(job_version, file.as_ref())?;
        let project = input.project;
        let service = &asker.backend.service;
        let job = service.create_workload(&asker.caller, input).await?;
        Ok(Job { project, job })
    }

    /// Adds a version to a job, which is the current one from then on. For editors.
    async fn add_job_version(
        &self,
        ctx: &Context<'_>,
        job_id: Uuid,
        job_version: JobVersionInput,
        file: Option<Upload>,
    ) -> Result<JobVersion> {
        let asker = asker(ctx)?;
        let id = job_id.read(WorkloadId::parse)?;
        let version = job_version.read(file.as_ref())?;
        let service = &asker.backend.service;
        let added = service
            .add_workload_version(&asker.caller, KIND, id, version)
            .await?;
        Ok(JobVersion::new(&added, true))
    }

    /// Edits a job. For editors. `CONFLICT` where the new name is taken.
    async fn edit_job(&self, ctx: &Context<'_>, job: JobEditionInput) -> Result<Job> {
        let asker = asker(ctx)?;
        let (id, change) = job.read()?;
        let service = &asker.backend.service;
        let (project, job) = service
            .edit_workload(&asker.caller, KIND, id, change)
            .await?;
        Ok(Job { project, job })
    }

    /// Makes an earlier version the current one. For editors. `INVALID` where its credentials are gone.
    async fn rollback_job_version(
        &self,
        ctx: &Context<'_>,
        job_id: Uuid,
        version_number: i32,
    ) -> Result<Option<Job>> {
        let asker = asker(ctx)?;
        let id = job_id.read(WorkloadId::parse)?;
        let to = self::version_number(version_number)?;
        let service = &asker.backend.service;
        let (project, job) = service
            .roll_back_workload(&asker.caller, KIND, id, to)
            .await?;
        Ok(Some(Job { project, job }))
    }

    /// Deletes a job with its versions. For editors.
    async fn delete_job(&self, ctx: &Context<'_>, job_id: Uuid) -> Result<Option<bool>> {
        let asker = asker(ctx)?;
        let id = job_id.read(WorkloadId::parse)?;
        let service = &asker.backend.service;
        service.delete_workload(&asker.caller, KIND, id).await?;
        Ok(Some(true))
    }

    /// Deletes a job, as `deleteJob` does.
    #[graphql(deprecation = "Use deleteJob mutation instead")]
    async fn archive_job(&self, ctx: &Context<'_>, job_id: Uuid) -> Result<Option<bool>> {
        self.delete_job(ctx, job_id).await
    }
}

/// Whether two ids are of the same technology: one that is no longer listed is taken for what it is now.
fn same_technology(one: uuid::Uuid, other: uuid::Uuid) -> bool {
    let now = |id| find_technology(id).map_or(id, |technology| technology.id);
    now(one) == now(other)
}

/// What is registered, listed and deleted here.
pub(super) const KIND: WorkloadKind = WorkloadKind::Job;
