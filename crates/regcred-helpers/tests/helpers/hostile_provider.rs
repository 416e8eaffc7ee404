//! Hostile input of the kubelet's provider: no credentials for another host, and nothing printed for what is no request.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::hostile::{cases, edited, edits};
use crate::kubelet::request;
use crate::world::{PASSWORD, World};

#[test]
fn what_is_no_image_is_not_even_sent() {
    let world = World::giving("ghcr.io");
    for line in include_str!("hostile_images.txt").lines() {
        let image: String = serde_json::from_str(line).unwrap();
        let run = world.kubelet(request(&image));
        assert!(!run.ok && run.stdout.is_empty(), "{image:?}: {run:?}");
        assert!(!run.stderr.contains("pass@"), "{run:?}");
        for sent in world.server.seen() {
            // What has the form of an image is, and gets nothing.
            assert!(
                !sent.body["image"]
                    .as_str()
                    .unwrap()
                    .contains(char::is_control)
            );
            assert_eq!(sent.body["image"].as_str().unwrap(), "null");
        }
    }
}

#[test]
fn only_the_host_of_the_image_is_served() {
    let world = World::giving("ghcr.io");
    proptest!(cases(128), |(edits in edits())| {
        let image = edited("ghcr.io/app", edits);
        let run = world.kubelet(request(&image));
        if run.ok {
            let host = image.split('/').next().unwrap();
            prop_assert_eq!(host.to_ascii_lowercase(), "ghcr.io", "{:?}", image);
            let answer = run.json();
            let auth = answer["auth"].as_object().unwrap();
            prop_assert_eq!(auth.len(), 1);
            // In the image's own spelling, and a repository: never all of the host.
            for key in auth.keys() {
                let path = key.strip_prefix(&format!("{host}/"));
                prop_assert!(path.is_some_and(|path| !path.is_empty()), "{:?} {}", image, key);
            }
        } else {
            prop_assert!(run.stdout.is_empty());
        }
    });
}

#[test]
fn whatever_is_on_standard_input_nothing_is_handed_out_for_it() {
    let world = World::giving("ghcr.io");
    let good = String::from_utf8(request("ghcr.io/app")).unwrap();
    let with = |field: &str, value: Value| {
        let mut request: Value = serde_json::from_str(&good).unwrap();
        request[field] = value;
        request.to_string()
    };
    let deep = |open: &str, close: &str| open.repeat(100_000) + &close.repeat(100_000);
    let all = [
        String::new(),
        "\r\n".to_owned(),
        "\0".to_owned(),
        "\0".repeat(1 << 20),
        "\n".repeat(1 << 20),
        "{".repeat(1 << 20),
        "[".repeat(1 << 20),
        format!("\0{good}"),
        format!("{good}\0"),
        format!("\u{feff}{good}"),
        good.clone() + &good,
        good.replace("ghcr.io/app", "ghcr.io/app\r\nquay.io/app"),
        good.replace("ghcr.io/app", "ghcr.io/app\0"),
        good.replace("ghcr.io/app", "ghcr.io/app\\u0000"),
        good.replace("ghcr.io/app", "ghcr.io/app\\r\\n"),
        good.replace("ghcr.io/app", "\\ud800"),
        good.replace("{\"apiVersion", "{\"image\":\"quay.io/x\",\"apiVersion"),
        good.trim_end_matches('}').to_owned(),
        with("image", json!(["ghcr.io/app"])),
        with("image", json!({"ghcr.io/app": 1})),
        with("image", json!(true)),
        with("image", json!(1.5)),
        with("image", Value::Null),
        with("image", json!("a".repeat(1 << 19))),
        with("kind", json!(7)),
        with(
            "apiVersion",
            json!(["credentialprovider.kubelet.k8s.io/v1"]),
        ),
        deep("[", "]"),
        deep("{\"image\":", "}"),
        good.replace("\"ghcr.io/app\"", &deep("[", "]")),
        format!("{good}{}", " ".repeat(1 << 20)),
    ];
    for stdin in &all {
        let run = world.kubelet(stdin);
        let start: String = stdin.chars().take(80).collect();
        assert!(!run.ok && run.stdout.is_empty(), "{start:?}: {run:?}");
        assert_eq!(run.stderr.lines().count(), 1, "{start:?}: {run:?}");
    }
    assert!(world.server.seen().is_empty(), "{:?}", world.server.seen());

    // What does not count may be anything.
    let odd = good.replace("{\"regcred/project\":\"another\"}", &deep("[", "]"));
    assert_ne!(odd, good);
    let run = world.kubelet(&odd);
    assert!(run.stdout.is_empty() || run.json()["auth"]["ghcr.io/app"]["password"] == PASSWORD);
    let padded = format!("\r\n {good}{}", "\n".repeat(1 << 19));
    world.kubelet(padded).json();
}
