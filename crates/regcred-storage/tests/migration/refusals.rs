//! What is not moved, and where nothing is moved to; nothing is changed then.

use regcred_core::clock::SystemClock;
use regcred_core::random::SystemRandom;
use regcred_storage::{PostgresStore, Standing, note_moved};

use crate::dump::{assert_same, of_postgres, of_sqlite};
use crate::fixture::Source;
use crate::replica::{Replica, new_kek};
use crate::scratch::Scratch;

/// Leaves a part of it there.
async fn begin(source: &Source, scratch: &Scratch) {
    let options = scratch.options();
    let begun = source.with(&options, false, |migration| {
        migration.copy(&mut |_| {}).unwrap()
    });
    begun.await.unwrap();
}

async fn refused(source: &Source, scratch: &Scratch) -> String {
    let before = of_sqlite(source.path());
    let refused = source.migrate(&scratch.options(), false, |_| {}).await;
    assert_same(&before, &of_sqlite(source.path()));
    refused.unwrap_err()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_others_is_left_alone() {
    let (source, scratch) = (Source::full().await, Scratch::make().await);
    let client = scratch.client().await;
    let table = "CREATE TABLE theirs (id bigint); INSERT INTO theirs VALUES (1)";
    client.batch_execute(table).await.unwrap();
    let why = refused(&source, &scratch).await;
    assert!(why.contains("holds tables, and none of regcred's"), "{why}");
    assert_eq!(of_postgres(&scratch).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_installation_is_left_alone_whole_or_not() {
    let (source, other, scratch) = (
        Source::full().await,
        Source::full().await,
        Scratch::make().await,
    );
    begin(&other, &scratch).await;
    let before = of_postgres(&scratch).await;
    for restart in [false, true] {
        let why = source.migrate(&scratch.options(), restart, |_| {}).await;
        let why = why.unwrap_err();
        assert!(why.contains("a part of another installation"), "{why}");
    }
    assert_same(&before, &of_postgres(&scratch).await);
    other
        .migrate(&scratch.options(), false, |_| {})
        .await
        .unwrap();
    let before = of_postgres(&scratch).await;
    for restart in [false, true] {
        let why = source.migrate(&scratch.options(), restart, |_| {}).await;
        let why = why.unwrap_err();
        assert!(why.contains("another installation;"), "{why}");
    }
    assert_same(&before, &of_postgres(&scratch).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_is_not_served() {
    let (source, scratch) = (Source::full().await, Scratch::make().await);
    begin(&source, &scratch).await;
    let before = of_postgres(&scratch).await;
    let (options, kek) = (scratch.options(), source.kek());
    let opened = PostgresStore::open(&options, &kek, &SystemClock, &SystemRandom);
    let why = opened.err().unwrap().to_string();
    assert!(
        why.contains("is not finished; run `regcred migrate` again"),
        "{why}"
    );
    assert_same(&before, &of_postgres(&scratch).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_was_served_meanwhile_is_noticed_and_can_begin_anew() {
    let (source, scratch) = (Source::full().await, Scratch::make().await);
    begin(&source, &scratch).await;
    let before = of_postgres(&scratch).await;
    let replica = source.serve();
    replica.log_in("admin").await;
    replica.store.close().await;
    drop(replica);
    let why = refused(&source, &scratch).await;
    assert!(
        why.contains("was used since its migration") && why.contains("--restart"),
        "{why}"
    );
    assert!(why.contains("session had 1 rows"), "{why}");
    assert_same(&before, &of_postgres(&scratch).await);
    let options = scratch.options();
    source.migrate(&options, true, |_| {}).await.unwrap();
    assert_same(&of_sqlite(source.path()), &of_postgres(&scratch).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_leaves_no_event_is_found_at_the_end() {
    let (source, scratch) = (Source::full().await, Scratch::make().await);
    begin(&source, &scratch).await;
    source.change("UPDATE session SET last_used = last_used + 1");
    let why = refused(&source, &scratch).await;
    assert!(
        why.contains("of session is not the same") && why.contains("--restart"),
        "{why}"
    );
    let replica = PostgresStore::open(
        &scratch.options(),
        &source.kek(),
        &SystemClock,
        &SystemRandom,
    );
    assert!(replica.is_err(), "it is not served");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_was_changed_meanwhile_is_found_at_the_end() {
    let (source, scratch) = (Source::full().await, Scratch::make().await);
    for (change, named) in [
        (
            "UPDATE audit_event SET event = event || ' ' WHERE sequence = 3",
            "the row 1, 3 of audit_event",
        ),
        ("DELETE FROM user_group", "of user_group"),
        (
            "INSERT INTO wrapped_key VALUES ('zzz', 1, '')",
            "the row \"zzz\", 1 of wrapped_key",
        ),
    ] {
        let options = scratch.options();
        let begun = source.with(&options, true, |migration| {
            migration.copy(&mut |_| {}).is_ok()
        });
        assert_eq!(begun.await, Ok(true));
        let client = scratch.client().await;
        client.batch_execute(change).await.unwrap();
        let compared = source.with(&options, false, |migration| {
            migration.compare(&mut |_| {}).unwrap_err().to_string()
        });
        let why = compared.await.unwrap();
        assert!(why.contains(named), "{why}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_with_all_of_an_older_state_is_no_part() {
    let (source, scratch) = (Source::full().await, Scratch::make().await);
    let options = scratch.options();
    source.migrate(&options, false, |_| {}).await.unwrap();
    let before = of_postgres(&scratch).await;
    let replica = source.serve();
    replica.log_in("admin").await;
    replica.store.close().await;
    drop(replica);
    let why = refused(&source, &scratch).await;
    assert!(why.contains("has changes that are not in it"), "{why}");
    assert_same(&before, &of_postgres(&scratch).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_schema_is_left_alone() {
    let (source, scratch) = (Source::full().await, Scratch::make().await);
    begin(&source, &scratch).await;
    let client = scratch.client().await;
    client
        .batch_execute("UPDATE schema_version SET version = 6")
        .await
        .unwrap();
    let why = refused(&source, &scratch).await;
    assert!(why.contains("has the schema 6"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_nobody_knows_is_not_left_behind() {
    let (source, scratch) = (Source::full().await, Scratch::make().await);
    source.change("CREATE TABLE added (id INTEGER PRIMARY KEY) STRICT");
    let why = refused(&source, &scratch).await;
    assert!(
        why.contains("the table added is none that is moved"),
        "{why}"
    );
    assert!(of_postgres(&scratch).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_that_postgresql_cannot_hold_are_named() {
    let (source, scratch) = (Source::full().await, Scratch::make().await);
    source
        .change("UPDATE project SET id = id, description = 'a' || char(0) || 'b' WHERE name = 'q'");
    let id = "SELECT lower(hex(id)) FROM project WHERE name = 'q'";
    let id: String = source
        .database()
        .query_row(id, [], |row| row.get(0))
        .unwrap();
    let (obstacles, standing) = source
        .with(&scratch.options(), false, |migration| {
            (migration.obstacles().unwrap(), migration.standing())
        })
        .await
        .unwrap();
    assert_eq!(standing, Standing::New);
    assert_eq!(obstacles.len(), 1);
    assert!(obstacles[0].starts_with("project.description of the row "));
    assert!(
        obstacles[0].replace('-', "").ends_with(&id),
        "{obstacles:?}"
    );
    assert!(of_postgres(&scratch).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_at_once_are_one_too_many() {
    let (source, scratch) = (Source::full().await, Scratch::make().await);
    let copy = Source {
        directory: tempfile::TempDir::new().unwrap(),
        kek: source.kek.clone(),
    };
    let file = regcred_storage::DATABASE_FILE;
    std::fs::copy(source.path().join(file), copy.path().join(file)).unwrap();
    let options = scratch.options();
    let (theirs, handle) = (options.clone(), tokio::runtime::Handle::current());
    let second = source.with(&options, false, move |_first| {
        handle.block_on(copy.with(&theirs, false, |_| ()))
    });
    let why = second.await.unwrap().unwrap_err();
    assert!(why.contains("another process moves"), "{why}");
    assert!(of_postgres(&scratch).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_whose_installation_was_moved_is_not_opened() {
    let source = Source::full().await;
    note_moved(source.path(), "db.example.com:5432/regcred").unwrap();
    let scratch = Scratch::make().await;
    let opened = source.with(&scratch.options(), false, |_| ()).await;
    let why = opened.unwrap_err();
    assert!(
        why.contains("was moved to db.example.com:5432/regcred") && why.contains("remove"),
        "{why}"
    );
    std::fs::remove_file(source.path().join("moved")).unwrap();
    source.serve().store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_key_moves_nothing() {
    let (mut source, scratch) = (Source::full().await, Scratch::make().await);
    source.kek = new_kek();
    let why = refused(&source, &scratch).await;
    assert!(why.contains("is not the one"), "{why}");
    assert!(of_postgres(&scratch).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_is_not_taken_for_an_empty_database_by_a_first_start() {
    let (source, scratch) = (Source::full().await, Scratch::make().await);
    begin(&source, &scratch).await;
    assert!(PostgresStore::exists(&scratch.options()).unwrap());
    let options = scratch.options();
    source.migrate(&options, false, |_| {}).await.unwrap();
    Replica::open(&options, &source.kek).store.close().await;
}
