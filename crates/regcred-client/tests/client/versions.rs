//! Versions of credentials, what is proved before they are saved, and the settings of projects: what is sent, and what comes
//! back.

use regcred_client::regcred::{
    ProjectSettingsChange, Staging, Switch, VerificationVerdict, VerifyBeforeSaving, VersionState,
};
use regcred_client::{Error, Outcome, Registry, RegistryChange};
use serde_json::{Value, json};

use crate::support::{CREDENTIALS, PROJECT, Server, data, id, json_text, project, secret};

fn version(number: u32, state: &str) -> Value {
    json!({
        "version": number, "state": state, "registry": null, "username": "bot",
        "since": "2026-01-02T03:04:05.678Z", "expiresAt": null, "supersededAt": null, "heldUntil": null,
        "verification": {"verdict": "OK", "checkedAt": "2026-01-02T03:04:05.678Z", "version": number, "probed": true},
        "safeToRevoke": number == 1, "pulledLastBy": [{"id": PROJECT, "name": "node"}],
    })
}

fn info() -> Value {
    json!({"id": CREDENTIALS, "registry": "ghcr.io", "username": "bot", "lastUpdate": "2026-01-01T00:00:00.000Z",
           "jobs": null, "apps": null})
}

fn variables(server: &Server, number: usize) -> Value {
    server.seen()[number].json()["variables"].clone()
}

#[tokio::test]
async fn versions_are_read_and_a_later_state_is_unknown() {
    let all = [
        version(3, "STAGED"),
        version(2, "CURRENT"),
        version(1, "FROZEN"),
    ];
    let server = Server::saying(data(json!({"dockerCredentialsVersions": all})));
    let regcred = server.client().regcred();
    let got = regcred.versions(project(), id()).await.unwrap();
    let told: Vec<_> = got.iter().map(|one| (one.version, one.state)).collect();
    let expected = [
        (3, VersionState::Staged),
        (2, VersionState::Current),
        (1, VersionState::Unknown),
    ];
    assert_eq!(told, expected);
    assert_eq!(got[0].registry, Registry::DockerHub);
    assert!(got[0].verification.unwrap().probed && got[2].safe_to_revoke);
    assert_eq!(got[2].pulled_last_by[0].name, "node");
}

#[tokio::test]
async fn what_is_kept_is_left_out_and_docker_hub_is_said() {
    let server = Server::saying(data(
        json!({"stageDockerCredentials": version(2, "STAGED")}),
    ));
    let (regcred, password) = (server.client().regcred(), secret("hunter2"));
    let plain = Staging::new(&password);
    let staged = regcred.stage(project(), id(), &plain);
    assert_eq!(staged.await.unwrap().state, VersionState::Staged);
    let kept = json!({"input": {"id": CREDENTIALS, "projectId": PROJECT, "password": "hunter2"}});
    assert_eq!(variables(&server, 0), kept);
    let all = Staging {
        registry: RegistryChange::Set(Registry::DockerHub),
        username: Some("new"),
        expires_at: Some("2027-01-01T00:00:00Z".parse().unwrap()),
        expected_version: Some(7),
        verify: Some(VerifyBeforeSaving::Proved),
        ..Staging::new(&password)
    };
    regcred.stage(project(), id(), &all).await.unwrap();
    let said = json!({"input": {"id": CREDENTIALS, "projectId": PROJECT, "password": "hunter2", "registry": null,
                                "username": "new", "expiresAt": "2027-01-01T00:00:00Z", "expectedVersion": 7},
                      "verify": "PROVED"});
    assert_eq!(variables(&server, 1), said);
}

#[tokio::test]
async fn promotion_rollback_and_destruction() {
    let mut switched = info();
    switched["version"] = json!(3);
    let server = Server::saying(data(json!({
        "promoteDockerCredentials": switched, "rollbackDockerCredentials": switched,
        "destroyDockerCredentialsVersion": true,
    })));
    let regcred = server.client().regcred();
    let switch = Switch {
        version: Some(3),
        expected_version: Some(2),
        force: true,
    };
    let verify = Some(VerifyBeforeSaving::NotRefused);
    let promoted = regcred
        .promote(project(), id(), switch, verify)
        .await
        .unwrap();
    assert_eq!(
        (promoted.version, promoted.credentials.username.as_str()),
        (3, "bot")
    );
    let input = json!({"id": CREDENTIALS, "projectId": PROJECT, "version": 3, "expectedVersion": 2, "force": true});
    let sent = json!({"input": input, "verify": "NOT_REFUSED"});
    assert_eq!(variables(&server, 0), sent);
    let plain = Switch::default();
    regcred.roll_back(project(), id(), plain).await.unwrap();
    let input = json!({"id": CREDENTIALS, "projectId": PROJECT, "force": false});
    assert_eq!(variables(&server, 1), json!({"input": input}));
    regcred.destroy_version(project(), id(), 4).await.unwrap();
    assert_eq!(variables(&server, 2)["version"], 4);

    let server = Server::saying(data(json!({"destroyDockerCredentialsVersion": false})));
    let regcred = server.client().regcred();
    let gone = regcred.destroy_version(project(), id(), 4);
    assert!(matches!(gone.await, Err(Error::NotFound { .. })));
}

