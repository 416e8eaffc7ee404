//! A server that answers what it is told to, and keeps every byte that it gets.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What is answered to a request, given its text; nothing at all where it is `None`.
pub(crate) type Script = Arc<dyn Fn(&str) -> Option<Vec<u8>> + Send + Sync>;

/// A listening server. It ends with the process.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<u8>>>,
    script: Arc<Mutex<Script>>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let silent: Script = Arc::new(|_| None);
        let script = Arc::new(Mutex::new(silent));
        let (all, told) = (Arc::clone(&seen), Arc::clone(&script));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (all, told) = (Arc::clone(&all), Arc::clone(&told));
                thread::spawn(move || serve(stream, &all, &told));
            }
        });
        Self {
            address,
            seen,
            script,
        }
    }

    /// What it answers from now on.
    pub(crate) fn answers(&self, script: impl Fn(&str) -> Option<Vec<u8>> + Send + Sync + 'static) {
        *self.script.lock().unwrap() = Arc::new(script);
    }

    /// Every byte that came, as text.
    pub(crate) fn seen(&self) -> String {
        String::from_utf8_lossy(&self.seen.lock().unwrap()).into_owned()
    }
}

fn serve(mut stream: TcpStream, seen: &Mutex<Vec<u8>>, script: &Mutex<Script>) {
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let mut request = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let Ok(length @ 1..) = stream.read(&mut chunk) else {
            return;
        };
        seen.lock().unwrap().extend_from_slice(&chunk[..length]);
        request.extend_from_slice(&chunk[..length]);
        // Whoever tries TLS is turned away.
        if request[0] == 0x16 {
            return;
        }
        let text = String::from_utf8_lossy(&request).into_owned();
        if !is_whole(&text) {
            continue;
        }
        request.clear();
        let script = Arc::clone(&script.lock().unwrap());
        let Some(answer) = script(&text) else {
            // Silence, until the other end gives up.
            while let Ok(1..) = stream.read(&mut chunk) {}
            return;
        };
        if stream.write_all(&answer).is_err() {
            return;
        }
    }
}

/// Whether the head of a request is there, and as much of a body as it says.
fn is_whole(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    length.map_or(0, |length| length.parse().unwrap()) <= body.len()
}

/// A whole answer in HTTP.
pub(crate) fn http(status: u16, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut text = format!(
        "HTTP/1.1 {status} Some Words\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        text.extend([name, ": ", value, "\r\n"]);
    }
    text.push_str("\r\n");
    // An answer to HEAD has no body, and none of the cases gives one.
    text.push_str(body);
    text.into_bytes()
}
