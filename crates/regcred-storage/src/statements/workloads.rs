//! Jobs and apps with their versions.

use regcred_core::audit::AuditEvent;
use regcred_core::ids::{CredentialsId, ProjectId, WorkloadId, parse_uuid};
use regcred_core::project::Description;
use regcred_core::registry::RegistryKey;
use regcred_core::store::{DecideVersion, DescribeWorkload, WorkloadChange};
use regcred_core::workload::{
    Alias, Extent, MOST_VERSIONS, MOST_VERSIONS_IN_PROJECT, MOST_WORKLOADS, Pin, PinnedImage,
    Texts, User, Version, Weight, Workload, WorkloadKind, WorkloadList, WorkloadName,
};
use regcred_core::{Error, Result};

use crate::sql::{Columns, Database, all, execute, first, params};
use crate::unit::Unit;

use super::credentials;

/// Versions, as [`version`] reads them; the first parameter is the [`Texts`] in bits.
macro_rules! select_version {
    () => {
        "v.number, CASE WHEN ?1 & 8 <> 0 THEN v.creator ELSE '' END, v.created_at, \
         CASE WHEN ?1 & 16 <> 0 OR v.image IS NULL THEN v.image ELSE '' END, \
         CASE WHEN ?1 & 16 <> 0 OR v.image IS NULL THEN v.image_key ELSE '' END, v.credentials_id, \
         CASE WHEN ?1 & 32 <> 0 THEN v.details ELSE '{}' END"
    };
}

/// Workloads with their current versions, as [`workload`] reads them; the first parameter is the [`Texts`] in bits.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT w.id, w.kind, CASE WHEN ?1 & 1 <> 0 THEN w.name ELSE '' END, CASE WHEN ?1 & 2 <> 0 THEN w.alias END, \
             CASE WHEN ?1 & 4 <> 0 THEN w.description END, CASE WHEN ?1 & 64 <> 0 THEN w.category ELSE '' END, w.technology, \
             CASE WHEN ?1 & 8 <> 0 THEN w.creator ELSE '' END, w.created_at, w.settings, ",
            select_version!(),
            " FROM workload w JOIN workload_version v ON v.workload_id = w.id AND v.current = 1 ",
            $rest
        )
    };
}

pub(crate) fn home(
    db: &dyn Database,
    kind: WorkloadKind,
    id: WorkloadId,
) -> Result<Option<ProjectId>> {
    let sql = "SELECT project_id FROM workload WHERE id = ? AND kind = ?";
    first(db, TABLE, sql, params![id.as_bytes(), kind.word()], |row| {
        row.id(0, "project_id", ProjectId::from_bytes)
    })
}

pub(crate) fn list(
    db: &dyn Database,
    project: ProjectId,
    kind: WorkloadKind,
    Extent { limit, texts }: Extent,
) -> Result<Vec<Workload>> {
    let sql = select!("WHERE w.project_id = ? AND w.kind = ? ORDER BY w.id LIMIT ?");
    let params = params![texts.bits(), project.as_bytes(), kind.word(), bound(limit)];
    all(db, TABLE, sql, params, workload)
}

/// The bytes of what [`select_version`] reads.
macro_rules! weigh_version {
    () => {
        "CASE WHEN ?1 & 8 <> 0 THEN octet_length(v.creator) ELSE 0 END + \
         CASE WHEN ?1 & 16 <> 0 THEN coalesce(octet_length(v.image) + octet_length(v.image_key), 0) ELSE 0 END + \
         CASE WHEN ?1 & 32 <> 0 THEN octet_length(v.details) ELSE 0 END"
    };
}

/// The number of rows and the bytes of the texts in them, of which a database knows the lengths without reading them.
macro_rules! weigh {
    ($rest:literal) => {
        concat!(
            "SELECT count(*), coalesce(sum(bytes), 0) FROM \
             (SELECT CASE WHEN ?1 & 64 <> 0 THEN octet_length(w.category) ELSE 0 END + \
             CASE WHEN ?1 & 1 <> 0 THEN octet_length(w.name) ELSE 0 END + \
             CASE WHEN ?1 & 2 <> 0 THEN coalesce(octet_length(w.alias), 0) ELSE 0 END + \
             CASE WHEN ?1 & 4 <> 0 THEN coalesce(octet_length(w.description), 0) ELSE 0 END + \
             CASE WHEN ?1 & 8 <> 0 THEN octet_length(w.creator) ELSE 0 END + ",
            weigh_version!(),
            " AS bytes FROM workload w JOIN workload_version v ON v.workload_id = w.id AND v.current = 1 ",
            $rest,
            ") AS listed"
        )
    };
}

