//! Projects, members, groups.

use regcred_core::ErrorKind;
use regcred_core::access::Role;
use regcred_core::ids::ProjectId;
use regcred_core::people::{GroupName, Login};
use regcred_core::project::{Description, ProjectName, Technologies};
use regcred_core::random::SystemRandom;
use regcred_core::store::{GroupRole, ProjectChange, ProjectScope, Standing};

use crate::fixture::{Fixture, event, now};

fn name(text: &str) -> ProjectName {
    ProjectName::parse(text.to_owned()).unwrap()
}

fn group(text: &str, role: Role) -> GroupRole {
    GroupRole {
        group: GroupName::parse(text).unwrap(),
        role,
    }
}

pub(crate) async fn names_are_unique_whatever_the_case(fixture: Fixture) {
    let alice = fixture.user("alice", &[]).await;
    let first = fixture.project(&alice, "Straße").await;
    let again = fixture
        .project_or_error(&alice, "STRASSE", Vec::new())
        .await;
    assert!(again.is_ok(), "these differ: only the case does not count");
    let again = fixture.project_or_error(&alice, "straße", Vec::new()).await;
    assert_eq!(again.unwrap_err().kind(), ErrorKind::Conflict);
    let store = &fixture.store;
    assert_eq!(
        store.project_named(&name("sTRAßE")).await.unwrap(),
        Some(first)
    );
    assert_eq!(store.project_named(&name("other")).await.unwrap(), None);

    let manager = fixture.manager(&alice, first).await;
    let rename = |to| ProjectChange {
        name: Some(name(to)),
        ..ProjectChange::default()
    };
    let taken = store
        .edit_project(&manager, rename("strasse"), event("edit"))
        .await;
    assert_eq!(taken.unwrap_err().kind(), ErrorKind::Conflict);
    let own = store
        .edit_project(&manager, rename("STRAßE"), event("edit"))
        .await;
    assert_eq!(own.unwrap().unwrap().name.as_str(), "STRAßE");
}