#[tokio::test]
async fn what_only_regcred_knows_of_a_password_is_sent_only_where_it_is_said() {
    let server = Server::saying(data(json!({
        "createDockerCredentials": info(), "updateDockerCredentials": info(),
    })));
    let (plain, password) = (server.client().docker_credentials(), secret("hunter2"));
    plain
        .create(project(), "bot", &password, "ghcr.io")
        .await
        .unwrap();
    let sent = json!({"input": {"registry": "ghcr.io", "username": "bot", "password": "hunter2", "projectId": PROJECT}});
    assert_eq!(variables(&server, 0), sent);
    let query = server.seen()[0].json()["query"].clone();
    assert!(!query.as_str().unwrap().contains("VerifyBeforeSaving"));

    let verified = plain
        .clone()
        .verified(VerifyBeforeSaving::Proved)
        .probing(Some("ghcr.io/acme/app"));
    verified
        .create(project(), "bot", &password, "ghcr.io")
        .await
        .unwrap();
    let sent = variables(&server, 1);
    assert_eq!(
        (&sent["verify"], &sent["input"]["probe"]),
        (&json!("PROVED"), &json!("ghcr.io/acme/app"))
    );
    let change = RegistryChange::Set("ghcr.io".into());
    let careful = plain.clone().expecting_version(5).probing(None);
    careful
        .upgrade(project(), id(), &password, change, None)
        .await
        .unwrap();
    let sent = variables(&server, 2);
    assert_eq!(
        (&sent["input"]["expectedVersion"], &sent["input"]["probe"]),
        (&json!(5), &Value::Null)
    );
    assert!(
        sent["input"].as_object().unwrap().contains_key("probe") && sent.get("verify").is_none()
    );
}

#[tokio::test]
async fn what_is_not_saved_says_what_came_of_the_try() {
    for (code, word, verdict) in [
        ("INVALID", "REJECTED", VerificationVerdict::Rejected),
        (
            "UNAVAILABLE",
            "UNREACHABLE",
            VerificationVerdict::Unreachable,
        ),
        ("INVALID", "SOMETHING_NEW", VerificationVerdict::Unknown),
    ] {
        let extensions = json!({"code": code, "verdict": word});
        let errors = json!({"data": null, "errors": [{"message": "nothing was saved", "extensions": extensions}]});
        let server = Server::saying(json_text(errors.to_string()));
        let verified = server
            .client()
            .docker_credentials()
            .verified(VerifyBeforeSaving::Proved);
        let refused = verified
            .create(project(), "bot", &secret("p"), "ghcr.io")
            .await
            .unwrap_err();
        assert_eq!(refused.outcome(), Outcome::NotDone);
        assert!(
            matches!(refused, Error::NotSaved { verdict: told, .. } if told == verdict),
            "{refused:?}"
        );
        assert_eq!(
            server.seen().len(),
            1,
            "it is not tried again: each try is a login"
        );
    }
}

#[tokio::test]
async fn settings_are_read_and_what_is_not_said_stays() {
    let settings = json!({"deletesCredentialsInUse": false, "gracePeriodDays": 7, "verifyBeforeSaving": "NOT_REFUSED"});
    let server = Server::saying(data(json!({"project": settings, "editProject": settings})));
    let regcred = server.client().regcred();
    let got = regcred.project_settings(project()).await.unwrap();
    assert_eq!(
        (got.grace_period_days, got.verify_before_saving),
        (7, VerifyBeforeSaving::NotRefused)
    );
    let change = ProjectSettingsChange {
        grace_period_days: Some(30),
        ..ProjectSettingsChange::default()
    };
    regcred
        .change_project_settings(project(), change)
        .await
        .unwrap();
    let sent = json!({"input": {"id": PROJECT, "gracePeriodDays": 30}});
    assert_eq!(variables(&server, 1), sent);
}
