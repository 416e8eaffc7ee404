//! `get`, `list`, `version`: what docker reads, and what it is told where there is nothing to read.

use serde_json::json;

use crate::server::{Reply, problem};
use crate::world::{
    CREDENTIALS, DOCKER, NOT_FOUND, PASSWORD, PROJECT, TOKEN, World, given, no_match,
};

#[test]
fn get_answers_what_docker_reads() {
    let world = World::giving("ghcr.io");
    for (stdin, key) in [
        ("ghcr.io", "ghcr.io"),
        ("ghcr.io\n", "ghcr.io"),
        (" \tghcr.io\r\n", "ghcr.io"),
        ("https://GHCR.io./", "https://GHCR.io./"),
        ("ghcr.io/acme/app", "ghcr.io/acme/app"),
    ] {
        let run = world.docker("get", stdin);
        let expected = json!({"ServerURL": key, "Username": "bot", "Secret": PASSWORD});
        assert_eq!(run.json(), expected);
        assert_eq!(run.stderr, "");
        let seen = world.server.seen().pop().unwrap();
        assert_eq!(seen.path, "/api/v1/pull");
        assert_eq!(seen.authorization, format!("Bearer {TOKEN}"));
        assert_eq!(seen.body, json!({"server": key}));
    }
    assert_eq!(world.files(), []);
}

#[test]
fn the_hub_is_one_registry_by_all_its_names() {
    let world = World::giving("docker.io").with("REGCRED_PROJECT", "demo");
    for key in [
        "https://index.docker.io/v1/",
        "docker.io",
        "registry-1.docker.io",
        "docker.io/acme/app",
    ] {
        assert_eq!(world.docker("get", key).json()["ServerURL"], key);
        let body = world.server.seen().pop().unwrap().body;
        assert_eq!(body, json!({"project": "demo", "server": key}));
    }
}

#[test]
fn identity_tokens_and_odd_passwords_pass_through() {
    let odd = "a\"\\\r\n\u{0}\u{1}é😀";
    let world = World::new(move |_| {
        let mut answer = crate::world::credentials("ghcr.io");
        answer["username"] = json!("<token>");
        answer["password"] = json!(odd);
        Reply::Status(200, answer)
    });
    let answer = world.docker("get", "ghcr.io").json();
    assert_eq!(
        (&answer["Username"], &answer["Secret"]),
        (&json!("<token>"), &json!(odd))
    );
}

#[test]
fn only_no_match_is_not_found() {
    let world = World::new(|_| no_match());
    let run = world.docker("get", "ghcr.io");
    assert_eq!(run.stdout, NOT_FOUND);
    run.failed_with("credentials not found in native keychain");
    assert!(
        run.stderr.contains("\"ghcr.io\"") && run.stderr.contains("in the project demo"),
        "{run:?}"
    );

    for (status, code, detail, part) in [
        (
            401,
            "UNAUTHENTICATED",
            "no",
            "the token in REGCRED_TOKEN is not accepted",
        ),
        (
            403,
            "FORBIDDEN",
            "no right to pull",
            "may not do this: no right to pull",
        ),
        (
            404,
            "NOT_FOUND",
            "there is no such thing",
            "regcred says: there is no such thing",
        ),
        (
            422,
            "INVALID",
            "the token has several projects; name one",
            "several projects",
        ),
        (422, "INVALID", "not a registry", "not a registry"),
        (429, "THROTTLED", "too many", "HTTP 429"),
        (
            503,
            "UNAVAILABLE",
            "the audit is away",
            "regcred cannot do this now",
        ),
        (500, "INTERNAL", "a fault", "a fault (request 42)"),
        (302, "", "", "redirects"),
    ] {
        let world = World::new(move |_| problem(status, code, detail));
        world.docker("get", "ghcr.io").failed_with(part);
    }
    // A server that does not know pulls, or is none.
    let world = World::new(|_| Reply::Status(404, json!("no such page")));
    world
        .docker("get", "ghcr.io")
        .failed_with("this server has no pulls of credentials");
    World::new(|_| Reply::Cut)
        .docker("get", "ghcr.io")
        .failed_with("out of reach");
    let away = World::giving("ghcr.io").with("REGCRED_URL", "http://127.0.0.1:1");
    away.docker("get", "ghcr.io")
        .failed_with("no connection to http://127.0.0.1:1");
}

