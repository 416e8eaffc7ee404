//! What there is to move: the tables, with the columns that the source says they have.

use regcred_core::{Error, Result};

use crate::sql::{Database, all, first, params};

/// Every table, in an order in which each row finds what it refers to. What makes a database an installation comes last.
/// A table that is missing here is found by a test, and stops a migration before it begins.
pub(crate) const TABLES: [&str; 21] = [
    "wrapped_key",
    "user_account",
    "user_group",
    "session",
    "project",
    "project_member",
    "project_group",
    "service_token",
    "service_token_project",
    "docker_credentials",
    "credentials_version",
    "credentials_use_day",
    "credentials_puller",
    "credentials_verification",
    "credentials_check",
    "webhook_delivery",
    "workload",
    "workload_version",
    "audit_event",
    "audit_head",
    "installation",
];

/// A table, as the source describes it. Both databases have the same ones, column by column.
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) columns: Vec<Column>,
    /// The places of the columns of its primary key, in the key's order.
    pub(super) key: Vec<usize>,
}

/// A column of a table.
pub(crate) struct Column {
    pub(crate) name: String,
    pub(super) is_text: bool,
}

/// All tables of a database of SQLite.
pub(super) fn tables(source: &dyn Database) -> Result<Vec<Table>> {
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'";
    let there = all(source, "sqlite_schema", sql, params![], |row| {
        row.get::<String>(0, "name")
    })?;
    let unknown = there.iter().find(|name| !TABLES.contains(&name.as_str()));
    if let Some(name) = unknown {
        return Err(Error::internal(format!(
            "the table {name} is none that is moved"
        )));
    }
    TABLES
        .into_iter()
        .map(|name| Table::of(source, name))
        .collect()
}

impl Table {
    fn of(source: &dyn Database, name: &'static str) -> Result<Self> {
        let sql = "SELECT name, type, pk FROM pragma_table_info(?) ORDER BY cid";
        let described = all(source, name, sql, [name], |row| {
            let column = Column {
                name: row.get(0, "name")?,
                is_text: row.get::<String>(1, "type")? == "TEXT",
            };
            Ok((column, row.get::<u32>(2, "pk")?))
        })?;
        let mut key: Vec<_> = described
            .iter()
            .enumerate()
            .filter(|(_, (_, place))| *place > 0)
            .map(|(index, (_, place))| (*place, index))
            .collect();
        key.sort_unstable();
        if key.is_empty() {
            return Err(Error::internal(format!(
                "the table {name} is not there, or has no primary key"
            )));
        }
        Ok(Self {
            name,
            columns: described.into_iter().map(|(column, _)| column).collect(),
            key: key.into_iter().map(|(_, index)| index).collect(),
        })
    }

    /// How many rows it has.
    pub(super) fn count(&self, db: &dyn Database) -> Result<u64> {
        let sql = format!("SELECT count(*) FROM {}", self.name);
        let count = first(db, self.name, &sql, params![], |row| {
            row.get::<i64>(0, "count")
        })?;
        Ok(count
            .and_then(|count| u64::try_from(count).ok())
            .unwrap_or(0))
    }

    /// The names of its columns, as a statement lists them.
    pub(crate) fn listed(&self) -> String {
        let names: Vec<_> = self.columns.iter().map(|column| &*column.name).collect();
        names.join(", ")
    }

    /// The same of its primary key.
    pub(super) fn listed_key(&self) -> String {
        let names: Vec<_> = self.key_columns().map(|column| &*column.name).collect();
        names.join(", ")
    }

    pub(super) fn key_columns(&self) -> impl Iterator<Item = &Column> {
        self.key.iter().filter_map(|index| self.columns.get(*index))
    }
}
