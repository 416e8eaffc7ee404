//! Pulls: what they see, and what is kept of them.

use std::sync::Arc;
use std::time::Duration;

use regcred_core::access::PullGrant;
use regcred_core::credentials::{CredentialsUse, DAYS_OF_USE, DockerCredentials, MOST_PULLERS};
use regcred_core::ids::ProjectId;
use regcred_core::registry::{PullTarget, Registry};
use regcred_core::store::{PullRecord, PullRecorded};
use regcred_core::{Day, Timestamp};

use crate::fixture::{Fixture, User, event, now};

async fn add(
    fixture: &Fixture,
    user: &User,
    project: ProjectId,
    registry: &str,
    username: &str,
) -> DockerCredentials {
    let new = fixture.credentials(project, Some(registry), username);
    let credentials = new.credentials.clone();
    let editor = fixture.editor(user, project).await;
    let added = fixture
        .store
        .create_credentials(&editor, new, event("create"));
    added.await.unwrap();
    credentials
}

/// A pull of the first version at a moment.
fn record(credentials: &DockerCredentials, at: Timestamp) -> PullRecord {
    PullRecord {
        credentials: credentials.id,
        version: 1,
        target: credentials.registry.key().clone(),
        at,
    }
}

async fn pull(fixture: &Fixture, grant: &PullGrant, record: PullRecord) -> PullRecorded {
    let recorded = fixture.store.record_pull(grant, record, event("pull"));
    recorded.await.unwrap()
}

/// The uses of a project with all days.
async fn uses(fixture: &Fixture, grant: &PullGrant) -> Vec<CredentialsUse> {
    let long_ago = Some(Day::from_number(0));
    let sight = grant.sight();
    let uses = fixture.store.credentials_uses(&sight, None, long_ago);
    uses.await.unwrap()
}

async fn events(fixture: &Fixture) -> usize {
    fixture.store.audit_rows(1, 0, 10_000).await.unwrap().len()
}

fn shown(rows: &[DockerCredentials]) -> Vec<(&str, &str)> {
    rows.iter()
        .map(|row| (row.registry.key().as_str(), row.username.as_str()))
        .collect()
}

pub(crate) async fn see_the_first_key_that_any_credentials_of_their_project_have(fixture: Fixture) {
    let alice = fixture.user("alice", &[]).await;
    let project = fixture.project(&alice, "one").await;
    let other = fixture.project(&alice, "other").await;
    for registry in ["h.x", "h.x/team", "h.x/team/app", "h.x/teamwork", "h.x:443"] {
        add(&fixture, &alice, project, registry, "me").await;
    }
    let another = add(&fixture, &alice, project, "h.x/team", "another").await;
    add(&fixture, &alice, other, "h.x/team/web", "foreign").await;
    let puller = fixture.puller(&alice, "ci", project).await;
    let of = async |image: &str, limit| {
        let keys: Vec<_> = PullTarget::image(image).unwrap().covering().collect();
        let sight = puller.sight();
        let found = fixture.store.credentials_of_first(&sight, &keys, limit);
        found.await.unwrap()
    };
    let team = [("h.x/team", "another"), ("h.x/team", "me")];
    assert_eq!(shown(&of("h.x/team/web", 10).await), team);
    assert_eq!(shown(&of("h.x/team/web", 1).await), team[..1]);
    assert_eq!(shown(&of("h.x/teams", 10).await), [("h.x", "me")]);
    assert_eq!(shown(&of("h.y/team", 10).await), []);

    let opened = async |grant: &PullGrant| {
        let stored = fixture
            .store
            .sealed_password(&grant.unsealing(), another.id, None)
            .await
            .unwrap()?;
        assert_eq!(stored.credentials, another);
        let opened = fixture
            .keys
            .open_record(&stored.binding(), &stored.password);
        Some(opened.unwrap().to_vec())
    };
    assert_eq!(
        opened(&puller).await.as_deref(),
        Some(b"hunter2".as_slice())
    );
    let foreign = fixture.puller(&alice, "ci", other).await;
    assert_eq!(opened(&foreign).await, None);
}