pub(crate) async fn edit_changes_only_what_is_given(fixture: Fixture) {
    let alice = fixture.user("alice", &[]).await;
    let groups = vec![group("ops", Role::Editor)];
    let id = fixture
        .project_or_error(&alice, "one", groups.clone())
        .await
        .unwrap();
    let (store, manager) = (&fixture.store, fixture.manager(&alice, id).await);
    let described = ProjectChange {
        description: Some(Description::parse("d".to_owned()).unwrap()),
        ..ProjectChange::default()
    };
    let edited = store
        .edit_project(&manager, described, event("edit"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(edited.name.as_str(), "one");
    assert_eq!(edited.description.unwrap().as_str(), "d");
    assert_eq!(store.group_roles(&manager).await.unwrap(), groups);
    let replaced = ProjectChange {
        technologies: Some(Technologies::default()),
        groups: Some(Vec::new()),
        ..ProjectChange::default()
    };
    let edited = store
        .edit_project(&manager, replaced, event("edit"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(edited.description.unwrap().as_str(), "d");
    assert_eq!(store.group_roles(&manager).await.unwrap(), []);
}

pub(crate) async fn roles_come_from_membership_and_groups_and_the_highest_counts(fixture: Fixture) {
    let alice = fixture.user("alice", &[]).await;
    let bob = fixture.user("bob", &["ops", "dev"]).await;
    let carol = fixture.user("carol", &[]).await;
    let groups = vec![group("ops", Role::Viewer), group("dev", Role::Editor)];
    let id = fixture
        .project_or_error(&alice, "one", groups)
        .await
        .unwrap();
    let store = &fixture.store;
    let role = |user| async move { store.standing(user, id).await.unwrap() };
    assert_eq!(role(alice.id).await, Standing::Role(Role::Manager));
    assert_eq!(role(bob.id).await, Standing::Role(Role::Editor));
    assert_eq!(role(carol.id).await, Standing::NoRole);
    let nowhere = ProjectId::generate(now(), &SystemRandom).unwrap();
    assert_eq!(
        store.standing(alice.id, nowhere).await.unwrap(),
        Standing::NoProject
    );

    let manager = fixture.manager(&alice, id).await;
    let set = |login: Login, role| {
        let manager = &manager;
        async move {
            store
                .set_member(manager, &login, role, event("member"))
                .await
                .unwrap()
        }
    };
    assert!(set(bob.login.clone(), Role::Manager).await);
    assert_eq!(role(bob.id).await, Standing::Role(Role::Manager));
    assert!(set(bob.login.clone(), Role::Viewer).await);
    assert_eq!(
        role(bob.id).await,
        Standing::Role(Role::Editor),
        "the group's role is higher"
    );
    assert!(!set(Login::parse("nobody").unwrap(), Role::Viewer).await);
    let members = store.members(&manager).await.unwrap();
    let seen: Vec<_> = members
        .iter()
        .map(|member| (member.login.as_str(), member.role))
        .collect();
    assert_eq!(seen, [("alice", Role::Manager), ("bob", Role::Viewer)]);
    let remove = || store.remove_member(&manager, &bob.login, event("member"));
    assert!(remove().await.unwrap());
    assert!(!remove().await.unwrap());
}

pub(crate) async fn lists_hold_what_the_scope_says(fixture: Fixture) {
    let alice = fixture.user("alice", &[]).await;
    let bob = fixture.user("bob", &["ops"]).await;
    let shared = fixture
        .project_or_error(&alice, "b", vec![group("ops", Role::Viewer)])
        .await
        .unwrap();
    let hers = fixture.project(&alice, "C").await;
    let his = fixture.project(&bob, "a").await;
    let list = |scope| {
        let store = &fixture.store;
        async move {
            let projects = store.projects(scope).await.unwrap();
            projects
                .into_iter()
                .map(|project| project.id)
                .collect::<Vec<_>>()
        }
    };
    assert_eq!(list(ProjectScope::All).await, [his, shared, hers]);
    assert_eq!(list(ProjectScope::Of(bob.id)).await, [his, shared]);
    assert_eq!(list(ProjectScope::Of(alice.id)).await, [shared, hers]);
    assert_eq!(
        list(ProjectScope::These(vec![hers, shared])).await,
        [shared, hers]
    );
}

pub(crate) async fn delete_takes_everything_of_the_project_and_nothing_else(fixture: Fixture) {
    let alice = fixture.user("alice", &[]).await;
    let (one, two) = (
        fixture.project(&alice, "one").await,
        fixture.project(&alice, "two").await,
    );
    let store = &fixture.store;
    let mut kept = Vec::new();
    for project in [one, two] {
        let new = fixture.credentials(project, None, "me");
        kept.push(new.credentials.id);
        let editor = fixture.editor(&alice, project).await;
        store
            .create_credentials(&editor, new, event("create"))
            .await
            .unwrap();
    }
    let only = crate::tokens::create(&fixture, &alice, &[one]).await;
    let both = crate::tokens::create(&fixture, &alice, &[one, two]).await;
    let viewer = fixture.viewer(&alice, one).await;

    let manager = fixture.manager(&alice, one).await;
    assert!(
        store
            .delete_project(&manager, event("delete"))
            .await
            .unwrap()
    );
    assert!(
        !store
            .delete_project(&manager, event("delete"))
            .await
            .unwrap()
    );
    assert_eq!(
        store.standing(alice.id, one).await.unwrap(),
        Standing::NoProject
    );
    assert!(store.project(&viewer).await.unwrap().is_none());
    assert!(
        store
            .list_credentials(&viewer.sight())
            .await
            .unwrap()
            .is_empty()
    );
    assert!(store.token_secret(only).await.unwrap().is_none());
    let left = store.token_secret(both).await.unwrap().unwrap();
    assert_eq!(left.token.projects, [two]);
    let viewer = fixture.viewer(&alice, two).await;
    assert!(
        store
            .credentials(&viewer.sight(), kept[1])
            .await
            .unwrap()
            .is_some()
    );

    let editor = fixture.editor(&alice, two).await;
    let manager = fixture.manager(&alice, two).await;
    store
        .delete_project(&manager, event("delete"))
        .await
        .unwrap();
    let late = fixture.credentials(two, None, "late");
    let refused = store
        .create_credentials(&editor, late, event("create"))
        .await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::NotFound);
}
