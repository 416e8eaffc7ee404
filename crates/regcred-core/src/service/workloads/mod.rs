//! Use cases of jobs and apps: one file an operation.
//!
//! The platform names a job or an app by its id alone. So the project is looked up first, and a grant in it is needed
//! like everywhere: a workload in a foreign project answers like one that does not exist.

mod create;
mod delete;
mod edit;
mod read;
mod rollback;
mod version;

pub use create::CreateWorkload;
pub use version::NewVersion;

use crate::access::{Caller, Grant, Level, Principal};
use crate::error::{ErrorKind, Result};
use crate::ids::WorkloadId;
use crate::service::Service;
use crate::workload::WorkloadKind;

impl Service {
    /// A grant in the project of a workload.
    async fn workload_grant<L: Level>(
        &self,
        caller: &Caller,
        kind: WorkloadKind,
        id: WorkloadId,
    ) -> Result<Grant<L>> {
        let project = self.store.workload_home(kind, id).await?;
        let project = project.ok_or_else(|| kind.absent(id))?;
        self.grant(caller, project)
            .await
            .map_err(|error| match error.kind() {
                ErrorKind::NotFound => kind.absent(id),
                _ => error,
            })
    }
}

/// Under which name the caller is shown as a maker.
fn maker(caller: &Caller) -> String {
    match &caller.principal {
        Principal::User(user) => user.login.as_str().to_owned(),
        Principal::Token(token) => token.name.clone(),
    }
}
