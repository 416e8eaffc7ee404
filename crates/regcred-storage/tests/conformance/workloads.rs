//! Jobs and apps: their versions, what they use, and what that guards.

use std::sync::Arc;

use regcred_core::access::{Editor, Grant};
use regcred_core::credentials::DockerCredentials;
use regcred_core::ids::{CredentialsId, ProjectId, WorkloadId};
use regcred_core::project::TECHNOLOGIES;
use regcred_core::random::SystemRandom;
use regcred_core::registry::PullTarget;
use regcred_core::store::{ProjectChange, WorkloadChange};
use regcred_core::workload::{
    Extent, MOST_VERSIONS_IN_PROJECT, PinnedImage, Settings, Texts, Version, VersionDetails,
    Workload, WorkloadKind, WorkloadList, WorkloadName,
};
use regcred_core::{Error, ErrorKind, Result};

use crate::fixture::{Fixture, User, event, now};

fn version(number: u32, image: Option<(&str, Option<CredentialsId>)>) -> Version {
    Version {
        number,
        creator: "alice".to_owned(),
        created: now(),
        image: image.map(|(image, of)| PinnedImage::parse(image.to_owned(), of).unwrap()),
        details: VersionDetails {
            release_note: Some(format!("note {number}")),
            ..VersionDetails::default()
        },
    }
}

fn extent(limit: usize) -> Extent {
    Extent {
        limit,
        texts: Texts::ALL,
    }
}

fn workload(kind: WorkloadKind, name: &str, current: Version) -> Workload {
    Workload {
        id: WorkloadId::generate(now(), &SystemRandom).unwrap(),
        kind,
        name: WorkloadName::parse(name.to_owned()).unwrap(),
        alias: None,
        description: None,
        category: "Processing".to_owned(),
        technology: TECHNOLOGIES[0].id,
        creator: "alice".to_owned(),
        created: now(),
        settings: Settings {
            does_use_gpu: Some(true),
            ..Settings::default()
        },
        current,
    }
}

/// Adds a job that pulls with these credentials.
pub(crate) async fn job(
    fixture: &Fixture,
    user: &User,
    project: ProjectId,
    name: &str,
    of: CredentialsId,
) {
    let current = version(1, Some(("h.x/team/app:1", Some(of))));
    let job = workload(WorkloadKind::Job, name, current);
    let editor = fixture.editor(user, project).await;
    let added = fixture.store.create_workload(&editor, job, event("job"));
    added.await.unwrap();
}

/// A project with its maker, who may do everything in it.
struct Place {
    fixture: Fixture,
    alice: User,
    project: ProjectId,
    editor: Grant<Editor>,
}

impl Place {
    async fn new(fixture: Fixture) -> Self {
        let alice = fixture.user("alice", &[]).await;
        let project = fixture.project(&alice, "one").await;
        let editor = fixture.editor(&alice, project).await;
        Self {
            fixture,
            alice,
            project,
            editor,
        }
    }

    async fn credentials(&self, registry: &str, username: &str) -> DockerCredentials {
        let new = self
            .fixture
            .credentials(self.project, Some(registry), username);
        let credentials = new.credentials.clone();
        let store = &self.fixture.store;
        let added = store.create_credentials(&self.editor, new, event("credentials"));
        added.await.unwrap();
        credentials
    }

    async fn add(&self, workload: &Workload) -> Result<()> {
        let store = &self.fixture.store;
        let added = store.create_workload(&self.editor, workload.clone(), event("workload"));
        added.await
    }

    /// A job that runs an image with credentials.
    async fn job(&self, name: &str, image: &str, of: CredentialsId) -> Workload {
        let job = workload(WorkloadKind::Job, name, version(1, Some((image, Some(of)))));
        self.add(&job).await.unwrap();
        job
    }

