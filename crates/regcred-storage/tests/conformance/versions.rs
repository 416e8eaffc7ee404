//! The versions of credentials.

use std::sync::Arc;
use std::time::Duration;

use regcred_core::access::{Editor, Grant, PullGrant};
use regcred_core::credentials::version::{CredentialsVersion, MOST_PREVIOUS, VersionState};
use regcred_core::credentials::{self, DockerCredentials, Username};
use regcred_core::ids::{CredentialsId, ProjectId};
use regcred_core::random::SystemRandom;
use regcred_core::registry::Registry;
use regcred_core::store::{
    DecideProof, DecideSwitch, DecideUpgrade, Present, ProjectChange, PullRecord, PullRecorded,
    Switch, Upgrade,
};
use regcred_core::verification::{Consequence, Counts, ProofDecision, Verdict, Verification};
use regcred_core::{Error, ErrorKind, Result, Timestamp};

use crate::fixture::{Fixture, User, event, now, operator};

/// Credentials of a project, and who may change them.
struct Room {
    fixture: Fixture,
    alice: User,
    project: ProjectId,
    editor: Grant<Editor>,
    id: CredentialsId,
}

impl Room {
    async fn new(fixture: Fixture) -> Self {
        let alice = fixture.user("alice", &[]).await;
        let project = fixture.project(&alice, "one").await;
        let editor = fixture.editor(&alice, project).await;
        let new = fixture.credentials(project, Some("h.x"), "me");
        let id = new.credentials.id;
        let created = fixture
            .store
            .create_credentials(&editor, new, event("create"));
        created.await.unwrap();
        Self {
            fixture,
            alice,
            project,
            editor,
            id,
        }
    }

    /// The next version, of a username, with a password that is the version's number.
    fn next(&self, username: &str) -> DecideUpgrade {
        let (project, id, keys) = (self.project, self.id, Arc::clone(&self.fixture.keys));
        let username = Username::parse(username.to_owned()).unwrap();
        Box::new(move |present| {
            let registry = Registry::parse(Some("h.x".to_owned())).unwrap();
            let binding = credentials::binding(&project, &id, present.next, &registry, &username);
            let password = present.next.to_string();
            let at = now();
            Ok(Upgrade {
                password: keys
                    .seal(&binding, password.as_bytes(), &SystemRandom)
                    .unwrap(),
                registry,
                username: username.clone(),
                version: present.next,
                at,
                expires: None,
                probe: None,
                secret: present.next,
                proof: None,
                hold_until: present.grace.end(at),
                event: event("upgrade"),
            })
        })
    }

    async fn upgrade(&self, username: &str) -> DockerCredentials {
        let decide = self.next(username);
        let upgraded = self
            .fixture
            .store
            .upgrade_credentials(&self.editor, self.id, decide);
        upgraded.await.unwrap().unwrap()
    }

    async fn stage(&self, username: &str) -> CredentialsVersion {
        let decide = self.next(username);
        let staged = self
            .fixture
            .store
            .stage_credentials(&self.editor, self.id, decide);
        staged.await.unwrap().unwrap()
    }

    async fn switch(&self, to: u32) -> Result<Option<DockerCredentials>> {
        let decide = decide_switch(to);
        let store = &self.fixture.store;
        store
            .switch_credentials(&self.editor, self.id, decide)
            .await
    }

    async fn destroy(&self, number: u32) -> Result<bool> {
        let describe = Box::new(|_: &CredentialsVersion| event("destroy"));
        let store = &self.fixture.store;
        store
            .destroy_version(&self.editor, self.id, number, describe)
            .await
    }

    async fn versions(&self) -> Vec<CredentialsVersion> {
        let sight = self.editor.sight();
        let versions = self.fixture.store.credentials_versions(&sight, self.id);
        versions.await.unwrap()
    }

    /// Number and state of each, the latest first.
    async fn told(&self) -> Vec<(u32, &'static str)> {
        let versions = self.versions().await;
        let told = versions.iter().map(|version| {
            let state = match version.state {
                VersionState::Staged { .. } => "staged",
                VersionState::Current => "current",
                VersionState::Previous { .. } => "previous",
            };
            (version.number, state)
        });
        told.collect()
    }

