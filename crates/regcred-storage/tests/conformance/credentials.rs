//! Docker credentials.

use std::sync::Arc;

use regcred_core::credentials::{DockerCredentials, Username};
use regcred_core::ids::{CredentialsId, ProjectId};
use regcred_core::random::SystemRandom;
use regcred_core::registry::Registry;
use regcred_core::store::{DecideUpgrade, Upgrade};
use regcred_core::{Error, ErrorKind, Result};

use crate::fixture::{Fixture, User, event, now, operator, sealed};

async fn add(
    fixture: &Fixture,
    user: &User,
    project: ProjectId,
    registry: Option<&str>,
    username: &str,
) -> Result<DockerCredentials> {
    let new = fixture.credentials(project, registry, username);
    let credentials = new.credentials.clone();
    let editor = fixture.editor(user, project).await;
    fixture
        .store
        .create_credentials(&editor, new, event("create"))
        .await
        .map(|()| credentials)
}

/// An upgrade to these values, one version up.
fn to(fixture: &Fixture, registry: Option<&str>, username: &str) -> DecideUpgrade {
    let keys = Arc::clone(&fixture.keys);
    let registry = Registry::parse(registry.map(str::to_owned)).unwrap();
    let username = Username::parse(username.to_owned()).unwrap();
    Box::new(move |present| {
        let at = now();
        Ok(Upgrade {
            registry: registry.clone(),
            username: username.clone(),
            version: present.next,
            at,
            expires: None,
            password: sealed(&keys, b"new"),
            probe: present.row.probe.clone(),
            secret: present.next,
            proof: None,
            hold_until: present.grace.end(at),
            event: event("upgrade"),
        })
    })
}

pub(crate) async fn come_back_as_they_went_in(fixture: Fixture) {
    let alice = fixture.user("alice", &[]).await;
    let project = fixture.project(&alice, "one").await;
    let mut added = Vec::new();
    for (registry, username) in [
        (None, "用户 🐳"),
        (Some(""), "empty"),
        (Some("https://GHCR.io/Team".to_lowercase().as_str()), "a@b"),
        (Some("HOST.:5000/v2/"), "robot$x"),
    ] {
        added.push(
            add(&fixture, &alice, project, registry, username)
                .await
                .unwrap(),
        );
    }
    let viewer = fixture.viewer(&alice, project).await;
    assert_eq!(
        fixture
            .store
            .list_credentials(&viewer.sight())
            .await
            .unwrap(),
        added
    );
    for one in &added {
        let found = fixture
            .store
            .credentials(&viewer.sight(), one.id)
            .await
            .unwrap();
        assert_eq!(found.as_ref(), Some(one));
    }
}

pub(crate) async fn are_found_in_their_own_project_only(fixture: Fixture) {
    let alice = fixture.user("alice", &[]).await;
    let (one, two) = (
        fixture.project(&alice, "one").await,
        fixture.project(&alice, "two").await,
    );
    let id = add(&fixture, &alice, one, None, "me").await.unwrap().id;
    let store = &fixture.store;
    let (viewer, editor) = (
        fixture.viewer(&alice, two).await,
        fixture.editor(&alice, two).await,
    );
    assert!(
        store
            .credentials(&viewer.sight(), id)
            .await
            .unwrap()
            .is_none()
    );
    let upgraded = store
        .upgrade_credentials(&editor, id, to(&fixture, None, "you"))
        .await;
    assert!(upgraded.unwrap().is_none());
    let describe = || Box::new(|_: &DockerCredentials, _: u64| event("delete"));
    assert!(
        !store
            .delete_credentials(&editor, id, false, describe())
            .await
            .unwrap()
    );
    let editor = fixture.editor(&alice, one).await;
    assert!(
        store
            .delete_credentials(&editor, id, false, describe())
            .await
            .unwrap()
    );
    assert!(
        !store
            .delete_credentials(&editor, id, false, describe())
            .await
            .unwrap()
    );
}

pub(crate) async fn a_couple_is_unique_however_the_registry_is_spelled(fixture: Fixture) {
    let alice = fixture.user("alice", &[]).await;
    let (one, two) = (
        fixture.project(&alice, "one").await,
        fixture.project(&alice, "two").await,
    );
    let hub = add(&fixture, &alice, one, None, "me").await.unwrap();
    let ghcr = add(&fixture, &alice, one, Some("ghcr.io"), "me")
        .await
        .unwrap();
    add(&fixture, &alice, one, None, "Me")
        .await
        .expect("usernames are compared exactly");
    add(&fixture, &alice, two, None, "me")
        .await
        .expect("another project");
    for spelled in ["docker.io", "https://index.docker.io/v1/", ""] {
        let refused = add(&fixture, &alice, one, Some(spelled), "me")
            .await
            .unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Conflict);
        assert!(
            refused.message().contains(&hub.id.to_string()),
            "{refused} names what holds the couple"
        );
    }
    let store = &fixture.store;
    let editor = fixture.editor(&alice, one).await;
    let refused = store
        .upgrade_credentials(&editor, ghcr.id, to(&fixture, Some("docker.io"), "me"))
        .await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Conflict);
    let viewer = fixture.viewer(&alice, one).await;
    let unchanged = store.credentials(&viewer.sight(), ghcr.id).await.unwrap();
    assert_eq!(unchanged, Some(ghcr));
    let own = store
        .upgrade_credentials(&editor, hub.id, to(&fixture, Some("docker.io"), "me"))
        .await;
    assert_eq!(
        own.unwrap().unwrap().registry.typed(),
        Some("docker.io"),
        "its own couple is no conflict"
    );
}

