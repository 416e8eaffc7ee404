//! Proofs of credentials.

use regcred_core::audit::AuditEvent;
use regcred_core::ids::{CredentialsId, ProjectId};
use regcred_core::verification::{PROOFS_KEPT, Verdict, Verification};
use regcred_core::{Error, Result};
use rusqlite::{Connection, params};

use super::columns::{Columns, all, execute};
use super::writer::Unit;

/// Writes a proof down with its event; `false`, and nothing, where the credentials are gone.
pub(super) fn record(
    unit: &mut Unit<'_>,
    project: ProjectId,
    proof: Verification,
    event: &AuditEvent,
) -> Result<bool> {
    let kept = keep(unit.db, project, proof)?;
    if kept {
        unit.record(event)?;
    }
    Ok(kept)
}

/// Writes a proof down, and forgets the oldest ones; `false` where the credentials are gone.
pub(super) fn keep(db: &Connection, project: ProjectId, proof: Verification) -> Result<bool> {
    let (project, credentials) = (project.as_bytes(), proof.credentials.as_bytes());
    let written = execute(
        db,
        "INSERT INTO credentials_verification (project_id, credentials_id, checked_at, version, verdict, probed) \
         SELECT project_id, id, ?3, ?4, ?5, ?6 FROM docker_credentials WHERE project_id = ?1 AND id = ?2 \
         ON CONFLICT DO UPDATE SET version = excluded.version, verdict = excluded.verdict, probed = excluded.probed",
        params![
            project,
            credentials,
            proof.at.as_micros(),
            proof.version,
            proof.verdict.word(),
            proof.probed,
        ],
    )?;
    if written == 0 {
        return Ok(false);
    }
    let kept = i64::try_from(PROOFS_KEPT).map_err(|_| Error::internal("too many proofs"))?;
    execute(
        db,
        "DELETE FROM credentials_verification WHERE project_id = ?1 AND credentials_id = ?2 AND checked_at <= \
         (SELECT checked_at FROM credentials_verification WHERE project_id = ?1 AND credentials_id = ?2 \
         ORDER BY checked_at DESC LIMIT 1 OFFSET ?3)",
        params![project, credentials, kept],
    )?;
    Ok(true)
}

/// Of one of the project's credentials or of all, the latest first.
pub(super) fn list(
    db: &Connection,
    project: ProjectId,
    of: Option<CredentialsId>,
) -> Result<Vec<Verification>> {
    if let Some(id) = of {
        let sql = "SELECT credentials_id, checked_at, version, verdict, probed FROM credentials_verification \
                   WHERE project_id = ? AND credentials_id = ? ORDER BY checked_at DESC";
        return all(
            db,
            TABLE,
            sql,
            [project.as_bytes(), id.as_bytes()],
            verification,
        );
    }
    let sql = "SELECT credentials_id, checked_at, version, verdict, probed FROM credentials_verification \
               WHERE project_id = ? ORDER BY credentials_id, checked_at DESC";
    all(db, TABLE, sql, [project.as_bytes()], verification)
}

fn verification(row: &Columns<'_>) -> Result<Verification> {
    Ok(Verification {
        credentials: row.id(0, "credentials_id", CredentialsId::from_bytes)?,
        at: row.moment(1, "checked_at")?,
        version: row.get(2, "version")?,
        verdict: row.parsed(3, "verdict", Verdict::from_word)?,
        probed: row.get(4, "probed")?,
    })
}

const TABLE: &str = "credentials_verification";
