//! What jobs and apps have in common in the platform's interface.

use async_graphql::{Context, InputObject, Lookahead, Result, SimpleObject};
use regcred_core::ids::{CredentialsId, ProjectId, WorkloadId};
use regcred_core::workload::{
    self as domain, Extent, MOST_WORKLOADS, PinnedImage, Texts, Version, Workload, WorkloadKind,
    WorkloadList,
};
use regcred_core::{Error, Timestamp};

use super::scalars::{DateTime, Uuid};
use super::text::Text;
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
            image: Text,
            docker_credentials_id: Option<Uuid>,
        }

        impl $name {
            pub(super) fn of(version: &Version) -> Option<Self> {
                let image = version.image.as_ref()?;
                Some(Self {
                    image: Text(image.typed().to_owned()),
                    docker_credentials_id: image.credentials().map(|id| Uuid::new(&id)),
                })
            }

            pub(super) fn read(self) -> regcred_core::Result<PinnedImage> {
                let id = self.docker_credentials_id;
                let id = id.map(|id| id.read(CredentialsId::parse)).transpose();
                PinnedImage::parse(self.image.0, id.in_field("dockerCredentialsId")?)
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
    texts: Texts,
) -> Result<Vec<Workload>> {
    let asker = asker(ctx)?;
    asker.count_rows(1)?;
    let list = WorkloadList::All(kind);
    let extent = weighed(asker, project, list, limit, texts).await?;
    asker.count_rows(extent.limit)?;
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
    asker.count_rows(1)?;
    let list = WorkloadList::Versions(of);
    let extent = weighed(asker, project, list, limit, of_version(&ctx.look_ahead())).await?;
    asker.count_rows(extent.limit)?;
    let (service, caller) = (&asker.backend.service, &asker.caller);
    Ok(service
        .workload_versions(caller, project, of, extent)
        .await?)
}

/// Counts what is read of a list; says how much of it that is.
pub(super) async fn weighed(
    asker: &Asker,
    project: ProjectId,
    list: WorkloadList,
    limit: Option<usize>,
    texts: Texts,
) -> regcred_core::Result<Extent> {
    let extent = Extent {
        limit: limit.unwrap_or(MOST_IN_LIST),
        texts,
    };
    let (service, caller) = (&asker.backend.service, &asker.caller);
    let weight = service
        .weigh_workloads(caller, project, list, extent)
        .await?;
    asker.count_read(weight.rows, weight.bytes)?;
    Ok(Extent {
        limit: weight.rows,
        texts,
    })
}

/// Which texts of workloads, and of their current versions, are selected.
pub(super) fn texts(at: &Lookahead<'_>) -> Texts {
    let versions = ["versions", "currentVersion"];
    let versions = versions.map(|field| of_version(&at.field(field)));
    versions
        .into_iter()
        .fold(selected(at, &OF_WORKLOAD), Texts::and)
}

/// Which texts of versions are selected.
fn of_version(at: &Lookahead<'_>) -> Texts {
    let image = selected(&at.field("dockerInfo"), &[("image", Texts::IMAGE)]);
    selected(at, &OF_VERSION).and(image)
}

fn selected(at: &Lookahead<'_>, of: &[(&str, Texts)]) -> Texts {
    let there = of.iter().filter(|(field, _)| at.field(field).exists());
    there.fold(Texts::NONE, |all, (_, texts)| all.and(*texts))
}

/// Counts the ports of a version, as they are told.
pub(super) fn count_ports(ctx: &Context<'_>, ports: usize) -> Result<()> {
    Ok(asker(ctx)?.count_texts(ports * BYTES_OF_PORT)?)
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

/// Refuses to tell anybody how runs went.
pub(super) fn refuse_alerting<T>(given: Option<&T>) -> Result<()> {
    refuse(
        given.is_some(),
        "alerting",
        "runs nothing, so it alerts nobody",
    )
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

/// What is long of workloads, by the fields that show it.
const OF_WORKLOAD: [(&str, Texts); 5] = [
    ("name", Texts::NAME),
    ("alias", Texts::ALIAS),
    ("description", Texts::DESCRIPTION),
    ("category", Texts::CATEGORY),
    ("creator", Texts::CREATOR),
];
/// The same of versions, without their image.
const OF_VERSION: [(&str, Texts); 8] = [
    ("creator", Texts::CREATOR),
    ("releaseNote", Texts::DETAILS),
    ("runtimeVersion", Texts::DETAILS),
    ("commandLine", Texts::DETAILS),
    ("sourceUrl", Texts::DETAILS),
    ("extraTechnology", Texts::DETAILS),
    ("runtimeContextId", Texts::DETAILS),
    ("ports", Texts::DETAILS),
];
/// No list has more.
const MOST_IN_LIST: usize = MOST_WORKLOADS;
/// What a port has besides its names.
const BYTES_OF_PORT: usize = 100;