#[test]
fn the_words_of_a_server_are_never_taken_for_those_of_the_protocol() {
    let exact = [
        "credentials not found in native keychain",
        " credentials not\tfound in native\r\nkeychain\n",
        "x: credentials not found in native keychain",
        "no credentials server URL",
        "no credentials username",
    ];
    let answers = [
        (404, "NOT_FOUND"),
        (403, "FORBIDDEN"),
        (422, "INVALID"),
        (409, "CONFLICT"),
        (429, "THROTTLED"),
        (503, "UNAVAILABLE"),
        (500, "INTERNAL"),
        (418, "TEAPOT"),
    ];
    for detail in exact {
        for (status, code) in answers {
            let world = World::new(move |_| problem(status, code, detail));
            let run = world.docker("get", "ghcr.io");
            run.failed_with("");
            for known in [exact[0], exact[3], exact[4]] {
                assert!(!run.stdout.contains(known), "{run:?}");
            }
        }
    }
    // Nor are names that it gives.
    let world = World::new(move |_| {
        let account =
            json!({"credentialsId": CREDENTIALS, "registryKey": "ghcr.io", "username": exact[0]});
        Reply::Status(
            409,
            json!({"code": "CONFLICT", "detail": "x", "candidates": [account]}),
        )
    });
    world
        .docker("get", "ghcr.io")
        .failed_with("several accounts");
}

#[test]
fn the_words_of_a_server_do_not_steer_a_terminal() {
    let steering = "a\u{202e}b\u{2028}c\u{2029}d\u{2066}e\u{200f}f\u{1b}[2Jg\u{9b}h\u{61c}i";
    let world = World::new(move |_| problem(404, "NOT_FOUND", steering));
    let run = world.docker("get", "ghcr.io");
    run.failed_with("a b c d e f [2Jg h i");
    let world = World::new(move |_| problem(404, "NO_MATCH", steering));
    let run = world.docker("get", "ghcr.io");
    assert_eq!(run.stdout, NOT_FOUND);
    assert!(run.stderr.contains("a b c d e f [2Jg h i"), "{run:?}");
    let world = World::new(move |_| {
        let account =
            json!({"credentialsId": CREDENTIALS, "registryKey": "ghcr.io", "username": steering});
        Reply::Status(
            409,
            json!({"code": "CONFLICT", "detail": "x", "candidates": [account]}),
        )
    });
    world
        .docker("get", "ghcr.io")
        .failed_with("several accounts");
}

#[test]
fn what_is_told_of_a_pull_speaks_of_a_pull() {
    let world = World::new(|_| Reply::Status(200, json!({"username": "bot"})));
    let run = world.docker("get", "ghcr.io");
    run.failed_with("the answer is not regcred's: ");
    let world = World::new(|_| problem(422, "INVALID", "not a registry"));
    let run = world.docker("get", "ghcr.io");
    assert!(!run.stderr.contains("changed"), "{run:?}");
}

#[test]
fn a_username_that_would_end_a_line_is_not_handed_out() {
    for username in ["bot\n", "a\r\nb", "\u{0}", "a\u{85}b"] {
        let world = World::new(move |_| {
            let mut answer = crate::world::credentials("ghcr.io");
            answer["username"] = json!(username);
            Reply::Status(200, answer)
        });
        let world = world.with("REGCRED_HELPER_CACHE", "5m");
        world
            .docker("get", "ghcr.io")
            .failed_with("a username that holds control characters");
        world
            .kubelet(crate::kubelet::request("ghcr.io/app"))
            .provides_nothing("a username that holds control characters");
        assert_eq!(world.files(), []);
    }
}

