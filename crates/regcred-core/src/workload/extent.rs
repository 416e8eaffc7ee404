//! How much of the jobs, apps and versions is read at once: what they say is long, so it is weighed before.

use super::WorkloadKind;
use crate::ids::{CredentialsId, WorkloadId};

/// A list that can be weighed, and read then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkloadList {
    /// The jobs or the apps of the project.
    All(WorkloadKind),
    /// Those whose current version uses credentials, these ones or any.
    Using(WorkloadKind, Option<CredentialsId>),
    /// The versions of a workload, the latest first.
    Versions(WorkloadId),
}

/// How much of a list is weighed or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// At most so many rows.
    pub limit: usize,
    /// Whether with the description and [`VersionDetails`](super::VersionDetails), or with both of them empty.
    pub texts: bool,
}

/// What a list weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weight {
    /// How many rows it has.
    pub rows: usize,
    /// How many bytes the texts in it have.
    pub bytes: usize,
}
