//! Answers that no platform gives: a typed error that says what came, and never a panic.

use std::sync::{Arc, Mutex};

use regcred_client::{Client, Error, Outcome};
use serde_json::json;

use crate::support::{
    Reply, Server, TOKEN, create, credentials, data, failed, http, json_text, list, log_in, text,
    with_token,
};

const HTML: &str = "<!doctype html><title>Welcome</title>";

fn html(status: &str) -> Vec<u8> {
    http(status, &["Content-Type: text/html; charset=utf-8"], HTML)
}

#[tokio::test]
async fn what_is_no_answer_of_a_platform() {
    for (answer, part) in [
        (html("200 OK"), "it came with text/html"),
        (json_text(""), "it came and nothing"),
        (
            // Of somebody else: what was asked for is not there, not even as null.
            json_text(r#"{"data": {"weather": "fine"}}"#),
            "missing field",
        ),
        (
            json_text(r#"{"data": {"allDockerCredentials": [{"id": "0cb"#),
            "cut off or damaged",
        ),
        (json_text("[]"), "not the platform's"),
        (json_text("null"), "not the platform's"),
        (json_text("7"), "not the platform's"),
        (json_text("{}"), "missing field `data`"),
        (json_text(b"{\"data\": \"\xff\xfe\"}"), "damaged"),
        (json_text("\u{feff}{}"), "no JSON"),
        (
            json_text(format!("{}{}", "[".repeat(500), "]".repeat(500))),
            "not the platform's",
        ),
        (data(json!(null)), "not the platform's"),
        (data(json!([])), "not the platform's"),
        (
            json_text(r#"{"errors": "no", "data": null}"#),
            "not the platform's",
        ),
        (json_text(r#"{"errors": [1]}"#), "not the platform's"),
        (
            json_text(r#"{"errors": [], "data": null}"#),
            "not the platform's",
        ),
        (http("204 No Content", &[], ""), "HTTP 204"),
        (http("206 Partial Content", &[], "{}"), "HTTP 206"),
        (http("405 Method Not Allowed", &[], ""), "HTTP 405"),
        (
            html("404 Not Found"),
            "no platform at this URL: it answered HTTP 404 with text/html",
        ),
    ] {
        let server = Server::saying(answer.clone());
        let shown = String::from_utf8_lossy(&answer).into_owned();
        for (done, outcome) in [
            (list(&server.client()).await.map(|_| ()), Outcome::NotDone),
            (create(&server.client()).await, Outcome::Unknown),
        ] {
            let error = failed(done);
            assert!(
                matches!(error, Error::Protocol { .. }),
                "{shown}: {error:?}"
            );
            assert!(error.to_string().contains(part), "{shown}: {error}");
            let known = ["HTTP 404", "HTTP 405"]
                .iter()
                .any(|status| part.contains(status));
            let outcome = if known { Outcome::NotDone } else { outcome };
            assert_eq!(error.outcome(), outcome, "{shown}: {error}");
        }
        assert_eq!(server.seen().len(), 2, "{shown}");
    }
}

#[tokio::test]
async fn what_is_no_answer_in_http() {
    for answer in [
        &b"\x16\x03\x01\x02"[..],
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 99999 What\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ] {
        let server = Server::uttering(answer);
        let client = with_token(Client::builder(&server.url).retries(0));
        let error = failed(create(&client).await);
        assert!(
            matches!(error, Error::Transport { .. } | Error::Protocol { .. }),
            "{error:?}"
        );
        assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
        failed(list(&client).await);
        assert_eq!(server.seen().len(), 2);
    }
}

#[tokio::test]
async fn a_login_that_is_answered_with_something_else() {
    for answer in [
        html("200 OK"),
        http("200 OK", &["Content-Type: text/html"], "welcome"),
        text(""),
        text("two words"),
        text("{\"token\": \"x\"}"),
        text(&"x".repeat(100_000)),
        http("200 OK", &[], b"\xff\xfe"),
        http("204 No Content", &[], ""),
        html("404 Not Found"),
    ] {
        let server = Server::saying(answer);
        let error = failed(log_in(Client::builder(&server.url)).await);
        assert!(matches!(error, Error::Protocol { .. }), "{error:?}");
        assert_eq!(error.outcome(), Outcome::NotDone);
        assert_eq!(server.seen().len(), 1);
    }
    let server = Server::saying(html("500 Internal Server Error"));
    let error = failed(log_in(Client::builder(&server.url)).await);
    assert!(matches!(error, Error::Refused { .. }), "{error:?}");
}

#[tokio::test]
async fn a_redirect_is_told_and_not_followed() {
    for status in [
        "301 Moved Permanently",
        "302 Found",
        "303 See Other",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let other = Server::saying(text("stolen"));
        let location = format!("Location: {}/elsewhere", other.url);
        let server = Server::saying(http(status, &[&location], ""));
        for done in [
            list(&server.client()).await.map(|_| ()),
            create(&server.client()).await,
            log_in(Client::builder(&server.url)).await.map(|_| ()),
        ] {
            let error = failed(done);
            assert!(matches!(error, Error::Protocol { .. }), "{error:?}");
            assert!(
                error
                    .to_string()
                    .contains(&format!("redirects to {}/elsewhere", other.url)),
                "{error}"
            );
            assert_eq!(error.outcome(), Outcome::NotDone);
        }
        assert_eq!(server.seen().len(), 3);
        assert!(other.seen().is_empty(), "{:?}", other.seen());
    }
}

#[tokio::test]
async fn values_of_the_wrong_type_are_told_without_their_text() {
    let mut wrong = Vec::new();
    for (field, value) in [
        ("id", json!("not an id")),
        ("id", json!(7)),
        ("registry", json!(["ghcr.io"])),
        ("username", json!(null)),
        ("username", json!(TOKEN.len())),
        ("lastUpdate", json!("yesterday")),
        ("lastUpdate", json!(null)),
        ("jobs", json!(TOKEN)),
        ("apps", json!([TOKEN])),
    ] {
        let mut one = credentials();
        one[field] = value;
        wrong.push(json!([one]));
    }
    wrong.extend([json!(TOKEN), json!({"x": 1}), json!([null]), json!([TOKEN])]);
    for all in wrong {
        let server = Server::saying(data(json!({"allDockerCredentials": all})));
        let error = failed(list(&server.client()).await);
        assert!(matches!(error, Error::Protocol { .. }), "{all}: {error:?}");
        assert!(!error.to_string().contains("struct "), "{error}");
    }
}

#[tokio::test]
async fn errors_with_odd_parts() {
    for (errors, code, message) in [
        (json!([{"message": "no"}]), None, "no"),
        (json!([{"message": "no", "extensions": null}]), None, "no"),
        (
            json!([{"message": "no", "extensions": {"code": 7}}]),
            None,
            "no",
        ),
        (json!([{"message": "no", "extensions": [1]}]), None, "no"),
        (
            json!([{"message": null}]),
            None,
            "the server gives no reason",
        ),
        (json!([{}]), None, "the server gives no reason"),
        (
            json!([{"message": "no", "extensions": {"code": "TEAPOT", "requestId": "42"}}]),
            Some("TEAPOT"),
            "no (request 42)",
        ),
        (json!([{"message": "a\u{1b}[31m\nb"}]), None, "a [31m b"),
    ] {
        let server = Server::saying(json_text(json!({"errors": errors}).to_string()));
        for done in [
            list(&server.client()).await.map(|_| ()),
            create(&server.client()).await,
        ] {
            let error = failed(done);
            let Error::Refused {
                code: found,
                message: said,
                ..
            } = &error
            else {
                panic!("{errors}: {error:?}");
            };
            assert_eq!(
                (found.as_deref(), said.as_str()),
                (code, message),
                "{errors}"
            );
        }
        assert_eq!(server.seen().len(), 2);
    }
}

#[tokio::test]
async fn every_code_has_its_kind() {
    for status in ["200 OK", "400 Bad Request"] {
        for (code, fits) in [
            (
                "NOT_FOUND",
                (|error| matches!(error, Error::NotFound { .. })) as fn(&Error) -> bool,
            ),
            ("CONFLICT", |error| matches!(error, Error::Conflict { .. })),
            ("IN_USE", |error| matches!(error, Error::InUse { .. })),
            ("FORBIDDEN", |error| {
                matches!(error, Error::Forbidden { .. })
            }),
            ("UNAVAILABLE", |error| {
                matches!(error, Error::Unavailable { .. })
            }),
            (
                "INVALID",
                |error| matches!(error, Error::Invalid { field: Some(field), .. } if field == "username"),
            ),
            ("INTERNAL", |error| matches!(error, Error::Refused { .. })),
        ] {
            let error =
                json!({"message": "why", "extensions": {"code": code, "field": "username"}});
            let body = json!({"data": null, "errors": [error]}).to_string();
            let server = Server::saying(http(status, &[], body));
            let error = failed(create(&server.client()).await);
            assert!(fits(&error), "{code}: {error:?}");
            assert!(error.to_string().starts_with("why"), "{error}");
            assert_eq!(server.seen().len(), 1);
        }
    }
    for (status, fits) in [
        (
            "403 Forbidden",
            (|error| matches!(error, Error::Forbidden { .. })) as fn(&Error) -> bool,
        ),
        ("404 Not Found", |error| {
            matches!(error, Error::NotFound { .. })
        }),
        (
            "413 Content Too Large",
            |error| matches!(error, Error::Refused { code: Some(code), .. } if code == "HTTP 413"),
        ),
        ("500 Internal Server Error", |error| {
            error.outcome() == Outcome::Unknown
        }),
    ] {
        let problem = ["Content-Type: application/problem+json"];
        let server = Server::saying(http(status, &problem, r#"{"detail": "why"}"#));
        let error = failed(create(&server.client()).await);
        assert!(fits(&error), "{status}: {error:?}");
        assert_eq!(error.to_string(), "why");
    }
}

#[tokio::test]
async fn an_answer_without_end_is_cut() {
    const MOST: usize = 64 << 20;
    // What lies in the buffers of both ends besides.
    const BUFFERED: usize = 16 << 20;
    let written = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&written);
    let server = Server::new(move |_, _| {
        let chunk = [&b"100000\r\n"[..], &vec![b' '; 0x0010_0000], b"\r\n"].concat();
        let start = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        Reply::Flood {
            head: start.to_vec(),
            again: chunk,
            written: Arc::clone(&counted),
        }
    });
    let error = failed(list(&server.client()).await);
    assert!(matches!(error, Error::Protocol { .. }), "{error:?}");
    assert!(error.to_string().contains("more than 64 MiB"), "{error}");
    assert_eq!(server.seen().len(), 1);
    let written = *written.lock().unwrap();
    assert!(
        (MOST - BUFFERED..MOST + BUFFERED).contains(&written),
        "{written}"
    );
}

#[tokio::test]
async fn an_answer_that_says_that_it_has_no_end_is_not_even_read() {
    let server = Server::uttering(b"HTTP/1.1 200 OK\r\nContent-Length: 1099511627776\r\n\r\n");
    let error = failed(create(&server.client()).await);
    assert!(error.to_string().contains("more than 64 MiB"), "{error}");
    assert_eq!(error.outcome(), Outcome::Unknown);
}
