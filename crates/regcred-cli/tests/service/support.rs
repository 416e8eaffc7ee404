//! Starting the program, talking to it, and looking at what it leaves behind.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::store;

/// A running service, ended with this value.
pub(crate) struct Server {
    child: Child,
    /// Every line of its log so far.
    pub(crate) log: Arc<Mutex<Vec<String>>>,
    pub(crate) url: String,
    agent: ureq::Agent,
    /// What goes with it.
    place: Option<TempDir>,
}

/// An answer over HTTP.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: ureq::http::HeaderMap,
    pub(crate) text: String,
}

/// Longer than anything takes that is to succeed.
const PATIENCE: Duration = Duration::from_secs(30);
pub(crate) const ADMIN: &str = "admin";
pub(crate) const PASSWORD: &str = "correct horse battery";

/// The program with these arguments, free of the settings of whoever runs the tests.
pub(crate) fn regcred(arguments: &[&str]) -> Command {
    let mut command = store::program();
    command.args(arguments);
    for (name, _) in std::env::vars_os() {
        // Which server has the databases is for what makes them, and goes no further.
        let for_databases = store::on_postgres() && name == "REGCRED_TEST_POSTGRES";
        if name.to_string_lossy().starts_with("REGCRED_") && !for_databases {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a command to its end, with `input` on its standard input.
pub(crate) fn run(mut command: Command, input: &str) -> Output {
    let pipe = Stdio::piped;
    let mut child = command
        .stdin(pipe())
        .stdout(pipe())
        .stderr(pipe())
        .spawn()
        .unwrap();
    // It may have ended without reading.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// Creates an admin in a data directory.
pub(crate) fn create_admin(data: &Path) {
    let data = data.to_str().unwrap();
    let create = [
        "user",
        "create",
        ADMIN,
        "--admin",
        "--password-stdin",
        "--data-dir",
        data,
    ];
    let done = run(regcred(&create), PASSWORD);
    assert!(done.status.success(), "{done:?}");
}

/// The first value that a query of the database gives.
pub(crate) fn query(data: &Path, sql: &str) -> String {
    store::rows(data, sql).swap_remove(0)
}

/// A data directory with an admin in it; `data` is below it.
pub(crate) fn installation() -> TempDir {
    let directory = TempDir::new().unwrap();
    create_admin(&directory.path().join("data"));
    directory
}

/// Makes a certificate that signs itself, `cert.pem` with `key.pem`, for these alternative names.
pub(crate) fn certify(directory: &Path, name: &str, names: &str) {
    let subject = format!("/CN={name}");
    let names = format!("subjectAltName={names}");
    let made = Command::new("openssl")
        .args("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1".split(' '))
        .args("-keyout key.pem -out cert.pem -addext basicConstraints=CA:FALSE".split(' '))
        .args(["-subj", &subject, "-addext", &names])
        .current_dir(directory)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
}

impl Server {
    /// `serve --dev` with the password [`PASSWORD`].
    pub(crate) fn dev() -> Self {
        let mut command = regcred(&["serve", "--dev", "--dev-admin-password", PASSWORD]);
        if !store::on_postgres() {
            return Self::start(command);
        }
        // It throws nothing away there, so it is not asked to.
        let place = TempDir::new().unwrap();
        command.arg("--data-dir").arg(place.path().join("data"));
        let mut server = Self::start(command);
        server.place = Some(place);
        server
    }

    /// `serve` on an installation.
    pub(crate) fn on(data: &Path) -> Self {
        Self::start(regcred(&["serve", "--data-dir", data.to_str().unwrap()]))
    }

    /// Starts `command` on a free port, and waits until it is ready.
    pub(crate) fn start(command: Command) -> Self {
        Self::try_start(command).unwrap_or_else(|log| panic!("it did not start: {log:?}"))
    }

    /// The lines of the log where it ended instead.
    pub(crate) fn try_start(mut command: Command) -> Result<Self, Vec<String>> {
        let mut child = command
            .args(["--listen", "127.0.0.1:0", "--log-format", "json"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let ready = follow(child.stderr.take().unwrap(), Arc::clone(&log));
        let Ok(url) = ready.recv_timeout(Duration::from_mins(1)) else {
            let _ = child.kill();
            let _ = child.wait();
            return Err(log.lock().unwrap().clone());
        };
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            // Not the one for everything: with it each request would resolve names in a thread of its own.
            .timeout_connect(Some(PATIENCE))
            .timeout_send_body(Some(PATIENCE))
            .timeout_recv_response(Some(PATIENCE))
            .timeout_recv_body(Some(PATIENCE))
            .max_idle_connections_per_host(64)
            // The service closes what is idle for ten seconds.
            .max_idle_age(Duration::from_secs(3))
            .build()
            .new_agent();
        Ok(Self {
            child,
            log,
            url,
            agent,
            place: None,
        })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// `127.0.0.1:PORT`.
    pub(crate) fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Whether it ended well, once it has ended.
    pub(crate) fn stop_ended(&mut self) -> bool {
        self.child.wait().unwrap().success()
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        assert!(
            Command::new("kill")
                .args(["-s", name, &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.get_with(path, &[])
    }

    pub(crate) fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = self.agent.get(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        answer(request.call())
    }

    pub(crate) fn post(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        self.try_post(path, headers, body).unwrap()
    }

    /// An error where the connection broke.
    pub(crate) fn try_post(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer, ureq::Error> {
        let mut request = self.agent.post(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        read(request.send(body))
    }

    pub(crate) fn login(&self, login: &str, password: &str) -> Answer {
        let body = json!({"login": login, "password": password}).to_string();
        self.post(LOGIN, &[JSON, ("saagie-realm", "any")], body.as_bytes())
    }

    pub(crate) fn token(&self, login: &str, password: &str) -> String {
        let answer = self.login(login, password);
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.text
    }

    pub(crate) fn admin(&self) -> Client<'_> {
        self.client(self.token(ADMIN, PASSWORD))
    }

    pub(crate) fn client(&self, token: String) -> Client<'_> {
        Client {
            server: self,
            token,
        }
    }

    /// Every line of the log so far, as one text.
    pub(crate) fn log_text(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Somebody with a token.
#[derive(Clone)]
pub(crate) struct Client<'a> {
    pub(crate) server: &'a Server,
    pub(crate) token: String,
}

impl Client<'_> {
    /// One GraphQL request as it is answered.
    pub(crate) fn post(&self, query: &str, variables: Value) -> Answer {
        self.try_post(query, variables).unwrap()
    }

    pub(crate) fn try_post(&self, query: &str, variables: Value) -> Result<Answer, ureq::Error> {
        let body = json!({"query": query, "variables": variables}).to_string();
        let bearer = format!("Bearer {}", self.token);
        self.server.try_post(
            PLATFORM,
            &[JSON, ("authorization", &bearer)],
            body.as_bytes(),
        )
    }

    /// The data of an answer without errors.
    pub(crate) fn data(&self, query: &str, variables: Value) -> Value {
        let answer = self.post(query, variables);
        let mut body = answer.json();
        assert!(
            answer.status == 200 && body.get("errors").is_none(),
            "{query}: {answer:?}"
        );
        body["data"].take()
    }

    /// Code and message of the first error of an answer.
    pub(crate) fn refused(&self, query: &str, variables: Value) -> (String, String) {
        self.post(query, variables).error()
    }

    pub(crate) fn create_project(&self, name: &str) -> String {
        let query = "mutation($p: ProjectInput!) { createProject(project: $p) { id } }";
        id(
            &self.data(query, json!({"p": {"name": name}})),
            "createProject",
        )
    }

    pub(crate) fn create_credentials(
        &self,
        project: &str,
        registry: Option<&str>,
        username: &str,
        password: &str,
    ) -> String {
        let input = json!({"projectId": project, "registry": registry, "username": username, "password": password});
        id(
            &self.data(CREATE, json!({"c": input})),
            "createDockerCredentials",
        )
    }

    pub(crate) fn list(&self, project: &str) -> Vec<Value> {
        let mut data = self.data(LIST, json!({"p": project}));
        data["allDockerCredentials"]
            .take()
            .as_array()
            .unwrap()
            .clone()
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// Code and message of the first error; there is no data beside it.
    pub(crate) fn error(&self) -> (String, String) {
        let body = self.json();
        assert!(self.status == 200 && body["data"].is_null(), "{self:?}");
        let error = &body["errors"][0];
        let text = |value: &Value| {
            value
                .as_str()
                .unwrap_or_else(|| panic!("{self:?}"))
                .to_owned()
        };
        (text(&error["extensions"]["code"]), text(&error["message"]))
    }
}

pub(crate) const LOGIN: &str = "/authentication/api/open/authenticate";
pub(crate) const PLATFORM: &str = "/projects/api/platform/1/graphql";
pub(crate) const GATEWAY: &str = "/gateway/api/graphql";
pub(crate) const JSON: (&str, &str) = ("content-type", "application/json");
pub(crate) const CREATE: &str = "mutation($c: DockerCredentialsInput) \
    { createDockerCredentials(dockerCredentials: $c) { id registry username lastUpdate } }";
pub(crate) const UPDATE: &str = "mutation($c: DockerCredentialsUpdate) \
    { updateDockerCredentials(dockerCredentialsUpdate: $c) { id registry username lastUpdate } }";
pub(crate) const LIST: &str = "query($p: UUID!) \
    { allDockerCredentials(projectId: $p) { id registry username lastUpdate jobs { id } } }";

fn id(data: &Value, field: &str) -> String {
    data[field]["id"].as_str().unwrap().to_owned()
}

fn answer(done: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Answer {
    read(done).unwrap()
}

fn read(
    done: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
) -> Result<Answer, ureq::Error> {
    let (head, mut body) = done?.into_parts();
    let text = body.read_to_string()?;
    Ok(Answer {
        status: head.status.as_u16(),
        headers: head.headers,
        text,
    })
}

/// Keeps the lines of a log; tells the URL once the service is ready.
fn follow(stderr: std::process::ChildStderr, log: Arc<Mutex<Vec<String>>>) -> Receiver<String> {
    let (tell, ready) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            let event: Value = serde_json::from_str(&line).unwrap_or_default();
            if event["message"] == "ready" {
                let _ = tell.send(event["url"].as_str().unwrap().to_owned());
            }
            log.lock().unwrap().push(line);
        }
    });
    ready
}
