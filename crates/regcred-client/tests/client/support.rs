//! A server that does as it is told and keeps what it saw, on threads and sockets of its own.

use std::borrow::Borrow;
use std::fmt::{Debug, Display};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use regcred_client::regcred::{Explanation, Pull, Pulled};
use regcred_client::{Client, ClientBuilder, CredentialsId, Error, ProjectId, Secret};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

pub(crate) const PROJECT: &str = "860b8dc8-e734-4c98-b2e7-f9ec32ab4771";
pub(crate) const CREDENTIALS: &str = "0cb2662f-84eb-4a7d-93cb-2340f7773bce";
pub(crate) const LOGIN_PATH: &str = "/authentication/api/open/authenticate";
/// The secrets of the tests. No error may show one of them.
pub(crate) const SECRETS: [&str; 3] = ["l0gin-pa55word", "rc_s_t0ken-of-old", "r3gistry-pa55word"];
pub(crate) const LOGIN_PASSWORD: &str = SECRETS[0];
pub(crate) const TOKEN: &str = SECRETS[1];
pub(crate) const REGISTRY_PASSWORD: &str = SECRETS[2];

pub(crate) struct Server {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Request>>>,
    ended: Arc<AtomicBool>,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) path: String,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
    /// Which connection it came on, counted from 0.
    pub(crate) connection: usize,
}

/// What the server does about a request.
pub(crate) enum Reply {
    /// These bytes, after which the connection stays open.
    Bytes(Vec<u8>),
    /// These bytes, and the end of the connection.
    Last(Vec<u8>),
    /// One byte of these in a tenth of a second.
    Drip(Vec<u8>),
    /// The head, and then the same again and again as long as it is taken.
    Flood {
        head: Vec<u8>,
        again: Vec<u8>,
        written: Arc<Mutex<usize>>,
    },
    /// These bytes, after so long.
    Late(Duration, Vec<u8>),
    /// Nothing, until the client hangs up.
    Silence,
}

/// How connections begin before there is HTTP.
#[derive(Clone, Default)]
pub(crate) struct Opening {
    /// A proxy's `CONNECT`, which is granted, whatever it names.
    pub(crate) tunnel: bool,
    pub(crate) tls: Option<Arc<ServerConfig>>,
}

impl Server {
    /// Answers what `script` says, by the request and how many came before it.
    pub(crate) fn new(script: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static) -> Self {
        Self::on(
            TcpListener::bind("127.0.0.1:0").unwrap(),
            Opening::default(),
            script,
        )
    }

    pub(crate) fn on(
        listener: TcpListener,
        opening: Opening,
        script: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let address = listener.local_addr().unwrap();
        let scheme = if opening.tls.is_some() {
            "https"
        } else {
            "http"
        };
        let server = Self {
            url: format!("{scheme}://{address}"),
            seen: Arc::default(),
            ended: Arc::default(),
        };
        let (seen, ended) = (Arc::clone(&server.seen), Arc::clone(&server.ended));
        let script = Arc::new(script);
        thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(stream) = stream else { return };
                let (seen, script, opening) =
                    (Arc::clone(&seen), Arc::clone(&script), opening.clone());
                // A connection that breaks is the client's doing, and what it made of it is what counts.
                thread::spawn(move || open(stream, &opening, number, &seen, &*script));
            }
        });
        server
    }

    /// One that gives everybody the same answer, which says where it ends.
    pub(crate) fn saying(answer: Vec<u8>) -> Self {
        Self::new(move |_, _| Reply::Bytes(answer.clone()))
    }

    /// One that says the same to everybody and hangs up.
    pub(crate) fn uttering(bytes: &'static [u8]) -> Self {
        Self::new(move |_, _| Reply::Last(bytes.to_vec()))
    }

    pub(crate) fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn port(&self) -> &str {
        self.url.rsplit(':').next().unwrap()
    }

    /// A client with [`TOKEN`].
    pub(crate) fn client(&self) -> Client {
        with_token(Client::builder(&self.url))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        let address = self.url.rsplit('/').next().unwrap();
        let _wakes_it = TcpStream::connect(address);
    }
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(key, _)| key == name);
        let value = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "{name} came twice: {self:?}");
        value
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn is_login(&self) -> bool {
        self.path.ends_with(LOGIN_PATH)
    }
}

fn open(
    mut stream: TcpStream,
    opening: &Opening,
    number: usize,
    seen: &Mutex<Vec<Request>>,
    script: &dyn Fn(&Request, usize) -> Reply,
) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    if opening.tunnel {
        let request = receive(&mut BufReader::new(stream.try_clone().ok()?), number)?;
        seen.lock().unwrap().push(request);
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").ok()?;
    }
    let Some(config) = &opening.tls else {
        return serve(stream, number, seen, script);
    };
    let connection = ServerConnection::new(Arc::clone(config)).unwrap();
    serve(StreamOwned::new(connection, stream), number, seen, script)
}

