//! The proof that every sealed password still opens, for the operator.

use crate::access::AdminGrant;
use crate::credentials;
use crate::error::Result;
use crate::ids::{CredentialsId, ProjectId};
use crate::sealing::SealError;
use crate::service::Service;

/// What the proof found.
#[derive(Debug, Default)]
pub struct RecordsReport {
    /// How many records open.
    pub intact: u64,
    /// Those that do not.
    pub damaged: Vec<DamagedRecord>,
}

/// A record that does not open.
#[derive(Debug)]
pub struct DamagedRecord {
    /// The project that it lies in.
    pub project: ProjectId,
    /// The credentials.
    pub credentials: CredentialsId,
    /// Why it does not open.
    pub reason: SealError,
}

impl Service {
    /// Opens every sealed password, shows none.
    pub async fn prove_records(&self, grant: &AdminGrant) -> Result<RecordsReport> {
        let mut report = RecordsReport::default();
        let mut after = None;
        loop {
            let batch = self.store.sealed_passwords(grant, after, BATCH).await?;
            let Some(last) = batch.last() else {
                return Ok(report);
            };
            after = Some((last.project, last.credentials.id));
            for stored in &batch {
                let row = &stored.credentials;
                let binding = credentials::binding(
                    &stored.project,
                    &row.id,
                    row.version,
                    &row.registry,
                    &row.username,
                );
                match self.keys.open_record(&binding, &stored.password) {
                    Ok(_) => report.intact += 1,
                    Err(reason) => {
                        report.damaged.push(DamagedRecord {
                            project: stored.project,
                            credentials: row.id,
                            reason,
                        });
                    }
                }
            }
        }
    }
}

const BATCH: usize = 1_000;
