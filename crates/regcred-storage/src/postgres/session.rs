//! The session that writes: a connection, and the stream of the audit trail that is its alone.
//!
//! A stream belongs to the session that holds its lock. A session that ended has no transaction under way, so whoever
//! holds the lock after it knows what became of the last one: it is at the end of the stream, or it is nowhere.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use regcred_core::sealing::KeyRing;
use regcred_core::{Error, Result};

use super::address::PostgresOptions;
use super::link::Link;
use super::open::ALONE;
use super::pool::LONGEST_WAIT;
use crate::sql::{execute, first, params};
use crate::trail::Trail;

/// A session that writes.
pub(super) struct Session {
    pub(super) link: Link,
    pub(super) trail: Trail,
    /// The server's number of it.
    backend: i64,
    broken: bool,
}

/// What is known of a session that broke.
#[derive(Clone, Copy)]
pub(super) struct Identity {
    stream: u32,
    backend: i64,
}

impl Session {
    /// Connects, and takes the first stream that nobody writes, or begins another one.
    pub(super) fn open(options: &PostgresOptions, keys: &Arc<KeyRing>) -> Result<Self> {
        let link = Link::open(options, LONGEST_WAIT)?;
        let last = Trail::last(&link)?;
        for stream in 1..=last {
            if lock(&link, stream)?
                && let Some(trail) = Trail::resume_stream(&link, keys, stream)?
            {
                return Self::new(link, trail);
            }
        }
        loop {
            let stream = begin_stream(&link, keys)?;
            // Somebody who starts at the same time may be sooner.
            if lock(&link, stream)?
                && let Some(trail) = Trail::resume_stream(&link, keys, stream)?
            {
                return Self::new(link, trail);
            }
        }
    }

    /// Connects again after a session that broke, and goes on with its stream, once that session is over. Where that takes
    /// too long, and `same` does not insist on the stream, with another one.
    pub(super) fn resume(
        options: &PostgresOptions,
        keys: &Arc<KeyRing>,
        before: Identity,
        until: Instant,
        same: bool,
    ) -> Result<Self> {
        let link = Link::open(options, LONGEST_WAIT)?;
        let patience = if same {
            until.saturating_duration_since(Instant::now())
        } else {
            LONGEST_WAIT / 2
        };
        let patient_until = Instant::now() + patience;
        link.allow(patience + LONGEST_WAIT);
        while !lock(&link, before.stream)? {
            if Instant::now() >= patient_until {
                if same {
                    return Err(Error::unavailable("the session before is not over"));
                }
                drop(link);
                return Self::open(options, keys);
            }
            // It hangs, or the server does not know yet that nobody is at its other end.
            let sql = "SELECT pg_terminate_backend(pid)::int FROM pg_locks WHERE locktype = 'advisory' AND granted \
                       AND classid = ?1 AND objid = ?2 AND pid = ?3::int8";
            let held = params![i64::from(CLASS), before.stream, before.backend];
            first(&link, "pg_locks", sql, held, |_| Ok(()))?;
            thread::sleep(LOOK_AGAIN);
        }
        if same {
            // What was committed before is as safe as this, once this is committed: with a standby that has to confirm.
            let sql = "UPDATE audit_head SET sequence = sequence WHERE stream = ?";
            execute(&link, sql, [before.stream])?;
        }
        match Trail::resume_stream(&link, keys, before.stream)? {
            Some(trail) => Self::new(link, trail),
            None if same => Err(Error::unavailable("the end of the audit trail is missing")),
            None => {
                drop(link);
                Self::open(options, keys)
            }
        }
    }

    fn new(link: Link, trail: Trail) -> Result<Self> {
        let sql = "SELECT pg_backend_pid()";
        let backend = first(&link, "pg_stat_activity", sql, params![], |row| {
            row.get(0, "pid")
        })?;
        let backend = backend.ok_or_else(|| Error::internal("a session without a number"))?;
        link.run(READ_ONLY)?;
        Ok(Self {
            link,
            trail,
            backend,
            broken: false,
        })
    }

    pub(super) fn stream(&self) -> u32 {
        self.trail.stream()
    }

    pub(super) fn identity(&self) -> Identity {
        Identity {
            stream: self.stream(),
            backend: self.backend,
        }
    }

    /// It is of no use any more.
    pub(super) fn break_off(&mut self) {
        self.broken = true;
    }

    pub(super) fn is_broken(&self) -> bool {
        self.broken
    }
}

/// Begins the next stream, whole or not at all: numbers have no gaps, and each has a head.
fn begin_stream(link: &Link, keys: &Arc<KeyRing>) -> Result<u32> {
    link.run(ALONE)?;
    let stream = Trail::last(link)?.saturating_add(1);
    Trail::begin_stream(link, Arc::clone(keys), stream)?;
    link.run("COMMIT")?;
    Ok(stream)
}

/// Takes the lock of a stream for as long as the session lasts; `false` where another one holds it.
fn lock(link: &Link, stream: u32) -> Result<bool> {
    let sql = "SELECT pg_try_advisory_lock(?1, ?2)::int";
    let taken = first(link, "pg_locks", sql, params![CLASS, stream], |row| {
        row.get::<bool>(0, "lock")
    })?;
    Ok(taken.unwrap_or(false))
}

/// Outside of a transaction, which says that it writes, nothing is written: what is sent behind a BEGIN that failed is refused.
const READ_ONLY: &str = "SET default_transaction_read_only = on";
/// The class of the locks of streams: "rcst" in ASCII.
const CLASS: u32 = 0x7263_7374;
const LOOK_AGAIN: Duration = Duration::from_millis(50);
