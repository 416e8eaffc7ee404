//! The OpenBao server as a yardstick of pulls and creates: durable, sealed, and audited to a file.
//!
//! It keeps its data by Raft, of one node: its release has no other storage on the local disk. Its audit device writes
//! each request and each answer before it answers, but does not wait for the disk as ours does.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::load::Scripts;
use super::measure::Operation;
use super::processes::Processes;
use super::yardstick::free_address;
use crate::shell::{Doing, Failure, Outcome, Shell, command};
use crate::tools;

/// A running server with one secret. Ended with this value.
pub(super) struct OpenBao {
    child: Child,
    url: String,
    audit: PathBuf,
    /// May read and write secrets, and nothing else.
    token: String,
}

impl OpenBao {
    /// Makes an installation in the folder, opens it, and puts the secret in.
    pub(super) fn start(shell: &Shell, folder: &Path) -> Outcome<Self> {
        let program = tools::openbao(shell)?;
        let storage = folder.join("storage");
        fs::create_dir_all(&storage).doing(format_args!("make {}", storage.display()))?;
        let (address, cluster) = (free_address()?, free_address()?);
        let audit = folder.join("audit.log");
        let settings = folder.join("openbao.hcl");
        let text = format!(
            r#"storage "raft" {{
  path = "{}"
  node_id = "one"
}}
listener "tcp" {{
  address = "{address}"
  tls_disable = true
}}
api_addr = "http://{address}"
cluster_addr = "http://{cluster}"
log_level = "error"
audit "file" "file" {{
  options {{
    file_path = "{}"
  }}
}}
"#,
            storage.display(),
            audit.display()
        );
        fs::write(&settings, text).doing(format_args!("write {}", settings.display()))?;
        let log = folder.join("openbao.log");
        let log = File::create(&log).doing(format_args!("make {}", log.display()))?;
        let mut server = command(program, "server -config");
        server
            .arg(&settings)
            .stdin(Stdio::null())
            .stdout(log.try_clone().doing("share the log of OpenBao")?)
            .stderr(log);
        let child = server.spawn().doing("start OpenBao")?;
        let mut openbao = Self {
            child,
            url: format!("http://{address}/v1"),
            audit,
            token: String::new(),
        };
        openbao.token = openbao.fill()?;
        Ok(openbao)
    }

    /// Reads of the one secret.
    pub(super) fn reading(&self, folder: &Path) -> Outcome<Operation> {
        let script = self.scripts(folder).read_secret()?;
        Ok(self.operation("KV read", script, SECRET))
    }

    /// Writes of new secrets.
    pub(super) fn writing(&self, folder: &Path) -> Outcome<Operation> {
        let script = self.scripts(folder).write_secret()?;
        Ok(self.operation("KV write", script, NEW_SECRETS))
    }

    /// Runs what asks it; a failure where that left no trace in the log of the audit device.
    pub(super) fn audited<T>(&self, measure: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
        let length =
            || fs::metadata(&self.audit).doing("look at the log of OpenBao's audit device");
        let before = length()?.len();
        let done = measure()?;
        if length()?.len() == before {
            return Err(Failure::new("OpenBao did not audit what it was asked"));
        }
        Ok(done)
    }

    fn scripts<'a>(&'a self, folder: &'a Path) -> Scripts<'a> {
        let token = &self.token;
        Scripts { folder, token }
    }

    fn operation(&self, name: &str, script: PathBuf, path: &str) -> Operation {
        Operation {
            name: name.to_owned(),
            of: "OpenBao with file audit",
            script,
            url: format!("{}/{path}", self.url),
            processes: Processes::new([self.child.id()]),
        }
    }

    /// Opens the installation and writes the secret; the token that reads and writes.
    fn fill(&self) -> Outcome<String> {
        let keys = json!({"secret_shares": 1, "secret_threshold": 1});
        let made = self.until_it_answers("sys/init", "", &keys)?;
        let root = text(&made, "/root_token")?;
        let key = text(&made, "/keys/0")?;
        self.until_it_answers("sys/unseal", "", &json!({"key": key}))?;
        let engine = json!({"type": "kv", "options": {"version": "2"}});
        self.until_it_answers("sys/mounts/secret", &root, &engine)?;
        let secret = json!({"data": {
            "registryKey": "registry.example.com",
            "username": "ci-bot",
            "password": "correct horse battery staple",
        }});
        self.until_it_answers(SECRET, &root, &secret)?;
        let policy = "path \"secret/data/*\" { capabilities = [\"create\", \"read\", \"update\"] }";
        let policy = json!({"policy": policy});
        self.until_it_answers("sys/policies/acl/bench", &root, &policy)?;
        let rights = json!({"policies": ["bench"], "ttl": "24h"});
        let token = self.until_it_answers("auth/token/create", &root, &rights)?;
        text(&token, "/auth/client_token")
    }

    /// It refuses for a moment after each step.
    fn until_it_answers(&self, path: &str, token: &str, body: &Value) -> Outcome<Value> {
        let started = Instant::now();
        loop {
            let request = ureq::post(format!("{}/{path}", self.url)).header("x-vault-token", token);
            let done = request
                .send(body.to_string())
                .and_then(|mut response| response.body_mut().read_to_string());
            match done {
                Ok(text) => return Ok(serde_json::from_str(&text).unwrap_or_default()),
                Err(error) if started.elapsed() > PATIENCE => {
                    return Err(Failure::new(format!("OpenBao refuses {path}: {error}")));
                }
                Err(_) => thread::sleep(Duration::from_millis(50)),
            }
        }
    }
}

impl Drop for OpenBao {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn text(answer: &Value, pointer: &str) -> Outcome<String> {
    let found = answer.pointer(pointer).and_then(Value::as_str);
    found
        .map(str::to_owned)
        .ok_or_else(|| Failure::new(format!("OpenBao's answer has no {pointer}")))
}

const SECRET: &str = "secret/data/registry";
/// A name is appended.
const NEW_SECRETS: &str = "secret/data/new/";
const PATIENCE: Duration = Duration::from_secs(20);
