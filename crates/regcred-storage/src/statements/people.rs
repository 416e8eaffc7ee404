//! Users and their groups.

use std::collections::HashMap;

use regcred_core::audit::AuditEvent;
use regcred_core::ids::UserId;
use regcred_core::people::{Account, GroupName, Login};
use regcred_core::sealing::SealedRecord;
use regcred_core::store::{NewUser, UserChange, UserSecret};
use regcred_core::{Error, Result};

use crate::sql::{Columns, Database, all, execute, first, params, snapshot};
use crate::unit::Unit;

pub(crate) fn create(unit: &mut Unit<'_>, user: &NewUser, event: &AuditEvent) -> Result<()> {
    let NewUser { account, password } = user;
    let added = execute(
        unit.db,
        "INSERT INTO user_account (id, login, admin, password, password_version, created_at) \
         VALUES (?, ?, ?, ?, 1, ?) ON CONFLICT (login) DO NOTHING",
        params![
            account.id.as_bytes(),
            account.login.as_str(),
            account.admin,
            password.as_bytes(),
            account.created.as_micros(),
        ],
    )?;
    if added == 0 {
        return Err(Error::conflict(format!(
            "there is a user `{}` already; choose another login",
            account.login.as_str()
        )));
    }
    set_groups(unit.db, account.id, &account.groups)?;
    unit.record(event)
}

pub(crate) fn secret(db: &dyn Database, login: &Login) -> Result<Option<UserSecret>> {
    let sql = "SELECT id, login, password, password_version FROM user_account WHERE login = ?";
    first(db, TABLE, sql, [login.as_str()], |row| {
        Ok(UserSecret {
            id: row.id(0, "id", UserId::from_bytes)?,
            login: row.parsed(1, "login", |text| Login::parse(text).ok())?,
            password: row.get(2, "password")?,
            password_version: row.get(3, "password_version")?,
        })
    })
}

pub(crate) fn anybody(db: &dyn Database) -> Result<bool> {
    let found = first(
        db,
        TABLE,
        "SELECT id FROM user_account LIMIT 1",
        params![],
        |_| Ok(()),
    )?;
    Ok(found.is_some())
}

pub(crate) fn list(db: &dyn Database) -> Result<Vec<Account>> {
    snapshot(db, |db| {
        let sql = "SELECT id, login, admin, created_at FROM user_account ORDER BY login";
        let mut accounts = all(db, TABLE, sql, params![], account)?;
        // Not one statement for each: there may be tens of thousands, and a round trip for each statement.
        let sql = "SELECT user_id, group_name FROM user_group ORDER BY user_id, group_name";
        let mut groups: HashMap<_, Vec<_>> = HashMap::new();
        for (user, name) in all(db, "user_group", sql, params![], |row| {
            let name = row.parsed(1, "group_name", |text| GroupName::parse(text).ok())?;
            Ok((row.id(0, "user_id", UserId::from_bytes)?, name))
        })? {
            groups.entry(user).or_default().push(name);
        }
        for account in &mut accounts {
            account.groups = groups.remove(&account.id).unwrap_or_default();
        }
        Ok(accounts)
    })
}

pub(crate) fn get(db: &dyn Database, login: &Login) -> Result<Option<Account>> {
    snapshot(db, |db| {
        let sql = "SELECT id, login, admin, created_at FROM user_account WHERE login = ?";
        let Some(mut account) = first(db, TABLE, sql, [login.as_str()], account)? else {
            return Ok(None);
        };
        account.groups = groups(db, account.id)?;
        Ok(Some(account))
    })
}

pub(crate) fn update(
    unit: &mut Unit<'_>,
    user: UserId,
    change: &UserChange,
    event: &AuditEvent,
) -> Result<bool> {
    let UserChange { admin, groups } = change;
    if *admin == Some(false) {
        keep_an_admin_besides(unit.db, user)?;
    }
    let sql = "UPDATE user_account SET admin = coalesce(?, admin) WHERE id = ?";
    let changed = execute(unit.db, sql, params![*admin, user.as_bytes()])? > 0;
    if changed {
        if let Some(groups) = groups {
            set_groups(unit.db, user, groups)?;
        }
        unit.tell()?;
        unit.record(event)?;
    }
    Ok(changed)
}

pub(crate) fn replace_password(
    unit: &mut Unit<'_>,
    user: UserId,
    expected: u32,
    password: &SealedRecord,
    event: &AuditEvent,
) -> Result<bool> {
    let replaced = execute(
        unit.db,
        "UPDATE user_account SET password = ?, password_version = password_version + 1 \
         WHERE id = ? AND password_version = ?",
        params![password.as_bytes(), user.as_bytes(), expected],
    )? > 0;
    if replaced {
        let sql = "DELETE FROM session WHERE user_id = ?";
        execute(unit.db, sql, [user.as_bytes()])?;
        unit.tell()?;
        unit.record(event)?;
    }
    Ok(replaced)
}

pub(crate) fn delete(unit: &mut Unit<'_>, user: UserId, event: &AuditEvent) -> Result<bool> {
    keep_an_admin_besides(unit.db, user)?;
    let sql = "DELETE FROM user_account WHERE id = ?";
    let deleted = execute(unit.db, sql, [user.as_bytes()])? > 0;
    if deleted {
        unit.tell()?;
        unit.record(event)?;
    }
    Ok(deleted)
}

/// `Conflict` where `user` is the only admin.
fn keep_an_admin_besides(db: &dyn Database, user: UserId) -> Result<()> {
    let sql = "SELECT id FROM user_account WHERE id = ?1 AND admin = 1 \
               AND NOT EXISTS (SELECT 1 FROM user_account WHERE admin = 1 AND id <> ?1)";
    match first(db, TABLE, sql, [user.as_bytes()], |_| Ok(()))? {
        None => Ok(()),
        Some(()) => Err(Error::conflict(
            "this is the only admin of the platform; make somebody else an admin first",
        )),
    }
}

fn set_groups(db: &dyn Database, user: UserId, groups: &[GroupName]) -> Result<()> {
    let sql = "DELETE FROM user_group WHERE user_id = ?";
    execute(db, sql, [user.as_bytes()])?;
    for group in groups {
        let sql = "INSERT INTO user_group (user_id, group_name) VALUES (?, ?)";
        execute(db, sql, params![user.as_bytes(), group.as_str()])?;
    }
    Ok(())
}

fn groups(db: &dyn Database, user: UserId) -> Result<Vec<GroupName>> {
    let sql = "SELECT group_name FROM user_group WHERE user_id = ? ORDER BY group_name";
    all(db, "user_group", sql, [user.as_bytes()], |row| {
        row.parsed(0, "group_name", |text| GroupName::parse(text).ok())
    })
}

/// An account whose groups are still to be read.
fn account(row: &Columns<'_>) -> Result<Account> {
    Ok(Account {
        id: row.id(0, "id", UserId::from_bytes)?,
        login: row.parsed(1, "login", |text| Login::parse(text).ok())?,
        admin: row.get(2, "admin")?,
        groups: Vec::new(),
        created: row.moment(3, "created_at")?,
    })
}

const TABLE: &str = "user_account";
