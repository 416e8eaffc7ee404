//! Credentials are tried before they are saved, where that is asked for or the project demands it.

use serde_json::{Value, json};

use crate::registry::{changing_registry, registry, silent_registry};
use crate::support::{Client, Server, create_admin, query, regcred};

const CREATE: &str = "mutation($c: DockerCredentialsInput, $v: VerifyBeforeSaving) \
    { createDockerCredentials(dockerCredentials: $c, verify: $v) { id version probe verification { verdict version probed } } }";
const UPDATE: &str = "mutation($c: DockerCredentialsUpdate, $v: VerifyBeforeSaving) \
    { updateDockerCredentials(dockerCredentialsUpdate: $c, verify: $v) \
    { id version username probe verification { verdict version probed } } }";
const DEMAND: &str = "mutation($p: UUID!, $v: VerifyBeforeSaving) \
    { editProject(project: {id: $p, verifyBeforeSaving: $v}) { verifyBeforeSaving } }";

/// Code and verdict of a refusal that saved nothing.
fn refused(client: &Client<'_>, mutation: &str, variables: Value) -> (String, Value) {
    let answer = client.post(mutation, variables);
    let (code, message) = answer.error();
    assert!(message.contains("nothing was saved"), "{message}");
    let verdict = answer.json()["errors"][0]["extensions"]["verdict"].clone();
    (code, verdict)
}

/// An address at which nobody listens.
fn nowhere() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

#[test]
fn what_the_registry_refuses_is_not_saved_and_what_cannot_be_proved_is_a_choice() {
    let (address, seen) = registry("right");
    let server = Server::dev();
    let admin = server.admin();
    let project = admin.create_project("saving");
    let input = |registry: &str, password: &str| json!({"registry": registry, "username": "me", "password": password, "projectId": project});
    let invalid = |verdict: &str| ("INVALID".to_owned(), json!(verdict));
    for policy in ["NOT_REFUSED", "PROVED"] {
        let variables = json!({"c": input(&address, "wrong"), "v": policy});
        assert_eq!(refused(&admin, CREATE, variables), invalid("REJECTED"));
    }
    assert!(admin.list(&project).is_empty());
    let variables = json!({"c": input(&nowhere(), "any"), "v": "PROVED"});
    let unavailable = ("UNAVAILABLE".to_owned(), json!("UNREACHABLE"));
    assert_eq!(refused(&admin, CREATE, variables), unavailable);
    assert!(admin.list(&project).is_empty());
    let variables = json!({"c": input(&nowhere(), "any"), "v": "NOT_REFUSED"});
    let created = admin.data(CREATE, variables)["createDockerCredentials"].take();
    assert_eq!(
        created["verification"],
        json!({"verdict": "UNREACHABLE", "version": 1, "probed": false})
    );

    // With an image to probe: it is kept, and tried at each proof.
    let mut probing = input(&address, "right");
    probing["probe"] = json!(format!("{address}/other:1"));
    let variables = json!({"c": probing, "v": "NOT_REFUSED"});
    assert_eq!(refused(&admin, CREATE, variables), invalid("NO_PULL_RIGHT"));
    probing["probe"] = json!(format!("{address}/team/app:1"));
    let variables = json!({"c": probing, "v": "PROVED"});
    let created = admin.data(CREATE, variables)["createDockerCredentials"].take();
    let proved = json!({"verdict": "OK", "version": 1, "probed": true});
    assert_eq!(created["verification"], proved);
    assert_eq!(created["probe"], probing["probe"]);
    let id = created["id"].as_str().unwrap();

    // An update: the old password stays what it is.
    let update = |password: &str, more: Value| {
        let mut input =
            json!({"id": id, "projectId": project, "registry": address, "password": password});
        input
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        input
    };
    let variables = json!({"c": update("wrong", json!({})), "v": "NOT_REFUSED"});
    assert_eq!(refused(&admin, UPDATE, variables), invalid("REJECTED"));
    let puller = admin.with_rights(&[&project], &["PULL"]);
    let ask = json!({"image": format!("{address}/team/app")});
    assert_eq!(puller.pull(&ask).json()["password"], "right");
    let before = seen.lock().unwrap().len();
    let variables = json!({"c": update("untried", json!({}))});
    let updated = admin.data(UPDATE, variables)["updateDockerCredentials"].take();
    assert_eq!(
        (&updated["version"], &updated["verification"]),
        (&json!(2), &Value::Null)
    );
    assert_eq!(seen.lock().unwrap().len(), before, "nobody asked to try it");
    let variables = json!({"c": update("right", json!({})), "v": "PROVED"});
    let updated = admin.data(UPDATE, variables)["updateDockerCredentials"].take();
    assert_eq!(
        updated["verification"],
        json!({"verdict": "OK", "version": 3, "probed": true})
    );
    // Another username is tried with the new password, and refused.
    let variables = json!({"c": update("right", json!({"username": "other"})), "v": "PROVED"});
    assert_eq!(refused(&admin, UPDATE, variables), invalid("REJECTED"));
    // The image goes when it is said, and when the registry does.
    let cleared = admin.data(
        UPDATE,
        json!({"c": update("right", json!({"probe": null}))}),
    );
    assert_eq!(cleared["updateDockerCredentials"]["probe"], Value::Null);
    let set = json!({"c": update("right", json!({"probe": format!("{address}/team/app")}))});
    assert_eq!(
        admin.data(UPDATE, set)["updateDockerCredentials"]["probe"],
        format!("{address}/team/app")
    );
    let moved =
        json!({"c": {"id": id, "projectId": project, "password": "right", "registry": "h.x"}});
    assert_eq!(
        admin.data(UPDATE, moved)["updateDockerCredentials"]["probe"],
        Value::Null
    );
    for probe in ["Not An Image", "h.y/team/app", ""] {
        let bad = json!({"c": {"id": id, "projectId": project, "password": "p", "registry": "h.x", "probe": probe}});
        let answer = admin.post(UPDATE, bad);
        assert_eq!(answer.error().0, "INVALID");
        assert_eq!(answer.json()["errors"][0]["extensions"]["field"], "probe");
    }
}

