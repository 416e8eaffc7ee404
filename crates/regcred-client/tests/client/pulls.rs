//! Pulls: what is sent, what comes back, and the kind of each refusal.

use std::time::Duration;

use regcred_client::regcred::{Account, Pull, Resolution, TokenUse, Verdict, VerificationVerdict};
use regcred_client::{Client, Error, Outcome, Registry, RegistryChange, blocking};
use serde_json::{Value, json};

use crate::support::{
    CREDENTIALS, PROJECT, REGISTRY_PASSWORD, Reply, Server, TOKEN, all_data, data, explain, failed,
    http, id, json_text, project, pull, pulled, secret, text, with_token,
};

const PROBLEM: &[&str] = &["Content-Type: application/problem+json"];

fn explained() -> Value {
    json!({
        "project": PROJECT, "registryKey": "ghcr.io:5000/acme/app", "host": "ghcr.io:5000", "path": "acme/app",
        "outcome": "AMBIGUOUS", "rule": "two accounts have the same scope", "chosen": null,
        "candidates": [{
            "credentialsId": CREDENTIALS, "registryKey": "ghcr.io:5000", "username": "bot", "verdict": "SAME_SCOPE",
            "reason": "another account has it too", "lastUpdate": "2026-01-01T00:00:00.000Z", "lastUsed": null,
            "expiresAt": "2027-01-01T00:00:00.000Z", "verification": null, "later": "added",
        }, {
            "credentialsId": CREDENTIALS, "registryKey": "ghcr.io", "username": "x", "verdict": "SOMETHING_NEW",
            "reason": "r", "lastUpdate": "2026-01-01T00:00:00.000Z", "lastUsed": "2026-01-02T00:00:00.000Z",
            "expiresAt": null,
            "verification": {"verdict": "OK", "checkedAt": "2026-01-03T00:00:00.000Z", "version": 1, "probed": true},
        }],
    })
}

#[tokio::test]
async fn a_pull_sends_what_is_asked_for_and_hands_out_the_credentials() {
    let server = Server::saying(json_text(pulled().to_string()));
    let client = server.client();
    let got = pull(&client).await.unwrap();
    assert_eq!(got.registry_key, "ghcr.io/acme");
    assert_eq!(got.username, "bot");
    assert_eq!(got.password.expose(), REGISTRY_PASSWORD);
    assert_eq!(got.credentials_id, id());
    assert_eq!(got.expires_at.unwrap().to_string(), "2027-01-01T00:00:00Z");
    let all = Pull::server("https://index.docker.io/v1/")
        .project("demo")
        .pinned(id());
    client.regcred().pull(&all).await.unwrap();

    let seen = server.seen();
    assert_eq!(seen[0].path, "/api/v1/pull");
    assert_eq!(seen[0].json(), json!({"image": "ghcr.io/acme/app:1"}));
    let bearer = format!("Bearer {TOKEN}");
    assert_eq!(seen[0].header("authorization"), Some(bearer.as_str()));
    assert_eq!(seen[0].header("content-type"), Some("application/json"));
    assert_eq!(
        seen[1].json(),
        json!({
            "project": "demo", "server": "https://index.docker.io/v1/", "dockerCredentialsId": CREDENTIALS,
        })
    );
}

#[tokio::test]
async fn an_explanation_has_all_that_the_server_says() {
    let server = Server::saying(json_text(explained().to_string()));
    let got = explain(&server.client()).await.unwrap();
    assert_eq!(server.seen()[0].path, "/api/v1/pull/explain");
    assert_eq!(
        server.seen()[0].json(),
        json!({"project": "demo", "server": "ghcr.io"})
    );
    assert_eq!(got.project, project());
    assert_eq!(
        (got.host.as_str(), got.path.as_str()),
        ("ghcr.io:5000", "acme/app")
    );
    assert_eq!(got.registry_key, "ghcr.io:5000/acme/app");
    assert_eq!(got.outcome, Resolution::Ambiguous);
    assert_eq!(got.chosen, None);
    let verdicts: Vec<_> = got.candidates.iter().map(|one| one.verdict).collect();
    assert_eq!(verdicts, [Verdict::SameScope, Verdict::Unknown]);
    assert_eq!(got.candidates[0].reason, "another account has it too");
    assert!(got.candidates[0].last_used.is_none() && got.candidates[1].last_used.is_some());
    let verified = got.candidates[1].verification.unwrap();
    assert_eq!(verified.verdict, VerificationVerdict::Ok);
    assert_eq!(got.candidates[0].verification, None);
}

