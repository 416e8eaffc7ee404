//! HTTP written by hand: a client library would not send what is wrong on purpose.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use crate::support::{self, ADMIN, PASSWORD};

/// A service of its own for a test, and the token of its admin.
pub(super) struct Server {
    service: support::Server,
    pub(super) token: String,
}

impl Server {
    /// Starts the service and logs in.
    pub(super) fn start() -> Self {
        let service = support::Server::dev();
        let token = service.token(ADMIN, PASSWORD);
        Self { service, token }
    }

    /// Opens a connection.
    pub(super) fn connect(&self) -> Connection {
        let stream = TcpStream::connect(self.service.address()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Connection(BufReader::new(stream))
    }

    /// Sends bytes on a connection of their own, and reads one answer.
    pub(super) fn raw(&self, bytes: &[u8]) -> Answer {
        let mut connection = self.connect();
        connection.send(bytes).unwrap();
        connection.answer().unwrap()
    }

    /// The header of the admin.
    pub(super) fn authorization(&self) -> String {
        format!("authorization: Bearer {}", self.token)
    }

    /// Whether the process still answers.
    pub(super) fn lives(&self) -> bool {
        self.raw(&request("GET", "/livez", &[], b"")).text == "ok\n"
    }

    /// What the process has used of the CPU so far, by all its threads.
    pub(super) fn cpu(&self) -> Duration {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.service.pid())).unwrap();
        let nanos = |task: io::Result<fs::DirEntry>| -> Option<u64> {
            let text = fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
            text.split_whitespace().next()?.parse().ok()
        };
        Duration::from_nanos(tasks.filter_map(nanos).sum())
    }
}

/// A connection, for one request after the other.
pub(super) struct Connection(BufReader<TcpStream>);

impl Connection {
    /// Fails where the other end has closed.
    pub(super) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.get_mut().write_all(bytes)
    }

    /// Reads one answer; fails where there is none.
    pub(super) fn answer(&mut self) -> io::Result<Answer> {
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
    pub(super) fn rest(&mut self) -> io::Result<Vec<u8>> {
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
pub(super) struct Answer {
    pub(super) status: u16,
    /// Names in lower case.
    pub(super) headers: Vec<(String, String)>,
    pub(super) text: String,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|header| header.0 == name)
            .map(|header| header.1.as_str())
    }

    /// The body; null where it is no JSON.
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }
}

/// The bytes of a request.
pub(super) fn request(method: &str, path: &str, headers: &[&str], body: &[u8]) -> Vec<u8> {
    let length = format!("content-length: {}", body.len());
    let headers = [headers, &[&length]].concat();
    [&head(method, path, &headers), body].concat()
}

/// The bytes of a request without its body; what they say of its length is up to `headers`.
pub(super) fn head(method: &str, path: &str, headers: &[&str]) -> Vec<u8> {
    let headers = [&["host: localhost"], headers].concat().join("\r\n");
    format!("{method} {path} HTTP/1.1\r\n{headers}\r\n\r\n").into_bytes()
}

pub(super) const JSON: &str = "content-type: application/json";

/// Longer than any timer of the service.
const PATIENCE: Duration = Duration::from_secs(30);