pub(crate) async fn upgrade_decides_on_the_present_row_and_may_refuse(fixture: Fixture) {
    let alice = fixture.user("alice", &[]).await;
    let project = fixture.project(&alice, "one").await;
    let before = add(&fixture, &alice, project, Some("ghcr.io"), "me")
        .await
        .unwrap();
    let (store, editor, viewer) = (
        &fixture.store,
        fixture.editor(&alice, project).await,
        fixture.viewer(&alice, project).await,
    );
    let expected = before.clone();
    let refuse: DecideUpgrade = Box::new(move |present| {
        assert_eq!(*present.row, expected);
        Err(Error::conflict("no"))
    });
    let refused = store.upgrade_credentials(&editor, before.id, refuse).await;
    assert_eq!(refused.unwrap_err().message(), "no");
    assert_eq!(
        store.credentials(&viewer.sight(), before.id).await.unwrap(),
        Some(before.clone())
    );

    let after = store
        .upgrade_credentials(&editor, before.id, to(&fixture, None, "you"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((after.version, after.username.as_str()), (2, "you"));
    assert_eq!(
        store.credentials(&viewer.sight(), before.id).await.unwrap(),
        Some(after)
    );
    let absent = CredentialsId::generate(now(), &SystemRandom).unwrap();
    let nothing = store
        .upgrade_credentials(&editor, absent, to(&fixture, None, "x"))
        .await;
    assert!(nothing.unwrap().is_none());
}

pub(crate) async fn concurrent_creators_of_one_couple_have_one_winner(fixture: Fixture) {
    let alice = Arc::new(fixture.user("alice", &[]).await);
    let project = fixture.project(&alice, "one").await;
    let fixture = Arc::new(fixture);
    let creators: Vec<_> = (0..64)
        .map(|_| {
            let (fixture, alice) = (Arc::clone(&fixture), Arc::clone(&alice));
            tokio::spawn(async move { add(&fixture, &alice, project, None, "me").await })
        })
        .collect();
    let mut won = 0;
    for creator in creators {
        match creator.await.unwrap() {
            Ok(_) => won += 1,
            Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict),
        }
    }
    assert_eq!(won, 1);
}

pub(crate) async fn concurrent_upgrades_each_see_the_one_before(fixture: Fixture) {
    let alice = fixture.user("alice", &[]).await;
    let project = fixture.project(&alice, "one").await;
    let id = add(&fixture, &alice, project, None, "me").await.unwrap().id;
    let editor = Arc::new(fixture.editor(&alice, project).await);
    let fixture = Arc::new(fixture);
    let upgrades: Vec<_> = (0..32)
        .map(|_| {
            let (fixture, editor) = (Arc::clone(&fixture), Arc::clone(&editor));
            tokio::spawn(async move {
                let decide = to(&fixture, None, "me");
                let done = fixture.store.upgrade_credentials(&editor, id, decide).await;
                done.unwrap().unwrap().version
            })
        })
        .collect();
    let mut versions = Vec::new();
    for upgrade in upgrades {
        versions.push(upgrade.await.unwrap());
    }
    versions.sort_unstable();
    assert_eq!(versions, (2..=33).collect::<Vec<_>>());
}

pub(crate) async fn sealed_passwords_are_walked_in_order(fixture: Fixture) {
    let alice = fixture.user("alice", &[]).await;
    let mut expected = Vec::new();
    for name in ["one", "two"] {
        let project = fixture.project(&alice, name).await;
        for username in ["a", "b", "c"] {
            let added = add(&fixture, &alice, project, None, username)
                .await
                .unwrap();
            expected.push((project, added.id));
        }
    }
    expected.sort_unstable();
    let (mut walked, mut after) = (Vec::new(), None);
    loop {
        let batch = fixture
            .store
            .sealed_passwords(&operator(), after, 2)
            .await
            .unwrap();
        let Some(last) = batch.last() else { break };
        assert!(batch.len() <= 2);
        after = Some((last.project, last.credentials.id, last.credentials.version));
        for stored in &batch {
            let opened = fixture
                .keys
                .open_record(&stored.binding(), &stored.password);
            assert_eq!(opened.unwrap().as_slice(), b"hunter2");
            walked.push((stored.project, stored.credentials.id));
        }
    }
    assert_eq!(walked, expected);
}
