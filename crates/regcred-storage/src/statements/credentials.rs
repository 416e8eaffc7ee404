//! Docker credentials.

use regcred_core::audit::AuditEvent;
use regcred_core::credentials::{DockerCredentials, MOST_IN_PROJECT, Username};
use regcred_core::ids::{CredentialsId, ProjectId};
use regcred_core::registry::{ImageReference, Registry, RegistryKey};
use regcred_core::store::{
    DecideUpgrade, DescribeDeletion, NewCredentials, StoredPassword, Upgrade,
};
use regcred_core::workload::{MOST_NAMED, in_use};
use regcred_core::{Error, Result, Timestamp};

use crate::sql::{Columns, Database, Value, all, execute, first, params, put, snapshot};
use crate::unit::Unit;

use super::versions::{self, Found};
use super::{checks, projects, verifications, workloads};

/// What is shown, in the order in which [`credentials`] reads it.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, registry, registry_key, username, version, last_update, expires_at, probe, secret FROM docker_credentials ",
            $rest
        )
    };
}

/// The sealed passwords with it, as [`stored`] reads them.
macro_rules! select_sealed {
    ($rest:literal) => {
        concat!(
            "SELECT id, registry, registry_key, username, version, last_update, expires_at, probe, secret, project_id, password ",
            "FROM docker_credentials ",
            $rest
        )
    };
}

pub(crate) use select_sealed;

/// Those of each of several keys, ordered by username; a key that is not given finds none.
macro_rules! of_keys {
    ($select:ident: $first:literal $(, $key:literal)*) => {
        concat!(of_keys!(@ $select $first), $(" UNION ALL ", of_keys!(@ $select $key)),*)
    };
    (@ $select:ident $key:literal) => {
        concat!(
            "SELECT * FROM (",
            $select!(""),
            "WHERE project_id = ?1 AND registry_key = ",
            $key,
            " ORDER BY username LIMIT ?2) AS of_key"
        )
    };
}

/// At most `limit` of them, the first ones.
pub(crate) fn list(
    db: &dyn Database,
    project: ProjectId,
    limit: usize,
) -> Result<Vec<DockerCredentials>> {
    let sql = select!("WHERE project_id = ? ORDER BY id LIMIT ?");
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    all(
        db,
        TABLE,
        sql,
        params![project.as_bytes(), limit],
        credentials,
    )
}

pub(crate) fn get(
    db: &dyn Database,
    project: ProjectId,
    id: CredentialsId,
) -> Result<Option<DockerCredentials>> {
    let sql = select!("WHERE project_id = ? AND id = ?");
    let params = [project.as_bytes(), id.as_bytes()];
    first(db, TABLE, sql, params, credentials)
}

pub(crate) fn create(
    unit: &mut Unit<'_>,
    project: ProjectId,
    new: &NewCredentials,
    event: &AuditEvent,
) -> Result<()> {
    let NewCredentials {
        credentials,
        password,
        proof,
    } = new;
    let most = i64::try_from(MOST_IN_PROJECT).unwrap_or(i64::MAX);
    // Nothing, where the project is gone or full, or somebody holds the couple.
    let added = execute(
        unit.db,
        "INSERT INTO docker_credentials \
         (project_id, id, registry, registry_key, username, version, last_version, last_update, expires_at, \
         password, probe, secret) SELECT id, ?2, ?3, ?4, ?5, ?6, ?6, ?7, ?8, ?9, ?10, ?11 FROM project \
         WHERE id = ?1 AND credentials < ?12 ON CONFLICT (project_id, registry_key, username) DO NOTHING",
        params![
            project.as_bytes(),
            credentials.id.as_bytes(),
            credentials.registry.typed(),
            credentials.registry.key().as_str(),
            credentials.username.as_str(),
            credentials.version,
            credentials.last_update.as_micros(),
            credentials.expires.map(Timestamp::as_micros),
            password.as_bytes(),
            credentials.probe.as_ref().map(ToString::to_string),
            credentials.secret,
            most,
        ],
    )?;
    if added == 0 {
        let (registry, username) = (&credentials.registry, &credentials.username);
        let holder = holder(unit.db, project, registry, username)?;
        return Err(match holder {
            Some(holder) => taken(holder, registry, username),
            None => no_room(unit.db, project)?,
        });
    }
    let sql = "UPDATE project SET credentials = credentials + 1 WHERE id = ?";
    put(unit.db, sql, [project.as_bytes()])?;
    if let Some(proof) = proof {
        verifications::keep(unit.db, project, *proof)?;
    }
    checks::plan(unit.db, project, credentials)?;
    unit.record(event)
}

