//! A database that is out of reach, or goes away at the worst moment.

use std::sync::Arc;
use std::time::{Duration, Instant};

use regcred_core::ErrorKind;

use crate::proxy::{Mode, Proxy};
use crate::replica::{Replica, again, new_kek};
use crate::scratch::Scratch;

/// Commits of which nobody hears what became, over and over: each change is made once and acknowledged.
async fn each_change_is_made_once(mode: Mode) {
    let scratch = Scratch::make().await;
    let proxy = Proxy::before(&scratch).await;
    let replica = Replica::open(&proxy.options(&scratch), &new_kek());
    let admin = replica.admin("admin").await;
    let project = replica.project(&admin, "p").await;
    for number in 0..5 {
        proxy.set(mode);
        let created = replica
            .create(&admin, project, &format!("user{number}"))
            .await;
        created.unwrap();
        assert_eq!(proxy.lost(), number + 1, "the commit was lost");
    }
    assert_eq!(replica.count(&admin, project).await.unwrap(), 5);
    // Somebody, a session, a project, and each of them.
    assert_eq!(replica.service.verify_trail().await.unwrap(), 3 + 5);
    assert_eq!(replica.store.audit_streams().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_was_made_and_not_answered_is_not_made_again() {
    each_change_is_made_once(Mode::LoseAnswer).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_was_not_made_is_made_once() {
    each_change_is_made_once(Mode::LoseCommit).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_behind_a_transaction_that_was_not_begun_does_nothing() {
    let scratch = Scratch::make().await;
    let proxy = Proxy::before(&scratch).await;
    let replica = Replica::open(&proxy.options(&scratch), &new_kek());
    let admin = replica.admin("admin").await;
    let project = replica.project(&admin, "p").await;
    replica.create(&admin, project, "before").await.unwrap();
    for number in 0..5 {
        proxy.set(Mode::SpoilBegin);
        let username = format!("user{number}");
        let created = replica.create(&admin, project, &username).await;
        created.unwrap();
        assert_eq!(proxy.lost(), number + 1, "the begin was lost");
    }
    assert_eq!(replica.count(&admin, project).await.unwrap(), 6);
    assert_eq!(replica.service.verify_trail().await.unwrap(), 3 + 6);
    let client = scratch.client().await;
    let counted = client.query_one("SELECT credentials FROM project", &[]);
    assert_eq!(counted.await.unwrap().get::<_, i64>(0), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_the_server_ends_are_made_anew() {
    let scratch = Scratch::make().await;
    let replica = Arc::new(Replica::open(&scratch.options(), &new_kek()));
    let admin = replica.admin("admin").await;
    let project = replica.project(&admin, "p").await;
    let client = scratch.client().await;
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    for round in 0..10 {
        let (theirs, caller) = (Arc::clone(&replica), again(&admin));
        let under_way = tokio::spawn(async move {
            for number in 0..20 {
                let username = format!("user-{round}-{number}");
                theirs.create(&caller, project, &username).await.unwrap();
                theirs.count(&caller, project).await.unwrap();
            }
        });
        client.execute(end, &[]).await.unwrap();
        under_way.await.unwrap();
    }
    assert_eq!(replica.count(&admin, project).await.unwrap(), 200);
    assert_eq!(replica.service.verify_trail().await.unwrap(), 3 + 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_while_nothing_passes_is_answered_in_time_and_goes_on_afterwards() {
    let scratch = Scratch::make().await;
    let proxy = Proxy::before(&scratch).await;
    let replica = Arc::new(Replica::open(&proxy.options(&scratch), &new_kek()));
    let admin = replica.admin("admin").await;
    let project = replica.project(&admin, "p").await;
    replica.create(&admin, project, "before").await.unwrap();

    proxy.set(Mode::Hole);
    let begun = Instant::now();
    let reads = (0..40).map(|_| {
        let (replica, caller) = (Arc::clone(&replica), again(&admin));
        tokio::spawn(async move {
            let begun = Instant::now();
            let error = replica.count(&caller, project).await.unwrap_err();
            (error.kind(), begun.elapsed())
        })
    });
    let writes = (0..40).map(|number| {
        let (replica, caller) = (Arc::clone(&replica), again(&admin));
        tokio::spawn(async move {
            let begun = Instant::now();
            let username = format!("during{number}");
            let error = replica.create(&caller, project, &username).await;
            (error.unwrap_err().kind(), begun.elapsed())
        })
    });
    let asked: Vec<_> = reads.chain(writes).collect();
    for asked in asked {
        let (kind, taken) = asked.await.unwrap();
        assert_eq!(kind, ErrorKind::Unavailable);
        assert!(taken < Duration::from_secs(12), "{taken:?}");
    }
    assert!(begun.elapsed() < Duration::from_secs(15));
    assert!(replica.service.ready().await.is_err());

    proxy.set(Mode::Open);
    let begun = Instant::now();
    while replica.service.ready().await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(5), "not ready again");
    }
    while replica.create(&admin, project, "after").await.is_err() {
        assert!(
            begun.elapsed() < Duration::from_secs(5),
            "no change is made"
        );
    }
    assert!(replica.count(&admin, project).await.unwrap() >= 2);
    replica.service.verify_trail().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_database_is_slow_and_no_more() {
    let scratch = Scratch::make().await;
    let proxy = Proxy::before(&scratch).await;
    let replica = Replica::open(&proxy.options(&scratch), &new_kek());
    let admin = replica.admin("admin").await;
    let project = replica.project(&admin, "p").await;
    proxy.set(Mode::Slow);
    replica.create(&admin, project, "slow").await.unwrap();
    assert_eq!(replica.count(&admin, project).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_closed_says_so() {
    let scratch = Scratch::make().await;
    let replica = Replica::open(&scratch.options(), &new_kek());
    let admin = replica.admin("admin").await;
    let project = replica.project(&admin, "p").await;
    replica.store.close().await;
    assert!(replica.create(&admin, project, "late").await.is_err());
    assert!(replica.count(&admin, project).await.is_err());
    assert!(replica.service.ready().await.is_err());
}
