//! The versions of credentials: what counts lies in `docker_credentials`, the others in `credentials_version`.

use regcred_core::credentials::version::{
    CredentialsVersion, GracePeriod, MOST_PREVIOUS, VersionState,
};
use regcred_core::credentials::{DockerCredentials, Username};
use regcred_core::ids::{CredentialsId, ProjectId};
use regcred_core::registry::{ImageReference, Registry};
use regcred_core::store::{
    DecideSwitch, DecideUpgrade, DescribeVersion, Present, StoredPassword, Switch, Upgrade,
};
use regcred_core::{Error, Result, Timestamp};

use crate::sql::{Columns, Database, Value, all, execute, first, params, put};
use crate::unit::Unit;

use super::credentials::{self, Current};
use super::verifications;

/// The columns in the order in which [`stored`] and [`version`] read them.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT credentials_id, version, registry, registry_key, username, made_at, expires_at, base, superseded_at, ",
            "hold_until, project_id, password, probe, secret FROM credentials_version ",
            $rest
        )
    };
}

/// What changes of credentials are decided on.
pub(crate) struct Found {
    row: DockerCredentials,
    versions: Vec<CredentialsVersion>,
    next: u32,
    grace: GracePeriod,
}

impl Found {
    pub(crate) fn of(
        db: &dyn Database,
        project: ProjectId,
        id: CredentialsId,
    ) -> Result<Option<Self>> {
        let Some(row) = credentials::get(db, project, id)? else {
            return Ok(None);
        };
        let sql = "SELECT c.id, c.last_version, p.grace_period_days FROM docker_credentials c \
                   JOIN project p ON p.id = c.project_id WHERE c.project_id = ? AND c.id = ?";
        let key = [project.as_bytes(), id.as_bytes()];
        let known = first(db, "docker_credentials", sql, key, |row| {
            let last: u32 = row.get(1, "last_version")?;
            let days = row.get(2, "grace_period_days")?;
            Ok((last, GracePeriod::from_stored(days)))
        })?;
        let (last, grace) = known
            .ok_or_else(|| Error::internal("docker_credentials holds a row without a project"))?;
        let next = last.checked_add(1);
        Ok(Some(Self {
            versions: of(db, project, &row)?,
            row,
            next: next.ok_or_else(|| Error::internal("the versions ran over"))?,
            grace,
        }))
    }

    pub(crate) fn present(&self) -> Present<'_> {
        Present {
            row: &self.row,
            versions: &self.versions,
            next: self.next,
            grace: self.grace,
        }
    }
}

/// All versions, the latest first; none where the credentials are absent.
pub(crate) fn list(
    db: &dyn Database,
    project: ProjectId,
    id: CredentialsId,
) -> Result<Vec<CredentialsVersion>> {
    match credentials::get(db, project, id)? {
        Some(row) => of(db, project, &row),
        None => Ok(Vec::new()),
    }
}

/// All versions of a row, which has the one that counts.
fn of(
    db: &dyn Database,
    project: ProjectId,
    row: &DockerCredentials,
) -> Result<Vec<CredentialsVersion>> {
    let id = row.id;
    let sql = select!("WHERE project_id = ? AND credentials_id = ?");
    let key = [project.as_bytes(), id.as_bytes()];
    let mut versions = all(db, TABLE, sql, key, version)?;
    versions.push(CredentialsVersion {
        number: row.version,
        state: VersionState::Current,
        registry: row.registry.clone(),
        username: row.username.clone(),
        at: row.last_update,
        expires: row.expires,
        secret: row.secret,
        proof: None,
        refused: None,
    });
    versions.sort_by_key(|version| std::cmp::Reverse(version.number));
    let proofs = verifications::list(db, project, Some(id))?;
    let known = versions
        .into_iter()
        .map(|version| version.proved_by(&proofs));
    Ok(known.collect())
}

