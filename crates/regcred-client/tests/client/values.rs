//! What comes back, as types.

use regcred_client::{Error, Registry};
use serde_json::{Value, json};

use crate::support::{
    CREDENTIALS, Reply, Server, create, credentials, data, failed, id, list, project, secret,
};

fn with(fields: &[(&str, Value)]) -> Value {
    let mut one = credentials();
    for (field, value) in fields {
        one[*field] = value.clone();
    }
    one
}

#[tokio::test]
async fn both_forms_of_a_moment() {
    let written = with(&[("lastUpdate", json!("2022-04-26T14:20:17.138482Z[UTC]"))]);
    let answer = json!({"dockerCredentials": credentials(), "createDockerCredentials": written});
    let server = Server::saying(data(answer));
    let all = server.client().docker_credentials();
    let read = all.get_info(project(), id()).await.unwrap();
    assert_eq!(read.last_update.to_string(), "2022-04-26T14:20:17.118Z");
    let created = all
        .create(project(), "bot", &secret("p"), "ghcr.io")
        .await
        .unwrap();
    assert_eq!(
        created.last_update.to_string(),
        "2022-04-26T14:20:17.138482Z"
    );
}

#[tokio::test]
async fn nothing_in_place_of_lists_and_more_than_is_known() {
    let bare = with(&[
        ("registry", json!(null)),
        ("jobs", json!(null)),
        ("apps", json!(null)),
    ]);
    let full = with(&[
        ("jobs", json!([{"id": CREDENTIALS, "name": "x"}])),
        ("apps", json!([{"id": CREDENTIALS}])),
        ("isNew", json!({"to": "us"})),
    ]);
    let server = Server::saying(data(
        json!({"allDockerCredentials": [bare, full], "more": 1}),
    ));
    let all = server
        .client()
        .docker_credentials()
        .list_for_project(project())
        .await
        .unwrap();
    assert_eq!(all[0].registry, Registry::DockerHub);
    assert!(all[0].jobs.is_empty() && all[0].apps.is_empty());
    assert_eq!(all[1].registry, Registry::from("ghcr.io"));
    assert_eq!((all[1].jobs.len(), all[1].apps.len()), (1, 1));
}

#[tokio::test]
async fn null_is_nothing_of_a_list_and_no_answer_to_a_change() {
    let nothing = json!({
        "allDockerCredentials": null, "dockerCredentials": null, "createDockerCredentials": null,
        "deleteDockerCredentials": null,
    });
    let server = Server::new(move |_, _| Reply::Bytes(data(&nothing)));
    let client = server.client();
    assert_eq!(list(&client).await.unwrap(), 0);
    let error = failed(client.docker_credentials().get_info(project(), id()).await);
    assert!(matches!(error, Error::NotFound { .. }), "{error:?}");
    for done in [
        create(&client).await,
        client.docker_credentials().delete(project(), id()).await,
    ] {
        assert!(matches!(failed(done), Error::Protocol { .. }));
    }
}

/// A change that answers whether it was done says so by its answer, not by answering.
#[tokio::test]
async fn false_is_not_done() {
    let answers = json!({
        "deleteDockerCredentials": false, "deleteProject": false, "deleteUser": false, "revokeServiceToken": false,
        "removeProjectMember": false, "resetPassword": false, "logout": false,
    });
    let server = Server::new(move |_, _| Reply::Bytes(data(&answers)));
    let client = server.client();
    let regcred = client.regcred();
    let token = "0cb2662f-84eb-4a7d-93cb-2340f7773bce".parse().unwrap();
    for done in [
        client.docker_credentials().delete(project(), id()).await,
        client.projects().delete(project()).await,
        regcred.delete_user("bob").await,
        regcred.revoke_token(project(), token).await,
        regcred.remove_member(project(), "bob").await,
        regcred.reset_password("bob", &secret("p")).await,
        regcred.logout().await,
    ] {
        let error = failed(done);
        assert!(matches!(error, Error::NotFound { .. }), "{error:?}");
    }
    let server = Server::saying(data(json!({"deleteUser": "yes"})));
    let error = failed(server.client().regcred().delete_user("bob").await);
    assert!(matches!(error, Error::Protocol { .. }), "{error:?}");
}

#[tokio::test]
async fn credentials_for_a_username_are_found_as_they_stand() {
    let hub = with(&[("registry", json!(null)), ("username", json!("hub"))]);
    let server = Server::saying(data(json!({"allDockerCredentials": [hub, credentials()]})));
    let all = server.client().docker_credentials();
    let found = all
        .get_info_for_username(project(), "hub", None::<&str>)
        .await
        .unwrap();
    assert_eq!(found.registry, Registry::DockerHub);
    for (username, registry, message) in [
        (
            "bot",
            "GHCR.io",
            r#"there are no Docker credentials of "bot" for GHCR.io; there are some for "ghcr.io""#,
        ),
        (
            "hub",
            "x",
            r#"there are no Docker credentials of "hub" for x; there are some for Docker Hub"#,
        ),
        (
            "Bot",
            "ghcr.io",
            r#"there are no Docker credentials of "Bot" for ghcr.io"#,
        ),
    ] {
        let error = failed(
            all.get_info_for_username(project(), username, registry)
                .await,
        );
        assert!(matches!(error, Error::NotFound { .. }), "{error:?}");
        assert_eq!(error.to_string(), message);
    }
}

#[tokio::test]
async fn a_couple_that_is_there_twice_is_never_guessed() {
    let server = Server::saying(data(
        json!({"allDockerCredentials": [credentials(), credentials()]}),
    ));
    let all = server.client().docker_credentials();
    let error = failed(all.delete_for_username(project(), "bot", "ghcr.io").await);
    assert!(error.to_string().contains("more than once"), "{error}");
    assert_eq!(server.seen().len(), 1);
}
