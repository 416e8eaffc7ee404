//! Alerts: what is told of credentials that their registry refuses from one moment to the next, and that it arrives.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::store;
use crate::support::{Client, Server, UPDATE, installation, query, regcred};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// Stands in the URL of the webhook, as secrets of chat services do.
const KEY: &str = "hush-in-the-url";

/// Answers every request that comes to `listener`, which is whole with its first chunk or its body.
fn serve(listener: TcpListener, answer: impl Fn(&str) -> String + Send + Sync + 'static) {
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let answer = Arc::clone(&answer);
            thread::spawn(move || {
                let (mut request, mut chunk) = (Vec::new(), [0; 8192]);
                while let Ok(length @ 1..) = stream.read(&mut chunk) {
                    // Whoever tries TLS is turned away.
                    if chunk[0] == 0x16 {
                        return;
                    }
                    request.extend_from_slice(&chunk[..length]);
                    let text = String::from_utf8_lossy(&request).into_owned();
                    if !is_whole(&text) {
                        continue;
                    }
                    request.clear();
                    if stream.write_all(answer(&text).as_bytes()).is_err() {
                        return;
                    }
                }
            });
        }
    });
}

fn is_whole(request: &str) -> bool {
    let Some((_, body)) = request.split_once("\r\n\r\n") else {
        return false;
    };
    header(request, "content-length").map_or(0, |length| length.parse().unwrap()) <= body.len()
}

fn header<'a>(request: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = request.lines();
    lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

/// A registry that lets everybody in who brings a login, until it is told not to.
fn registry() -> (String, Arc<AtomicBool>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let refuses = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&refuses);
    serve(listener, move |request| {
        let lets = header(request, "authorization").is_some() && !told.load(Ordering::Relaxed);
        let status = if lets { "200 OK" } else { "401 No" };
        format!("HTTP/1.1 {status}\r\nwww-authenticate: Basic\r\ncontent-length: 0\r\n\r\n")
    });
    (address, refuses)
}

/// A receiver of webhooks that is not there yet.
struct Receiver {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Receiver {
    fn absent() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        Self {
            address: listener.local_addr().unwrap(),
            seen: Arc::default(),
        }
    }

    /// From now on it takes what comes.
    fn appear(&self) {
        let seen = Arc::clone(&self.seen);
        serve(TcpListener::bind(self.address).unwrap(), move |request| {
            seen.lock().unwrap().push(request.to_owned());
            "HTTP/1.1 204 Thanks\r\n\r\n".to_owned()
        });
    }

    /// What it has seen, once there are so many requests.
    fn wait_for(&self, requests: usize) -> Vec<String> {
        let began = Instant::now();
        loop {
            let seen = self.seen.lock().unwrap().clone();
            if seen.len() >= requests {
                return seen;
            }
            assert!(
                began.elapsed() < Duration::from_secs(40),
                "nothing came: {seen:?}"
            );
            thread::yield_now();
        }
    }
}

/// Settings with a webhook at `receiver`, and this registry allowed.
fn settings(directory: &Path, receiver: SocketAddr, registry: &str) -> std::path::PathBuf {
    let secret = directory.join("webhook-secret");
    std::fs::write(&secret, SECRET).unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    let file = directory.join("regcred.toml");
    let text = format!(
        "[[registries]]\nhost = \"{registry}\"\nallow-private = true\nallow-http = true\n\
         [[webhooks]]\nurl = \"http://{receiver}/in?key={KEY}\"\nsecret-file = \"{}\"\nallow-http = true\n",
        secret.display()
    );
    std::fs::write(&file, text).unwrap();
    file
}

fn start(data: &Path, settings: &Path) -> Server {
    let mut command = regcred(&["serve", "--data-dir", data.to_str().unwrap(), "--config"]);
    command.arg(settings);
    Server::start(command)
}

