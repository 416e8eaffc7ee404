//! What the use cases remember of the store acts no longer than it counts.

use std::sync::Arc;

use regcred_core::access::{Caller, Principal, Role, UserPrincipal};
use regcred_core::clock::SystemClock;
use regcred_core::ids::ProjectId;
use regcred_core::people::GroupName;
use regcred_core::random::SystemRandom;
use regcred_core::service::{EditProject, Service};
use regcred_core::store::{GroupRole, ProjectChange, UserChange};
use regcred_core::verification::SavingPolicy;
use regcred_core::{ErrorKind, Result};

use crate::fixture::{Fixture, User, request};

fn service(fixture: &Fixture) -> Service {
    let (store, keys) = (Arc::clone(&fixture.store), Arc::clone(&fixture.keys));
    Service::new(store, keys, Arc::new(SystemClock), Arc::new(SystemRandom)).unwrap()
}

fn edit(change: ProjectChange, project: ProjectId) -> EditProject {
    EditProject { project, change }
}

type Outcome = std::result::Result<(), ErrorKind>;

/// What an attempt to view, and one to write, come to.
async fn allowed(service: &Service, user: &User, project: ProjectId) -> [Outcome; 2] {
    let kind = |done: Result<()>| done.map_err(|error| error.kind());
    let viewed = service.list_credentials(&user.caller, project).await;
    let written = service.saving_policy(&user.caller, project).await;
    [kind(viewed.map(drop)), kind(written.map(drop))]
}

const GONE: [Outcome; 2] = [Err(ErrorKind::NotFound), Err(ErrorKind::NotFound)];
const VIEWER: [Outcome; 2] = [Ok(()), Err(ErrorKind::Forbidden)];
const EDITOR: [Outcome; 2] = [Ok(()), Ok(())];

pub(crate) async fn roles_end_and_begin_with_the_next_request(fixture: Fixture) {
    let service = service(&fixture);
    let alice = fixture.user("alice", &[]).await;
    let bob = fixture.user("bob", &["ops"]).await;
    let admin = fixture.user_or_error("admin", &[], true).await.unwrap();
    let project = fixture.project(&alice, "p").await;
    let seen = |user| allowed(&service, user, project);
    let manage = &alice.caller;

    assert_eq!(seen(&bob).await, GONE);
    for (role, allows) in [
        (Role::Viewer, VIEWER),
        (Role::Editor, EDITOR),
        (Role::Viewer, VIEWER),
    ] {
        let set = service.set_member(manage, project, &bob.login, role);
        set.await.unwrap();
        for _ in 0..2 {
            assert_eq!(seen(&bob).await, allows);
        }
    }
    let removed = service.remove_member(manage, project, &bob.login);
    removed.await.unwrap();
    assert_eq!(seen(&bob).await, GONE);

    // Through a group, until the group has no role, or the user not the group.
    let ops = |role| ProjectChange {
        groups: Some(vec![GroupRole {
            group: GroupName::parse("ops").unwrap(),
            role,
        }]),
        ..ProjectChange::default()
    };
    let give = |change| service.edit_project(manage, edit(change, project));
    give(ops(Role::Editor)).await.unwrap();
    assert_eq!(seen(&bob).await, EDITOR);
    let nobody = ProjectChange {
        groups: Some(Vec::new()),
        ..ProjectChange::default()
    };
    give(nobody).await.unwrap();
    assert_eq!(seen(&bob).await, GONE);
    give(ops(Role::Viewer)).await.unwrap();
    assert_eq!(seen(&bob).await, VIEWER);
    let leave = UserChange {
        admin: None,
        groups: Some(Vec::new()),
    };
    let left = service.change_user(&admin.caller, &bob.login, leave);
    left.await.unwrap();
    assert_eq!(seen(&bob).await, GONE);

    // An admin needs no role, but a project that is there.
    assert_eq!(seen(&admin).await, EDITOR);
    service.delete_project(manage, project).await.unwrap();
    assert_eq!(seen(&admin).await, GONE);
    assert_eq!(seen(&alice).await, GONE);
}

pub(crate) async fn demands_of_a_project_act_with_the_next_request(fixture: Fixture) {
    let service = service(&fixture);
    let alice = fixture.user("alice", &[]).await;
    let [one, other] = [
        fixture.project(&alice, "one").await,
        fixture.project(&alice, "other").await,
    ];
    for policy in [
        SavingPolicy::Off,
        SavingPolicy::Proved,
        SavingPolicy::NotRefused,
        SavingPolicy::Off,
    ] {
        let demand = ProjectChange {
            verify_before_saving: Some(policy),
            ..ProjectChange::default()
        };
        let edited = service.edit_project(&alice.caller, edit(demand, one));
        edited.await.unwrap();
        for _ in 0..2 {
            let demanded = service.saving_policy(&alice.caller, one).await;
            assert_eq!(demanded.unwrap(), policy);
            let demanded = service.saving_policy(&alice.caller, other).await;
            assert_eq!(demanded.unwrap(), SavingPolicy::Off);
        }
    }
}

/// A grant rests on who asks: two sessions of one login, one from before it was an admin.
pub(crate) async fn roles_are_of_the_caller_and_not_of_the_one_before(fixture: Fixture) {
    let service = service(&fixture);
    let alice = fixture.user("alice", &[]).await;
    let bob = fixture.user("bob", &[]).await;
    let project = fixture.project(&alice, "p").await;
    let as_admin = |user: &User| {
        let Principal::User(principal) = &user.caller.principal else {
            unreachable!("users are users")
        };
        Caller {
            principal: Principal::User(UserPrincipal {
                admin: true,
                ..principal.clone()
            }),
            request: request(),
        }
    };
    let admin = as_admin(&bob);
    let viewed = service.list_credentials(&admin, project).await;
    assert_eq!(viewed.unwrap(), []);
    assert_eq!(allowed(&service, &bob, project).await, GONE);
    assert_eq!(allowed(&service, &alice, project).await, EDITOR);
    assert_eq!(allowed(&service, &bob, project).await, GONE);
}
