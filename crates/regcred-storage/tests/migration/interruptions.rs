//! A migration that is interrupted again and again, by a database that goes away.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use regcred_storage::Progress;
use tokio::runtime::Handle;

use crate::dump::{assert_same, of_postgres, of_sqlite};
use crate::fixture::Source;
use crate::proxy::{Mode, Proxy};
use crate::scratch::Scratch;

/// Ends all other sessions on the database, when so many steps have been told.
fn ending_after(scratch: &Scratch, steps: u32) -> impl FnMut(Progress<'_>) + Send + 'static {
    let (url, told, handle) = (scratch.url(), AtomicU32::new(0), Handle::current());
    move |_| {
        if told.fetch_add(1, Ordering::Relaxed) == steps {
            handle.block_on(end_sessions(&url));
        }
    }
}

async fn end_sessions(url: &str) {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    client.execute(end, &[]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn each_step_may_be_the_last_one_for_now() {
    let (source, scratch) = (Arc::new(Source::full().await), Scratch::make().await);
    let before = of_sqlite(source.path());
    let options = scratch.options();
    let (mut interrupted, mut steps) = (0, 0);
    // Each try comes further than the one before, up to one that is not interrupted any more.
    while let Err(why) = source
        .migrate(&options, false, ending_after(&scratch, steps))
        .await
    {
        assert!(why.contains("PostgreSQL"), "{why}");
        interrupted += 1;
        steps += 1;
        assert!(interrupted < 200, "it never ends");
    }
    assert!(interrupted > 40, "{interrupted}");
    assert_same(&before, &of_postgres(&scratch).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_whose_commit_nobody_hears_of_move_once() {
    let (source, scratch) = (Source::full().await, Scratch::make().await);
    let before = of_sqlite(source.path());
    let proxy = Arc::new(Proxy::before(&scratch).await);
    let options = proxy.options(&scratch);
    for (lost, mode) in (0..).zip([Mode::LoseAnswer, Mode::LoseCommit].repeat(4)) {
        let theirs = Arc::clone(&proxy);
        let interrupted = source.migrate(&options, false, move |_| {
            if theirs.lost() == lost {
                theirs.set(mode);
            }
        });
        let why = interrupted.await.unwrap_err();
        assert!(why.contains("PostgreSQL"), "{why}");
        assert_eq!(proxy.lost(), lost + 1);
    }
    source.migrate(&options, false, |_| {}).await.unwrap();
    assert_same(&before, &of_postgres(&scratch).await);
}
