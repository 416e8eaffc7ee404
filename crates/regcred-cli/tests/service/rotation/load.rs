//! Rotations while others pull, and while the service is killed.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{PROMOTE, ROLL_BACK, STAGE, states};
use crate::durability::rounds;
use crate::registry::{Accepted, changing_registry};
use crate::support::{Client, Server, create_admin, regcred};

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
