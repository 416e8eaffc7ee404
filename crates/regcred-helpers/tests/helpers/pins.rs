//! Several accounts of one scope: none is guessed, and a configuration may name the one that is meant.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use crate::kubelet::request;
use crate::server::{Reply, Request, problem};
use crate::world::{PROJECT, World, credentials};

/// A regcred that has two accounts for all that is asked for.
fn ambiguous(request: &Request) -> Reply {
    let pinned = request.body["dockerCredentialsId"].as_str();
    let account =
        |id, username| json!({"credentialsId": id, "registryKey": "ghcr.io", "username": username});
    match pinned {
        None => Reply::Status(
            409,
            json!({"code": "CONFLICT", "detail": "x", "candidates": [account(ANN, "ann"), account(BEN, "ben\n")]}),
        ),
        Some(id) => {
            let mut answer = credentials("ghcr.io");
            answer["credentialsId"] = json!(id);
            answer["username"] = json!(if id == ANN { "ann" } else { "ben" });
            Reply::Status(200, answer)
        }
    }
}

#[test]
fn several_accounts_are_named_and_none_is_guessed() {
    let world = World::new(ambiguous);
    let line =
        format!(r#"several accounts of regcred fit "ghcr.io": "ann" ({ANN}), "ben\n" ({BEN})"#);
    let run = world.docker("get", "ghcr.io");
    run.failed_with(&line);
    for way in ["REGCRED_CREDENTIALS_ID", "`credentials-id`"] {
        assert!(run.stderr.contains(way), "{run:?}");
    }
    // Neither one of others, nor both.
    for ids in [OTHER.to_owned(), format!("{ANN},{BEN}")] {
        let world = World::new(ambiguous).with("REGCRED_CREDENTIALS_ID", &ids);
        world.docker("get", "ghcr.io").failed_with(&line);
        world
            .kubelet(request("ghcr.io/app"))
            .provides_nothing("REGCRED_CREDENTIALS_ID");
        assert_eq!(world.server.seen().len(), 2);
    }
}

#[test]
fn the_configuration_names_the_one_that_is_meant() {
    for (ids, username) in [
        (BEN.to_owned(), "ben"),
        (format!(" {OTHER} , {} ", ANN.to_uppercase()), "ann"),
        (format!("{ANN},{ANN}"), "ann"),
    ] {
        let world = World::new(ambiguous).with("REGCRED_CREDENTIALS_ID", &ids);
        assert_eq!(world.docker("get", "ghcr.io").json()["Username"], username);
        let answer = world.kubelet(request("ghcr.io/app")).json();
        assert_eq!(answer["auth"]["ghcr.io/app"]["username"], username);
        // It is asked for only once regcred says that it cannot tell.
        let asked: Vec<_> = world
            .server
            .seen()
            .iter()
            .map(|request| request.body["dockerCredentialsId"].is_null())
            .collect();
        assert_eq!(asked, [true, false, true, false]);
    }
    let plain = World::giving("ghcr.io").with("REGCRED_CREDENTIALS_ID", OTHER);
    plain.docker("get", "ghcr.io").json();
    assert_eq!(plain.server.seen()[0].body, json!({"server": "ghcr.io"}));
}

#[test]
fn a_file_names_one_or_several() {
    for (ids, fits) in [
        (format!("\"{ANN}\""), true),
        (format!("\"{ANN},{OTHER}\""), true),
        (format!("[\"{OTHER}\", \"{ANN}\"]"), true),
        (format!("[\"{OTHER}\"]"), false),
    ] {
        let world = World::new(ambiguous);
        let text = format!("url = \"{}\"\ncredentials-id = {ids}\n", world.server.url);
        world.write(".config/regcred/helper.toml", &text, 0o600);
        let run = world.docker("get", "ghcr.io");
        assert_eq!(run.ok, fits, "{ids}: {run:?}");
        // A variable counts more; what the file says of its server says nothing of another.
        let world = world.with("REGCRED_CREDENTIALS_ID", BEN);
        assert_eq!(world.docker("get", "ghcr.io").json()["Username"], "ben");
        let world = world.without("REGCRED_CREDENTIALS_ID");
        let text = format!("url = \"https://elsewhere.example\"\ncredentials-id = {ids}\n");
        world.write(".config/regcred/helper.toml", &text, 0o600);
        world
            .docker("get", "ghcr.io")
            .failed_with("several accounts");
    }
}

#[test]
fn what_is_no_id_is_refused_before_anything_is_sent() {
    for ids in [
        "ann",
        "7",
        " ",
        ",",
        &format!("{ANN},"),
        &format!("{ANN};{BEN}"),
    ] {
        let world = World::new(ambiguous).with("REGCRED_CREDENTIALS_ID", ids);
        world
            .docker("get", "ghcr.io")
            .failed_with("REGCRED_CREDENTIALS_ID does not hold ids of credentials");
        assert!(world.server.seen().is_empty());
    }
    for (ids, part) in [
        ("\"ann\"", "`credentials-id` of the file does not hold ids"),
        ("[]", "`credentials-id` of the file does not hold ids"),
        ("\"\"", "`credentials-id` of the file does not hold ids"),
        ("7", "line 2: "),
        ("[7]", "line 2: "),
    ] {
        let world = World::new(ambiguous);
        let text = format!("url = \"{}\"\ncredentials-id = {ids}\n", world.server.url);
        world.write(".config/regcred/helper.toml", &text, 0o600);
        world.docker("get", "ghcr.io").failed_with(part);
        assert!(world.server.seen().is_empty());
    }
}

#[test]
fn list_has_the_one_that_is_meant() {
    let world = World::new(|_| {
        let one = |id, username| {
            json!({
                "credentialsId": id, "registryKey": "ghcr.io", "username": username,
                "lastUpdate": "2026-01-01T00:00:00.000Z", "expiresAt": null,
            })
        };
        let all = [one(ANN, "ann"), one(BEN, "ben")];
        Reply::Status(200, json!({"project": PROJECT, "credentials": all}))
    });
    assert_eq!(world.docker("list", "").json(), json!({}));
    let world = world.with("REGCRED_CREDENTIALS_ID", BEN);
    assert_eq!(world.docker("list", "").json(), json!({"ghcr.io": "ben"}));
}

#[test]
fn one_that_went_meanwhile_is_no_absence_of_credentials() {
    let world = World::new(
        |request| match request.body["dockerCredentialsId"].as_str() {
            None => ambiguous(request),
            Some(_) => problem(404, "NO_MATCH", "there are none"),
        },
    );
    let world = world.with("REGCRED_CREDENTIALS_ID", ANN);
    world
        .docker("get", "ghcr.io")
        .failed_with("several accounts");
    // Nor is another one than the one that is meant handed out.
    let world = World::new(
        |request| match request.body["dockerCredentialsId"].as_str() {
            None => ambiguous(request),
            Some(_) => Reply::Status(200, credentials("ghcr.io")),
        },
    );
    let world = world.with("REGCRED_CREDENTIALS_ID", ANN);
    world
        .docker("get", "ghcr.io")
        .failed_with("other credentials than those that are named");
}

#[test]
fn its_answer_is_cached_for_the_same_ids_only() {
    let away = Arc::new(AtomicBool::new(false));
    let is_away = Arc::clone(&away);
    let world = World::new(move |request| {
        if is_away.load(Ordering::SeqCst) {
            return Reply::Cut;
        }
        ambiguous(request)
    });
    let world = world
        .with("REGCRED_HELPER_CACHE", "5m")
        .with("REGCRED_CREDENTIALS_ID", ANN);
    world.docker("get", "ghcr.io").json();
    assert_eq!(world.files().len(), 1);
    away.store(true, Ordering::SeqCst);
    assert_eq!(world.docker("get", "ghcr.io").json()["Username"], "ann");
    let world = world.with("REGCRED_CREDENTIALS_ID", BEN);
    world.docker("get", "ghcr.io").failed_with("out of reach");
}

const ANN: &str = "11111111-84eb-4a7d-93cb-2340f7773bce";
const BEN: &str = "22222222-84eb-4a7d-93cb-2340f7773bce";
const OTHER: &str = "33333333-84eb-4a7d-93cb-2340f7773bce";
