//! Who is concerned by what is wrong with credentials, and what is put down for webhooks.

use regcred_core::alert::{Alert, Announced, Announcement, Concerned};
use regcred_core::credentials::DockerCredentials;
use regcred_core::ids::{CredentialsId, ProjectId};
use regcred_core::project::ProjectName;
use regcred_core::workload::{MOST_NAMED, WorkloadKind};
use regcred_core::{Error, Result};

use crate::sql::{Database, all, first, params};

use super::{deliveries, workloads};

/// Puts an announcement down, in the transaction of what it tells.
pub(crate) fn announce(
    db: &dyn Database,
    project: ProjectId,
    credentials: DockerCredentials,
    announcement: Announcement,
) -> Result<Announced> {
    let Announcement {
        kind,
        verdict,
        at,
        to,
    } = announcement;
    let sql = "SELECT name FROM project WHERE id = ?";
    let name = first(db, "project", sql, [project.as_bytes()], |row| {
        row.get(0, "name")
    })?;
    let name: String = name.ok_or_else(|| Error::internal("credentials without a project"))?;
    let alert = Alert {
        kind,
        verdict,
        at,
        project,
        project_name: ProjectName::from_stored(name),
        jobs: concerned(db, project, credentials.id, WorkloadKind::Job)?,
        apps: concerned(db, project, credentials.id, WorkloadKind::App)?,
        credentials,
    };
    let dropped = deliveries::add(db, &alert.deliveries(to)?)?;
    Ok(Announced { alert, dropped })
}

/// Those jobs, or apps, whose current version uses credentials.
fn concerned(
    db: &dyn Database,
    project: ProjectId,
    of: CredentialsId,
    kind: WorkloadKind,
) -> Result<Concerned> {
    let (project, of) = (project.as_bytes(), of.as_bytes());
    let sql = "SELECT count(*) FROM workload_version v JOIN workload w ON w.id = v.workload_id \
               WHERE v.project_id = ? AND v.credentials_id = ? AND v.current = 1 AND w.kind = ?";
    let count = first(db, TABLE, sql, params![project, of, kind.word()], |row| {
        row.get::<i64>(0, "count")
    })?;
    let sql = "SELECT w.id, w.kind, w.name FROM workload_version v JOIN workload w ON w.id = v.workload_id \
               WHERE v.project_id = ? AND v.credentials_id = ? AND v.current = 1 AND w.kind = ? \
               ORDER BY w.name_key LIMIT ?";
    let most = i64::try_from(MOST_NAMED).unwrap_or(i64::MAX);
    let params = params![project, of, kind.word(), most];
    Ok(Concerned {
        named: all(db, TABLE, sql, params, |row| workloads::user(row, 0))?,
        count: u64::try_from(count.unwrap_or(0)).unwrap_or(0),
    })
}

const TABLE: &str = "workload";