    async fn upgrade(
        &self,
        id: WorkloadId,
        image: Option<(&str, Option<CredentialsId>)>,
    ) -> Result<Option<Version>> {
        let image = image.map(|(image, of)| (image.to_owned(), of));
        let decide = Box::new(move |number| {
            let image = image.as_ref().map(|(image, of)| (image.as_str(), *of));
            (version(number, image), event("version"))
        });
        let (store, kind) = (&self.fixture.store, WorkloadKind::Job);
        let added = store.add_workload_version(&self.editor, kind, id, decide);
        added.await
    }

    async fn roll_back(&self, id: WorkloadId, to: u32) -> Result<Option<Workload>> {
        let (store, kind) = (&self.fixture.store, WorkloadKind::Job);
        let describe = Box::new(|_: &Workload| event("rollback"));
        let done = store.roll_back_workload(&self.editor, kind, id, to, describe);
        done.await
    }

    async fn delete_credentials(&self, id: CredentialsId, force: bool) -> Result<bool> {
        let store = &self.fixture.store;
        let describe = Box::new(|_: &DockerCredentials, _: u64| event("delete"));
        let deleted = store.delete_credentials(&self.editor, id, force, describe);
        deleted.await
    }

    async fn listed(&self, kind: WorkloadKind) -> Vec<Workload> {
        let viewer = self.fixture.viewer(&self.alice, self.project).await;
        let listed = self.fixture.store.workloads(&viewer, kind, extent(1_000));
        listed.await.unwrap()
    }

    /// The names of the jobs that use credentials, these ones or any.
    async fn using(&self, of: Option<CredentialsId>) -> Vec<String> {
        let viewer = self.fixture.viewer(&self.alice, self.project).await;
        let store = &self.fixture.store;
        let using = store.workloads_using(&viewer, WorkloadKind::Job, of, extent(1_000));
        using
            .await
            .unwrap()
            .into_iter()
            .map(|workload| workload.name.as_str().to_owned())
            .collect()
    }

    /// What is pinned for an image, and by how many.
    async fn pins(&self, image: &str) -> Vec<(CredentialsId, String, u64)> {
        let viewer = self.fixture.viewer(&self.alice, self.project).await;
        let key = PullTarget::image(image).unwrap().key();
        let sight = viewer.sight();
        let pins = self.fixture.store.pins(&sight, &key);
        pins.await
            .unwrap()
            .into_iter()
            .map(|pin| (pin.credentials, pin.by.name.as_str().to_owned(), pin.count))
            .collect()
    }
}

fn kind_and_field(error: &Error) -> (ErrorKind, Option<&str>) {
    (error.kind(), error.field())
}

pub(crate) async fn come_back_as_they_went_in(fixture: Fixture) {
    let place = Place::new(fixture).await;
    let own = place.credentials("h.x", "me").await;
    let job = place.job("Nightly", "H.x/a:1", own.id).await;
    let app = workload(WorkloadKind::App, "nightly", version(1, None));
    place.add(&app).await.unwrap();
    assert_eq!(
        place.listed(WorkloadKind::Job).await,
        std::slice::from_ref(&job)
    );
    assert_eq!(place.listed(WorkloadKind::App).await, [app]);

    let store = &place.fixture.store;
    assert_eq!(
        store
            .workload_home(WorkloadKind::Job, job.id)
            .await
            .unwrap(),
        Some(place.project)
    );
    assert_eq!(
        store
            .workload_home(WorkloadKind::App, job.id)
            .await
            .unwrap(),
        None
    );
    let viewer = place.fixture.viewer(&place.alice, place.project).await;
    for (kind, id, there) in [
        (WorkloadKind::Job, job.id, true),
        (WorkloadKind::App, job.id, false),
    ] {
        let found = store.workload(&viewer, kind, id).await.unwrap();
        assert_eq!(found.is_some(), there);
        assert_eq!(store.count_workloads(&viewer, kind).await.unwrap(), 1);
    }

    // Another project sees, changes and deletes none of it.
    let other = place.fixture.project(&place.alice, "other").await;
    let viewer = place.fixture.viewer(&place.alice, other).await;
    let editor = place.fixture.editor(&place.alice, other).await;
    let kind = WorkloadKind::Job;
    assert_eq!(store.workload(&viewer, kind, job.id).await.unwrap(), None);
    let versions = store
        .workload_versions(&viewer, job.id, extent(10))
        .await
        .unwrap();
    assert_eq!(versions, []);
    let before = place.fixture.events().await;
    let change = WorkloadChange::default();
    let edited = store.edit_workload(&editor, kind, job.id, change, event("edit"));
    assert_eq!(edited.await.unwrap(), None);
    let describe = Box::new(|_: &Workload| event("rollback"));
    let rolled = store.roll_back_workload(&editor, kind, job.id, 1, describe);
    assert_eq!(rolled.await.unwrap(), None);
    let deleted = store.delete_workload(&editor, kind, job.id, Box::new(|_| event("delete")));
    assert_eq!(deleted.await.unwrap(), None);
    assert_eq!(place.fixture.events().await, before);
}

