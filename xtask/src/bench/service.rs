//! The service and its yardstick, started and asked as a client would.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, ChildStderr, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::shell::{Doing, Failure, Outcome, Shell, command, target};

/// `regcred serve` on a data directory, with an admin who has logged in. Ended with this value.
pub(crate) struct Service {
    child: Child,
    pub(crate) url: String,
    pub(crate) token: String,
    /// From the start of the process until it answered that it is ready.
    pub(crate) ready_after: Duration,
}

impl Service {
    /// Makes an installation and starts on it.
    pub(crate) fn start(data: &Path) -> Outcome<Self> {
        let key = format!("create {LOGIN} --admin --password-stdin --data-dir");
        let mut create = command("sh", "-c");
        create.arg("printf '%s' \"$PASSWORD\" | \"$0\" user \"$@\" 2>/dev/null >/dev/null");
        create
            .arg(regcred()?)
            .args(key.split(' '))
            .arg(data)
            .env("PASSWORD", PASSWORD);
        Shell::terminal().run(&mut create)?;
        let mut service = Self::start_again(data)?;
        service.token = service.log_in()?;
        Ok(service)
    }

    /// Starts on an installation that is there, without a login.
    pub(crate) fn start_again(data: &Path) -> Outcome<Self> {
        let started = Instant::now();
        let mut serve = command(
            regcred()?,
            "serve --listen 127.0.0.1:0 --log-format json --data-dir",
        );
        serve.arg(data).stdin(Stdio::null()).stderr(Stdio::piped());
        let mut child = serve.spawn().doing("start regcred")?;
        let log = child.stderr.take();
        let url = log
            .and_then(ready)
            .ok_or_else(|| Failure::new("regcred did not start"))?;
        let ready = ureq::get(format!("{url}/readyz")).call();
        ready.map_err(|error| Failure::new(format!("regcred is not ready: {error}")))?;
        let ready_after = started.elapsed();
        Ok(Self {
            child,
            url,
            token: String::new(),
            ready_after,
        })
    }

    /// The URL of its GraphQL endpoint.
    pub(crate) fn graphql(&self) -> String {
        format!("{}/projects/api/platform/1/graphql", self.url)
    }

    /// Creates a project; its id.
    pub(crate) fn project(&self, name: &str) -> Outcome<String> {
        let query = "mutation($name: String!) { createProject(project: {name: $name}) { id } }";
        let data = self.ask(query, &json!({"name": name}))?;
        let id = data.pointer("/createProject/id").and_then(Value::as_str);
        id.map(str::to_owned)
            .ok_or_else(|| Failure::new("a project without an id"))
    }

    /// Creates credentials.
    pub(crate) fn credentials(&self, project: &str, username: &str) -> Outcome {
        let query = "mutation($c: DockerCredentialsInput) { createDockerCredentials(dockerCredentials: $c) { id } }";
        let input = json!({"registry": "registry.example.com", "username": username,
                           "password": "correct horse battery staple", "projectId": project});
        self.ask(query, &json!({"c": input})).map(drop)
    }

    /// Creates a service token with one right; its text.
    pub(crate) fn service_token(&self, project: &str, right: &str) -> Outcome<String> {
        let query =
            "mutation($t: ServiceTokenInput!) { createServiceToken(serviceToken: $t) { token } }";
        let input = json!({"name": "bench", "projectIds": [project], "rights": [right]});
        let data = self.ask(query, &json!({"t": input}))?;
        let token = data
            .pointer("/createServiceToken/token")
            .and_then(Value::as_str);
        token
            .map(str::to_owned)
            .ok_or_else(|| Failure::new("a service token without its text"))
    }

    /// How many credentials were created since it was started: the number of answers that its metrics tell.
    pub(crate) fn count(&self) -> Outcome<u64> {
        let text = read(ureq::get(format!("{}/metrics", self.url)).call())?;
        let line = "regcred_http_requests_total{route=\"/projects/api/platform/{platform}/graphql\",status=\"200\"} ";
        let number = text
            .lines()
            .find_map(|found| found.strip_prefix(line)?.parse().ok());
        Ok(number.unwrap_or(0))
    }

    /// Memory that is in use.
    pub(crate) fn resident_mib(&self) -> Outcome<f64> {
        let file = format!("/proc/{}/status", self.child.id());
        let status = fs::read_to_string(&file).doing(format_args!("read {file}"))?;
        let kib = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"));
        let kib: f64 = kib
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| Failure::new(format!("{file} does not tell the memory")))?;
        Ok(kib / 1_024.0)
    }

    fn log_in(&self) -> Outcome<String> {
        let body = json!({"login": LOGIN, "password": PASSWORD}).to_string();
        let request = ureq::post(format!("{}/authentication/api/open/authenticate", self.url));
        read(
            request
                .header("content-type", "application/json")
                .send(body),
        )
    }

    fn ask(&self, query: &str, variables: &Value) -> Outcome<Value> {
        let body = json!({"query": query, "variables": variables}).to_string();
        let request = ureq::post(self.graphql())
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {}", self.token));
        let text = read(request.send(body))?;
        let mut answer: Value = serde_json::from_str(&text)
            .map_err(|error| Failure::new(format!("{error}: {text}")))?;
        match answer.get_mut("data") {
            Some(data) if !data.is_null() => Ok(data.take()),
            _ => Err(Failure::new(format!("refused: {text}"))),
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An example of the server's crate that answers the same from constants. Ended with this value.
pub(crate) struct Yardstick {
    child: Child,
    pub(crate) url: String,
}

impl Yardstick {
    pub(crate) fn start(example: &str) -> Outcome<Self> {
        let address = free_address()?;
        let program = target()?.join("release/examples").join(example);
        let child = command(program, &address)
            .spawn()
            .doing(format_args!("start {example}"))?;
        let yardstick = Self {
            child,
            url: format!("http://{address}/"),
        };
        let started = Instant::now();
        while std::net::TcpStream::connect(&address).is_err() {
            if started.elapsed() > Duration::from_secs(10) {
                return Err(Failure::new(format!("{example} did not start")));
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(yardstick)
    }
}

impl Drop for Yardstick {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that nobody has at the moment.
pub(crate) fn free_address() -> Outcome<String> {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
    Ok(free.doing("find a free port")?.to_string())
}

fn regcred() -> Outcome<std::path::PathBuf> {
    Ok(target()?.join("release/regcred"))
}

/// The URL that the log tells once the service is ready. What follows is read and thrown away.
fn ready(log: ChildStderr) -> Option<String> {
    let mut lines = BufReader::new(log).lines();
    let url = lines.by_ref().map_while(Result::ok).find_map(|line| {
        let event: Value = serde_json::from_str(&line).ok()?;
        let text = |name| event.get(name).and_then(Value::as_str);
        (text("message") == Some("ready"))
            .then(|| text("url").map(str::to_owned))
            .flatten()
    });
    thread::spawn(move || lines.for_each(drop));
    url
}

fn read(done: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Outcome<String> {
    done.and_then(|mut response| response.body_mut().read_to_string())
        .map_err(|error| Failure::new(format!("a request to the service failed: {error}")))
}

pub(crate) const LOGIN: &str = "admin";
pub(crate) const PASSWORD: &str = "correct horse battery";
