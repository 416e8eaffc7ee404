//! Users.

use regcred_core::ErrorKind;
use regcred_core::people::{GroupName, Login};
use regcred_core::store::UserChange;

use crate::fixture::{Fixture, event, now, operator};

pub(crate) async fn logins_are_unique(fixture: Fixture) {
    assert!(!fixture.store.anybody().await.unwrap());
    fixture.user("alice", &[]).await;
    assert!(fixture.store.anybody().await.unwrap());
    let again = fixture.user_or_error("Alice", &[], true).await;
    assert_eq!(again.err().unwrap().kind(), ErrorKind::Conflict);
    assert_eq!(fixture.store.users(&operator()).await.unwrap().len(), 1);
}

pub(crate) async fn accounts_are_listed_with_their_groups(fixture: Fixture) {
    fixture.user("bob", &["b", "a"]).await;
    let alice = fixture.user("alice", &[]).await;
    let accounts = fixture.store.users(&operator()).await.unwrap();
    let seen: Vec<_> = accounts
        .iter()
        .map(|account| {
            let groups: Vec<_> = account.groups.iter().map(GroupName::as_str).collect();
            (account.login.as_str(), groups)
        })
        .collect();
    assert_eq!(seen, [("alice", vec![]), ("bob", vec!["a", "b"])]);

    let change = UserChange {
        admin: None,
        groups: Some(vec![GroupName::parse("ops").unwrap()]),
    };
    let store = &fixture.store;
    assert!(
        store
            .update_user(&operator(), alice.id, change, event("groups"))
            .await
            .unwrap()
    );
    let account = store.user(&operator(), &alice.login).await.unwrap();
    assert_eq!(account.unwrap().groups[0].as_str(), "ops");
    let nobody = Login::parse("nobody").unwrap();
    assert!(store.user(&operator(), &nobody).await.unwrap().is_none());
    assert!(store.user_secret(&nobody).await.unwrap().is_none());
}

pub(crate) async fn the_last_admin_stays(fixture: Fixture) {
    let root = fixture.user_or_error("root", &[], true).await.unwrap();
    let (store, admin) = (&fixture.store, operator());
    let demote = || UserChange {
        admin: Some(false),
        groups: None,
    };
    let refused = store
        .update_user(&admin, root.id, demote(), event("demote"))
        .await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Conflict);
    let refused = store.delete_user(&admin, root.id, event("delete")).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Conflict);

    let second = fixture.user_or_error("second", &[], true).await.unwrap();
    assert!(
        store
            .update_user(&admin, second.id, demote(), event("demote"))
            .await
            .unwrap()
    );
    assert!(
        store
            .delete_user(&admin, second.id, event("delete"))
            .await
            .unwrap()
    );
    assert!(
        !store
            .delete_user(&admin, second.id, event("delete"))
            .await
            .unwrap()
    );
}

pub(crate) async fn a_new_password_ends_every_session(fixture: Fixture) {
    let (alice, bob) = (
        fixture.user("alice", &[]).await,
        fixture.user("bob", &[]).await,
    );
    let store = &fixture.store;
    let (hers, his) = (fixture.session(&alice, now()), fixture.session(&bob, now()));
    let (her_id, his_id) = (hers.id, his.id);
    for session in [hers, his] {
        store.open_session(session, event("login")).await.unwrap();
    }
    let replace = |expected| {
        store.replace_password(
            alice.id,
            expected,
            fixture.sealed(b"new"),
            event("password"),
        )
    };
    assert!(!replace(2).await.unwrap(), "another version is there");
    assert!(store.session(her_id).await.unwrap().is_some());
    assert!(replace(1).await.unwrap());
    assert!(store.session(her_id).await.unwrap().is_none());
    assert!(store.session(his_id).await.unwrap().is_some());
    let secret = store.user_secret(&alice.login).await.unwrap().unwrap();
    assert_eq!(secret.password_version, 2);
}