pub(crate) async fn names_are_unique_among_jobs_and_among_apps_whatever_the_case(fixture: Fixture) {
    let place = Place::new(fixture).await;
    let job = workload(WorkloadKind::Job, "É", version(1, None));
    place.add(&job).await.unwrap();
    let second = workload(WorkloadKind::Job, "é", version(1, None));
    let before = place.fixture.events().await;
    let refused = place.add(&second).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    assert_eq!(place.fixture.events().await, before);
    let app = workload(WorkloadKind::App, "é", version(1, None));
    place.add(&app).await.unwrap();

    let other = workload(WorkloadKind::Job, "other", version(1, None));
    place.add(&other).await.unwrap();
    let edit = async |id, name: &str| {
        let change = WorkloadChange {
            name: Some(WorkloadName::parse(name.to_owned()).unwrap()),
            ..WorkloadChange::default()
        };
        let (store, kind) = (&place.fixture.store, WorkloadKind::Job);
        let edited = store.edit_workload(&place.editor, kind, id, change, event("edit"));
        edited.await
    };
    let refused = edit(other.id, "É").await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    let edited = edit(job.id, "é").await.unwrap().unwrap();
    assert_eq!(edited.name.as_str(), "é");
    assert_eq!(edited.settings, job.settings, "what is left out stays");
}

pub(crate) async fn name_credentials_of_their_own_project_only(fixture: Fixture) {
    let place = Place::new(fixture).await;
    let own = place.credentials("h.x", "me").await;
    let other = place.fixture.project(&place.alice, "other").await;
    let new = place.fixture.credentials(other, Some("h.x"), "me");
    let foreign = new.credentials.id;
    let editor = place.fixture.editor(&place.alice, other).await;
    let store = &place.fixture.store;
    let added = store.create_credentials(&editor, new, event("foreign"));
    added.await.unwrap();

    let job = place.job("nightly", "h.x/a", own.id).await;
    let before = place.fixture.events().await;
    let wrong = (ErrorKind::Invalid, Some("dockerCredentialsId"));
    let bad = workload(
        WorkloadKind::Job,
        "bad",
        version(1, Some(("h.x/a", Some(foreign)))),
    );
    assert_eq!(kind_and_field(&place.add(&bad).await.unwrap_err()), wrong);
    let refused = place.upgrade(job.id, Some(("h.x/a", Some(foreign)))).await;
    assert_eq!(kind_and_field(&refused.unwrap_err()), wrong);
    assert_eq!(place.listed(WorkloadKind::Job).await, [job]);
    assert_eq!(place.fixture.events().await, before);
}

