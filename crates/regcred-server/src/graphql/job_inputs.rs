//! What is given of jobs, and what is made of it.

use async_graphql::{InputObject, Result, SimpleObject};
use regcred_core::ids::{ProjectId, WorkloadId};
use regcred_core::project::Description;
use regcred_core::service::{CreateWorkload, NewVersion};
use regcred_core::store::WorkloadChange;
use regcred_core::workload::{self as domain, Alias, Settings, VersionDetails, WorkloadName};

use super::InField as _;
use super::jobs::KIND;
use super::never::InstanceStatus;
use super::scalars::{Cron, Email, TimeZone, Upload, Uuid};
use super::technologies::TechnologyInput;
use super::text::Text;
use super::workloads::{JobDocker, JobResourceRequestLimit, refuse, refuse_alerting};

/// A second technology that a job needs.
#[derive(SimpleObject, InputObject)]
#[graphql(input_name = "ExtraTechnologyInput")]
pub(super) struct ExtraTechnology {
    language: Text,
    version: Text,
}

impl ExtraTechnology {
    pub(super) fn new(kept: &domain::ExtraTechnology) -> Self {
        Self {
            language: Text(kept.language.clone()),
            version: Text(kept.version.clone()),
        }
    }

    fn read(self) -> domain::ExtraTechnology {
        domain::ExtraTechnology {
            language: self.language.0,
            version: self.version.0,
        }
    }
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

impl JobInput {
    /// The job to create, with its first version.
    pub(super) fn read(
        self,
        version: JobVersionInput,
        file: Option<&Upload>,
    ) -> Result<CreateWorkload> {
        let project = self.project_id.read(ProjectId::parse)?;
        refuse_schedule(
            Some(self.is_scheduled),
            self.cron_scheduling.as_ref(),
            self.schedule_timezone.as_ref(),
        )?;
        refuse_alerting(self.alerting.as_ref())?;
        Ok(CreateWorkload {
            project,
            kind: KIND,
            name: WorkloadName::parse(self.name).in_field("name")?,
            alias: self.alias.map(Alias::parse).transpose().in_field("alias")?,
            description: description(self.description)?,
            category: self.category,
            technology: self.technology.read()?,
            settings: Settings {
                is_streaming: self.is_streaming,
                does_use_gpu: self.does_use_gpu,
                resources: self.resources.map(|resources| resources.read()),
            },
            version: version.read(file)?,
        })
    }
}

impl JobEditionInput {
    /// Which job is edited, and how.
    pub(super) fn read(self) -> Result<(WorkloadId, WorkloadChange)> {
        let id = self.id.read(WorkloadId::parse)?;
        refuse_schedule(
            self.is_scheduled,
            self.cron_scheduling.as_ref(),
            self.schedule_timezone.as_ref(),
        )?;
        refuse_alerting(self.alerting.as_ref())?;
        let name = self.name.map(WorkloadName::parse).transpose();
        let change = WorkloadChange {
            name: name.in_field("name")?,
            alias: self.alias.map(Alias::parse).transpose().in_field("alias")?,
            description: description(self.description)?,
            is_streaming: self.is_streaming,
            does_use_gpu: self.does_use_gpu,
            resources: self.resources.map(|resources| resources.read()),
        };
        Ok((id, change))
    }
}

impl JobVersionInput {
    /// The version to add. `Invalid`, with the field, where it holds what regcred does not keep of one.
    pub(super) fn read(self, file: Option<&Upload>) -> Result<NewVersion> {
        const NO_PACKAGES: &str = "keeps no packages";
        const OF_THE_JOB: &str = "keeps this with the job, not with its versions";
        refuse(file.is_some(), "file", NO_PACKAGES)?;
        refuse(self.package_info.is_some(), "packageInfo", NO_PACKAGES)?;
        let previous = self.use_previous_artifact == Some(true);
        refuse(previous, "usePreviousArtifact", NO_PACKAGES)?;
        refuse(self.resources.is_some(), "resources", OF_THE_JOB)?;
        refuse(self.does_use_gpu.is_some(), "doesUseGPU", OF_THE_JOB)?;
        Ok(NewVersion {
            image: self.docker_info.map(JobDocker::read).transpose()?,
            details: VersionDetails {
                release_note: self.release_note,
                runtime_version: self.runtime_version,
                command_line: self.command_line,
                source_url: self.source_url,
                extra_technology: self.extra_technology.map(ExtraTechnology::read),
                ..VersionDetails::default()
            },
        })
    }
}

fn description(given: Option<String>) -> regcred_core::Result<Option<Description>> {
    let read = given.map(Description::of_workload).transpose();
    read.in_field("description")
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