pub(crate) fn weigh(
    db: &dyn Database,
    project: ProjectId,
    list: WorkloadList,
    Extent { limit, texts }: Extent,
) -> Result<Weight> {
    let (project, limit) = (project.as_bytes(), bound(limit));
    let weight = |row: &Columns<'_>| Ok([row.get::<i64>(0, "count")?, row.get(1, "bytes")?]);
    let found = match list {
        WorkloadList::All(kind) => {
            let sql = weigh!("WHERE w.project_id = ? AND w.kind = ? ORDER BY w.id LIMIT ?");
            let params = params![texts.bits(), project, kind.word(), limit];
            first(db, TABLE, sql, params, weight)?
        }
        WorkloadList::Using(kind, None) => {
            let sql = weigh!(
                "WHERE w.project_id = ? AND w.kind = ? AND v.credentials_id IS NOT NULL ORDER BY w.id LIMIT ?"
            );
            let params = params![texts.bits(), project, kind.word(), limit];
            first(db, TABLE, sql, params, weight)?
        }
        WorkloadList::Using(kind, Some(of)) => {
            let sql = weigh!(
                "WHERE v.project_id = ? AND v.current = 1 AND v.credentials_id = ? AND w.kind = ? ORDER BY w.id LIMIT ?"
            );
            let params = params![texts.bits(), project, of.as_bytes(), kind.word(), limit];
            first(db, TABLE, sql, params, weight)?
        }
        WorkloadList::Versions(of) => {
            let sql = concat!(
                "SELECT count(*), coalesce(sum(bytes), 0) FROM (SELECT ",
                weigh_version!(),
                " AS bytes FROM workload_version v WHERE workload_id = ? AND project_id = ? ORDER BY number DESC LIMIT ?) AS listed"
            );
            let params = params![texts.bits(), of.as_bytes(), project, limit];
            first(db, VERSIONS, sql, params, weight)?
        }
    };
    let [rows, bytes] = found.unwrap_or_default();
    let size =
        |number: i64| usize::try_from(number).map_err(|_| Error::internal("a size is negative"));
    Ok(Weight {
        rows: size(rows)?,
        bytes: size(bytes)?,
    })
}

pub(crate) fn count(db: &dyn Database, project: ProjectId, kind: WorkloadKind) -> Result<u64> {
    let sql = "SELECT count(*) FROM workload WHERE project_id = ? AND kind = ?";
    let params = params![project.as_bytes(), kind.word()];
    number(first(db, TABLE, sql, params, |row| {
        row.get::<i64>(0, "count")
    })?)
}

pub(crate) fn using(
    db: &dyn Database,
    project: ProjectId,
    kind: WorkloadKind,
    of: Option<CredentialsId>,
    Extent { limit, texts }: Extent,
) -> Result<Vec<Workload>> {
    if let Some(id) = of {
        let sql = select!(
            "WHERE v.project_id = ? AND v.current = 1 AND v.credentials_id = ? AND w.kind = ? ORDER BY w.id LIMIT ?"
        );
        let params = params![
            texts.bits(),
            project.as_bytes(),
            id.as_bytes(),
            kind.word(),
            bound(limit)
        ];
        all(db, TABLE, sql, params, workload)
    } else {
        let sql = select!(
            "WHERE w.project_id = ? AND w.kind = ? AND v.credentials_id IS NOT NULL ORDER BY w.id LIMIT ?"
        );
        let params = params![texts.bits(), project.as_bytes(), kind.word(), bound(limit)];
        all(db, TABLE, sql, params, workload)
    }
}

pub(crate) fn get(
    db: &dyn Database,
    project: ProjectId,
    kind: WorkloadKind,
    id: WorkloadId,
) -> Result<Option<Workload>> {
    let sql = select!("WHERE w.project_id = ? AND w.kind = ? AND w.id = ?");
    let params = params![
        Texts::ALL.bits(),
        project.as_bytes(),
        kind.word(),
        id.as_bytes()
    ];
    first(db, TABLE, sql, params, workload)
}

pub(crate) fn versions(
    db: &dyn Database,
    project: ProjectId,
    id: WorkloadId,
    Extent { limit, texts }: Extent,
) -> Result<Vec<Version>> {
    let sql = concat!(
        "SELECT ",
        select_version!(),
        " FROM workload_version v WHERE workload_id = ? AND project_id = ? ORDER BY number DESC LIMIT ?"
    );
    let params = params![
        texts.bits(),
        id.as_bytes(),
        project.as_bytes(),
        bound(limit)
    ];
    all(db, VERSIONS, sql, params, |row| version(row, 0))
}

