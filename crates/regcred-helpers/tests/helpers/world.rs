//! One user of the programs: a home of their own, a server, and what each run comes to.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::server::{Reply, Request, Server, problem};

pub(crate) const TOKEN: &str = "rc_svc_t0ken-of-a-machine";
pub(crate) const PASSWORD: &str = "r3gistry-pa55word";
pub(crate) const PROJECT: &str = "860b8dc8-e734-4c98-b2e7-f9ec32ab4771";
pub(crate) const CREDENTIALS: &str = "0cb2662f-84eb-4a7d-93cb-2340f7773bce";
pub(crate) const NOT_FOUND: &str = "credentials not found in native keychain\n";

pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) home: TempDir,
    pub(crate) variables: BTreeMap<String, String>,
}

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) ok: bool,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) time: Duration,
}

impl World {
    pub(crate) fn new(script: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let server = Server::new(script);
        let variables = [
            ("REGCRED_URL", server.url.as_str()),
            ("REGCRED_TOKEN", TOKEN),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self {
            variables: variables.into(),
            server,
            home: TempDir::new().unwrap(),
        }
    }

    /// One whose server gives everybody the credentials of this registry key.
    pub(crate) fn giving(registry_key: &'static str) -> Self {
        Self::new(move |_| given(registry_key))
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.variables.remove(name).unwrap();
        self
    }

    pub(crate) fn write(&self, file: &str, text: &str, mode: u32) -> PathBuf {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.home.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    pub(crate) fn docker(&self, action: &str, stdin: impl AsRef<[u8]>) -> Run {
        self.run(DOCKER, &[action], stdin.as_ref())
    }

    pub(crate) fn kubelet(&self, stdin: impl AsRef<[u8]>) -> Run {
        self.run(KUBELET, &[], stdin.as_ref())
    }

    pub(crate) fn run(&self, program: &str, arguments: &[&str], stdin: &[u8]) -> Run {
        let start = Instant::now();
        let mut child = Command::new(program)
            .args(arguments)
            .env_clear()
            .env("HOME", self.home.path())
            .envs(&self.variables)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        let output = thread::scope(|scope| {
            scope.spawn(move || {
                // It may end before it read everything.
                let _ = input.write_all(stdin);
            });
            child.wait_with_output().unwrap()
        });
        // By itself, not by a signal or a panic.
        assert!(matches!(output.status.code(), Some(0 | 1)), "{output:?}");
        let run = Run {
            ok: output.status.success(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            time: start.elapsed(),
        };
        run.holds_no_secret_where_none_belongs();
        run
    }

    /// All files of the home, with their bytes.
    pub(crate) fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        let mut directories = vec![self.home.path().to_owned()];
        while let Some(directory) = directories.pop() {
            for entry in std::fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    directories.push(path);
                } else {
                    let bytes = std::fs::read(&path).unwrap();
                    files.push((path, bytes));
                }
            }
        }
        files
    }
}

impl Run {
    fn holds_no_secret_where_none_belongs(&self) {
        for secret in [TOKEN, PASSWORD] {
            assert!(!self.stderr.contains(secret), "{self:?}");
            assert!(self.ok || !self.stdout.contains(secret), "{self:?}");
        }
        assert!(!self.stdout.contains(TOKEN), "{self:?}");
        for line in self.stderr.lines() {
            assert!(!line.contains(char::is_control), "{self:?}");
        }
    }

    /// The answer in JSON.
    pub(crate) fn json(&self) -> Value {
        assert!(self.ok, "{self:?}");
        serde_json::from_str(&self.stdout).unwrap()
    }

    /// That docker's helper failed with one line, which has this part.
    pub(crate) fn failed_with(&self, part: &str) {
        assert!(!self.ok, "{self:?}");
        assert!(
            self.stdout.ends_with('\n') && self.stdout.lines().count() == 1,
            "{self:?}"
        );
        assert!(self.stdout.contains(part), "{part}: {self:?}");
        let line = self.stdout.trim_end();
        assert!(
            self.stderr
                .contains(&format!("docker-credential-regcred: {line}; ")),
            "{self:?}"
        );
        assert!(
            line == NOT_FOUND.trim_end() || !line.contains("not found in native"),
            "{self:?}"
        );
    }

    /// That the kubelet's provider failed with this part, and printed nothing else.
    pub(crate) fn provides_nothing(&self, part: &str) {
        assert!(!self.ok && self.stdout.is_empty(), "{self:?}");
        assert!(self.stderr.contains(part), "{part}: {self:?}");
    }
}

/// The credentials of a registry key.
pub(crate) fn given(registry_key: &str) -> Reply {
    Reply::Status(200, credentials(registry_key))
}

pub(crate) fn credentials(registry_key: &str) -> Value {
    json!({
        "registryKey": registry_key, "username": "bot", "password": PASSWORD, "credentialsId": CREDENTIALS,
        "expiresAt": null,
    })
}

pub(crate) fn no_match() -> Reply {
    problem(
        404,
        "NO_MATCH",
        "there are no credentials for it in the project demo",
    )
}

pub(crate) fn file_name(path: &Path) -> &OsStr {
    path.file_name().unwrap()
}

pub(crate) const DOCKER: &str = env!("CARGO_BIN_EXE_docker-credential-regcred");
pub(crate) const KUBELET: &str = env!("CARGO_BIN_EXE_regcred-kubelet-provider");