#[test]
fn what_a_project_demands_no_request_can_waive_and_each_refusal_is_in_the_trail() {
    let directory = tempfile::TempDir::new().unwrap();
    let data = directory.path().join("data");
    create_admin(&data);
    let (address, seen, accepted) = changing_registry("right");
    let file = directory.path().join("regcred.toml");
    let text =
        format!("[[registries]]\nhost = \"{address}\"\nallow-private = true\nallow-http = true\n");
    std::fs::write(&file, text).unwrap();
    let mut command = regcred(&["serve", "--data-dir", data.to_str().unwrap(), "--config"]);
    command.arg(&file);
    let server = Server::start(command);
    let admin = server.admin();
    let project = admin.create_project("strict");
    let demanded = admin.data(DEMAND, json!({"p": project, "v": "PROVED"}));
    assert_eq!(demanded["editProject"]["verifyBeforeSaving"], "PROVED");
    let editor = admin.with_rights(&[&project], &["EDIT"]);
    let demand = json!({"p": project, "v": "OFF"});
    assert_eq!(editor.refused(DEMAND, demand).0, "FORBIDDEN");

    // Neither the platform's client, which says nothing, nor one that says `OFF` gets round it.
    let input = json!({"registry": address, "username": "me", "password": "wrong-secret", "projectId": project});
    for policy in [Value::Null, json!("OFF"), json!("NOT_REFUSED")] {
        let variables = json!({"c": input, "v": policy});
        let rejected = ("INVALID".to_owned(), json!("REJECTED"));
        assert_eq!(refused(&editor, CREATE, variables), rejected);
    }
    let unlisted =
        json!({"registry": "127.0.0.1:1", "username": "me", "password": "p", "projectId": project});
    let blocked = ("INVALID".to_owned(), json!("BLOCKED"));
    assert_eq!(refused(&editor, CREATE, json!({"c": unlisted})), blocked);
    let mut good = input.clone();
    good["password"] = json!("right");
    let created = editor.data(CREATE, json!({"c": good}))["createDockerCredentials"].take();
    assert_eq!(created["verification"]["verdict"], "OK");

    // What is staged is tried, too, and once more before it counts.
    let id = &created["id"];
    let stage = "mutation($s: DockerCredentialsStaging!) \
                 { stageDockerCredentials(dockerCredentialsStaging: $s) { version state verification { verdict } } }";
    let staging =
        |password: &str| json!({"s": {"id": id, "projectId": project, "password": password}});
    assert_eq!(
        refused(&editor, stage, staging("wrong-secret")).1,
        "REJECTED"
    );
    accepted.lock().unwrap().insert("next".to_owned());
    let staged = editor.data(stage, staging("next"))["stageDockerCredentials"].take();
    assert_eq!(
        staged,
        json!({"version": 2, "state": "STAGED", "verification": {"verdict": "OK"}})
    );
    accepted.lock().unwrap().remove("next");
    let promote = "mutation($c: UUID!, $p: UUID!, $f: Boolean) { promoteDockerCredentials( \
                   dockerCredentialsVersion: {id: $c, projectId: $p, force: $f}) { version verification { verdict } } }";
    let variables = |force: bool| json!({"c": id, "p": project, "f": force});
    assert_eq!(refused(&editor, promote, variables(false)).1, "REJECTED");
    let promoted = editor.data(promote, variables(true))["promoteDockerCredentials"].take();
    assert_eq!(
        promoted,
        json!({"version": 2, "verification": {"verdict": "REJECTED"}})
    );

    // What is refused anyway is not sent before; what is sent leaves its trace, also where it is right and not saved.
    let asked = seen.lock().unwrap().len();
    let mut late = json!({"id": id, "projectId": project, "registry": address, "password": "right", "expectedVersion": 99});
    assert_eq!(editor.refused(UPDATE, json!({"c": late})).0, "CONFLICT");
    late["expectedVersion"] = Value::Null;
    late["expiresAt"] = json!("2001-01-01T00:00:00Z");
    assert_eq!(editor.refused(UPDATE, json!({"c": late})).0, "INVALID");
    let nothing = json!({"c": id, "p": project, "f": true});
    assert_eq!(editor.refused(promote, nothing).0, "NOT_FOUND");
    assert_eq!(seen.lock().unwrap().len(), asked);
    assert_eq!(editor.refused(CREATE, json!({"c": good})).0, "CONFLICT");

    // Who may only look learns nothing, and causes nothing.
    let asked = seen.lock().unwrap().len();
    let auditor = admin.with_rights(&[&project], &["PULL"]);
    assert_eq!(auditor.refused(CREATE, json!({"c": good})).0, "FORBIDDEN");
    assert_eq!(seen.lock().unwrap().len(), asked);

    let log = server.log_text();
    assert!(!log.contains("wrong-secret"), "{log}");
    drop(server);
    let events = "SELECT count(*) FROM audit_event WHERE event LIKE '%credentials_not_saved%' AND event LIKE '%rejected%'";
    assert_eq!(query(&data, events), "4");
    let events = "SELECT count(*) FROM audit_event WHERE event LIKE '%wrong-secret%'";
    assert_eq!(query(&data, events), "0");
    // Each password that was to be sent before it was saved: three that were refused, one for a host that is not listed, the
    // one of the creation, two that were to be staged, and one that was right and stood in the way of others.
    let events =
        "SELECT count(*) FROM audit_event WHERE event LIKE '%\"type\":\"credentials_tried\"%'";
    assert_eq!(query(&data, events), "8");
    let forced = "SELECT count(*) FROM audit_event WHERE event LIKE '%\"type\":\"credentials_promoted\"%' \
                  AND event LIKE '%\"force\":true%' AND event LIKE '%\"verdict\":\"rejected\"%'";
    assert_eq!(query(&data, forced), "1");
}

