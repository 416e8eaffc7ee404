//! When credentials are tried by themselves, and when it is told that they run out.

use std::collections::HashSet;

use regcred_core::alert::Announced;
use regcred_core::credentials::{DockerCredentials, Username};
use regcred_core::ids::{CredentialsId, ProjectId};
use regcred_core::registry::RegistryKey;
use regcred_core::store::{DecideExpiry, StoredPassword};
use regcred_core::verification::{Consequence, Counts, DueCheck, DueChecks, LeftAlone, schedule};
use regcred_core::{Result, Timestamp};

use crate::sql::{Columns, Database, all, execute, first, params, put};
use crate::unit::{Key, Unit};

use super::{alerts, credentials, deliveries};

/// What is planned for a version of credentials.
pub(crate) struct Plan<'a> {
    pub(crate) host: &'a str,
    /// When it is tried.
    pub(crate) due: Timestamp,
    /// When it is told that it runs out.
    pub(crate) alert: Option<Timestamp>,
}

impl<'a> Plan<'a> {
    /// The first try of a new version, and what is to be told of its end.
    pub(crate) fn of(of: &'a DockerCredentials) -> Self {
        let now = of.last_update;
        let due = schedule::first(&of.id, of.version, now);
        Self::at(of.registry.key(), due, of.expires, now)
    }

    fn at(
        key: &'a RegistryKey,
        due: Timestamp,
        expires: Option<Timestamp>,
        now: Timestamp,
    ) -> Self {
        Self {
            host: key.host(),
            due,
            alert: expires.map(|expires| schedule::warning(expires, now)),
        }
    }
}

/// Plans the first try of a new version of credentials, and what is to be told of its end.
pub(crate) fn plan(db: &dyn Database, project: ProjectId, of: &DockerCredentials) -> Result<()> {
    keep(db, project, of.id, &Plan::of(of))
}

/// Plans the first try of all that there are, in a database whose credentials were not tried by themselves before.
pub(crate) fn plan_all(db: &dyn Database, now: Timestamp) -> Result<()> {
    let nothing: &[u8] = &[];
    let mut after: Option<(ProjectId, CredentialsId)> = None;
    loop {
        let (project, id) = match &after {
            Some((project, id)) => (project.as_bytes().as_slice(), id.as_bytes().as_slice()),
            None => (nothing, nothing),
        };
        let sql = "SELECT project_id, id, version, registry_key, expires_at FROM docker_credentials \
                   WHERE (project_id, id) > (?, ?) ORDER BY project_id, id LIMIT ?";
        let rows = all(
            db,
            "docker_credentials",
            sql,
            params![project, id, AT_ONCE],
            planned,
        )?;
        let Some(last) = rows.last() else {
            return Ok(());
        };
        after = Some((last.project, last.id));
        for of in &rows {
            let due = schedule::inherited(&of.id, of.version, now);
            keep(
                db,
                of.project,
                of.id,
                &Plan::at(&of.registry, due, of.expires, now),
            )?;
        }
    }
}

/// What the first plan of an older version is made of.
struct Planned {
    project: ProjectId,
    id: CredentialsId,
    version: u32,
    registry: RegistryKey,
    expires: Option<Timestamp>,
}

fn planned(row: &Columns<'_>) -> Result<Planned> {
    Ok(Planned {
        project: row.id(0, "project_id", ProjectId::from_bytes)?,
        id: row.id(1, "id", CredentialsId::from_bytes)?,
        version: row.get(2, "version")?,
        registry: RegistryKey::from_stored(row.get(3, "registry_key")?),
        expires: row.moment_if_any(4, "expires_at")?,
    })
}

fn keep(db: &dyn Database, project: ProjectId, id: CredentialsId, plan: &Plan<'_>) -> Result<()> {
    put(
        db,
        "INSERT INTO credentials_check (project_id, credentials_id, host, due_at, refusals, failures, alert_at) \
         VALUES (?, ?, ?, ?, 0, 0, ?) ON CONFLICT (project_id, credentials_id) DO UPDATE SET host = excluded.host, due_at = excluded.due_at, \
         refusals = 0, failures = 0, alert_at = excluded.alert_at",
        params![
            project.as_bytes(),
            id.as_bytes(),
            plan.host,
            plan.due.as_micros(),
            plan.alert.map(Timestamp::as_micros),
        ],
    )
}

/// What was counted of the version of credentials that counts.
pub(crate) fn counts(db: &dyn Database, project: ProjectId, id: CredentialsId) -> Result<Counts> {
    let sql = "SELECT refusals, failures FROM credentials_check WHERE project_id = ? AND credentials_id = ?";
    let params = [project.as_bytes(), id.as_bytes()];
    let found = first(db, TABLE, sql, params, |row| {
        Ok(Counts {
            refusals: row.get(0, "refusals")?,
            failures: row.get(1, "failures")?,
        })
    })?;
    Ok(found.unwrap_or_default())
}

