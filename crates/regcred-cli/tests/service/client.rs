//! The Rust client against the program: the eight operations, their errors, and TLS.

use std::fs;
use std::path::Path;

use regcred_client::regcred::{NewToken, NewUser, ProjectRole, TokenRight, UserChange};
use regcred_client::{
    Client, DockerCredentials, Error, Image, ProjectId, Registry, RegistryChange, Secret,
    TransportKind, WorkloadInfo, blocking,
};
use tempfile::TempDir;

use crate::support::{ADMIN, PASSWORD, Server, certify, create_admin, regcred};

fn run(work: impl AsyncFnOnce()) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(work());
}

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

async fn connect(server: &Server) -> (Client, DockerCredentials, ProjectId) {
    let client = Client::builder(&server.url)
        .login(ADMIN, secret(PASSWORD))
        .await
        .unwrap();
    let project = client
        .projects()
        .create("client", "of the tests")
        .await
        .unwrap();
    (client.clone(), client.docker_credentials(), project.id)
}

#[test]
fn the_eight_operations_do_what_their_documentation_says() {
    let server = Server::dev();
    run(async || {
        let (_, credentials, project) = connect(&server).await;
        let ghcr = credentials
            .create(project, "bot", &secret("a"), "ghcr.io")
            .await
            .unwrap();
        let hub = credentials
            .create(project, "bot", &secret("b"), None::<&str>)
            .await
            .unwrap();
        assert_eq!(
            (&ghcr.registry, &hub.registry),
            (&"ghcr.io".into(), &Registry::DockerHub)
        );
        assert_eq!(
            (ghcr.username.as_str(), ghcr.jobs.len(), ghcr.apps.len()),
            ("bot", 0, 0)
        );

        // Reads tell the moment to the millisecond.
        let read = credentials.get_info(project, ghcr.id).await.unwrap();
        assert_eq!(
            ghcr.last_update.as_millisecond(),
            read.last_update.as_millisecond()
        );
        let found = credentials
            .get_info_for_username(project, "bot", "ghcr.io")
            .await
            .unwrap();
        assert_eq!(found, read);
        let found = credentials
            .get_info_for_username(project, "bot", None::<&str>)
            .await
            .unwrap();
        assert_eq!(found.id, hub.id);
        let all = credentials.list_for_project(project).await.unwrap();
        assert_eq!(
            all.iter().map(|one| one.id).collect::<Vec<_>>(),
            [ghcr.id, hub.id]
        );

        let keep = RegistryChange::Keep;
        let upgraded = credentials
            .upgrade(project, ghcr.id, &secret("c"), keep, Some("robot"))
            .await
            .unwrap();
        assert_eq!(
            (upgraded.registry, upgraded.username.as_str()),
            ("ghcr.io".into(), "robot")
        );
        let moved = RegistryChange::Set("quay.io".into());
        let upgraded = credentials
            .upgrade(project, ghcr.id, &secret("d"), moved, None)
            .await
            .unwrap();
        assert_eq!(
            (upgraded.registry, upgraded.username.as_str()),
            ("quay.io".into(), "robot")
        );
        let upgraded = credentials
            .upgrade_for_username(project, "robot", &secret("e"), "quay.io")
            .await
            .unwrap();
        assert_eq!(upgraded.registry, "quay.io".into());
        assert!(upgraded.last_update > read.last_update);

        credentials
            .delete_for_username(project, "robot", "quay.io")
            .await
            .unwrap();
        credentials.delete(project, hub.id).await.unwrap();
        assert_eq!(credentials.list_for_project(project).await.unwrap(), []);
    });
}

