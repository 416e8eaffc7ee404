//! Both schemas, table by table and column by column.

use std::collections::{BTreeMap, BTreeSet};

use regcred_core::clock::SystemClock;
use regcred_core::random::SystemRandom;
use regcred_core::sealing::Kek;
use regcred_storage::{DATABASE_FILE, PostgresStore, SqliteOptions, SqliteStore};
use tempfile::TempDir;

use crate::scratch::Scratch;

/// What is told of a table, in words that both databases have.
#[derive(Debug, Default, PartialEq, Eq)]
struct Table {
    /// Name, kind, whether it may be absent, and the default.
    columns: BTreeMap<String, (String, bool, Option<String>)>,
    primary_key: Vec<String>,
    /// Columns, whether they are unique, and whether it holds for some rows only.
    indices: BTreeSet<(Vec<String>, bool, bool)>,
    /// Columns, the other table and its columns; what goes there goes here, too.
    references: BTreeSet<(Vec<String>, String, Vec<String>)>,
    checks: usize,
}

#[tokio::test(flavor = "multi_thread")]
async fn both_have_the_same_tables_column_by_column() {
    let kek = Kek::parse(Kek::generate(&SystemRandom).unwrap().expose()).unwrap();
    let directory = TempDir::new().unwrap();
    let options = SqliteOptions::new(directory.path());
    drop(SqliteStore::open(&options, &kek, &SystemClock, &SystemRandom).unwrap());
    let sqlite = of_sqlite(&directory);

    let scratch = Scratch::make().await;
    drop(PostgresStore::open(&scratch.options(), &kek, &SystemClock, &SystemRandom).unwrap());
    let mut postgres = of_postgres(&scratch).await;
    // SQLite has a place of its own for the number of the schema.
    assert!(postgres.remove("schema_version").is_some());

    let names = |tables: &BTreeMap<String, Table>| tables.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&sqlite), names(&postgres));
    assert!(sqlite.len() > 15, "something is compared");
    for (name, table) in &sqlite {
        assert_eq!(*table, postgres[name], "{name}");
        for (columns, other, _) in &table.references {
            assert!(
                table.finds_by(columns),
                "{name} is read through where a row of {other} goes"
            );
        }
    }
}

impl Table {
    /// Whether an index of all rows begins with these columns.
    fn finds_by(&self, columns: &[String]) -> bool {
        let all = self.indices.iter().filter(|(.., partial)| !partial);
        let mut keys = all.map(|(key, ..)| key).chain([&self.primary_key]);
        keys.any(|key| key.starts_with(columns))
    }
}

fn of_sqlite(directory: &TempDir) -> BTreeMap<String, Table> {
    let db = rusqlite::Connection::open(directory.path().join(DATABASE_FILE)).unwrap();
    let texts = |sql: &str, of: &str| -> Vec<Vec<Option<String>>> {
        let mut statement = db.prepare(sql).unwrap();
        let count = statement.column_count();
        let rows = statement.query_map([of], |row| {
            (0..count)
                .map(|index| row.get::<_, Option<String>>(index))
                .collect()
        });
        rows.unwrap().map(Result::unwrap).collect()
    };
    let text = |cell: &Option<String>| cell.clone().unwrap();
    let mut tables = BTreeMap::new();
    for row in texts(
        "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND name <> ?",
        "",
    ) {
        let (name, sql) = (text(&row[0]), text(&row[1]));
        let mut table = Table {
            checks: sql.matches("CHECK (").count(),
            ..Table::default()
        };
        let mut keys = BTreeMap::new();
        let columns = "SELECT name, type, CAST(\"notnull\" AS TEXT), dflt_value, printf('%03d', pk) FROM pragma_table_info(?)";
        for column in texts(columns, &name) {
            let kind = match text(&column[1]).as_str() {
                "INTEGER" => "number",
                "TEXT" => "text",
                "BLOB" => "bytes",
                other => panic!("{name}: {other}"),
            };
            let optional = column[2].as_deref() == Some("0");
            let described = (kind.to_owned(), optional, column[3].clone());
            table.columns.insert(text(&column[0]), described);
            if column[4].as_deref() != Some("000") {
                keys.insert(text(&column[4]), text(&column[0]));
            }
        }
        table.primary_key = keys.into_values().collect();
        let indices = "SELECT name, CAST(\"unique\" AS TEXT), CAST(partial AS TEXT) FROM pragma_index_list(?) WHERE origin <> 'pk'";
        for index in texts(indices, &name) {
            let columns = texts(
                "SELECT name FROM pragma_index_info(?) ORDER BY seqno",
                &text(&index[0]),
            );
            let columns = columns.iter().map(|column| text(&column[0])).collect();
            let is = |cell: &Option<String>| cell.as_deref() == Some("1");
            table
                .indices
                .insert((columns, is(&index[1]), is(&index[2])));
        }
        let mut references: BTreeMap<String, (Vec<String>, String, Vec<String>)> = BTreeMap::new();
        let keys = "SELECT CAST(id AS TEXT), \"from\", \"table\", \"to\", on_delete FROM pragma_foreign_key_list(?) ORDER BY id, seq";
        for key in texts(keys, &name) {
            assert_eq!(key[4].as_deref(), Some("CASCADE"), "{name}");
            let reference = references.entry(text(&key[0])).or_default();
            reference.0.push(text(&key[1]));
            reference.1 = text(&key[2]);
            reference.2.push(text(&key[3]));
        }
        table.references = references.into_values().collect();
        tables.insert(name, table);
    }
    tables
}