pub(crate) fn create(
    unit: &mut Unit<'_>,
    project: ProjectId,
    workload: &Workload,
    event: &AuditEvent,
) -> Result<()> {
    make_room(unit.db, project)?;
    own_credentials(unit.db, project, &workload.current)?;
    let added = execute(
        unit.db,
        "INSERT INTO workload (project_id, kind, id, name, name_key, alias, description, category, technology, creator, \
         created_at, settings) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
         ON CONFLICT (project_id, kind, name_key) DO NOTHING",
        params![
            project.as_bytes(),
            workload.kind.word(),
            workload.id.as_bytes(),
            workload.name.as_str(),
            workload.name.key(),
            workload.alias.as_ref().map(Alias::as_str),
            workload.description.as_ref().map(Description::as_str),
            &workload.category,
            workload.technology.to_string(),
            &workload.creator,
            workload.created.as_micros(),
            serde_json::to_string(&workload.settings).map_err(unwritable)?,
        ],
    )?;
    if added == 0 {
        return Err(taken(workload.kind, &workload.name));
    }
    insert(unit.db, project, workload.id, &workload.current)?;
    unit.record(event)
}

/// Refuses where the project is gone or full of workloads.
fn make_room(db: &dyn Database, project: ProjectId) -> Result<()> {
    let sql = "SELECT p.id, (SELECT count(*) FROM workload WHERE project_id = p.id) FROM project p WHERE p.id = ?";
    let there = first(db, TABLE, sql, [project.as_bytes()], |row| {
        row.get::<i64>(1, "count")
    })?;
    let Some(there) = there else {
        return Err(Error::not_found(format!(
            "there is no project {project} that you may see"
        )));
    };
    if usize::try_from(there).is_ok_and(|there| there < MOST_WORKLOADS) {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "the project has {MOST_WORKLOADS} jobs and apps, the most that one may have; delete some, or use another project"
    )))
}

/// Counts one more version in the project; refuses where it has as many as it may.
fn make_room_for_version(db: &dyn Database, project: ProjectId) -> Result<()> {
    let sql = "UPDATE project SET workload_versions = workload_versions + 1 WHERE id = ? AND workload_versions < ?";
    if execute(
        db,
        sql,
        params![project.as_bytes(), MOST_VERSIONS_IN_PROJECT],
    )? > 0
    {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "the jobs and apps of the project have {MOST_VERSIONS_IN_PROJECT} versions, the most that they may have together; \
         delete some of them, or use another project"
    )))
}

/// A version that is to count names no credentials but those of its project.
fn own_credentials(db: &dyn Database, project: ProjectId, version: &Version) -> Result<()> {
    let named = version.image.as_ref().and_then(PinnedImage::credentials);
    match named {
        Some(id) if credentials::get(db, project, id)?.is_none() => Err(Error::invalid(format!(
            "there are no Docker credentials {id} in the project; name some of its own"
        ))
        .in_field("dockerCredentialsId")),
        _ => Ok(()),
    }
}

/// Adds a version, as the current one; there is no other current one by now.
fn insert(db: &dyn Database, project: ProjectId, of: WorkloadId, version: &Version) -> Result<()> {
    make_room_for_version(db, project)?;
    let image = version.image.as_ref();
    let credentials = image.and_then(PinnedImage::credentials);
    execute(
        db,
        "INSERT INTO workload_version (workload_id, number, project_id, current, creator, created_at, image, image_key, \
         credentials_id, details) VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?, ?)",
        params![
            of.as_bytes(),
            version.number,
            project.as_bytes(),
            &version.creator,
            version.created.as_micros(),
            image.map(PinnedImage::typed),
            image.map(|image| image.key().as_str()),
            credentials.as_ref().map(CredentialsId::as_bytes),
            serde_json::to_string(&version.details).map_err(unwritable)?,
        ],
    )
    .map(drop)
}

