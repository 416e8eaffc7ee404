//! Sessions.

use regcred_core::audit::AuditEvent;
use regcred_core::ids::{TokenId, UserId};
use regcred_core::people::Login;
use regcred_core::store::{NewSession, Session};
use regcred_core::token::TokenMac;
use regcred_core::{Error, Result, Timestamp};

use crate::sql::{Database, execute, first, params};
use crate::unit::Unit;

pub(crate) fn open(unit: &mut Unit<'_>, session: &NewSession, event: &AuditEvent) -> Result<()> {
    let added = execute(
        unit.db,
        "INSERT INTO session (id, mac, user_id, last_used, expires_at) \
         SELECT ?1, ?2, id, ?3, ?4 FROM user_account WHERE id = ?5 AND password_version = ?6",
        params![
            session.id.as_bytes(),
            session.mac.as_bytes(),
            session.created.as_micros(),
            session.expires.as_micros(),
            session.user.as_bytes(),
            session.password_version,
        ],
    )?;
    if added == 0 {
        return Err(Error::not_found(
            "the user is gone, or the password is another",
        ));
    }
    unit.record(event)
}

pub(crate) fn get(db: &dyn Database, id: TokenId) -> Result<Option<Session>> {
    let sql = "SELECT s.id, s.mac, s.user_id, u.login, u.admin, s.last_used, s.expires_at \
               FROM session s JOIN user_account u ON u.id = s.user_id WHERE s.id = ?";
    first(db, "session", sql, [id.as_bytes()], |row| {
        Ok(Session {
            mac: TokenMac::from_bytes(row.get(1, "mac")?),
            user: row.id(2, "user_id", UserId::from_bytes)?,
            login: row.parsed(3, "login", |text| Login::parse(text).ok())?,
            admin: row.get(4, "admin")?,
            last_used: row.moment(5, "last_used")?,
            expires: row.moment(6, "expires_at")?,
        })
    })
}

pub(crate) fn touch(unit: &Unit<'_>, id: TokenId, at: Timestamp) -> Result<()> {
    execute(
        unit.db,
        "UPDATE session SET last_used = ?1 WHERE id = ?2 AND last_used < ?1",
        params![at.as_micros(), id.as_bytes()],
    )
    .map(drop)
}

pub(crate) fn end(
    unit: &mut Unit<'_>,
    user: UserId,
    id: TokenId,
    event: &AuditEvent,
) -> Result<bool> {
    let sql = "DELETE FROM session WHERE id = ? AND user_id = ?";
    let ended = execute(unit.db, sql, [id.as_bytes(), user.as_bytes()])? > 0;
    if ended {
        unit.tell()?;
        unit.record(event)?;
    }
    Ok(ended)
}

/// Removes sessions that ran out or fell idle, at most `limit` of them; how many.
pub(crate) fn purge(
    unit: &Unit<'_>,
    now: Timestamp,
    idle_since: Timestamp,
    limit: u32,
) -> Result<usize> {
    execute(
        unit.db,
        "DELETE FROM session WHERE id IN \
         (SELECT id FROM session WHERE expires_at <= ?1 OR last_used < ?2 LIMIT ?3)",
        params![now.as_micros(), idle_since.as_micros(), limit],
    )
}
