//! Service tokens.

use std::time::Duration;

use regcred_core::ErrorKind;
use regcred_core::access::{Right, Rights};
use regcred_core::ids::{ProjectId, TokenId};
use regcred_core::random::SystemRandom;
use regcred_core::store::{NewToken, ServiceToken};
use regcred_core::token::TokenKind;

use crate::fixture::{Fixture, User, event, now};

fn new_token(fixture: &Fixture, projects: &[ProjectId]) -> NewToken {
    let minted = fixture
        .keys
        .token_key()
        .mint(TokenKind::Service, now(), &SystemRandom)
        .unwrap();
    let mut projects = projects.to_vec();
    projects.sort_unstable();
    let token = ServiceToken {
        id: minted.id,
        name: "ci 🤖".to_owned(),
        projects,
        rights: Rights::new(vec![Right::Pull, Right::View]).unwrap(),
        creator: "alice".to_owned(),
        created: now(),
        expires: now().plus(Duration::from_hours(24 * 365)),
    };
    NewToken {
        token,
        mac: minted.mac,
    }
}

pub(crate) async fn create(fixture: &Fixture, user: &User, projects: &[ProjectId]) -> TokenId {
    let mut grants = Vec::new();
    for project in projects {
        grants.push(fixture.manager(user, *project).await);
    }
    let new = new_token(fixture, projects);
    let id = new.token.id;
    fixture
        .store
        .create_token(&grants, new, event("token"))
        .await
        .unwrap();
    id
}

pub(crate) async fn count_in_all_their_projects_until_revoked_in_one(fixture: Fixture) {
    let alice = fixture.user("alice", &[]).await;
    let (one, two) = (
        fixture.project(&alice, "one").await,
        fixture.project(&alice, "two").await,
    );
    let store = &fixture.store;
    let (managers, new) = (
        [
            fixture.manager(&alice, one).await,
            fixture.manager(&alice, two).await,
        ],
        new_token(&fixture, &[two, one]),
    );
    let (token, mac) = (new.token.clone(), new.mac);
    store
        .create_token(&managers, new, event("token"))
        .await
        .unwrap();
    let single = create(&fixture, &alice, &[two]).await;

    let secret = store.token_secret(token.id).await.unwrap().unwrap();
    assert!(secret.mac.matches(&mac));
    assert_eq!(secret.token, token);
    assert_eq!(
        store.tokens(&managers[0]).await.unwrap(),
        std::slice::from_ref(&token)
    );
    let ids: Vec<_> = store
        .tokens(&managers[1])
        .await
        .unwrap()
        .iter()
        .map(|token| token.id)
        .collect();
    assert_eq!(ids, [token.id, single]);

    let revoke = |index: usize, id| store.revoke_token(&managers[index], id, event("revoke"));
    assert!(!revoke(0, single).await.unwrap(), "not of this project");
    assert!(revoke(0, token.id).await.unwrap());
    assert!(store.token_secret(token.id).await.unwrap().is_none());
    assert!(!revoke(1, token.id).await.unwrap());
}

pub(crate) async fn need_projects_that_exist(fixture: Fixture) {
    let alice = fixture.user("alice", &[]).await;
    let one = fixture.project(&alice, "one").await;
    let grants = [fixture.manager(&alice, one).await];
    let nowhere = ProjectId::generate(now(), &SystemRandom).unwrap();
    let new = new_token(&fixture, &[one, nowhere]);
    let id = new.token.id;
    let refused = fixture
        .store
        .create_token(&grants, new, event("token"))
        .await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::NotFound);
    assert!(
        fixture.store.token_secret(id).await.unwrap().is_none(),
        "nothing is left of it"
    );
}
