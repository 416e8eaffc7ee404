//! What was acknowledged stays: under concurrency, `kill -9`, and a full disk.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::store::sqlite_only;
use crate::support::{
    CREATE, Client, PASSWORD, Server, UPDATE, create_admin, installation, query, regcred, run,
};

/// How much of a test to do: more where a soak asks for it.
pub(crate) fn rounds(variable: &str, few: u32) -> u32 {
    std::env::var(variable).map_or(few, |text| text.parse().unwrap())
}

#[test]
fn of_64_creators_of_the_same_credentials_one_wins() {
    let server = Server::dev();
    let admin = server.admin();
    let project = admin.create_project("race");
    let rounds = rounds("SOAK_RACE_ROUNDS", 200);
    let spellings = [
        None,
        Some("docker.io"),
        Some("https://index.docker.io/v1/"),
        Some(""),
    ];
    let outcomes: Vec<Vec<String>> = std::thread::scope(|scope| {
        let barrier = std::sync::Arc::new(std::sync::Barrier::new(64));
        let creators: Vec<_> = (0..64)
            .map(|creator: usize| {
                let (admin, project, barrier) = (&admin, &project, barrier.clone());
                scope.spawn(move || {
                    let registry = spellings[creator % spellings.len()];
                    (0..rounds)
                        .map(|round| {
                            let input = json!({"registry": registry, "username": format!("user{round}"),
                                               "password": "p", "projectId": project});
                            barrier.wait();
                            let answer = admin.post(CREATE, json!({"c": input}));
                            if answer.json().get("errors").is_none() { "ok".to_owned() } else { answer.error().0 }
                        })
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        creators
            .into_iter()
            .map(|creator| creator.join().unwrap())
            .collect()
    });
    for round in 0..rounds as usize {
        let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
        for creator in &outcomes {
            *seen.entry(&creator[round]).or_default() += 1;
        }
        assert_eq!(
            seen,
            BTreeMap::from([("CONFLICT", 63), ("ok", 1)]),
            "round {round}"
        );
    }
    assert_eq!(admin.list(&project).len(), rounds as usize);
}

/// What a writer knows of one username: the last change that was acknowledged, and one that may have been made.
#[derive(Clone, Default)]
struct Known {
    id: Option<String>,
    acknowledged: Option<String>,
    unknown: Option<String>,
}

#[test]
fn nothing_acknowledged_is_lost_by_kill_9() {
    let directory = installation();
    let data = directory.path().join("data");
    let cycles = rounds("SOAK_KILL_CYCLES", 8);
    let mut known: Vec<BTreeMap<String, Known>> = vec![BTreeMap::new(); WRITERS];
    let mut project = String::new();
    let (mut acknowledged, mut slowest) = (0, Duration::ZERO);
    for cycle in 0..=cycles {
        let started = Instant::now();
        let mut server = Server::on(&data);
        assert_eq!(server.get("/readyz").status, 200);
        slowest = slowest.max(started.elapsed());
        let admin = server.admin();
        if project.is_empty() {
            project = admin.create_project("kill");
        }
        acknowledged += compare(&admin, &project, &mut known);
        if cycle == cycles {
            break;
        }
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for (writer, known) in known.iter_mut().enumerate() {
                let (admin, project, over) = (admin.clone(), &project, &over);
                scope.spawn(move || write_on(&admin, project, writer, known, over));
            }
            let random = RandomState::new().build_hasher().finish();
            std::thread::sleep(Duration::from_millis(50 + random % 200));
            kill_9(&server);
            over.store(true, Ordering::Relaxed);
        });
        server.kill();
    }
    // Every password opens, every change has its event, and the trail is whole.
    for arguments in [["key", "status"], ["audit", "verify"]] {
        let mut command = regcred(&arguments);
        command.arg("--data-dir").arg(&data);
        let done = run(command, "");
        assert!(done.status.success(), "{done:?}");
        eprintln!("{}", String::from_utf8_lossy(&done.stdout).trim());
    }
    changes_match_events(&data);
    eprintln!(
        "{cycles} kills, {acknowledged} times an acknowledged state was compared, slowest start {slowest:?}"
    );
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    assert!(acknowledged > u64::from(cycles) * 10, "{acknowledged}");
}

const WRITERS: usize = 8;

fn kill_9(server: &Server) {
    server.signal("KILL");
}

/// Creates and upgrades until the connection breaks. The registry's path counts the upgrades, so that reads show them.
fn write_on(
    admin: &Client<'_>,
    project: &str,
    writer: usize,
    known: &mut BTreeMap<String, Known>,
    over: &AtomicBool,
) {
    let mut serial = known.len();
    while !over.load(Ordering::Relaxed) {
        let username = format!("w{writer}-{serial}");
        serial += 1;
        let entry = known.entry(username.clone()).or_default();
        let registry = "host/0".to_owned();
        entry.unknown = Some(registry.clone());
        let input = json!({"registry": registry, "username": username, "password": "p", "projectId": project});
        let Ok(answer) = admin.try_post(CREATE, json!({"c": input})) else {
            return;
        };
        let body = answer.json();
        assert!(body.get("errors").is_none(), "{answer:?}");
        let id = body["data"]["createDockerCredentials"]["id"]
            .as_str()
            .unwrap()
            .to_owned();
        (entry.id, entry.acknowledged, entry.unknown) = (Some(id.clone()), Some(registry), None);
        for upgrade in 1..4 {
            let registry = format!("host/{upgrade}");
            entry.unknown = Some(registry.clone());
            let input =
                json!({"id": id, "registry": registry, "password": "q", "projectId": project});
            let Ok(answer) = admin.try_post(UPDATE, json!({"c": input})) else {
                return;
            };
            assert!(answer.json().get("errors").is_none(), "{answer:?}");
            (entry.acknowledged, entry.unknown) = (Some(registry), None);
        }
    }
}

/// What is there is what was acknowledged, or the change whose answer was never seen.
fn compare(admin: &Client<'_>, project: &str, known: &mut [BTreeMap<String, Known>]) -> u64 {
    let listed: BTreeMap<_, _> = admin
        .list(project)
        .into_iter()
        .map(|row| {
            (
                text(&row["username"]),
                (text(&row["id"]), text(&row["registry"])),
            )
        })
        .collect();
    let mut acknowledged = 0;
    for (username, entry) in known.iter_mut().flatten() {
        let found = listed.get(username);
        acknowledged += u64::from(entry.acknowledged.is_some());
        match (&entry.acknowledged, &entry.unknown, found) {
            (None, _, None) => {}
            (at, maybe, Some((id, registry))) => {
                assert!(
                    entry.id.as_ref().is_none_or(|known| known == id),
                    "{username}"
                );
                let allowed = [at, maybe]
                    .into_iter()
                    .flatten()
                    .any(|value| value == registry);
                assert!(
                    allowed,
                    "{username}: {registry} is there, {at:?} was acknowledged"
                );
                entry.acknowledged = Some(registry.clone());
                entry.id = Some(id.clone());
            }
            (Some(at), _, None) => panic!("{username} with {at} was acknowledged and is gone"),
        }
        entry.unknown = None;
    }
    acknowledged
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// The sum of all versions is the number of creations and upgrades in the audit trail.
fn changes_match_events(data: &Path) {
    let number = |sql: &str| query(data, sql).parse::<u64>().unwrap();
    let changes = number("SELECT sum(version) FROM docker_credentials");
    let events = number(
        "SELECT count(*) FROM audit_event WHERE event LIKE '%\"type\":\"credentials_created\"%' \
         OR event LIKE '%\"type\":\"credentials_upgraded\"%'",
    );
    eprintln!("{changes} changes, {events} events");
    assert_eq!(changes, events, "each change has its event");
}

#[test]
fn a_full_disk_is_an_error_and_passes() {
    sqlite_only!("the disk is the server's");
    let directory = TempDir::new().unwrap();
    let data = directory.path().join("data");
    create_admin(&data);
    // A limit on the size of files stands for the end of the disk: writing fails, and it can be lifted from outside.
    let program = env!("CARGO_BIN_EXE_regcred");
    let mut command = Command::new("bash");
    command.args([
        "-c",
        "trap '' XFSZ; ulimit -S -f 1500; exec \"$0\" \"$@\"",
        program,
        "serve",
        "--data-dir",
    ]);
    command.arg(&data);
    let server = Server::start(command);
    let admin = server.admin();
    let project = admin.create_project("full");
    let create = |number: usize| {
        let input = json!({"username": format!("user{number}"), "password": "p".repeat(8_000), "projectId": project});
        admin.post(CREATE, json!({"c": input}))
    };
    let mut made = 0;
    let refused = loop {
        let answer = create(made);
        if answer.json().get("errors").is_some() {
            break answer;
        }
        made += 1;
        assert!(made < 1_000, "the disk never fills");
    };
    let (code, message) = refused.error();
    assert!(
        code == "UNAVAILABLE" && message.contains("nothing was changed"),
        "{message}"
    );
    assert_eq!(admin.list(&project).len(), made, "reads go on");
    assert_eq!(server.get("/livez").status, 200);
    assert_eq!(create(made).error().0, "UNAVAILABLE");

    let pid = server.pid().to_string();
    assert!(
        Command::new("prlimit")
            .args(["--pid", &pid, "--fsize=unlimited"])
            .status()
            .unwrap()
            .success()
    );
    for number in made..made + 10 {
        assert!(
            create(number).json().get("errors").is_none(),
            "it recovers by itself"
        );
    }
    assert_eq!(admin.list(&project).len(), made + 10);
    drop(server);
    let server = Server::on(&data);
    assert_eq!(
        server
            .client(server.token("admin", PASSWORD))
            .list(&project)
            .len(),
        made + 10
    );
    drop(server);
    let mut verify = regcred(&["audit", "verify"]);
    verify.arg("--data-dir").arg(&data);
    assert!(run(verify, "").status.success());
}
