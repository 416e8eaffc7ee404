//! Running it: signals, health, metrics, logs, connections.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::store;
use crate::support::{PASSWORD, Server, certify, create_admin, installation, regcred, run};

#[test]
fn dev_prints_commands_that_work_as_they_stand() {
    pasted(&[]);
    pasted(&[
        "--dev-admin-password",
        "it's \\ \"quoted\" $HOME",
        "--realm",
        "o'brien",
    ]);
}

fn pasted(arguments: &[&str]) {
    let mut child = regcred(&["serve", "--dev", "--listen", "127.0.0.1:0"])
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut text = String::new();
    let mut chunk = [0; 4096];
    while !text.contains("docker_credentials.list_for_project") {
        let length = stdout.read(&mut chunk).unwrap();
        assert!(length > 0, "{text}");
        text.push_str(std::str::from_utf8(&chunk[..length]).unwrap());
    }
    let from = text.find("  printf").unwrap();
    let to = text.find("With curl").unwrap();
    let home = TempDir::new().unwrap();
    let pasted = Command::new("bash")
        .args(["-euc", &text[from..to]])
        .env("HOME", home.path())
        .env_remove("XDG_CONFIG_HOME")
        .output()
        .unwrap();
    let listed = String::from_utf8(pasted.stdout).unwrap();
    let mut lines = listed.lines().rev();
    assert_eq!(lines.next(), Some("my-password"), "{:?}", pasted.stderr);
    let row = lines.next().unwrap_or_default();
    assert!(row.starts_with("ci-bot    ghcr.io"), "{listed}");
    let from = text.find("  TOKEN=").unwrap();
    let to = text.find("With Python").unwrap();
    let pasted = Command::new("bash")
        .args(["-euc", &text[from..to]])
        .output()
        .unwrap();
    let answer = String::from_utf8(pasted.stdout).unwrap();
    assert_eq!(
        answer.trim(),
        r#"{"data":{"allDockerCredentials":[{"username":"ci-bot"}]}}"#,
        "{:?}",
        pasted.stderr
    );
    let data = text
        .lines()
        .find(|line| line.trim_start().starts_with("data "))
        .unwrap();
    assert!(data.contains("temporary"), "{data}");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_stop_finishes_what_is_under_way() {
    let directory = installation();
    let data = directory.path().join("data");
    let mut server = Server::on(&data);
    let admin = server.admin();
    let body = json!({"query": "mutation { createProject(project: {name: \"late\"}) { id } }"})
        .to_string();
    let head = format!(
        "POST /projects/api/platform/1/graphql HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nexpect: 100-continue\r\n\r\n",
        admin.token,
        body.len()
    );
    let mut connection = TcpStream::connect(server.address()).unwrap();
    connection.write_all(head.as_bytes()).unwrap();
    // It asks for the body: the request is under way.
    let mut go_on = [0; 25];
    connection.read_exact(&mut go_on).unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    connection.write_all(&body.as_bytes()[..10]).unwrap();
    // Once the log says that it stops, the rest of the request is sent.
    server.signal("TERM");
    wait_for(&server, "stopping");
    connection.write_all(&body.as_bytes()[10..]).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    assert!(
        answer.contains("createProject") && answer.contains("connection: close"),
        "{answer}"
    );
    assert!(server.stop_ended(), "exit code 0");
    let server = Server::on(&data);
    let listed = server.admin().data("{ projects { name } }", json!({}));
    assert_eq!(listed["projects"], json!([{"name": "late"}]));
}

#[test]
fn health_and_metrics_are_told() {
    let server = Server::dev();
    assert_eq!(
        (
            server.get("/livez").text.as_str(),
            server.get("/readyz").text.as_str()
        ),
        ("ok\n", "ok\n")
    );
    server.login("admin", "wrong");
    server.admin().list(&server.admin().create_project("p"));
    let metrics = server.get("/metrics");
    assert!(
        metrics.headers["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/plain; version=0.0.4")
    );
    for line in [
        "regcred_http_requests_total{route=\"/livez\",status=\"200\"} 1",
        "regcred_http_requests_total{route=\"/projects/api/platform/{platform}/graphql\",status=\"200\"} 2",
        "regcred_http_requests_total{route=\"/authentication/api/open/authenticate\",status=\"401\"} 1",
        "regcred_logins_total{outcome=\"ok\"} 2",
        "regcred_logins_total{outcome=\"wrong\"} 1",
        "# TYPE regcred_http_request_duration_seconds histogram",
    ] {
        assert!(metrics.text.contains(line), "{line}\n{}", metrics.text);
    }
}

#[test]
fn the_log_is_json_when_nobody_watches_and_names_requests() {
    let mut command = regcred(&["serve", "--dev", "--dev-admin-password", PASSWORD]);
    command.env("REGCRED_LOG", "regcred_server=debug");
    let server = Server::start(command);
    let answer = server.get("/livez");
    let id = answer.headers["x-request-id"].to_str().unwrap().to_owned();
    wait_for(&server, &id);
    let lines = server.log_text();
    for line in lines.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        assert!(
            event["timestamp"].is_string()
                && event["level"].is_string()
                && event["message"].is_string()
        );
    }
    let line = lines.lines().find(|line| line.contains(&id)).unwrap();
    let event: Value = serde_json::from_str(line).unwrap();
    assert_eq!(
        (&event["route"], &event["status"]),
        (&json!("/livez"), &json!(200))
    );
}