pub(crate) async fn have_versions_of_which_one_is_current(fixture: Fixture) {
    let place = Place::new(fixture).await;
    let [one, two] = [
        place.credentials("h.x", "one").await.id,
        place.credentials("h.x", "two").await.id,
    ];
    let job = place.job("nightly", "h.x/a:1", one).await;
    let second = place.upgrade(job.id, Some(("h.x/a:2", Some(two)))).await;
    assert_eq!(second.unwrap().unwrap().number, 2);
    assert_eq!(place.listed(WorkloadKind::Job).await[0].current.number, 2);
    assert_eq!(place.using(Some(one)).await, Vec::<String>::new());
    assert_eq!(place.using(Some(two)).await, ["nightly"]);
    assert_eq!(place.using(None).await, ["nightly"]);

    let back = place.roll_back(job.id, 1).await.unwrap().unwrap();
    assert_eq!(back.current, job.current);
    assert_eq!(place.using(Some(one)).await, ["nightly"]);
    let refused = place.roll_back(job.id, 3).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NotFound);
    assert_eq!(place.listed(WorkloadKind::Job).await[0].current.number, 1);
    // The next one is numbered behind the last there was.
    let third = place.upgrade(job.id, None).await.unwrap().unwrap();
    assert_eq!((third.number, third.image), (3, None));
    assert_eq!(place.using(None).await, Vec::<String>::new());

    let viewer = place.fixture.viewer(&place.alice, place.project).await;
    for (limit, expected) in [(10, vec![3, 2, 1]), (2, vec![3, 2])] {
        let store = &place.fixture.store;
        let versions = store.workload_versions(&viewer, job.id, extent(limit));
        let numbers: Vec<_> = versions.await.unwrap().iter().map(|v| v.number).collect();
        assert_eq!(numbers, expected);
    }
    let weigh = |list, limit, texts| {
        let store = &place.fixture.store;
        let extent = Extent { limit, texts };
        store.weigh_workloads(&viewer, list, extent)
    };
    let versions = WorkloadList::Versions(job.id);
    let none = weigh(versions, 10, Texts::NONE).await.unwrap();
    assert_eq!((none.rows, none.bytes), (3, 0));
    // Thrice `alice`, and two images of 7 characters with keys of 5.
    let brief = Texts::CREATOR.and(Texts::IMAGE);
    let brief = weigh(versions, 10, brief).await.unwrap();
    assert_eq!(brief.bytes, 3 * 5 + 2 * (7 + 5));
    let whole = weigh(versions, 10, Texts::ALL).await.unwrap();
    assert!(whole.bytes > brief.bytes + 3 * "note 1".len());
    assert_eq!(weigh(versions, 2, Texts::ALL).await.unwrap().rows, 2);
    let jobs = WorkloadList::All(WorkloadKind::Job);
    assert_eq!(weigh(jobs, 10, Texts::ALL).await.unwrap().rows, 1);
    for (texts, bytes) in [(Texts::NONE, 0), (Texts::NAME, "nightly".len())] {
        assert_eq!(weigh(jobs, 10, texts).await.unwrap().bytes, bytes);
    }
    for of in [None, Some(one)] {
        let using = WorkloadList::Using(WorkloadKind::Job, of);
        assert_eq!(weigh(using, 10, Texts::ALL).await.unwrap().rows, 0);
    }
    let brief = place.fixture.store.workload_versions(
        &viewer,
        job.id,
        Extent {
            limit: 3,
            texts: Texts::NONE,
        },
    );
    let brief = brief.await.unwrap();
    assert_eq!(brief[0].image, None);
    let image = brief[1].image.as_ref().unwrap();
    assert_eq!((image.typed(), image.credentials()), ("", Some(two)));
    assert_eq!(
        (&brief[1].creator, &brief[1].details),
        (&String::new(), &VersionDetails::default())
    );
    let absent = WorkloadId::generate(now(), &SystemRandom).unwrap();
    assert_eq!(place.upgrade(absent, None).await.unwrap(), None);
}