#[tokio::test]
async fn what_a_token_may_pull_is_a_get() {
    let answer = json!({"project": PROJECT, "credentials": [{
        "credentialsId": CREDENTIALS, "registryKey": "docker.io", "username": "bot",
        "lastUpdate": "2026-01-01T00:00:00.000Z", "expiresAt": null,
    }]});
    let server = Server::saying(json_text(answer.to_string()));
    let regcred = server.client().regcred();
    let got = regcred.pullable(Some("a & b")).await.unwrap();
    assert_eq!(got.project, project());
    assert_eq!(got.credentials[0].registry_key, "docker.io");
    regcred.pullable(None).await.unwrap();
    let seen = server.seen();
    assert_eq!(seen[0].path, "/api/v1/pull?project=a+%26+b");
    assert_eq!(seen[1].path, "/api/v1/pull");
    assert_eq!(seen[1].header("content-type"), None);
    assert!(seen[1].body.is_empty());
}

#[tokio::test]
async fn every_refusal_has_its_kind() {
    type Fits = fn(&Error) -> bool;
    let cases: [(&str, &str, Fits); 12] = [
        ("404 Not Found", "NO_MATCH", |error| {
            matches!(error, Error::NoMatch { .. })
        }),
        ("404 Not Found", "NOT_FOUND", |error| {
            matches!(error, Error::NotFound { .. })
        }),
        ("409 Conflict", "CONFLICT", |error| {
            let Error::Ambiguous { candidates, .. } = error else {
                return false;
            };
            *candidates
                == [Account {
                    credentials_id: id(),
                    registry_key: "ghcr.io".to_owned(),
                    username: "bot".to_owned(),
                }]
        }),
        ("403 Forbidden", "FORBIDDEN", |error| {
            matches!(error, Error::Forbidden { .. })
        }),
        ("401 Unauthorized", "UNAUTHENTICATED", |error| {
            matches!(error, Error::Unauthenticated { .. })
        }),
        (
            "422 Unprocessable Content",
            "INVALID",
            |error| matches!(error, Error::Invalid { field: Some(field), .. } if field == "image"),
        ),
        ("400 Bad Request", "INVALID", |error| {
            matches!(error, Error::Invalid { .. })
        }),
        ("413 Content Too Large", "INVALID", |error| {
            matches!(error, Error::Invalid { .. })
        }),
        (
            "429 Too Many Requests",
            "THROTTLED",
            |error| matches!(error, Error::Throttled { retry_after: Some(after), .. } if after.as_secs() == 60),
        ),
        ("503 Service Unavailable", "UNAVAILABLE", |error| {
            matches!(error, Error::Unavailable { .. })
        }),
        ("500 Internal Server Error", "INTERNAL", |error| {
            matches!(error, Error::Refused { .. }) && error.to_string().ends_with("(request 42)")
        }),
        // A status that does not go with the code is not taken at its word.
        ("403 Forbidden", "NO_MATCH", |error| {
            matches!(error, Error::Forbidden { .. })
        }),
    ];
    for (status, code, fits) in cases {
        let account =
            json!({"credentialsId": CREDENTIALS, "registryKey": "ghcr.io", "username": "bot"});
        let problem = json!({
            "type": "about:blank", "title": "no", "status": 0, "detail": "why\u{1b}[31m", "requestId": "42",
            "code": code, "field": "image", "candidates": [account],
        });
        let answer = http(
            status,
            &[PROBLEM, &["Retry-After: 60"]].concat(),
            problem.to_string(),
        );
        let server = Server::saying(answer);
        let client = with_token(Client::builder(&server.url).retries(0));
        for error in [
            failed(pull(&client).await.map(|_| ())),
            failed(explain(&client).await.map(|_| ())),
            failed(client.regcred().pullable(None).await.map(|_| ())),
        ] {
            assert!(fits(&error), "{status} {code}: {error:?}");
            assert_eq!(error.outcome(), Outcome::NotDone);
            let said = error.to_string();
            assert!(said.contains("why") || code == "UNAUTHENTICATED", "{said}");
        }
        assert_eq!(server.seen().len(), 3);
    }
}

