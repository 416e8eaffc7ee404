//! The audit trail on disk: rows, and the sealed head of each stream.
//!
//! A store writes one stream. Streams are numbered from 1 without gaps, and every one has a head from its beginning,
//! so the first is missed even when all of it was deleted. Where the end of the present stream does not fit
//! its head, somebody cut it: going on would cover that up, so a new stream is begun and the broken one stays as it is.

use std::sync::Arc;

use regcred_core::audit::{AuditEvent, AuditRow, Chain, ChainHead};
use regcred_core::sealing::KeyRing;
use regcred_core::{Error, Result};
use rusqlite::{Connection, params};

use super::columns::{Columns, all, execute, first};
use super::readers::snapshot;

/// The end of this store's stream, and the keys to go on.
pub(super) struct Trail {
    keys: Arc<KeyRing>,
    chain: Chain,
}

impl Trail {
    /// The first stream of a new installation.
    pub(super) fn begin(db: &Connection, keys: &KeyRing) -> Result<()> {
        write_head(db, &Chain::start(FIRST_STREAM).head(keys))
    }

    /// Goes on where the last stream ended.
    pub(super) fn resume(db: &Connection, keys: Arc<KeyRing>) -> Result<Self> {
        let stream = last_stream(db)?;
        let chain = first(
            db,
            "audit_event",
            "SELECT stream, sequence, event, mac FROM audit_event WHERE stream = ? ORDER BY sequence DESC LIMIT 1",
            [stream],
            row,
        )?
        .map_or(Chain::start(stream), |last| Chain::resume(&last));
        if head(db, stream)?.as_ref() == Some(&chain.head(&keys)) {
            return Ok(Self { keys, chain });
        }
        tracing::error!(
            stream,
            "the end of the audit trail is missing or was changed; a new stream is begun, and `regcred audit verify` \
             says where the old one breaks"
        );
        let chain = Chain::start(stream.saturating_add(1));
        write_head(db, &chain.head(&keys))?;
        Ok(Self { keys, chain })
    }

    /// The stream that this store writes.
    pub(super) fn stream(&self) -> u32 {
        self.chain.stream()
    }

    /// Links an event behind the end and writes it.
    pub(super) fn append(&mut self, db: &Connection, event: &AuditEvent) -> Result<()> {
        let row = self.chain.append(&self.keys, event)?;
        execute(
            db,
            "INSERT INTO audit_event (stream, sequence, event, mac) VALUES (?, ?, ?, ?)",
            params![row.stream, sequence(row.sequence)?, row.event, row.mac],
        )
        .map(drop)
    }

    /// Writes the head that fits the end, once for all events of a transaction.
    pub(super) fn write_head(&self, db: &Connection) -> Result<()> {
        write_head(db, &self.chain.head(&self.keys))
    }

    /// The end, to set the trail back to when its rows are rolled back.
    pub(super) fn end(&self) -> Chain {
        self.chain.clone()
    }

    pub(super) fn set_back(&mut self, end: Chain) {
        self.chain = end;
    }
}

/// Every stream that has a row or a head, each with its head; `own`, also where it has neither; and the first stream of
/// each gap between them.
pub(super) fn streams(db: &Connection, own: u32) -> Result<Vec<(u32, Option<ChainHead>)>> {
    snapshot(db, |db| {
        let sql = "SELECT stream FROM audit_head UNION SELECT stream FROM audit_event UNION SELECT ? ORDER BY 1";
        let there = all(db, "audit_head", sql, [own], |row| {
            row.get::<u32>(0, "stream")
        })?;
        let (mut streams, mut expected) = (Vec::new(), FIRST_STREAM);
        for stream in there {
            if stream > expected {
                streams.push((expected, None));
            }
            streams.push((stream, head(db, stream)?));
            expected = stream.saturating_add(1);
        }
        Ok(streams)
    })
}

/// At most `limit` rows of a stream behind the number `after`, in order. Behind 0 are also those that no honest writer
/// numbers so.
pub(super) fn rows(
    db: &Connection,
    stream: u32,
    after: u64,
    limit: usize,
) -> Result<Vec<AuditRow>> {
    let after = if after == 0 {
        i64::MIN
    } else {
        sequence(after)?
    };
    all(
        db,
        "audit_event",
        "SELECT stream, sequence, event, mac FROM audit_event WHERE stream = ? AND sequence > ? ORDER BY sequence LIMIT ?",
        params![stream, after, i64::try_from(limit).unwrap_or(i64::MAX)],
        row,
    )
}

fn last_stream(db: &Connection) -> Result<u32> {
    let sql = "SELECT max(coalesce((SELECT max(stream) FROM audit_head), 1), \
               coalesce((SELECT max(stream) FROM audit_event), 1))";
    first(db, "audit_head", sql, [], |row| row.get(0, "stream")).map(|last| last.unwrap_or(1))
}

fn head(db: &Connection, stream: u32) -> Result<Option<ChainHead>> {
    first(
        db,
        "audit_head",
        "SELECT stream, sequence, mac FROM audit_head WHERE stream = ?",
        [stream],
        |row| {
            Ok(ChainHead {
                stream: row.get(0, "stream")?,
                sequence: number(row.get(1, "sequence")?)?,
                mac: row.get(2, "mac")?,
            })
        },
    )
}

fn write_head(db: &Connection, head: &ChainHead) -> Result<()> {
    execute(
        db,
        "INSERT INTO audit_head (stream, sequence, mac) VALUES (?, ?, ?) \
         ON CONFLICT (stream) DO UPDATE SET sequence = excluded.sequence, mac = excluded.mac",
        params![head.stream, sequence(head.sequence)?, head.mac],
    )
    .map(drop)
}

fn row(row: &Columns<'_>) -> Result<AuditRow> {
    Ok(AuditRow {
        stream: row.get(0, "stream")?,
        sequence: number(row.get(1, "sequence")?)?,
        event: row.get(2, "event")?,
        mac: row.get(3, "mac")?,
    })
}

fn sequence(number: u64) -> Result<i64> {
    i64::try_from(number).map_err(|_| Error::internal("an audit stream ran over"))
}

fn number(sequence: i64) -> Result<u64> {
    u64::try_from(sequence)
        .map_err(|_| Error::internal("audit_event.sequence holds a negative number"))
}

const FIRST_STREAM: u32 = 1;