/// Why nothing is added: the project is gone or full.
fn no_room(db: &dyn Database, project: ProjectId) -> Result<Error> {
    let sql = "SELECT id FROM project WHERE id = ?";
    Ok(
        match first(db, "project", sql, [project.as_bytes()], |_| Ok(()))? {
            None => Error::not_found(format!("there is no project {project} that you may see")),
            Some(()) => Error::invalid(format!(
                "the project has {MOST_IN_PROJECT} Docker credentials, the most that one may have; delete some, or use \
             another project"
            )),
        },
    )
}

pub(crate) fn upgrade(
    unit: &mut Unit<'_>,
    project: ProjectId,
    id: CredentialsId,
    decide: &DecideUpgrade,
) -> Result<Option<DockerCredentials>> {
    let Some(found) = Found::of(unit.db, project, id)? else {
        return Ok(None);
    };
    let Upgrade {
        registry,
        username,
        version,
        at,
        expires,
        password,
        probe,
        secret,
        proof,
        hold_until,
        event,
    } = decide(&found.present())?;
    check_couple(unit.db, project, id, &registry, &username)?;
    let upgraded = DockerCredentials {
        id,
        registry,
        username,
        version,
        last_update: at,
        expires,
        probe,
        secret,
    };
    let current = Current {
        row: &upgraded,
        password: password.as_bytes(),
    };
    replace(unit.db, project, &current, hold_until)?;
    versions::give_number(unit.db, project, id, version)?;
    if let Some(proof) = proof {
        verifications::keep(unit.db, project, proof)?;
    }
    unit.record(&event)?;
    Ok(Some(upgraded))
}

/// What is to count from now on.
pub(crate) struct Current<'a> {
    pub(crate) row: &'a DockerCredentials,
    pub(crate) password: &'a [u8],
}

/// Puts it in the place of what counted, which is held until the given moment.
pub(crate) fn replace(
    db: &dyn Database,
    project: ProjectId,
    current: &Current<'_>,
    hold_until: Timestamp,
) -> Result<()> {
    let row = current.row;
    versions::hold(db, project, row.id, row.last_update, hold_until)?;
    put(
        db,
        "UPDATE docker_credentials SET registry = ?, registry_key = ?, username = ?, version = ?, last_update = ?, \
         expires_at = ?, password = ?, probe = ?, secret = ? WHERE project_id = ? AND id = ?",
        params![
            row.registry.typed(),
            row.registry.key().as_str(),
            row.username.as_str(),
            row.version,
            row.last_update.as_micros(),
            row.expires.map(Timestamp::as_micros),
            current.password,
            row.probe.as_ref().map(ToString::to_string),
            row.secret,
            project.as_bytes(),
            row.id.as_bytes(),
        ],
    )?;
    checks::plan(db, project, row)
}

/// Refuses a couple (registry, username) that others hold.
pub(crate) fn check_couple(
    db: &dyn Database,
    project: ProjectId,
    id: CredentialsId,
    registry: &Registry,
    username: &Username,
) -> Result<()> {
    match holder(db, project, registry, username)? {
        Some(holder) if holder != id => Err(taken(holder, registry, username)),
        _ => Ok(()),
    }
}

