//! Verifying credentials: the verdict, what is kept of it, and what is told to whom.

use std::net::TcpListener;
use std::thread;

use serde_json::{Value, json};

use crate::registry::{base64, registry, silent_registry};
use crate::support::{Client, JSON, PASSWORD, Server, UPDATE, create_admin, query, regcred};

const VERIFY: &str = "mutation($c: UUID!, $p: UUID!, $i: String) \
    { verifyDockerCredentials(id: $c, projectId: $p, probe: $i) { verdict checkedAt version } }";
const SHOW: &str = "query($c: UUID!, $p: UUID!) { dockerCredentials(id: $c, projectId: $p) \
    { verification { verdict checkedAt version } verifications { verdict version } } }";

fn verify(client: &Client<'_>, project: &str, id: &str, probe: Option<&str>) -> String {
    let data = client.data(VERIFY, json!({"c": id, "p": project, "i": probe}));
    data["verifyDockerCredentials"]["verdict"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn a_verdict_is_told_kept_and_shown_for_the_present_password_alone() {
    let (address, _) = registry("right");
    let server = Server::dev();
    let admin = server.admin();
    let project = admin.create_project("proofs");
    let id = admin.create_credentials(&project, Some(&address), "me", "wrong");
    let show = || admin.data(SHOW, json!({"c": id, "p": project}))["dockerCredentials"].take();
    assert_eq!(show(), json!({"verification": null, "verifications": []}));

    assert_eq!(verify(&admin, &project, &id, None), "REJECTED");
    assert_eq!(show()["verification"]["verdict"], "REJECTED");
    let input = json!({"id": id, "projectId": project, "registry": address, "password": "right"});
    admin.data(UPDATE, json!({"c": input}));
    assert_eq!(
        show()["verification"],
        Value::Null,
        "the new password was not tried yet"
    );
    assert_eq!(verify(&admin, &project, &id, None), "OK");
    let image = |path: &str| format!("{address}/{path}:1");
    assert_eq!(
        verify(&admin, &project, &id, Some(&image("team/app"))),
        "OK"
    );
    assert_eq!(
        verify(&admin, &project, &id, Some(&image("other/app"))),
        "NO_PULL_RIGHT"
    );
    let shown = show();
    assert_eq!(shown["verification"]["verdict"], "NO_PULL_RIGHT");
    // An image that was named for once is not what they are for: nobody is called.
    let alerts = server.get("/metrics").text;
    assert!(
        alerts.contains("regcred_alerts_total{kind=\"rejected\"} 1\n"),
        "the wrong one of before"
    );
    let history: Vec<_> = shown["verifications"]
        .as_array()
        .unwrap()
        .iter()
        .map(|proof| {
            (
                proof["verdict"].as_str().unwrap(),
                proof["version"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        history,
        [("NO_PULL_RIGHT", 2), ("OK", 2), ("OK", 2), ("REJECTED", 1)]
    );

    // Explained pulls say it, too.
    let ask = json!({"project": project, "image": image("team/app")}).to_string();
    let bearer = format!("Bearer {}", admin.token);
    let explained = server.post(
        "/api/v1/pull/explain",
        &[JSON, ("authorization", &bearer)],
        ask.as_bytes(),
    );
    let candidate = &explained.json()["candidates"][0];
    assert_eq!(candidate["verification"]["verdict"], "NO_PULL_RIGHT");

    for (probe, field) in [
        ("Not An Image", "probe"),
        ("", "probe"),
        ("h.x/team/app", "probe"),
    ] {
        let refused = admin.post(VERIFY, json!({"c": id, "p": project, "i": probe}));
        assert_eq!(refused.error().0, "INVALID");
        assert_eq!(refused.json()["errors"][0]["extensions"]["field"], field);
    }
}

#[test]
fn only_listed_registries_of_this_machine_are_asked_and_the_verdict_is_all_that_is_told() {
    let directory = tempfile::TempDir::new().unwrap();
    let data = directory.path().join("data");
    create_admin(&data);
    let (listed, seen) = registry("right");
    let (unlisted, nothing) = registry("right");
    let file = directory.path().join("regcred.toml");
    let text =
        format!("[[registries]]\nhost = \"{listed}\"\nallow-private = true\nallow-http = true\n");
    std::fs::write(&file, text).unwrap();
    let mut command = regcred(&["serve", "--data-dir", data.to_str().unwrap(), "--config"]);
    command.arg(&file);
    let server = Server::start(command);
    let admin = server.admin();
    let project = admin.create_project("proofs");
    let own = admin.create_credentials(&project, Some(server.address()), "me", "right");
    let listed = admin.create_credentials(&project, Some(&listed), "me", "right");
    let unlisted = admin.create_credentials(&project, Some(&unlisted), "me", "right");
    assert_eq!(verify(&admin, &project, &listed, None), "OK");
    assert_eq!(verify(&admin, &project, &unlisted, None), "BLOCKED");
    assert_eq!(verify(&admin, &project, &own, None), "BLOCKED");
    assert_eq!(
        (seen.lock().unwrap().len(), nothing.lock().unwrap().len()),
        (2, 0)
    );

    // Editors may; viewers, pullers and strangers learn nothing and cause nothing.
    let create = "mutation($u: UserInput!) { createUser(user: $u) { login } }";
    for (login, role) in [("vera", Some("ROLE_PROJECT_VIEWER")), ("stranger", None)] {
        admin.data(create, json!({"u": {"login": login, "password": PASSWORD}}));
        if let Some(role) = role {
            let member = format!(
                "mutation($p: UUID!, $u: String!) {{ setProjectMember(projectId: $p, login: $u, role: {role}) }}"
            );
            admin.data(&member, json!({"p": project, "u": login}));
        }
        let somebody = server.client(server.token(login, PASSWORD));
        let (code, _) = somebody.refused(VERIFY, json!({"c": listed, "p": project}));
        assert_eq!(
            code,
            if role.is_some() {
                "FORBIDDEN"
            } else {
                "NOT_FOUND"
            }
        );
    }
    assert_eq!(seen.lock().unwrap().len(), 2);
    let log = server.log_text();
    assert!(
        !log.contains("right") && !log.contains(&base64("me:right")),
        "{log}"
    );
    drop(server);
    let events = "SELECT count(*) FROM audit_event WHERE event LIKE '%credentials_verified%'";
    assert_eq!(query(&data, events), "3");
}

#[test]
fn a_registry_that_hangs_is_waited_for_and_others_go_on() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let server = Server::dev();
    let admin = server.admin();
    let project = admin.create_project("slow");
    let id = admin.create_credentials(&project, Some(&address), "me", "p");
    thread::scope(|scope| {
        let proof = scope.spawn(|| verify(&admin, &project, &id, None));
        for _ in 0..20 {
            assert_eq!(admin.list(&project).len(), 1);
        }
        assert_eq!(proof.join().unwrap(), "UNREACHABLE");
    });
}

#[test]
fn what_is_deleted_while_it_waits_for_a_place_is_not_sent_and_who_was_refused_is_not_tried_later() {
    let (address, seen) = silent_registry();
    let server = Server::dev();
    let admin = server.admin();
    let project = admin.create_project("queue");
    let create =
        |username: &str| admin.create_credentials(&project, Some(&address), username, "secret");
    let [first, second, deleted] = ["first", "second", "deleted"].map(create);
    let logins = |of: &str| {
        let pair = base64(&format!("{of}:secret"));
        let seen = seen.lock().unwrap();
        seen.iter()
            .filter(|request| request.contains(&pair))
            .count()
    };
    thread::scope(|scope| {
        let busy = [&first, &second].map(|id| scope.spawn(|| verify(&admin, &project, id, None)));
        while logins("first") + logins("second") < 2 {
            thread::yield_now();
        }
        let waiting = scope.spawn(|| admin.refused(VERIFY, json!({"c": deleted, "p": project})));
        let delete =
            "mutation($c: UUID!, $p: UUID!) { deleteDockerCredentials(id: $c, projectId: $p) }";
        // It waits by now, or comes later: both ways it must not be sent.
        admin.data(delete, json!({"c": deleted, "p": project}));
        for busy in busy {
            assert_eq!(busy.join().unwrap(), "UNREACHABLE");
        }
        assert_eq!(waiting.join().unwrap().0, "NOT_FOUND");
    });
    assert_eq!(logins("deleted"), 0);

    // Five of one project at hosts that keep silent: the fifth is told in time, and nothing is tried behind its back.
    let others: Vec<_> = (0..4).map(|_| silent_registry()).collect();
    let (last, of_last) = silent_registry();
    let ids: Vec<_> = others
        .iter()
        .map(|(host, _)| admin.create_credentials(&project, Some(host), "me", "secret"))
        .collect();
    let fifth = admin.create_credentials(&project, Some(&last), "me", "secret");
    let (elsewhere, _) = registry("right");
    let other_project = admin.create_project("other");
    let free = admin.create_credentials(&other_project, Some(&elsewhere), "me", "right");
    thread::scope(|scope| {
        for id in &ids {
            scope.spawn(|| verify(&admin, &project, id, None));
        }
        while others
            .iter()
            .any(|(_, seen)| seen.lock().unwrap().is_empty())
        {
            thread::yield_now();
        }
        assert_eq!(
            verify(&admin, &other_project, &free, None),
            "OK",
            "others go on"
        );
        let fifth = scope.spawn(|| verify(&admin, &project, &fifth, None));
        assert_eq!(
            fifth.join().unwrap(),
            "UNREACHABLE",
            "its turn comes when one of the four has ended"
        );
    });
    assert!(!of_last.lock().unwrap().is_empty());
}