/// Adds a version beside the current one, in place of one that was staged before.
pub(crate) fn stage(
    unit: &mut Unit<'_>,
    project: ProjectId,
    id: CredentialsId,
    decide: &DecideUpgrade,
) -> Result<Option<CredentialsVersion>> {
    let Some(found) = Found::of(unit.db, project, id)? else {
        return Ok(None);
    };
    let staged = decide(&found.present())?;
    credentials::check_couple(unit.db, project, id, &staged.registry, &staged.username)?;
    let key = [project.as_bytes(), id.as_bytes()];
    let sql = "DELETE FROM credentials_version WHERE project_id = ? AND credentials_id = ? AND base IS NOT NULL";
    put(unit.db, sql, key)?;
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
        hold_until: _,
        event,
    } = staged;
    put(
        unit.db,
        "INSERT INTO credentials_version (project_id, credentials_id, version, base, registry, registry_key, username, \
         made_at, expires_at, password, probe, secret) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            project.as_bytes(),
            id.as_bytes(),
            version,
            found.row.version,
            registry.typed(),
            registry.key().as_str(),
            username.as_str(),
            at.as_micros(),
            expires.map(Timestamp::as_micros),
            password.as_bytes(),
            probe.as_ref().map(ToString::to_string),
            secret,
        ],
    )?;
    give_number(unit.db, project, id, version)?;
    if let Some(proof) = proof {
        verifications::keep(unit.db, project, proof)?;
    }
    unit.record(&event)?;
    let staged = CredentialsVersion {
        number: version,
        state: VersionState::Staged {
            base: found.row.version,
        },
        registry,
        username,
        at,
        expires,
        secret,
        proof: None,
        refused: None,
    };
    Ok(Some(staged.proved_by(proof.as_slice())))
}

/// Makes another version the current one, and holds the one before.
pub(crate) fn switch(
    unit: &mut Unit<'_>,
    project: ProjectId,
    id: CredentialsId,
    decide: &DecideSwitch,
) -> Result<Option<DockerCredentials>> {
    let Some(found) = Found::of(unit.db, project, id)? else {
        return Ok(None);
    };
    let Switch {
        to,
        at,
        hold_until,
        event,
    } = decide(&found.present())?;
    let chosen = sealed(unit.db, project, id, to)?;
    let chosen = chosen.ok_or_else(|| Error::internal("a version was picked that is not there"))?;
    let next = DockerCredentials {
        last_update: at,
        ..chosen.credentials
    };
    credentials::check_couple(unit.db, project, id, &next.registry, &next.username)?;
    remove(unit.db, project, id, to)?;
    let current = Current {
        row: &next,
        password: &chosen.password,
    };
    credentials::replace(unit.db, project, &current, hold_until)?;
    unit.record(&event)?;
    Ok(Some(next))
}

/// Removes a version that is not the current one; `false` where there is none.
pub(crate) fn destroy(
    unit: &mut Unit<'_>,
    project: ProjectId,
    id: CredentialsId,
    number: u32,
    describe: &DescribeVersion,
) -> Result<bool> {
    let versions = list(unit.db, project, id)?;
    let Some(gone) = versions.iter().find(|version| version.number == number) else {
        return Ok(false);
    };
    if gone.state == VersionState::Current {
        return Err(Error::conflict(format!(
            "version {number} is the current one; promote another one or bring one back before, or delete the credentials"
        )));
    }
    remove(unit.db, project, id, number)?;
    unit.record(&describe(gone))?;
    Ok(true)
}

/// Keeps the version that counts beside it until a moment, before another one takes its place.
pub(crate) fn hold(
    db: &dyn Database,
    project: ProjectId,
    id: CredentialsId,
    at: Timestamp,
    until: Timestamp,
) -> Result<()> {
    if until <= at {
        return Ok(());
    }
    let key = params![
        project.as_bytes(),
        id.as_bytes(),
        at.as_micros(),
        until.as_micros()
    ];
    put(
        db,
        "INSERT INTO credentials_version (project_id, credentials_id, version, superseded_at, hold_until, registry, \
         registry_key, username, made_at, expires_at, password, probe, secret) \
         SELECT project_id, id, version, ?3, ?4, registry, registry_key, username, last_update, expires_at, password, probe, \
         secret \
         FROM docker_credentials WHERE project_id = ?1 AND id = ?2",
        key,
    )?;
    let most = i64::try_from(MOST_PREVIOUS).unwrap_or(i64::MAX);
    put(
        db,
        "DELETE FROM credentials_version WHERE project_id = ?1 AND credentials_id = ?2 AND base IS NULL AND version NOT IN \
         (SELECT version FROM credentials_version WHERE project_id = ?1 AND credentials_id = ?2 AND base IS NULL \
         ORDER BY superseded_at DESC, version DESC LIMIT ?3)",
        params![project.as_bytes(), id.as_bytes(), most],
    )?;
    Ok(())
}

/// Writes down that a number is given.
pub(crate) fn give_number(
    db: &dyn Database,
    project: ProjectId,
    id: CredentialsId,
    number: u32,
) -> Result<()> {
    let sql = "UPDATE docker_credentials SET last_version = ? WHERE project_id = ? AND id = ?";
    put(db, sql, params![number, project.as_bytes(), id.as_bytes()])
}

