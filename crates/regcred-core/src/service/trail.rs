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
            match self.walk(stream, head).await? {
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

    /// Walks a stream to its end. Somebody may be writing it: then what is behind its head has another head by the time
    /// that it is looked at again, and is walked, too, some times over.
    async fn walk(&self, stream: u32, mut head: Option<ChainHead>) -> Result<Result<u64, Broken>> {
        let mut walk = Walk::start(&self.keys, stream);
        let mut rounds = 1;
        loop {
            let end = head.as_ref().map_or(0, |head| head.sequence);
            if let Err(broken) = self.walk_on(&mut walk, stream, end).await? {
                return Ok(Err(broken));
            }
            let behind = self.store.audit_rows(stream, walk.reached(), 1).await?;
            if behind.is_empty() || rounds == MOST_ROUNDS {
                return Ok(walk.end(head.as_ref()));
            }
            let streams = self.store.audit_streams().await?;
            let later = streams.into_iter().find(|(number, _)| *number == stream);
            let later = later.and_then(|(_, head)| head);
            if later == head {
                // Rows that no head covers.
                let walked = self.walk_on(&mut walk, stream, u64::MAX).await?;
                return Ok(walked.and_then(|()| walk.end(head.as_ref())));
            }
            if !walk.fits(head.as_ref()) {
                return Ok(walk.end(head.as_ref()));
            }
            (head, rounds) = (later, rounds + 1);
        }
    }

    /// Walks the rows up to a number, as far as there are any.
    async fn walk_on(
        &self,
        walk: &mut Walk<'_>,
        stream: u32,
        end: u64,
    ) -> Result<Result<(), Broken>> {
        while let Some(left @ 1..) = end.checked_sub(walk.reached()) {
            let limit = usize::try_from(left).unwrap_or(BATCH).min(BATCH);
            let batch = self.store.audit_rows(stream, walk.reached(), limit).await?;
            if batch.is_empty() {
                break;
            }
            if let Err(broken) = walk.on(batch) {
                return Ok(Err(broken));
            }
        }
        Ok(Ok(()))
    }
}

/// So often new events are walked after a stream that is being written.
const MOST_ROUNDS: u32 = 3;
const BATCH: usize = 10_000;
