//! What many use cases do in few statements: pulls, and the events of a transaction.
//!
//! To ask PostgreSQL costs more than what it does for one row. So the pulls of a transaction are written down together, with
//! arrays, and what need not wait for an answer is sent at once.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::{try_join, try_join3};
use regcred_core::credentials::{DAYS_OF_USE, MOST_PULLERS};
use regcred_core::ids::{CredentialsId, ProjectId};
use regcred_core::store::PullRecorded;
use regcred_core::{Day, Result};

use super::link::Link;
use crate::trail::{self, Trail};
use crate::unit::{Job, Pull};

/// Writes the pulls of jobs down, as [`record`](crate::statements::uses::record) does one by one, and tells the jobs.
pub(super) fn record_pulls(
    link: &Link,
    trail: &mut Trail,
    jobs: &mut [&mut Box<dyn Job>],
) -> Result<()> {
    let pulls: Vec<&Pull> = jobs.iter().filter_map(|job| job.pull()).collect();
    let answers = may_leave(link, &pulls)?;
    let written = pulls.iter().zip(&answers);
    let written = written.filter(|(_, answer)| **answer == PullRecorded::Written);
    let written: Vec<&Pull> = written.map(|(pull, _)| *pull).collect();
    if !written.is_empty() {
        note_uses(link, &written)?;
        for pull in &written {
            trail.append(&pull.event)?;
        }
    }
    for (job, answer) in jobs.iter_mut().zip(answers) {
        job.pulled(answer);
    }
    Ok(())
}

/// Whether each password may still leave: its token counts, and the version that was read.
fn may_leave(link: &Link, pulls: &[&Pull]) -> Result<Vec<PullRecorded>> {
    let column = |bytes: fn(&Pull) -> &[u8; 16]| -> Vec<&[u8]> {
        pulls.iter().map(|pull| bytes(pull).as_slice()).collect()
    };
    let projects = column(|pull| pull.by.project.as_bytes());
    let credentials = column(|pull| pull.record.credentials.as_bytes());
    let tokens = column(|pull| pull.by.token.as_bytes());
    let versions: Vec<_> = pulls
        .iter()
        .map(|pull| i64::from(pull.record.version))
        .collect();
    let moments: Vec<_> = pulls
        .iter()
        .map(|pull| pull.record.at.as_micros())
        .collect();
    let statement = link.prepared(MAY_LEAVE)?;
    let rows = link.wait(link.client().query(
        &statement,
        &[&projects, &credentials, &versions, &tokens, &moments],
    ))?;
    let answer = |row: &tokio_postgres::Row| match (row.get(0), row.get(1)) {
        (false, _) => PullRecorded::TokenGone,
        (true, false) => PullRecorded::Changed,
        (true, true) => PullRecorded::Written,
    };
    Ok(rows.iter().map(answer).collect())
}

/// The pulls of each day with the last one of it, and who pulled what last. Rows are in the order of their keys, so that two
/// transactions with the same ones do not wait for each other in a circle.
fn note_uses(link: &Link, pulls: &[&Pull]) -> Result<()> {
    let of = |pull: &Pull| -> Of { (pull.by.project, pull.record.credentials) };
    let (mut days, mut pullers) = (BTreeMap::new(), BTreeMap::new());
    for pull in pulls {
        let day = Day::of(pull.record.at).number();
        let counted = days.entry((of(pull), day)).or_insert((0_i64, *pull));
        *counted = (counted.0 + 1, *pull);
        let puller = (of(pull), pull.by.token, pull.record.target.as_str());
        pullers.insert(puller, *pull);
    }
    let (projects, credentials) = ids(days.keys().map(|(of, _)| of));
    let numbers: Vec<_> = days.keys().map(|(_, day)| *day).collect();
    let counts: Vec<_> = days.values().map(|(count, _)| *count).collect();
    let last: Vec<_> = days.values().map(|(_, last)| *last).collect();
    let moments: Vec<_> = last.iter().map(|pull| pull.record.at.as_micros()).collect();
    let tokens: Vec<_> = last
        .iter()
        .map(|pull| pull.by.token.as_bytes().as_slice())
        .collect();
    let names: Vec<_> = last
        .iter()
        .map(|pull| pull.by.token_name.as_str())
        .collect();

    let (by_projects, by_credentials) = ids(pullers.keys().map(|(of, _, _)| of));
    let by_tokens: Vec<_> = pullers
        .keys()
        .map(|(_, token, _)| token.as_bytes().as_slice())
        .collect();
    let targets: Vec<_> = pullers.keys().map(|(_, _, target)| *target).collect();
    let by_names: Vec<_> = pullers
        .values()
        .map(|pull| pull.by.token_name.as_str())
        .collect();
    let versions: Vec<_> = pullers
        .values()
        .map(|pull| i64::from(pull.record.version))
        .collect();
    let lasts: Vec<_> = pullers
        .values()
        .map(|pull| pull.record.at.as_micros())
        .collect();

    let (count_them, name_them) = (link.prepared(DAYS)?, link.prepared(PULLERS)?);
    let client = link.client();
    let (first, new) = link.wait(async {
        try_join(
            client.query(
                &count_them,
                &[
                    &projects,
                    &credentials,
                    &numbers,
                    &counts,
                    &moments,
                    &tokens,
                    &names,
                ],
            ),
            client.query(
                &name_them,
                &[
                    &by_projects,
                    &by_credentials,
                    &by_tokens,
                    &targets,
                    &by_names,
                    &versions,
                    &lasts,
                ],
            ),
        )
        .await
    })?;
    let begun = days.keys().zip(&first).filter(|(_, row)| row.get(0));
    let grown = pullers.keys().zip(&new).filter(|(_, row)| row.get(0));
    forget(
        link,
        &begun.map(|(day, _)| *day).collect(),
        &grown.map(|((of, ..), _)| *of).collect(),
    )
}