    /// The password of a version, or of the current one.
    async fn opened(&self, version: Option<u32>) -> Option<String> {
        let unsealing = self.editor.unsealing();
        let stored = self
            .fixture
            .store
            .sealed_password(&unsealing, self.id, version);
        let stored = stored.await.unwrap()?;
        let keys = &self.fixture.keys;
        let opened = keys.open_record(&stored.binding(), &stored.password);
        Some(String::from_utf8(opened.unwrap().to_vec()).unwrap())
    }

    /// Number, password and first version with it of each that is held at a moment.
    async fn held(&self, at: Timestamp) -> Vec<(u32, String, u32)> {
        let unsealing = self.editor.unsealing();
        let held = self
            .fixture
            .store
            .sealed_versions(&unsealing, self.id, at)
            .await;
        let opened = held.unwrap().into_iter().map(|stored| {
            let keys = &self.fixture.keys;
            let opened = keys.open_record(&stored.binding(), &stored.password);
            let row = stored.credentials;
            let password = String::from_utf8(opened.unwrap().to_vec()).unwrap();
            (row.version, password, row.secret)
        });
        opened.collect()
    }

    async fn events(&self) -> usize {
        let rows = self.fixture.store.audit_rows(1, 0, 10_000).await;
        rows.unwrap().len()
    }

    async fn hold_for(&self, days: i64) {
        let manager = self.fixture.manager(&self.alice, self.project).await;
        let change = ProjectChange {
            grace_period: Some(credentials::version::GracePeriod::of_days(days).unwrap()),
            ..ProjectChange::default()
        };
        let edited = self
            .fixture
            .store
            .edit_project(&manager, change, event("edit"));
        edited.await.unwrap().unwrap();
    }

    async fn purge(&self, at: Timestamp) {
        let purged = self
            .fixture
            .store
            .purge_expired(at, Timestamp::from_micros(0));
        purged.await.unwrap();
    }
}

fn decide_switch(to: u32) -> DecideSwitch {
    Box::new(move |present: &Present<'_>| {
        let at = now();
        Ok(Switch {
            to,
            at,
            hold_until: present.grace.end(at),
            event: event("switch"),
        })
    })
}

pub(crate) async fn of_an_upgrade_are_held_and_brought_back(fixture: Fixture) {
    let room = Room::new(fixture).await;
    assert_eq!(room.told().await, [(1, "current")]);
    room.upgrade("other").await;
    assert_eq!(room.told().await, [(2, "current"), (1, "previous")]);
    let versions = room.versions().await;
    assert_eq!(
        (versions[0].username.as_str(), versions[1].username.as_str()),
        ("other", "me")
    );
    let VersionState::Previous { superseded, until } = versions[1].state else {
        panic!("{versions:?}");
    };
    let held = until.since(superseded).as_secs_f64() / 3600.0;
    assert!((held - 7.0 * 24.0).abs() < 0.1, "{held} hours");
    assert_eq!(room.opened(None).await.as_deref(), Some("2"));
    assert_eq!(room.opened(Some(1)).await.as_deref(), Some("hunter2"));
    assert_eq!(room.opened(Some(2)).await.as_deref(), Some("2"));
    assert_eq!(room.opened(Some(3)).await, None);

    let back = room.switch(1).await.unwrap().unwrap();
    assert_eq!((back.version, back.username.as_str()), (1, "me"));
    let sight = room.editor.sight();
    let shown = room.fixture.store.credentials(&sight, room.id);
    assert_eq!(shown.await.unwrap(), Some(back));
    assert_eq!(room.told().await, [(2, "previous"), (1, "current")]);
    assert_eq!(room.opened(None).await.as_deref(), Some("hunter2"));
    // And forth again.
    room.switch(2).await.unwrap().unwrap();
    assert_eq!(room.opened(None).await.as_deref(), Some("2"));

    // Every version is among the sealed passwords, in order, and opens.
    let operator = operator();
    let all = room.fixture.store.sealed_passwords(&operator, None, 100);
    let all = all.await.unwrap();
    let numbers: Vec<_> = all.iter().map(|one| one.credentials.version).collect();
    assert_eq!(numbers, [1, 2]);
    for one in &all {
        let keys = &room.fixture.keys;
        assert!(keys.open_record(&one.binding(), &one.password).is_ok());
    }
}

