//! The audit trail.

use futures_util::future::join_all;
use regcred_core::ErrorKind;

use crate::fixture::{Fixture, event};

pub(crate) async fn has_an_event_for_each_change_and_none_for_a_refusal(fixture: Fixture) {
    assert_eq!(fixture.events().await, 0);
    let alice = fixture.user("alice", &[]).await;
    let project = fixture.project(&alice, "one").await;
    assert_eq!(fixture.events().await, 2);

    let editor = fixture.editor(&alice, project).await;
    let create = || {
        let new = fixture.credentials(project, None, "me");
        fixture
            .store
            .create_credentials(&editor, new, event("create"))
    };
    create().await.unwrap();
    assert_eq!(create().await.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(fixture.events().await, 3);

    // A batch in which some fail: only the others leave an event, and the chain holds.
    let all = (0..50).map(|number| {
        let new = fixture.credentials(project, None, &format!("user{}", number / 2));
        fixture
            .store
            .create_credentials(&editor, new, event("create"))
    });
    let done = join_all(all).await;
    assert_eq!(done.iter().filter(|done| done.is_ok()).count(), 25);
    assert_eq!(fixture.events().await, 28);
}

pub(crate) async fn goes_on_after_the_store_was_opened_anew(fixture: Fixture) {
    fixture.user("alice", &[]).await;
    let fixture = fixture.reopened().await;
    fixture.user("bob", &[]).await;
    assert_eq!(fixture.events().await, 2);
    assert_eq!(fixture.store.audit_streams().await.unwrap().len(), 1);
}
