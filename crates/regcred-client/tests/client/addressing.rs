//! Where requests go, and with what.

use regcred_client::{Client, Error, Registry, RegistryChange};
use serde_json::{Value, json};

use crate::support::{
    CREDENTIALS, PROJECT, REGISTRY_PASSWORD, Reply, Request, Server, all_data, create, failed, id,
    list, log_in, project, secret, text, with_token,
};

fn platform() -> Server {
    Server::new(|request, _| {
        Reply::Bytes(if request.is_login() {
            text("token")
        } else {
            all_data()
        })
    })
}

#[tokio::test]
async fn platform_realm_and_prefix() {
    let server = platform();
    let builder = Client::builder(&format!("{}/prefix/", server.url))
        .platform(6)
        .realm("acme");
    list(&log_in(builder).await.unwrap()).await.unwrap();
    list(&server.client()).await.unwrap();
    let seen = server.seen();
    let paths: Vec<_> = seen.iter().map(|request| request.path.as_str()).collect();
    let expected = [
        "/prefix/authentication/api/open/authenticate",
        "/prefix/projects/api/platform/6/graphql",
        "/projects/api/platform/1/graphql",
    ];
    assert_eq!(paths, expected);
    let realms: Vec<_> = seen
        .iter()
        .map(|request| request.header("saagie-realm"))
        .collect();
    assert_eq!(realms, [Some("acme"), None, None]);
    for request in &seen {
        assert_eq!(request.header("content-type"), Some("application/json"));
        assert!(
            request
                .header("user-agent")
                .unwrap()
                .starts_with("regcred-client/")
        );
    }
}

#[tokio::test]
async fn connections_are_used_again() {
    let server = platform();
    let client = log_in(Client::builder(&server.url)).await.unwrap();
    for _ in 0..5 {
        list(&client.clone()).await.unwrap();
    }
    assert!(server.seen().iter().all(|request| request.connection == 0));
}

#[tokio::test]
async fn what_is_asked_for_is_what_is_sent() {
    let server = platform();
    let client = server.client();
    let (credentials, password) = (client.docker_credentials(), secret(REGISTRY_PASSWORD));
    create(&client).await.unwrap();
    let at = |registry: &str| RegistryChange::Set(registry.into());
    let hub = RegistryChange::Set(Registry::DockerHub);
    for (registry, username) in [
        (RegistryChange::Keep, None),
        (at("quay.io"), Some("new")),
        (hub, None),
    ] {
        let upgrade = credentials.upgrade(project(), id(), &password, registry, username);
        upgrade.await.unwrap();
    }
    credentials
        .upgrade_for_username(project(), "bot", &password, "ghcr.io")
        .await
        .unwrap();
    credentials
        .delete_for_username(project(), "bot", "ghcr.io")
        .await
        .unwrap();

    let sent: Vec<_> = server.seen().iter().map(Request::json).collect();
    let sent: Vec<_> = sent
        .iter()
        .map(|sent| {
            (
                sent["operationName"].as_str().unwrap(),
                sent["variables"].clone(),
            )
        })
        .collect();
    let upgrade = |fields: Value| {
        let mut input =
            json!({"id": CREDENTIALS, "password": REGISTRY_PASSWORD, "projectId": PROJECT});
        input
            .as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        ("updateDockerCredentials", json!({"input": input}))
    };
    let one = json!({"id": CREDENTIALS, "projectId": PROJECT});
    let all = json!({"projectId": PROJECT});
    let new = json!({
        "registry": "ghcr.io", "username": "bot", "password": REGISTRY_PASSWORD, "projectId": PROJECT,
    });
    let expected = [
        ("createDockerCredentials", json!({"input": new})),
        ("dockerCredentials", one.clone()),
        upgrade(json!({"registry": "ghcr.io"})),
        upgrade(json!({"registry": "quay.io", "username": "new"})),
        upgrade(json!({"registry": null})),
        ("allDockerCredentials", all.clone()),
        upgrade(json!({"registry": "ghcr.io"})),
        ("allDockerCredentials", all),
        ("deleteDockerCredentials", one),
    ];
    assert_eq!(sent, expected);
}

#[test]
fn plain_http_reaches_other_machines_only_where_it_is_allowed() {
    for url in [
        "http://regcred.example",
        "http://192.0.2.1:8490",
        "http://[2001:db8::1]",
    ] {
        let error = failed(Client::builder(url).token(secret("t")));
        let Error::Invalid { field, message } = error else {
            panic!("{error:?}");
        };
        assert_eq!(field.as_deref(), Some("url"));
        assert!(message.contains("in the clear"), "{message}");
        with_token(Client::builder(url).allow_plain_http(true));
    }
}

#[tokio::test]
async fn nor_does_a_password() {
    let error = failed(log_in(Client::builder("http://192.0.2.1")).await);
    assert!(matches!(error, Error::Invalid { .. }), "{error:?}");
    let builder = Client::builder("https://regcred.example").realm("a\nb");
    let error = failed(log_in(builder).await);
    assert!(matches!(error, Error::Invalid { field: Some(field), .. } if field == "realm"));
}
