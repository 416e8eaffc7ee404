//! What many use cases do in few statements: pulls, and the events of a transaction.
//!
//! To ask PostgreSQL costs more than what it does for one row. So the pulls of a transaction are written down together, with
//! arrays, and what need not wait for an answer is sent at once.

use std::collections::BTreeMap;

use futures_util::future::{join, try_join};
use regcred_core::audit::{AuditRow, ChainHead};
use regcred_core::credentials::{DAYS_OF_USE, MOST_PULLERS};
use regcred_core::ids::{CredentialsId, ProjectId};
use regcred_core::store::PullRecorded;
use regcred_core::{Day, Error, Result};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::link::{Given, Link};
use crate::trail::{self, Trail};
use crate::unit::{Job, Many, Pull};

/// Writes the pulls of jobs down, as [`record`](crate::statements::uses::record) does one by one, and tells the jobs.
pub(super) fn record_pulls(
    link: &Link,
    trail: &mut Trail,
    jobs: &mut [&mut Box<dyn Job>],
) -> Result<()> {
    each_that_may_leave(jobs, |pulls| {
        let note = Note::of(pulls);
        let statement = link.prepared(NOTE)?;
        let rows = link.wait(link.client().query(&statement, &note.given()))?;
        let told = told(&rows);
        if all_leave(&told) {
            if rows.first().is_some_and(anything_new) {
                note.forget(link)?;
            }
            for pull in pulls {
                trail.append(&pull.event)?;
            }
        }
        Ok(told)
    })
}

/// The same in a transaction that does nothing else, from its beginning to its commit: all of it is sent at once, and nothing
/// is written where any pull may not leave. Where the connection breaks, the commit may have been made.
pub(super) fn commit_pulls(
    link: &Link,
    trail: &mut Trail,
    jobs: &mut [&mut Box<dyn Job>],
    begin: &str,
) -> Result<()> {
    each_that_may_leave(jobs, |pulls| {
        let end = trail.end();
        let (note, most) = (Note::of(pulls), most_pullers());
        let (write_note, close) = (link.prepared(NOTE)?, link.prepared(CLOSE)?);
        link.put_text(begin.to_owned());
        let client = link.client();
        let closed = async {
            // The events are linked while the server is at what was sent so far.
            tokio::task::yield_now().await;
            for pull in pulls {
                trail.append(&pull.event)?;
            }
            let Some((events, head)) = trail.unwritten() else {
                return Err(Error::internal("pulls without an event"));
            };
            let events = Events::of(events, &head)?;
            let mut given = events.given();
            given.extend(note.forgotten(&most));
            Ok(try_join(
                client.execute(&close, &given),
                client.batch_execute("COMMIT"),
            )
            .await)
        };
        let given = note.given();
        let (rows, closed) = link.wait(async {
            // What fails first says why, and fails what is behind it.
            match join(client.query(&write_note, &given), closed).await {
                (Err(error), _) | (Ok(_), Ok(Err(error))) => Err(error),
                (Ok(rows), closed) => Ok((rows, closed)),
            }
        })?;
        closed.map(drop)?;
        let told = told(&rows);
        if all_leave(&told) {
            trail.written();
        } else {
            trail.set_back(&end);
        }
        Ok(told)
    })
}

/// Writes pulls down, all of them or none: where some may not leave any more, the others are written down without them. The
/// jobs know what they are told before it is asked for, in case that the answer is lost.
fn each_that_may_leave(
    jobs: &mut [&mut Box<dyn Job>],
    mut write: impl FnMut(&[&Pull]) -> Result<Vec<PullRecorded>>,
) -> Result<()> {
    let mut left: Vec<_> = jobs.iter_mut().collect();
    while !left.is_empty() {
        for job in &mut left {
            job.pulled(PullRecorded::Written);
        }
        let pulls = left.iter().filter_map(|job| match job.many() {
            Some(Many::Pull(pull)) => Some(pull),
            _ => None,
        });
        let told = write(&pulls.collect::<Vec<_>>())?;
        let all = all_leave(&told);
        let mut others = Vec::new();
        for (job, told) in left.into_iter().zip(told) {
            job.pulled(told);
            if told == PullRecorded::Written && !all {
                others.push(job);
            }
        }
        left = others;
    }
    Ok(())
}