pub(crate) async fn that_are_held_are_read_at_once_with_their_passwords(fixture: Fixture) {
    let room = Room::new(fixture).await;
    let own = |number: u32| (number, number.to_string(), number);
    let first = (1, "hunter2".to_owned(), 1);
    assert_eq!(room.held(now()).await, std::slice::from_ref(&first));
    room.hold_for(2).await;
    room.upgrade("other").await;
    room.stage("me").await;
    assert_eq!(room.held(now()).await, [first.clone(), own(2), own(3)]);
    room.switch(1).await.unwrap().unwrap();
    assert_eq!(room.held(now()).await, [first.clone(), own(2), own(3)]);

    // What counts and what is staged stay; what counted before is lost at its moment, also before it is removed.
    let versions = room.versions().await;
    let VersionState::Previous { until, .. } = versions[1].state else {
        panic!("{versions:?}");
    };
    let before = Timestamp::from_micros(until.as_micros() - 1);
    assert_eq!(room.held(before).await, [first.clone(), own(2), own(3)]);
    assert_eq!(room.held(until).await, [first, own(3)]);

    // A damaged one is among them; whether it opens is for others to say.
    let damage =
        "UPDATE credentials_version SET password = substr(password, 1, 40) WHERE version = 2";
    room.fixture.run(damage).await;
    let unsealing = room.editor.unsealing();
    let store = &room.fixture.store;
    let held = store.sealed_versions(&unsealing, room.id, now()).await;
    assert_eq!(held.unwrap().len(), 3);
}

pub(crate) async fn that_are_staged_wait_one_at_a_time(fixture: Fixture) {
    let room = Room::new(fixture).await;
    let staged = room.stage("me").await;
    assert_eq!(
        (staged.number, staged.state),
        (2, VersionState::Staged { base: 1 })
    );
    assert_eq!(room.versions().await[0], staged);
    assert_eq!(
        room.opened(None).await.as_deref(),
        Some("hunter2"),
        "what is pulled stays what it is"
    );
    assert_eq!(room.opened(Some(2)).await.as_deref(), Some("2"));
    // Another one takes its place, under a number of its own.
    assert_eq!(room.stage("me").await.number, 3);
    assert_eq!(room.told().await, [(3, "staged"), (1, "current")]);
    assert_eq!(room.opened(Some(2)).await, None);
    // An upgrade leaves it alone.
    assert_eq!(room.upgrade("me").await.version, 4);
    let told = room.told().await;
    assert_eq!(told, [(4, "current"), (3, "staged"), (1, "previous")]);
    assert_eq!(room.switch(3).await.unwrap().unwrap().version, 3);
    let told = room.told().await;
    assert_eq!(told, [(4, "previous"), (3, "current"), (1, "previous")]);
}

