//! No secret is in what can be printed: errors, `Debug`, traces.

use std::io;
use std::sync::{Arc, Mutex};

use regcred_client::regcred::NewToken;
use regcred_client::{Client, Error};
use serde_json::json;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::support::{
    REGISTRY_PASSWORD, Reply, SECRETS, Server, TOKEN, all_data, create, data, failed, http, list,
    log_in, project, secret, shows_no_secret, text,
};

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn nothing_is_traced_that_is_secret() {
    let written = Written::default();
    let log = written.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_span_events(FmtSpan::FULL)
        .with_ansi(false)
        .with_writer(move || log.clone())
        .finish();
    let listening = tracing::subscriber::set_default(subscriber);
    let server = Server::new(|_, before| match before {
        0 | 3 => Reply::Bytes(text(TOKEN)),
        2 => Reply::Bytes(http("401 Unauthorized", &[], "")),
        5 => Reply::Bytes(http("503 Service Unavailable", &[], "")),
        _ => Reply::Bytes(all_data()),
    });
    let client = log_in(Client::builder(&server.url)).await.unwrap();
    create(&client).await.unwrap();
    create(&client).await.unwrap();
    list(&client).await.unwrap();
    create(&client).await.unwrap();
    drop(listening);

    let traced = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    for secret in SECRETS {
        assert!(!traced.contains(secret), "{traced}");
    }
    // It is of use all the same.
    for part in [
        "request{operation=\"login\" attempt=0}",
        "request{operation=\"createDockerCredentials\" attempt=0}",
        "request{operation=\"allDockerCredentials\" attempt=1}",
        "status=503",
        "logging in again",
        "trying again",
    ] {
        assert!(traced.contains(part), "{part}: {traced}");
    }
}

#[tokio::test]
async fn a_debugged_client_shows_where_and_nothing_else() {
    let server = Server::saying(text(TOKEN));
    let client = log_in(Client::builder(&server.url).realm("acme"))
        .await
        .unwrap();
    let shown = format!("{client:?}");
    assert_eq!(
        shown,
        format!("Client {{ url: \"{}\", platform: 1, .. }}", server.url)
    );
    for shown in [
        format!("{:?}", client.docker_credentials()),
        format!("{:?}", client.projects()),
        format!("{:?}", client.regcred()),
    ] {
        shows_no_secret(&shown);
    }
    let url = format!("https://ada:{REGISTRY_PASSWORD}@regcred.example");
    let error = failed(Client::builder(&url).token(secret(TOKEN)));
    assert!(
        error.to_string().contains("no login and no password"),
        "{error}"
    );
}

#[tokio::test]
async fn a_new_token_in_a_wrong_place_is_not_shown() {
    let new = NewToken {
        name: "ci".to_owned(),
        projects: vec![project()],
        rights: Vec::new(),
        expires_in_days: None,
    };
    for created in [
        json!(TOKEN),
        json!({"serviceToken": TOKEN, "token": TOKEN}),
        json!({"serviceToken": {"id": TOKEN}, "token": TOKEN}),
        json!({"serviceToken": {"rights": [TOKEN]}, "token": TOKEN}),
        json!([TOKEN]),
    ] {
        let server = Server::saying(data(json!({"createServiceToken": created})));
        let created = server.client().regcred().create_token(&new).await;
        let error = failed(created.map(|_| ()));
        assert!(
            matches!(error, Error::Protocol { .. } | Error::Unsupported { .. }),
            "{error:?}"
        );
    }
}