/// Forgets the days that are no longer kept of credentials of which another one has begun, and the pullers beyond the latest
/// ones of those that have a new one.
fn forget(link: &Link, begun: &BTreeSet<(Of, i64)>, grown: &BTreeSet<Of>) -> Result<()> {
    if begun.is_empty() && grown.is_empty() {
        return Ok(());
    }
    let (projects, credentials) = ids(begun.iter().map(|(of, _)| of));
    let behind = |day: i64| Day::from_number(day).minus(DAYS_OF_USE).number();
    let kept_behind: Vec<_> = begun.iter().map(|(_, day)| behind(*day)).collect();
    let (by_projects, by_credentials) = ids(grown.iter());
    let most = i64::try_from(MOST_PULLERS).unwrap_or(i64::MAX);
    let (days, pullers) = (link.prepared(OLD_DAYS)?, link.prepared(OLD_PULLERS)?);
    let client = link.client();
    link.wait(async {
        try_join(
            client.execute(&days, &[&projects, &credentials, &kept_behind]),
            client.execute(&pullers, &[&by_projects, &by_credentials, &most]),
        )
        .await
    })
    .map(drop)
}

/// Credentials, with their project.
type Of = (ProjectId, CredentialsId);

/// Two columns of them.
fn ids<'a>(of: impl Iterator<Item = &'a Of>) -> (Vec<&'a [u8]>, Vec<&'a [u8]>) {
    of.map(|(project, id)| (project.as_bytes().as_slice(), id.as_bytes().as_slice()))
        .unzip()
}

/// Writes the events of a transaction and commits it, all sent at once. Where the connection breaks, the commit may have been
/// made.
pub(super) fn commit(link: &Link, trail: &mut Trail) -> Result<()> {
    let Some((events, head)) = trail.unwritten() else {
        return link.run("COMMIT");
    };
    let streams: Vec<_> = events.iter().map(|row| i64::from(row.stream)).collect();
    let sequences = events.iter().map(|row| trail::sequence(row.sequence));
    let sequences = sequences.collect::<Result<Vec<_>>>()?;
    let texts: Vec<_> = events.iter().map(|row| row.event.as_str()).collect();
    let macs: Vec<_> = events.iter().map(|row| row.mac.as_slice()).collect();
    let (stream, sequence) = (i64::from(head.stream), trail::sequence(head.sequence)?);
    let mac = head.mac.as_slice();
    let (write_events, write_head) = (link.prepared(EVENTS)?, link.prepared(HEAD)?);
    let client = link.client();
    link.wait(async {
        // They are sent in this order. Where one fails so do those behind it, and the last one, which is told to commit,
        // rolls back.
        try_join3(
            client.execute(&write_events, &[&streams, &sequences, &texts, &macs]),
            client.execute(&write_head, &[&stream, &sequence, &mac]),
            client.batch_execute("COMMIT"),
        )
        .await
        .map(drop)
    })?;
    trail.written();
    Ok(())
}

const MAY_LEAVE: &str = "SELECT \
    EXISTS (SELECT 1 FROM service_token t JOIN service_token_project p ON p.token_id = t.id \
    WHERE t.id = g.token AND p.project_id = g.project AND t.expires_at > g.moment), \
    EXISTS (SELECT 1 FROM docker_credentials d \
    WHERE d.project_id = g.project AND d.id = g.credentials AND d.version = g.version) \
    FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::bytea[], $5::bigint[]) WITH ORDINALITY \
    AS g (project, credentials, version, token, moment, place) ORDER BY g.place";

/// Each row says whether it is new.
const DAYS: &str = "INSERT INTO credentials_use_day (project_id, credentials_id, day, pulls, last_used, token_id, token_name) \
    SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bytea[], $7::text[]) \
    ON CONFLICT (project_id, credentials_id, day) DO UPDATE SET pulls = credentials_use_day.pulls + excluded.pulls, \
    last_used = excluded.last_used, token_id = excluded.token_id, token_name = excluded.token_name RETURNING xmax = 0";

/// Each row says whether it is new.
const PULLERS: &str = "INSERT INTO credentials_puller \
    (project_id, credentials_id, token_id, target, token_name, version, last_pull) \
    SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::text[], $5::text[], $6::bigint[], $7::bigint[]) \
    ON CONFLICT (project_id, credentials_id, token_id, target) DO UPDATE SET token_name = excluded.token_name, \
    version = excluded.version, last_pull = excluded.last_pull RETURNING xmax = 0";

const OLD_DAYS: &str = "DELETE FROM credentials_use_day u \
    USING unnest($1::bytea[], $2::bytea[], $3::bigint[]) AS g (project, credentials, behind) \
    WHERE u.project_id = g.project AND u.credentials_id = g.credentials AND u.day <= g.behind";

const OLD_PULLERS: &str = "DELETE FROM credentials_puller p USING unnest($1::bytea[], $2::bytea[]) AS g (project, credentials) \
    WHERE p.project_id = g.project AND p.credentials_id = g.credentials AND (p.token_id, p.target) NOT IN \
    (SELECT l.token_id, l.target FROM credentials_puller l WHERE l.project_id = g.project \
    AND l.credentials_id = g.credentials ORDER BY l.last_pull DESC LIMIT $3)";

const EVENTS: &str = "INSERT INTO audit_event (stream, sequence, event, mac) \
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bytea[])";

const HEAD: &str = "INSERT INTO audit_head (stream, sequence, mac) VALUES ($1, $2, $3) \
    ON CONFLICT (stream) DO UPDATE SET sequence = excluded.sequence, mac = excluded.mac";
