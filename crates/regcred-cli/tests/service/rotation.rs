//! Rotation: a version is staged, verified, promoted, brought back and destroyed, and pulls never notice.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::durability::rounds;
use crate::registry::{Accepted, changing_registry};
use crate::support::{Client, Server, UPDATE, create_admin, installation, query, regcred};

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
    for entry in std::fs::read_dir(&data).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
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

/// A rotation that outlives the service.
struct Rotation<'a> {
    accepted: &'a Accepted,
    address: &'a str,
    project: &'a str,
    id: &'a str,
    /// How many passwords were made.
    made: u64,
    /// How often another one came to count.
    switched: u64,
}

/// What the pullers do meanwhile.
struct Load {
    stop: AtomicBool,
    /// How many pulls each of them has ended.
    ended: Vec<AtomicU64>,
}

impl Load {
    /// Waits until every pull has ended that is under way now; `false` where the service is gone.
    fn pass(&self) -> bool {
        let before: Vec<_> = self.ended.iter().map(|ended| ended.load(SeqCst)).collect();
        let deadline = Instant::now() + Duration::from_secs(30);
        while self
            .ended
            .iter()
            .zip(&before)
            .any(|(ended, before)| ended.load(SeqCst) == *before)
        {
            if self.stop.load(SeqCst) {
                return false;
            }
            assert!(Instant::now() < deadline, "a puller hangs");
            std::thread::yield_now();
        }
        true
    }
}

impl Rotation<'_> {
    fn ask(&self) -> Value {
        json!({"image": format!("{}/team/app", self.address)})
    }

    /// Rotates until the service is gone.
    fn run(&mut self, editor: &Client<'_>, puller: &Client<'_>, load: &Load, switched: &AtomicU64) {
        loop {
            let Ok(answer) = puller.try_pull(&self.ask()) else {
                return;
            };
            let present = answer.json()["password"].as_str().unwrap().to_owned();
            self.made += 1;
            let next = format!("secret-{}", self.made);
            self.accepted.lock().unwrap().insert(next.clone());
            let staging = json!({"id": self.id, "projectId": self.project, "password": next});
            let stage = json!({"s": staging, "v": "PROVED"});
            let Some(staged) = done(editor, STAGE, stage) else {
                return;
            };
            let version = json!({"id": self.id, "projectId": self.project,
                                 "version": staged["stageDockerCredentials"]["version"]});
            if done(editor, PROMOTE, json!({"v": version})).is_none() || !load.pass() {
                return;
            }
            self.switched += 1;
            // Now and then the new one is taken back, while both work.
            let mut over = present;
            if self.made.is_multiple_of(5) {
                let version = json!({"id": self.id, "projectId": self.project});
                if done(editor, ROLL_BACK, json!({"v": version})).is_none() || !load.pass() {
                    return;
                }
                self.switched += 1;
                over = next;
            }
            // It counts no more, and whoever was handed it has used it: it is revoked.
            self.accepted.lock().unwrap().remove(&over);
            switched.store(self.switched, SeqCst);
        }
    }
}

/// The data of an answer; `None` where the service was killed.
fn done(client: &Client<'_>, query: &str, variables: Value) -> Option<Value> {
    let answer = client.try_post(query, variables).ok()?;
    let mut body = answer.json();
    assert!(body.get("errors").is_none(), "{query}: {answer:?}");
    Some(body["data"].take())
}

/// Pulls until the service is gone. Each password that comes is one that the registry accepts then.
fn pull_on(puller: &Client<'_>, rotation: (&Accepted, &Value), load: &Load, number: usize) {
    let (accepted, ask) = rotation;
    while let Ok(answer) = puller.try_pull(ask) {
        assert_eq!(answer.status, 200, "never neither: {answer:?}");
        let password = answer.json()["password"].as_str().unwrap().to_owned();
        let accepted = accepted.lock().unwrap();
        assert!(
            accepted.contains(&password),
            "{password} was pulled, and the registry accepts {accepted:?}"
        );
        drop(accepted);
        load.ended[number].fetch_add(1, SeqCst);
    }
    load.stop.store(true, SeqCst);
}

