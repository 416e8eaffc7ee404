//! A running `regcred serve --dev`, and HTTP written by hand: a client library would not send what is wrong on purpose.
#![allow(dead_code, reason = "each test uses a part")]

use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

/// A service of its own for a test, ended with it.
pub(crate) struct Server {
    child: Child,
    address: String,
    /// The token of a session of the admin.
    pub(crate) token: String,
    /// Kept open, for the service may print to it.
    _stdout: BufReader<ChildStdout>,
}

impl Server {
    /// Starts the service and logs in.
    pub(crate) fn start() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_regcred"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("REGCRED_") {
                command.env_remove(name);
            }
        }
        let arguments = [
            "--listen",
            "127.0.0.1:0",
            "--log",
            "warn",
            "--dev-admin-password",
            PASSWORD,
        ];
        let mut child = command
            .args(["serve", "--dev"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let address = loop {
            let mut line = String::new();
            assert!(
                stdout.read_line(&mut line).unwrap() > 0,
                "the service did not start"
            );
            if let Some(address) = line.strip_prefix("regcred is ready at http://") {
                break address.trim().to_owned();
            }
        };
        let mut server = Self {
            child,
            address,
            token: String::new(),
            _stdout: stdout,
        };
        let login = format!("{{\"login\":\"admin\",\"password\":\"{PASSWORD}\"}}");
        let answer = server.raw(&request("POST", LOGIN, &[JSON], login.as_bytes()));
        assert_eq!(answer.status, 200, "{answer:?}");
        server.token = answer.text;
        server
    }

    /// Opens a connection.
    pub(crate) fn connect(&self) -> Connection {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Connection(BufReader::new(stream))
    }

    /// Sends bytes on a connection of their own, and reads one answer.
    pub(crate) fn raw(&self, bytes: &[u8]) -> Answer {
        let mut connection = self.connect();
        connection.send(bytes).unwrap();
        connection.answer().unwrap()
    }

    /// The bytes of a GraphQL request of the admin.
    pub(crate) fn graphql(&self, body: &[u8]) -> Vec<u8> {
        request("POST", PLATFORM, &[JSON, &self.authorization()], body)
    }

    /// The header of the admin.
    pub(crate) fn authorization(&self) -> String {
        format!("authorization: Bearer {}", self.token)
    }

    /// Whether the process that was started still answers.
    pub(crate) fn lives(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
            && self.raw(&request("GET", "/livez", &[], b"")).text == "ok\n"
    }

    /// What the process has used of the CPU so far, by all its threads.
    pub(crate) fn cpu(&self) -> Duration {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let nanos = |task: io::Result<fs::DirEntry>| -> Option<u64> {
            let text = fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
            text.split_whitespace().next()?.parse().ok()
        };
        Duration::from_nanos(tasks.filter_map(nanos).sum())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A connection, for one request after the other.
pub(crate) struct Connection(BufReader<TcpStream>);

impl Connection {
    /// Fails where the other end has closed.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.get_mut().write_all(bytes)
    }

    /// Reads one answer; fails where there is none.
    pub(crate) fn answer(&mut self) -> io::Result<Answer> {
        let status_line = self.line()?;
        let status = status_line
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| io::Error::other(format!("no HTTP: {status_line:?}")))?;
        let mut headers: Vec<(String, String)> = Vec::new();
        loop {
            let line = self.line()?;
            match line.split_once(':') {
                Some((name, value)) => headers.push((name.to_lowercase(), value.trim().to_owned())),
                None => break,
            }
        }
        let mut body = Vec::new();
        match headers.iter().find(|(name, _)| name == "content-length") {
            Some((_, length)) => {
                body.resize(length.parse().map_err(io::Error::other)?, 0);
                self.0.read_exact(&mut body)?;
            }
            None => {
                self.0.read_to_end(&mut body)?;
            }
        }
        let text = String::from_utf8(body).map_err(io::Error::other)?;
        Ok(Answer {
            status,
            headers,
            text,
        })
    }

    /// Waits until the other end has closed, and whatever it sent before that.
    pub(crate) fn rest(&mut self) -> io::Result<Vec<u8>> {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest)?;
        Ok(rest)
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.0.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }
}

/// An answer over HTTP.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|header| header.0 == name)
            .map(|header| header.1.as_str())
    }

    /// The body; null where it is no JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }
}

/// The bytes of a request.
pub(crate) fn request(method: &str, path: &str, headers: &[&str], body: &[u8]) -> Vec<u8> {
    let length = format!("content-length: {}", body.len());
    let headers = [headers, &[&length]].concat();
    [&head(method, path, &headers), body].concat()
}

/// The bytes of a request without its body; what they say of its length is up to `headers`.
pub(crate) fn head(method: &str, path: &str, headers: &[&str]) -> Vec<u8> {
    let headers = [&["host: localhost"], headers].concat().join("\r\n");
    format!("{method} {path} HTTP/1.1\r\n{headers}\r\n\r\n").into_bytes()
}

pub(crate) const PASSWORD: &str = "correct horse battery";
pub(crate) const LOGIN: &str = "/authentication/api/open/authenticate";
pub(crate) const PLATFORM: &str = "/projects/api/platform/1/graphql";
pub(crate) const GATEWAY: &str = "/gateway/api/graphql";
pub(crate) const JSON: &str = "content-type: application/json";

/// Longer than any timer of the service.
const PATIENCE: Duration = Duration::from_secs(30);