pub(crate) async fn guard_the_credentials_that_they_use(fixture: Fixture) {
    let place = Place::new(fixture).await;
    let [one, two] = [
        place.credentials("h.x", "one").await.id,
        place.credentials("h.x", "two").await.id,
    ];
    let job = place.job("nightly", "h.x/a:1", one).await;
    place
        .upgrade(job.id, Some(("h.x/a:2", Some(two))))
        .await
        .unwrap();
    place.job("other", "h.x/b", two).await;
    let before = place.fixture.events().await;
    let refused = place.delete_credentials(two, false).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InUse);
    let message = refused.message();
    assert!(
        message.contains("job `nightly`") && message.contains("job `other`"),
        "{message}"
    );
    assert_eq!(place.fixture.events().await, before);

    // An earlier version guards nothing; it keeps the id, and is no way back.
    assert!(place.delete_credentials(one, false).await.unwrap());
    let refused = place.roll_back(job.id, 1).await.unwrap_err();
    assert_eq!(
        kind_and_field(&refused),
        (ErrorKind::Invalid, Some("dockerCredentialsId"))
    );
    let viewer = place.fixture.viewer(&place.alice, place.project).await;
    let store = &place.fixture.store;
    let versions = store
        .workload_versions(&viewer, job.id, extent(10))
        .await
        .unwrap();
    let named = |version: &Version| version.image.as_ref().unwrap().credentials();
    assert_eq!(
        versions.iter().map(named).collect::<Vec<_>>(),
        [Some(two), Some(one)]
    );

    assert!(place.delete_credentials(two, true).await.unwrap());
    assert_eq!(place.listed(WorkloadKind::Job).await.len(), 2);
}

pub(crate) async fn guard_nothing_where_the_project_says_so(fixture: Fixture) {
    let place = Place::new(fixture).await;
    let own = place.credentials("h.x", "me").await.id;
    place.job("nightly", "h.x/a", own).await;
    let manager = place.fixture.manager(&place.alice, place.project).await;
    let change = ProjectChange {
        deletes_credentials_in_use: Some(true),
        ..ProjectChange::default()
    };
    let store = &place.fixture.store;
    let edited = store.edit_project(&manager, change, event("setting"));
    assert!(edited.await.unwrap().unwrap().deletes_credentials_in_use);
    assert!(place.delete_credentials(own, false).await.unwrap());
}

pub(crate) async fn pin_accounts_by_host_and_repository(fixture: Fixture) {
    let place = Place::new(fixture).await;
    let [one, two] = [
        place.credentials("h.x", "one").await.id,
        place.credentials("h.x", "two").await.id,
    ];
    let first = place.job("first", "h.x/a:1", one).await;
    place
        .job(
            "second",
            "H.X/a@sha256:0000000000000000000000000000000000000000000000000000000000000000",
            one,
        )
        .await;
    place.job("third", "h.x/a/b", two).await;
    let unpinned = workload(WorkloadKind::App, "app", version(1, Some(("h.x/a", None))));
    place.add(&unpinned).await.unwrap();
    assert_eq!(place.pins("h.x/a:7").await, [(one, "first".to_owned(), 2)]);
    assert_eq!(place.pins("h.x/a/b").await, [(two, "third".to_owned(), 1)]);
    assert_eq!(place.pins("h.x:443/a").await, []);
    place
        .upgrade(first.id, Some(("h.x/a:2", Some(two))))
        .await
        .unwrap();
    assert_eq!(
        place.pins("h.x/a").await,
        [(one, "second".to_owned(), 1), (two, "first".to_owned(), 1)]
    );
}

/// Whoever comes first wins, and the other one is refused.
pub(crate) async fn that_come_to_use_what_is_being_deleted_are_never_left_without(
    fixture: Fixture,
) {
    let place = Arc::new(Place::new(fixture).await);
    for round in 0..20 {
        let own = place.credentials("h.x", &format!("me{round}")).await.id;
        let job = workload(
            WorkloadKind::Job,
            &format!("job{round}"),
            version(1, Some(("h.x/a", Some(own)))),
        );
        let (adding, deleting) = (Arc::clone(&place), Arc::clone(&place));
        let (added, deleted) = tokio::join!(
            tokio::spawn(async move { adding.add(&job).await }),
            tokio::spawn(async move { deleting.delete_credentials(own, false).await }),
        );
        match (added.unwrap(), deleted.unwrap()) {
            (Ok(()), Err(error)) => assert_eq!(error.kind(), ErrorKind::InUse),
            (Err(error), Ok(true)) => assert_eq!(error.kind(), ErrorKind::Invalid),
            (added, deleted) => panic!("{added:?} {deleted:?}"),
        }
    }
}

