//! Service tokens.

use regcred_core::access::Rights;
use regcred_core::audit::AuditEvent;
use regcred_core::ids::{ProjectId, TokenId};
use regcred_core::store::{NewToken, ServiceToken, TokenSecret};
use regcred_core::token::TokenMac;
use regcred_core::{Error, Result, Timestamp};

use crate::sql::{Columns, Database, all, execute, first, params, snapshot};
use crate::unit::Unit;

pub(crate) fn create(unit: &mut Unit<'_>, new: &NewToken, event: &AuditEvent) -> Result<()> {
    let NewToken { token, mac } = new;
    execute(
        unit.db,
        "INSERT INTO service_token (id, mac, name, rights, creator, created_at, expires_at) \
         VALUES (?, ?, ?, ?, ?, ?, ?)",
        params![
            token.id.as_bytes(),
            mac.as_bytes(),
            &token.name,
            token.rights.to_words(),
            &token.creator,
            token.created.as_micros(),
            token.expires.as_micros(),
        ],
    )?;
    for project in &token.projects {
        let sql = "INSERT INTO service_token_project (token_id, project_id) SELECT ?, id FROM project WHERE id = ?";
        let params = [token.id.as_bytes(), project.as_bytes()];
        if execute(unit.db, sql, params)? == 0 {
            return Err(Error::not_found(format!(
                "there is no project {project} that you may see"
            )));
        }
    }
    unit.record(event)
}

pub(crate) fn list(db: &dyn Database, project: ProjectId) -> Result<Vec<ServiceToken>> {
    snapshot(db, |db| {
        let sql = select(
            "WHERE id IN (SELECT token_id FROM service_token_project WHERE project_id = ?) ORDER BY id",
        );
        let mut tokens = all(db, TABLE, &sql, [project.as_bytes()], token)?;
        for token in &mut tokens {
            token.projects = projects(db, token.id)?;
        }
        Ok(tokens)
    })
}

pub(crate) fn secret(db: &dyn Database, id: TokenId) -> Result<Option<TokenSecret>> {
    snapshot(db, |db| {
        let found = first(db, TABLE, &select("WHERE id = ?"), [id.as_bytes()], |row| {
            Ok(TokenSecret {
                token: token(row)?,
                mac: TokenMac::from_bytes(row.get(6, "mac")?),
            })
        })?;
        let Some(mut secret) = found else {
            return Ok(None);
        };
        secret.token.projects = projects(db, id)?;
        Ok(Some(secret))
    })
}

pub(crate) fn revoke(
    unit: &mut Unit<'_>,
    project: ProjectId,
    id: TokenId,
    event: &AuditEvent,
) -> Result<bool> {
    let revoked = execute(
        unit.db,
        "DELETE FROM service_token WHERE id = ?1 \
         AND EXISTS (SELECT 1 FROM service_token_project WHERE token_id = ?1 AND project_id = ?2)",
        [id.as_bytes(), project.as_bytes()],
    )? > 0;
    if revoked {
        unit.tell()?;
        unit.record(event)?;
    }
    Ok(revoked)
}

/// Removes tokens that ran out, at most `limit` of them; how many.
pub(crate) fn purge(unit: &Unit<'_>, now: Timestamp, limit: u32) -> Result<usize> {
    execute(
        unit.db,
        "DELETE FROM service_token WHERE id IN (SELECT id FROM service_token WHERE expires_at <= ?1 LIMIT ?2)",
        params![now.as_micros(), limit],
    )
}

fn projects(db: &dyn Database, id: TokenId) -> Result<Vec<ProjectId>> {
    let sql = "SELECT project_id FROM service_token_project WHERE token_id = ? ORDER BY project_id";
    all(db, "service_token_project", sql, [id.as_bytes()], |row| {
        row.id(0, "project_id", ProjectId::from_bytes)
    })
}

fn select(rest: &str) -> String {
    format!(
        "SELECT id, name, rights, creator, created_at, expires_at, mac FROM service_token {rest}"
    )
}

/// A token whose projects are still to be read.
fn token(row: &Columns<'_>) -> Result<ServiceToken> {
    Ok(ServiceToken {
        id: row.id(0, "id", TokenId::from_bytes)?,
        name: row.get(1, "name")?,
        projects: Vec::new(),
        rights: row.parsed(2, "rights", Rights::from_words)?,
        creator: row.get(3, "creator")?,
        created: row.moment(4, "created_at")?,
        expires: row.moment(5, "expires_at")?,
    })
}

const TABLE: &str = "service_token";
