//! Verification of credentials: what is sent, what comes back, how long it may take, and when it is sent again.

use std::time::{Duration, Instant};

use regcred_client::regcred::{Verification, VerificationVerdict};
use regcred_client::{Client, Error, Outcome, TransportKind, blocking};
use serde_json::{Value, json};

use crate::support::{
    CREDENTIALS, PROJECT, Reply, Server, TOKEN, data, failed, http, id, json_text, project, secret,
    with_token,
};

fn tried(verdict: &str) -> Value {
    json!({"verdict": verdict, "checkedAt": "2026-01-02T03:04:05.678Z", "version": 2, "probed": false})
}

fn verified(verdict: &str) -> Vec<u8> {
    data(json!({"verifyDockerCredentials": tried(verdict)}))
}

async fn verify(client: &Client) -> Result<Verification, Error> {
    client.regcred().verify(project(), id(), None).await
}

#[tokio::test]
async fn every_verdict_is_told_and_a_later_one_is_unknown() {
    for (word, expected, is_bad) in [
        ("OK", VerificationVerdict::Ok, false),
        ("REJECTED", VerificationVerdict::Rejected, true),
        ("NO_PULL_RIGHT", VerificationVerdict::NoPullRight, true),
        ("UNVERIFIABLE", VerificationVerdict::Unverifiable, false),
        ("UNREACHABLE", VerificationVerdict::Unreachable, false),
        ("RATE_LIMITED", VerificationVerdict::RateLimited, false),
        ("BLOCKED", VerificationVerdict::Blocked, false),
        ("SOMETHING_NEW", VerificationVerdict::Unknown, false),
    ] {
        let server = Server::saying(verified(word));
        let got = verify(&server.client()).await.unwrap();
        assert_eq!((got.verdict, got.verdict.is_bad()), (expected, is_bad));
        assert_eq!(got.checked_at.to_string(), "2026-01-02T03:04:05.678Z");
        assert_eq!(got.version, 2);
    }
}

#[tokio::test]
async fn an_image_is_sent_only_where_one_is_to_be_probed() {
    let server = Server::saying(verified("OK"));
    let regcred = server.client().regcred();
    regcred.verify(project(), id(), None).await.unwrap();
    let image = Some("ghcr.io/acme/app:1");
    regcred.verify(project(), id(), image).await.unwrap();
    let sent = server.seen();
    let variables = |number: usize| sent[number].json()["variables"].clone();
    let plain = json!({"id": CREDENTIALS, "projectId": PROJECT});
    assert_eq!(variables(0), plain);
    assert_eq!(variables(1)["probe"], "ghcr.io/acme/app:1");
}

#[tokio::test]
async fn the_history_of_credentials_is_read() {
    let history = json!({"verifications": [tried("OK"), tried("REJECTED")]});
    let server = Server::saying(data(json!({"dockerCredentials": history})));
    let regcred = server.client().regcred();
    let got = regcred.verifications(project(), id()).await.unwrap();
    let verdicts: Vec<_> = got.iter().map(|one| one.verdict).collect();
    assert_eq!(
        verdicts,
        [VerificationVerdict::Ok, VerificationVerdict::Rejected]
    );

    let server = Server::saying(data(json!({"dockerCredentials": null})));
    let gone = server
        .client()
        .regcred()
        .verifications(project(), id())
        .await;
    assert!(matches!(failed(gone), Error::NotFound { .. }));
}

#[tokio::test]
async fn a_login_that_may_have_been_made_is_not_made_again() {
    for reply in [
        (|| Reply::Last(Vec::new())) as fn() -> Reply,
        || Reply::Bytes(http("502 Bad Gateway", &[], "<html>")),
        || Reply::Bytes(http("504 Gateway Timeout", &[], "")),
    ] {
        let server = Server::new(move |_, _| reply());
        let error = failed(verify(&server.client()).await);
        assert_eq!(error.outcome(), Outcome::Unknown, "{error:?}");
        assert_eq!(server.seen().len(), 1);
    }
    // One that was turned away was not made.
    let server = Server::new(|_, before| {
        Reply::Bytes(match before {
            0 => http("429 Too Many Requests", &["Retry-After: 0"], ""),
            _ => verified("OK"),
        })
    });
    verify(&server.client()).await.unwrap();
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn a_server_without_it_and_one_that_has_no_time() {
    let server = Server::new(|request, _| {
        let refused =
            json!({"errors": [{"message": "no such field", "extensions": {"code": "INVALID"}}]});
        Reply::Bytes(if request.body.contains("__type") {
            data(json!({"__type": null}))
        } else {
            json_text(refused.to_string())
        })
    });
    let client = server.client();
    for error in [
        failed(verify(&client).await),
        failed(client.regcred().verifications(project(), id()).await),
    ] {
        assert!(matches!(error, Error::Unsupported { .. }), "{error:?}");
        let said = "this server has no verification of credentials: they are regcred's own";
        assert_eq!(error.to_string(), said);
    }
    let slow = json!({"data": null, "errors": [
        {"message": "the request took longer than 25 s", "extensions": {"code": "UNAVAILABLE"}}]});
    let server = Server::saying(json_text(slow.to_string()));
    let error = failed(verify(&server.client()).await);
    assert!(
        matches!(&error, Error::Unavailable { code: Some(code), .. } if code == "UNAVAILABLE"),
        "{error:?}"
    );
    assert_eq!(server.seen().len(), 1);
}

/// The server asks somebody else, who may take his time: more than the ten seconds that any other request has.
#[tokio::test]
async fn it_may_take_longer_than_other_requests() {
    let server = Server::new(|_, _| Reply::Late(Duration::from_secs(11), verified("UNREACHABLE")));
    let got = verify(&server.client()).await.unwrap();
    assert_eq!(got.verdict, VerificationVerdict::Unreachable);
}

#[tokio::test]
async fn what_the_caller_says_of_time_goes_for_it_too() {
    let server = Server::new(|_, _| Reply::Silence);
    let limit = Duration::from_millis(400);
    let start = Instant::now();
    for builder in [
        Client::builder(&server.url).total_timeout(limit),
        Client::builder(&server.url).request_timeout(limit),
    ] {
        let error = failed(verify(&with_token(builder)).await);
        let Error::Transport { kind, .. } = &error else {
            panic!("{error:?}");
        };
        assert_eq!(*kind, TransportKind::Timeout);
        assert!(error.to_string().contains("within 0.4 s"), "{error}");
        assert_eq!(error.outcome(), Outcome::Unknown);
    }
    assert!(start.elapsed() < Duration::from_secs(4));
}

#[test]
fn the_blocking_front_verifies_too() {
    let server = Server::new(|request, _| {
        let all = json!({"verifications": [tried("OK")]});
        Reply::Bytes(if request.body.contains("verifyDockerCredentials") {
            verified("NO_PULL_RIGHT")
        } else {
            data(json!({"dockerCredentials": all}))
        })
    });
    let client = blocking::Client::with_token(Client::builder(&server.url), secret(TOKEN)).unwrap();
    let regcred = client.regcred();
    let got = regcred.verify(project(), id(), Some("ghcr.io/x")).unwrap();
    assert_eq!(got.verdict, VerificationVerdict::NoPullRight);
    assert_eq!(regcred.verifications(project(), id()).unwrap().len(), 1);
}