/// What a proof changes: the next try, and the expiry where that was learnt.
pub(crate) fn follow(
    db: &dyn Database,
    project: ProjectId,
    id: CredentialsId,
    consequence: &Consequence,
    now: Timestamp,
) -> Result<()> {
    let (project, id) = (project.as_bytes(), id.as_bytes());
    let sql = "UPDATE credentials_check SET due_at = ?, refusals = ?, failures = ? \
               WHERE project_id = ? AND credentials_id = ?";
    let (due, counts) = (consequence.due.as_micros(), consequence.counts);
    let params = params![due, counts.refusals, counts.failures, project, id];
    execute(db, sql, params)?;
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
pub(crate) fn due(
    db: &dyn Database,
    now: Timestamp,
    except: &HashSet<String>,
    limit: usize,
) -> Result<DueChecks> {
    let sql =
        "SELECT host, due_at FROM credentials_check WHERE host > ? ORDER BY host, due_at LIMIT 1";
    let read = |row: &Columns<'_>| Ok((row.get::<String>(0, "host")?, row.moment(1, "due_at")?));
    let (mut hosts, mut behind) = (Vec::new(), String::new());
    while let Some((host, due)) = first(db, TABLE, sql, [&behind], read)? {
        behind.clone_from(&host);
        if due <= now && !except.contains(&host) {
            hosts.push((due, host));
        }
    }
    hosts.sort();
    let mut found = DueChecks {
        checks: Vec::new(),
        more: hosts.len() > limit,
    };
    hosts.truncate(limit);
    let each = (limit / hosts.len().max(1)).clamp(1, MOST_OF_HOST);
    let at_once = i64::try_from(each).unwrap_or(i64::MAX);
    let sql = "SELECT c.project_id, c.credentials_id, d.version, c.host, d.username, c.due_at \
               FROM credentials_check c CROSS JOIN docker_credentials d \
               WHERE d.project_id = c.project_id AND d.id = c.credentials_id AND c.host = ? AND c.due_at <= ? ORDER BY c.due_at LIMIT ?";
    for (_, host) in hosts {
        let params = params![host, now.as_micros(), at_once];
        let of_host = all(db, TABLE, sql, params, due_check)?;
        found.more |= of_host.len() == each && each < MOST_OF_HOST;
        found.checks.extend(of_host);
    }
    found.checks.sort_by_key(|check| check.due);
    found.checks.truncate(limit);
    Ok(found)
}

/// Puts off what is due of an account that is left alone.
pub(crate) fn put_off(db: &dyn Database, account: &LeftAlone, now: Timestamp) -> Result<()> {
    let (id, version) = account.refused.unzip();
    execute(
        db,
        "UPDATE credentials_check SET due_at = ?1 WHERE host = ?2 AND due_at <= ?3 AND EXISTS \
         (SELECT 1 FROM docker_credentials d WHERE d.project_id = credentials_check.project_id \
         AND d.id = credentials_check.credentials_id AND d.username = ?4 AND (d.id IS DISTINCT FROM ?5 OR d.version IS NOT DISTINCT FROM ?6))",
        params![
            account.until.as_micros(),
            &account.host,
            now.as_micros(),
            account.username.as_str(),
            id.as_ref().map(CredentialsId::as_bytes),
            version,
        ],
    )
    .map(drop)
}

/// Puts credentials off that are due, and reads their sealed password.
pub(crate) fn claim(
    db: &dyn Database,
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
pub(crate) fn announce_expiries(
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
        unit.lock(Key::Project(project))?;
        let Some(row) = credentials::get(unit.db, project, id)? else {
            continue;
        };
        let told = row.expires.map(decide).transpose()?;
        let wanted = told
            .as_ref()
            .map_or(0, |(announcement, _)| announcement.to.len());
        let Some(left) = room.checked_sub(wanted) else {
            break;
        };
        let next = told.as_ref().and_then(|(_, next)| *next);
        // Only what is still due: since it was found, another version may have another end.
        let sql = "UPDATE credentials_check SET alert_at = ? WHERE project_id = ? AND credentials_id = ? AND alert_at <= ?";
        let params = params![
            next.map(Timestamp::as_micros),
            project.as_bytes(),
            id.as_bytes(),
            now.as_micros()
        ];
        if execute(unit.db, sql, params)? == 0 {
            continue;
        }
        room = left;
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
        version: row.get(2, "version")?,
        host: row.get(3, "host")?,
        username: Username::from_stored(row.get(4, "username")?),
        due: row.moment(5, "due_at")?,
    })
}

const TABLE: &str = "credentials_check";
const AT_ONCE: i64 = 1_000;
/// So many of one host are found at once: more than can be tried there until it is looked again.
const MOST_OF_HOST: usize = 30;
