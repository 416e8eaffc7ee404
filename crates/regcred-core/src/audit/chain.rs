//! The chain: `mac = HMAC(audit key, previous mac, canonical event)`, one stream per replica.
//!
//! The canonical event is JSON with a fixed order of fields and holds the stream and the number, so an edit, a
//! deletion or a reordering breaks the chain. The end is protected by a sealed head: its own HMAC over stream,
//! number and last mac.

use std::fmt;

use aws_lc_rs::{constant_time, hmac};
use serde::Serialize;

use super::{Action, AuditEvent};
use crate::access::{Actor, RequestId};
use crate::error::{Error, Result};
use crate::sealing::KeyRing;

/// The end of one stream, from which the next event goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    stream: u32,
    sequence: u64,
    mac: [u8; 32],
}

/// An event as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// The stream, one per replica.
    pub stream: u32,
    /// The number in the stream, from 1, without gaps.
    pub sequence: u64,
    /// The canonical event.
    pub event: String,
    /// Its link in the chain.
    pub mac: [u8; 32],
}

/// The end of a stream as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainHead {
    /// The stream.
    pub stream: u32,
    /// The number of its last event.
    pub sequence: u64,
    /// HMAC over the above and the last event's mac.
    pub mac: [u8; 32],
}

impl Chain {
    /// The beginning of a stream.
    #[must_use]
    pub fn start(stream: u32) -> Self {
        Self {
            stream,
            sequence: 0,
            mac: [0; 32],
        }
    }

    /// The end of a stream whose last row is `row`.
    #[must_use]
    pub fn resume(row: &AuditRow) -> Self {
        Self {
            stream: row.stream,
            sequence: row.sequence,
            mac: row.mac,
        }
    }

    /// The stream.
    #[must_use]
    pub fn stream(&self) -> u32 {
        self.stream
    }

    /// Links `event` behind the end; the caller stores the row, or drops it and sets the chain back to a copy.
    pub fn append(&mut self, keys: &KeyRing, event: &AuditEvent) -> Result<AuditRow> {
        let sequence = self.sequence + 1;
        let canonical = Canonical {
            stream: self.stream,
            sequence,
            at: event.at.rfc3339(6),
            request: &event.request,
            actor: &event.actor,
            action: &event.action,
        };
        let event = serde_json::to_string(&canonical).map_err(|error| {
            Error::internal(format!("an audit event cannot be written as JSON: {error}"))
        })?;
        let mac = link(keys, &self.mac, &event);
        (self.sequence, self.mac) = (sequence, mac);
        Ok(AuditRow {
            stream: self.stream,
            sequence,
            event,
            mac,
        })
    }

    /// The head to store with the last row.
    #[must_use]
    pub fn head(&self, keys: &KeyRing) -> ChainHead {
        let mut context = hmac::Context::with_key(keys.audit_key());
        context.update(b"head");
        context.update(&self.stream.to_be_bytes());
        context.update(&self.sequence.to_be_bytes());
        context.update(&self.mac);
        ChainHead {
            stream: self.stream,
            sequence: self.sequence,
            mac: tag(&context.sign()),
        }
    }
}

/// Walks the rows of one stream in order, a batch at a time.
pub struct Walk<'a> {
    keys: &'a KeyRing,
    chain: Chain,
}

impl<'a> Walk<'a> {
    /// At the beginning of a stream.
    #[must_use]
    pub fn start(keys: &'a KeyRing, stream: u32) -> Self {
        Self {
            keys,
            chain: Chain::start(stream),
        }
    }

    /// Walks on over the next rows; where it breaks is the error.
    pub fn on(&mut self, rows: impl IntoIterator<Item = AuditRow>) -> Result<(), Broken> {
        for row in rows {
            let mac = link(self.keys, &self.chain.mac, &row.event);
            let intact = constant_time::verify_slices_are_equal(&mac, &row.mac).is_ok();
            let expected = (self.chain.stream, self.chain.sequence + 1);
            if !intact || (row.stream, row.sequence) != expected {
                return Err(self.broken());
            }
            (self.chain.sequence, self.chain.mac) = (row.sequence, row.mac);
        }
        Ok(())
    }

