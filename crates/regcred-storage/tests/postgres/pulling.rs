//! Pulls that are written down together, in a transaction that is sent at once: each is counted once, whatever happens to it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use regcred_core::registry::PullTarget;
use regcred_core::service::PullRequest;
use tokio_postgres::Client;

use crate::proxy::{Mode, Proxy};
use crate::replica::{Replica, new_kek};
use crate::scratch::Scratch;

/// Where somebody new comes to one of many credentials, all of which have as many who pulled as are kept, none but that one is
/// gone through.
#[tokio::test(flavor = "multi_thread")]
async fn somebody_new_costs_the_others_nothing() {
    let scratch = Scratch::make().await;
    let replica = Arc::new(Replica::open(&scratch.options(), &new_kek()));
    let admin = replica.admin("admin").await;
    let mut pullers = Vec::new();
    for number in 0..40 {
        let project = replica.project(&admin, &format!("p{number}")).await;
        replica.create(&admin, project, "me").await.unwrap();
        pullers.push(Arc::new(replica.puller(&admin, project).await));
    }
    let pull_all = async |newcomer: &str| {
        let pulls = pullers.iter().enumerate().map(|(number, puller)| {
            let image = if number == 7 { newcomer } else { "library/app" };
            let request = PullRequest {
                project: None,
                target: PullTarget::image(image).unwrap(),
                pin: None,
            };
            let (replica, puller) = (Arc::clone(&replica), Arc::clone(puller));
            tokio::spawn(async move {
                assert!(replica.service.pull(&puller, request).await.is_ok());
            })
        });
        for pull in pulls.collect::<Vec<_>>() {
            pull.await.unwrap();
        }
    };
    pull_all("library/app").await;
    let client = scratch.client().await;
    let fill = "INSERT INTO credentials_puller \
                SELECT project_id, credentials_id, token_id, 'docker.io/filled/' || n, token_name, version, last_pull - n \
                FROM credentials_puller, generate_series(1, 99) AS n";
    client.batch_execute(fill).await.unwrap();
    let kept = "SELECT count(*), max(n)::bigint FROM (SELECT count(*) AS n FROM credentials_puller GROUP BY credentials_id) AS of";
    let kept = async || {
        let row = client.query_one(kept, &[]).await.unwrap();
        (row.get::<_, i64>(0), row.get::<_, i64>(1))
    };
    assert_eq!(kept().await, (40, 100));
    for number in 0..10 {
        pull_all(&format!("library/new{number}")).await;
    }
    assert_eq!(kept().await, (40, 100), "the oldest ones are gone");
    // A session that ends tells what it has read.
    replica.store.close().await;
    let read = rows_read(&client).await;
    // Each newcomer goes through the hundred of its own; through those of all it would be 40,000 at least.
    assert!((1_000..9_000).contains(&read), "{read} rows were read");
}

#[tokio::test(flavor = "multi_thread")]
async fn those_that_come_at_once_are_counted_at_once() {
    let scratch = Scratch::make().await;
    let replica = Arc::new(Replica::open(&scratch.options(), &new_kek()));
    let admin = replica.admin("admin").await;
    let project = replica.project(&admin, "p").await;
    replica.create(&admin, project, "me").await.unwrap();
    let puller = Arc::new(replica.puller(&admin, project).await);
    let pulls = (0..400).map(|_| {
        let (replica, puller) = (Arc::clone(&replica), Arc::clone(&puller));
        tokio::spawn(async move {
            let request = PullRequest {
                project: None,
                target: PullTarget::image("library/app").unwrap(),
                pin: None,
            };
            assert!(replica.service.pull(&puller, request).await.is_ok());
        })
    });
    for pull in pulls.collect::<Vec<_>>() {
        pull.await.unwrap();
    }
    let client = scratch.client().await;
    let counted = client.query_one("SELECT sum(pulls)::bigint FROM credentials_use_day", &[]);
    assert_eq!(counted.await.unwrap().get::<_, i64>(0), 400);
    replica.store.close().await;
    let sql = "SELECT n_tup_ins + n_tup_upd FROM pg_stat_user_tables WHERE relname = 'credentials_use_day'";
    let written = once_told(&client, sql).await;
    assert!(written < 200, "{written} rows were written for 400 pulls");
}

/// How many rows of those who pulled were found by an index, once it is told.
async fn rows_read(client: &Client) -> i64 {
    let sql = "SELECT sum(idx_tup_read)::bigint FROM pg_stat_user_indexes WHERE relname = 'credentials_puller'";
    once_told(client, sql).await
}

/// A number that the server tells a while after the sessions ended of which it tells.
async fn once_told(client: &Client, sql: &str) -> i64 {
    let (begun, mut before) = (Instant::now(), 0);
    loop {
        let told: i64 = client.query_one(sql, &[]).await.unwrap().get(0);
        if told > 0 && told == before {
            return told;
        }
        before = told;
        let waited = begun.elapsed();
        assert!(waited < Duration::from_secs(30), "the server tells nothing");
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

/// Several pulls at once, over and over, while something goes wrong.
async fn each_pull_is_counted_once(mode: Mode) {
    let scratch = Scratch::make().await;
    let proxy = Proxy::before(&scratch).await;
    let replica = Replica::open(&proxy.options(&scratch), &new_kek());
    let admin = replica.admin("admin").await;
    let project = replica.project(&admin, "p").await;
    replica.create(&admin, project, "me").await.unwrap();
    let token = replica.puller(&admin, project).await;
    let before = replica.service.verify_trail().await.unwrap();
    let pull = async || {
        let request = PullRequest {
            project: None,
            target: PullTarget::image("library/app").unwrap(),
            pin: None,
        };
        let pulled = replica.service.pull(&token, request).await;
        assert!(pulled.is_ok());
    };
    for number in 0..5 {
        proxy.set(mode);
        tokio::join!(pull(), pull(), pull(), pull());
        assert_eq!(proxy.lost(), number + 1, "something went wrong");
    }
    let client = scratch.client().await;
    let sql = "SELECT sum(pulls)::bigint FROM credentials_use_day";
    let counted: i64 = client.query_one(sql, &[]).await.unwrap().get(0);
    assert_eq!(counted, 20);
    let events = replica.service.verify_trail().await.unwrap() - before;
    assert_eq!(events, 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_was_made_and_not_answered_is_not_made_again() {
    each_pull_is_counted_once(Mode::LoseAnswer).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_was_not_made_is_made_once() {
    each_pull_is_counted_once(Mode::LoseCommit).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_was_not_begun_counts_nothing_and_is_begun_again() {
    each_pull_is_counted_once(Mode::SpoilBegin).await;
}
