//! The service, started and asked as a client would.

use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use serde_json::{Value, json};

use super::measure::Operation;
use super::processes::Processes;
use crate::postgres::Cluster;
use crate::shell::{Doing, Failure, Outcome, Shell, command, target};

/// What the service keeps its data in.
#[derive(Clone, Copy)]
pub(super) enum Backend<'a> {
    Sqlite,
    /// A database of its own in this cluster.
    Postgres(&'a Cluster),
}

impl Backend<'_> {
    /// What the report calls the service on it.
    fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "regcred on SQLite",
            Self::Postgres(_) => "regcred on PostgreSQL",
        }
    }
}

/// `regcred serve` on an installation, with an admin who has logged in. Ended with this value.
pub(super) struct Service {
    child: Child,
    name: &'static str,
    /// The database's process, where it has one.
    database: Option<u32>,
    pub(super) url: String,
    pub(super) token: String,
    /// From the start of the process until it answered that it is ready.
    pub(super) ready_after: Duration,
}

/// Docker credentials that are there.
pub(super) struct Credentials {
    pub(super) project: String,
    pub(super) id: String,
}

impl Service {
    /// Makes an installation and starts on it.
    pub(super) fn start(backend: Backend, data: &Path) -> Outcome<Self> {
        Self::make(backend, data)?;
        let mut service = Self::start_again(backend, data)?;
        service.log_in()?;
        Ok(service)
    }

    /// Makes an installation with an admin.
    pub(super) fn make(backend: Backend, data: &Path) -> Outcome {
        let shell = Shell::terminal();
        if let Backend::Postgres(cluster) = backend {
            fs::create_dir_all(data).doing(format_args!("make {}", data.display()))?;
            let name = data.file_name().and_then(|name| name.to_str());
            let name = name.unwrap_or("bench").replace('-', "_");
            let url = cluster.make_database(&shell, &name)?;
            fs::write(data.join("url"), url).doing("write the database's URL")?;
            let mut key = command("openssl", "rand -base64 -out");
            shell.run(key.arg(data.join("kek")).arg("32"))?;
            shell.run(command("chmod", "0400").arg(data.join("kek")))?;
        }
        let mut create = command("sh", "-c");
        create.arg("printf '%s' \"$PASSWORD\" | \"$0\" user \"$@\" 2>/dev/null >/dev/null");
        create
            .arg(regcred()?)
            .args(format!("create {LOGIN} --admin --password-stdin").split(' '))
            .env("PASSWORD", PASSWORD);
        shell.run(at(&mut create, backend, data)?)
    }

