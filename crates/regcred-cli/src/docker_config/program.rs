//! Running a credential helper, as docker does: one argument, the key on standard input, the answer on standard output.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use regcred_client::Secret;
use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;

/// A helper by the name under which files have it: `docker-credential-NAME` on the PATH.
pub(crate) struct Program(String);

/// Why a helper gave nothing, as the end of a sentence that begins with its name. It holds no secret.
#[derive(Debug)]
pub(crate) enum NoAnswer {
    /// It says that it has nothing for the key.
    NotFound,
    /// Everything else.
    Failed(String),
}

impl Program {
    /// A name that has a path in it is refused: it is to be looked for on the PATH.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        let fits = !name.is_empty() && name.bytes().all(fits);
        fits.then(|| Self(format!("docker-credential-{name}")))
    }

    /// The program's name.
    pub(crate) fn name(&self) -> &str {
        &self.0
    }

    /// Where it lies, the first on the PATH that may be run, as clients written in Go look for it. They run nothing that
    /// lies in a relative directory.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        self.places().find(|place| is_executable(place))
    }

    /// The places on the PATH where it may lie; an empty one is the directory in which one is.
    fn places(&self) -> impl Iterator<Item = PathBuf> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let directories: Vec<_> = std::env::split_paths(&path).collect();
        directories.into_iter().map(|directory| {
            let is_empty = directory.as_os_str().is_empty();
            let directory = if is_empty {
                PathBuf::from(".")
            } else {
                directory
            };
            directory.join(&self.0)
        })
    }

    /// Whether there is a file of this name on the PATH that may not be run.
    pub(crate) fn path_of_no_program(&self) -> Option<PathBuf> {
        self.places().find(|place| place.is_file())
    }

    /// The username and the password that it has for a key, as it says them.
    pub(crate) async fn get(&self, key: &str) -> Result<(String, Secret), NoAnswer> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Answer {
            username: String,
            secret: Secret,
        }
        let out = self.run("get", key).await?;
        let answer: Answer = serde_json::from_str(out.expose())
            .map_err(|_| NoAnswer::Failed("answers in a form that is no helper's".to_owned()))?;
        Ok((answer.username, answer.secret))
    }

    /// The keys that it has credentials for, with their usernames.
    pub(crate) async fn list(&self) -> Result<BTreeMap<String, String>, NoAnswer> {
        let out = self.run("list", "").await?;
        serde_json::from_str(out.expose())
            .map_err(|_| NoAnswer::Failed("answers in a form that is no helper's".to_owned()))
    }

    async fn run(&self, action: &str, stdin: &str) -> Result<Secret, NoAnswer> {
        let path = self.path();
        let path = path.ok_or_else(|| NoAnswer::Failed("is not on the PATH".to_owned()))?;
        if path.is_relative() {
            let why =
                "is found through a relative directory of the PATH, where docker runs nothing";
            return Err(NoAnswer::Failed(why.to_owned()));
        }
        let running = answer(&path, action, stdin);
        let answer = tokio::time::timeout(MOST_TIME, running).await;
        let answer = answer.map_err(|_| {
            NoAnswer::Failed(format!("gives no answer within {} s", MOST_TIME.as_secs()))
        })?;
        let (is_success, out) = answer.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => NoAnswer::Failed(format!(
                "cannot be run: {} is there, but its interpreter or loader is missing",
                path.display()
            )),
            _ => NoAnswer::Failed(format!("cannot be run: {error}")),
        })?;
        if is_success {
            return Ok(out);
        }
        let said = out.expose().trim();
        if said == NOT_FOUND {
            return Err(NoAnswer::NotFound);
        }
        let said: String = said.chars().take(200).collect();
        Err(NoAnswer::Failed(format!("fails: {said}")))
    }
}

/// Runs the program at this path; whether it succeeds, and what it prints.
async fn answer(program: &Path, action: &str, stdin: &str) -> io::Result<(bool, Secret)> {
    let mut child = Command::new(program)
        .arg(action)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    if let Some(mut pipe) = child.stdin.take() {
        // Whoever does not read it, as some do not for `list`, has closed it.
        let _ = pipe.write_all(stdin.as_bytes()).await;
    }
    // A buffer that grows leaves copies behind that nobody wipes.
    let mut bytes = Vec::with_capacity(MOST_BYTES + 1);
    if let Some(out) = child.stdout.take() {
        out.take(MOST_BYTES as u64 + 1)
            .read_to_end(&mut bytes)
            .await?;
    }
    if bytes.len() > MOST_BYTES {
        return Err(io::Error::other("it answers without an end"));
    }
    let status = child.wait().await?;
    let text = String::from_utf8(bytes).map_err(|_| io::Error::other("it answers in no UTF-8"))?;
    Ok((status.success(), Secret::new(text)))
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
}

/// What a helper says that has nothing for a key; the words are fixed.
const NOT_FOUND: &str = "credentials not found in native keychain";
const MOST_TIME: Duration = Duration::from_secs(30);
const MOST_BYTES: usize = 1 << 20;
