//! Pulls that are written down together, in a transaction that is sent at once: each is counted once, whatever happens to it.

use regcred_core::registry::PullTarget;
use regcred_core::service::PullRequest;

use crate::proxy::{Mode, Proxy};
use crate::replica::{Replica, new_kek};
use crate::scratch::Scratch;

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