fn serve(
    stream: impl Read + Write,
    number: usize,
    seen: &Mutex<Vec<Request>>,
    script: &dyn Fn(&Request, usize) -> Reply,
) -> Option<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let request = receive(&mut stream, number)?;
        let before = {
            let mut seen = seen.lock().unwrap();
            seen.push(request.clone());
            seen.len() - 1
        };
        let out = stream.get_mut();
        match script(&request, before) {
            Reply::Bytes(bytes) => out.write_all(&bytes).ok()?,
            Reply::Last(bytes) => {
                out.write_all(&bytes).ok()?;
                return out.flush().ok();
            }
            Reply::Drip(bytes) => {
                for byte in bytes {
                    out.write_all(&[byte]).ok()?;
                    thread::sleep(Duration::from_millis(100));
                }
            }
            Reply::Late(after, bytes) => {
                thread::sleep(after);
                out.write_all(&bytes).ok()?;
            }
            Reply::Flood {
                head,
                again,
                written,
            } => {
                out.write_all(&head).ok()?;
                loop {
                    out.write_all(&again).ok()?;
                    *written.lock().unwrap() += again.len();
                }
            }
            Reply::Silence => {
                let _hung_up = out.read(&mut [0]);
                return None;
            }
        }
        out.flush().ok()?;
    }
}

fn receive(stream: &mut impl BufRead, connection: usize) -> Option<Request> {
    let mut line = || {
        let mut line = String::new();
        stream.read_line(&mut line).ok()?;
        Some(line.trim_end().to_owned())
    };
    let first = line()?;
    let path = first.split(' ').nth(1)?.to_owned();
    let mut headers = Vec::new();
    loop {
        let line = line()?;
        let Some((name, value)) = line.split_once(": ") else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.map_or(0, |(_, length)| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(Request {
        path,
        headers,
        body: String::from_utf8(body).unwrap(),
        connection,
    })
}

/// An answer over HTTP; `headers` are whole lines.
pub(crate) fn http(status: &str, headers: &[&str], body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let mut answer = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n", body.len());
    for header in headers {
        answer.push_str(header);
        answer.push_str("\r\n");
    }
    answer.push_str("\r\n");
    let mut answer = answer.into_bytes();
    answer.extend_from_slice(body);
    answer
}

pub(crate) fn text(text: &str) -> Vec<u8> {
    http("200 OK", &["Content-Type: text/plain"], text)
}

pub(crate) fn json_text(text: impl AsRef<[u8]>) -> Vec<u8> {
    http("200 OK", &["Content-Type: application/json"], text)
}

pub(crate) fn data(data: impl Borrow<Value>) -> Vec<u8> {
    json_text(json!({ "data": data.borrow() }).to_string())
}

/// Data of every operation on credentials, of which each takes its own.
pub(crate) fn all_data() -> Vec<u8> {
    data(json!({
        "allDockerCredentials": [credentials()], "dockerCredentials": credentials(),
        "createDockerCredentials": credentials(), "updateDockerCredentials": credentials(),
        "deleteDockerCredentials": true,
    }))
}

pub(crate) fn credentials() -> Value {
    json!({
        "id": CREDENTIALS, "registry": "ghcr.io", "username": "bot", "lastUpdate": "2022-04-26T14:20:17.118Z",
        "jobs": [], "apps": [],
    })
}

pub(crate) fn project() -> ProjectId {
    PROJECT.parse().unwrap()
}

pub(crate) fn id() -> CredentialsId {
    CREDENTIALS.parse().unwrap()
}

pub(crate) fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

pub(crate) fn with_token(builder: ClientBuilder) -> Client {
    builder.token(secret(TOKEN)).unwrap()
}

pub(crate) async fn log_in(builder: ClientBuilder) -> Result<Client, Error> {
    builder.login("ada", secret(LOGIN_PASSWORD)).await
}

/// A change.
pub(crate) async fn create(client: &Client) -> Result<(), Error> {
    let (credentials, password) = (client.docker_credentials(), secret(REGISTRY_PASSWORD));
    let created = credentials.create(project(), "bot", &password, "ghcr.io");
    created.await.map(|_| ())
}

/// What only reads.
pub(crate) async fn list(client: &Client) -> Result<usize, Error> {
    let all = client
        .docker_credentials()
        .list_for_project(project())
        .await;
    all.map(|all| all.len())
}

/// A pull of an image in the one project of the token.
pub(crate) async fn pull(client: &Client) -> Result<Pulled, Error> {
    client
        .regcred()
        .pull(&Pull::image("ghcr.io/acme/app:1"))
        .await
}

pub(crate) async fn explain(client: &Client) -> Result<Explanation, Error> {
    let pull = Pull::server("ghcr.io").project("demo");
    client.regcred().explain(&pull).await
}

/// What a pull is answered with.
pub(crate) fn pulled() -> Value {
    json!({
        "registryKey": "ghcr.io/acme", "username": "bot", "password": REGISTRY_PASSWORD,
        "credentialsId": CREDENTIALS, "expiresAt": "2027-01-01T00:00:00.000Z",
    })
}

/// The error, once it is sure that it shows no secret, and is one line.
pub(crate) fn failed<T: Debug>(done: Result<T, Error>) -> Error {
    let error = done.unwrap_err();
    shows_no_secret(&error);
    assert!(!error.to_string().contains(char::is_control), "{error}");
    error
}

pub(crate) fn shows_no_secret(shown: &(impl Debug + Display)) {
    let all = format!("{shown} {shown:?} {shown:#?}");
    for secret in SECRETS {
        assert!(!all.contains(secret), "{all}");
    }
}