pub(crate) async fn that_come_together_see_what_each_would_alone(fixture: Fixture) {
    let alice = fixture.user("alice", &[]).await;
    let mut random = Dice(7);
    let hosts = [
        "h.x",
        "h.x/a",
        "h.x/a/b",
        "h.x/a/b/c",
        "h.x:443",
        "g.x/a",
        "g.x",
    ];
    let mut pullers = Vec::new();
    for name in ["none", "one", "two", "three"] {
        let project = fixture.project(&alice, name).await;
        for host in hosts {
            for account in 0..random.below(5) * usize::from(name != "none") {
                let username = format!("{}{account}", ["b", "B", "\u{e9}"][account % 3]);
                add(&fixture, &alice, project, host, &username).await;
            }
        }
        pullers.push(fixture.puller(&alice, name, project).await);
    }
    let pullers = Arc::new(pullers);
    let mut asked = Vec::new();
    for _ in 0..300 {
        let puller = random.below(pullers.len());
        // Covering keys, and any others in any order.
        let keys: Vec<_> = if random.below(2) == 0 {
            let images = [
                "h.x/a/b/c/d",
                "h.x/a/b",
                "h.x/z",
                "h.x:443/a",
                "g.x/a/b",
                "n.x/a",
            ];
            let image = images[random.below(images.len())];
            PullTarget::image(image).unwrap().covering().collect()
        } else {
            let several = 0..random.below(10);
            let any = several.map(|_| hosts[random.below(hosts.len())].to_owned());
            any.map(|host| Registry::parse(Some(host)).unwrap().key().clone())
                .collect()
        };
        asked.push((puller, keys, random.below(5)));
    }
    let together = asked.iter().map(|(puller, keys, limit)| {
        let (store, pullers) = (Arc::clone(&fixture.store), Arc::clone(&pullers));
        let (puller, keys, limit) = (*puller, keys.clone(), *limit);
        tokio::spawn(async move {
            let unsealing = pullers[puller].unsealing();
            store.sealed_of_first(&unsealing, &keys, limit).await
        })
    });
    let together: Vec<_> = together.collect();
    let mut empty = 0;
    for (together, (puller, keys, limit)) in together.into_iter().zip(&asked) {
        let (unsealing, sight) = (pullers[*puller].unsealing(), pullers[*puller].sight());
        let alone = fixture.store.credentials_of_first(&sight, keys, *limit);
        let alone = alone.await.unwrap();
        let together = together.await.unwrap().unwrap();
        let rows: Vec<_> = together.iter().map(|one| one.credentials.clone()).collect();
        assert_eq!(rows, alone, "{keys:?}, {limit}");
        for read in together {
            let id = read.credentials.id;
            let current = fixture.store.sealed_password(&unsealing, id, None).await;
            assert_eq!(read.password, current.unwrap().unwrap().password);
            assert!(
                fixture
                    .keys
                    .open_record(&read.binding(), &read.password)
                    .is_ok()
            );
        }
        empty += usize::from(alone.is_empty());
    }
    assert!((30..270).contains(&empty), "{empty} of 300 found nothing");
}

pub(crate) async fn that_come_together_do_not_fail_for_a_damaged_row_of_another(fixture: Fixture) {
    let alice = fixture.user("alice", &[]).await;
    let mut pullers = Vec::new();
    for name in ["whole", "damaged"] {
        let project = fixture.project(&alice, name).await;
        add(&fixture, &alice, project, "h.x", name).await;
        pullers.push(fixture.puller(&alice, name, project).await);
    }
    let damage = "UPDATE docker_credentials SET version = -1 WHERE username = 'damaged'";
    fixture.run(damage).await;
    let (pullers, key) = (Arc::new(pullers), PullTarget::image("h.x/a").unwrap());
    let asked = (0..60).map(|number| {
        let (store, pullers) = (Arc::clone(&fixture.store), Arc::clone(&pullers));
        let keys: Vec<_> = key.covering().collect();
        tokio::spawn(async move {
            let unsealing = pullers[number % 2].unsealing();
            store.sealed_of_first(&unsealing, &keys, 10).await
        })
    });
    for (number, asked) in asked.collect::<Vec<_>>().into_iter().enumerate() {
        match (number % 2, asked.await.unwrap()) {
            (0, read) => assert_eq!(read.unwrap().len(), 1),
            (_, Ok(_)) => panic!("what cannot be read was read"),
            (_, Err(error)) => {
                let detail = error.detail().unwrap();
                assert!(
                    detail.starts_with("docker_credentials.version of the row "),
                    "{detail}"
                );
            }
        }
    }
}