pub(crate) fn add_version(
    unit: &mut Unit<'_>,
    project: ProjectId,
    kind: WorkloadKind,
    id: WorkloadId,
    decide: &DecideVersion,
) -> Result<Option<Version>> {
    if get(unit.db, project, kind, id)?.is_none() {
        return Ok(None);
    }
    let sql = "SELECT max(number) FROM workload_version WHERE workload_id = ?";
    let last = first(unit.db, VERSIONS, sql, [id.as_bytes()], |row| {
        row.get::<u32>(0, "number")
    })?;
    let last = last.unwrap_or(0);
    if last >= MOST_VERSIONS {
        return Err(Error::invalid(format!(
            "the {} has {MOST_VERSIONS} versions, the most that one may have; make another one",
            kind.word()
        )));
    }
    let (version, event) = decide(last + 1);
    own_credentials(unit.db, project, &version)?;
    none_is_current(unit.db, id)?;
    insert(unit.db, project, id, &version)?;
    unit.record(&event)?;
    Ok(Some(version))
}

pub(crate) fn roll_back(
    unit: &mut Unit<'_>,
    project: ProjectId,
    kind: WorkloadKind,
    id: WorkloadId,
    to: u32,
    describe: &DescribeWorkload,
) -> Result<Option<Workload>> {
    if get(unit.db, project, kind, id)?.is_none() {
        return Ok(None);
    }
    none_is_current(unit.db, id)?;
    let sql = "UPDATE workload_version SET current = 1 WHERE workload_id = ? AND number = ?";
    if execute(unit.db, sql, params![id.as_bytes(), to])? == 0 {
        return Err(Error::not_found(format!(
            "the {} has no version {to}",
            kind.word()
        )));
    }
    let now = get(unit.db, project, kind, id)?;
    if let Some(now) = &now {
        own_credentials(unit.db, project, &now.current)?;
        unit.record(&describe(now))?;
    }
    Ok(now)
}

fn none_is_current(db: &dyn Database, id: WorkloadId) -> Result<()> {
    let sql = "UPDATE workload_version SET current = 0 WHERE workload_id = ? AND current = 1";
    execute(db, sql, [id.as_bytes()]).map(drop)
}

pub(crate) fn edit(
    unit: &mut Unit<'_>,
    project: ProjectId,
    kind: WorkloadKind,
    id: WorkloadId,
    change: &WorkloadChange,
    event: &AuditEvent,
) -> Result<Option<Workload>> {
    let Some(present) = get(unit.db, project, kind, id)? else {
        return Ok(None);
    };
    if let Some(name) = &change.name
        && named(unit.db, project, kind, name)?.is_some_and(|holder| holder != id)
    {
        return Err(taken(kind, name));
    }
    execute(
        unit.db,
        "UPDATE workload SET name = coalesce(?, name), name_key = coalesce(?, name_key), alias = coalesce(?, alias), \
         description = coalesce(?, description), settings = ? WHERE id = ?",
        params![
            change.name.as_ref().map(WorkloadName::as_str),
            change.name.as_ref().map(WorkloadName::key),
            change.alias.as_ref().map(Alias::as_str),
            change.description.as_ref().map(Description::as_str),
            serde_json::to_string(&change.settings(&present.settings)).map_err(unwritable)?,
            id.as_bytes(),
        ],
    )?;
    unit.record(event)?;
    get(unit.db, project, kind, id)
}

pub(crate) fn delete(
    unit: &mut Unit<'_>,
    project: ProjectId,
    kind: WorkloadKind,
    id: WorkloadId,
    describe: &DescribeWorkload,
) -> Result<Option<Workload>> {
    let Some(present) = get(unit.db, project, kind, id)? else {
        return Ok(None);
    };
    execute(
        unit.db,
        "UPDATE project SET workload_versions = workload_versions - \
         (SELECT count(*) FROM workload_version WHERE workload_id = ?) WHERE id = ?",
        [id.as_bytes(), project.as_bytes()],
    )?;
    execute(
        unit.db,
        "DELETE FROM workload WHERE id = ?",
        [id.as_bytes()],
    )?;
    unit.record(&describe(&present))?;
    Ok(Some(present))
}

/// The first `limit` of those whose current version uses credentials, and how many there are.
pub(crate) fn users(
    db: &dyn Database,
    project: ProjectId,
    of: CredentialsId,
    limit: usize,
) -> Result<(Vec<User>, u64)> {
    let sql = "SELECT count(*) FROM workload_version WHERE project_id = ? AND credentials_id = ? AND current = 1";
    let params = [project.as_bytes(), of.as_bytes()];
    let count = number(first(db, VERSIONS, sql, params, |row| row.get(0, "count"))?)?;
    if count == 0 {
        return Ok((Vec::new(), 0));
    }
    let sql = "SELECT w.id, w.kind, w.name FROM workload_version v JOIN workload w ON w.id = v.workload_id \
               WHERE v.project_id = ? AND v.credentials_id = ? AND v.current = 1 ORDER BY w.kind DESC, w.name_key LIMIT ?";
    let params = params![project.as_bytes(), of.as_bytes(), bound(limit)];
    Ok((all(db, TABLE, sql, params, |row| user(row, 0))?, count))
}

