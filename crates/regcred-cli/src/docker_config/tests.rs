//! What one tool writes another reads without a change, and what is odd is told.

use proptest::collection::vec;
use proptest::prelude::*;
use regcred_client::Secret;

use super::*;

/// Key, username and password of each login, as nothing but a test may see them.
fn logins(text: &str) -> Vec<(String, String, String)> {
    let contents = read(&Secret::new(text.to_owned())).unwrap();
    assert_eq!(contents.odd, Vec::<String>::new());
    let entries = contents.entries.into_iter();
    let entries = entries.map(|entry| {
        assert_eq!(entry.odd, Vec::<String>::new());
        let login = entry.login.map_err(|why| panic!("{why}")).unwrap();
        (
            entry.key,
            login.username,
            login.password.expose().to_owned(),
        )
    });
    entries.collect()
}

/// What is wrong with the only entry.
fn refused(text: &str) -> String {
    let contents = read(&Secret::new(text.to_owned())).unwrap();
    let [entry] = &contents.entries[..] else {
        panic!("{}", contents.entries.len())
    };
    match &entry.login {
        Ok(_) => panic!("it is taken: {text}"),
        Err(why) => why.clone(),
    }
}

fn targets() -> [Target; 4] {
    [
        Target::ConfigJson,
        Target::AuthJson,
        Target::Kubernetes {
            name: "pull-secret".parse().unwrap(),
            namespace: Some("team-a".parse().unwrap()),
        },
        Target::DockerAuthConfig,
    ]
}

fn line(key: &str, username: &str, password: &str) -> Line {
    Line {
        registry_key: key.to_owned(),
        username: username.to_owned(),
        password: Secret::new(password.to_owned()),
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(
        logins_written in vec((any::<String>(), any::<String>()), 0..4)
    ) {
        let logins_written: Vec<_> = logins_written
            .into_iter()
            .map(|(username, password)| (format!("u{}", username.replace(':', "")), format!("{password}p")))
            .collect();
        let keys = ["docker.io", "ghcr.io", "localhost:5000/team", "xn--bcher-kva.example/a/b"];
        for target in targets() {
            let lines: Vec<_> = keys.iter().zip(&logins_written).map(|(key, (u, p))| line(key, u, p)).collect();
            let text = write(&target, &lines).unwrap();
            let hub = if matches!(target, Target::AuthJson) { "docker.io" } else { DOCKER_HUB_OF_DOCKER };
            let expected: Vec<_> = keys
                .iter()
                .zip(&logins_written)
                .map(|(key, (u, p))| (if *key == "docker.io" { hub } else { key }.to_owned(), u.clone(), p.clone()))
                .collect();
            prop_assert_eq!(logins(text.expose()), expected);
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in any::<String>()) {
        let _ = read(&Secret::new(text));
    }

    #[test]
    fn no_entry_makes_it_panic(
        auth in prop_oneof![any::<String>().prop_map(serde_json::Value::from), any::<i64>().prop_map(Into::into)],
        username in any::<Option<String>>(),
    ) {
        let entry = serde_json::json!({"auths": {"ghcr.io": {"auth": auth, "username": username}}});
        let contents = read(&Secret::new(entry.to_string())).unwrap();
        prop_assert_eq!(contents.entries.len(), 1);
    }
}

#[test]
fn each_form_is_as_its_clients_want_it() {
    let lines = [
        line("docker.io", "ada", "a:b"),
        line("h:5000/team", "bot", "p"),
    ];
    let text = |target: &Target| write(target, &lines).unwrap().expose().to_owned();
    let [config, auth, kubernetes, variable] = targets();
    assert_eq!(
        text(&config),
        "{\n\t\"auths\": {\n\t\t\"https://index.docker.io/v1/\": {\n\t\t\t\"auth\": \"YWRhOmE6Yg==\"\n\t\t},\n\
         \t\t\"h:5000/team\": {\n\t\t\t\"auth\": \"Ym90OnA=\"\n\t\t}\n\t}\n}\n"
    );
    assert!(text(&auth).contains("\n\t\t\"docker.io\": {"));
    assert_eq!(
        text(&variable),
        r#"{"auths":{"https://index.docker.io/v1/":{"auth":"YWRhOmE6Yg=="},"h:5000/team":{"auth":"Ym90OnA="}}}"#
    );
    let manifest = text(&kubernetes);
    let [head, data] = manifest.split("  .dockerconfigjson: ").collect::<Vec<_>>()[..] else {
        panic!("{manifest}")
    };
    assert_eq!(
        head,
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: pull-secret\n  namespace: team-a\n\
         type: kubernetes.io/dockerconfigjson\ndata:\n"
    );
    assert!(
        data.trim_end()
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte))
    );
}