pub(crate) async fn that_are_upgraded_at_once_are_all_numbered(fixture: Fixture) {
    let place = Arc::new(Place::new(fixture).await);
    let own = place.credentials("h.x", "me").await.id;
    let job = place.job("nightly", "h.x/a", own).await;
    let upgrades: Vec<_> = (0..20)
        .map(|_| {
            let place = Arc::clone(&place);
            tokio::spawn(async move { place.upgrade(job.id, None).await.unwrap().unwrap() })
        })
        .collect();
    let mut numbers = Vec::new();
    for upgrade in upgrades {
        numbers.push(upgrade.await.unwrap().number);
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (2..=21).collect::<Vec<_>>());
    assert_eq!(place.listed(WorkloadKind::Job).await[0].current.number, 21);
}

pub(crate) async fn have_so_many_versions_in_a_project_and_no_more(fixture: Fixture) {
    let place = Place::new(fixture).await;
    let [first, second] = ["first", "second"].map(|name| {
        let job = workload(WorkloadKind::Job, name, version(1, None));
        (job.id, job)
    });
    place.add(&first.1).await.unwrap();
    place.add(&second.1).await.unwrap();
    place.upgrade(second.0, None).await.unwrap();
    place
        .fixture
        .count_versions(MOST_VERSIONS_IN_PROJECT - 2)
        .await;
    place.upgrade(first.0, None).await.unwrap();
    // Refusals for another reason take no room.
    assert_eq!(
        place.add(&first.1).await.unwrap_err().kind(),
        ErrorKind::Conflict
    );
    place.upgrade(first.0, None).await.unwrap();
    let before = place.fixture.events().await;
    let new = workload(WorkloadKind::App, "new", version(1, None));
    for refused in [
        place.upgrade(first.0, None).await.unwrap_err(),
        place.add(&new).await.unwrap_err(),
    ] {
        assert_eq!(refused.kind(), ErrorKind::Invalid);
        assert!(refused.message().contains("50000 versions"), "{refused}");
    }
    assert_eq!(place.fixture.events().await, before);
    assert_eq!(place.listed(WorkloadKind::Job).await[0].current.number, 3);

    // Another project has room of its own; what is deleted makes room for as many versions as it had.
    let store = &place.fixture.store;
    let other = place.fixture.project(&place.alice, "other").await;
    let editor = place.fixture.editor(&place.alice, other).await;
    let added = store.create_workload(&editor, new.clone(), event("workload"));
    added.await.unwrap();
    let describe = Box::new(|_: &Workload| event("delete"));
    let deleted = store.delete_workload(&place.editor, WorkloadKind::Job, second.0, describe);
    deleted.await.unwrap();
    place.upgrade(first.0, None).await.unwrap();
    place.upgrade(first.0, None).await.unwrap();
    place.upgrade(first.0, None).await.unwrap_err();
}

pub(crate) async fn go_with_their_versions_and_their_project(fixture: Fixture) {
    let place = Place::new(fixture).await;
    let own = place.credentials("h.x", "me").await.id;
    let job = place.job("nightly", "h.x/a", own).await;
    let store = &place.fixture.store;
    let describe = Box::new(|gone: &Workload| {
        assert_eq!(gone.name.as_str(), "nightly");
        event("delete")
    });
    let kind = WorkloadKind::Job;
    let deleted = store.delete_workload(&place.editor, kind, job.id, describe);
    assert_eq!(deleted.await.unwrap().unwrap().id, job.id);
    assert_eq!(place.listed(kind).await, []);
    assert!(place.delete_credentials(own, false).await.unwrap());

    let job = workload(kind, "nightly", version(1, None));
    place.add(&job).await.unwrap();
    let manager = place.fixture.manager(&place.alice, place.project).await;
    let gone = store.delete_project(&manager, event("project"));
    assert!(gone.await.unwrap());
    assert_eq!(store.workload_home(kind, job.id).await.unwrap(), None);
    let refused = place.add(&workload(kind, "late", version(1, None))).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::NotFound);
}
