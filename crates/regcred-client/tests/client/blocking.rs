//! The blocking front, from threads and from inside of async code.

use std::thread;
use std::time::Duration;

use regcred_client::{Client, Error, Outcome, blocking};

use crate::support::{
    LOGIN_PASSWORD, REGISTRY_PASSWORD, Reply, Server, all_data, failed, http, id, project, secret,
    text,
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

fn connect(server: &Server) -> blocking::Client {
    let builder = Client::builder(&server.url).total_timeout(Duration::from_secs(3));
    blocking::Client::login(builder, "ada", secret(LOGIN_PASSWORD)).unwrap()
}

fn all_eight(client: &blocking::Client) {
    let (all, project, password) = (
        client.docker_credentials(),
        project(),
        secret(REGISTRY_PASSWORD),
    );
    assert_eq!(
        all.create(project, "bot", &password, "ghcr.io").unwrap().id,
        id()
    );
    assert_eq!(all.get_info(project, id()).unwrap().username, "bot");
    assert_eq!(
        all.get_info_for_username(project, "bot", "ghcr.io")
            .unwrap()
            .id,
        id()
    );
    assert_eq!(all.list_for_project(project).unwrap().len(), 1);
    let keep = regcred_client::RegistryChange::Keep;
    all.upgrade(project, id(), &password, keep, None).unwrap();
    all.upgrade_for_username(project, "bot", &password, "ghcr.io")
        .unwrap();
    all.delete(project, id()).unwrap();
    all.delete_for_username(project, "bot", "ghcr.io").unwrap();
}

#[test]
fn from_plain_threads() {
    let server = platform();
    let client = connect(&server);
    all_eight(&client);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| all_eight(&client.clone()));
        }
    });
    let credentials = client.docker_credentials();
    drop(client);
    // The operations keep what they need.
    assert_eq!(credentials.list_for_project(project()).unwrap().len(), 1);
}

#[tokio::test]
async fn from_inside_of_async_code_on_one_thread() {
    let server = platform();
    let client = connect(&server);
    all_eight(&client);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_inside_of_async_code_on_many() {
    let server = platform();
    let url = server.url.clone();
    let done = tokio::spawn(async move {
        let token = blocking::Client::with_token(Client::builder(&url), secret("token"));
        all_eight(&token.unwrap());
    });
    done.await.unwrap();
    assert!(!server.seen().is_empty());
}

#[test]
fn errors_and_timeouts_are_the_same() {
    let server = Server::new(|request, _| {
        if request.is_login() {
            Reply::Bytes(text("token"))
        } else {
            Reply::Silence
        }
    });
    let builder = Client::builder(&server.url).total_timeout(Duration::from_millis(300));
    let client = blocking::Client::login(builder, "ada", secret(LOGIN_PASSWORD)).unwrap();
    let error = failed(client.docker_credentials().delete(project(), id()));
    assert!(matches!(error, Error::Transport { .. }), "{error:?}");
    assert_eq!(error.outcome(), Outcome::Unknown);

    let server = Server::saying(http("401 Unauthorized", &[], ""));
    let refused =
        blocking::Client::login(Client::builder(&server.url), "ada", secret(LOGIN_PASSWORD));
    assert!(matches!(failed(refused), Error::Unauthenticated { .. }));
}
