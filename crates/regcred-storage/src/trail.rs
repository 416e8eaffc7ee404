//! The audit trail on disk: rows, and the sealed head of each stream.
//!
//! A store writes one stream. Streams are numbered from 1 without gaps, and every one has a head from its beginning,
//! so the first is missed even when all of it was deleted. Where the end of the present stream does not fit
//! its head, somebody cut it: going on would cover that up, so a new stream is begun and the broken one stays as it is.

use std::collections::BTreeSet;
use std::sync::Arc;

use regcred_core::audit::{AuditEvent, AuditRow, Chain, ChainHead};
use regcred_core::sealing::KeyRing;
use regcred_core::{Error, Result};

use crate::sql::{Columns, Database, all, execute, first, params, snapshot};

/// The end of this store's stream, what is to be written behind it, and the keys to go on.
pub(crate) struct Trail {
    keys: Arc<KeyRing>,
    chain: Chain,
    /// Linked, but not written yet.
    unwritten: Vec<AuditRow>,
}

/// Where a trail ended, to set it back to.
#[derive(Clone)]
pub(crate) struct End {
    chain: Chain,
    unwritten: usize,
}

impl Trail {
    /// The first stream of a new installation.
    pub(crate) fn begin(db: &dyn Database, keys: &KeyRing) -> Result<()> {
        write_head(db, &Chain::start(FIRST_STREAM).head(keys))
    }

    /// Goes on where the last stream ended, for a process that is alone.
    pub(crate) fn resume(db: &dyn Database, keys: Arc<KeyRing>) -> Result<Self> {
        let stream = Self::last(db)?;
        if let Some(trail) = Self::resume_stream(db, &keys, stream)? {
            return Ok(trail);
        }
        Self::begin_stream(db, keys, stream.saturating_add(1))
    }

    /// Goes on where a stream ended; `None` where its end is missing or was changed.
    pub(crate) fn resume_stream(
        db: &dyn Database,
        keys: &Arc<KeyRing>,
        stream: u32,
    ) -> Result<Option<Self>> {
        let sql = "SELECT stream, sequence, event, mac FROM audit_event WHERE stream = ? ORDER BY sequence DESC LIMIT 1";
        let last = first(db, "audit_event", sql, [stream], row)?;
        let chain = last.map_or(Chain::start(stream), |last| Chain::resume(&last));
        if head(db, stream)?.as_ref() == Some(&chain.head(keys)) {
            return Ok(Some(Self::at(Arc::clone(keys), chain)));
        }
        tracing::error!(
            stream,
            "the end of the audit trail is missing or was changed; it is written on in another stream, and \
             `regcred audit verify` says where this one breaks"
        );
        Ok(None)
    }

    /// The number of the last stream, 1 at least, whether there is anything of it or not.
    pub(crate) fn last(db: &dyn Database) -> Result<u32> {
        let sql = "SELECT coalesce(max(stream), 1) FROM \
                   (SELECT max(stream) AS stream FROM audit_head UNION ALL SELECT max(stream) FROM audit_event) AS streams";
        first(db, "audit_head", sql, params![], |row| row.get(0, "stream"))
            .map(|last| last.unwrap_or(1))
    }

    /// Begins a stream that is not there.
    pub(crate) fn begin_stream(db: &dyn Database, keys: Arc<KeyRing>, stream: u32) -> Result<Self> {
        let chain = Chain::start(stream);
        write_head(db, &chain.head(&keys))?;
        Ok(Self::at(keys, chain))
    }

    fn at(keys: Arc<KeyRing>, chain: Chain) -> Self {
        Self {
            keys,
            chain,
            unwritten: Vec::new(),
        }
    }

    /// The stream that this store writes.
    pub(crate) fn stream(&self) -> u32 {
        self.chain.stream()
    }

    /// Links an event behind the end.
    pub(crate) fn append(&mut self, event: &AuditEvent) -> Result<()> {
        let row = self.chain.append(&self.keys, event)?;
        self.unwritten.push(row);
        Ok(())
    }

    /// Writes the events of a transaction with the head that fits the new end, once for all of them.
    pub(crate) fn write(&mut self, db: &dyn Database) -> Result<()> {
        let Some((events, head)) = self.unwritten() else {
            return Ok(());
        };
        for row in events {
            execute(
                db,
                "INSERT INTO audit_event (stream, sequence, event, mac) VALUES (?, ?, ?, ?)",
                params![row.stream, sequence(row.sequence)?, &row.event, &row.mac],
            )?;
        }
        write_head(db, &head)?;
        self.written();
        Ok(())
    }

    /// The events that are to be written, with the head that fits the new end; `None` where there are none.
    pub(crate) fn unwritten(&self) -> Option<(&[AuditRow], ChainHead)> {
        let head = || self.chain.head(&self.keys);
        (!self.unwritten.is_empty()).then(|| (self.unwritten.as_slice(), head()))
    }

    /// They are written.
    pub(crate) fn written(&mut self) {
        self.unwritten.clear();
    }

    pub(crate) fn end(&self) -> End {
        End {
            chain: self.chain.clone(),
            unwritten: self.unwritten.len(),
        }
    }

    /// Whether events were appended behind an end.
    pub(crate) fn grew_since(&self, end: &End) -> bool {
        self.chain != end.chain
    }

    /// Whether it ends just there.
    pub(crate) fn is_at(&self, end: &End) -> bool {
        self.chain == end.chain
    }

    /// Forgets what was appended behind an end, since it is rolled back.
    pub(crate) fn set_back(&mut self, end: &End) {
        self.chain = end.chain.clone();
        self.unwritten.truncate(end.unwritten);
    }
}

/// Every stream that has a row or a head, each with its head; `own`, also where it has neither; and the first stream of
/// each gap between them. It takes one descent of the index for each, however many rows they have.
pub(crate) fn streams(db: &dyn Database, own: u32) -> Result<Vec<(u32, Option<ChainHead>)>> {
    snapshot(db, |db| {
        let stream = |row: &Columns<'_>| row.get::<u32>(0, "stream");
        let sql = "SELECT stream FROM audit_head";
        let mut there = BTreeSet::from([own]);
        there.extend(all(db, "audit_head", sql, params![], stream)?);
        let sql = "SELECT stream FROM audit_event WHERE stream > ? ORDER BY stream LIMIT 1";
        let mut behind = 0;
        while let Some(next) = first(db, "audit_event", sql, [behind], stream)? {
            there.insert(next);
            behind = next;
        }
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
pub(crate) fn rows(
    db: &dyn Database,
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

fn head(db: &dyn Database, stream: u32) -> Result<Option<ChainHead>> {
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

fn write_head(db: &dyn Database, head: &ChainHead) -> Result<()> {
    execute(
        db,
        "INSERT INTO audit_head (stream, sequence, mac) VALUES (?, ?, ?) \
         ON CONFLICT (stream) DO UPDATE SET sequence = excluded.sequence, mac = excluded.mac",
        params![head.stream, sequence(head.sequence)?, &head.mac],
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

pub(crate) fn sequence(number: u64) -> Result<i64> {
    i64::try_from(number).map_err(|_| Error::internal("an audit stream ran over"))
}

fn number(sequence: i64) -> Result<u64> {
    u64::try_from(sequence)
        .map_err(|_| Error::internal("audit_event.sequence holds a negative number"))
}

const FIRST_STREAM: u32 = 1;
