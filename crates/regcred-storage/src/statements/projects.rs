//! Projects, and who has which role in them.

use regcred_core::access::Role;
use regcred_core::audit::AuditEvent;
use regcred_core::credentials::version::GracePeriod;
use regcred_core::ids::{ProjectId, UserId};
use regcred_core::people::{GroupName, Login};
use regcred_core::project::{Description, Project, ProjectName, Technologies};
use regcred_core::store::{GroupRole, Member, ProjectChange, ProjectScope, Standing};
use regcred_core::verification::SavingPolicy;
use regcred_core::{Error, Result};

use crate::sql::{Columns, Database, all, execute, first, params, snapshot};
use crate::unit::Unit;

pub(crate) fn standing(db: &dyn Database, user: UserId, project: ProjectId) -> Result<Standing> {
    // The first row, without a role, says that the project exists.
    let sql = "SELECT id, NULL FROM project WHERE id = ?1 \
               UNION ALL SELECT project_id, role FROM project_member WHERE project_id = ?1 AND user_id = ?2 \
               UNION ALL SELECT g.project_id, g.role FROM project_group g \
               JOIN user_group u ON u.group_name = g.group_name WHERE g.project_id = ?1 AND u.user_id = ?2";
    let params = params![project.as_bytes(), user.as_bytes()];
    let found = all(db, "project_member", sql, params, |row| {
        match row.get::<Option<String>>(1, "role")? {
            None => Ok(None),
            Some(_) => row.parsed(1, "role", Role::from_word).map(Some),
        }
    })?;
    Ok(match found.into_iter().max() {
        None => Standing::NoProject,
        Some(None) => Standing::NoRole,
        Some(Some(role)) => Standing::Role(role),
    })
}

pub(crate) fn named(db: &dyn Database, name: &ProjectName) -> Result<Option<ProjectId>> {
    let sql = "SELECT id FROM project WHERE name_key = ?";
    first(db, TABLE, sql, [name.key()], |row| {
        row.id(0, "id", ProjectId::from_bytes)
    })
}

pub(crate) fn list(db: &dyn Database, scope: &ProjectScope) -> Result<Vec<Project>> {
    match scope {
        ProjectScope::All => {
            let sql = select("ORDER BY name_key");
            all(db, TABLE, &sql, params![], project)
        }
        ProjectScope::Of(user) => {
            let sql = select(
                "WHERE id IN (SELECT project_id FROM project_member WHERE user_id = ?1 \
                 UNION SELECT g.project_id FROM user_group u JOIN project_group g ON g.group_name = u.group_name \
                 WHERE u.user_id = ?1) ORDER BY name_key",
            );
            all(db, TABLE, &sql, [user.as_bytes()], project)
        }
        ProjectScope::These(ids) => snapshot(db, |db| {
            let found: Result<Vec<_>> = ids.iter().map(|id| get(db, *id)).collect();
            let mut projects: Vec<_> = found?.into_iter().flatten().collect();
            projects.sort_by_cached_key(|project| project.name.key());
            Ok(projects)
        }),
    }
}

pub(crate) fn get(db: &dyn Database, id: ProjectId) -> Result<Option<Project>> {
    first(db, TABLE, &select("WHERE id = ?"), [id.as_bytes()], project)
}

/// Whether the project's credentials are deleted although workloads use them.
pub(crate) fn deletes_credentials_in_use(db: &dyn Database, id: ProjectId) -> Result<bool> {
    Ok(get(db, id)?.is_some_and(|project| project.deletes_credentials_in_use))
}

pub(crate) fn create(
    unit: &mut Unit<'_>,
    maker: UserId,
    project: &Project,
    groups: &[GroupRole],
    event: &AuditEvent,
) -> Result<()> {
    let added = execute(
        unit.db,
        "INSERT INTO project (id, name, name_key, creator, description, technologies, deletes_credentials_in_use, \
         grace_period_days, verify_before_saving) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name_key) DO NOTHING",
        params![
            project.id.as_bytes(),
            project.name.as_str(),
            project.name.key(),
            &project.creator,
            project.description.as_ref().map(Description::as_str),
            to_json(&project.technologies)?,
            project.deletes_credentials_in_use,
            project.grace_period.days(),
            project.verify_before_saving.word(),
        ],
    )?;
    if added == 0 {
        return Err(taken(&project.name));
    }
    let sql = "INSERT INTO project_member (project_id, user_id, role) SELECT ?, id, ? FROM user_account WHERE id = ?";
    let made = execute(
        unit.db,
        sql,
        params![
            project.id.as_bytes(),
            Role::Manager.word(),
            maker.as_bytes()
        ],
    )?;
    if made == 0 {
        return Err(Error::unauthenticated());
    }
    set_groups(unit.db, project.id, groups)?;
    unit.record(event)
}

pub(crate) fn edit(
    unit: &mut Unit<'_>,
    id: ProjectId,
    change: &ProjectChange,
    event: &AuditEvent,
) -> Result<Option<Project>> {
    let ProjectChange {
        name,
        description,
        technologies,
        groups,
        deletes_credentials_in_use,
        grace_period,
        verify_before_saving,
    } = change;
    if let Some(name) = name
        && named(unit.db, name)?.is_some_and(|holder| holder != id)
    {
        return Err(taken(name));
    }
    let changed = execute(
        unit.db,
        "UPDATE project SET name = coalesce(?, name), name_key = coalesce(?, name_key), \
         description = coalesce(?, description), technologies = coalesce(?, technologies), \
         deletes_credentials_in_use = coalesce(?, deletes_credentials_in_use), \
         grace_period_days = coalesce(?, grace_period_days), verify_before_saving = coalesce(?, verify_before_saving) \
         WHERE id = ?",
        params![
            name.as_ref().map(ProjectName::as_str),
            name.as_ref().map(ProjectName::key),
            description.as_ref().map(Description::as_str),
            technologies.as_ref().map(to_json).transpose()?,
            *deletes_credentials_in_use,
            grace_period.map(GracePeriod::days),
            verify_before_saving.map(SavingPolicy::word),
            id.as_bytes(),
        ],
    )?;
    if changed == 0 {
        return Ok(None);
    }
    if let Some(groups) = groups {
        set_groups(unit.db, id, groups)?;
    }
    unit.tell()?;
    unit.record(event)?;
    get(unit.db, id)
}

