//! Registries on loopback that stand in for those that accept and refuse at will; real ones are in tests/verifying.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

/// What a registry was asked, as text.
pub(crate) type Requests = Arc<Mutex<Vec<String>>>;
/// The passwords that a registry accepts now.
pub(crate) type Accepted = Arc<Mutex<BTreeSet<String>>>;

/// A registry that lets `me` in with this password, by Basic, and lets pull from `team/app` alone; its address.
pub(crate) fn registry(password: &str) -> (String, Requests) {
    let (address, seen, _) = changing_registry(password);
    (address, seen)
}

/// The same, and the passwords that it accepts, which may be changed.
pub(crate) fn changing_registry(password: &str) -> (String, Requests, Accepted) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let seen = Requests::default();
    let accepted = Accepted::default();
    accepted.lock().unwrap().insert(password.to_owned());
    let (log, passwords) = (Arc::clone(&seen), Arc::clone(&accepted));
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let (passwords, log) = (Arc::clone(&passwords), Arc::clone(&log));
            thread::spawn(move || {
                let mut chunk = [0; 8192];
                while let Ok(length @ 1..) = stream.read(&mut chunk) {
                    if chunk[0] == 0x16 {
                        return;
                    }
                    let request = String::from_utf8_lossy(&chunk[..length]).into_owned();
                    let known = passwords.lock().unwrap().iter().any(|password| {
                        request.contains(&format!("Basic {}", base64(&format!("me:{password}"))))
                    });
                    let status = match known {
                        true if request.contains("/manifests/")
                            && !request.contains("/team/app/") =>
                        {
                            "403 No"
                        }
                        true => "200 OK",
                        false => "401 No",
                    };
                    log.lock().unwrap().push(request);
                    let answer = format!(
                        "HTTP/1.1 {status}\r\nwww-authenticate: Basic\r\ncontent-length: 0\r\n\r\n"
                    );
                    if stream.write_all(answer.as_bytes()).is_err() {
                        return;
                    }
                }
            });
        }
    });
    (address, seen, accepted)
}

/// A registry that asks everybody who they are, and then keeps silent; what it saw.
pub(crate) fn silent_registry() -> (String, Requests) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let log = Arc::clone(&log);
            thread::spawn(move || {
                let mut chunk = [0; 8192];
                while let Ok(length @ 1..) = stream.read(&mut chunk) {
                    if chunk[0] == 0x16 {
                        return;
                    }
                    let request = String::from_utf8_lossy(&chunk[..length]).into_owned();
                    let logs_in = request.contains("authorization: ");
                    log.lock().unwrap().push(request);
                    let answer =
                        b"HTTP/1.1 401 No\r\nwww-authenticate: Basic\r\ncontent-length: 0\r\n\r\n";
                    if !logs_in && stream.write_all(answer).is_err() {
                        return;
                    }
                }
            });
        }
    });
    (address, seen)
}

pub(crate) fn base64(text: &str) -> String {
    use base64::prelude::{BASE64_STANDARD, Engine as _};
    BASE64_STANDARD.encode(text)
}
