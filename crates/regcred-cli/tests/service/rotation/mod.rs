//! Rotation: a version is staged, verified, promoted, brought back and destroyed, and pulls never notice.

mod load;

use serde_json::{Value, json};

use crate::registry::{Accepted, changing_registry};
use crate::store;
use crate::support::{Client, Server, UPDATE, installation, query, regcred};

const STAGE: &str = "mutation($s: DockerCredentialsStaging!, $v: VerifyBeforeSaving) \
    { stageDockerCredentials(dockerCredentialsStaging: $s, verify: $v) { version state registry username } }";
const PROMOTE: &str = "mutation($v: DockerCredentialsVersionInput!) \
    { promoteDockerCredentials(dockerCredentialsVersion: $v) { version username registry } }";
const ROLL_BACK: &str = "mutation($v: DockerCredentialsVersionInput!) \
    { rollbackDockerCredentials(dockerCredentialsVersion: $v) { version username registry } }";
const DESTROY: &str = "mutation($c: UUID!, $p: UUID!, $n: Int!) \
    { destroyDockerCredentialsVersion(id: $c, projectId: $p, version: $n) }";
const VERSIONS: &str = "query($c: UUID!, $p: UUID!) { dockerCredentialsVersions(id: $c, projectId: $p) \
    { version state username supersededAt heldUntil safeToRevoke pulledLastBy { name } verification { verdict } } }";
const VERIFY: &str = "mutation($c: UUID!, $p: UUID!, $n: Int) \
    { verifyDockerCredentials(id: $c, projectId: $p, version: $n) { verdict version } }";
const GRACE: &str = "mutation($p: UUID!, $d: Int) \
    { editProject(project: {id: $p, gracePeriodDays: $d}) { gracePeriodDays } }";

/// Number and state of each version, the latest first.
fn states(client: &Client<'_>, project: &str, id: &str) -> Vec<(u64, String)> {
    let mut versions = client.data(VERSIONS, json!({"c": id, "p": project}));
    let versions = versions["dockerCredentialsVersions"].take();
    let versions = versions.as_array().unwrap().iter();
    let state = |version: &Value| version["state"].as_str().unwrap().to_lowercase();
    versions
        .map(|version| (version["version"].as_u64().unwrap(), state(version)))
        .collect()
}

fn told(states: &[(u64, &str)]) -> Vec<(u64, String)> {
    let states = states.iter();
    states
        .map(|(number, state)| (*number, (*state).to_owned()))
        .collect()
}

/// Credentials of a project at a registry that accepts what it is told to.
struct Room<'a> {
    admin: Client<'a>,
    puller: Client<'a>,
    project: String,
    id: String,
    address: String,
    accepted: Accepted,
}

impl<'a> Room<'a> {
    /// With the password `one`, which is accepted.
    fn new(server: &'a Server) -> Self {
        let (address, _, accepted) = changing_registry("one");
        let admin = server.admin();
        let project = admin.create_project("rotation");
        let id = admin.create_credentials(&project, Some(&address), "me", "one");
        Self {
            puller: admin.with_rights(&[&project], &["PULL"]),
            admin,
            project,
            id,
            address,
            accepted,
        }
    }

    /// The password that is pulled now.
    fn pulls(&self) -> String {
        let ask = json!({"image": format!("{}/team/app", self.address)});
        let answer = self.puller.pull(&ask);
        answer.json()["password"].as_str().unwrap().to_owned()
    }

    fn stage(&self, password: &str) -> Value {
        let input = json!({"id": self.id, "projectId": self.project, "password": password});
        self.admin.data(STAGE, json!({"s": input}))["stageDockerCredentials"].take()
    }

    /// The variables of a promotion or a rollback.
    fn version(&self, more: &Value) -> Value {
        let mut input = json!({"id": self.id, "projectId": self.project});
        let more = more.as_object().unwrap().clone();
        input.as_object_mut().unwrap().extend(more);
        json!({"v": input})
    }

    /// The variables of an update to the same registry.
    fn update(&self, password: &str, expected: Option<u32>) -> Value {
        json!({"c": {"id": self.id, "projectId": self.project, "registry": self.address, "password": password,
                     "expectedVersion": expected}})
    }

    fn verify(&self, number: u32) -> Value {
        let variables = json!({"c": self.id, "p": self.project, "n": number});
        let tried = self.admin.data(VERIFY, variables)["verifyDockerCredentials"].take();
        assert_eq!(tried["version"], number);
        tried["verdict"].clone()
    }

    fn states(&self) -> Vec<(u64, String)> {
        states(&self.admin, &self.project, &self.id)
    }

    /// The message of a conflict.
    fn conflict(&self, mutation: &str, variables: Value) -> String {
        let (code, message) = self.admin.refused(mutation, variables);
        assert_eq!(code, "CONFLICT", "{message}");
        message
    }
}