/// Removes those whose time is over, at most `limit` of them; how many.
pub(crate) fn purge(unit: &Unit<'_>, now: Timestamp, limit: u32) -> Result<usize> {
    execute(
        unit.db,
        "DELETE FROM credentials_version WHERE hold_until <= ?1 AND (project_id, credentials_id, version) IN \
         (SELECT project_id, credentials_id, version FROM credentials_version WHERE hold_until <= ?1 \
         ORDER BY hold_until LIMIT ?2)",
        params![now.as_micros(), limit],
    )
}

/// One of them, with its sealed password.
pub(crate) fn sealed(
    db: &dyn Database,
    project: ProjectId,
    id: CredentialsId,
    number: u32,
) -> Result<Option<StoredPassword>> {
    let current = credentials::sealed_current(db, project, id)?;
    if current
        .as_ref()
        .is_some_and(|stored| stored.credentials.version == number)
    {
        return Ok(current);
    }
    let sql = select!("WHERE project_id = ? AND credentials_id = ? AND version = ?");
    let key = params![project.as_bytes(), id.as_bytes(), number];
    first(db, TABLE, sql, key, stored)
}

/// All that are held at a moment, with their sealed passwords, in the order of their numbers. One statement for the two tables,
/// so that it sees one state of the database and asks once.
pub(crate) fn sealed_held(
    db: &dyn Database,
    project: ProjectId,
    id: CredentialsId,
    now: Timestamp,
) -> Result<Vec<StoredPassword>> {
    let sql = select!(
        "WHERE project_id = ?1 AND credentials_id = ?2 AND (base IS NOT NULL OR hold_until > ?3) UNION ALL \
         SELECT id, version, registry, registry_key, username, last_update, expires_at, NULL, NULL, NULL, project_id, password, \
         probe, secret FROM docker_credentials WHERE project_id = ?1 AND id = ?2"
    );
    let key = params![project.as_bytes(), id.as_bytes(), now.as_micros()];
    let mut held = all(db, EITHER_TABLE, sql, key, stored)?;
    held.sort_by_key(|stored| stored.credentials.version);
    Ok(held)
}

/// Those behind a key, with their sealed passwords, in its order; how many at most comes last.
pub(crate) fn sealed_behind(
    db: &dyn Database,
    key_and_most: [Value<'_>; 4],
) -> Result<Vec<StoredPassword>> {
    let sql = select!(
        "WHERE (project_id, credentials_id, version) > (?1, ?2, ?3) ORDER BY project_id, credentials_id, version LIMIT ?4"
    );
    all(db, TABLE, sql, key_and_most, stored)
}

fn remove(db: &dyn Database, project: ProjectId, id: CredentialsId, number: u32) -> Result<()> {
    let sql = "DELETE FROM credentials_version WHERE project_id = ? AND credentials_id = ? AND version = ?";
    put(db, sql, params![project.as_bytes(), id.as_bytes(), number])
}

fn version(row: &Columns<'_>) -> Result<CredentialsVersion> {
    let superseded = row.moment_if_any(8, "superseded_at")?;
    let until = row.moment_if_any(9, "hold_until")?;
    let state = match (row.get(7, "base")?, superseded, until) {
        (None, Some(superseded), Some(until)) => VersionState::Previous { superseded, until },
        (Some(base), None, None) => VersionState::Staged { base },
        _ => {
            return Err(Error::internal(
                "credentials_version holds a row that is neither staged nor previous",
            ));
        }
    };
    let read = stored(row)?.credentials;
    Ok(CredentialsVersion {
        number: read.version,
        state,
        registry: read.registry,
        username: read.username,
        at: read.last_update,
        expires: read.expires,
        secret: read.secret,
        proof: None,
        refused: None,
    })
}

/// The credentials as they are or were with a version.
fn stored(row: &Columns<'_>) -> Result<StoredPassword> {
    Ok(StoredPassword {
        credentials: DockerCredentials {
            id: row.id(0, "credentials_id", CredentialsId::from_bytes)?,
            version: row.get(1, "version")?,
            registry: Registry::from_stored(row.get(2, "registry")?, row.get(3, "registry_key")?),
            username: Username::from_stored(row.get(4, "username")?),
            last_update: row.moment(5, "made_at")?,
            expires: row.moment_if_any(6, "expires_at")?,
            probe: row.parsed_if_any(12, "probe", |text| ImageReference::parse(text).ok())?,
            secret: row.get(13, "secret")?,
        },
        project: row.id(10, "project_id", ProjectId::from_bytes)?,
        password: row.get(11, "password")?,
    })
}

const TABLE: &str = "credentials_version";
const EITHER_TABLE: &str = "docker_credentials or credentials_version";