#[test]
fn every_form_is_known_by_itself() {
    let ada = vec![("ghcr.io".to_owned(), "ada".to_owned(), "pw".to_owned())];
    let file = r#"{"auths":{"ghcr.io":{"auth":"YWRhOnB3"}}}"#;
    let legacy = r#"{"ghcr.io":{"username":"ada","password":"pw","email":"a@b"}}"#;
    // The same in base64, with a line break, as `kubectl get -o yaml` may fold it.
    let (start, end) = (
        "eyJhdXRocyI6eyJnaGNyLmlvIjp7ImF1dGgi",
        "OiJZV1JoT25CMyJ9fX0=",
    );
    for text in [
        file.to_owned(),
        format!("\u{feff}{file}\r\n"),
        r#"{"credsStore":"","auths":{"ghcr.io":{"username":"ada","password":"pw"}},"proxies":{}}"#
            .to_owned(),
        r#"{"Auths":{"ghcr.io":{"Auth":"YWRhOnB3"}}}"#.to_owned(),
        legacy.to_owned(),
        format!(
            r#"{{"apiVersion":"v1","kind":"Secret","type":"kubernetes.io/dockerconfigjson","data":{{".dockerconfigjson":"{start}{end}"}}}}"#
        ),
        format!(
            "apiVersion: v1\nkind: Secret\ntype: kubernetes.io/dockerconfigjson\ndata:\n  .dockerconfigjson: |\n    {start}\n    {end}\n"
        ),
        format!(
            "apiVersion: v1\nkind: Secret\ntype: kubernetes.io/dockerconfigjson\nstringData:\n  .dockerconfigjson: '{file}'\n"
        ),
        format!(
            "---\napiVersion: v1\nkind: Secret\ntype: kubernetes.io/dockercfg\nstringData:\n  .dockercfg: '{legacy}'\n"
        ),
        format!(
            "apiVersion: v1\nkind: List\nitems:\n- kind: Secret\n  type: kubernetes.io/dockercfg\n  stringData:\n    .dockercfg: '{legacy}'\n"
        ),
    ] {
        assert_eq!(logins(&text), ada, "{text}");
    }
}

#[test]
fn an_entry_that_is_no_login_says_why() {
    for (entry, told) in [
        (r#"{"auth":"!!"}"#, "no base64"),
        (r#"{"auth":"YWRhcHc="}"#, "without a colon"),
        (r#"{"auth":"OnB3"}"#, "without a username"),
        (r#"{"auth":"YWRhOg=="}"#, "empty password"),
        (r#"{"auth":"/////w=="}"#, "no UTF-8"),
        (r#"{"auth":7}"#, "no text"),
        (
            r#"{"auth":"YWRhOnB3","identitytoken":"t"}"#,
            "identity token",
        ),
        (r#"{"registrytoken":"t"}"#, "registry token"),
        (r#"{"username":"ada"}"#, "no password"),
        (r#"{"password":"pw"}"#, "no username"),
        ("{}", "credential helper"),
        ("null", "no object"),
        ("[1]", "no object"),
        (r#""pw""#, "no object"),
    ] {
        let why = refused(&format!(r#"{{"auths":{{"ghcr.io":{entry}}}}}"#));
        assert!(why.contains(told), "{entry}: {why}");
        assert!(!why.contains("pw"), "{why}");
    }
}

#[test]
fn what_is_odd_about_a_login_is_told() {
    let text = r#"{"auths":{"ghcr.io":{"auth":"YWRhOnB3","username":"bob","password":"other"}},"credHelpers":{"a":1}}"#;
    let contents = read(&Secret::new(text.to_owned())).unwrap();
    let [entry] = &contents.entries[..] else {
        panic!()
    };
    assert_eq!(
        entry
            .login
            .as_ref()
            .map(|login| login.username.as_str())
            .unwrap(),
        "ada"
    );
    assert_eq!(entry.odd.len(), 2);
    assert_eq!(contents.odd, ["the credential helper of \"a\" is no name"]);
}

#[test]
fn an_entry_that_stands_twice_counts_once() {
    let text = r#"{"auths":{"a.io":{"auth":"YWRhOnB3"},"a.io":{"auth":"Ym9iOnB3"}}}"#;
    let contents = read(&Secret::new(text.to_owned())).unwrap();
    let read: Vec<_> = contents
        .entries
        .iter()
        .map(|entry| entry.login.as_ref().ok())
        .collect();
    assert!(read[0].is_none());
    assert_eq!(read[1].unwrap().username, "bob");
}

#[test]
fn other_objects_of_a_manifest_are_told_and_left() {
    let text = "kind: ConfigMap\nmetadata: {name: settings}\n---\nkind: Secret\ntype: Opaque\nmetadata: {name: other}\n";
    let contents = read(&Secret::new(text.to_owned())).unwrap();
    assert!(contents.entries.is_empty());
    assert_eq!(contents.odd.len(), 2);
    assert!(contents.odd[1].contains("\"other\" is no pull secret"));
}

#[test]
fn what_is_no_such_file_is_refused_without_showing_it() {
    for text in [
        "",
        " \n",
        "hunter2",
        "{\"auths\":{\"a\":",
        "{\"auths\":[\"hunter2\"]}",
        "[]",
        "a: [hunter2",
    ] {
        let Err(error) = read(&Secret::new(text.to_owned())) else {
            panic!("it is read: {text}")
        };
        assert!(!error.0.contains("hunter2"), "{}", error.0);
    }
}