pub(crate) fn delete(
    unit: &mut Unit<'_>,
    project: ProjectId,
    id: CredentialsId,
    force: bool,
    describe: &DescribeDeletion,
) -> Result<bool> {
    let Some(present) = get(unit.db, project, id)? else {
        return Ok(false);
    };
    let (users, count) = workloads::users(unit.db, project, id, MOST_NAMED)?;
    if count > 0 && !force && !projects::deletes_credentials_in_use(unit.db, project)? {
        return Err(in_use(id, &users, count));
    }
    let sql = "DELETE FROM docker_credentials WHERE project_id = ? AND id = ?";
    put(unit.db, sql, [project.as_bytes(), id.as_bytes()])?;
    let sql = "UPDATE project SET credentials = credentials - 1 WHERE id = ?";
    put(unit.db, sql, [project.as_bytes()])?;
    unit.record(&describe(&present, count))?;
    Ok(true)
}

/// Of all versions, behind `after` in the order of (project, id, version). Each of the two tables is walked by its key: a
/// database that is to sort both together reads all that is left of them, each time.
pub(crate) fn sealed(
    db: &dyn Database,
    after: Option<(ProjectId, CredentialsId, u32)>,
    limit: usize,
) -> Result<Vec<StoredPassword>> {
    let nothing: &[u8] = &[];
    let (project, id, version) = match &after {
        Some((project, id, version)) => (
            project.as_bytes().as_slice(),
            id.as_bytes().as_slice(),
            *version,
        ),
        None => (nothing, nothing, 0),
    };
    let most = i64::try_from(limit).unwrap_or(i64::MAX);
    let behind = params![project, id, version, most];
    let sql = select_sealed!(
        "WHERE (project_id, id) >= (?1, ?2) AND (project_id, id, version) > (?1, ?2, ?3) ORDER BY project_id, id LIMIT ?4"
    );
    snapshot(db, |db| {
        let mut found = all(db, TABLE, sql, behind.clone(), stored)?;
        found.append(&mut versions::sealed_behind(db, behind)?);
        found.sort_by_key(|of| (of.project, of.credentials.id, of.credentials.version));
        found.truncate(limit);
        Ok(found)
    })
}

/// Of the first of the keys that any of them has.
pub(crate) fn of_first(
    db: &dyn Database,
    project: ProjectId,
    keys: &[RegistryKey],
    limit: usize,
) -> Result<Vec<DockerCredentials>> {
    let key = |row: &DockerCredentials| row.registry.key().clone();
    of_first_by(db, OF_FIRST, project, keys, limit, credentials, key)
}

/// The same with the sealed passwords.
pub(crate) fn sealed_of_first(
    db: &dyn Database,
    project: ProjectId,
    keys: &[RegistryKey],
    limit: usize,
) -> Result<Vec<StoredPassword>> {
    of_first_by(
        db,
        SEALED_OF_FIRST,
        project,
        keys,
        limit,
        stored,
        key_of_stored,
    )
}

/// One statement for all keys, so that it sees one state of the database and asks once.
fn of_first_by<T>(
    db: &dyn Database,
    sql: &str,
    project: ProjectId,
    keys: &[RegistryKey],
    limit: usize,
    read: impl Fn(&Columns<'_>) -> Result<T>,
    key_of: impl Fn(&T) -> RegistryKey,
) -> Result<Vec<T>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    first_of(keys, key_of, |keys| {
        let mut given = [const { Value::Null }; KEYS_AT_ONCE + 2];
        let values = params![project.as_bytes(), limit];
        let values = values
            .into_iter()
            .chain(keys.iter().map(|key| key.as_str().into()));
        for (place, value) in given.iter_mut().zip(values) {
            *place = value;
        }
        all(db, TABLE, sql, given, &read)
    })
}

/// What the first of the keys has that has anything, where `find` tells what some of them have.
pub(crate) fn first_of<T>(
    keys: &[RegistryKey],
    key_of: impl Fn(&T) -> RegistryKey,
    find: impl Fn(&[RegistryKey]) -> Result<Vec<T>>,
) -> Result<Vec<T>> {
    for keys in keys.chunks(KEYS_AT_ONCE) {
        let mut found = find(keys)?;
        let first = keys
            .iter()
            .find(|key| found.iter().any(|row| key_of(row) == **key));
        if let Some(first) = first {
            found.retain(|row| key_of(row) == *first);
            return Ok(found);
        }
    }
    Ok(Vec::new())
}