fn all_leave(told: &[PullRecorded]) -> bool {
    told.iter().all(|told| *told == PullRecorded::Written)
}

/// Whether each password may still leave: its token counts, and the version that was read.
fn told(rows: &[Row]) -> Vec<PullRecorded> {
    let answer = |row: &Row| match (row.get(0), row.get(1)) {
        (false, _) => PullRecorded::TokenGone,
        (true, false) => PullRecorded::Changed,
        (true, true) => PullRecorded::Written,
    };
    rows.iter().map(answer).collect()
}

/// Whether a day has begun, or somebody pulled what they had not pulled before.
fn anything_new(row: &Row) -> bool {
    row.get(2) || row.get(3)
}

/// What is asked of pulls, the pulls of each day with the last one of it, and who pulled what last. Rows are in the order of
/// their keys, so that two transactions with the same ones do not wait for each other in a circle.
#[derive(Default)]
struct Note<'a> {
    projects: Vec<&'a [u8]>,
    credentials: Vec<&'a [u8]>,
    versions: Vec<i64>,
    tokens: Vec<&'a [u8]>,
    moments: Vec<i64>,
    days: Days<'a>,
    pullers: Pullers<'a>,
}

#[derive(Default)]
struct Days<'a> {
    projects: Vec<&'a [u8]>,
    credentials: Vec<&'a [u8]>,
    numbers: Vec<i64>,
    counts: Vec<i64>,
    moments: Vec<i64>,
    tokens: Vec<&'a [u8]>,
    names: Vec<&'a str>,
    /// The last of the days that are no longer kept.
    behind: Vec<i64>,
}

#[derive(Default)]
struct Pullers<'a> {
    projects: Vec<&'a [u8]>,
    credentials: Vec<&'a [u8]>,
    tokens: Vec<&'a [u8]>,
    targets: Vec<&'a str>,
    names: Vec<&'a str>,
    versions: Vec<i64>,
    moments: Vec<i64>,
}

impl<'a> Note<'a> {
    fn of(pulls: &[&'a Pull]) -> Self {
        let mut note = Self::default();
        let (mut days, mut pullers) = (BTreeMap::new(), BTreeMap::new());
        for pull in pulls {
            let (by, record) = (&pull.by, &pull.record);
            note.projects.push(by.project.as_bytes());
            note.credentials.push(record.credentials.as_bytes());
            note.versions.push(record.version.into());
            note.tokens.push(by.token.as_bytes());
            note.moments.push(record.at.as_micros());
            let of: Of = (by.project, record.credentials);
            let day = Day::of(record.at).number();
            let counted = days.entry((of, day)).or_insert((0_i64, *pull));
            *counted = (counted.0 + 1, *pull);
            pullers.insert((of, by.token, record.target.as_str()), *pull);
        }
        for ((_, day), (count, last)) in days {
            let Pull { by, record, .. } = last;
            let of_day = &mut note.days;
            of_day.projects.push(by.project.as_bytes());
            of_day.credentials.push(record.credentials.as_bytes());
            of_day.numbers.push(day);
            of_day.counts.push(count);
            of_day.moments.push(record.at.as_micros());
            of_day.tokens.push(by.token.as_bytes());
            of_day.names.push(by.token_name.as_str());
            let behind = Day::from_number(day).minus(DAYS_OF_USE);
            of_day.behind.push(behind.number());
        }
        for Pull { by, record, .. } in pullers.into_values() {
            let of_puller = &mut note.pullers;
            of_puller.projects.push(by.project.as_bytes());
            of_puller.credentials.push(record.credentials.as_bytes());
            of_puller.tokens.push(by.token.as_bytes());
            of_puller.targets.push(record.target.as_str());
            of_puller.names.push(by.token_name.as_str());
            of_puller.versions.push(record.version.into());
            of_puller.moments.push(record.at.as_micros());
        }
        note
    }

    /// What [`NOTE`] is given.
    fn given(&self) -> [&(dyn ToSql + Sync); 19] {
        let Self { days, pullers, .. } = self;
        [
            &self.projects,
            &self.credentials,
            &self.versions,
            &self.tokens,
            &self.moments,
            &days.projects,
            &days.credentials,
            &days.numbers,
            &days.counts,
            &days.moments,
            &days.tokens,
            &days.names,
            &pullers.projects,
            &pullers.credentials,
            &pullers.tokens,
            &pullers.targets,
            &pullers.names,
            &pullers.versions,
            &pullers.moments,
        ]
    }

    /// What it takes to forget what is no longer kept.
    fn forgotten<'s>(&'s self, most: &'s i64) -> [&'s (dyn ToSql + Sync); 4] {
        let days = &self.days;
        [&days.projects, &days.credentials, &days.behind, most]
    }