#[tokio::test]
async fn a_server_without_pulls_is_no_absence_of_credentials() {
    for answer in [
        http("404 Not Found", &[], ""),
        http("404 Not Found", PROBLEM, r#"{"detail": "no such path"}"#),
        http("404 Not Found", &["Content-Type: text/html"], "<html>"),
        http("404 Not Found", PROBLEM, r#"{"code": 7}"#),
    ] {
        let server = Server::saying(answer);
        let error = failed(pull(&server.client()).await.map(|_| ()));
        assert!(matches!(error, Error::Unsupported { .. }), "{error:?}");
        assert_eq!(
            error.to_string(),
            "this server has no pulls of credentials: they are regcred's own"
        );
    }
}

#[tokio::test]
async fn what_is_no_pull_is_told_without_its_text() {
    for (field, value) in [
        ("password", json!(null)),
        ("password", json!([REGISTRY_PASSWORD])),
        ("username", json!(7)),
        ("expiresAt", json!("soon")),
        ("credentialsId", json!(REGISTRY_PASSWORD)),
    ] {
        let mut answer = pulled();
        answer[field] = value;
        let server = Server::saying(json_text(answer.to_string()));
        let error = failed(pull(&server.client()).await.map(|_| ()));
        assert!(matches!(error, Error::Protocol { .. }), "{error:?}");
        assert!(
            error
                .to_string()
                .starts_with("the answer is not regcred's: "),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_pull_is_repeated_as_what_only_reads() {
    let server = Server::new(|_, before| match before {
        0 => Reply::Last(Vec::new()),
        1 => Reply::Bytes(http("503 Service Unavailable", &["Retry-After: 0"], "")),
        _ => Reply::Bytes(json_text(pulled().to_string())),
    });
    pull(&server.client()).await.unwrap();
    assert_eq!(server.seen().len(), 3);
}

/// What the code is of a server that cannot serve, after these answers; the last one is repeated.
async fn unavailable(answers: [Vec<u8>; 2]) -> Option<String> {
    let server = Server::new(move |_, before| match answers[before.min(1)].as_slice() {
        [] => Reply::Last(Vec::new()),
        answer => Reply::Bytes(answer.to_vec()),
    });
    let builder = Client::builder(&server.url).total_timeout(Duration::from_secs(2));
    match failed(pull(&with_token(builder)).await.map(|_| ())) {
        Error::Unavailable { code, .. } => code,
        error => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn what_the_server_says_is_told_from_what_stands_before_it() {
    let own = |after: &'static str| {
        let problem =
            json!({"detail": "the pull cannot be written down now", "code": "UNAVAILABLE"});
        http(
            "503 Service Unavailable",
            &[PROBLEM, &[after]].concat(),
            problem.to_string(),
        )
    };
    let (now, later) = (own("Retry-After: 0"), own("Retry-After: 5"));
    let said = Some("UNAVAILABLE".to_owned());
    assert_eq!(unavailable([now.clone(), now.clone()]).await, said);
    // What comes to nothing afterwards does not make it a server that was not reached: a broken connection, a gateway,
    // or time that runs out before the next attempt.
    assert_eq!(unavailable([now.clone(), Vec::new()]).await, said);
    for status in [
        "502 Bad Gateway",
        "503 Service Unavailable",
        "504 Gateway Timeout",
    ] {
        let gateway = http(status, &["Retry-After: 0"], "<html>");
        assert_eq!(unavailable([gateway.clone(), gateway.clone()]).await, None);
        assert_eq!(unavailable([now.clone(), gateway]).await, said);
    }
    assert_eq!(unavailable([later.clone(), later]).await, said);
}

#[tokio::test]
async fn an_answer_in_many_parts_is_read_whole() {
    let mut answer = pulled();
    answer["password"] = json!("p".repeat(300_000));
    let body = answer.to_string();
    let mut chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for part in body.as_bytes().chunks(7_777) {
        chunked.extend_from_slice(format!("{:x}\r\n", part.len()).as_bytes());
        chunked.extend_from_slice(part);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    for answer in [chunked, json_text(&body)] {
        let server = Server::saying(answer);
        let pulled = pull(&server.client()).await.unwrap();
        assert_eq!(pulled.password.expose().len(), 300_000);
    }
}

#[tokio::test]
async fn a_session_that_ended_is_renewed_for_a_pull_too() {
    let server = Server::new(|request, before| match before {
        _ if request.is_login() => Reply::Bytes(text("token")),
        1 => Reply::Bytes(http("401 Unauthorized", &[], "")),
        _ => Reply::Bytes(json_text(explained().to_string())),
    });
    let client = crate::support::log_in(Client::builder(&server.url))
        .await
        .unwrap();
    explain(&client).await.unwrap();
    assert_eq!(server.seen().len(), 4);
}

#[tokio::test]
async fn use_and_keys_of_credentials() {
    let server = Server::saying(data(json!({
        "allDockerCredentials": [{
            "id": CREDENTIALS, "registry": null, "registryKey": "docker.io", "username": "bot",
            "lastUpdate": "2026-01-01T00:00:00.000Z", "expiresAt": null, "lastUsed": "2026-01-02T00:00:00.000Z",
            "lastUsedBy": {"id": PROJECT, "name": "ci"}, "pullsByDay": [{"day": "2026-01-02", "pulls": 3}],
            "verification": {"verdict": "REJECTED", "checkedAt": "2026-01-03T00:00:00.000Z", "version": 1, "probed": true},
            "jobs": [{"name": "train"}], "apps": null, "pulledBy": [{"token": {"id": PROJECT, "name": "ci"},
            "image": "docker.io/library/alpine", "version": 2, "lastPulled": "2026-01-02T00:00:00.000Z"}],
        }],
        "registryKeys": [{"registry": "x", "key": "x", "problem": null}],
    })));
    let regcred = server.client().regcred();
    let got = regcred.credentials_usage(project()).await.unwrap();
    assert_eq!(got[0].registry, Registry::DockerHub);
    assert_eq!(
        got[0].last_used_by,
        Some(TokenUse {
            id: PROJECT.parse().unwrap(),
            name: "ci".to_owned()
        })
    );
    let verified = got[0].verification.unwrap();
    assert_eq!(verified.verdict, VerificationVerdict::Rejected);
    assert_eq!(
        (got[0].jobs.as_slice(), got[0].apps.len()),
        (["train".to_owned()].as_slice(), 0)
    );
    let puller = &got[0].pulled_by[0];
    assert_eq!(
        (
            puller.token.name.as_str(),
            puller.image.as_str(),
            puller.version
        ),
        ("ci", "docker.io/library/alpine", 2)
    );
    let day = &got[0].pulls_by_day[0];
    assert_eq!((day.day.to_string().as_str(), day.pulls), ("2026-01-02", 3));

    // Many registries are several requests, none of which is larger than the server takes.
    let many: Vec<String> = (0..2500).map(|number| format!("h{number}")).collect();
    regcred.registry_keys(&many).await.unwrap();
    let long = ["x".repeat(60_000), "y".to_owned()];
    regcred.registry_keys(&long).await.unwrap();
    regcred.registry_keys(&[]).await.unwrap();
    let sent: Vec<_> = server.seen()[1..]
        .iter()
        .map(|request| {
            let all = request.json()["variables"]["registries"].clone();
            assert!(request.body.len() < 64 << 10);
            all.as_array().unwrap().len()
        })
        .collect();
    assert_eq!(sent, [1000, 1000, 500, 1, 1]);
}

#[tokio::test]
async fn when_a_password_runs_out_is_sent_only_where_it_is_given() {
    let server = Server::saying(all_data());
    let credentials = server.client().docker_credentials();
    let until = credentials
        .clone()
        .expiring_at("2027-01-01T00:00:00Z".parse().unwrap());
    let password = secret(REGISTRY_PASSWORD);
    let keep = || RegistryChange::Set(Registry::DockerHub);
    credentials
        .create(project(), "bot", &password, "ghcr.io")
        .await
        .unwrap();
    credentials
        .upgrade(project(), id(), &password, keep(), None)
        .await
        .unwrap();
    until
        .create(project(), "bot", &password, "ghcr.io")
        .await
        .unwrap();
    until
        .upgrade(project(), id(), &password, keep(), None)
        .await
        .unwrap();
    let sent = server.seen();
    let sent = sent
        .iter()
        .map(|request| request.json()["variables"]["input"]["expiresAt"].clone());
    let until = json!("2027-01-01T00:00:00Z");
    assert_eq!(
        sent.collect::<Vec<_>>(),
        [json!(null), json!(null), until.clone(), until]
    );
    assert!(!server.seen()[0].body.contains("expiresAt"));
}

#[test]
fn the_blocking_front_pulls_too() {
    let server = Server::new(|request, _| {
        Reply::Bytes(match request.path.as_str() {
            "/api/v1/pull" => json_text(pulled().to_string()),
            "/api/v1/pull/explain" => json_text(explained().to_string()),
            _ => http("404 Not Found", &[], ""),
        })
    });
    let builder = Client::builder(&server.url).total_timeout(Duration::from_secs(3));
    let client = blocking::Client::with_token(builder, secret(TOKEN)).unwrap();
    let (regcred, image) = (client.regcred(), Pull::image("app"));
    assert_eq!(regcred.pull(&image).unwrap().username, "bot");
    assert_eq!(regcred.explain(&image).unwrap().path, "acme/app");
}
