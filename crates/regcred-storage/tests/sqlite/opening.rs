//! Opening, and refusing to open without a change.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use regcred_core::clock::SystemClock;
use regcred_core::credentials::DAYS_OF_USE;
use regcred_core::workload::{Extent, Texts, WorkloadKind};
use regcred_core::{Clock as _, Day};
use regcred_storage::prepare_directory;

use crate::installation::{Installation, new_kek};

#[tokio::test]
async fn a_wrong_key_is_refused_and_changes_nothing() {
    let mut installation = Installation::new();
    let running = installation.open().unwrap();
    running.admin().await;
    running.close().await;
    let before = installation.bytes();
    let right = std::mem::replace(&mut installation.kek, new_kek());
    let refused = installation.refused();
    assert!(
        refused.contains("key-encryption key is not the one"),
        "{refused}"
    );
    assert_eq!(installation.bytes(), before);
    installation.kek = right;
    installation.open().unwrap().close().await;
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_stays_as_it_is() {
    let installation = Installation::new();
    installation.open().unwrap().close().await;
    installation
        .database()
        .pragma_update(None, "user_version", 1_000)
        .unwrap();
    let before = installation.bytes();
    let refused = installation.refused();
    assert!(
        refused.contains("schema 1000") && refused.contains("newer program"),
        "{refused}"
    );
    assert_eq!(installation.bytes(), before);
}

#[tokio::test]
async fn an_earlier_schema_is_brought_up_and_loses_nothing() {
    let installation = Installation::new();
    let running = installation.open().unwrap();
    let admin = running.admin().await;
    let project = running.project(&admin, "old").await;
    running.credentials(&admin, project, "h.x", "me").await;
    running.close().await;
    // As it was before pulls.
    let before = "DROP TABLE webhook_delivery; DROP TABLE credentials_check; DROP TABLE credentials_puller; \
                  DROP TABLE credentials_version; DROP TABLE workload_version; DROP TABLE workload; \
                  DROP TABLE credentials_verification; DROP TABLE credentials_use_day; \
                  ALTER TABLE project DROP COLUMN workload_versions; \
                  ALTER TABLE project DROP COLUMN grace_period_days; \
                  ALTER TABLE project DROP COLUMN verify_before_saving; \
                  ALTER TABLE project DROP COLUMN deletes_credentials_in_use; \
                  ALTER TABLE docker_credentials DROP COLUMN last_version; \
                  ALTER TABLE docker_credentials DROP COLUMN probe; \
                  ALTER TABLE docker_credentials DROP COLUMN secret; \
                  ALTER TABLE docker_credentials DROP COLUMN expires_at; PRAGMA user_version = 1;";
    installation.database().execute_batch(before).unwrap();

    let running = installation.open().unwrap();
    let admin = running.login().await;
    let listed = running
        .service
        .list_credentials(&admin, project)
        .await
        .unwrap();
    assert_eq!((listed.len(), listed[0].expires), (1, None));
    assert_eq!(running.proof().await, (2, 0), "every record opens");
    let uses = running
        .service
        .credentials_uses(&admin, project, None, None)
        .await;
    assert_eq!(uses.unwrap(), []);
    let read = running.service.project(&admin, project).await.unwrap();
    assert!(!read.deletes_credentials_in_use);
    let all = Extent {
        limit: 10,
        texts: Texts::ALL,
    };
    let jobs = running
        .service
        .workloads(&admin, project, WorkloadKind::Job, all)
        .await;
    assert_eq!(jobs.unwrap(), []);
    // What was there is tried by itself some time within a day.
    let within_a_day = SystemClock.now().plus(Duration::from_hours(24));
    let checks = running.service.due_checks(within_a_day, HashSet::new(), 10);
    assert_eq!(checks.await.unwrap().checks.len(), 1);
    running.close().await;
}

#[tokio::test]
async fn the_last_pulls_of_an_earlier_schema_are_kept_with_their_days() {
    let installation = Installation::new();
    let running = installation.open().unwrap();
    let admin = running.admin().await;
    let project = running.project(&admin, "old").await;
    for username in ["busy", "long-ago", "never"] {
        running.credentials(&admin, project, "h.x", username).await;
    }
    running.close().await;
    // As it was when the last pull had a table of its own: one that was pulled today and yesterday, one whose days are
    // forgotten.
    let today = Day::of(SystemClock.now()).number();
    let now = SystemClock.now().as_micros();
    let before = format!(
        "PRAGMA foreign_keys = ON; DROP TABLE credentials_use_day; \
         CREATE TABLE credentials_use (project_id BLOB NOT NULL, credentials_id BLOB NOT NULL, last_used INTEGER NOT NULL, \
         token_id BLOB NOT NULL, token_name TEXT NOT NULL, PRIMARY KEY (project_id, credentials_id), \
         FOREIGN KEY (project_id, credentials_id) REFERENCES docker_credentials (project_id, id) ON DELETE CASCADE) \
         STRICT, WITHOUT ROWID; \
         CREATE TABLE credentials_use_day (project_id BLOB NOT NULL, credentials_id BLOB NOT NULL, day INTEGER NOT NULL, \
         pulls INTEGER NOT NULL, PRIMARY KEY (project_id, credentials_id, day), FOREIGN KEY (project_id, credentials_id) \
         REFERENCES credentials_use (project_id, credentials_id) ON DELETE CASCADE) STRICT, WITHOUT ROWID; \
         CREATE INDEX credentials_use_day_day ON credentials_use_day (day); \
         INSERT INTO credentials_use SELECT project_id, id, CASE username WHEN 'busy' THEN {now} ELSE 86400000001 END, \
         randomblob(16), 'ci-' || username FROM docker_credentials WHERE username <> 'never'; \
         INSERT INTO credentials_use_day SELECT project_id, id, {today} - d, 7 - d FROM docker_credentials, \
         (SELECT 0 AS d UNION SELECT 1) WHERE username = 'busy'; PRAGMA user_version = 7;"
    );
    installation.database().execute_batch(&before).unwrap();

    let running = installation.open().unwrap();
    let admin = running.login().await;
    let since = Some(Day::from_number(today).minus(DAYS_OF_USE));
    let service = &running.service;
    let uses = service.credentials_uses(&admin, project, None, since).await;
    let told: Vec<_> = uses
        .unwrap()
        .into_iter()
        .map(|used| {
            let days = used.days.iter();
            let days: Vec<_> = days.map(|of| (today - of.day.number(), of.pulls)).collect();
            (used.token_name, used.last.as_micros(), days)
        })
        .collect();
    assert_eq!(
        told,
        [
            ("ci-busy".to_owned(), now, vec![(0, 7), (1, 6)]),
            ("ci-long-ago".to_owned(), 86_400_000_001, vec![]),
        ]
    );
    running.close().await;
    let left =
        "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'credentials_use%' AND type <> 'index'";
    let left: u32 = installation
        .database()
        .query_row(left, [], |row| row.get(0))
        .unwrap();
    assert_eq!(left, 1);
}

#[tokio::test]
async fn what_is_no_database_of_regcred_is_refused() {
    let installation = Installation::new();
    installation
        .database()
        .execute_batch("CREATE TABLE somebody_elses (x)")
        .unwrap();
    let refused = installation.refused();
    assert!(refused.contains("is no database of regcred"), "{refused}");

    let installation = Installation::new();
    fs::write(
        installation.directory.path().join("regcred.db"),
        b"not a database, but long enough to be looked at".repeat(10),
    )
    .unwrap();
    let refused = installation.refused();
    assert!(refused.contains("cannot be read"), "{refused}");
}

#[tokio::test]
async fn what_a_crash_left_is_recovered() {
    let installation = Installation::new();
    let running = installation.open().unwrap();
    running.admin().await;
    // The database and its log as they lie while it runs, without what is shared between processes.
    let crashed = Installation {
        directory: tempfile::TempDir::new().unwrap(),
        kek: installation.kek.clone(),
    };
    for (path, bytes) in installation.bytes() {
        fs::write(
            crashed.directory.path().join(path.file_name().unwrap()),
            bytes,
        )
        .unwrap();
    }
    running.close().await;
    // A start that was cut off as early as can be.
    let journal = crashed.directory.path().join("regcred.db-journal");
    fs::write(&journal, [0; 512]).unwrap();
    let running = crashed.open().unwrap();
    running.login().await;
    assert_eq!(running.proof().await, (1, 0));
    running.close().await;
}

#[tokio::test]
async fn one_process_at_a_time() {
    let installation = Installation::new();
    let running = installation.open().unwrap();
    let refused = installation.refused();
    assert!(
        refused.contains("in use by another process")
            && refused.contains(&std::process::id().to_string()),
        "{refused}"
    );
    running.close().await;
    installation.open().unwrap().close().await;
}

#[test]
fn a_directory_that_cannot_be_used_says_which() {
    let refused = prepare_directory(Path::new("/proc/nowhere/data")).unwrap_err();
    assert!(
        refused.to_string().contains("/proc/nowhere/data"),
        "{refused}"
    );
}

#[tokio::test]
async fn files_are_their_owners_alone() {
    let installation = Installation::new();
    let data = installation.directory.path().join("deep/data");
    prepare_directory(&data).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    fs::remove_dir_all(data.parent().unwrap()).unwrap();
    let running = installation.open().unwrap();
    running.admin().await;
    let files: Vec<_> = fs::read_dir(installation.directory.path())
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    assert_eq!(
        files.len(),
        4,
        "database, log, shared memory, lock: {files:?}"
    );
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
    running.close().await;
}