#[test]
fn rotations_under_load_and_under_kill_hand_out_what_the_registry_accepts() {
    let kills = u64::from(rounds("SOAK_ROTATION_KILLS", 50));
    let rotations_each = 4;
    let directory = tempfile::TempDir::new().unwrap();
    let data = directory.path().join("data");
    create_admin(&data);
    let (address, _, accepted) = changing_registry("secret-0");
    let file = directory.path().join("regcred.toml");
    let text =
        format!("[[registries]]\nhost = \"{address}\"\nallow-private = true\nallow-http = true\n");
    std::fs::write(&file, text).unwrap();
    let start = || {
        let mut command = regcred(&["serve", "--data-dir", data.to_str().unwrap(), "--config"]);
        command.arg(&file);
        Server::start(command)
    };
    let server = start();
    let admin = server.admin();
    let project = admin.create_project("load");
    let id = admin.create_credentials(&project, Some(&address), "me", "secret-0");
    let editor = admin.with_rights(&[&project], &["EDIT"]).token;
    let pullers: Vec<_> = (0..8)
        .map(|_| admin.with_rights(&[&project], &["PULL"]).token)
        .collect();
    drop(server);

    let mut rotation = Rotation {
        accepted: &accepted,
        address: &address,
        project: &project,
        id: &id,
        made: 0,
        switched: 0,
    };
    let (mut pulls, mut time) = (0, Duration::ZERO);
    for kill in 0..kills {
        let mut server = start();
        // What counts after a kill is one of those that the registry accepts; whatever else it does, it need not.
        {
            let puller = server.client(pullers[0].clone());
            let answer = puller.pull(&rotation.ask());
            let present = answer.json()["password"].as_str().unwrap().to_owned();
            let mut accepted = accepted.lock().unwrap();
            assert!(
                accepted.contains(&present),
                "after kill {kill}: {present} of {accepted:?}"
            );
            accepted.retain(|password| *password == present);
        }
        let load = Load {
            stop: AtomicBool::new(false),
            ended: pullers.iter().map(|_| AtomicU64::new(0)).collect(),
        };
        let switched = AtomicU64::new(rotation.switched);
        let ask = rotation.ask();
        let began = Instant::now();
        std::thread::scope(|scope| {
            for (number, token) in pullers.iter().enumerate() {
                let puller = server.client(token.clone());
                let (load, accepted, ask) = (&load, &accepted, &ask);
                scope.spawn(move || pull_on(&puller, (accepted, ask), load, number));
            }
            let before = rotation.switched;
            let (editor, puller) = (
                server.client(editor.clone()),
                server.client(pullers[0].clone()),
            );
            let (rotation, load, switched) = (&mut rotation, &load, &switched);
            scope.spawn(move || rotation.run(&editor, &puller, load, switched));
            while switched.load(SeqCst) < before + rotations_each {
                assert!(!load.stop.load(SeqCst) && began.elapsed() < Duration::from_mins(2));
                std::thread::sleep(Duration::from_millis(1));
            }
            // Somewhere in the middle of the next one.
            std::thread::sleep(Duration::from_micros(kill * 997 % 40_000));
            server.signal("KILL");
        });
        server.kill();
        time += began.elapsed();
        let ended = load.ended.iter().map(|ended| ended.load(SeqCst));
        pulls += ended.sum::<u64>();
    }
    println!(
        "{} rotations, {kills} kills, {pulls} pulls in {} ms",
        rotation.switched,
        time.as_millis()
    );
    assert!(rotation.switched >= kills * rotations_each && pulls > rotation.switched);

    // Nothing is left over, and the trail holds.
    let server = start();
    let left = states(&server.client(editor.clone()), &project, &id);
    let staged = left.iter().filter(|(_, state)| state == "staged").count();
    assert!(staged <= 1 && left.len() <= 12, "{left:?}");
    drop(server);
    let mut command = regcred(&["audit", "verify", "--data-dir"]);
    let output = command.arg(&data).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}
