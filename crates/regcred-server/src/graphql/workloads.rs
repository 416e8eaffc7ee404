//! What jobs and apps have in common in the platform's interface.

use async_graphql::{Context, InputObject, Lookahead, Result, SimpleObject};
use regcred_core::ids::{CredentialsId, ProjectId, WorkloadId};
use regcred_core::workload::{
    self as domain, Extent, MOST_WORKLOADS, PinnedImage, Version, Workload, WorkloadKind,
    WorkloadList,
};
use regcred_core::{Error, Timestamp};

use super::scalars::{DateTime, Uuid};
use super::{InField as _, asker};
use crate::app::Asker;

/// What is asked for at least, and allowed at most.
#[derive(SimpleObject, InputObject)]
#[graphql(input_name = "ResourceRequestLimitInput")]
pub(super) struct ResourceRequestLimit {
    request: Option<f64>,
    limit: Option<f64>,
}

macro_rules! resources {
    ($name:ident, $input:literal) => {
        /// What it asks of a machine: processors, gigabytes of memory, graphics processors.
        #[derive(SimpleObject, InputObject)]
        #[graphql(input_name = $input)]
        pub(super) struct $name {
            cpu: Option<ResourceRequestLimit>,
            memory: Option<ResourceRequestLimit>,
            gpu: Option<ResourceRequestLimit>,
        }

        impl $name {
            pub(super) fn new(kept: &domain::Resources) -> Self {
                Self {
                    cpu: kept.cpu.map(ResourceRequestLimit::new),
                    memory: kept.memory.map(ResourceRequestLimit::new),
                    gpu: kept.gpu.map(ResourceRequestLimit::new),
                }
            }

            pub(super) fn read(&self) -> domain::Resources {
                domain::Resources {
                    cpu: self.cpu.as_ref().map(ResourceRequestLimit::read),
                    memory: self.memory.as_ref().map(ResourceRequestLimit::read),
                    gpu: self.gpu.as_ref().map(ResourceRequestLimit::read),
                }
            }
        }
    };
}

resources!(JobResourceRequestLimit, "JobResourceInput");
resources!(AppResourceRequestLimit, "AppResourceInput");

impl ResourceRequestLimit {
    fn new(kept: domain::RequestLimit) -> Self {
        Self {
            request: kept.request,
            limit: kept.limit,
        }
    }

    fn read(&self) -> domain::RequestLimit {
        domain::RequestLimit {
            request: self.request,
            limit: self.limit,
        }
    }
}

macro_rules! docker {
    ($name:ident, $input:literal) => {
        /// An image, and the Docker credentials of the project to pull it with.
        #[derive(SimpleObject, InputObject)]
        #[graphql(input_name = $input)]
        pub(super) struct $name {
            /// The image exactly as it was given.
            image: String,
            docker_credentials_id: Option<Uuid>,
        }

        impl $name {
            pub(super) fn of(version: &Version) -> Option<Self> {
                let image = version.image.as_ref()?;
                Some(Self {
                    image: image.typed().to_owned(),
                    docker_credentials_id: image.credentials().map(|id| Uuid::new(&id)),
                })
            }

            pub(super) fn read(self) -> regcred_core::Result<PinnedImage> {
                let id = self.docker_credentials_id;
                let id = id.map(|id| id.read(CredentialsId::parse)).transpose();
                PinnedImage::parse(self.image, id.in_field("dockerCredentialsId")?)
            }
        }
    };
}

docker!(JobDocker, "JobDockerInput");
docker!(AppDocker, "AppDockerInput");

/// The jobs or the apps of a project, at most `limit` of them, weighed before they are read: through their projects
/// jobs lead to all jobs again, so thousands of these may be under way for one answer.
pub(super) async fn of_project(
    ctx: &Context<'_>,
    project: ProjectId,
    kind: WorkloadKind,
    limit: Option<usize>,
) -> Result<Vec<Workload>> {
    let asker = asker(ctx)?;
    let list = WorkloadList::All(kind);
    let extent = weighed(asker, project, list, limit, texts(&ctx.look_ahead())).await?;
    let (service, caller) = (&asker.backend.service, &asker.caller);
    Ok(service.workloads(caller, project, kind, extent).await?)
}

