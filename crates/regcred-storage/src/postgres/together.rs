//! What many use cases do in few statements: pulls, and the events of a transaction.
//!
//! To ask PostgreSQL costs more than what it does for one row. So the pulls of a transaction are written down together, with
//! arrays, and what need not wait for an answer is sent at once.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::try_join;
use regcred_core::credentials::{DAYS_OF_USE, MOST_PULLERS};
use regcred_core::ids::{CredentialsId, ProjectId};
use regcred_core::store::PullRecorded;
use regcred_core::{Day, Result};
use tokio_postgres::Row;

use super::link::{Given, Link};
use crate::trail::{self, Trail};
use crate::unit::{Job, Many, Pull};

/// Writes the pulls of jobs down, as [`record`](crate::statements::uses::record) does one by one, and tells the jobs.
pub(super) fn record_pulls(
    link: &Link,
    trail: &mut Trail,
    jobs: &mut [&mut Box<dyn Job>],
) -> Result<()> {
    let pulls: Vec<&Pull> = jobs
        .iter()
        .filter_map(|job| match job.many() {
            Some(Many::Pull(pull)) => Some(pull),
            _ => None,
        })
        .collect();
    let mut answers: Vec<_> = pulls
        .into_iter()
        .map(|pull| (pull, PullRecorded::Written))
        .collect();
    // All of them or none: where some may not leave any more, the others are written down without them.
    loop {
        let left = answers.iter_mut();
        let left = left.filter(|(_, answer)| *answer == PullRecorded::Written);
        let mut left: Vec<_> = left.collect();
        if left.is_empty() {
            break;
        }
        let told = note(
            link,
            &left.iter().map(|(pull, _)| *pull).collect::<Vec<_>>(),
        )?;
        let all = told.iter().all(|answer| *answer == PullRecorded::Written);
        for ((_, answer), told) in left.iter_mut().zip(told) {
            *answer = told;
        }
        if all {
            break;
        }
    }
    for (pull, answer) in &answers {
        if *answer == PullRecorded::Written {
            trail.append(&pull.event)?;
        }
    }
    let answers: Vec<_> = answers.into_iter().map(|(_, answer)| answer).collect();
    for (job, answer) in jobs.iter_mut().zip(answers) {
        job.pulled(answer);
    }
    Ok(())
}

/// Whether each password may still leave: its token counts, and the version that was read. Where all may, it counts the pulls of
/// each day with the last one of it, and notes who pulled what last. Rows are in the order of their keys, so that two
/// transactions with the same ones do not wait for each other in a circle.
fn note(link: &Link, pulls: &[&Pull]) -> Result<Vec<PullRecorded>> {
    let column = |bytes: fn(&Pull) -> &[u8; 16]| -> Vec<&[u8]> {
        pulls.iter().map(|pull| bytes(pull).as_slice()).collect()
    };
    let projects = column(|pull| pull.by.project.as_bytes());
    let credentials = column(|pull| pull.record.credentials.as_bytes());
    let tokens = column(|pull| pull.by.token.as_bytes());
    let number = |of: fn(&Pull) -> i64| -> Vec<i64> { pulls.iter().map(|pull| of(pull)).collect() };
    let versions = number(|pull| pull.record.version.into());
    let moments = number(|pull| pull.record.at.as_micros());

    let of = |pull: &Pull| -> Of { (pull.by.project, pull.record.credentials) };
    let (mut days, mut pullers) = (BTreeMap::new(), BTreeMap::new());
    for pull in pulls {
        let day = Day::of(pull.record.at).number();
        let counted = days.entry((of(pull), day)).or_insert((0_i64, *pull));
        *counted = (counted.0 + 1, *pull);
        let puller = (of(pull), pull.by.token, pull.record.target.as_str());
        pullers.insert(puller, *pull);
    }
    let (of_projects, of_credentials) = ids(days.keys().map(|(of, _)| of));
    let numbers: Vec<_> = days.keys().map(|(_, day)| *day).collect();
    let counts: Vec<_> = days.values().map(|(count, _)| *count).collect();
    let last: Vec<_> = days.values().map(|(_, last)| *last).collect();
    let last_moments: Vec<_> = last.iter().map(|pull| pull.record.at.as_micros()).collect();
    let last_tokens: Vec<_> = last
        .iter()
        .map(|pull| pull.by.token.as_bytes().as_slice())
        .collect();
    let last_names: Vec<_> = last
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
    let by_versions: Vec<_> = pullers
        .values()
        .map(|pull| i64::from(pull.record.version))
        .collect();
    let by_moments: Vec<_> = pullers
        .values()
        .map(|pull| pull.record.at.as_micros())
        .collect();

    let statement = link.prepared(NOTE)?;
    let rows = link.wait(link.client().query(
        &statement,
        &[
            &projects,
            &credentials,
            &versions,
            &tokens,
            &moments,
            &of_projects,
            &of_credentials,
            &numbers,
            &counts,
            &last_moments,
            &last_tokens,
            &last_names,
            &by_projects,
            &by_credentials,
            &by_tokens,
            &targets,
            &by_names,
            &by_versions,
            &by_moments,
        ],
    ))?;
    let any_new = |column| {
        let new = |row: &Row| row.get::<_, Option<bool>>(column) == Some(true);
        rows.first().is_some_and(new)
    };
    if any_new(DAY_BEGUN) {
        forget_days(link, days.keys())?;
    }
    if any_new(PULLER_CAME) {
        forget_pullers(link, &pullers.keys().map(|(of, ..)| *of).collect())?;
    }
    let answer = |row: &Row| match (row.get(0), row.get(1)) {
        (false, _) => PullRecorded::TokenGone,
        (true, false) => PullRecorded::Changed,
        (true, true) => PullRecorded::Written,
    };
    Ok(rows.iter().map(answer).collect())
}

