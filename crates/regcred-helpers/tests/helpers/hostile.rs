//! Hostile input: no credentials ever for another host, whatever is asked and whatever a server answers.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::json;

use crate::kubelet::request;
use crate::server::Reply;
use crate::world::{PASSWORD, World, credentials};

/// Keys that look like `ghcr.io` or are no keys at all, each as a string of JSON.
fn corpus() -> impl Iterator<Item = String> {
    let lines = include_str!("hostile_keys.txt").lines();
    lines.map(|line| serde_json::from_str(line).unwrap())
}

/// Registry keys, and keys that look like them; each pair as a list of JSON.
fn lookalikes() -> impl Iterator<Item = (String, String)> {
    let lines = include_str!("lookalikes.txt").lines();
    lines.map(|line| serde_json::from_str(line).unwrap())
}

#[test]
fn a_lookalike_of_any_registry_gets_nothing() {
    let worlds: BTreeMap<_, _> = lookalikes()
        .map(|(registry_key, _)| registry_key)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .map(|registry_key| {
            let answer = registry_key.clone();
            let world = World::new(move |_| Reply::Status(200, credentials(&answer)));
            (registry_key, world)
        })
        .collect();
    for (registry_key, key) in lookalikes() {
        let world = &worlds[&registry_key];
        // What it gives for its own name shows that the others are told from it.
        world.docker("get", &registry_key).json();
        let run = world.docker("get", &key);
        run.failed_with("");
        assert!(!run.stdout.contains("not found in native"), "{run:?}");
        for image in [format!("{key}/team/app"), format!("{key}/app:1")] {
            let run = world.kubelet(request(&image));
            assert!(!run.ok && run.stdout.is_empty(), "{image:?}: {run:?}");
        }
    }
}

#[test]
fn a_lookalike_gets_nothing_from_a_server_that_answers_for_everybody() {
    let world = World::giving("ghcr.io").with("REGCRED_HELPER_CACHE", "5m");
    for key in corpus() {
        let run = world.docker("get", &key);
        run.failed_with("");
        assert!(
            !run.stdout.contains("not found in native"),
            "{key:?}: {run:?}"
        );
        if key.contains("pass") {
            assert!(!run.stderr.contains("pass"), "{run:?}");
        }
        let run = world.kubelet(request(&format!("{key}/app")));
        assert!(!run.stdout.contains(PASSWORD), "{key:?}: {run:?}");
    }
    // What was refused is not in the cache either.
    assert_eq!(world.files(), []);
}

#[test]
fn what_holds_control_characters_is_not_even_sent() {
    let world = World::giving("ghcr.io");
    for key in corpus().filter(|key| key.trim_ascii().contains(char::is_control) || !key.is_ascii())
    {
        world.docker("get", &key).failed_with("");
        world.docker("erase", &key).failed_with("");
        let login = json!({"ServerURL": key, "Username": "bot", "Secret": PASSWORD});
        world.docker("store", login.to_string()).failed_with("");
    }
    for (stdin, part) in [
        (Vec::new(), "no credentials server URL"),
        (b"\xff\xfe\x00".to_vec(), "not UTF-8"),
        (vec![b'a'; 1 << 20], "more than 64 KiB"),
        (vec![0; 1 << 20], "more than 64 KiB"),
        (vec![b'\n'; 1 << 16], "no credentials server URL"),
        (b"h".repeat(3000), "too long"),
    ] {
        world.docker("get", &stdin).failed_with(part);
        world.docker("erase", &stdin).failed_with(part);
    }
    assert!(world.server.seen().is_empty(), "{:?}", world.server.seen());
}

#[test]
fn an_answer_of_another_place_is_not_handed_out() {
    for registry_key in corpus().chain(
        [
            "ghcr.io/team",
            "ghcr.io/app2",
            "ghcr.io/ap",
            "ghcr.io/app/x",
            "quay.io",
        ]
        .map(ToOwned::to_owned),
    ) {
        let world = World::new(move |_| Reply::Status(200, credentials(&registry_key)));
        world
            .docker("get", "ghcr.io/app")
            .failed_with("another registry");
        world
            .kubelet(request("ghcr.io/app:1"))
            .provides_nothing("another registry");
    }
}

/// Texts that are put into another one, in place of a letter or between two.
pub(crate) fn edits() -> impl Strategy<Value = Vec<(usize, &'static str, bool)>> {
    let odd = prop::sample::select(vec![
        ".",
        ":",
        "/",
        "@",
        "#",
        "?",
        "\\",
        "%",
        "-",
        "*",
        "[",
        "]",
        "\u{0}",
        "\r",
        "\n",
        " ",
        "\u{3002}",
        "\u{200b}",
        "443",
        "x",
        "G",
        "xn--",
        "https://",
        "..",
        "//",
        "docker.io",
        "evil.example",
    ]);
    prop::collection::vec((0..12_usize, odd, any::<bool>()), 1..4)
}

pub(crate) fn edited(text: &str, edits: Vec<(usize, &str, bool)>) -> String {
    let mut key: Vec<char> = text.chars().collect();
    for (place, text, replace) in edits {
        let start = place.min(key.len());
        let end = if replace {
            (start + 1).min(key.len())
        } else {
            start
        };
        key.splice(start..end, text.chars());
    }
    key.into_iter().collect()
}

pub(crate) fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

#[test]
fn only_the_host_that_was_asked_for_is_served() {
    let world = World::giving("ghcr.io");
    proptest!(cases(128), |(edits in edits())| {
        let key = edited("ghcr.io", edits);
        let run = world.docker("get", &key);
        if run.ok {
            let trimmed = key.trim_ascii().to_ascii_lowercase();
            let bare = ["https://", "http://"].iter().find_map(|scheme| trimmed.strip_prefix(scheme));
            let authority = bare.unwrap_or(&trimmed).split('/').next().unwrap();
            let host = authority.strip_suffix('.').unwrap_or(authority);
            prop_assert_eq!(host, "ghcr.io", "{:?}", key);
        } else {
            prop_assert!(!run.stdout.contains(PASSWORD));
        }
    });
}
