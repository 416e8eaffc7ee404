//! The cache: off unless asked for, and for an outage only.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use crate::kubelet::request;
use crate::server::{Reply, problem};
use crate::world::{PASSWORD, PROJECT, TOKEN, World, file_name, given, no_match};

/// A world with a cache, whose server answers what the number says that it was set to.
fn changing() -> (World, Arc<AtomicUsize>) {
    let state = Arc::new(AtomicUsize::new(0));
    let now = Arc::clone(&state);
    let world = World::new(move |_| match now.load(Ordering::SeqCst) {
        0 => given("ghcr.io"),
        1 => problem(503, "UNAVAILABLE", "the audit is away"),
        2 => Reply::Cut,
        3 => no_match(),
        4 => problem(401, "UNAUTHENTICATED", "revoked"),
        5 => problem(403, "FORBIDDEN", "no"),
        6 => problem(429, "THROTTLED", "too many"),
        7 => problem(500, "INTERNAL", "a fault"),
        8 => problem(409, "CONFLICT", "two"),
        9 => problem(404, "NOT_FOUND", "no such project"),
        // What stands between says so, and nothing of regcred's.
        11 => Reply::Status(502, json!("a page")),
        12 => Reply::Status(503, json!({"title": "a page"})),
        13 => Reply::Status(504, json!("a page")),
        14 => Reply::Status(200, json!({"username": "bot"})),
        15 => problem(422, "INVALID", "not a registry"),
        16 => Reply::Status(503, json!({"code": "SOMETHING_NEW"})),
        _ => given("quay.io"),
    });
    (world.with("REGCRED_HELPER_CACHE", "5m"), state)
}

#[test]
fn an_outage_is_survived_with_the_last_answer() {
    let (world, state) = changing();
    let fresh = world.docker("get", "ghcr.io");
    assert_eq!(fresh.stderr, "");
    for away in [2, 11, 12, 13] {
        state.store(away, Ordering::SeqCst);
        let run = world.docker("get", "ghcr.io");
        assert_eq!(run.json(), fresh.json());
        assert!(
            run.stderr
                .contains("these are the credentials that it gave shortly before"),
            "{run:?}"
        );
        // Nothing else is answered with it.
        world
            .docker("get", "ghcr.io/team")
            .failed_with("out of reach");
        world
            .kubelet(request("ghcr.io/team/app"))
            .provides_nothing("out of reach");
    }
    let other = world.with("REGCRED_TOKEN", "rc_svc_another");
    other.docker("get", "ghcr.io").failed_with("out of reach");
    let other = other
        .with("REGCRED_TOKEN", TOKEN)
        .with("REGCRED_PROJECT", "another");
    other.docker("get", "ghcr.io").failed_with("out of reach");
    let off = other
        .without("REGCRED_PROJECT")
        .with("REGCRED_HELPER_CACHE", "off");
    off.docker("get", "ghcr.io").failed_with("out of reach");
}

#[test]
fn it_is_off_unless_it_is_asked_for() {
    let (world, state) = changing();
    let world = world.without("REGCRED_HELPER_CACHE");
    world.docker("get", "ghcr.io").json();
    assert_eq!(world.files(), []);
    state.store(2, Ordering::SeqCst);
    world.docker("get", "ghcr.io").failed_with("out of reach");
}

#[test]
fn a_pull_that_regcred_cannot_write_down_does_not_happen() {
    let (world, state) = changing();
    world.docker("get", "ghcr.io").json();
    world.kubelet(request("ghcr.io/app")).json();
    state.store(1, Ordering::SeqCst);
    let run = world.docker("get", "ghcr.io");
    run.failed_with("regcred cannot do this now: ");
    assert!(run.stderr.contains("the audit is away"), "{run:?}");
    assert!(run.stderr.contains("try again in 60 s"), "{run:?}");
    world
        .kubelet(request("ghcr.io/app"))
        .provides_nothing("regcred cannot do this now: ");
    // Once it is really away, the answers that it gave before are still there.
    assert_eq!(world.files().len(), 2);
    state.store(2, Ordering::SeqCst);
    world.docker("get", "ghcr.io").json();
}

#[test]
fn one_entry_serves_all_spellings_of_a_server_and_its_end_is_that_of_all() {
    let (world, state) = changing();
    world.docker("get", "https://GHCR.io./v2/").json();
    state.store(2, Ordering::SeqCst);
    world.docker("get", "ghcr.io").json();
    state.store(3, Ordering::SeqCst);
    world
        .docker("get", "http://ghcr.io/")
        .failed_with("not found");
    state.store(2, Ordering::SeqCst);
    world
        .docker("get", "https://GHCR.io./v2/")
        .failed_with("out of reach");
}

