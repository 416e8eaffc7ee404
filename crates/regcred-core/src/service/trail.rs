//! The proof that the audit trail is whole, for the operator.

use crate::audit::{Broken, ChainHead, Walk};
use crate::error::{Error, Result};
use crate::service::Service;

impl Service {
    /// Walks every stream of the audit trail; the number of events, or an error that says where each broken stream
    /// breaks.
    pub async fn verify_trail(&self) -> Result<u64> {
        let (mut events, mut broken) = (0, Vec::new());
        for (stream, head) in self.store.audit_streams().await? {
            match self.walk(stream, head.as_ref()).await? {
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

    async fn walk(&self, stream: u32, head: Option<&ChainHead>) -> Result<Result<u64, Broken>> {
        let mut walk = Walk::start(&self.keys, stream);
        loop {
            let batch = self.store.audit_rows(stream, walk.reached(), BATCH).await?;
            if batch.is_empty() {
                return Ok(walk.end(head));
            }
            if let Err(broken) = walk.on(batch) {
                return Ok(Err(broken));
            }
        }
    }
}

const BATCH: usize = 10_000;
