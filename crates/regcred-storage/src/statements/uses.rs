//! Who used which credentials: written in the transaction that writes the pull's event.

use std::collections::HashMap;

use regcred_core::access::PullGrant;
use regcred_core::audit::AuditEvent;
use regcred_core::credentials::{
    self as domain, CredentialsUse, DAYS_OF_USE, MOST_PULLERS, PullsOfDay,
};
use regcred_core::ids::{CredentialsId, ProjectId, TokenId};
use regcred_core::registry::RegistryKey;
use regcred_core::store::{PullRecord, PullRecorded};
use regcred_core::{Day, Error, Result, Timestamp};

use crate::sql::{Columns, Database, all, execute, first, params};
use crate::unit::Unit;

/// Whoever pulls, as far as it is written down.
pub(crate) struct By {
    pub(crate) project: ProjectId,
    pub(crate) token: TokenId,
    pub(crate) token_name: String,
}

impl By {
    pub(crate) fn of(grant: &PullGrant) -> Self {
        Self {
            project: grant.project(),
            token: grant.token(),
            token_name: grant.token_name().to_owned(),
        }
    }
}

/// Counts a pull and writes its event down, if the password that was read may still leave.
pub(crate) fn record(
    unit: &mut Unit<'_>,
    puller: &By,
    pull: &PullRecord,
    event: &AuditEvent,
) -> Result<PullRecorded> {
    if !counts(unit.db, puller, pull.at)? {
        return Ok(PullRecorded::TokenGone);
    }
    if !count(unit.db, puller, pull)? {
        return Ok(PullRecorded::Changed);
    }
    note_puller(unit.db, puller, pull)?;
    unit.record(event)?;
    Ok(PullRecorded::Written)
}

/// Counts a pull in the row of its day, unless the version that was read counts no more. Where another replica begins the day in
/// the same moment it says that, too, and the pull is tried again.
fn count(db: &dyn Database, puller: &By, pull: &PullRecord) -> Result<bool> {
    let (project, credentials) = (puller.project.as_bytes(), pull.credentials.as_bytes());
    let day = Day::of(pull.at);
    let params = params![
        project,
        credentials,
        pull.version,
        day.number(),
        pull.at.as_micros(),
        puller.token.as_bytes(),
        &puller.token_name,
    ];
    let counted = execute(
        db,
        "UPDATE credentials_use_day SET pulls = pulls + 1, last_used = ?5, token_id = ?6, token_name = ?7 \
         WHERE project_id = ?1 AND credentials_id = ?2 AND day = ?4 \
         AND EXISTS (SELECT 1 FROM docker_credentials WHERE project_id = ?1 AND id = ?2 AND version = ?3)",
        params.clone(),
    )?;
    if counted > 0 {
        return Ok(true);
    }
    let begun = execute(
        db,
        "INSERT INTO credentials_use_day (project_id, credentials_id, day, pulls, last_used, token_id, token_name) \
         SELECT project_id, id, ?4, 1, ?5, ?6, ?7 FROM docker_credentials \
         WHERE project_id = ?1 AND id = ?2 AND version = ?3 ON CONFLICT (project_id, credentials_id, day) DO NOTHING",
        params,
    )?;
    if begun > 0 {
        let sql = "DELETE FROM credentials_use_day WHERE project_id = ? AND credentials_id = ? AND day <= ?";
        let last = day.minus(DAYS_OF_USE).number();
        execute(db, sql, params![project, credentials, last])?;
    }
    Ok(begun > 0)
}

/// Keeps who pulled what last. A couple that is new takes the place of the oldest one, once there are so many.
fn note_puller(db: &dyn Database, puller: &By, pull: &PullRecord) -> Result<()> {
    let (project, credentials) = (puller.project.as_bytes(), pull.credentials.as_bytes());
    let params = params![
        project,
        credentials,
        puller.token.as_bytes(),
        pull.target.as_str(),
        &puller.token_name,
        pull.version,
        pull.at.as_micros(),
    ];
    let known = execute(
        db,
        "UPDATE credentials_puller SET token_name = ?5, version = ?6, last_pull = ?7 \
         WHERE project_id = ?1 AND credentials_id = ?2 AND token_id = ?3 AND target = ?4",
        params.clone(),
    )?;
    if known > 0 {
        return Ok(());
    }
    execute(
        db,
        "INSERT INTO credentials_puller (project_id, credentials_id, token_id, target, token_name, version, last_pull) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params,
    )?;
    forget_pullers(db, puller.project, pull.credentials)
}

/// Leaves the latest ones.
pub(crate) fn forget_pullers(
    db: &dyn Database,
    project: ProjectId,
    credentials: CredentialsId,
) -> Result<()> {
    let most = i64::try_from(MOST_PULLERS).unwrap_or(i64::MAX);
    execute(
        db,
        "DELETE FROM credentials_puller WHERE project_id = ?1 AND credentials_id = ?2 AND (token_id, target) NOT IN \
         (SELECT token_id, target FROM credentials_puller WHERE project_id = ?1 AND credentials_id = ?2 \
         ORDER BY last_pull DESC LIMIT ?3)",
        params![project.as_bytes(), credentials.as_bytes(), most],
    )
    .map(drop)
}

