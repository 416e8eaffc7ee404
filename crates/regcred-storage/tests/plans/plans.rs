//! Each statement of the store, on PostgreSQL and on SQLite.

use std::collections::BTreeSet;

use regcred_core::clock::SystemClock;
use regcred_core::random::SystemRandom;
use regcred_core::sealing::Kek;
use regcred_storage::{DATABASE_FILE, SqliteOptions, SqliteStore};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::calls::Calls;
use crate::fixture::{self, Fixture};
use crate::judge::{EXCUSED, excuse, fault, fault_of_line};
use crate::told::{self, Plan};

#[tokio::test(flavor = "multi_thread")]
async fn each_statement_finds_its_rows_by_an_index() {
    let mut fixture = fixture::postgres().await;
    fixture.run(include_str!("fill.sql")).await;
    begin_sessions_with(&fixture, &told::SETTINGS).await;
    told::listen();
    // What is looked for is found.
    for bad in [
        "SELECT FROM docker_credentials WHERE username = 'nobody'",
        "SET enable_seqscan = off; SELECT FROM docker_credentials WHERE username = 'nobody'",
        "SELECT FROM docker_credentials ORDER BY last_update LIMIT 1",
    ] {
        fixture.run(bad).await;
        let plans = told::take();
        assert!(plans.iter().any(|plan| fault(plan).is_some()), "{bad}");
    }

    let (mut texts, mut excused, mut faults) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    // A session plans each statement once, for whatever it is given.
    fixture = fixture.reopened().await;
    let called = Calls::new(&fixture).await.all().await;
    assert_eq!(called, methods(), "each method of the store is called");
    for plan in told::take() {
        if let Some(fault) = fault(&plan) {
            match excuse(&plan.text) {
                Some(part) => drop(excused.insert(part)),
                None => faults.push(described(&plan, &fault)),
            }
        }
        texts.insert(plan.text);
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    for child in CASCADES {
        let cascade = format!("DELETE FROM ONLY \"public\".\"{child}\"");
        assert!(
            texts.iter().any(|text| text.starts_with(&cascade)),
            "{child}"
        );
    }
    excused.append(&mut on_sqlite(&texts));
    let known: BTreeSet<_> = EXCUSED.iter().map(|(part, _)| *part).collect();
    assert_eq!(excused, known, "each excuse is needed");
}

/// Sets what each session on the database begins with from now on.
async fn begin_sessions_with(fixture: &Fixture, settings: &[&str]) {
    for setting in settings {
        let alter = format!("format('ALTER DATABASE %I SET {setting}', current_database())");
        let sql = format!("DO $$ BEGIN EXECUTE {alter}; END $$");
        fixture.run(&sql).await;
    }
}

/// The same texts, where plans do not hang on what the database holds; what was excused.
fn on_sqlite(texts: &BTreeSet<String>) -> BTreeSet<&'static str> {
    let directory = TempDir::new().unwrap();
    let kek = Kek::parse(Kek::generate(&SystemRandom).unwrap().expose()).unwrap();
    let options = SqliteOptions::new(directory.path());
    drop(SqliteStore::open(&options, &kek, &SystemClock, &SystemRandom).unwrap());
    let db = Connection::open(directory.path().join(DATABASE_FILE)).unwrap();
    let (mut explained, mut excused, mut faults) = (0, BTreeSet::new(), Vec::new());
    for text in texts.iter().filter(|text| is_for_both(text)) {
        let explain = db.prepare(&format!("EXPLAIN QUERY PLAN {text}"));
        let mut explain = explain.unwrap_or_else(|error| panic!("{text}: {error}"));
        let mut lines = explain.raw_query();
        while let Some(line) = lines.next().unwrap() {
            if let Some(fault) = fault_of_line(&line.get::<_, String>(3).unwrap()) {
                match excuse(text) {
                    Some(part) => drop(excused.insert(part)),
                    None => faults.push(format!("{text}\n    {fault}")),
                }
            }
        }
        explained += 1;
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(explained > 100, "{explained}");
    excused
}

/// Whether a statement is not PostgreSQL's own: its locks, its triggers, its opening.
fn is_for_both(text: &str) -> bool {
    let own = ["pg_", "::", "schema_version", "FROM ONLY"];
    !own.iter().any(|own| text.contains(own))
}

/// The names of the store's methods, as they stand in its source.
fn methods() -> BTreeSet<&'static str> {
    let source = include_str!("../../../regcred-core/src/store/mod.rs");
    let (_, methods) = source.split_once("pub trait Store").unwrap();
    let names = methods.lines().filter_map(|line| {
        let line = line.trim_start();
        let line = line.strip_prefix("async ").unwrap_or(line);
        line.strip_prefix("fn ")?.split('(').next()
    });
    names.collect()
}

fn described(plan: &Plan, fault: &str) -> String {
    let Plan { method, text, root } = plan;
    format!("{method}: {fault}\n    {text}\n{root:#}")
}

/// What goes with a project, a user or credentials, by statements of the database's own.
const CASCADES: [&str; 13] = [
    "credentials_check",
    "credentials_puller",
    "credentials_use_day",
    "credentials_verification",
    "credentials_version",
    "docker_credentials",
    "project_group",
    "project_member",
    "service_token_project",
    "session",
    "user_group",
    "workload",
    "workload_version",
];
