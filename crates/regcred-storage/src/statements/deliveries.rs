//! What waits to be delivered to webhooks.

use regcred_core::ids::DeliveryId;
use regcred_core::webhook::{Delivery, MOST_WAITING, NewDelivery, Target};
use regcred_core::{Result, Timestamp};

use crate::sql::{Columns, Database, all, execute, first, params};

/// Adds deliveries, due at once; the number of the oldest ones that had to go for them.
pub(crate) fn add(db: &dyn Database, new: &[NewDelivery]) -> Result<u64> {
    if new.is_empty() {
        return Ok(0);
    }
    db.notify()?;
    for NewDelivery {
        id,
        target,
        body,
        at,
    } in new
    {
        execute(
            db,
            "INSERT INTO webhook_delivery (id, target, body, attempts, due_at) VALUES (?, ?, ?, 0, ?)",
            params![id.as_bytes(), target.as_str(), body, at.as_micros()],
        )?;
    }
    // Ids are in the order of time.
    let sql = "DELETE FROM webhook_delivery WHERE id <= \
               (SELECT id FROM webhook_delivery ORDER BY id DESC LIMIT 1 OFFSET ?)";
    let most = i64::try_from(MOST_WAITING).unwrap_or(i64::MAX);
    let dropped = execute(db, sql, [most])?;
    Ok(u64::try_from(dropped).unwrap_or(u64::MAX))
}

/// How many more may wait before the oldest ones have to go.
pub(crate) fn room(db: &dyn Database) -> Result<usize> {
    let sql = "SELECT count(*) FROM webhook_delivery";
    let waiting = first(db, TABLE, sql, params![], |row| row.get::<i64>(0, "count"))?;
    let waiting = usize::try_from(waiting.unwrap_or(0)).unwrap_or(usize::MAX);
    Ok(MOST_WAITING.saturating_sub(waiting))
}

/// The first one that is due at a target, or will be.
pub(crate) fn next(db: &dyn Database, target: &Target) -> Result<Option<Delivery>> {
    let sql = "SELECT id, body, attempts, due_at FROM webhook_delivery WHERE target = ? ORDER BY due_at, id LIMIT 1";
    first(db, TABLE, sql, [target.as_str()], delivery)
}

/// Notes an attempt that failed.
pub(crate) fn put_off(db: &dyn Database, id: DeliveryId, due: Timestamp) -> Result<()> {
    let sql = "UPDATE webhook_delivery SET attempts = attempts + 1, due_at = ? WHERE id = ?";
    execute(db, sql, params![due.as_micros(), id.as_bytes()]).map(drop)
}

pub(crate) fn end(db: &dyn Database, id: DeliveryId) -> Result<()> {
    let sql = "DELETE FROM webhook_delivery WHERE id = ?";
    execute(db, sql, [id.as_bytes()]).map(drop)
}

/// Forgets what is for other targets than these.
pub(crate) fn forget(db: &dyn Database, but: &[Target]) -> Result<u64> {
    let sql = "SELECT DISTINCT target FROM webhook_delivery";
    let targets = all(db, TABLE, sql, params![], |row| {
        Ok(Target::from_stored(row.get(0, "target")?))
    })?;
    let mut forgotten = 0;
    for target in targets.iter().filter(|target| !but.contains(target)) {
        let sql = "DELETE FROM webhook_delivery WHERE target = ?";
        let deleted = execute(db, sql, [target.as_str()])?;
        forgotten += u64::try_from(deleted).unwrap_or(u64::MAX);
    }
    Ok(forgotten)
}

fn delivery(row: &Columns<'_>) -> Result<Delivery> {
    Ok(Delivery {
        id: row.id(0, "id", DeliveryId::from_bytes)?,
        body: row.get(1, "body")?,
        attempts: row.get(2, "attempts")?,
        due: row.moment(3, "due_at")?,
    })
}

const TABLE: &str = "webhook_delivery";
