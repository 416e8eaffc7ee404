//! What a process shows of itself while it holds secrets.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::{Mutex, mpsc};
use std::time::Duration;

use serde_json::json;

use crate::server::Reply;
use crate::world::{DOCKER, PASSWORD, TOKEN, World};

#[test]
fn no_argument_and_no_core_file_can_hold_a_secret() {
    let (sender, asked) = mpsc::channel();
    let sender = Mutex::new(sender);
    let world = World::new(move |_| {
        sender.lock().unwrap().send(()).unwrap();
        Reply::Silence
    });
    let child = Command::new(DOCKER)
        .arg("store")
        .envs(&world.variables)
        .env("HOME", world.home.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let mut child = child.unwrap();
    let login = json!({"ServerURL": "ghcr.io", "Username": "bot", "Secret": PASSWORD});
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(login.to_string().as_bytes()).unwrap();
    drop(stdin);
    // It has read everything by now, and waits for an answer.
    asked.recv_timeout(Duration::from_secs(10)).unwrap();
    let shown = |what: &str| {
        let bytes = std::fs::read(format!("/proc/{}/{what}", child.id())).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let arguments = shown("cmdline");
    let limits = shown("limits");
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(
        ![TOKEN, PASSWORD]
            .iter()
            .any(|secret| arguments.contains(secret))
    );
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"));
    let words: Vec<_> = core.unwrap().split_whitespace().collect();
    assert_eq!(words[4..6], ["0", "0"], "{limits}");
    assert_eq!(world.files(), []);
}