pub(crate) fn pins(db: &dyn Database, project: ProjectId, image: &RegistryKey) -> Result<Vec<Pin>> {
    let sql = "SELECT w.id, w.kind, w.name, p.credentials_id, p.pinning FROM \
               (SELECT credentials_id, workload_id, count(*) OVER (PARTITION BY credentials_id) AS pinning, \
               row_number() OVER (PARTITION BY credentials_id ORDER BY workload_id) AS place FROM workload_version \
               WHERE project_id = ? AND image_key = ? AND current = 1 AND credentials_id IS NOT NULL) p \
               JOIN workload w ON w.id = p.workload_id WHERE p.place = 1 ORDER BY p.credentials_id";
    let params = params![project.as_bytes(), image.as_str()];
    all(db, TABLE, sql, params, |row| {
        Ok(Pin {
            credentials: row.id(3, "credentials_id", CredentialsId::from_bytes)?,
            by: user(row, 0)?,
            count: number(Some(row.get(4, "count")?))?,
        })
    })
}

fn named(
    db: &dyn Database,
    project: ProjectId,
    kind: WorkloadKind,
    name: &WorkloadName,
) -> Result<Option<WorkloadId>> {
    let sql = "SELECT id FROM workload WHERE project_id = ? AND kind = ? AND name_key = ?";
    let params = params![project.as_bytes(), kind.word(), name.key()];
    first(db, TABLE, sql, params, |row| {
        row.id(0, "id", WorkloadId::from_bytes)
    })
}

fn taken(kind: WorkloadKind, name: &WorkloadName) -> Error {
    let (kind, name) = (kind.word(), name.as_str());
    Error::conflict(format!(
        "the project has {} {kind} named `{name}` already (the case does not count); choose another name, or add a \
         version to that one",
        if kind == "app" { "an" } else { "a" }
    ))
}

fn workload(row: &Columns<'_>) -> Result<Workload> {
    let User { id, kind, name } = user(row, 0)?;
    Ok(Workload {
        id,
        kind,
        name,
        alias: row.get::<Option<_>>(3, "alias")?.map(Alias::from_stored),
        description: row
            .get::<Option<_>>(4, "description")?
            .map(Description::from_stored),
        category: row.get(5, "category")?,
        technology: row.parsed(6, "technology", |text| parse_uuid(text).ok())?,
        creator: row.get(7, "creator")?,
        created: row.moment(8, "created_at")?,
        settings: row.parsed(9, "settings", |text| serde_json::from_str(text).ok())?,
        current: version(row, 10)?,
    })
}

pub(crate) fn user(row: &Columns<'_>, at: usize) -> Result<User> {
    Ok(User {
        id: row.id(at, "id", WorkloadId::from_bytes)?,
        kind: row.parsed(at + 1, "kind", WorkloadKind::from_word)?,
        name: WorkloadName::from_stored(row.get(at + 2, "name")?),
    })
}

fn version(row: &Columns<'_>, at: usize) -> Result<Version> {
    let image = match row.get::<Option<String>>(at + 3, "image")? {
        None => None,
        Some(typed) => {
            let credentials: Option<[u8; 16]> = row.get(at + 5, "credentials_id")?;
            let credentials = credentials.map(CredentialsId::from_bytes);
            let key = row.get(at + 4, "image_key")?;
            Some(PinnedImage::from_stored(typed, key, credentials))
        }
    };
    Ok(Version {
        number: row.get(at, "number")?,
        creator: row.get(at + 1, "creator")?,
        created: row.moment(at + 2, "created_at")?,
        image,
        details: row.parsed(at + 6, "details", |text| serde_json::from_str(text).ok())?,
    })
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the signature that map_err wants"
)]
fn unwritable(error: serde_json::Error) -> Error {
    Error::internal(format!("a workload as JSON: {error}"))
}

fn bound(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn number(count: Option<i64>) -> Result<u64> {
    u64::try_from(count.unwrap_or(0)).map_err(|_| Error::internal("a count is negative"))
}

const TABLE: &str = "workload";
const VERSIONS: &str = "workload_version";