/// Those on a host, whatever the port and the scope: the host itself, and what begins with it and `/` or `:`.
pub(crate) fn near(
    db: &dyn Database,
    project: ProjectId,
    host: &str,
    limit: usize,
) -> Result<Vec<DockerCredentials>> {
    let sql = select!(
        "WHERE project_id = ? AND registry_key >= ? AND registry_key < ? ORDER BY registry_key, username LIMIT ?"
    );
    // In the order of bytes, `0` comes next behind `/`, `;` behind `:`, and no host goes on with U+0001 or what
    // comes before it.
    let ranges = [
        (host.to_owned(), format!("{host}\u{1}")),
        (format!("{host}/"), format!("{host}0")),
        (format!("{host}:"), format!("{host};")),
    ];
    snapshot(db, |db| {
        let mut found = Vec::new();
        for (from, to) in ranges {
            let left = i64::try_from(limit - found.len()).unwrap_or(i64::MAX);
            let params = params![project.as_bytes(), from, to, left];
            found.append(&mut all(db, TABLE, sql, params, credentials)?);
        }
        Ok(found)
    })
}

/// Of the version that counts.
pub(crate) fn sealed_current(
    db: &dyn Database,
    project: ProjectId,
    id: CredentialsId,
) -> Result<Option<StoredPassword>> {
    let sql = select_sealed!("WHERE project_id = ? AND id = ?");
    first(db, TABLE, sql, [project.as_bytes(), id.as_bytes()], stored)
}

/// The credentials that hold the couple (registry, username) in the project.
fn holder(
    db: &dyn Database,
    project: ProjectId,
    registry: &Registry,
    username: &Username,
) -> Result<Option<CredentialsId>> {
    let sql = "SELECT id FROM docker_credentials WHERE project_id = ? AND registry_key = ? AND username = ?";
    let params = params![
        project.as_bytes(),
        registry.key().as_str(),
        username.as_str()
    ];
    first(db, TABLE, sql, params, |row| {
        row.id(0, "id", CredentialsId::from_bytes)
    })
}

fn taken(holder: CredentialsId, registry: &Registry, username: &Username) -> Error {
    Error::conflict(format!(
        "the project has Docker credentials for the registry `{}` and the username `{}` already ({holder}); upgrade those",
        registry.key(),
        username.as_str()
    ))
}

fn credentials(row: &Columns<'_>) -> Result<DockerCredentials> {
    Ok(DockerCredentials {
        id: row.id(0, "id", CredentialsId::from_bytes)?,
        registry: Registry::from_stored(row.get(1, "registry")?, row.get(2, "registry_key")?),
        username: Username::from_stored(row.get(3, "username")?),
        version: row.get(4, "version")?,
        last_update: row.moment(5, "last_update")?,
        expires: row.moment_if_any(6, "expires_at")?,
        probe: row.parsed_if_any(7, "probe", |text| ImageReference::parse(text).ok())?,
        secret: row.get(8, "secret")?,
    })
}

pub(crate) fn stored(row: &Columns<'_>) -> Result<StoredPassword> {
    Ok(StoredPassword {
        project: row.id(9, "project_id", ProjectId::from_bytes)?,
        credentials: credentials(row)?,
        password: row.get(10, "password")?,
    })
}

pub(crate) fn key_of_stored(stored: &StoredPassword) -> RegistryKey {
    stored.credentials.registry.key().clone()
}

pub(crate) const TABLE: &str = "docker_credentials";
/// An image has few parts: one more statement where it has more.
const KEYS_AT_ONCE: usize = 6;
const OF_FIRST: &str = of_keys!(select: "?3", "?4", "?5", "?6", "?7", "?8");
const SEALED_OF_FIRST: &str = of_keys!(select_sealed: "?3", "?4", "?5", "?6", "?7", "?8");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pulls_read_two_columns_more_than_what_shows_them_and_have_its_plan() {
        let shown = SEALED_OF_FIRST.replace(", project_id, password FROM", " FROM");
        assert_eq!(shown, OF_FIRST);
    }
}