pub(crate) async fn are_switched_at_once_or_not_at_all(fixture: Fixture) {
    let room = Room::new(fixture).await;
    let taken = room.fixture.credentials(room.project, Some("h.x"), "taken");
    let store = &room.fixture.store;
    let created = store.create_credentials(&room.editor, taken, event("create"));
    created.await.unwrap();
    let refused = store.stage_credentials(&room.editor, room.id, room.next("taken"));
    assert_eq!(refused.await.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(room.told().await, [(1, "current")]);

    // The couple of what is staged is taken later.
    room.stage("free").await;
    let free = room.fixture.credentials(room.project, Some("h.x"), "free");
    let created = store.create_credentials(&room.editor, free, event("create"));
    created.await.unwrap();
    let before = room.events().await;
    let refused = room.switch(2).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    let refuse: DecideSwitch = Box::new(|_| Err(Error::conflict("no")));
    let refused = store.switch_credentials(&room.editor, room.id, refuse);
    assert_eq!(refused.await.unwrap_err().message(), "no");
    assert_eq!(room.told().await, [(2, "staged"), (1, "current")]);
    assert_eq!(room.events().await, before, "nothing happened");

    let absent = CredentialsId::generate(now(), &SystemRandom).unwrap();
    let nothing = store.switch_credentials(&room.editor, absent, decide_switch(2));
    assert!(nothing.await.unwrap().is_none());
    let nothing = store.stage_credentials(&room.editor, absent, room.next("x"));
    assert!(nothing.await.unwrap().is_none());

    // What was found out of a version is known when it is decided on.
    let proof = Verification {
        credentials: room.id,
        version: 2,
        verdict: Verdict::Rejected,
        probed: false,
        at: now(),
    };
    let proving = room.editor.proving();
    let decide: DecideProof = Box::new(|_| {
        Ok(ProofDecision {
            event: event("verify"),
            consequence: None,
        })
    });
    let recorded = store.record_verification(&proving, proof, decide);
    assert!(recorded.await.unwrap().is_some());
    let look: DecideSwitch = Box::new(move |present| {
        assert_eq!((present.row.version, present.next), (1, 3));
        let staged = &present.versions[0];
        assert_eq!((staged.number, staged.proof), (2, Some(proof)));
        assert_eq!(staged.refused, Some(Verdict::Rejected));
        assert_eq!(present.versions[1].refused, None);
        Err(Error::conflict("seen"))
    });
    let refused = store.switch_credentials(&room.editor, room.id, look);
    assert_eq!(refused.await.unwrap_err().message(), "seen");
}

pub(crate) async fn that_are_refused_before_they_count_are_news_once_they_do(fixture: Fixture) {
    let room = Room::new(fixture).await;
    room.stage("me").await;
    let counts = Counts {
        refusals: 1,
        failures: 0,
    };
    // The first version, tried twice; the staged one, whose proof changes nothing; and the same one once it counts.
    for (version, known, consequence) in [
        (1, Counts::default(), Some(counts)),
        (1, counts, Some(counts)),
        (2, counts, None),
        (2, Counts::default(), Some(counts)),
        (2, counts, None),
    ] {
        if version == 2 && consequence.is_some() {
            room.switch(2).await.unwrap().unwrap();
        }
        let decide: DecideProof = Box::new(move |tried| {
            assert_eq!(tried.counts, known);
            let consequence = consequence.map(|counts| Consequence {
                due: now(),
                counts,
                expires: None,
                announcement: None,
            });
            let event = event("verify");
            Ok(ProofDecision { event, consequence })
        });
        let proof = Verification {
            credentials: room.id,
            version,
            verdict: Verdict::Rejected,
            probed: false,
            at: now(),
        };
        let store = &room.fixture.store;
        let proving = room.editor.proving();
        let recorded = store.record_verification(&proving, proof, decide);
        assert!(recorded.await.unwrap().is_some());
    }
}

pub(crate) async fn are_held_for_the_grace_period_of_the_project_and_no_more_than_so_many(
    fixture: Fixture,
) {
    let room = Room::new(fixture).await;
    room.hold_for(2).await;
    room.upgrade("me").await;
    room.stage("me").await;
    let days = |days: u64| now().plus(Duration::from_hours(24 * days));
    room.purge(days(1)).await;
    assert_eq!(room.told().await.len(), 3);
    room.purge(days(3)).await;
    assert_eq!(
        room.told().await,
        [(3, "staged"), (2, "current")],
        "what is staged waits as long as it has to"
    );
    room.hold_for(0).await;
    room.upgrade("me").await;
    assert_eq!(room.told().await, [(4, "current"), (3, "staged")]);

    room.hold_for(7).await;
    for _ in 0..MOST_PREVIOUS + 3 {
        room.upgrade("me").await;
    }
    let told = room.told().await;
    let previous: Vec<_> = told
        .iter()
        .filter(|(_, state)| *state == "previous")
        .map(|(number, _)| *number)
        .collect();
    let last = u32::try_from(MOST_PREVIOUS).unwrap() + 6;
    assert_eq!(previous, (7..=last).rev().collect::<Vec<_>>());
    assert!(told.contains(&(3, "staged")));
}

pub(crate) async fn that_are_destroyed_or_foreign_are_gone(fixture: Fixture) {
    let room = Room::new(fixture).await;
    room.upgrade("me").await;
    room.stage("me").await;
    let store = &room.fixture.store;
    let foreign = room.fixture.project(&room.alice, "foreign").await;
    let theirs = room.fixture.editor(&room.alice, foreign).await;
    let unsealing = theirs.unsealing();
    for version in [None, Some(1), Some(2), Some(3)] {
        let stored = store.sealed_password(&unsealing, room.id, version);
        assert!(stored.await.unwrap().is_none());
    }
    let none = store.sealed_versions(&unsealing, room.id, now());
    assert!(none.await.unwrap().is_empty());
    let sight = theirs.sight();
    let none = store.credentials_versions(&sight, room.id);
    assert!(none.await.unwrap().is_empty());
    let nothing = store.switch_credentials(&theirs, room.id, decide_switch(1));
    assert!(nothing.await.unwrap().is_none());
    let describe = Box::new(|_: &CredentialsVersion| event("destroy"));
    let nothing = store.destroy_version(&theirs, room.id, 1, describe);
    assert!(!nothing.await.unwrap());

    assert_eq!(
        room.destroy(2).await.unwrap_err().kind(),
        ErrorKind::Conflict
    );
    let before = room.events().await;
    assert!(room.destroy(1).await.unwrap() && room.destroy(3).await.unwrap());
    assert_eq!(room.events().await, before + 2);
    assert!(!room.destroy(1).await.unwrap() && !room.destroy(9).await.unwrap());
    assert_eq!(room.told().await, [(2, "current")]);
    assert_eq!(room.opened(Some(1)).await, None);

    // All go with their credentials.
    room.upgrade("me").await;
    let describe = Box::new(|_: &DockerCredentials, _: u64| event("delete"));
    let deleted = store.delete_credentials(&room.editor, room.id, false, describe);
    assert!(deleted.await.unwrap());
    assert!(room.versions().await.is_empty());
    assert!(room.held(now()).await.is_empty());
    let operator = operator();
    let left = store.sealed_passwords(&operator, None, 10);
    assert!(left.await.unwrap().is_empty());
}

pub(crate) async fn keep_their_numbers_also_when_the_last_one_is_gone(fixture: Fixture) {
    let room = Room::new(fixture).await;
    room.stage("me").await;
    assert!(room.destroy(2).await.unwrap());
    assert_eq!(room.upgrade("me").await.version, 3);
    room.switch(1).await.unwrap().unwrap();
    assert!(room.destroy(3).await.unwrap());
    let room = Room {
        fixture: room.fixture.reopened().await,
        ..room
    };
    assert_eq!(room.upgrade("me").await.version, 4);
}

pub(crate) async fn that_are_switched_while_they_are_pulled_are_the_old_or_the_new(
    fixture: Fixture,
) {
    let room = Room::new(fixture).await;
    let puller = room.fixture.puller(&room.alice, "ci", room.project).await;
    let room = Arc::new(room);
    let pulling = {
        let room = Arc::clone(&room);
        tokio::spawn(async move {
            let mut left = 0_u32;
            while left < 300 {
                left += u32::from(pull(&room, &puller).await);
            }
        })
    };
    for _ in 0..20 {
        let staged = room.stage("me").await.number;
        room.switch(staged).await.unwrap().unwrap();
        let before = room.versions().await;
        let before = before
            .iter()
            .find(|version| matches!(version.state, VersionState::Previous { .. }));
        room.switch(before.unwrap().number).await.unwrap().unwrap();
        tokio::task::yield_now().await;
    }
    pulling.await.unwrap();
}

/// One pull; `false` where the version changed between the reading and the writing down, so that nothing left.
async fn pull(room: &Room, puller: &PullGrant) -> bool {
    let store = &room.fixture.store;
    let unsealing = puller.unsealing();
    let stored = store.sealed_password(&unsealing, room.id, None);
    let stored = stored.await.unwrap().expect("there is always one");
    let opened = room
        .fixture
        .keys
        .open_record(&stored.binding(), &stored.password);
    let version = stored.credentials.version;
    let expected = match version {
        1 => "hunter2".to_owned(),
        number => number.to_string(),
    };
    assert_eq!(opened.unwrap().as_slice(), expected.as_bytes());
    let record = PullRecord {
        credentials: room.id,
        version,
        target: stored.credentials.registry.key().clone(),
        at: now(),
    };
    let recorded = store.record_pull(puller, record, event("pull"));
    recorded.await.unwrap() == PullRecorded::Written
}