/// Forgets the days that are no longer kept of credentials of which another one has begun.
fn forget_days<'a>(link: &Link, begun: impl Iterator<Item = &'a (Of, i64)> + Clone) -> Result<()> {
    let (projects, credentials) = owned_ids(begun.clone().map(|(of, _)| of));
    let behind = |day: i64| Day::from_number(day).minus(DAYS_OF_USE).number();
    let behind: Vec<_> = begun.map(|(_, day)| behind(*day)).collect();
    let given: Given = vec![Box::new(projects), Box::new(credentials), Box::new(behind)];
    link.put_given(OLD_DAYS, given)
}

/// Forgets the pullers beyond the latest ones of credentials that have a new one.
fn forget_pullers(link: &Link, of: &BTreeSet<Of>) -> Result<()> {
    let (projects, credentials) = owned_ids(of.iter());
    let most = i64::try_from(MOST_PULLERS).unwrap_or(i64::MAX);
    let given: Given = vec![Box::new(projects), Box::new(credentials), Box::new(most)];
    link.put_given(OLD_PULLERS, given)
}

/// Credentials, with their project.
type Of = (ProjectId, CredentialsId);

/// Two columns of them.
fn ids<'a>(of: impl Iterator<Item = &'a Of>) -> (Vec<&'a [u8]>, Vec<&'a [u8]>) {
    of.map(|(project, id)| (project.as_bytes().as_slice(), id.as_bytes().as_slice()))
        .unzip()
}

/// The same, to be sent later.
fn owned_ids<'a>(of: impl Iterator<Item = &'a Of>) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    of.map(|(project, id)| (project.as_bytes().to_vec(), id.as_bytes().to_vec()))
        .unzip()
}

/// Writes the events of a transaction and commits it, all sent at once with what was put. Where the connection breaks, the
/// commit may have been made.
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
    let write_events = link.prepared(EVENTS)?;
    let client = link.client();
    link.wait(async {
        // They are sent in this order. Where one fails so do those behind it, and the last one, which is told to commit,
        // rolls back.
        try_join(
            client.execute(
                &write_events,
                &[
                    &streams, &sequences, &texts, &macs, &stream, &sequence, &mac,
                ],
            ),
            client.batch_execute("COMMIT"),
        )
        .await
        .map(drop)
    })?;
    trail.written();
    Ok(())
}

/// Each row tells of a pull, and whether any row of a day or of a puller is new.
const NOTE: &str = "WITH pull AS MATERIALIZED (SELECT g.place, \
    EXISTS (SELECT 1 FROM service_token t JOIN service_token_project p ON p.token_id = t.id \
    WHERE t.id = g.token AND p.project_id = g.project AND t.expires_at > g.moment) AS counts, \
    EXISTS (SELECT 1 FROM docker_credentials d \
    WHERE d.project_id = g.project AND d.id = g.credentials AND d.version = g.version) AS current \
    FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::bytea[], $5::bigint[]) WITH ORDINALITY \
    AS g (project, credentials, version, token, moment, place)), \
    pulls AS MATERIALIZED (SELECT bool_and(counts AND current) AS may_leave FROM pull), \
    day AS (INSERT INTO credentials_use_day (project_id, credentials_id, day, pulls, last_used, token_id, token_name) \
    SELECT g.* FROM pulls, unnest($6::bytea[], $7::bytea[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bytea[], $12::text[]) \
    AS g WHERE pulls.may_leave \
    ON CONFLICT (project_id, credentials_id, day) DO UPDATE SET pulls = credentials_use_day.pulls + excluded.pulls, \
    last_used = excluded.last_used, token_id = excluded.token_id, token_name = excluded.token_name RETURNING xmax = 0 AS new), \
    puller AS (INSERT INTO credentials_puller \
    (project_id, credentials_id, token_id, target, token_name, version, last_pull) \
    SELECT g.* FROM pulls, unnest($13::bytea[], $14::bytea[], $15::bytea[], $16::text[], $17::text[], $18::bigint[], $19::bigint[]) \
    AS g WHERE pulls.may_leave \
    ON CONFLICT (project_id, credentials_id, token_id, target) DO UPDATE SET token_name = excluded.token_name, \
    version = excluded.version, last_pull = excluded.last_pull RETURNING xmax = 0 AS new) \
    SELECT counts, current, (SELECT bool_or(new) FROM day), (SELECT bool_or(new) FROM puller) FROM pull ORDER BY place";
/// The columns of what is new, behind those of the pull.
const DAY_BEGUN: usize = 2;
const PULLER_CAME: usize = 3;

const OLD_DAYS: &str = "DELETE FROM credentials_use_day u \
    USING unnest($1::bytea[], $2::bytea[], $3::bigint[]) AS g (project, credentials, behind) \
    WHERE u.project_id = g.project AND u.credentials_id = g.credentials AND u.day <= g.behind";

const OLD_PULLERS: &str = "DELETE FROM credentials_puller p USING unnest($1::bytea[], $2::bytea[]) AS g (project, credentials) \
    WHERE p.project_id = g.project AND p.credentials_id = g.credentials AND (p.token_id, p.target) NOT IN \
    (SELECT l.token_id, l.target FROM credentials_puller l WHERE l.project_id = g.project \
    AND l.credentials_id = g.credentials ORDER BY l.last_pull DESC LIMIT $3)";

const EVENTS: &str = "WITH events AS (INSERT INTO audit_event (stream, sequence, event, mac) \
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bytea[])) \
    INSERT INTO audit_head (stream, sequence, mac) VALUES ($5, $6, $7) \
    ON CONFLICT (stream) DO UPDATE SET sequence = excluded.sequence, mac = excluded.mac";
