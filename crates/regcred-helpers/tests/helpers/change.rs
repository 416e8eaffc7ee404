//! `store` and `erase`: exactly one registry's credentials, or nothing at all.

use serde_json::{Value, json};

use crate::server::{Reply, Request, problem};
use crate::world::{CREDENTIALS, PASSWORD, PROJECT, World};

/// A regcred that has these credentials (registry key, username) on the host that is asked for.
fn keeping(kept: &'static [(&'static str, &'static str)]) -> World {
    World::new(move |request| regcred(request, kept))
}

fn regcred(request: &Request, kept: &[(&str, &str)]) -> Reply {
    if request.path == "/api/v1/pull/explain" {
        let asked = request.body["server"].as_str().unwrap();
        let hub = asked.contains("docker.io");
        let key = if hub {
            "docker.io"
        } else {
            asked.trim_start_matches("https://").trim_end_matches('/')
        };
        let candidates = kept.iter().map(|(key, username)| {
            json!({
                "credentialsId": CREDENTIALS, "registryKey": key, "username": username, "verdict": "OTHER_PATH",
                "reason": "r", "lastUpdate": "2026-01-01T00:00:00.000Z", "lastUsed": null, "expiresAt": null,
                "verification": null,
            })
        });
        return Reply::Status(
            200,
            json!({
                "project": PROJECT, "registryKey": key, "host": key, "path": "", "outcome": "NO_MATCH", "rule": "r",
                "chosen": null, "candidates": candidates.collect::<Vec<_>>(),
            }),
        );
    }
    let one = json!({
        "id": CREDENTIALS, "registry": "HTTPS://ghcr.io", "username": "bot",
        "lastUpdate": "2026-01-01T00:00:00.000Z", "jobs": [], "apps": [],
    });
    Reply::Status(
        200,
        json!({"data": {
            "createDockerCredentials": one, "updateDockerCredentials": one, "dockerCredentials": one,
            "deleteDockerCredentials": true,
        }}),
    )
}

fn login(server: &str, username: &str) -> String {
    json!({"ServerURL": server, "Username": username, "Secret": PASSWORD}).to_string()
}

fn last(world: &World) -> (String, Value) {
    let request = world.server.seen().pop().unwrap();
    (request.path, request.body)
}

#[test]
fn a_new_login_is_created_with_the_registry_as_it_was_sent() {
    for (server, registry) in [
        ("https://index.docker.io/v1/", Value::Null),
        ("docker.io", Value::Null),
        ("ghcr.io", json!("ghcr.io")),
        ("https://ghcr.io/", json!("https://ghcr.io/")),
        ("ghcr.io/team", json!("ghcr.io/team")),
        ("ghcr.io/v2/", json!("ghcr.io/v2/")),
    ] {
        // Those of a longer or shorter path, and of another port, are others.
        let world = keeping(&[("ghcr.io/other", "bot"), ("ghcr.io:5000", "bot")]);
        let run = world.docker("store", login(server, "bot"));
        assert!(
            run.ok && run.stdout.is_empty() && run.stderr.is_empty(),
            "{run:?}"
        );
        let (operation, variables) = last(&world);
        assert_eq!(operation, "createDockerCredentials");
        assert_eq!(
            variables["input"],
            json!({"registry": registry, "username": "bot", "password": PASSWORD, "projectId": PROJECT})
        );
    }
}

#[test]
fn a_login_of_the_same_account_replaces_its_password_only() {
    let world =
        keeping(&[("ghcr.io", "bot"), ("ghcr.io/team", "other")]).with("REGCRED_PROJECT", "demo");
    let run = world.docker("store", login("ghcr.io", "bot"));
    assert!(run.ok, "{run:?}");
    assert_eq!(
        world.server.seen()[0].body,
        json!({"project": "demo", "server": "ghcr.io"})
    );
    let (operation, variables) = last(&world);
    assert_eq!(operation, "updateDockerCredentials");
    assert_eq!(
        variables["input"],
        json!({"id": CREDENTIALS, "registry": "HTTPS://ghcr.io", "password": PASSWORD, "projectId": PROJECT})
    );
}

#[test]
fn a_login_beside_another_account_is_refused() {
    let world = keeping(&[("ghcr.io", "ann"), ("ghcr.io", "ben")]);
    let run = world.docker("store", login("ghcr.io", "bot"));
    run.failed_with(
        r#"another account for "ghcr.io": "ann", "ben"; a second one would make pulls ambiguous"#,
    );
    assert!(run.stderr.contains("nothing was changed"), "{run:?}");
    assert_eq!(world.server.paths(), ["/api/v1/pull/explain"]);
}

