//! Jobs: in the slice of the platform's interface that images and credentials need.

use async_graphql::{ComplexObject, Context, InputObject, Object, Result, SimpleObject};
use regcred_core::ids::{ProjectId, WorkloadId, parse_uuid};
use regcred_core::project::Description;
use regcred_core::service::{CreateWorkload, NewVersion};
use regcred_core::store::WorkloadChange;
use regcred_core::workload::{
    Alias, Settings, Version, VersionDetails, Workload, WorkloadKind, WorkloadName,
};

use super::never::{
    InstanceStatus, JobInstance, JobPackage, JobPipelineAlerting, JobVersionDeletableState,
    MigrationStatus, Pipeline, ScheduleStatus,
};
use super::projects::Project;
use super::scalars::{Cron, DateTime, Email, TimeZone, Upload, Uuid};
use super::technologies::{Technology, TechnologyInput};
use super::workloads::{
    JobDocker, JobResourceRequestLimit, count_current, int, limit, moment, refuse, version_number,
};
use super::{InField as _, asker, workloads};

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

    async fn name(&self) -> &str {
        self.job.name.as_str()
    }

    /// The short name that it was given.
    async fn alias(&self) -> Option<&str> {
        self.job.alias.as_ref().map(Alias::as_str)
    }

    async fn description(&self) -> Option<&str> {
        self.job.description.as_ref().map(Description::as_str)
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
            count_current(asker(ctx)?, current)?;
            return Ok(vec![JobVersion::new(current, true)]);
        }
        let versions = workloads::versions(ctx, self.project, self.job.id, limit).await?;
        let is_current = |version: &Version| version.number == current.number;
        Ok(versions
            .iter()
            .map(|version| JobVersion::new(version, is_current(version)))
            .collect())
    }

    async fn category(&self) -> &str {
        &self.job.category
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

    async fn migration_project_id(&self) -> Option<Uuid> {
        None
    }

    async fn original_job_id(&self) -> Option<Uuid> {
        None
    }

    async fn is_deletable(&self) -> bool {
        true
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
    creator: String,
    release_note: Option<String>,
    runtime_version: Option<String>,
    command_line: Option<String>,
    docker_info: Option<JobDocker>,
    extra_technology: Option<ExtraTechnology>,
    is_current: bool,
    is_major: Option<bool>,
    /// Where its source lies.
    source_url: Option<String>,
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
            creator: version.creator.clone(),
            release_note: details.release_note.clone(),
            runtime_version: details.runtime_version.clone(),
            command_line: details.command_line.clone(),
            docker_info: JobDocker::of(version),
            extra_technology: extra.map(|extra| ExtraTechnology {
                language: extra.language.clone(),
                version: extra.version.clone(),
            }),
            is_current,
            is_major: Some(false),
            source_url: details.source_url.clone(),
        }
    }
}

/// A second technology that a job needs.
#[derive(SimpleObject, InputObject)]
#[graphql(input_name = "ExtraTechnologyInput")]
pub(super) struct ExtraTechnology {
    language: String,
    version: String,
}

/// The job to create.
#[derive(InputObject)]
pub(super) struct JobInput {
    project_id: Uuid,
    name: String,
    /// Letters, digits and underscores.
    alias: Option<String>,
    description: Option<String>,
    category: String,
    technology: TechnologyInput,
    /// Only false: regcred runs nothing.
    is_scheduled: bool,
    cron_scheduling: Option<Cron>,
    schedule_timezone: Option<TimeZone>,
    alerting: Option<JobPipelineAlertingInput>,
    is_streaming: bool,
    #[graphql(name = "doesUseGPU")]
    does_use_gpu: Option<bool>,
    resources: Option<JobResourceRequestLimit>,
}

/// The job to edit: what is null or left out stays.
#[derive(InputObject)]
pub(super) struct JobEditionInput {
    id: Uuid,
    name: Option<String>,
    /// Letters, digits and underscores.
    alias: Option<String>,
    description: Option<String>,
    /// Only false: regcred runs nothing.
    is_scheduled: Option<bool>,
    cron_scheduling: Option<Cron>,
    schedule_timezone: Option<TimeZone>,
    alerting: Option<JobPipelineAlertingInput>,
    is_streaming: Option<bool>,
    #[graphql(name = "doesUseGPU")]
    does_use_gpu: Option<bool>,
    resources: Option<JobResourceRequestLimit>,
}

/// The version of a job to add.
#[derive(InputObject)]
pub(super) struct JobVersionInput {
    release_note: Option<String>,
    runtime_version: Option<String>,
    command_line: Option<String>,
    /// Only false: regcred keeps no packages.
    use_previous_artifact: Option<bool>,
    /// Refused: regcred keeps no packages.
    package_info: Option<JobPackageInput>,
    docker_info: Option<JobDocker>,
    /// Refused; those of the job count.
    resources: Option<JobResourcesInput>,
    extra_technology: Option<ExtraTechnology>,
    /// Refused; that of the job counts.
    #[graphql(name = "doesUseGPU")]
    does_use_gpu: Option<bool>,
    /// Where its source lies: http or https.
    source_url: Option<String>,
}