    /// Forgets it a little later.
    fn forget(&self, link: &Link) -> Result<()> {
        let owned = |ids: &[&[u8]]| ids.iter().map(|id| id.to_vec()).collect::<Vec<_>>();
        let given: Given = vec![
            Box::new(owned(&self.days.projects)),
            Box::new(owned(&self.days.credentials)),
            Box::new(self.days.behind.clone()),
            Box::new(most_pullers()),
        ];
        link.put_given(FORGET, given)
    }
}

fn most_pullers() -> i64 {
    i64::try_from(MOST_PULLERS).unwrap_or(i64::MAX)
}

/// Credentials, with their project.
type Of = (ProjectId, CredentialsId);

/// Writes the events of a transaction and commits it, all sent at once with what was put. Where the connection breaks, the
/// commit may have been made.
pub(super) fn commit(link: &Link, trail: &mut Trail) -> Result<()> {
    let Some((events, head)) = trail.unwritten() else {
        return link.run("COMMIT");
    };
    let events = Events::of(events, &head)?;
    let write_events = link.prepared(EVENTS)?;
    let client = link.client();
    link.wait(async {
        // They are sent in this order. Where one fails so do those behind it, and the last one, which is told to commit,
        // rolls back.
        try_join(
            client.execute(&write_events, &events.given()),
            client.batch_execute("COMMIT"),
        )
        .await
        .map(drop)
    })?;
    trail.written();
    Ok(())
}

/// Events, with the head that fits them.
struct Events<'a> {
    streams: Vec<i64>,
    sequences: Vec<i64>,
    texts: Vec<&'a str>,
    macs: Vec<&'a [u8]>,
    stream: i64,
    sequence: i64,
    mac: &'a [u8],
}

impl<'a> Events<'a> {
    fn of(events: &'a [AuditRow], head: &'a ChainHead) -> Result<Self> {
        let sequences = events.iter().map(|row| trail::sequence(row.sequence));
        Ok(Self {
            streams: events.iter().map(|row| row.stream.into()).collect(),
            sequences: sequences.collect::<Result<_>>()?,
            texts: events.iter().map(|row| row.event.as_str()).collect(),
            macs: events.iter().map(|row| row.mac.as_slice()).collect(),
            stream: head.stream.into(),
            sequence: trail::sequence(head.sequence)?,
            mac: &head.mac,
        })
    }

    /// What [`EVENTS`] is given.
    fn given(&self) -> Vec<&(dyn ToSql + Sync)> {
        vec![
            &self.streams,
            &self.sequences,
            &self.texts,
            &self.macs,
            &self.stream,
            &self.sequence,
            &self.mac,
        ]
    }
}