#[test]
fn a_change_forgets_all_answers() {
    for action in ["store", "erase"] {
        let away = Arc::new(AtomicUsize::new(0));
        let state = Arc::clone(&away);
        let world = World::new(move |request| match state.load(Ordering::SeqCst) {
            0 if request.path.ends_with("explain") => Reply::Status(
                200,
                json!({
                    "project": PROJECT, "registryKey": "ghcr.io", "host": "ghcr.io", "path": "",
                    "outcome": "NO_MATCH", "rule": "r", "chosen": null, "candidates": [],
                }),
            ),
            0 if request.path.starts_with("/api") => given("ghcr.io"),
            // The answer to a change is lost: it may have been made.
            _ => Reply::Cut,
        });
        let world = world.with("REGCRED_HELPER_CACHE", "5m");
        let keys = ["ghcr.io", "https://ghcr.io/", "GHCR.io", "ghcr.io/team/app"];
        for key in keys {
            world.docker("get", key).json();
        }
        world.kubelet(request("ghcr.io/team/app")).json();
        assert_eq!(world.files().len(), 3);
        let login = json!({"ServerURL": "ghcr.io", "Username": "bot", "Secret": PASSWORD});
        let stdin = match action {
            "store" => login.to_string(),
            _ => "ghcr.io".to_owned(),
        };
        world.docker(action, stdin);
        assert_eq!(world.files(), []);
        away.store(1, Ordering::SeqCst);
        for key in keys {
            world.docker("get", key).failed_with("out of reach");
        }
    }
}

#[test]
fn a_link_in_the_place_of_its_directory_is_refused() {
    let (world, _) = changing();
    let elsewhere = world.home.path().join("elsewhere");
    std::fs::create_dir_all(elsewhere.join("helper")).unwrap();
    std::fs::create_dir(world.home.path().join(".cache")).unwrap();
    std::os::unix::fs::symlink(&elsewhere, world.home.path().join(".cache/regcred")).unwrap();
    let run = world.docker("get", "ghcr.io");
    run.json();
    assert!(run.stderr.contains("the answer is not cached: "), "{run:?}");
    assert_eq!(world.files(), []);
}

#[test]
fn a_definite_no_removes_it_and_other_errors_do_not_use_it() {
    for (answer, is_removed) in [
        (3, true),
        (4, true),
        (5, true),
        (6, false),
        (7, false),
        (8, true),
        (9, true),
        (10, true),
        (1, false),
        (14, false),
        (15, true),
        (16, false),
    ] {
        let (world, state) = changing();
        world.docker("get", "ghcr.io").json();
        assert_eq!(world.files().len(), 1);
        state.store(answer, Ordering::SeqCst);
        let run = world.docker("get", "ghcr.io");
        assert!(!run.ok, "{answer}: {run:?}");
        assert_eq!(world.files().is_empty(), is_removed, "{answer}");
    }
}

#[test]
fn its_files_are_private_and_hold_nothing_to_read() {
    let (world, _) = changing();
    world.docker("get", "ghcr.io").json();
    let (path, bytes) = world.files().remove(0);
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    assert!(path.parent().unwrap().ends_with(".cache/regcred/helper"));
    let text = String::from_utf8_lossy(&bytes);
    for known in [PASSWORD, TOKEN, "bot", "ghcr"] {
        assert!(!text.contains(known));
        assert!(!file_name(&path).to_string_lossy().contains(known));
    }
    let world = world.with("XDG_CACHE_HOME", world_path(&path));
    let run = world.docker("get", "ghcr.io");
    run.json();
    assert!(run.stderr.contains("the answer is not cached: "), "{run:?}");
}

/// A directory that cannot be made, because a file is in its place.
fn world_path(path: &std::path::Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_damaged_entry_is_ignored_and_removed() {
    let (world, state) = changing();
    for damage in [&b""[..], b"x", &[0; 400], &[1; 400]] {
        state.store(0, Ordering::SeqCst);
        world.docker("get", "ghcr.io").json();
        let (path, _) = world.files().remove(0);
        std::fs::write(path, damage).unwrap();
        state.store(2, Ordering::SeqCst);
        world.docker("get", "ghcr.io").failed_with("out of reach");
        assert_eq!(world.files(), []);
    }
}

#[test]
fn the_kubelet_keeps_a_cached_answer_no_longer_than_the_cache_would() {
    let (world, state) = changing();
    let world = world.with("REGCRED_HELPER_CACHE", "40s");
    world.kubelet(request("ghcr.io/app")).json();
    state.store(2, Ordering::SeqCst);
    let run = world.kubelet(request("ghcr.io/app"));
    let duration = run.json()["cacheDuration"].as_str().unwrap().to_owned();
    let seconds: u32 = duration.strip_suffix('s').unwrap().parse().unwrap();
    assert!(seconds <= 40, "{duration}");
}