#[test]
fn jobs_and_apps_use_credentials_and_guard_them() {
    let server = Server::dev();
    run(async || {
        let (client, credentials, project) = connect(&server).await;
        let password = secret("a");
        let own = credentials.create(project, "bot", &password, "ghcr.io");
        let own = own.await.unwrap().id;
        let image = |image: &str, credentials| Image {
            image: image.to_owned(),
            credentials,
        };
        let (jobs, apps) = (client.jobs(), client.apps());
        let first = image("ghcr.io/team/app:1", Some(own));
        let job = jobs.create(project, "nightly", &first).await.unwrap();
        let app = apps.create(project, "web", &first).await.unwrap();
        let listed = jobs.list(project).await.unwrap();
        assert_eq!(
            listed,
            [WorkloadInfo {
                id: job,
                name: "nightly".to_owned(),
                version: 1,
                image: Some(first.clone()),
            }]
        );
        assert!(matches!(
            jobs.create(project, "NIGHTLY", &first).await,
            Err(Error::Conflict { .. })
        ));
        let read = credentials.get_info(project, own).await.unwrap();
        assert_eq!((read.jobs, read.apps), (vec![job], vec![app]));

        let refused = credentials.delete(project, own).await.unwrap_err();
        assert!(matches!(&refused, Error::InUse { .. }), "{refused}");
        assert!(refused.to_string().contains("job `nightly`"), "{refused}");
        let plain = image("ghcr.io/team/app:2", None);
        assert_eq!(jobs.add_version(job, &plain).await.unwrap(), 2);
        assert_eq!(
            jobs.list(project).await.unwrap()[0].image,
            Some(plain.clone())
        );
        assert_eq!(apps.add_version(app, &plain).await.unwrap(), 2);
        assert_eq!(apps.list(project).await.unwrap()[0].image, Some(plain));
        assert_eq!(apps.add_version(app, &first).await.unwrap(), 3);
        credentials
            .clone()
            .forced()
            .delete(project, own)
            .await
            .unwrap();

        jobs.delete(job).await.unwrap();
        apps.delete(app).await.unwrap();
        assert_eq!(
            (
                jobs.list(project).await.unwrap(),
                apps.list(project).await.unwrap()
            ),
            (vec![], vec![])
        );
        for refused in [jobs.delete(job).await, apps.delete(app).await] {
            assert!(
                matches!(refused, Err(Error::NotFound { .. })),
                "{refused:?}"
            );
        }
        let refused = jobs.add_version(job, &first).await;
        assert!(
            matches!(refused, Err(Error::NotFound { .. })),
            "{refused:?}"
        );
    });
}

#[test]
fn errors_are_kinds_to_match_on() {
    let server = Server::dev();
    run(async || {
        let (client, credentials, project) = connect(&server).await;
        let one = credentials
            .create(project, "bot", &secret("a"), "ghcr.io")
            .await
            .unwrap();
        let again = credentials
            .create(project, "bot", &secret("a"), "https://GHCR.io/")
            .await;
        assert!(matches!(again, Err(Error::Conflict { .. })), "{again:?}");
        for (username, password, registry, field) in [
            ("a:b", "p", "ghcr.io", "username"),
            ("bot", "", "ghcr.io", "password"),
            ("bot", "p", "https://u:p@ghcr.io", "registry"),
        ] {
            let created = credentials
                .create(project, username, &secret(password), registry)
                .await;
            assert!(
                matches!(&created, Err(Error::Invalid { field: Some(found), .. }) if found == field),
                "{created:?}"
            );
        }
        let spelled = credentials
            .get_info_for_username(project, "bot", "GHCR.io")
            .await
            .unwrap_err();
        assert!(matches!(spelled, Error::NotFound { .. }), "{spelled:?}");
        assert!(
            spelled
                .to_string()
                .contains("there are some for \"ghcr.io\""),
            "{spelled}"
        );
        credentials.delete(project, one.id).await.unwrap();
        let deleted = credentials.delete(project, one.id).await;
        assert!(
            matches!(deleted, Err(Error::NotFound { .. })),
            "{deleted:?}"
        );
        let elsewhere = Client::builder(&server.url)
            .platform(7)
            .token(Secret::new(client.token().expose().to_owned()));
        let listed = elsewhere.unwrap().projects().list().await;
        assert!(matches!(listed, Err(Error::NotFound { .. })), "{listed:?}");
        let wrong = Client::builder(&server.url)
            .login(ADMIN, secret("wrong"))
            .await;
        assert!(
            matches!(wrong, Err(Error::Unauthenticated { .. })),
            "{wrong:?}"
        );
    });
}

