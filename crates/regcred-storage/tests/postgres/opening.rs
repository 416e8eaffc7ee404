//! Opening a database that is not what it should be.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use regcred_core::clock::SystemClock;
use regcred_core::random::SystemRandom;
use regcred_core::sealing::Kek;
use regcred_core::secret::SecretText;
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