async fn of_postgres(scratch: &Scratch) -> BTreeMap<String, Table> {
    let client = scratch.client().await;
    let mut tables: BTreeMap<String, Table> = BTreeMap::new();
    let columns = "SELECT table_name::text, column_name::text, data_type::text, is_nullable = 'YES', column_default::text, \
                   collation_name::text FROM information_schema.columns WHERE table_schema = 'public'";
    for row in client.query(columns, &[]).await.unwrap() {
        let (name, column): (String, String) = (row.get(0), row.get(1));
        let kind = match row.get::<_, &str>(2) {
            "bigint" | "smallint" => "number",
            "text" => "text",
            "bytea" => "bytes",
            other => panic!("{name}.{column}: {other}"),
        };
        let collation: Option<&str> = row.get(5);
        assert_eq!(
            collation,
            (kind == "text").then_some("C"),
            "{name}.{column}"
        );
        let default: Option<&str> = row.get(4);
        let default = default.map(|text| text.trim_end_matches("::text").to_owned());
        let described = (kind.to_owned(), row.get(3), default);
        tables
            .entry(name)
            .or_default()
            .columns
            .insert(column, described);
    }
    let indices = "SELECT t.relname::text, i.indisprimary, i.indisunique, i.indpred IS NOT NULL, \
                   ARRAY(SELECT pg_get_indexdef(i.indexrelid, k, true) FROM generate_series(1, i.indnatts) k) \
                   FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid WHERE t.relnamespace = 'public'::regnamespace";
    for row in client.query(indices, &[]).await.unwrap() {
        let table = tables.get_mut(row.get::<_, &str>(0)).unwrap();
        let columns: Vec<String> = row.get(4);
        if row.get(1) {
            table.primary_key = columns;
        } else {
            table.indices.insert((columns, row.get(2), row.get(3)));
        }
    }
    let constraints = "SELECT conrelid::regclass::text, contype::text, confdeltype::text, confrelid::regclass::text, \
                       ARRAY(SELECT attname::text FROM unnest(conkey) WITH ORDINALITY k (number, place) \
                       JOIN pg_attribute ON attrelid = conrelid AND attnum = number ORDER BY place), \
                       ARRAY(SELECT attname::text FROM unnest(confkey) WITH ORDINALITY k (number, place) \
                       JOIN pg_attribute ON attrelid = confrelid AND attnum = number ORDER BY place) \
                       FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype IN ('f', 'c')";
    for row in client.query(constraints, &[]).await.unwrap() {
        let name: &str = row.get(0);
        let table = tables.get_mut(name).unwrap();
        if row.get::<_, &str>(1) == "c" {
            table.checks += 1;
            continue;
        }
        assert_eq!(
            row.get::<_, &str>(2),
            "c",
            "{name}: what is referred to takes this along"
        );
        table
            .references
            .insert((row.get(4), row.get(3), row.get(5)));
    }
    tables
}
