//! Tokens: got, refused, and got again, once.

use std::sync::{Arc, Barrier};

use regcred_client::{Client, Error, Outcome};

use crate::support::{
    LOGIN_PASSWORD, REGISTRY_PASSWORD, Reply, Request, Server, TOKEN, all_data, create, failed,
    http, list, log_in, text,
};

fn unauthenticated() -> Reply {
    Reply::Bytes(http("401 Unauthorized", &[], ""))
}

/// Logs in to `token-N` for the Nth login, and takes only the tokens that `accepts` takes.
fn platform(accepts: fn(&str) -> bool) -> Server {
    let logins = Arc::new(std::sync::Mutex::new(0));
    Server::new(move |request, _| {
        if request.is_login() {
            let mut logins = logins.lock().unwrap();
            *logins += 1;
            return Reply::Bytes(text(&format!("token-{logins}")));
        }
        let bearer = request.header("authorization").unwrap();
        if accepts(bearer.strip_prefix("Bearer ").unwrap()) {
            Reply::Bytes(all_data())
        } else {
            unauthenticated()
        }
    })
}

fn logins(server: &Server) -> usize {
    server
        .seen()
        .iter()
        .filter(|request| request.is_login())
        .count()
}

#[tokio::test]
async fn a_refused_token_is_replaced_by_one_other_login() {
    let server = platform(|token| token == "token-2");
    let client = log_in(Client::builder(&server.url)).await.unwrap();
    create(&client).await.unwrap();
    list(&client).await.unwrap();
    let seen = server.seen();
    let kinds: Vec<_> = seen.iter().map(Request::is_login).collect();
    assert_eq!(kinds, [true, false, true, false, false], "{seen:?}");
    assert_eq!(seen[1].body, seen[3].body);
    assert!(seen[3].body.contains(REGISTRY_PASSWORD));
    assert_eq!(client.token().expose(), "token-2");
    assert!(
        seen.iter().all(|request| request.connection == 0),
        "{seen:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_operations_at_once_share_one_other_login() {
    let all_are_there = Barrier::new(16);
    let server = Server::new(move |request, before| {
        if request.is_login() {
            return Reply::Bytes(text(if before == 0 { "old" } else { "new" }));
        }
        if request.header("authorization") == Some("Bearer new") {
            return Reply::Last(all_data());
        }
        all_are_there.wait();
        Reply::Last(http("401 Unauthorized", &["Connection: close"], ""))
    });
    let client = log_in(Client::builder(&server.url)).await.unwrap();
    let running: Vec<_> = (0..16)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { list(&client).await })
        })
        .collect();
    for one in running {
        assert_eq!(one.await.unwrap().unwrap(), 1);
    }
    assert_eq!(logins(&server), 2);
    assert_eq!(server.seen().len(), 2 + 32);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_operations_at_once_try_a_wrong_password_once() {
    let all_are_there = Barrier::new(16);
    let server = Server::new(move |request, before| {
        if before == 0 {
            return Reply::Bytes(text("old"));
        }
        if !request.is_login() {
            all_are_there.wait();
        }
        Reply::Last(http("401 Unauthorized", &["Connection: close"], ""))
    });
    let client = log_in(Client::builder(&server.url)).await.unwrap();
    let running: Vec<_> = (0..16)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { list(&client).await })
        })
        .collect();
    for one in running {
        let error = failed(one.await.unwrap());
        assert!(matches!(error, Error::Unauthenticated { .. }), "{error:?}");
    }
    assert_eq!(logins(&server), 2);
}

#[tokio::test]
async fn a_token_that_is_refused_right_after_the_login_is_an_error() {
    let server = platform(|_| false);
    let client = log_in(Client::builder(&server.url)).await.unwrap();
    let error = failed(create(&client).await);
    assert!(matches!(error, Error::Unauthenticated { .. }), "{error:?}");
    assert_eq!(error.outcome(), Outcome::NotDone);
    assert_eq!((logins(&server), server.seen().len()), (2, 4));
}

#[tokio::test]
async fn a_client_that_was_given_a_token_has_no_other() {
    let server = platform(|_| false);
    let client = server.client();
    let error = failed(list(&client).await);
    assert!(matches!(error, Error::Unauthenticated { .. }), "{error:?}");
    assert!(
        error.to_string().contains("ran out or was revoked"),
        "{error}"
    );
    assert_eq!((logins(&server), server.seen().len()), (0, 1));
    let bearer = format!("Bearer {TOKEN}");
    assert_eq!(
        server.seen()[0].header("authorization"),
        Some(bearer.as_str())
    );
}

#[tokio::test]
async fn a_wrong_password_is_told_and_not_tried_again() {
    let server = Server::new(|_, _| unauthenticated());
    let error = failed(log_in(Client::builder(&server.url)).await);
    assert!(matches!(error, Error::Unauthenticated { .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        "the login \"ada\" or its password is wrong"
    );
    let seen = server.seen();
    assert_eq!(seen.len(), 1);
    let sent = serde_json::json!({"login": "ada", "password": LOGIN_PASSWORD});
    assert_eq!(seen[0].json(), sent);
    assert_eq!(seen[0].header("authorization"), None);
}

#[tokio::test]
async fn a_password_that_was_changed_meanwhile_is_told() {
    let server = Server::new(|_, before| match before {
        0 => Reply::Bytes(text("old")),
        _ => unauthenticated(),
    });
    let client = log_in(Client::builder(&server.url)).await.unwrap();
    let error = failed(list(&client).await);
    assert!(error.to_string().contains("password is wrong"), "{error}");
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn what_cannot_be_a_token_is_refused_before_it_is_sent() {
    let builder = Client::builder("https://regcred.example");
    for wrong in ["", " ", "a b", "a\n", "a\r\nX: y", "é"] {
        let error = failed(builder.clone().token(crate::support::secret(wrong)));
        let Error::Invalid { field, .. } = error else {
            panic!("{error:?}");
        };
        assert_eq!(field.as_deref(), Some("token"), "{wrong:?}");
    }
}