/// Each row tells of a pull, and whether any row of a day or of a puller is new. What is behind it in the transaction is told,
/// too, by settings of that transaction: whether the passwords may leave, and of which credentials a row is new.
const NOTE: &str = "WITH pull AS MATERIALIZED (SELECT g.place, \
    EXISTS (SELECT 1 FROM service_token t JOIN service_token_project p ON p.token_id = t.id \
    WHERE t.id = g.token AND p.project_id = g.project AND t.expires_at > g.moment) AS counts, \
    EXISTS (SELECT 1 FROM docker_credentials d \
    WHERE d.project_id = g.project AND d.id = g.credentials AND d.version = g.version) AS current \
    FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::bytea[], $5::bigint[]) WITH ORDINALITY \
    AS g (project, credentials, version, token, moment, place)), \
    pulls AS MATERIALIZED (SELECT set_config('regcred.may_leave', bool_and(counts AND current)::text, true)::bool AS may_leave \
    FROM pull), \
    day AS (INSERT INTO credentials_use_day (project_id, credentials_id, day, pulls, last_used, token_id, token_name) \
    SELECT g.* FROM pulls, unnest($6::bytea[], $7::bytea[], $8::bigint[], $9::bigint[], $10::bigint[], \
    $11::bytea[], $12::text[]) AS g WHERE pulls.may_leave \
    ON CONFLICT (project_id, credentials_id, day) DO UPDATE SET pulls = credentials_use_day.pulls + excluded.pulls, \
    last_used = excluded.last_used, token_id = excluded.token_id, token_name = excluded.token_name \
    RETURNING xmax = 0 AS new, encode(credentials_id, 'hex') AS of), \
    puller AS (INSERT INTO credentials_puller \
    (project_id, credentials_id, token_id, target, token_name, version, last_pull) \
    SELECT g.* FROM pulls, unnest($13::bytea[], $14::bytea[], $15::bytea[], $16::text[], $17::text[], \
    $18::bigint[], $19::bigint[]) AS g WHERE pulls.may_leave \
    ON CONFLICT (project_id, credentials_id, token_id, target) DO UPDATE SET token_name = excluded.token_name, \
    version = excluded.version, last_pull = excluded.last_pull RETURNING xmax = 0 AS new, encode(credentials_id, 'hex') AS of) \
    SELECT counts, current, \
    (SELECT set_config('regcred.day_begun', coalesce(array_agg(of) FILTER (WHERE new), '{}')::text, true) <> '{}' FROM day), \
    (SELECT set_config('regcred.puller_came', coalesce(array_agg(of) FILTER (WHERE new), '{}')::text, true) <> '{}' FROM puller) \
    FROM pull ORDER BY place";
/// Of credentials for which a day has begun, those that are no longer kept.
macro_rules! old_days {
    ($projects:literal, $credentials:literal, $behind:literal) => {
        concat!(
            "DELETE FROM credentials_use_day u USING unnest(",
            concat!($projects, "::bytea[], ", $credentials, "::bytea[], ", $behind),
            "::bigint[]) AS g (project, credentials, behind) \
             WHERE encode(g.credentials, 'hex') = ANY (current_setting('regcred.day_begun')::text[]) AND u.project_id = g.project AND u.credentials_id = g.credentials AND u.day <= g.behind"
        )
    };
}

/// Of credentials to which somebody came who pulls, those beyond the latest ones. Each has so many, and is read once.
macro_rules! old_pullers {
    ($projects:literal, $credentials:literal, $most:literal) => {
        concat!(
            "DELETE FROM credentials_puller p USING (SELECT l.* FROM unnest(",
            concat!($projects, "::bytea[], ", $credentials),
            "::bytea[]) AS g (project, credentials) CROSS JOIN LATERAL (SELECT l.ctid AS place FROM credentials_puller l \
             WHERE l.project_id = g.project AND l.credentials_id = g.credentials ORDER BY l.last_pull DESC OFFSET ",
            $most,
            ") AS l WHERE encode(g.credentials, 'hex') = ANY (current_setting('regcred.puller_came')::text[])) AS old \
             WHERE p.ctid = old.place"
        )
    };
}

const FORGET: &str = concat!(
    "WITH days AS (",
    old_days!("$1", "$2", "$3"),
    ") ",
    old_pullers!("$1", "$2", "$4")
);

/// Events with their head, where a condition holds.
macro_rules! events {
    ($with:expr, $where:literal) => {
        concat!(
            "WITH events AS (INSERT INTO audit_event (stream, sequence, event, mac) \
             SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bytea[])",
            $where,
            ")",
            $with,
            " INSERT INTO audit_head (stream, sequence, mac) SELECT $5::bigint, $6::bigint, $7::bytea",
            $where,
            " ON CONFLICT (stream) DO UPDATE SET sequence = excluded.sequence, mac = excluded.mac"
        )
    };
}

const EVENTS: &str = events!("", "");

/// What is behind [`NOTE`] in a transaction of pulls alone.
const CLOSE: &str = events!(
    concat!(
        ", days AS (",
        old_days!("$8", "$9", "$10"),
        "), pullers AS (",
        old_pullers!("$8", "$9", "$11"),
        ")"
    ),
    " WHERE current_setting('regcred.may_leave') = 'true'"
);
