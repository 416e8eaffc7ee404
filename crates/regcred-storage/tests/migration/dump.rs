//! Everything that is in a database, in words that both databases have: written without regcred's own reading.

use std::collections::BTreeMap;
use std::path::Path;

use regcred_storage::DATABASE_FILE;
use rusqlite::types::ValueRef;

use crate::scratch::Scratch;

/// The rows of each table, each as a text with the columns' names, in no order of a database's.
pub(crate) type Dump = BTreeMap<String, Vec<String>>;

pub(crate) fn of_sqlite(directory: &Path) -> Dump {
    let db = rusqlite::Connection::open(directory.join(DATABASE_FILE)).unwrap();
    let mut tables = db
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")
        .unwrap();
    let tables = tables.query_map([], |row| row.get(0)).unwrap();
    let tables: Vec<String> = tables.map(Result::unwrap).collect();
    let of_table = |name: &String| {
        let mut rows = db.prepare(&format!("SELECT * FROM {name}")).unwrap();
        let columns: Vec<String> = rows.column_names().map(str::to_owned).collect();
        let rows = rows.query_map([], |row| {
            let cells = columns.iter().enumerate().map(|(index, column)| {
                let cell = match row.get_ref(index).unwrap() {
                    ValueRef::Null => "nothing".to_owned(),
                    ValueRef::Integer(number) => number.to_string(),
                    ValueRef::Text(text) => format!("{:?}", std::str::from_utf8(text).unwrap()),
                    ValueRef::Blob(bytes) => format!("{bytes:02x?}"),
                    ValueRef::Real(_) => panic!("no number of this kind"),
                };
                (column.clone(), cell)
            });
            Ok(line(cells.collect()))
        });
        sorted(rows.unwrap().map(Result::unwrap).collect())
    };
    tables
        .iter()
        .map(|name| (name.clone(), of_table(name)))
        .collect()
}

/// The same of PostgreSQL, but for the number of the schema, for which SQLite has another place.
pub(crate) async fn of_postgres(scratch: &Scratch) -> Dump {
    let client = scratch.client().await;
    let tables = "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace \
                  AND relname <> 'schema_version'";
    let mut dump = Dump::new();
    for table in client.query(tables, &[]).await.unwrap() {
        let name: String = table.get(0);
        let rows = client.query(&format!("SELECT * FROM {name}"), &[]).await;
        let rows = rows.unwrap().into_iter().map(|row| {
            let cells = row.columns().iter().enumerate().map(|(index, column)| {
                let or_nothing = |cell: Option<String>| cell.unwrap_or("nothing".to_owned());
                let cell = match column.type_().name() {
                    "int8" => or_nothing(row.get::<_, Option<i64>>(index).map(|n| n.to_string())),
                    "int2" => or_nothing(row.get::<_, Option<i16>>(index).map(|n| n.to_string())),
                    "text" => {
                        or_nothing(row.get::<_, Option<&str>>(index).map(|t| format!("{t:?}")))
                    }
                    "bytea" => or_nothing(
                        row.get::<_, Option<&[u8]>>(index)
                            .map(|b| format!("{b:02x?}")),
                    ),
                    other => panic!("{name}: {other}"),
                };
                (column.name().to_owned(), cell)
            });
            line(cells.collect())
        });
        let rows = sorted(rows.collect());
        dump.insert(name, rows);
    }
    dump
}

fn line(cells: BTreeMap<String, String>) -> String {
    let cells = cells.into_iter();
    let cells: Vec<_> = cells.map(|(name, cell)| format!("{name}={cell}")).collect();
    cells.join(" ")
}

fn sorted(mut rows: Vec<String>) -> Vec<String> {
    rows.sort_unstable();
    rows
}

/// Says which table differs; the rows themselves are too much to read.
pub(crate) fn assert_same(here: &Dump, there: &Dump) {
    let names = |dump: &Dump| dump.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(here), names(there));
    for (name, rows) in here {
        let different = rows.iter().zip(&there[name]).find(|(a, b)| a != b);
        assert_eq!(different, None, "{name}");
        assert_eq!(rows.len(), there[name].len(), "{name}");
    }
}
