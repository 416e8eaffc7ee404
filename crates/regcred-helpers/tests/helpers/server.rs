//! A server that does as it is told and keeps what it saw.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

pub(crate) struct Server {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Request>>>,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Its path; that of GraphQL is the name of the operation.
    pub(crate) path: String,
    pub(crate) authorization: String,
    /// Its body; that of GraphQL is the variables.
    pub(crate) body: Value,
}

pub(crate) enum Reply {
    Status(u16, Value),
    /// After three seconds.
    Late(u16, Value),
    /// Byte by byte, each after a tenth of a second.
    Drip(Value),
    /// The connection ends.
    Cut,
    /// Nothing, until the client hangs up.
    Silence,
}

impl Server {
    /// Answers what `script` says, by the request.
    pub(crate) fn new(script: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (seen, script) = (Arc::<Mutex<Vec<Request>>>::default(), Arc::new(script));
        let kept = Arc::clone(&seen);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (seen, script) = (Arc::clone(&kept), Arc::clone(&script));
                // A connection that breaks is the client's doing.
                thread::spawn(move || serve(stream, &seen, &*script));
            }
        });
        Self { url, seen }
    }

    pub(crate) fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }

    /// The paths that were asked, in order.
    pub(crate) fn paths(&self) -> Vec<String> {
        self.seen()
            .into_iter()
            .map(|request| request.path)
            .collect()
    }
}

fn serve(
    stream: TcpStream,
    seen: &Mutex<Vec<Request>>,
    script: &dyn Fn(&Request) -> Reply,
) -> Option<()> {
    let mut out = stream.try_clone().ok()?;
    let mut stream = BufReader::new(stream);
    loop {
        let request = receive(&mut stream)?;
        seen.lock().unwrap().push(request.clone());
        match script(&request) {
            Reply::Status(status, body) => out.write_all(&http(status, &body)).ok()?,
            Reply::Late(status, body) => {
                thread::sleep(Duration::from_secs(3));
                out.write_all(&http(status, &body)).ok()?;
            }
            Reply::Drip(body) => {
                for byte in http(200, &body) {
                    out.write_all(&[byte]).ok()?;
                    thread::sleep(Duration::from_millis(100));
                }
            }
            Reply::Cut => return None,
            Reply::Silence => {
                let _hung_up = stream.read(&mut [0]);
                return None;
            }
        }
    }
}

fn receive(stream: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = || {
        let mut line = String::new();
        stream.read_line(&mut line).ok()?;
        Some(line.trim_end().to_owned())
    };
    let first = line()?;
    let mut path = first.split(' ').nth(1)?.to_owned();
    let (mut length, mut authorization) = (0, String::new());
    while let Some((name, value)) = line()?.split_once(": ") {
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap(),
            "authorization" => value.clone_into(&mut authorization),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    let mut body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    if path.ends_with("/graphql") {
        body["operationName"]
            .as_str()
            .unwrap()
            .clone_into(&mut path);
        body = body["variables"].clone();
    }
    Some(Request {
        path,
        authorization,
        body,
    })
}

fn http(status: u16, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\nRetry-After: 60\r\nContent-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// A refusal of regcred's.
pub(crate) fn problem(status: u16, code: &str, detail: &str) -> Reply {
    let field = if detail.contains("project") {
        "project"
    } else {
        "server"
    };
    Reply::Status(
        status,
        json!({"status": status, "code": code, "detail": detail, "field": field, "requestId": "42"}),
    )
}
