//! The proof that the audit trail is whole, for the operator.

use crate::audit::{self, AuditRow};
use crate::error::{Error, Result};
use crate::service::Service;

impl Service {
    /// Walks every stream of the audit trail; the number of events, or an error that says where each broken stream
    /// breaks.
    pub async fn verify_trail(&self) -> Result<u64> {
        let (mut events, mut broken) = (0, Vec::new());
        for (stream, head) in self.store.audit_streams().await? {
            let rows = self.trail_of(stream).await?;
            match audit::verify(&self.keys, stream, rows, head.as_ref()) {
                Ok(intact) => events += intact,
                Err(at) => broken.push(at.to_string()),
            }
        }
        if broken.is_empty() {
            Ok(events)
        } else {
            Err(Error::conflict(broken.join("\n")))
        }
    }

    async fn trail_of(&self, stream: u32) -> Result<Vec<AuditRow>> {
        let mut rows: Vec<AuditRow> = Vec::new();
        loop {
            let after = rows.last().map_or(0, |row| row.sequence);
            let mut batch = self.store.audit_rows(stream, after, BATCH).await?;
            if batch.is_empty() {
                return Ok(rows);
            }
            rows.append(&mut batch);
        }
    }
}

const BATCH: usize = 10_000;