/// Throws the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}

pub(crate) async fn see_what_is_near_on_the_same_host(fixture: Fixture) {
    let alice = fixture.user("alice", &[]).await;
    let project = fixture.project(&alice, "one").await;
    let near = ["h.x", "h.x/a", "h.x/z", "h.x:5000", "h.x:5000/a"];
    for registry in near {
        add(&fixture, &alice, project, registry, "me").await;
    }
    for registry in ["a.h.x", "h.x0", "h.xy/a", "h.x-y", "g.x/h.x", "h.x.y:5000"] {
        add(&fixture, &alice, project, registry, "me").await;
    }
    let puller = fixture.puller(&alice, "ci", project).await;
    let found = async |host, limit| {
        let sight = puller.sight();
        let found = fixture.store.credentials_near(&sight, host, limit);
        let found = found.await.unwrap();
        found
            .iter()
            .map(|row| row.registry.key().to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(found("h.x", 100).await, near);
    assert_eq!(found("h.x", 3).await, near[..3]);
    assert!(found("h", 100).await.is_empty());
}

pub(crate) async fn are_counted_by_day_and_written_down(fixture: Fixture) {
    let alice = fixture.user("alice", &[]).await;
    let project = fixture.project(&alice, "one").await;
    let (used, idle) = (
        add(&fixture, &alice, project, "h.x", "used").await,
        add(&fixture, &alice, project, "h.x", "idle").await,
    );
    let (first, second) = (
        fixture.puller(&alice, "first", project).await,
        fixture.puller(&alice, "second", project).await,
    );
    let before = events(&fixture).await;
    let today = now();
    let tomorrow = today.plus(Duration::from_hours(24));
    for (grant, at) in [(&first, today), (&first, today), (&second, tomorrow)] {
        let recorded = pull(&fixture, grant, record(&used, at)).await;
        assert_eq!(recorded, PullRecorded::Written);
    }
    assert_eq!(events(&fixture).await - before, 3);

    let kept = uses(&fixture, &first).await;
    assert_eq!(kept.len(), 1, "what was never pulled is left out");
    let kept = &kept[0];
    assert_eq!((kept.credentials, kept.last), (used.id, tomorrow));
    assert_eq!(
        (kept.token, kept.token_name.as_str()),
        (second.token(), "second")
    );
    let days: Vec<_> = kept.days.iter().map(|of| (of.day, of.pulls)).collect();
    assert_eq!(days, [(Day::of(tomorrow), 1), (Day::of(today), 2)]);
    let (store, sight) = (&fixture.store, first.sight());
    let long_ago = Some(Day::from_number(0));
    let one = store
        .credentials_uses(&sight, Some(used.id), long_ago)
        .await
        .unwrap();
    assert_eq!(one.as_slice(), std::slice::from_ref(kept));
    let since = Some(Day::of(today));
    let one = store
        .credentials_uses(&sight, Some(used.id), since)
        .await
        .unwrap();
    assert_eq!(one[0].days, kept.days[..1]);
    let one = store.credentials_uses(&sight, None, None).await.unwrap();
    assert!(one[0].days.is_empty() && one[0].last == tomorrow);
    let none = store
        .credentials_uses(&sight, Some(idle.id), long_ago)
        .await;
    assert!(none.unwrap().is_empty());

    // The use goes with the credentials.
    let editor = fixture.editor(&alice, project).await;
    let gone = store.delete_credentials(&editor, used.id, false, Box::new(|_, _| event("delete")));
    assert!(gone.await.unwrap());
    assert!(uses(&fixture, &first).await.is_empty());
}

pub(crate) async fn that_may_not_leave_any_more_are_refused_and_leave_nothing(fixture: Fixture) {
    let alice = fixture.user("alice", &[]).await;
    let project = fixture.project(&alice, "one").await;
    let foreign = fixture.project(&alice, "foreign").await;
    let credentials = add(&fixture, &alice, project, "h.x", "me").await;
    let puller = fixture.puller(&alice, "ci", project).await;
    let stranger = fixture.puller(&alice, "ci", foreign).await;
    let revoked = fixture.puller(&alice, "ci", project).await;
    let manager = fixture.manager(&alice, project).await;
    let revoke = fixture
        .store
        .revoke_token(&manager, revoked.token(), event("revoke"));
    assert!(revoke.await.unwrap());
    let before = events(&fixture).await;
    let in_a_year = now().plus(Duration::from_hours(24 * 366));
    for (grant, version, at, expected) in [
        (&puller, 2, now(), PullRecorded::Changed),
        (&puller, 0, now(), PullRecorded::Changed),
        (&stranger, 1, now(), PullRecorded::Changed),
        (&revoked, 1, now(), PullRecorded::TokenGone),
        (&puller, 1, in_a_year, PullRecorded::TokenGone),
    ] {
        let of = PullRecord {
            version,
            ..record(&credentials, at)
        };
        assert_eq!(pull(&fixture, grant, of).await, expected);
    }
    assert_eq!(events(&fixture).await, before);
    assert!(uses(&fixture, &puller).await.is_empty());
}

pub(crate) async fn that_come_at_once_are_all_counted(fixture: Fixture) {
    let alice = fixture.user("alice", &[]).await;
    let project = fixture.project(&alice, "one").await;
    let credentials = add(&fixture, &alice, project, "h.x", "me").await;
    let puller = Arc::new(fixture.puller(&alice, "ci", project).await);
    let before = events(&fixture).await;
    let mut pulls = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let (store, grant) = (Arc::clone(&fixture.store), Arc::clone(&puller));
        let record = record(&credentials, now());
        pulls.spawn(async move {
            store
                .record_pull(&grant, record, event("pull"))
                .await
                .unwrap()
        });
    }
    let recorded = pulls.join_all().await;
    assert!(
        recorded
            .iter()
            .all(|recorded| *recorded == PullRecorded::Written)
    );
    assert_eq!(events(&fixture).await - before, 100);
    assert_eq!(uses(&fixture, &puller).await[0].days[0].pulls, 100);
}

pub(crate) async fn that_come_at_once_are_told_each_for_itself_whether_they_may_leave(
    fixture: Fixture,
) {
    let alice = fixture.user("alice", &[]).await;
    let project = fixture.project(&alice, "one").await;
    let credentials = add(&fixture, &alice, project, "h.x", "me").await;
    let other = add(&fixture, &alice, project, "h.x", "other").await;
    let puller = Arc::new(fixture.puller(&alice, "ci", project).await);
    let revoked = Arc::new(fixture.puller(&alice, "revoked", project).await);
    let manager = fixture.manager(&alice, project).await;
    let revoke = fixture
        .store
        .revoke_token(&manager, revoked.token(), event("revoke"));
    assert!(revoke.await.unwrap());
    let before = events(&fixture).await;
    let mut pulls = Vec::new();
    for number in 0..120 {
        let (grant, version, expected) = match number % 4 {
            0 | 1 => (&puller, 1, PullRecorded::Written),
            2 => (&puller, 2, PullRecorded::Changed),
            _ => (&revoked, 1, PullRecorded::TokenGone),
        };
        let of = if number % 4 == 1 {
            &other
        } else {
            &credentials
        };
        let record = PullRecord {
            version,
            ..record(of, now())
        };
        let (store, grant) = (Arc::clone(&fixture.store), Arc::clone(grant));
        pulls.push(tokio::spawn(async move {
            let recorded = store.record_pull(&grant, record, event("pull")).await;
            assert_eq!(recorded.unwrap(), expected);
        }));
    }
    for pull in pulls {
        pull.await.unwrap();
    }
    assert_eq!(events(&fixture).await - before, 60);
    let uses = uses(&fixture, &puller).await;
    let counted: Vec<_> = uses.iter().map(|of| of.days[0].pulls).collect();
    assert_eq!(counted, [30, 30]);
    let pullers = fixture.store.pullers(&puller.sight(), None).await.unwrap();
    let told: Vec<_> = pullers.iter().map(|by| (by.token, by.version)).collect();
    assert_eq!(told, [(puller.token(), 1); 2]);
}

pub(crate) async fn are_forgotten_after_a_while_but_for_the_last_use(fixture: Fixture) {
    let alice = fixture.user("alice", &[]).await;
    let project = fixture.project(&alice, "one").await;
    let (busy, quiet) = (
        add(&fixture, &alice, project, "h.x", "busy").await,
        add(&fixture, &alice, project, "h.y", "quiet").await,
    );
    let puller = fixture.puller(&alice, "ci", project).await;
    let today = now();
    let days = |days: u32| today.plus(Duration::from_hours(24 * u64::from(days)));
    pull(&fixture, &puller, record(&quiet, today)).await;
    for day in [0, 1, DAYS_OF_USE] {
        pull(&fixture, &puller, record(&busy, days(day))).await;
    }
    let kept = |uses: Vec<CredentialsUse>| -> Vec<(_, Vec<_>)> {
        let days = |used: CredentialsUse| used.days.iter().map(|of| of.day).collect();
        uses.into_iter()
            .map(|used| (used.last, days(used)))
            .collect()
    };
    let last = days(DAYS_OF_USE);
    let busy_days = vec![Day::of(last), Day::of(days(1))];
    // What nobody pulls any more keeps its days; they are behind those of which anybody is told.
    let whatever_there_is = kept(uses(&fixture, &puller).await);
    assert_eq!(
        whatever_there_is,
        [(last, busy_days.clone()), (today, vec![Day::of(today)])]
    );
    let sight = puller.sight();
    for (of, expected) in [
        (None, vec![(last, busy_days.clone()), (today, vec![])]),
        (Some(quiet.id), vec![(today, vec![])]),
        (Some(busy.id), vec![(last, busy_days.clone())]),
    ] {
        let since = Some(Day::of(last).minus(DAYS_OF_USE));
        let told = fixture.store.credentials_uses(&sight, of, since).await;
        assert_eq!(kept(told.unwrap()), expected);
    }
}

pub(crate) async fn say_who_pulled_what_last_and_no_more_than_so_many(fixture: Fixture) {
    let alice = fixture.user("alice", &[]).await;
    let project = fixture.project(&alice, "one").await;
    let (one, other) = (
        add(&fixture, &alice, project, "h.x", "one").await,
        add(&fixture, &alice, project, "h.x", "other").await,
    );
    let (ci, node) = (
        fixture.puller(&alice, "ci", project).await,
        fixture.puller(&alice, "node", project).await,
    );
    let start = now();
    let of = |credentials, image: &str, second| PullRecord {
        target: PullTarget::image(image).unwrap().key(),
        ..record(credentials, start.plus(Duration::from_secs(second)))
    };
    for (grant, image, second) in [
        (&ci, "h.x/a:1", 1),
        (&ci, "h.x/b", 2),
        (&node, "h.x/a", 3),
        (&ci, "h.x/a:2", 4),
    ] {
        pull(&fixture, grant, of(&one, image, second)).await;
    }
    pull(&fixture, &ci, of(&other, "h.x/a", 5)).await;
    let sight = ci.sight();
    let pullers = async |of| {
        let pullers = fixture.store.pullers(&sight, of).await.unwrap();
        pullers
            .into_iter()
            .map(|puller| {
                assert_eq!(puller.version, 1);
                let second = puller.last.since(start).as_secs();
                (puller.token_name, puller.target.to_string(), second)
            })
            .collect::<Vec<_>>()
    };
    let said = |token: &str, target: &str, second| (token.to_owned(), target.to_owned(), second);
    let of_one = [
        said("ci", "h.x/a", 4),
        said("node", "h.x/a", 3),
        said("ci", "h.x/b", 2),
    ];
    assert_eq!(pullers(Some(one.id)).await, of_one);
    let all = [&of_one[..], &[said("ci", "h.x/a", 5)]].concat();
    assert_eq!(pullers(None).await, all);

    for number in 0..MOST_PULLERS {
        let second = 10 + u64::try_from(number).unwrap();
        let image = format!("h.x/many{number}");
        pull(&fixture, &node, of(&one, &image, second)).await;
    }
    let kept = pullers(Some(one.id)).await;
    assert_eq!(kept.len(), MOST_PULLERS);
    assert!(
        kept.iter().all(|(token, ..)| token == "node"),
        "the latest are kept"
    );
    let foreign = fixture.project(&alice, "foreign").await;
    let theirs = fixture.viewer(&alice, foreign).await.sight();
    let nothing = fixture.store.pullers(&theirs, Some(one.id)).await.unwrap();
    assert!(nothing.is_empty());
}
