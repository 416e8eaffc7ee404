//! The kubelet's provider: its strict form, and keys that serve no other image.

use serde_json::{Value, json};

use crate::server::{Reply, problem};
use crate::world::{KUBELET, PASSWORD, World, credentials, no_match};

pub(crate) fn request(image: &str) -> Vec<u8> {
    asked("credentialprovider.kubelet.k8s.io/v1", image)
}

fn asked(version: &str, image: &str) -> Vec<u8> {
    let request = json!({
        "apiVersion": version, "kind": "CredentialProviderRequest", "image": image,
        "serviceAccountToken": "eyJ.x.y", "serviceAccountAnnotations": {"regcred/project": "another"},
    });
    request.to_string().into_bytes()
}

fn answer(duration: &str, auth: &Value) -> Value {
    json!({
        "apiVersion": "credentialprovider.kubelet.k8s.io/v1", "kind": "CredentialProviderResponse",
        "cacheKeyType": "Image", "cacheDuration": duration, "auth": auth,
    })
}

#[test]
fn the_answer_is_for_the_whole_repository_of_the_image() {
    let digest = format!("ghcr.io/app@sha256:{}", "01".repeat(32));
    for (image, registry_key, key) in [
        ("ghcr.io/team/app:1", "ghcr.io/team", "ghcr.io/team/app"),
        (&digest, "ghcr.io", "ghcr.io/app"),
        // The host as it is written: the kubelet compares letter by letter.
        ("GHCR.io/team/app", "ghcr.io", "GHCR.io/team/app"),
        (
            "registry-1.docker.io/team/app",
            "docker.io",
            "registry-1.docker.io/team/app",
        ),
        (
            "index.docker.io/nginx",
            "docker.io",
            "docker.io/library/nginx",
        ),
        // It takes a version off the beginning of a key's path.
        ("ghcr.io/v2/app:1", "ghcr.io", "ghcr.io/v2/v2/app"),
        ("ghcr.io/v1/app", "ghcr.io/v1", "ghcr.io/v2/v1/app"),
        ("host:5000/app", "host:5000", "host:5000/app"),
        ("nginx", "docker.io", "docker.io/library/nginx"),
        ("acme/app:1", "docker.io/acme", "docker.io/acme/app"),
    ] {
        let world = World::giving(registry_key).with("REGCRED_PROJECT", "demo");
        let run = world.kubelet(request(image));
        let auth = json!({key: {"username": "bot", "password": PASSWORD}});
        assert_eq!(run.json(), answer("5m0s", &auth));
        assert_eq!(run.stderr, "");
        // Neither token nor annotations of the service account count.
        assert_eq!(
            world.server.seen()[0].body,
            json!({"project": "demo", "image": image})
        );
    }
}

#[test]
fn each_version_is_answered_in_kind() {
    let world = World::giving("ghcr.io");
    for version in ["v1", "v1beta1", "v1alpha1"] {
        let version = format!("credentialprovider.kubelet.k8s.io/{version}");
        assert_eq!(
            world.kubelet(asked(&version, "ghcr.io/app")).json()["apiVersion"],
            version
        );
    }
}

#[test]
fn nothing_is_offered_where_there_is_nothing() {
    let world = World::new(|_| no_match());
    let run = world.kubelet(request("ghcr.io/app"));
    assert_eq!(run.json(), answer("0s", &Value::Null));
    for (status, code) in [
        (401, "UNAUTHENTICATED"),
        (403, "FORBIDDEN"),
        (404, "NOT_FOUND"),
        (409, "CONFLICT"),
        (503, "UNAVAILABLE"),
    ] {
        let world = World::new(move |_| problem(status, code, "why"));
        world
            .kubelet(request("ghcr.io/app"))
            .provides_nothing("regcred-kubelet-provider: ");
    }
}

#[test]
fn a_password_that_runs_out_is_not_kept_for_longer() {
    let kept = |end: &'static str| {
        let world = World::new(move |_| {
            let mut answer = credentials("ghcr.io");
            answer["expiresAt"] = json!(end);
            Reply::Status(200, answer)
        });
        world.kubelet(request("ghcr.io/app")).json()["cacheDuration"].clone()
    };
    assert_eq!(kept("2020-01-01T00:00:00Z"), "0s");
    assert_eq!(kept("2400-01-01T00:00:00Z"), "5m0s");
}

#[test]
fn what_is_no_request_is_refused_and_nothing_printed() {
    let world = World::giving("ghcr.io");
    let changed = |field: &str, value: Value| {
        let mut request: Value = serde_json::from_slice(&request("ghcr.io/app")).unwrap();
        request[field] = value;
        request.to_string().into_bytes()
    };
    for (stdin, part) in [
        (Vec::new(), "not JSON of that form"),
        (b"ghcr.io".to_vec(), "not JSON of that form"),
        (b"\xff\xfe".to_vec(), "not UTF-8"),
        (b"[]".to_vec(), "not JSON of that form"),
        (changed("image", json!(7)), "not JSON of that form"),
        (changed("image", Value::Null), "not JSON of that form"),
        (
            changed("apiVersion", json!("credentialprovider.kubelet.k8s.io/v2")),
            "apiVersion is unknown",
        ),
        (changed("apiVersion", json!("v1")), "apiVersion is unknown"),
        (
            changed("kind", json!("CredentialProviderResponse")),
            "kind is unknown",
        ),
        (changed("image", json!("")), "the image is not of the form"),
        (
            changed("image", json!("ghcr.io/app\r\nx")),
            "the image is not of the form",
        ),
        (
            changed("image", json!("ghcr.io/*")),
            "the image is not of the form",
        ),
        (
            changed("image", json!("*.io/app")),
            "the image is not of the form",
        ),
        (changed("image", json!("ghcr.io")), "another registry"),
        (vec![b' '; (1 << 20) + 1], "more than 1024 KiB"),
        (
            br#"{"apiVersion":"a","apiVersion":"b"}"#.to_vec(),
            "not JSON of that form",
        ),
    ] {
        world.kubelet(stdin).provides_nothing(part);
    }
    assert!(world.server.seen().len() <= 1);
    world
        .run(KUBELET, &["get"], &request("ghcr.io/app"))
        .provides_nothing("it takes no arguments");
    assert!(
        world
            .run(KUBELET, &["--version"], b"")
            .stdout
            .starts_with("regcred-kubelet-provider ")
    );
}
