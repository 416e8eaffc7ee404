//! Docker credentials.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use regcred_core::credentials::{DockerCredentials, MOST_IN_PROJECT, Username};
use regcred_core::ids::{CredentialsId, ProjectId};
use regcred_core::random::SystemRandom;
use regcred_core::registry::{ImageReference, Registry};
use regcred_core::store::{DecideUpgrade, Upgrade};
use regcred_core::verification::schedule;
use regcred_core::{Error, ErrorKind, Result};

use crate::fixture::{Fixture, User, by_itself, event, now, operator, sealed};

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

pub(crate) async fn that_are_created_at_once_are_made_or_refused_each_for_itself(fixture: Fixture) {
    let alice = fixture.user("alice", &[]).await;
    let mut editors = Vec::new();
    for name in ["one", "two", "full", "gone"] {
        let project = fixture.project(&alice, name).await;
        editors.push(Arc::new(fixture.editor(&alice, project).await));
    }
    let almost = MOST_IN_PROJECT - 1;
    let fill = format!("UPDATE project SET credentials = {almost} WHERE name = 'full'");
    fixture.run(&fill).await;
    let manager = fixture.manager(&alice, editors[3].project()).await;
    let deleted = fixture.store.delete_project(&manager, event("project"));
    assert!(deleted.await.unwrap());
    let before = fixture.events().await;

    let create = |place: usize, number: u64| {
        let editor = Arc::clone(&editors[place]);
        // Each couple of the second project is wanted twice.
        let host = [number, number / 2, number, number][place];
        let host = format!("h{host}.x");
        let mut new = fixture.credentials(editor.project(), Some(&host), "me");
        if number.is_multiple_of(2) {
            new.credentials.expires = Some(now().plus(Duration::from_hours(24 * 300)));
            let probe = ImageReference::parse(&format!("{host}/app:1"));
            new.credentials.probe = Some(probe.unwrap());
        }
        let (credentials, store) = (new.credentials.clone(), Arc::clone(&fixture.store));
        tokio::spawn(async move {
            let created = store.create_credentials(&editor, new, event("create"));
            created.await.map(|()| credentials)
        })
    };
    let (mut made, mut refused) = ([(); 4].map(|()| Vec::new()), [(); 4].map(|()| Vec::new()));
    // In all of them at once, and in each by itself.
    for (places, numbers) in [
        (vec![0, 1, 2, 3], 0..10),
        (vec![0], 10..20),
        (vec![1], 10..20),
        (vec![2], 10..20),
        (vec![3], 10..20),
    ] {
        let of_all = numbers.flat_map(|number| places.iter().map(move |place| (*place, number)));
        let creating: Vec<_> = of_all
            .map(|(place, number)| (place, create(place, number)))
            .collect();
        for (place, creating) in creating {
            match creating.await.unwrap() {
                Ok(credentials) => made[place].push(credentials),
                Err(error) => refused[place].push(error.kind()),
            }
        }
    }
    assert_eq!(made.each_ref().map(Vec::len), [20, 10, 1, 0]);
    assert!(refused[0].is_empty());
    assert_eq!(refused[1], [ErrorKind::Conflict; 10]);
    assert_eq!(refused[2], [ErrorKind::Invalid; 19]);
    assert_eq!(refused[3], [ErrorKind::NotFound; 20]);

    assert_eq!(fixture.events().await - before, 31);
    let mut plans = Vec::new();
    for (editor, made) in editors.iter().zip(&mut made) {
        made.sort_by_key(|credentials| credentials.id);
        let listed = fixture.store.list_credentials(&editor.sight()).await;
        assert_eq!(listed.unwrap(), *made);
        plans.extend(made.iter().map(|of| {
            let due = schedule::first(&of.id, of.version, of.last_update);
            (of.id, of.registry.key().host().to_owned(), due)
        }));
    }
    let at = now().plus(Duration::from_hours(24 * 365));
    let due = fixture
        .store
        .due_checks(by_itself(), at, HashSet::new(), 600);
    let due = due.await.unwrap().checks.into_iter();
    let mut due: Vec<_> = due.map(|of| (of.credentials, of.host, of.due)).collect();
    due.sort();
    plans.sort();
    assert_eq!(due, plans);
    // A number that is wrong would be taken away, which is refused.
    let wrong = "UPDATE project SET credentials = NULL WHERE name <> 'full' \
                 AND credentials <> (SELECT count(*) FROM docker_credentials WHERE project_id = project.id)";
    fixture.run(wrong).await;
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
