//! Challenges that are to lead astray: several at once, a realm with parameters of its own, another one after the login.

use regcred_registry::Verdict::{Blocked, Ok as Proved, Rejected};

use crate::server::http;
use crate::world::World;

fn challenged(with: &[String]) -> Vec<u8> {
    let headers: Vec<_> = with
        .iter()
        .map(|challenge| ("www-authenticate", challenge.as_str()))
        .collect();
    http(401, &headers, "")
}

/// The realm of the registry itself, and one elsewhere.
fn realms(world: &World) -> [String; 2] {
    let own = format!("Bearer realm=\"http://{}/token\"", world.rule.host);
    let port = world.other.address.port();
    let other = format!("Bearer realm=\"http://other.test:{port}/token\"");
    [own, other]
}

/// A registry with these challenges, which lets in whoever brings its own token.
fn asking(world: &World, with: Vec<String>) {
    world.registry.answers(move |request| {
        Some(if request.starts_with("GET /token") {
            http(200, &[], r#"{"token":"granted"}"#)
        } else if request.contains("authorization: Bearer granted") {
            http(200, &[], "")
        } else {
            challenged(&with)
        })
    });
}

#[tokio::test]
async fn of_several_realms_the_first_counts_and_no_other_one_is_tried() {
    let world = World::new();
    let [own, other] = realms(&world);
    asking(&world, vec![own, other]);
    assert_eq!(world.verdict().await, Proved);
    assert_eq!((world.logins(), world.other.seen().as_str()), (1, ""));

    for in_one_header in [false, true] {
        let world = World::new();
        let [own, other] = realms(&world);
        let with = if in_one_header {
            vec![format!("{other}, {own}, Basic realm=\"r\"")]
        } else {
            vec![other, own, "Basic".to_owned()]
        };
        asking(&world, with);
        assert_eq!(world.verdict().await, Blocked, "{in_one_header}");
        assert_eq!((world.logins(), world.other.seen().as_str()), (0, ""));
    }
}

#[tokio::test]
async fn what_a_realm_brings_along_does_not_take_the_place_of_what_is_asked() {
    let world = World::new();
    let port = world.other.address.port();
    let brings =
        format!("account=admin&scope=registry:catalog:*&to=http://other.test:{port}#fragment");
    let realm = format!("Bearer realm=\"http://{}/token?{brings}\"", world.rule.host);
    asking(&world, vec![realm]);
    assert_eq!(world.verdict().await, Proved);
    assert_eq!(world.logins(), 1);
    let seen = world.registry.seen();
    assert!(
        seen.contains("&account=robot%24name&client_id=regcred"),
        "{seen}"
    );
    assert!(!seen.contains("fragment"), "{seen}");
}

#[tokio::test]
async fn a_challenge_to_those_who_logged_in_is_not_met() {
    let world = World::new();
    let [_, other] = realms(&world);
    world.registry.answers(move |request| {
        let brings = request.contains("authorization: Basic ");
        Some(challenged(&[if brings {
            other.clone()
        } else {
            "Basic".to_owned()
        }]))
    });
    assert_eq!(world.verdict().await, Rejected);
    assert_eq!((world.logins(), world.other.seen().as_str()), (1, ""));
}
