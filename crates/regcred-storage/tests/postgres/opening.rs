//! Opening a database that is not what it should be.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use regcred_core::clock::SystemClock;
use regcred_core::credentials::DAYS_OF_USE;
use regcred_core::random::SystemRandom;
use regcred_core::sealing::Kek;
use regcred_core::secret::SecretText;
use regcred_core::{Clock as _, Day};
use regcred_storage::{PostgresOptions, PostgresStore};

use crate::proxy::server_of;
use crate::replica::{Replica, new_kek};
use crate::scratch::Scratch;

fn refused(options: &PostgresOptions, kek: &str) -> String {
    let kek = Kek::parse(kek).unwrap();
    let opened = PostgresStore::open(options, &kek, &SystemClock, &SystemRandom);
    opened.err().unwrap().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn another_key_opens_nothing() {
    let (scratch, kek) = (Scratch::make().await, new_kek());
    let replica = Replica::open(&scratch.options(), &kek);
    replica.store.close().await;
    let why = refused(&scratch.options(), &new_kek());
    assert!(why.contains("key"), "{why}");
    Replica::open(&scratch.options(), &kek);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_others_is_left_alone() {
    let scratch = Scratch::make().await;
    let client = scratch.client().await;
    client
        .batch_execute("CREATE TABLE theirs (id int)")
        .await
        .unwrap();
    let why = refused(&scratch.options(), &new_kek());
    assert!(why.contains("holds tables, and none of regcred's"), "{why}");
    let tables = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'";
    let tables: i64 = client.query_one(tables, &[]).await.unwrap().get(0);
    assert_eq!(tables, 1, "nothing was made");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_schema_is_left_alone() {
    let (scratch, kek) = (Scratch::make().await, new_kek());
    Replica::open(&scratch.options(), &kek).store.close().await;
    let client = scratch.client().await;
    client
        .batch_execute("UPDATE schema_version SET version = 1000")
        .await
        .unwrap();
    let why = refused(&scratch.options(), &kek);
    assert!(
        why.contains("has the schema 1000") && why.contains("nothing was changed"),
        "{why}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_earlier_schema_is_brought_up_and_loses_nothing() {
    let (scratch, kek) = (Scratch::make().await, new_kek());
    let replica = Replica::open(&scratch.options(), &kek);
    let admin = replica.admin("admin").await;
    let project = replica.project(&admin, "old").await;
    for username in ["busy", "long-ago", "never"] {
        replica.create(&admin, project, username).await.unwrap();
    }
    replica.store.close().await;
    let client = scratch.client().await;
    // As it was when the last pull had a table of its own: one that was pulled today and yesterday, one whose days are
    // forgotten.
    let today = Day::of(SystemClock.now()).number();
    let now = SystemClock.now().as_micros();
    let before = format!(
        "DROP TABLE credentials_use_day; \
         CREATE TABLE credentials_use (project_id bytea NOT NULL, credentials_id bytea NOT NULL, last_used bigint NOT NULL, \
         token_id bytea NOT NULL, token_name text COLLATE \"C\" NOT NULL, PRIMARY KEY (project_id, credentials_id), \
         FOREIGN KEY (project_id, credentials_id) REFERENCES docker_credentials (project_id, id) ON DELETE CASCADE); \
         CREATE TABLE credentials_use_day (project_id bytea NOT NULL, credentials_id bytea NOT NULL, day bigint NOT NULL, \
         pulls bigint NOT NULL, PRIMARY KEY (project_id, credentials_id, day), FOREIGN KEY (project_id, credentials_id) \
         REFERENCES credentials_use (project_id, credentials_id) ON DELETE CASCADE); \
         CREATE INDEX credentials_use_day_day ON credentials_use_day (day); \
         INSERT INTO credentials_use SELECT project_id, id, CASE username WHEN 'busy' THEN {now} ELSE 86400000001 END, \
         id, 'ci-' || username FROM docker_credentials WHERE username <> 'never'; \
         INSERT INTO credentials_use_day SELECT project_id, id, {today} - d, 7 - d FROM docker_credentials, \
         generate_series(0, 1) d WHERE username = 'busy'; UPDATE schema_version SET version = 7"
    );
    client.batch_execute(&before).await.unwrap();

    // Another key changes nothing.
    let why = refused(&scratch.options(), &new_kek());
    assert!(why.contains("key"), "{why}");
    let version = "SELECT version FROM schema_version";
    let schema = async || -> i64 { client.query_one(version, &[]).await.unwrap().get(0) };
    assert_eq!(schema().await, 7);

    // Two at once, as a rollout does.
    let (options, again) = (scratch.options(), kek.clone());
    let other = tokio::task::spawn_blocking(move || Replica::open(&options, &again));
    let replica = Replica::open(&scratch.options(), &kek);
    other.await.unwrap().store.close().await;
    assert!(schema().await > 7);
    let since = Some(Day::from_number(today).minus(DAYS_OF_USE));
    let uses = replica
        .service
        .credentials_uses(&admin, project, None, since);
    let told: Vec<_> = uses
        .await
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
    replica.store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_wrong_is_told_and_no_password_with_it() {
    let scratch = Scratch::make().await;
    let options = |url: String| PostgresOptions::parse(&SecretText::new(url), None).unwrap();
    let (server, database) = (server_of(&scratch), "nowhere");
    let wrong_password = format!("postgres://regcred:sesame-open@{server}/{database}");
    let why = refused(&options(wrong_password), &new_kek());
    assert!(why.contains("password authentication failed"), "{why}");
    assert!(!why.contains("sesame"), "{why}");

    let no_database = scratch.url().replace("test_", "absent_");
    let why = refused(&options(no_database), &new_kek());
    assert!(why.contains("does not exist"), "{why}");

    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    let nobody = scratch
        .url()
        .replace(&server.to_string(), &address.to_string());
    let why = refused(&options(nobody), &new_kek());
    assert!(why.contains("cannot be reached"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_says_nothing_is_not_waited_for() {
    let scratch = Scratch::make().await;
    // It takes connections, as a machine that hangs does.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = server_of(&scratch).to_string();
    let both = format!("{},{server}", silent.local_addr().unwrap());
    let url = SecretText::new(scratch.url().replace(&server, &both));
    let options = PostgresOptions::parse(&url, None).unwrap();
    let begun = Instant::now();
    let replica = Replica::open(&options, &new_kek());
    replica.service.ready().await.unwrap();
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "it was waited for"
    );
}
