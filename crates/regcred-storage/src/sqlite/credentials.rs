//! Docker credentials.

use regcred_core::audit::AuditEvent;
use regcred_core::credentials::{DockerCredentials, MOST_IN_PROJECT, Username};
use regcred_core::ids::{CredentialsId, ProjectId};
use regcred_core::registry::Registry;
use regcred_core::store::{
    DecideUpgrade, DescribeDeletion, NewCredentials, StoredPassword, Upgrade,
};
use regcred_core::{Error, Result};
use rusqlite::{Connection, params};

use super::columns::{Columns, all, execute, first};
use super::writer::Unit;

/// At most `limit` of them, the first ones.
pub(super) fn list(
    db: &Connection,
    project: ProjectId,
    limit: usize,
) -> Result<Vec<DockerCredentials>> {
    let sql = "SELECT id, registry, registry_key, username, version, last_update \
               FROM docker_credentials WHERE project_id = ? ORDER BY id LIMIT ?";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    all(
        db,
        TABLE,
        sql,
        params![project.as_bytes(), limit],
        credentials,
    )
}

pub(super) fn get(
    db: &Connection,
    project: ProjectId,
    id: CredentialsId,
) -> Result<Option<DockerCredentials>> {
    let sql = "SELECT id, registry, registry_key, username, version, last_update \
               FROM docker_credentials WHERE project_id = ? AND id = ?";
    let params = [project.as_bytes(), id.as_bytes()];
    first(db, TABLE, sql, params, credentials)
}

pub(super) fn create(
    unit: &mut Unit<'_>,
    project: ProjectId,
    new: &NewCredentials,
    event: &AuditEvent,
) -> Result<()> {
    let NewCredentials {
        credentials,
        password,
    } = new;
    make_room(unit.db, project)?;
    let added = execute(
        unit.db,
        "INSERT INTO docker_credentials \
         (project_id, id, registry, registry_key, username, version, last_update, password) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (project_id, registry_key, username) DO NOTHING",
        params![
            project.as_bytes(),
            credentials.id.as_bytes(),
            credentials.registry.typed(),
            credentials.registry.key().as_str(),
            credentials.username.as_str(),
            credentials.version,
            credentials.last_update.as_micros(),
            password.as_bytes(),
        ],
    )?;
    if added == 0 {
        let (registry, username) = (&credentials.registry, &credentials.username);
        let holder = holder(unit.db, project, registry, username)?;
        return Err(match holder {
            Some(holder) => taken(holder, registry, username),
            None => Error::internal("docker_credentials refused a row that nothing stands against"),
        });
    }
    unit.record(event)
}

/// Counts one more in the project; refuses where it is gone or full.
fn make_room(db: &Connection, project: ProjectId) -> Result<()> {
    let most = i64::try_from(MOST_IN_PROJECT).unwrap_or(i64::MAX);
    let counted = execute(
        db,
        "UPDATE project SET credentials = credentials + 1 WHERE id = ? AND credentials < ?",
        params![project.as_bytes(), most],
    )?;
    if counted > 0 {
        return Ok(());
    }
    let sql = "SELECT id FROM project WHERE id = ?";
    match first(db, "project", sql, [project.as_bytes()], |_| Ok(()))? {
        None => Err(Error::not_found(format!(
            "there is no project {project} that you may see"
        ))),
        Some(()) => Err(Error::invalid(format!(
            "the project has {MOST_IN_PROJECT} Docker credentials, the most that one may have; delete some, or use \
             another project"
        ))),
    }
}

pub(super) fn upgrade(
    unit: &mut Unit<'_>,
    project: ProjectId,
    id: CredentialsId,
    decide: DecideUpgrade,
) -> Result<Option<DockerCredentials>> {
    let Some(present) = get(unit.db, project, id)? else {
        return Ok(None);
    };
    let Upgrade {
        registry,
        username,
        version,
        at,
        password,
        event,
    } = decide(&present)?;
    if let Some(holder) = holder(unit.db, project, &registry, &username)?
        && holder != id
    {
        return Err(taken(holder, &registry, &username));
    }
    execute(
        unit.db,
        "UPDATE docker_credentials SET registry = ?, registry_key = ?, username = ?, version = ?, last_update = ?, \
         password = ? WHERE project_id = ? AND id = ?",
        params![
            registry.typed(),
            registry.key().as_str(),
            username.as_str(),
            version,
            at.as_micros(),
            password.as_bytes(),
            project.as_bytes(),
            id.as_bytes(),
        ],
    )?;
    unit.record(&event)?;
    Ok(Some(DockerCredentials {
        id,
        registry,
        username,
        version,
        last_update: at,
    }))
}

pub(super) fn delete(
    unit: &mut Unit<'_>,
    project: ProjectId,
    id: CredentialsId,
    describe: DescribeDeletion,
) -> Result<bool> {
    let Some(present) = get(unit.db, project, id)? else {
        return Ok(false);
    };
    let sql = "DELETE FROM docker_credentials WHERE project_id = ? AND id = ?";
    execute(unit.db, sql, [project.as_bytes(), id.as_bytes()])?;
    let sql = "UPDATE project SET credentials = credentials - 1 WHERE id = ?";
    execute(unit.db, sql, [project.as_bytes()])?;
    unit.record(&describe(&present))?;
    Ok(true)
}

/// Behind `after` in the order of (project, id).
pub(super) fn sealed(
    db: &Connection,
    after: Option<(ProjectId, CredentialsId)>,
    limit: usize,
) -> Result<Vec<StoredPassword>> {
    let nothing: &[u8] = &[];
    let (project, id) = match &after {
        Some((project, id)) => (project.as_bytes().as_slice(), id.as_bytes().as_slice()),
        None => (nothing, nothing),
    };
    let sql = "SELECT id, registry, registry_key, username, version, last_update, project_id, password \
               FROM docker_credentials WHERE (project_id, id) > (?, ?) ORDER BY project_id, id LIMIT ?";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    all(db, TABLE, sql, params![project, id, limit], |row| {
        Ok(StoredPassword {
            project: row.id(6, "project_id", ProjectId::from_bytes)?,
            credentials: credentials(row)?,
            password: row.get(7, "password")?,
        })
    })
}

/// The credentials that hold the couple (registry, username) in the project.
fn holder(
    db: &Connection,
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
    })
}

const TABLE: &str = "docker_credentials";