pub(crate) fn delete(unit: &mut Unit<'_>, id: ProjectId, event: &AuditEvent) -> Result<bool> {
    execute(
        unit.db,
        "DELETE FROM service_token WHERE id IN (SELECT token_id FROM service_token_project WHERE project_id = ?1) \
         AND NOT EXISTS (SELECT 1 FROM service_token_project \
         WHERE token_id = service_token.id AND project_id <> ?1)",
        [id.as_bytes()],
    )?;
    let deleted = execute(unit.db, "DELETE FROM project WHERE id = ?", [id.as_bytes()])? > 0;
    if deleted {
        unit.tell()?;
        unit.record(event)?;
    }
    Ok(deleted)
}

pub(crate) fn group_roles(db: &dyn Database, id: ProjectId) -> Result<Vec<GroupRole>> {
    let sql = "SELECT group_name, role FROM project_group WHERE project_id = ? ORDER BY group_name";
    all(db, "project_group", sql, [id.as_bytes()], |row| {
        Ok(GroupRole {
            group: row.parsed(0, "group_name", |text| GroupName::parse(text).ok())?,
            role: row.parsed(1, "role", Role::from_word)?,
        })
    })
}

pub(crate) fn members(db: &dyn Database, id: ProjectId) -> Result<Vec<Member>> {
    let sql = "SELECT u.login, m.role FROM project_member m JOIN user_account u ON u.id = m.user_id \
               WHERE m.project_id = ? ORDER BY u.login";
    all(db, "project_member", sql, [id.as_bytes()], |row| {
        Ok(Member {
            login: row.parsed(0, "login", |text| Login::parse(text).ok())?,
            role: row.parsed(1, "role", Role::from_word)?,
        })
    })
}

pub(crate) fn set_member(
    unit: &mut Unit<'_>,
    id: ProjectId,
    login: &Login,
    role: Role,
    event: &AuditEvent,
) -> Result<bool> {
    let set = execute(
        unit.db,
        "INSERT INTO project_member (project_id, user_id, role) \
         SELECT p.id, u.id, ?3 FROM project p, user_account u WHERE p.id = ?1 AND u.login = ?2 \
         ON CONFLICT (project_id, user_id) DO UPDATE SET role = excluded.role",
        params![id.as_bytes(), login.as_str(), role.word()],
    )? > 0;
    if set {
        unit.tell()?;
        unit.record(event)?;
    }
    Ok(set)
}

pub(crate) fn remove_member(
    unit: &mut Unit<'_>,
    id: ProjectId,
    login: &Login,
    event: &AuditEvent,
) -> Result<bool> {
    let removed = execute(
        unit.db,
        "DELETE FROM project_member WHERE project_id = ? \
         AND user_id = (SELECT id FROM user_account WHERE login = ?)",
        params![id.as_bytes(), login.as_str()],
    )? > 0;
    if removed {
        unit.tell()?;
        unit.record(event)?;
    }
    Ok(removed)
}

fn set_groups(db: &dyn Database, id: ProjectId, groups: &[GroupRole]) -> Result<()> {
    let sql = "DELETE FROM project_group WHERE project_id = ?";
    execute(db, sql, [id.as_bytes()])?;
    for GroupRole { group, role } in groups {
        let sql = "INSERT INTO project_group (project_id, group_name, role) VALUES (?, ?, ?)";
        execute(db, sql, params![id.as_bytes(), group.as_str(), role.word()])?;
    }
    Ok(())
}

fn select(rest: &str) -> String {
    format!(
        "SELECT id, name, creator, description, technologies, deletes_credentials_in_use, grace_period_days, \
         verify_before_saving FROM project {rest}"
    )
}

fn project(row: &Columns<'_>) -> Result<Project> {
    Ok(Project {
        id: row.id(0, "id", ProjectId::from_bytes)?,
        name: ProjectName::from_stored(row.get(1, "name")?),
        creator: row.get(2, "creator")?,
        description: row
            .get::<Option<_>>(3, "description")?
            .map(Description::from_stored),
        technologies: row.parsed(4, "technologies", |text| serde_json::from_str(text).ok())?,
        deletes_credentials_in_use: row.get(5, "deletes_credentials_in_use")?,
        grace_period: GracePeriod::from_stored(row.get(6, "grace_period_days")?),
        verify_before_saving: row.parsed(7, "verify_before_saving", SavingPolicy::from_word)?,
    })
}

fn to_json(technologies: &Technologies) -> Result<String> {
    serde_json::to_string(technologies)
        .map_err(|error| Error::internal(format!("technologies as JSON: {error}")))
}

fn taken(name: &ProjectName) -> Error {
    Error::conflict(format!(
        "there is a project named `{}` already (the case does not count); choose another name",
        name.as_str()
    ))
}

const TABLE: &str = "project";
