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
    /// Which texts of them; the others are empty.
    pub texts: Texts,
}

/// Which of the long texts of workloads and their versions are weighed and read: a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Texts(u8);

impl Texts {
    /// None of them.
    pub const NONE: Self = Self(0);
    /// The name of a workload.
    pub const NAME: Self = Self(1);
    /// The alias of a workload.
    pub const ALIAS: Self = Self(2);
    /// The description of a workload.
    pub const DESCRIPTION: Self = Self(4);
    /// Who made a workload, and its versions.
    pub const CREATOR: Self = Self(8);
    /// The image of a version. That there is one, and with which credentials, is read without it, too.
    pub const IMAGE: Self = Self(16);
    /// The [`VersionDetails`](super::VersionDetails).
    pub const DETAILS: Self = Self(32);
    /// The category of a job.
    pub const CATEGORY: Self = Self(64);
    /// All of them.
    pub const ALL: Self = Self(127);

    /// These and the others.
    #[must_use]
    pub fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// The sum of the numbers that the constants have.
    #[must_use]
    pub fn bits(self) -> u8 {
        self.0
    }
}

/// What a list weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weight {
    /// How many rows it has.
    pub rows: usize,
    /// How many bytes the texts in it have.
    pub bytes: usize,
}
