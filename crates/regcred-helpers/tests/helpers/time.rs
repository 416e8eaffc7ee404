//! A run ends within ten seconds, whatever hangs.

use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::kubelet::request;
use crate::server::Reply;
use crate::world::{CREDENTIALS, DOCKER, World, credentials};

/// A machine under load may be late with the end itself.
const END: Duration = Duration::from_secs(11);

#[test]
fn whatever_hangs() {
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    let tls = format!("https://{}", mute.local_addr().unwrap());
    thread::scope(|scope| {
        scope.spawn(|| {
            let world = World::new(|_| Reply::Silence);
            let run = world.docker("get", "ghcr.io");
            run.failed_with("did not answer within");
            assert!(run.time < END, "{run:?}");
        });
        scope.spawn(|| {
            let world = World::new(|_| Reply::Drip(credentials("ghcr.io")));
            let run = world.docker("get", "ghcr.io");
            run.failed_with("did not answer within");
            assert!(run.time < END, "{run:?}");
        });
        scope.spawn(|| {
            // The first answer comes late, and the second one not at all.
            let world = World::new(|request| {
                if request.body["dockerCredentialsId"].is_null() {
                    let account = json!({"credentialsId": CREDENTIALS, "registryKey": "ghcr.io", "username": "a"});
                    let body = json!({"code": "CONFLICT", "detail": "x", "candidates": [account]});
                    return Reply::Late(409, body);
                }
                Reply::Silence
            });
            let world = world.with("REGCRED_CREDENTIALS_ID", CREDENTIALS);
            let run = world.docker("get", "ghcr.io");
            run.failed_with("did not answer within");
            assert!(run.time < END, "{run:?}");
            assert_eq!(world.server.seen().len(), 2);
        });
        scope.spawn(|| {
            // TLS is never agreed on.
            let world = World::giving("ghcr.io").with("REGCRED_URL", &tls);
            let run = world.kubelet(request("ghcr.io/app"));
            run.provides_nothing("out of reach");
            assert!(run.time < END, "{run:?}");
        });
        scope.spawn(|| {
            let start = Instant::now();
            let child = Command::new(DOCKER)
                .arg("get")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn();
            let mut child = child.unwrap();
            // Nobody writes, nobody closes.
            let held = child.stdin.take();
            let output = child.wait_with_output().unwrap();
            drop(held);
            assert_eq!(output.stdout, b"no end within 10 s\n");
            assert!(!output.status.success() && start.elapsed() < END);
        });
    });
}
