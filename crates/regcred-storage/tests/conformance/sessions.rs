//! Sessions.

use regcred_core::{ErrorKind, Timestamp};

use crate::fixture::{Fixture, event, now};

pub(crate) async fn open_needs_the_password_that_was_proved(fixture: Fixture) {
    let alice = fixture.user("alice", &[]).await;
    let mut session = fixture.session(&alice, now());
    session.password_version = 2;
    let id = session.id;
    let refused = fixture.store.open_session(session, event("login")).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::NotFound);
    assert!(fixture.store.session(id).await.unwrap().is_none());
}

pub(crate) async fn use_is_noted_and_never_goes_back(fixture: Fixture) {
    let alice = fixture.user("alice", &[]).await;
    let at = Timestamp::from_micros;
    let session = fixture.session(&alice, at(1_000));
    let (id, mac) = (session.id, session.mac);
    let store = &fixture.store;
    store.open_session(session, event("login")).await.unwrap();
    let found = store.session(id).await.unwrap().unwrap();
    assert!(found.mac.matches(&mac) && found.user == alice.id && !found.admin);
    assert_eq!((found.last_used, found.expires), (at(1_000), at(2_000)));
    for (touched, seen) in [(1_500, 1_500), (1_200, 1_500)] {
        store.touch_session(id, at(touched)).await.unwrap();
        let found = store.session(id).await.unwrap().unwrap();
        assert_eq!(found.last_used, at(seen));
    }
}

pub(crate) async fn only_the_owner_ends_a_session(fixture: Fixture) {
    let (alice, bob) = (
        fixture.user("alice", &[]).await,
        fixture.user("bob", &[]).await,
    );
    let session = fixture.session(&alice, now());
    let id = session.id;
    let store = &fixture.store;
    store.open_session(session, event("login")).await.unwrap();
    let end = |grant| async move {
        store
            .end_session(&grant, id, event("logout"))
            .await
            .unwrap()
    };
    assert!(!end(bob.grant()).await);
    assert!(store.session(id).await.unwrap().is_some());
    assert!(end(alice.grant()).await);
    assert!(store.session(id).await.unwrap().is_none());
    assert!(!end(alice.grant()).await);
}

pub(crate) async fn what_ran_out_is_removed(fixture: Fixture) {
    let alice = fixture.user("alice", &[]).await;
    let at = Timestamp::from_micros;
    let store = &fixture.store;
    let mut ids = Vec::new();
    for created in [1_000, 5_000] {
        let session = fixture.session(&alice, at(created));
        ids.push(session.id);
        store.open_session(session, event("login")).await.unwrap();
    }
    assert_eq!(store.purge_expired(at(2_000), at(0)).await.unwrap(), 1);
    assert!(store.session(ids[0]).await.unwrap().is_none());
    assert_eq!(store.purge_expired(at(5_500), at(5_000)).await.unwrap(), 0);
    assert_eq!(store.purge_expired(at(5_500), at(5_001)).await.unwrap(), 1);
    assert!(store.session(ids[1]).await.unwrap().is_none());
}