#[test]
fn a_version_waits_is_verified_counts_and_is_brought_back() {
    let server = Server::dev();
    let room = Room::new(&server);
    let (admin, accepted) = (&room.admin, &room.accepted);

    // What is left out stays what it is, unlike in the platform's update.
    let staged =
        json!({"version": 2, "state": "STAGED", "registry": room.address, "username": "me"});
    assert_eq!(room.stage("two"), staged);
    assert_eq!(room.pulls(), "one");
    assert_eq!(room.verify(2), "REJECTED");
    let message = room.conflict(PROMOTE, room.version(&json!({})));
    assert!(message.contains("rejected"), "{message}");
    assert_eq!(room.pulls(), "one");
    accepted.lock().unwrap().insert("two".to_owned());
    assert_eq!(room.verify(2), "OK");
    assert_eq!(room.verify(1), "OK", "each is tried with its own password");
    for more in [json!({"version": 7}), json!({"expectedVersion": 7})] {
        room.conflict(PROMOTE, room.version(&more));
    }
    let promote = room.version(&json!({"version": 2, "expectedVersion": 1}));
    let promoted = admin.data(PROMOTE, promote);
    assert_eq!(promoted["promoteDockerCredentials"]["version"], 2);
    assert_eq!(room.pulls(), "two");
    assert_eq!(room.states(), told(&[(2, "current"), (1, "previous")]));
    let nothing = admin.refused(PROMOTE, room.version(&json!({})));
    assert_eq!(nothing.0, "NOT_FOUND");

    // Who pulled last while which of them counted, and for what.
    let shown = "query($c: UUID!, $p: UUID!) { dockerCredentials(id: $c, projectId: $p) \
                 { version pulledBy { token { name } image version lastPulled } } }";
    let variables = json!({"c": room.id, "p": room.project});
    let shown = admin.data(shown, variables.clone())["dockerCredentials"].take();
    let pulled = &shown["pulledBy"];
    assert_eq!(
        (&shown["version"], pulled.as_array().unwrap().len()),
        (&json!(2), 1)
    );
    assert_eq!(
        (
            &pulled[0]["token"]["name"],
            &pulled[0]["version"],
            &pulled[0]["image"]
        ),
        (
            &json!("puller"),
            &json!(2),
            &json!(format!("{}/team/app", room.address))
        )
    );
    let versions = admin.data(VERSIONS, variables)["dockerCredentialsVersions"].take();
    assert_eq!(versions[0]["pulledLastBy"], json!([{"name": "puller"}]));
    assert_eq!(versions[1]["pulledLastBy"], json!([]));

    // One call brings back what was; another one undoes that.
    let back = admin.data(ROLL_BACK, room.version(&json!({})));
    assert_eq!(back["rollbackDockerCredentials"]["version"], 1);
    assert_eq!(room.pulls(), "one");
    admin.data(ROLL_BACK, room.version(&json!({})));
    assert_eq!(room.pulls(), "two");
    admin.data(ROLL_BACK, room.version(&json!({"version": 1})));
    accepted.lock().unwrap().remove("two");
    assert_eq!(room.verify(2), "REJECTED");
    room.conflict(ROLL_BACK, room.version(&json!({})));
    assert_eq!(room.pulls(), "one");
    admin.data(ROLL_BACK, room.version(&json!({"force": true})));
    assert_eq!(room.pulls(), "two");
}

#[test]
fn an_update_is_both_at_once_and_no_change_is_lost_unnoticed() {
    let server = Server::dev();
    let room = Room::new(&server);
    let admin = &room.admin;
    admin.data(UPDATE, room.update("two", None));
    assert_eq!(room.pulls(), "two");
    let message = room.conflict(UPDATE, room.update("lost", Some(1)));
    assert!(message.contains("version 2, not 1"), "{message}");
    assert_eq!(room.pulls(), "two");
    admin.data(UPDATE, room.update("three", Some(2)));
    let held = [(3, "current"), (2, "previous"), (1, "previous")];
    assert_eq!(room.states(), told(&held));

    // What was staged before somebody else's update does not undo it.
    room.stage("four");
    admin.data(UPDATE, room.update("five", None));
    let message = room.conflict(PROMOTE, room.version(&json!({})));
    assert!(message.contains("expectedVersion"), "{message}");
    assert_eq!(room.pulls(), "five");
    admin.data(PROMOTE, room.version(&json!({"expectedVersion": 5})));
    assert_eq!(room.pulls(), "four");

    // Destroyed is gone.
    let number = |number: u32| json!({"c": room.id, "p": room.project, "n": number});
    room.conflict(DESTROY, number(4));
    admin.data(DESTROY, number(5));
    assert_eq!(admin.refused(DESTROY, number(5)).0, "NOT_FOUND");
    let back = room.version(&json!({"version": 5}));
    assert_eq!(admin.refused(ROLL_BACK, back).0, "NOT_FOUND");
    assert_eq!(admin.refused(VERIFY, number(5)).0, "NOT_FOUND");

    // Just now a client may still hold what was superseded.
    let versions = admin.data(VERSIONS, json!({"c": room.id, "p": room.project}));
    for version in versions["dockerCredentialsVersions"].as_array().unwrap() {
        assert_eq!(version["safeToRevoke"], false);
        assert_eq!(
            version["heldUntil"].is_string(),
            version["state"] == "PREVIOUS"
        );
    }

    // Without a grace period nothing is held.
    let days = |days: i32| json!({"p": room.project, "d": days});
    assert_eq!(admin.refused(GRACE, days(91)).0, "INVALID");
    admin.data(GRACE, days(0));
    admin.data(UPDATE, room.update("six", None));
    assert_eq!(room.states()[0], (6, "current".to_owned()));
    assert!(room.states().iter().all(|(number, _)| *number != 4));
}