#[test]
fn what_is_regcreds_own_works_too() {
    let server = Server::dev();
    run(async || {
        let (client, _, project) = connect(&server).await;
        let regcred = client.regcred();
        assert_eq!(regcred.me().await.unwrap().name, ADMIN);
        let user = NewUser {
            login: "Ann".to_owned(),
            password: secret("a good password"),
            admin: false,
            groups: vec!["team".to_owned()],
        };
        assert_eq!(regcred.create_user(&user).await.unwrap().login, "ann");
        let change = UserChange {
            groups: Some(Vec::new()),
            ..UserChange::default()
        };
        assert!(
            regcred
                .update_user("ann", &change)
                .await
                .unwrap()
                .groups
                .is_empty()
        );
        regcred
            .set_member(project, "ann", ProjectRole::Viewer)
            .await
            .unwrap();
        assert_eq!(regcred.list_members(project).await.unwrap().len(), 2);

        let ann = Client::builder(&server.url)
            .login("ann", secret("a good password"))
            .await
            .unwrap();
        let created = ann
            .docker_credentials()
            .create(project, "u", &secret("p"), "h")
            .await;
        assert!(
            matches!(created, Err(Error::Forbidden { .. })),
            "{created:?}"
        );
        ann.regcred()
            .change_password(&secret("a good password"), &secret("a better password"))
            .await
            .unwrap();
        // Every session ended, and the password that the client knows is the old one.
        let listed = ann.projects().list().await;
        assert!(
            matches!(listed, Err(Error::Unauthenticated { .. })),
            "{listed:?}"
        );

        let token = NewToken {
            name: "ci".to_owned(),
            projects: vec![project],
            rights: vec![TokenRight::Edit],
            expires_in_days: Some(1),
        };
        let (info, text) = regcred.create_token(&token).await.unwrap();
        let ci = Client::builder(&server.url).token(text).unwrap();
        ci.docker_credentials()
            .create(project, "u", &secret("p"), "h")
            .await
            .unwrap();
        assert_eq!(regcred.list_tokens(project).await.unwrap()[0], info);
        regcred.revoke_token(project, info.id).await.unwrap();
        let listed = ci.docker_credentials().list_for_project(project).await;
        assert!(
            matches!(listed, Err(Error::Unauthenticated { .. })),
            "{listed:?}"
        );

        regcred.remove_member(project, "ann").await.unwrap();
        regcred
            .reset_password("ann", &secret("the best password"))
            .await
            .unwrap();
        regcred.delete_user("ann").await.unwrap();
        assert_eq!(regcred.list_users().await.unwrap().len(), 1);
        client.projects().delete(project).await.unwrap();
        let gone = client.projects().get(project).await;
        assert!(matches!(gone, Err(Error::NotFound { .. })), "{gone:?}");
    });
}

/// It logs in again by itself after its session was ended elsewhere.
#[test]
fn the_blocking_client_does_the_same_and_outlives_a_session() {
    let server = Server::dev();
    let builder = Client::builder(&server.url);
    let client = blocking::Client::login(builder, ADMIN, secret(PASSWORD)).unwrap();
    let project = client.projects().by_name("demo").unwrap().id;
    let credentials = client.docker_credentials();
    let created = credentials
        .create(project, "bot", &secret("p"), "h")
        .unwrap();
    assert_eq!(
        credentials.get_info(project, created.id).unwrap().username,
        "bot"
    );
    // A reset ends all sessions of the user; the password is the same.
    server.admin().data(
        "mutation($p: String!) { resetPassword(login: \"admin\", newPassword: $p) }",
        serde_json::json!({"p": PASSWORD}),
    );
    assert_eq!(credentials.list_for_project(project).unwrap().len(), 1);
    credentials
        .delete_for_username(project, "bot", "h")
        .unwrap();
}

#[test]
fn certificates_are_verified_and_an_authority_can_be_added() {
    let directory = TempDir::new().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    certify(directory.path(), "localhost", "DNS:localhost");
    let data = path("data");
    create_admin(Path::new(&data));
    let server = Server::start(regcred(&[
        "serve",
        "--data-dir",
        &data,
        "--tls-cert",
        &path("cert.pem"),
        "--tls-key",
        &path("key.pem"),
    ]));
    let port = server.url.rsplit(':').next().unwrap().to_owned();
    let authority = fs::read(path("cert.pem")).unwrap();
    run(async || {
        let login = async |host: &str, authority: Option<&Vec<u8>>| {
            let mut builder = Client::builder(&format!("https://{host}:{port}"));
            if let Some(pem) = authority {
                builder = builder.ca_certificates(pem);
            }
            builder.login(ADMIN, secret(PASSWORD)).await
        };
        for (host, authority) in [("localhost", None), ("127.0.0.1", Some(&authority))] {
            let refused = login(host, authority).await;
            assert!(
                matches!(
                    refused,
                    Err(Error::Transport {
                        kind: TransportKind::Tls,
                        ..
                    })
                ),
                "{host}: {refused:?}"
            );
        }
        let client = login("localhost", Some(&authority)).await.unwrap();
        client.projects().list().await.unwrap();
        let plain = Client::builder(&format!("http://localhost:{port}"));
        let refused = plain.login(ADMIN, secret(PASSWORD)).await;
        assert!(
            matches!(refused, Err(Error::Transport { .. })),
            "{refused:?}"
        );
    });
}