/// The versions of a workload, weighed before they are read.
pub(super) async fn versions(
    ctx: &Context<'_>,
    project: ProjectId,
    of: WorkloadId,
    limit: Option<usize>,
) -> Result<Vec<Version>> {
    let asker = asker(ctx)?;
    let list = WorkloadList::Versions(of);
    let extent = weighed(asker, project, list, limit, texts(&ctx.look_ahead())).await?;
    let (service, caller) = (&asker.backend.service, &asker.caller);
    Ok(service
        .workload_versions(caller, project, of, extent)
        .await?)
}

/// Counts what a list adds to the answer; says how much of it is to be read.
pub(super) async fn weighed(
    asker: &Asker,
    project: ProjectId,
    list: WorkloadList,
    limit: Option<usize>,
    texts: bool,
) -> regcred_core::Result<Extent> {
    asker.count_rows(1)?;
    let extent = Extent {
        limit: limit.unwrap_or(MOST_IN_LIST),
        texts,
    };
    let (service, caller) = (&asker.backend.service, &asker.caller);
    let weight = service
        .weigh_workloads(caller, project, list, extent)
        .await?;
    asker.count_rows(weight.rows)?;
    asker.count_texts(weight.bytes)?;
    Ok(Extent {
        limit: weight.rows,
        texts,
    })
}

/// Whether anything is selected of workloads or their versions for which the long texts must be read.
pub(super) fn texts(at: &Lookahead<'_>) -> bool {
    let of_version = |at: &Lookahead<'_>| DETAILS.iter().any(|field| at.field(field).exists());
    at.field("description").exists()
        || of_version(at)
        || ["versions", "currentVersion"]
            .into_iter()
            .any(|versions| of_version(&at.field(versions)))
}

/// Counts the current version of a workload, before the answer gets a copy of it.
pub(super) fn count_current(asker: &Asker, version: &Version) -> regcred_core::Result<()> {
    let image = version
        .image
        .as_ref()
        .map_or(0, |image| image.typed().len());
    asker.count_texts(version.creator.len() + image + version.details.bytes())
}

/// A moment as the platform's reads give it.
pub(super) fn moment(moment: Timestamp) -> DateTime {
    DateTime::read(moment)
}

/// A number of a version or of rows.
pub(super) fn int(number: impl TryInto<i32>) -> i32 {
    number.try_into().unwrap_or(i32::MAX)
}

/// The number of a version that is asked for. `Invalid` where there can be none of it.
pub(super) fn version_number(given: i32) -> regcred_core::Result<u32> {
    u32::try_from(given)
        .ok()
        .filter(|number| *number > 0)
        .ok_or_else(|| Error::invalid("versions are numbered from 1").in_field("versionNumber"))
}

/// At most so many rows are asked for, or all of them.
pub(super) fn limit(given: Option<i32>) -> regcred_core::Result<Option<usize>> {
    given
        .map(|limit| {
            usize::try_from(limit).map_err(|_| {
                Error::invalid("a limit is 0 or more; leave it out for all").in_field("limit")
            })
        })
        .transpose()
}

/// Refuses what regcred can neither do nor keep, instead of dropping it silently.
pub(super) fn refuse(given: bool, field: &'static str, why: &'static str) -> Result<()> {
    if given {
        return Err(
            Error::invalid(format!("regcred {why}; leave `{field}` out"))
                .in_field(field)
                .into(),
        );
    }
    Ok(())
}

/// The fields of versions that are long.
const DETAILS: [&str; 7] = [
    "releaseNote",
    "runtimeVersion",
    "commandLine",
    "sourceUrl",
    "extraTechnology",
    "runtimeContextId",
    "ports",
];
/// No list has more.
const MOST_IN_LIST: usize = MOST_WORKLOADS;