#[test]
fn a_logout_deletes_what_is_exactly_there() {
    let world = keeping(&[
        ("ghcr.io", "bot"),
        ("ghcr.io/team", "other"),
        ("ghcr.io:5000", "x"),
    ]);
    assert!(world.docker("erase", "ghcr.io\n").ok);
    let (operation, variables) = last(&world);
    assert_eq!(operation, "deleteDockerCredentials");
    assert_eq!(variables, json!({"id": CREDENTIALS, "projectId": PROJECT}));

    let absent = keeping(&[("ghcr.io/team", "other")]);
    let run = absent.docker("erase", "ghcr.io");
    assert!(run.ok && run.stdout.is_empty(), "{run:?}");
    assert_eq!(absent.server.paths(), ["/api/v1/pull/explain"]);

    let several = keeping(&[("ghcr.io", "ann"), ("ghcr.io", "ben")]);
    several
        .docker("erase", "ghcr.io")
        .failed_with(r#"several accounts for "ghcr.io": "ann", "ben""#);
    assert_eq!(several.server.paths(), ["/api/v1/pull/explain"]);
}

#[test]
fn a_token_that_may_only_pull_changes_nothing() {
    let world = World::new(|request| {
        if request.path.ends_with("explain") {
            return regcred(request, &[]);
        }
        let error = json!({"message": "the token has no right to edit", "extensions": {"code": "FORBIDDEN"}});
        Reply::Status(200, json!({"data": null, "errors": [error]}))
    });
    let run = world.docker("store", login("ghcr.io", "bot"));
    run.failed_with("the token in REGCRED_TOKEN may not do this: the token has no right to edit");
    assert!(run.stderr.contains("`edit`"), "{run:?}");
    let in_use = World::new(|request| {
        if request.path.ends_with("explain") {
            return regcred(request, &[("ghcr.io", "bot")]);
        }
        let error = json!({"message": "two jobs use them", "extensions": {"code": "IN_USE"}});
        Reply::Status(200, json!({"data": null, "errors": [error]}))
    });
    in_use
        .docker("erase", "ghcr.io")
        .failed_with("two jobs use them");
    let unnamed = World::new(|_| problem(422, "INVALID", "the token has several projects"));
    let run = unnamed.docker("erase", "ghcr.io");
    run.failed_with("several projects");
    assert!(run.stderr.contains("REGCRED_PROJECT"), "{run:?}");
}

#[test]
fn an_answer_for_another_host_changes_nothing() {
    let world = World::new(|request| {
        let mut request = request.clone();
        request.body["server"] = json!("quay.io");
        regcred(&request, &[("quay.io", "bot")])
    });
    world
        .docker("store", login("ghcr.io", "bot"))
        .failed_with("another registry");
    world
        .docker("erase", "ghcr.io")
        .failed_with("another registry");
    assert!(
        world
            .server
            .paths()
            .iter()
            .all(|path| path.ends_with("explain"))
    );
}

#[test]
fn what_is_no_login_is_refused_before_anything_is_sent() {
    let world = keeping(&[]);
    for (stdin, part) in [
        (String::new(), "holds no credentials"),
        ("null".to_owned(), "holds no credentials"),
        ("[]".to_owned(), "holds no credentials"),
        (
            format!("{{\"Secret\": \"{PASSWORD}\""),
            "holds no credentials",
        ),
        (
            json!({"ServerURL": 7, "Username": "u", "Secret": PASSWORD}).to_string(),
            "holds no credentials",
        ),
        (
            json!({"ServerURL": "ghcr.io", "Username": [PASSWORD], "Secret": "x"}).to_string(),
            "holds no credentials",
        ),
        (
            json!({"ServerURL": "ghcr.io", "Username": "u"}).to_string(),
            "holds no credentials",
        ),
        (
            json!({"Username": "u", "Secret": PASSWORD}).to_string(),
            "no credentials server URL",
        ),
        (login(" ", "u"), "no credentials server URL"),
        (login("ghcr.io", ""), "no credentials username"),
        (login("https://u:p@ghcr.io", "u"), "holds a login"),
        (login("ghcr.io\r\nx", "u"), "holds control characters"),
        // regcred would take the version off, and keep them for another path.
        (login("ghcr.io/v2/app", "u"), "begins with v1 or v2"),
        (
            login("https://ghcr.io/v1/app/", "u"),
            "begins with v1 or v2",
        ),
        ("x".repeat(1 << 20), "more than 64 KiB"),
    ] {
        world.docker("store", stdin).failed_with(part);
    }
    assert!(world.server.seen().is_empty());
}
