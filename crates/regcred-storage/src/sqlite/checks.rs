//! When credentials are tried by themselves, and when it is told that they run out.

use regcred_core::alert::Announced;
use regcred_core::credentials::DockerCredentials;
use regcred_core::ids::{CredentialsId, ProjectId};
use regcred_core::store::{DecideExpiry, StoredPassword};
use regcred_core::verification::{Consequence, DueCheck, DueChecks, schedule};
use regcred_core::{Result, Timestamp};
use rusqlite::{Connection, params};

use super::columns::{Columns, all, execute, first};
use super::writer::Unit;
use super::{alerts, credentials, deliveries};

/// Plans the first try of a new version of credentials, and what is to be told of its end.
pub(super) fn plan(db: &Connection, project: ProjectId, of: &DockerCredentials) -> Result<()> {
    let now = of.last_update;
    plan_at(
        db,
        project,
        of,
        schedule::first(&of.id, of.version, now),
        now,
    )
}

/// Plans the first try of all that there are, in a database whose credentials were not tried by themselves before.
pub(super) fn plan_all(db: &Connection, now: Timestamp) -> Result<()> {
    let mut after = None;
    loop {
        let rows = credentials::of_all_projects(db, after, AT_ONCE)?;
        let Some(last) = rows.last() else {
            return Ok(());
        };
        after = Some((last.project, last.credentials.id));
        for StoredPassword {
            project,
            credentials,
            ..
        } in &rows
        {
            let due = schedule::inherited(&credentials.id, credentials.version, now);
            plan_at(db, *project, credentials, due, now)?;
        }
    }
}

fn plan_at(
    db: &Connection,
    project: ProjectId,
    of: &DockerCredentials,
    due: Timestamp,
    now: Timestamp,
) -> Result<()> {
    let alert = of.expires.map(|expires| schedule::warning(expires, now));
    execute(
        db,
        "INSERT INTO credentials_check (project_id, credentials_id, host, due_at, failures, alert_at) \
         VALUES (?, ?, ?, ?, 0, ?) ON CONFLICT DO UPDATE SET host = excluded.host, due_at = excluded.due_at, \
         failures = 0, alert_at = excluded.alert_at",
        params![
            project.as_bytes(),
            of.id.as_bytes(),
            of.registry.key().host(),
            due.as_micros(),
            alert.map(Timestamp::as_micros),
        ],
    )
    .map(drop)
}

/// How often in a row there was no answer to credentials.
pub(super) fn failures(db: &Connection, project: ProjectId, id: CredentialsId) -> Result<u32> {
    let sql = "SELECT failures FROM credentials_check WHERE project_id = ? AND credentials_id = ?";
    let params = [project.as_bytes(), id.as_bytes()];
    let found = first(db, TABLE, sql, params, |row| row.get(0, "failures"))?;
    Ok(found.unwrap_or_default())
}

/// What a proof changes: the next try, and the expiry where that was learnt.
pub(super) fn follow(
    db: &Connection,
    project: ProjectId,
    id: CredentialsId,
    consequence: &Consequence,
    now: Timestamp,
) -> Result<()> {
    let (project, id) = (project.as_bytes(), id.as_bytes());
    let sql = "UPDATE credentials_check SET due_at = ?, failures = ? WHERE project_id = ? AND credentials_id = ?";
    let due = consequence.due.as_micros();
    execute(db, sql, params![due, consequence.failures, project, id])?;
    let Some(expires) = consequence.expires else {
        return Ok(());
    };
    let sql = "UPDATE docker_credentials SET expires_at = ? WHERE project_id = ? AND id = ?";
    execute(db, sql, params![expires.as_micros(), project, id])?;
    let sql =
        "UPDATE credentials_check SET alert_at = ? WHERE project_id = ? AND credentials_id = ?";
    let alert = schedule::warning(expires, now).as_micros();
    execute(db, sql, params![alert, project, id]).map(drop)
}

/// One descent of the index for each host, however many credentials it has.
pub(super) fn due(
    db: &Connection,
    now: Timestamp,
    except: &[String],
    limit: usize,
) -> Result<DueChecks> {
    let sql = "SELECT project_id, credentials_id, host, due_at FROM credentials_check WHERE host > ? \
               ORDER BY host, due_at LIMIT 1";
    let (mut found, mut behind) = (DueChecks::default(), String::new());
    while let Some(check) = first(db, TABLE, sql, [&behind], due_check)? {
        behind.clone_from(&check.host);
        if except.contains(&check.host) {
            continue;
        }
        if check.due <= now {
            found.checks.push(check);
        } else {
            found.next = Some(found.next.map_or(check.due, |next| next.min(check.due)));
        }
    }
    found.checks.sort_by_key(|check| check.due);
    found.checks.truncate(limit);
    Ok(found)
}

/// Puts credentials off that are due, and reads their sealed password.
pub(super) fn claim(
    db: &Connection,
    due: &DueCheck,
    again: Timestamp,
) -> Result<Option<StoredPassword>> {
    let claimed = execute(
        db,
        "UPDATE credentials_check SET due_at = ? WHERE project_id = ? AND credentials_id = ? AND due_at = ?",
        params![
            again.as_micros(),
            due.project.as_bytes(),
            due.credentials.as_bytes(),
            due.due.as_micros(),
        ],
    )?;
    if claimed == 0 {
        return Ok(None);
    }
    credentials::sealed_current(db, due.project, due.credentials)
}

/// Tells of those that run out.
pub(super) fn announce_expiries(
    unit: &mut Unit<'_>,
    now: Timestamp,
    limit: usize,
    decide: &DecideExpiry,
) -> Result<Vec<Announced>> {
    let sql = "SELECT project_id, credentials_id FROM credentials_check WHERE alert_at <= ? ORDER BY alert_at LIMIT ?";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let read = |row: &Columns<'_>| {
        Ok((
            row.id(0, "project_id", ProjectId::from_bytes)?,
            row.id(1, "credentials_id", CredentialsId::from_bytes)?,
        ))
    };
    let due = all(unit.db, TABLE, sql, params![now.as_micros(), limit], read)?;
    // What has no room in the outbox is told later: until then it waits here.
    let mut room = deliveries::room(unit.db)?;
    let mut announced = Vec::with_capacity(due.len());
    for (project, id) in due {
        let Some(row) = credentials::get(unit.db, project, id)? else {
            continue;
        };
        let told = row.expires.map(decide).transpose()?;
        if let Some((announcement, _)) = &told {
            let Some(left) = room.checked_sub(announcement.to.len()) else {
                break;
            };
            room = left;
        }
        let next = told.as_ref().and_then(|(_, next)| *next);
        let sql =
            "UPDATE credentials_check SET alert_at = ? WHERE project_id = ? AND credentials_id = ?";
        let next = next.map(Timestamp::as_micros);
        execute(
            unit.db,
            sql,
            params![next, project.as_bytes(), id.as_bytes()],
        )?;
        if let Some((announcement, _)) = told {
            announced.push(alerts::announce(unit.db, project, row, announcement)?);
        }
    }
    Ok(announced)
}

fn due_check(row: &Columns<'_>) -> Result<DueCheck> {
    Ok(DueCheck {
        project: row.id(0, "project_id", ProjectId::from_bytes)?,
        credentials: row.id(1, "credentials_id", CredentialsId::from_bytes)?,
        host: row.get(2, "host")?,
        due: row.moment(3, "due_at")?,
    })
}

const TABLE: &str = "credentials_check";
const AT_ONCE: usize = 1_000;