    /// The number of the last row that was walked over.
    #[must_use]
    pub fn reached(&self) -> u64 {
        self.chain.sequence
    }

    /// Compares the end with the head, without which a stream is broken; the number of events.
    pub fn end(self, head: Option<&ChainHead>) -> Result<u64, Broken> {
        if self.fits(head) {
            Ok(self.chain.sequence)
        } else {
            Err(self.broken())
        }
    }

    /// Whether a head is that of what was walked.
    #[must_use]
    pub fn fits(&self, head: Option<&ChainHead>) -> bool {
        head == Some(&self.chain.head(self.keys))
    }

    fn broken(&self) -> Broken {
        Broken {
            stream: self.chain.stream,
            sequence: self.chain.sequence + 1,
        }
    }
}

/// The first event of a stream that is missing, changed or out of order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The stream.
    pub stream: u32,
    /// The event's number.
    pub sequence: u64,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the audit trail is broken: event {} of stream {} is missing or was changed",
            self.sequence, self.stream
        )
    }
}

impl std::error::Error for Broken {}

#[derive(Serialize)]
struct Canonical<'a> {
    stream: u32,
    sequence: u64,
    at: String,
    request: &'a RequestId,
    actor: &'a Actor,
    action: &'a Action,
}

fn link(keys: &KeyRing, previous: &[u8; 32], event: &str) -> [u8; 32] {
    let mut context = hmac::Context::with_key(keys.audit_key());
    context.update(b"event");
    context.update(previous);
    context.update(event.as_bytes());
    tag(&context.sign())
}

fn tag(tag: &hmac::Tag) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(tag.as_ref());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;
    use crate::ids::InstallationId;
    use crate::random::SystemRandom;
    use crate::sealing::Kek;

    fn keys() -> KeyRing {
        let kek = Kek::parse(Kek::generate(&SystemRandom).unwrap().expose()).unwrap();
        let place = InstallationId::generate(Timestamp::from_micros(0), &SystemRandom).unwrap();
        KeyRing::open(
            place,
            &KeyRing::create(place, &kek, &SystemRandom).unwrap(),
            &kek,
        )
        .unwrap()
    }

    fn trail(keys: &KeyRing, length: usize) -> (Vec<AuditRow>, ChainHead) {
        let mut chain = Chain::start(1);
        let rows = (1..=length)
            .map(|number| {
                let event = AuditEvent {
                    at: Timestamp::from_micros(0),
                    actor: Actor::Operator,
                    request: RequestId::generate(&SystemRandom).unwrap(),
                    action: Action::SessionEnded {
                        session: number.to_string(),
                    },
                };
                chain.append(keys, &event).unwrap()
            })
            .collect();
        (rows, chain.head(keys))
    }

    fn verify(
        keys: &KeyRing,
        stream: u32,
        rows: impl IntoIterator<Item = AuditRow>,
        head: Option<&ChainHead>,
    ) -> Result<u64, Broken> {
        let mut walk = Walk::start(keys, stream);
        walk.on(rows)?;
        walk.end(head)
    }

    #[test]
    fn an_untouched_trail_verifies() {
        let keys = keys();
        let (rows, head) = trail(&keys, 5);
        assert_eq!(verify(&keys, 1, rows, Some(&head)), Ok(5));
        assert_eq!(
            verify(&keys, 1, [], Some(&Chain::start(1).head(&keys))),
            Ok(0)
        );
        assert!(verify(&keys, 1, [], None).is_err());
    }

    #[test]
    fn every_edit_deletion_and_reordering_is_found() {
        let keys = keys();
        let (rows, head) = trail(&keys, 5);
        for index in 0..rows.len() {
            let mut edited = rows.clone();
            edited[index].event = edited[index].event.replace("operator", "somebody");
            let mut deleted = rows.clone();
            deleted.remove(index);
            let mut swapped = rows.clone();
            swapped.swap(index, (index + 1) % rows.len());
            for changed in [edited, deleted, swapped] {
                assert!(
                    verify(&keys, 1, changed, Some(&head)).is_err(),
                    "event {index}"
                );
            }
        }
        assert!(verify(&keys, 1, rows.clone(), None).is_err());
        assert!(verify(&keys, 2, rows, Some(&head)).is_err());
    }
}
