//! Read jobs and apps.

use crate::access::{Caller, Viewer};
use crate::error::Result;
use crate::ids::{CredentialsId, ProjectId, WorkloadId};
use crate::service::Service;
use crate::workload::{Extent, Version, Weight, Workload, WorkloadKind, WorkloadList};

impl Service {
    /// The jobs or the apps of a project, in the order in which they were made.
    pub async fn workloads(
        &self,
        caller: &Caller,
        project: ProjectId,
        kind: WorkloadKind,
        extent: Extent,
    ) -> Result<Vec<Workload>> {
        let grant = self.grant::<Viewer>(caller, project).await?;
        self.store.workloads(&grant, kind, extent).await
    }

    /// What a list of a project weighs: to ask for before it is read.
    pub async fn weigh_workloads(
        &self,
        caller: &Caller,
        project: ProjectId,
        list: WorkloadList,
        extent: Extent,
    ) -> Result<Weight> {
        let grant = self.grant::<Viewer>(caller, project).await?;
        self.store.weigh_workloads(&grant, list, extent).await
    }

    /// How many jobs or apps a project has.
    pub async fn count_workloads(
        &self,
        caller: &Caller,
        project: ProjectId,
        kind: WorkloadKind,
    ) -> Result<u64> {
        let grant = self.grant::<Viewer>(caller, project).await?;
        self.store.count_workloads(&grant, kind).await
    }

    /// Those whose current version uses credentials, these ones or any, in the order in which they were made.
    pub async fn workloads_using(
        &self,
        caller: &Caller,
        project: ProjectId,
        kind: WorkloadKind,
        of: Option<CredentialsId>,
        extent: Extent,
    ) -> Result<Vec<Workload>> {
        let grant = self.grant::<Viewer>(caller, project).await?;
        self.store.workloads_using(&grant, kind, of, extent).await
    }

    /// One job or app, with its project.
    pub async fn workload(
        &self,
        caller: &Caller,
        kind: WorkloadKind,
        id: WorkloadId,
    ) -> Result<(ProjectId, Workload)> {
        let grant = self.workload_grant::<Viewer>(caller, kind, id).await?;
        let found = self.store.workload(&grant, kind, id).await?;
        Ok((grant.project(), found.ok_or_else(|| kind.absent(id))?))
    }

    /// The versions of a workload of a project, the latest first.
    pub async fn workload_versions(
        &self,
        caller: &Caller,
        project: ProjectId,
        id: WorkloadId,
        extent: Extent,
    ) -> Result<Vec<Version>> {
        let grant = self.grant::<Viewer>(caller, project).await?;
        self.store.workload_versions(&grant, id, extent).await
    }
}