/// A package. regcred keeps none.
#[derive(InputObject)]
pub(super) struct JobPackageInput {
    name: String,
    use_previous_artifact: Option<bool>,
}

/// What a version asks of a machine. Those of the job count instead.
#[derive(InputObject)]
pub(super) struct JobResourcesInput {
    cpu: f64,
    memory: i32,
    disk: i32,
}

/// Who is told how runs went. regcred runs nothing.
#[derive(InputObject)]
pub(super) struct JobPipelineAlertingInput {
    emails: Option<Vec<Email>>,
    logins: Option<Vec<String>>,
    status_list: Vec<InstanceStatus>,
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
        let mut jobs = of_project(ctx, project, None).await?;
        jobs.retain(|Job { job, .. }| {
            category
                .as_ref()
                .is_none_or(|category| job.category == *category)
                && technology.is_none_or(|technology| job.technology == technology)
        });
        Ok(Some(jobs))
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
    let jobs = workloads::of_project(ctx, project, KIND, limit).await?;
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
        let project = job.project_id.read(ProjectId::parse)?;
        refuse_schedule(
            Some(job.is_scheduled),
            job.cron_scheduling.as_ref(),
            job.schedule_timezone.as_ref(),
        )?;
        refuse_alerting(job.alerting.as_ref())?;
        let input = CreateWorkload {
            project,
            kind: KIND,
            name: WorkloadName::parse(job.name).in_field("name")?,
            alias: job.alias.map(Alias::parse).transpose().in_field("alias")?,
            description: job
                .description
                .map(Description::of_workload)
                .transpose()
                .in_field("description")?,
            category: job.category,
            technology: job.technology.read()?,
            settings: Settings {
                is_streaming: job.is_streaming,
                does_use_gpu: job.does_use_gpu,
                resources: job.resources.map(|resources| resources.read()),
            },
            version: read(job_version, file.as_ref())?,
        };
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
        let version = read(job_version, file.as_ref())?;
        let service = &asker.backend.service;
        let added = service
            .add_workload_version(&asker.caller, KIND, id, version)
            .await?;
        Ok(JobVersion::new(&added, true))
    }

    /// Edits a job. For editors. `CONFLICT` where the new name is taken.
    async fn edit_job(&self, ctx: &Context<'_>, job: JobEditionInput) -> Result<Job> {
        let asker = asker(ctx)?;
        let id = job.id.read(WorkloadId::parse)?;
        refuse_schedule(
            job.is_scheduled,
            job.cron_scheduling.as_ref(),
            job.schedule_timezone.as_ref(),
        )?;
        refuse_alerting(job.alerting.as_ref())?;
        let change = WorkloadChange {
            name: job
                .name
                .map(WorkloadName::parse)
                .transpose()
                .in_field("name")?,
            alias: job.alias.map(Alias::parse).transpose().in_field("alias")?,
            description: job
                .description
                .map(Description::of_workload)
                .transpose()
                .in_field("description")?,
            is_streaming: job.is_streaming,
            does_use_gpu: job.does_use_gpu,
            resources: job.resources.map(|resources| resources.read()),
        };
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

fn read(given: JobVersionInput, file: Option<&Upload>) -> Result<NewVersion> {
    const NO_PACKAGES: &str = "keeps no packages";
    const OF_THE_JOB: &str = "keeps this with the job, not with its versions";
    refuse(file.is_some(), "file", NO_PACKAGES)?;
    refuse(given.package_info.is_some(), "packageInfo", NO_PACKAGES)?;
    let previous = given.use_previous_artifact == Some(true);
    refuse(previous, "usePreviousArtifact", NO_PACKAGES)?;
    refuse(given.resources.is_some(), "resources", OF_THE_JOB)?;
    refuse(given.does_use_gpu.is_some(), "doesUseGPU", OF_THE_JOB)?;
    let extra = given.extra_technology;
    Ok(NewVersion {
        image: given.docker_info.map(JobDocker::read).transpose()?,
        details: VersionDetails {
            release_note: given.release_note,
            runtime_version: given.runtime_version,
            command_line: given.command_line,
            source_url: given.source_url,
            extra_technology: extra.map(|extra| regcred_core::workload::ExtraTechnology {
                language: extra.language,
                version: extra.version,
            }),
            ..VersionDetails::default()
        },
    })
}

fn refuse_schedule(
    scheduled: Option<bool>,
    cron: Option<&Cron>,
    timezone: Option<&TimeZone>,
) -> Result<()> {
    const NO_RUNS: &str = "runs nothing, so it keeps no schedule";
    refuse(scheduled == Some(true), "isScheduled", NO_RUNS)?;
    refuse(cron.is_some(), "cronScheduling", NO_RUNS)?;
    refuse(timezone.is_some(), "scheduleTimezone", NO_RUNS)
}

fn refuse_alerting(given: Option<&JobPipelineAlertingInput>) -> Result<()> {
    refuse(
        given.is_some(),
        "alerting",
        "runs nothing, so it alerts nobody",
    )
}

const KIND: WorkloadKind = WorkloadKind::Job;