    /// Starts on an installation that is there, without a login.
    pub(super) fn start_again(backend: Backend, data: &Path) -> Outcome<Self> {
        let started = Instant::now();
        // The registries of a benchmark are names that nobody has: nothing is to be sent to them.
        let mut serve = command(
            regcred()?,
            "serve --listen 127.0.0.1:0 --log-format json --verify-every off",
        );
        at(&mut serve, backend, data)?
            .stdin(Stdio::null())
            .stderr(Stdio::piped());
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
            name: backend.name(),
            database: match backend {
                Backend::Sqlite => None,
                Backend::Postgres(cluster) => Some(cluster.process()?),
            },
            url,
            token: String::new(),
            ready_after,
        })
    }

    /// What takes part in answering.
    pub(super) fn processes(&self) -> Processes {
        let service = Processes::new([self.child.id()]);
        match self.database {
            Some(database) => service.with(database),
            None => service,
        }
    }

    /// A script that asks by GraphQL.
    pub(super) fn graphql(&self, name: &str, script: PathBuf) -> Operation {
        self.operation(name, script, GRAPHQL)
    }

    /// A script that pulls.
    pub(super) fn pulling(&self, script: PathBuf) -> Operation {
        self.operation("resolve", script, "/api/v1/pull")
    }

    /// A script that logs in.
    pub(super) fn logging_in(&self, script: PathBuf) -> Operation {
        self.operation("login", script, AUTHENTICATE)
    }

    fn operation(&self, name: &str, script: PathBuf, path: &str) -> Operation {
        Operation {
            name: name.to_owned(),
            of: self.name,
            script,
            url: format!("{}{path}", self.url),
            processes: self.processes(),
        }
    }

    /// Creates a project; its id.
    pub(super) fn project(&self, name: &str) -> Outcome<String> {
        let query = "mutation($name: String!) { createProject(project: {name: $name}) { id } }";
        let data = self.ask(query, &json!({"name": name}))?;
        let id = data.pointer("/createProject/id").and_then(Value::as_str);
        id.map(str::to_owned)
            .ok_or_else(|| Failure::new("a project without an id"))
    }

    /// A hundred projects, so that none grows out of proportion.
    pub(super) fn projects(&self) -> Outcome<Vec<String>> {
        (0..100)
            .map(|number| self.project(&format!("bench{number}")))
            .collect()
    }

    /// Creates credentials.
    pub(super) fn credentials(&self, project: &str, username: &str) -> Outcome<Credentials> {
        let query = "mutation($c: DockerCredentialsInput) { createDockerCredentials(dockerCredentials: $c) { id } }";
        let input = json!({"registry": "registry.example.com", "username": username,
                           "password": "correct horse battery staple", "projectId": project});
        let data = self.ask(query, &json!({"c": input}))?;
        let id = data
            .pointer("/createDockerCredentials/id")
            .and_then(Value::as_str);
        let id = id.ok_or_else(|| Failure::new("credentials without an id"))?;
        Ok(Credentials {
            project: project.to_owned(),
            id: id.to_owned(),
        })
    }

    /// Creates a service token with one right; its text.
    pub(super) fn service_token(&self, project: &str, right: &str) -> Outcome<String> {
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

    pub(super) fn log_in(&mut self) -> Outcome {
        let body = json!({"login": LOGIN, "password": PASSWORD}).to_string();
        let request = ureq::post(format!("{}{AUTHENTICATE}", self.url));
        let request = request.header("content-type", "application/json");
        self.token = read(request.send(body))?;
        Ok(())
    }

    fn ask(&self, query: &str, variables: &Value) -> Outcome<Value> {
        let body = json!({"query": query, "variables": variables}).to_string();
        let request = ureq::post(format!("{}{GRAPHQL}", self.url))
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

/// Tells a command where the installation is.
fn at<'a>(regcred: &'a mut Command, backend: Backend, data: &Path) -> Outcome<&'a mut Command> {
    Ok(match backend {
        Backend::Sqlite => regcred.arg("--data-dir").arg(data),
        Backend::Postgres(_) => {
            let file = data.join("url");
            let url = fs::read_to_string(&file).doing(format_args!("read {}", file.display()))?;
            regcred
                .env("REGCRED_DATABASE_URL", url)
                .env("REGCRED_KEK_FILE", data.join("kek"))
        }
    })
}

fn regcred() -> Outcome<PathBuf> {
    Ok(target()?.join("release/regcred"))
}

/// The URL that the log tells once the service is ready. What follows is read and thrown away.
fn ready(log: ChildStderr) -> Option<String> {
    let mut log = BufReader::new(log);
    let url = log.by_ref().lines().map_while(Result::ok).find_map(|line| {
        let event: Value = serde_json::from_str(&line).ok()?;
        let text = |name| event.get(name).and_then(Value::as_str);
        (text("message") == Some("ready"))
            .then(|| text("url").map(str::to_owned))
            .flatten()
    });
    // Cheaply, as this runs beside what is measured.
    thread::spawn(move || io::copy(&mut log, &mut io::sink()));
    url
}

fn read(done: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Outcome<String> {
    done.and_then(|mut response| response.body_mut().read_to_string())
        .map_err(|error| Failure::new(format!("a request to the service failed: {error}")))
}

pub(super) const LOGIN: &str = "admin";
pub(super) const PASSWORD: &str = "correct horse battery";
/// Covered by the credentials that are made here, and by one of the ten in each project that `fill` makes.
pub(super) const IMAGE: &str = "registry.example.com/team3/app:1.0";
const GRAPHQL: &str = "/projects/api/platform/1/graphql";
const AUTHENTICATE: &str = "/authentication/api/open/authenticate";
