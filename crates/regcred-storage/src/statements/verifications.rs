//! Proofs of credentials.

use regcred_core::ids::{CredentialsId, ProjectId};
use regcred_core::store::DecideProof;
use regcred_core::verification::{
    PROOFS_KEPT, ProofDecision, Recorded, Tried, Verdict, Verification,
};
use regcred_core::{Error, Result};

use crate::sql::{Columns, Database, all, params, put};
use crate::unit::Unit;

use super::{alerts, checks, credentials};

/// Writes a proof down with what it brings about, and forgets the oldest ones; `None` where the credentials are gone.
pub(crate) fn record(
    unit: &mut Unit<'_>,
    project: ProjectId,
    proof: Verification,
    decide: &DecideProof,
) -> Result<Option<Recorded>> {
    let id = proof.credentials;
    let Some(mut row) = credentials::get(unit.db, project, id)? else {
        return Ok(None);
    };
    let ProofDecision { event, consequence } = decide(&Tried {
        credentials: &row,
        counts: checks::counts(unit.db, project, id)?,
    })?;
    keep(unit.db, project, proof)?;
    let mut announced = None;
    if let Some(consequence) = consequence {
        checks::follow(unit.db, project, id, &consequence, proof.at)?;
        row.expires = consequence.expires.or(row.expires);
        if let Some(announcement) = consequence.announcement {
            announced = Some(alerts::announce(unit.db, project, row, announcement)?);
        }
    }
    unit.record(&event)?;
    Ok(Some(Recorded {
        verification: proof,
        announced,
    }))
}

/// Writes a proof down, and forgets the oldest ones.
pub(crate) fn keep(db: &dyn Database, project: ProjectId, proof: Verification) -> Result<()> {
    let (project, credentials) = (project.as_bytes(), proof.credentials.as_bytes());
    put(
        db,
        "INSERT INTO credentials_verification (project_id, credentials_id, checked_at, version, verdict, probed) \
         VALUES (?, ?, ?, ?, ?, ?) \
         ON CONFLICT (project_id, credentials_id, checked_at) DO UPDATE SET version = excluded.version, verdict = excluded.verdict, probed = excluded.probed",
        params![
            project,
            credentials,
            proof.at.as_micros(),
            proof.version,
            proof.verdict.word(),
            proof.probed,
        ],
    )?;
    let kept = i64::try_from(PROOFS_KEPT).map_err(|_| Error::internal("too many proofs"))?;
    put(
        db,
        // The last one that says anything of a version that is held stays, however many come behind it.
        "DELETE FROM credentials_verification WHERE project_id = ?1 AND credentials_id = ?2 AND checked_at <= \
         (SELECT checked_at FROM credentials_verification WHERE project_id = ?1 AND credentials_id = ?2 \
         ORDER BY checked_at DESC LIMIT 1 OFFSET ?3) AND checked_at NOT IN \
         (SELECT max(checked_at) FROM credentials_verification WHERE project_id = ?1 AND credentials_id = ?2 \
         AND verdict IN ('ok', 'rejected', 'no_pull_right') AND version IN \
         (SELECT version FROM docker_credentials WHERE project_id = ?1 AND id = ?2 UNION ALL \
         SELECT version FROM credentials_version WHERE project_id = ?1 AND credentials_id = ?2) \
         GROUP BY version, verdict, probed)",
        params![project, credentials, kept],
    )
}

/// Of one of the project's credentials or of all, the latest first.
pub(crate) fn list(
    db: &dyn Database,
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