fn verify(client: &Client<'_>, project: &str, id: &str) -> String {
    let verify = "mutation($c: UUID!, $p: UUID!) { verifyDockerCredentials(id: $c, projectId: $p) { verdict } }";
    let data = client.data(verify, json!({"c": id, "p": project}));
    data["verifyDockerCredentials"]["verdict"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// The signature that Python's `hmac` makes of a request.
fn signature(request: &str) -> String {
    let code = "import base64, hashlib, hmac, sys\n\
        head, body = sys.stdin.buffer.read().split(b'\\r\\n\\r\\n', 1)\n\
        fields = dict(line.split(b': ', 1) for line in head.split(b'\\r\\n')[1:])\n\
        text = b'.'.join([fields[b'webhook-id'], fields[b'webhook-timestamp'], body])\n\
        key = base64.b64decode(sys.argv[1].removeprefix('whsec_'))\n\
        print('v1,' + base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode())";
    let mut child = Command::new("python3")
        .args(["-c", code, SECRET])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(request.as_bytes())
        .unwrap();
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success(), "{done:?}");
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}

/// The body says whose credentials are refused, and that the job `nightly` and the app `web` are concerned.
fn assert_body(request: &str, project: &Value, credentials: &Value) {
    let (_, body) = request.split_once("\r\n\r\n").unwrap();
    let mut told: Value = serde_json::from_str(body).unwrap();
    assert!(told["timestamp"].take().as_str().unwrap().ends_with('Z'));
    let jobs = told["data"]["jobs"].take();
    let apps = told["data"]["apps"].take();
    let names = |list: &Value| {
        let all = list.as_array().unwrap().iter();
        all.map(|one| one["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        (names(&jobs), names(&apps)),
        (vec!["nightly".to_owned()], vec!["web".to_owned()])
    );
    let expected = json!({
        "type": "credentials.rejected",
        "timestamp": null,
        "data": {
            "project": project,
            "credentials": credentials,
            "verdict": "rejected",
            "jobs": null,
            "apps": null,
            "counts": {"jobs": 1, "apps": 1},
        },
    });
    assert_eq!(told, expected);
}

fn metric(server: &Server, line: &str) -> bool {
    server.get("/metrics").text.lines().any(|one| one == line)
}

#[test]
fn a_registry_that_turns_is_told_of_once_signed_and_also_after_kill_9_with_the_receiver_away() {
    let directory = installation();
    let data = directory.path().join("data");
    let ((registry, refuses), receiver) = (registry(), Receiver::absent());
    let settings = settings(directory.path(), receiver.address, &registry);
    let mut server = start(&data, &settings);
    let admin = server.admin();
    let project = admin.create_project("drift");
    let password = "pa55word-of-the-registry";
    let id = admin.create_credentials(&project, Some(&registry), "me", password);
    let image = format!("{registry}/team/app:1");
    admin.create_job(&project, "nightly", &image, Some(&id));
    admin.create_app(&project, "web", &image, Some(&id));
    admin.create_job(&project, "unconcerned", &image, None);

    assert_eq!(verify(&admin, &project, &id), "OK");
    assert!(metric(&server, "regcred_alerts_total{kind=\"rejected\"} 0"));
    refuses.store(true, Ordering::Relaxed);
    for _ in 0..3 {
        assert_eq!(verify(&admin, &project, &id), "REJECTED");
    }
    assert!(
        metric(&server, "regcred_alerts_total{kind=\"rejected\"} 1"),
        "once"
    );
    // The receiver is not there.
    let began = Instant::now();
    let failed = "regcred_webhook_deliveries_total{outcome=\"failed\"}";
    while !server.get("/metrics").text.contains(failed) {
        assert!(began.elapsed() < Duration::from_secs(20));
        thread::yield_now();
    }
    let log = server.log_text();
    for line in [
        "credentials are refused by their registry now",
        "it is tried again",
    ] {
        assert!(log.contains(line), "{log}");
    }
    server.kill();

    receiver.appear();
    let server_again = start(&data, &settings);
    let seen = receiver.wait_for(1);
    let began = Instant::now();
    let delivered = "regcred_webhook_deliveries_total{outcome=\"delivered\"} 1";
    while !metric(&server_again, delivered) {
        assert!(began.elapsed() < Duration::from_secs(20));
        thread::yield_now();
    }
    assert_eq!(query(&data, "SELECT count(*) FROM webhook_delivery"), "0");

    let request = &seen[0];
    assert!(
        request.starts_with(&format!("POST /in?key={KEY} HTTP/1.1\r\n")),
        "{request}"
    );
    assert_eq!(header(request, "content-type"), Some("application/json"));
    assert_eq!(
        header(request, "webhook-signature"),
        Some(signature(request).as_str())
    );
    let credentials = json!({
        "id": id, "registry": registry, "registryKey": registry, "username": "me", "version": 1, "expiresAt": null
    });
    assert_body(
        request,
        &json!({"id": project, "name": "drift"}),
        &credentials,
    );

    // A new password begins anew, and the next alert goes out at once.
    let admin = server_again.admin();
    let upgrade =
        json!({"id": id, "projectId": project, "registry": registry, "password": "another pa55"});
    admin.data(UPDATE, json!({"c": upgrade}));
    assert_eq!(verify(&admin, &project, &id), "REJECTED");
    let seen = receiver.wait_for(2);
    assert!(seen[1].contains("\"version\":2"), "{}", seen[1]);
    assert_ne!(
        header(&seen[0], "webhook-id"),
        header(&seen[1], "webhook-id")
    );

    // No password, and no secret of the webhook, is anywhere that it need not be.
    let log = log + &server_again.log_text();
    let (_, parts): (Vec<_>, Vec<_>) = store::contents(&data).into_iter().unzip();
    let database = String::from_utf8_lossy(&parts.concat()).into_owned();
    for secret in [password, "pa55", KEY, SECRET] {
        assert!(
            !log.contains(secret) && !database.contains(secret),
            "{secret}"
        );
        assert!(secret == KEY || !seen.concat().contains(secret), "{secret}");
    }
}

#[test]
fn a_webhook_that_cannot_be_used_keeps_the_service_from_starting() {
    let directory = installation();
    let data = directory.path().join("data");
    let file = settings(directory.path(), "127.0.0.1:1".parse().unwrap(), "h.x");
    let text = std::fs::read_to_string(&file).unwrap();
    let (head, _) = text.rsplit_once("allow-http").unwrap();
    std::fs::write(&file, head).unwrap();
    let mut command = regcred(&["serve", "--data-dir", data.to_str().unwrap(), "--config"]);
    let log = Server::try_start({
        command.arg(&file);
        command
    });
    let log = log.err().unwrap().join("\n");
    assert!(
        log.contains("number 1 of the settings file is plain http"),
        "{log}"
    );
    assert!(!log.contains(KEY), "{log}");
}