#[test]
fn settings_come_from_flags_then_variables_then_the_file() {
    let directory = TempDir::new().unwrap();
    let data = directory.path().join("data");
    create_admin(&data);
    let file = directory.path().join("regcred.toml");
    let text = store::settings(&data) + "platform = 3\nrealm = \"file\"\n";
    fs::write(&file, text).unwrap();
    let start = |variable: Option<&str>, flag: Option<&str>| {
        let mut command = regcred(&["serve", "--config", file.to_str().unwrap()]);
        command.envs(variable.map(|value| ("REGCRED_PLATFORM", value)));
        command.args(flag.map(|value| ["--platform", value]).iter().flatten());
        Server::start(command)
    };
    for (variable, flag, platform) in [
        (None, None, 3),
        (Some("4"), None, 4),
        (Some("4"), Some("5"), 5),
    ] {
        let server = start(variable, flag);
        let login = json!({"login": "admin", "password": PASSWORD}).to_string();
        let headers = [crate::support::JSON, ("saagie-realm", "file")];
        let token = server
            .post(crate::support::LOGIN, &headers, login.as_bytes())
            .text;
        let path = format!("/projects/api/platform/{platform}/graphql");
        let bearer = format!("Bearer {token}");
        let headers = [crate::support::JSON, ("authorization", bearer.as_str())];
        let answer = server.post(&path, &headers, b"{\"query\":\"{ platform { id } }\"}");
        assert_eq!(answer.json()["data"]["platform"]["id"], platform);
    }
}

#[test]
fn a_service_without_users_says_what_to_do() {
    let directory = TempDir::new().unwrap();
    let server = Server::on(&directory.path().join("data"));
    let log = server.log_text();
    assert!(log.contains("regcred user create LOGIN --admin"), "{log}");
    // A database of PostgreSQL has no directory in which one could be made.
    let made = log.contains("a key-encryption key was made beside the database");
    assert_eq!(made, !store::on_postgres(), "{log}");
    assert_eq!(server.login("admin", PASSWORD).status, 401);
}

#[test]
fn slow_heads_and_slow_readers_lose_their_connection() {
    let server = Server::dev();
    let token = server.admin().token;
    // Half a head, and then nothing.
    let mut slow = TcpStream::connect(server.address()).unwrap();
    slow.write_all(b"GET /livez HTTP/1.1\r\nhost: h\r\n")
        .unwrap();
    // Half a body, and then nothing.
    let mut half = TcpStream::connect(server.address()).unwrap();
    let head = format!(
        "POST /projects/api/platform/1/graphql HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: 100\r\n\r\n{{"
    );
    half.write_all(head.as_bytes()).unwrap();
    // Requests without end, whose answers are never read.
    let deaf = TcpStream::connect(server.address()).unwrap();
    deaf.set_nonblocking(true).unwrap();
    let started = Instant::now();
    let request = b"GET /metrics HTTP/1.1\r\nhost: h\r\n\r\n".repeat(100);
    let mut cut = false;
    while !cut && started.elapsed() < Duration::from_secs(30) {
        match (&deaf).write(&request) {
            Err(error) if error.kind() != std::io::ErrorKind::WouldBlock => cut = true,
            _ => std::thread::yield_now(),
        }
    }
    assert!(cut, "the deaf one was cut after {:?}", started.elapsed());
    for (name, connection, says) in [("head", &mut slow, ""), ("body", &mut half, "408")] {
        connection
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        assert!(answer.contains(says), "{name}: {answer}");
    }
    assert!(started.elapsed() < Duration::from_secs(30));
    assert_eq!(server.get("/livez").status, 200);
}

#[test]
fn tls_is_served_and_its_certificate_read_again() {
    let directory = installation();
    let (cert, key) = (
        directory.path().join("cert.pem"),
        directory.path().join("key.pem"),
    );
    let certify = |name: &str| certify(directory.path(), name, "IP:127.0.0.1");
    certify("first");
    let mut command = regcred(&[
        "serve",
        "--data-dir",
        directory.path().join("data").to_str().unwrap(),
    ]);
    command
        .arg("--tls-cert")
        .arg(&cert)
        .arg("--tls-key")
        .arg(&key);
    let server = Server::start(command);
    assert!(server.url.starts_with("https://"), "{}", server.url);
    let ask = |versions: &[&str]| {
        let mut curl = Command::new("curl");
        curl.args(["-sS", "--cacert"])
            .arg(&cert)
            .args(versions)
            .arg(format!("{}/livez", server.url));
        run(curl, "")
    };
    assert_eq!(ask(&["--tlsv1.3"]).stdout, b"ok\n");
    assert_eq!(ask(&["--tlsv1.2", "--tls-max", "1.2"]).stdout, b"ok\n");
    assert!(!ask(&["--tlsv1.1", "--tls-max", "1.1"]).status.success());
    certify("second");
    let started = Instant::now();
    // The new certificate is the only one that curl trusts now.
    while ask(&[]).stdout != b"ok\n" {
        assert!(
            started.elapsed() < Duration::from_secs(30),
            "the new certificate is not served"
        );
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn wait_for(server: &Server, text: &str) {
    let started = Instant::now();
    while !server.log_text().contains(text) {
        assert!(
            started.elapsed() < Duration::from_secs(20),
            "{text} is not in the log"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}
