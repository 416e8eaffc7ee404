//! No secret anywhere it does not belong: the files, the log at its most talkative, metrics, answers.

use std::fmt::Write as _;
use std::fs;

use serde_json::json;

use crate::store;
use crate::support::{CREATE, Server, UPDATE, create_admin, regcred};

#[test]
fn two_hundred_known_secrets_leave_no_trace() {
    let directory = tempfile::TempDir::new().unwrap();
    let data = directory.path().join("data");
    create_admin(&data);
    let mut command = regcred(&["serve", "--data-dir", data.to_str().unwrap()]);
    command.env("REGCRED_LOG", "trace");
    let server = Server::start(command);
    let admin = server.admin();
    let project = admin.create_project("secrets");
    let mut secrets = vec![("the admin's token".to_owned(), admin.token.clone())];
    secrets.push((
        "the admin's password".to_owned(),
        crate::support::PASSWORD.to_owned(),
    ));
    secrets.push((
        "the key".to_owned(),
        fs::read_to_string(data.join("kek"))
            .unwrap()
            .trim()
            .to_owned(),
    ));
    let mut answers = String::new();
    for number in 0..200 {
        // A quote, a backslash and a character beyond ASCII, so that every way of escaping it shows.
        let secret = format!(
            "s3cr3t-\"{number:03}\\-ключ-{:x}",
            number * 7_919 + 1_000_003
        );
        secrets.push((format!("password {number}"), secret.clone()));
        let input =
            json!({"username": format!("u{number}"), "password": secret, "projectId": project});
        let id = admin.create_credentials(&project, None, &format!("u{number}"), &secret);
        let wrong = match number % 8 {
            // The same secret in the wrong places.
            0 => admin.post(CREATE, json!({"c": input})),
            1 => admin.post(CREATE, json!({"c": {"username": secret, "password": 1, "projectId": secret}})),
            2 => admin.post(UPDATE, json!({"c": {"id": id, "registry": "a b", "password": secret, "projectId": project}})),
            3 => admin.post(&format!("{{ nothing(password: \"{secret}\") }}"), json!({})),
            4 => admin.post(CREATE, json!({"c": [secret]})),
            5 => server.login("admin", &secret),
            6 => server.login(&secret, "x"),
            _ => {
                // A header holds ASCII.
                let token = secret.replace("ключ", "token");
                secrets.push((format!("token {number}"), token.clone()));
                server.client(token).post("{ me { name } }", json!({}))
            }
        };
        answers.push_str(&wrong.text);
        let _ = write!(answers, "{:?}", wrong.headers);
    }
    answers.push_str(&admin.post("{ projects { name } }", json!({})).text);
    let create = "mutation($p: UUID!) { createServiceToken(serviceToken: {name: \"ci\", projectIds: [$p], \
                  rights: [VIEW]}) { token } }";
    let token = admin.data(create, json!({"p": project}))["createServiceToken"]["token"].take();
    let token = token.as_str().unwrap().to_owned();
    server.client(token.clone()).list(&project);
    secrets.push(("a service token".to_owned(), token));

    let metrics = server.get("/metrics").text;
    let mut places: Vec<(String, Vec<u8>)> = vec![
        ("the answers".to_owned(), answers.into_bytes()),
        ("the metrics".to_owned(), metrics.into_bytes()),
    ];
    // While it runs, so that the log of the database is there too.
    places.append(&mut store::contents(&data));
    let log = |(name, bytes): &(String, Vec<u8>)| name.ends_with("-wal") && !bytes.is_empty();
    assert!(store::on_postgres() || places.iter().any(log));
    places.push(("the log".to_owned(), server.log_text().into_bytes()));
    assert!(
        places.last().unwrap().1.len() > 100_000,
        "the log is talkative"
    );
    for (name, secret) in &secrets {
        for form in forms(secret) {
            for (place, bytes) in &places {
                assert!(
                    !contains(bytes, &form),
                    "{name} is in {place} as {}",
                    String::from_utf8_lossy(&form)
                );
            }
        }
    }
}

/// Each way in which a secret could have been written down.
fn forms(secret: &str) -> Vec<Vec<u8>> {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
    let bytes = secret.as_bytes();
    let json = serde_json::to_string(secret).unwrap();
    let ascii: String = json
        .trim_matches('"')
        .chars()
        .map(|c| {
            if c.is_ascii() {
                c.to_string()
            } else {
                format!("\\u{:04x}", u32::from(c))
            }
        })
        .collect();
    let hex = hex_of(bytes);
    let mut forms = vec![
        bytes.to_vec(),
        json.trim_matches('"').into(),
        ascii.into(),
        hex.to_uppercase().into(),
        hex.into(),
        format!("{secret:?}").trim_matches('"').into(),
    ];
    // At each offset in a longer text: without what the neighbours change.
    for offset in 0..3 {
        let mut shifted = vec![0; offset];
        shifted.extend_from_slice(bytes);
        shifted.truncate(shifted.len() / 3 * 3);
        for encoded in [
            STANDARD_NO_PAD.encode(&shifted),
            URL_SAFE_NO_PAD.encode(&shifted),
        ] {
            let from = [0, 2, 3][offset];
            forms.push(encoded[from..].into());
        }
    }
    // What the key's text stands for.
    if let Ok(raw) = base64::engine::general_purpose::STANDARD.decode(secret)
        && raw.len() == 32
    {
        forms.push(hex_of(&raw).into());
        forms.push(raw);
    }
    forms
}

fn hex_of(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn contains(bytes: &[u8], form: &[u8]) -> bool {
    memchr::memmem::find(bytes, form).is_some()
}

#[test]
fn the_search_finds_what_is_there() {
    for text in ["hunter2 and more", "aGh1bnRlcjI=", "x68756e74657232"] {
        assert!(
            forms("hunter2")
                .iter()
                .any(|form| contains(text.as_bytes(), form)),
            "{text}"
        );
    }
}