/// Who pulled one of the project's credentials, or all of them, the latest first.
pub(crate) fn pullers(
    db: &dyn Database,
    project: ProjectId,
    of: Option<CredentialsId>,
) -> Result<Vec<domain::Puller>> {
    let table = "credentials_puller";
    if let Some(id) = of {
        let sql = "SELECT credentials_id, token_id, token_name, target, version, last_pull FROM credentials_puller \
                   WHERE project_id = ? AND credentials_id = ? ORDER BY last_pull DESC";
        return all(
            db,
            table,
            sql,
            [project.as_bytes(), id.as_bytes()],
            read_puller,
        );
    }
    let sql = "SELECT credentials_id, token_id, token_name, target, version, last_pull FROM credentials_puller \
               WHERE project_id = ? ORDER BY credentials_id, last_pull DESC";
    all(db, table, sql, [project.as_bytes()], read_puller)
}

fn read_puller(row: &Columns<'_>) -> Result<domain::Puller> {
    Ok(domain::Puller {
        credentials: row.id(0, "credentials_id", CredentialsId::from_bytes)?,
        token: row.id(1, "token_id", TokenId::from_bytes)?,
        token_name: row.get(2, "token_name")?,
        target: RegistryKey::from_stored(row.get(3, "target")?),
        version: row.get(4, "version")?,
        last: row.moment(5, "last_pull")?,
    })
}

/// Whether the token still counts in the project.
fn counts(db: &dyn Database, puller: &By, at: Timestamp) -> Result<bool> {
    let sql = "SELECT id FROM service_token WHERE id = ?1 AND expires_at > ?3 AND EXISTS \
               (SELECT 1 FROM service_token_project WHERE token_id = ?1 AND project_id = ?2)";
    let params = params![
        puller.token.as_bytes(),
        puller.project.as_bytes(),
        at.as_micros()
    ];
    Ok(first(db, "service_token", sql, params, |_| Ok(()))?.is_some())
}

/// Of one of the project's credentials, or of all.
pub(crate) fn list(
    db: &dyn Database,
    project: ProjectId,
    of: Option<CredentialsId>,
    since: Option<Day>,
) -> Result<Vec<CredentialsUse>> {
    let mut days = match since {
        Some(since) => days(db, project, of, since)?,
        None => HashMap::new(),
    };
    let read = |row: &Columns<'_>| {
        let credentials = row.id(0, "credentials_id", CredentialsId::from_bytes)?;
        Ok(CredentialsUse {
            credentials,
            last: row.moment(1, "last_used")?,
            token: row.id(2, "token_id", TokenId::from_bytes)?,
            token_name: row.get(3, "token_name")?,
            days: Vec::new(),
        })
    };
    let mut uses = if let Some(id) = of {
        let sql = "SELECT credentials_id, last_used, token_id, token_name FROM credentials_use_day \
                   WHERE project_id = ? AND credentials_id = ? AND last_used IS NOT NULL ORDER BY day DESC LIMIT 1";
        all(db, TABLE, sql, [project.as_bytes(), id.as_bytes()], read)?
    } else {
        // The last day of each.
        let sql = "SELECT u.credentials_id, u.last_used, u.token_id, u.token_name FROM docker_credentials c \
                   JOIN credentials_use_day u ON u.project_id = c.project_id AND u.credentials_id = c.id \
                   AND u.day = (SELECT max(day) FROM credentials_use_day WHERE project_id = c.project_id \
                   AND credentials_id = c.id AND last_used IS NOT NULL) \
                   WHERE c.project_id = ? ORDER BY u.credentials_id";
        all(db, TABLE, sql, [project.as_bytes()], read)?
    };
    for used in &mut uses {
        used.days = days.remove(&used.credentials).unwrap_or_default();
    }
    Ok(uses)
}

/// The days behind `since`, the latest first.
fn days(
    db: &dyn Database,
    project: ProjectId,
    of: Option<CredentialsId>,
    since: Day,
) -> Result<HashMap<CredentialsId, Vec<PullsOfDay>>> {
    let rows = if let Some(id) = of {
        let sql = "SELECT credentials_id, day, pulls FROM credentials_use_day \
                   WHERE project_id = ? AND credentials_id = ? AND day > ? ORDER BY day DESC";
        let params = params![project.as_bytes(), id.as_bytes(), since.number()];
        all(db, TABLE, sql, params, day)?
    } else {
        let sql = "SELECT credentials_id, day, pulls FROM credentials_use_day \
                   WHERE project_id = ? AND day > ? ORDER BY credentials_id, day DESC";
        all(
            db,
            TABLE,
            sql,
            params![project.as_bytes(), since.number()],
            day,
        )?
    };
    let mut days: HashMap<_, Vec<_>> = HashMap::new();
    for (credentials, of_day) in rows {
        days.entry(credentials).or_default().push(of_day);
    }
    Ok(days)
}

fn day(row: &Columns<'_>) -> Result<(CredentialsId, PullsOfDay)> {
    let pulls: i64 = row.get(2, "pulls")?;
    let of_day = PullsOfDay {
        day: Day::from_number(row.get(1, "day")?),
        pulls: u64::try_from(pulls)
            .map_err(|_| Error::internal("credentials_use_day.pulls holds a negative number"))?,
    };
    Ok((
        row.id(0, "credentials_id", CredentialsId::from_bytes)?,
        of_day,
    ))
}

const TABLE: &str = "credentials_use_day";