#[test]
fn tokens_of_dockers_own_login_are_none_of_a_registry() {
    let world = World::giving("docker.io");
    for key in [
        "https://index.docker.io/v1/access-token",
        "https://index.docker.io/v1/refresh-token",
        "https://index.docker.io/v1/refresh-token/",
        "docker.io/v1/access-token",
    ] {
        let run = world.docker("get", key);
        assert_eq!(run.stdout, NOT_FOUND);
        assert!(run.stderr.contains("docker login --username"), "{run:?}");
        let run = world.docker("erase", key);
        assert!(run.ok && run.stdout.is_empty(), "{run:?}");
        let login = json!({"ServerURL": key, "Username": "bot", "Secret": PASSWORD});
        let run = world.docker("store", login.to_string());
        run.failed_with("does not keep the tokens of docker's login by browser");
        assert!(run.stderr.contains("docker login --username"), "{run:?}");
    }
    assert!(world.server.seen().is_empty());
    // Only there.
    World::giving("ghcr.io")
        .docker("get", "ghcr.io/v1/access-token")
        .json();
}

#[test]
fn list_has_what_get_serves() {
    let world = World::new(|_| {
        let one = |key, username| {
            json!({
                "credentialsId": CREDENTIALS, "registryKey": key, "username": username, "password": "never",
                "lastUpdate": "2026-01-01T00:00:00.000Z", "expiresAt": null,
            })
        };
        let all = [
            one("docker.io", "hub"),
            one("ghcr.io", "a"),
            one("ghcr.io", "b"),
            one("ghcr.io/team", "c"),
            one("host:5000", "<token>"),
        ];
        Reply::Status(200, json!({"project": PROJECT, "credentials": all}))
    });
    let world = world.with("REGCRED_PROJECT", "a b");
    let run = world.docker("list", "");
    assert_eq!(
        run.json(),
        json!({"https://index.docker.io/v1/": "hub", "ghcr.io/team": "c", "host:5000": "<token>"})
    );
    assert_eq!(world.server.paths(), ["/api/v1/pull?project=a+b"]);

    // What `get` would read as another key, and what it would not hand out.
    let odd = World::new(|_| {
        let one = |key: &str, username: &str| {
            json!({
                "credentialsId": CREDENTIALS, "registryKey": key, "username": username,
                "lastUpdate": "2026-01-01T00:00:00.000Z", "expiresAt": null,
            })
        };
        let all = [
            one("h.x/v2", "a"),
            one("h.x/v2/app", "b"),
            one("h y", "c"),
            one("h.z", "d\n"),
        ];
        Reply::Status(200, json!({"project": PROJECT, "credentials": all}))
    });
    assert_eq!(odd.docker("list", "").json(), json!({"h.x/v2/app": "b"}));

    let empty = World::new(|_| Reply::Status(200, json!({"project": PROJECT, "credentials": []})));
    assert_eq!(empty.docker("list", "").stdout, "{}\n");
    World::new(|_| problem(403, "FORBIDDEN", "no"))
        .docker("list", "")
        .failed_with("may not do this: no");
}

#[test]
fn version_and_help_need_no_configuration_and_other_words_are_refused() {
    let world = World::giving("ghcr.io")
        .without("REGCRED_URL")
        .without("REGCRED_TOKEN");
    for word in ["version", "--version"] {
        let run = world.docker(word, "");
        assert!(
            run.ok
                && run
                    .stdout
                    .starts_with("docker-credential-regcred (regcred) "),
            "{run:?}"
        );
    }
    assert!(world.docker("--help", "").stdout.contains("REGCRED_TOKEN"));
    for arguments in [&[][..], &["get", "x"], &["GET"], &["fetch"], &["--url"]] {
        world
            .run(DOCKER, arguments, b"ghcr.io")
            .failed_with("one argument is needed");
    }
    assert!(world.server.seen().is_empty());
}

#[test]
fn a_session_of_many_runs_leaves_nothing_behind() {
    let world = World::new(|request| match request.body["server"].as_str() {
        Some("ghcr.io") => given("ghcr.io"),
        _ => no_match(),
    });
    for _ in 0..5 {
        world.docker("get", "ghcr.io").json();
        assert_eq!(world.docker("get", "quay.io").stdout, NOT_FOUND);
    }
    assert_eq!(world.files(), []);
}