#[test]
fn where_there_is_no_place_to_try_it_the_choice_is_the_same() {
    let server = Server::dev();
    let admin = server.admin();
    let project = admin.create_project("busy");
    let (silent, seen) = silent_registry();
    let input = |username: &str| json!({"registry": silent, "username": username, "password": "p", "projectId": project});
    std::thread::scope(|scope| {
        for username in ["first", "second"] {
            let variables = json!({"c": input(username), "v": "NOT_REFUSED"});
            let admin = &admin;
            scope.spawn(move || admin.data(CREATE, variables));
        }
        let logins = || {
            let seen = seen.lock().unwrap();
            seen.iter()
                .filter(|request| request.contains("authorization: "))
                .count()
        };
        while logins() < 2 {
            std::thread::yield_now();
        }
        // The two at the host take ten seconds, and these wait twelve at most: some get a place, some do not.
        let lenient: Vec<_> = (0..4)
            .map(|number| {
                let variables =
                    json!({"c": input(&format!("lenient{number}")), "v": "NOT_REFUSED"});
                let admin = &admin;
                scope.spawn(move || admin.data(CREATE, variables))
            })
            .collect();
        for create in lenient {
            let created = create.join().unwrap()["createDockerCredentials"].take();
            let verdict = &created["verification"];
            assert!(
                verdict.is_null() || verdict["verdict"] == "UNREACHABLE",
                "saved all the same: {created}"
            );
        }
    });
    assert_eq!(admin.list(&project).len(), 6);
}
