//! What is wrong with a plan: it reads far more than a project has.
//!
//! With PostgreSQL what was counted while the statement ran is judged: in a large installation nothing that scans stays
//! small. SQLite says whether it searches or scans.

use serde_json::Value;

use crate::told::Plan;

/// What is wrong with a plan of PostgreSQL; nothing where all is well.
pub(crate) fn fault(plan: &Plan) -> Option<String> {
    let mut counted = Counted::default();
    counted.add(&plan.root);
    let Counted {
        scanned,
        sorted,
        dropped,
    } = counted;
    // Those of a node are those of all below it.
    let pages = number(&plan.root, "Shared Hit Blocks") + number(&plan.root, "Shared Read Blocks");
    if let Some(table) = scanned.iter().find(|table| !is_small(table)) {
        return Some(format!("it scans {table} and reads {pages} pages"));
    }
    let answered = number(&plan.root, "Actual Rows");
    let most = MOST_PAGES + answered * PAGES_OF_ROW;
    let much = pages > most || sorted > MOST_ROWS || dropped > MOST_ROWS;
    much.then(|| {
        format!("it reads {pages} pages for {answered} rows, sorts {sorted} and drops {dropped}")
    })
}

/// What is wrong with a line of SQLite's `EXPLAIN QUERY PLAN`.
pub(crate) fn fault_of_line(line: &str) -> Option<String> {
    let scanned = line.strip_prefix("SCAN ")?;
    let name = scanned.split(' ').next()?;
    let made_by_the_statement = name.starts_with('(') || ["listed", "of_key", "p"].contains(&name);
    (!made_by_the_statement && !is_small(name)).then(|| format!("it scans {scanned}"))
}

/// Why a statement may read that much.
pub(crate) fn excuse(text: &str) -> Option<&'static str> {
    let excused = EXCUSED.iter().find(|(part, _)| text.contains(part));
    excused.map(|(part, _)| *part)
}

/// Parts of statements that may read more than a project has, each with its reason.
pub(crate) const EXCUSED: &[(&str, &str)] = &[
    (
        "SELECT id FROM user_account LIMIT 1",
        "whoever lies there first is enough",
    ),
    (
        "NOT EXISTS (SELECT 1 FROM user_account WHERE admin = 1",
        "up to the first other admin, and only where an account or an admin's rights go",
    ),
    (
        "FROM user_account ORDER BY login",
        "the answer is everybody, and only for admins",
    ),
    (
        "FROM user_group ORDER BY user_id",
        "the groups of everybody, for that answer",
    ),
    (
        "FROM project ORDER BY name_key",
        "the answer is all projects, and only for admins",
    ),
    (
        "SELECT id FROM session WHERE expires_at",
        "once in ten minutes, by one process; an index of the last use would have to change with each",
    ),
    (
        "SELECT id FROM service_token WHERE expires_at",
        "once in ten minutes, by one process",
    ),
    ("count(*) FROM webhook_delivery", BOUNDED),
    ("SELECT DISTINCT target FROM webhook_delivery", BOUNDED),
    ("DELETE FROM webhook_delivery WHERE id <=", BOUNDED),
];
const BOUNDED: &str = "no more than ten thousand wait: the oldest ones have to go (`MOST_WAITING`)";

/// Of a plan with all that is below it.
#[derive(Default)]
struct Counted {
    scanned: Vec<String>,
    sorted: f64,
    dropped: f64,
}

impl Counted {
    fn add(&mut self, node: &Value) {
        let kind = node["Node Type"].as_str().unwrap();
        if kind == "Seq Scan" {
            let table = node["Relation Name"].as_str().unwrap();
            self.scanned.push(table.to_owned());
        }
        // Counts are those of one loop on average.
        let loops = number(node, "Actual Loops");
        if kind.ends_with("Sort") {
            // What goes in: of what comes out, a limit above takes no more than it needs.
            self.sorted += number(&node["Plans"][0], "Actual Rows") * loops;
        }
        for dropped in [
            "Rows Removed by Filter",
            "Rows Removed by Index Recheck",
            "Rows Removed by Join Filter",
        ] {
            self.dropped += number(node, dropped) * loops;
        }
        for below in node["Plans"].as_array().into_iter().flatten() {
            self.add(below);
        }
    }
}

/// Newer servers tell fractions of rows.
fn number(node: &Value, name: &str) -> f64 {
    node[name].as_f64().unwrap_or(0.0)
}

fn is_small(table: &str) -> bool {
    SMALL.contains(&table)
}

/// Tables with a row or two, however large the installation; `audit_head` has one for each replica that there ever was at
/// a time.
const SMALL: [&str; 4] = [
    "installation",
    "wrapped_key",
    "schema_version",
    "audit_head",
];
/// Pages that may be read besides those of the answer: more than a project of ten credentials takes, and less than an index
/// of any large table has.
const MOST_PAGES: f64 = 250.0;
/// The descent of an index, and the row.
const PAGES_OF_ROW: f64 = 8.0;
/// More than a project of ten credentials has, and a user's projects.
const MOST_ROWS: f64 = 300.0;
