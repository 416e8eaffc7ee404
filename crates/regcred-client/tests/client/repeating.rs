//! What is sent again, and what never is.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use regcred_client::{Client, Error, Outcome, TransportKind};

use crate::support::{
    Opening, Reply, Server, all_data, create, failed, http, list, log_in, text, with_token,
};

/// The first request gets this, the others get what they ask for.
fn first(reply: fn() -> Reply) -> Server {
    Server::new(move |request, before| match before {
        0 => reply(),
        _ if request.is_login() => Reply::Bytes(text("token")),
        _ => Reply::Bytes(all_data()),
    })
}

fn cut() -> Reply {
    Reply::Last(Vec::new())
}

fn cut_within() -> Reply {
    let whole = all_data();
    Reply::Last(whole[..whole.len() - 10].to_vec())
}

fn bad_gateway() -> Reply {
    Reply::Bytes(http(
        "502 Bad Gateway",
        &["Content-Type: text/html"],
        "<html>502</html>",
    ))
}

fn unavailable() -> Reply {
    Reply::Bytes(http("503 Service Unavailable", &["Retry-After: 0"], ""))
}

fn gateway_timeout() -> Reply {
    Reply::Bytes(http("504 Gateway Timeout", &[], ""))
}

fn throttled() -> Reply {
    Reply::Bytes(http("429 Too Many Requests", &["Retry-After: 1"], ""))
}

fn throttled_for_long() -> Reply {
    let body = r#"{"title": "Too Many Requests", "detail": "too many failed logins"}"#;
    Reply::Bytes(http("429 Too Many Requests", &["Retry-After: 3600"], body))
}

#[tokio::test]
async fn what_only_reads_is_sent_again() {
    for reply in [
        cut,
        cut_within,
        bad_gateway,
        unavailable,
        gateway_timeout,
        throttled,
    ] {
        let server = first(reply);
        assert_eq!(list(&server.client()).await.unwrap(), 1);
        assert_eq!(server.seen().len(), 2);

        let server = first(reply);
        log_in(Client::builder(&server.url)).await.unwrap();
        assert_eq!(server.seen().len(), 2);
    }
}

#[tokio::test]
async fn it_is_sent_again_as_often_as_the_caller_says() {
    for (retries, requests) in [(0, 1), (1, 2), (2, 3)] {
        let server = Server::new(|_, _| unavailable());
        let client = with_token(Client::builder(&server.url).retries(retries));
        let error = failed(list(&client).await);
        assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
        assert_eq!(error.outcome(), Outcome::NotDone);
        assert_eq!(server.seen().len(), requests);
    }
}

#[tokio::test]
async fn a_change_that_may_have_arrived_is_never_sent_again() {
    for (reply, interrupted) in [
        (cut as fn() -> Reply, true),
        (cut_within, true),
        (bad_gateway, false),
        (unavailable, false),
        (gateway_timeout, false),
    ] {
        let server = first(reply);
        let error = failed(create(&server.client()).await);
        let of_its_kind = match &error {
            Error::Transport { kind, .. } => interrupted && *kind == TransportKind::Interrupted,
            Error::Unavailable { .. } => !interrupted,
            _ => false,
        };
        assert!(of_its_kind, "{error:?}");
        assert_eq!(error.outcome(), Outcome::Unknown);
        assert!(
            error
                .to_string()
                .ends_with("may have been made all the same"),
            "{error}"
        );
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn nor_is_one_on_a_connection_that_was_in_use() {
    let server = Server::new(|_, before| match before {
        0 => Reply::Bytes(all_data()),
        _ => cut(),
    });
    let client = server.client();
    list(&client).await.unwrap();
    let error = failed(create(&client).await);
    assert_eq!(error.outcome(), Outcome::Unknown);
    let seen = server.seen();
    assert_eq!(seen.len(), 2, "{seen:?}");
    assert_eq!(seen[1].connection, 0, "{seen:?}");
}

#[tokio::test]
async fn a_change_that_was_turned_away_is_sent_again() {
    let server = first(throttled);
    let start = Instant::now();
    create(&server.client()).await.unwrap();
    assert!(start.elapsed() >= Duration::from_secs(1));
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn nobody_waits_for_a_server_that_is_away_for_long() {
    let server = first(throttled_for_long);
    let error = failed(create(&server.client()).await);
    assert_eq!(error.outcome(), Outcome::NotDone);
    let Error::Throttled {
        message,
        retry_after,
    } = error
    else {
        panic!("{error:?}");
    };
    assert_eq!(retry_after, Some(Duration::from_hours(1)));
    assert!(message.ends_with("too many failed logins"), "{message}");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_change_that_found_nobody_is_sent_again() {
    // An address that no other test has, so that nobody else takes the port.
    let listener = TcpListener::bind("127.77.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let client = with_token(Client::builder(&format!("http://{address}")).retries(100));
    let changing = tokio::spawn(async move { create(&client).await });
    // It has found nobody by now, or will soon; until somebody listens it does not end.
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!changing.is_finished());
    let listener = TcpListener::bind(address).unwrap();
    let opening = Opening::default();
    let server = Server::on(listener, opening, |_, _| Reply::Bytes(all_data()));
    changing.await.unwrap().unwrap();
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_server_that_is_away_is_told() {
    let listener = TcpListener::bind("127.77.0.2:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = failed(create(&with_token(Client::builder(&url))).await);
    let Error::Transport { kind, .. } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(*kind, TransportKind::Connect);
    assert_eq!(error.outcome(), Outcome::NotDone);
    let message = error.to_string();
    assert!(
        message.starts_with(&format!("no connection to {url}: ")),
        "{message}"
    );
    assert!(message.contains("refused"), "{message}");
}
