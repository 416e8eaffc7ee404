//! What the environment of a process decides: proxies, and which authorities are the system's.

use std::env;
use std::net::TcpListener;
use std::process::Command;

use regcred_client::{Client, Error, TransportKind};
use tokio::runtime::Builder;

use crate::support::{
    LOGIN_PASSWORD, Opening, Reply, Server, all_data, create, failed, http, list, secret, text,
    with_token,
};
use crate::tls::Authority;

/// Runs this test once more, in a process with this environment and nothing else, where it does its `inside` part.
fn again_in_environment(test: &str, variables: &[(&str, &str)]) {
    let done = Command::new(env::current_exe().unwrap())
        .args(["--exact", &format!("environment::{test}"), "--nocapture"])
        .env_clear()
        .env(INSIDE, "")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&done.stdout);
    assert!(
        done.status.success() && printed.contains("1 passed"),
        "{done:?}"
    );
}

/// Does that part, where this is that process.
fn inside(part: impl AsyncFnOnce()) -> bool {
    let is_inside = env::var_os(INSIDE).is_some();
    if is_inside {
        let runtime = Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(part());
    }
    is_inside
}

const INSIDE: &str = "TEST_INSIDE";

#[test]
fn a_proxy_is_not_asked_for_this_machine() {
    if inside(async || {
        let url = env::var("TEST_URL").unwrap();
        assert_eq!(list(&with_token(Client::builder(&url))).await.unwrap(), 1);
    }) {
        return;
    }
    let proxy = Server::saying(http("403 Forbidden", &[], ""));
    let server = Server::new(|_, _| Reply::Bytes(all_data()));
    let named = format!("http://localhost:{}", server.port());
    for url in [&server.url, &named] {
        let variables = [
            ("http_proxy", proxy.url.as_str()),
            ("HTTP_PROXY", &proxy.url),
            ("HTTPS_PROXY", &proxy.url),
            ("ALL_PROXY", &proxy.url),
            ("TEST_URL", url),
        ];
        again_in_environment("a_proxy_is_not_asked_for_this_machine", &variables);
    }
    assert_eq!(server.seen().len(), 2);
    assert!(proxy.seen().is_empty());
}

#[test]
fn a_proxy_that_does_not_let_through_is_no_connection() {
    if inside(async || {
        let client = with_token(Client::builder("https://regcred.example"));
        let error = failed(create(&client).await);
        let Error::Transport { kind, .. } = &error else {
            panic!("{error:?}");
        };
        assert_eq!(*kind, TransportKind::Connect, "{error}");
    }) {
        return;
    }
    let proxy = Server::saying(http("407 Proxy Authentication Required", &[], ""));
    again_in_environment(
        "a_proxy_that_does_not_let_through_is_no_connection",
        &[("HTTPS_PROXY", &proxy.url)],
    );
    let seen = proxy.seen();
    assert!(!seen.is_empty());
    for request in seen {
        assert_eq!(request.path, "regcred.example:443");
        assert_eq!(request.header("authorization"), None);
    }
}

/// The full way: the system's authorities, a proxy, and nothing but the URL that one copies from a browser.
#[test]
fn a_full_url_is_all_that_it_takes() {
    if inside(async || {
        let url = "https://acme-workspace.prod.example/projects/platform/6/project/x";
        let client = Client::easy_connect(url, "ada", secret(LOGIN_PASSWORD)).await;
        assert_eq!(list(&client.unwrap()).await.unwrap(), 1);
    }) {
        return;
    }
    let authority = Authority::new();
    let opening = Opening {
        tunnel: true,
        tls: Some(authority.signs("DNS:acme-workspace.prod.example")),
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = Server::on(listener, opening, |request, _| {
        Reply::Bytes(if request.is_login() {
            text("token")
        } else {
            all_data()
        })
    });
    let proxy = server.url.replace("https://", "http://");
    let certificate = authority.certificate();
    let variables = [
        ("https_proxy", proxy.as_str()),
        ("SSL_CERT_FILE", certificate.to_str().unwrap()),
    ];
    again_in_environment("a_full_url_is_all_that_it_takes", &variables);
    let seen = server.seen();
    let paths: Vec<_> = seen.iter().map(|request| request.path.as_str()).collect();
    let expected = [
        "acme-workspace.prod.example:443",
        "/authentication/api/open/authenticate",
        "/projects/api/platform/6/graphql",
    ];
    assert_eq!(paths, expected);
    assert_eq!(seen[1].header("saagie-realm"), Some("acme"));
    assert_eq!(seen[2].header("authorization"), Some("Bearer token"));
}