#[test]
fn a_refusal_is_not_forgotten_and_an_image_is_tried_with_each_version() {
    let server = Server::dev();
    let room = Room::new(&server);
    let admin = &room.admin;
    room.stage("wrong");
    assert_eq!(room.verify(2), "REJECTED");
    // Whatever else is tried meanwhile.
    for _ in 0..25 {
        assert_eq!(room.verify(1), "OK");
    }
    room.conflict(PROMOTE, room.version(&json!({})));
    let shown = "query($c: UUID!, $p: UUID!) { dockerCredentials(id: $c, projectId: $p) { probe verifications { version } } }";
    let variables = json!({"c": room.id, "p": room.project});
    let shown = || admin.data(shown, variables.clone())["dockerCredentials"].take();
    assert_eq!(shown()["verifications"].as_array().unwrap().len(), 20);

    // An image that is kept goes for each version, and comes back with its own.
    room.accepted.lock().unwrap().insert("next".to_owned());
    let image = |path: &str| json!(format!("{}/{path}", room.address));
    let mut update = room.update("one", None);
    update["c"]["probe"] = image("other/app");
    admin.data(UPDATE, update);
    let staged = room.stage("next");
    let number = staged["version"].as_u64().unwrap();
    let next = u32::try_from(number).unwrap();
    assert_eq!(room.verify(next), "NO_PULL_RIGHT");
    room.conflict(PROMOTE, room.version(&json!({})));
    admin.data(PROMOTE, room.version(&json!({"force": true})));
    assert_eq!(shown()["probe"], image("other/app"));
    let mut update = room.update("next", None);
    update["c"]["probe"] = image("team/app");
    admin.data(UPDATE, update);
    assert_eq!(shown()["probe"], image("team/app"));
    admin.data(ROLL_BACK, room.version(&json!({"force": true})));
    assert_eq!(shown()["probe"], image("other/app"));

    // Of what is absent it is not said that it has no versions.
    let absent = json!({"c": room.project, "p": room.project});
    assert_eq!(admin.refused(VERSIONS, absent).0, "NOT_FOUND");
}

#[test]
fn the_same_password_under_another_number_is_not_safe_to_revoke() {
    let installation = installation();
    let data = installation.path().join("data");
    let server = Server::on(&data);
    let room = Room::new(&server);
    let admin = &room.admin;
    admin.data(UPDATE, room.update("one", None));
    admin.data(UPDATE, room.update("two", None));
    admin.data(UPDATE, room.update("one", None));
    let Room { project, id, .. } = room;
    drop(server);
    // Half an hour later.
    let earlier = "UPDATE credentials_version SET superseded_at = superseded_at - 1800000000 RETURNING version";
    query(&data, earlier);
    let server = Server::on(&data);
    let versions = server
        .admin()
        .data(VERSIONS, json!({"c": id, "p": project}));
    let versions = versions["dockerCredentialsVersions"].as_array().unwrap();
    let safe: Vec<_> = versions
        .iter()
        .map(|version| version["safeToRevoke"].as_bool().unwrap())
        .collect();
    assert_eq!(
        safe,
        [false, true, false, false],
        "only `two` is not in use"
    );
}

#[test]
fn every_version_is_sealed_and_proved_by_the_operator() {
    let installation = installation();
    let data = installation.path().join("data");
    let server = Server::on(&data);
    let admin = server.admin();
    let project = admin.create_project("sealed");
    let id = admin.create_credentials(&project, Some("h.x"), "me", "secret-one");
    let input =
        json!({"id": id, "projectId": project, "registry": "h.x", "password": "secret-two"});
    admin.data(UPDATE, json!({"c": input}));
    let input = json!({"id": id, "projectId": project, "password": "secret-three"});
    admin.data(STAGE, json!({"s": input}));
    drop(server);
    for (_, bytes) in store::contents(&data) {
        for secret in ["secret-one", "secret-two", "secret-three"] {
            let found = bytes
                .windows(secret.len())
                .any(|window| window == secret.as_bytes());
            assert!(!found, "{secret}");
        }
    }
    let status = |expected: bool| {
        let mut command = regcred(&["key", "status", "--data-dir"]);
        let output = command.arg(&data).output().unwrap();
        assert_eq!(output.status.success(), expected, "{output:?}");
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    };
    status(true);
    // Two versions whose passwords changed places do not open.
    query(
        &data,
        "UPDATE credentials_version SET password = (SELECT password FROM docker_credentials) \
         RETURNING version",
    );
    let told = status(false);
    assert!(
        told.contains("version 1") && told.contains("version 3") && !told.contains("version 2"),
        "{told}"
    );
}
