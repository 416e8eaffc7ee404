//! Bad input: each gets an error that says what to do, and nothing is lost.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::store::sqlite_only;
use crate::support::{CREATE, LIST, PASSWORD, Server, create_admin, installation, regcred, run};

#[test]
fn bad_credentials_say_what_is_wrong_and_leave_nothing() {
    let server = Server::dev();
    let admin = server.admin();
    let project = admin.create_project("bad");
    let name = |username: &str| json!({"username": username});
    let password = |password: &str| json!({"password": password});
    let registry = |registry: &str| json!({"registry": registry});
    for (fields, why) in [
        (json!({"projectId": "x"}), "UUID"),
        (
            json!({"projectId": "860b8dc8e7344c98b2e7f9ec32ab4771"}),
            "UUID",
        ),
        (name(""), "the username is empty"),
        (
            name(&"x".repeat(2_000)),
            "the username has 2000 characters; at most 255",
        ),
        (name("a\u{7}b"), "control character U+0007"),
        (name("a\nb"), "control character U+000A"),
        (name("a:b"), "`:`"),
        (password(""), "the password is empty"),
        (
            password(&"p".repeat(16 * 1024 + 1)),
            "the password has 16385 bytes; at most 16384",
        ),
        (registry("my registry"), "contains spaces"),
        (
            registry("user:hunter2@host"),
            "contains a login before the host",
        ),
        (registry("host?x=1"), "contains a query"),
        (registry("host#x"), "contains a fragment"),
        (registry("ftp://host"), "scheme other than http and https"),
        (registry("/"), "has no valid host"),
        (
            registry(&"x".repeat(300)),
            "the registry has 300 characters; at most 255",
        ),
        (registry("host:99999"), "no valid port"),
        (registry("host/Team"), "path that no image can have"),
        (json!({"username": 1}), "expected type"),
        (json!({"username": null}), "expected type"),
        (json!({"unknown": 1}), "unknown"),
    ] {
        let mut input = json!({"username": "me", "password": "p", "projectId": project});
        input
            .as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        let (code, message) = admin.refused(CREATE, json!({"c": input}));
        assert!(
            code == "INVALID" && message.contains(why),
            "{fields}: {message}"
        );
        assert!(!message.contains("hunter2"), "{message}");
    }
    let (code, message) = admin.refused(CREATE, json!({}));
    assert!(
        code == "INVALID" && message.contains("dockerCredentials"),
        "{message}"
    );
    let (code, message) = admin.refused(LIST, json!({}));
    assert!(
        code == "INVALID" && message.contains('p'),
        "a missing variable is named: {message}"
    );
    let unknown = json!({"p": "860b8dc8-e734-4c98-b2e7-f9ec32ab4771"});
    let (code, message) = admin.refused(LIST, unknown);
    assert!(
        code == "NOT_FOUND" && message.contains("860b8dc8"),
        "{message}"
    );
    assert!(admin.list(&project).is_empty());
}

#[test]
fn a_wrong_type_for_a_password_never_shows_it() {
    let server = Server::dev();
    let admin = server.admin();
    let project = admin.create_project("types");
    for password in [
        json!(["hunter2"]),
        json!({"x": "hunter2"}),
        json!(77_777_777),
        json!(null),
        json!(true),
    ] {
        let input = json!({"username": "me", "password": password, "projectId": project});
        let answer = admin.post(CREATE, json!({"c": input}));
        assert_eq!(answer.error().0, "INVALID");
        assert!(
            !answer.text.contains("hunter2") && !answer.text.contains("77777777"),
            "{answer:?}"
        );
    }
    let inline = format!(
        "mutation {{ createDockerCredentials(dockerCredentials: {{username: \"me\", password: hunter2, \
         projectId: \"{project}\"}}) {{ id }} }}"
    );
    let answer = admin.post(&inline, json!({}));
    assert!(
        answer.error().0 == "INVALID" && !answer.text.contains("hunter2"),
        "{answer:?}"
    );
}

#[test]
fn anything_that_a_registry_may_take_comes_through_unchanged() {
    let server = Server::dev();
    let admin = server.admin();
    let project = admin.create_project("unicode");
    for (number, (username, password)) in [
        ("用户 🐳", "пароль 🔐 \u{0} \n\t\"\\'"),
        ("robot$name", "\u{feff}\u{202e}"),
        ("é", "e\u{301}"),
        ("e\u{301}", " "),
        (" spaced ", &"🔐".repeat(4_096)),
    ]
    .into_iter()
    .enumerate()
    {
        admin.create_credentials(&project, Some("ghcr.io"), username, password);
        let listed = admin.list(&project);
        assert_eq!(listed.len(), number + 1);
        assert_eq!(listed[number]["username"], username);
    }
}

#[test]
fn a_project_needs_a_good_name() {
    let server = Server::dev();
    let admin = server.admin();
    let create = "mutation($p: ProjectInput!) { createProject(project: $p) { id } }";
    for (project, why) in [
        (json!({"name": ""}), "the project name is empty"),
        (json!({"name": "   "}), "the project name is empty"),
        (json!({"name": "x".repeat(255)}), "at most 254"),
        (json!({"name": "a\u{0}b"}), "control character"),
        (
            json!({"name": "x", "description": "d".repeat(10_001)}),
            "at most 10000",
        ),
        (
            json!({"name": "x", "description": "a\u{0}b"}),
            "the description contains the control character U+0000",
        ),
        (
            json!({"name": "x", "appTechnologies": [{"id": "860b8dc8-e734-4c98-b2e7-f9ec32ab4771"}]}),
            "technology",
        ),
        (
            json!({"name": "x", "authorizedGroups": [{"name": "g"}]}),
            "has no role",
        ),
        (
            json!({"name": "x", "authorizedGroups": [
                {"name": "g", "role": "ROLE_PROJECT_VIEWER"}, {"name": "g", "role": "ROLE_PROJECT_EDITOR"}]}),
            "named twice",
        ),
    ] {
        let (code, message) = admin.refused(create, json!({"p": project}));
        assert!(
            code == "INVALID" && message.contains(why),
            "{project}: {message}"
        );
    }
    let listed = admin.data("{ projects { name } }", json!({}));
    assert_eq!(listed["projects"], json!([{"name": "demo"}]));
}

#[test]
fn a_value_that_breaks_a_rule_is_named_by_its_field() {
    let server = Server::dev();
    let admin = server.admin();
    let project = admin.create_project("fields");
    let good = json!({"username": "me", "password": "p", "projectId": project});
    let credentials = |field: &str, value: &str| {
        let mut input = good.clone();
        input[field] = json!(value);
        (CREATE, json!({"c": input}))
    };
    let user = |field: &str, value: Value| {
        let mut user = json!({"login": "ada", "password": PASSWORD});
        user[field] = value;
        let create = "mutation($u: UserInput!) { createUser(user: $u) { login } }";
        (create, json!({"u": user}))
    };
    let in_project = |field: &str, value: Value| {
        let mut project = json!({"name": "x"});
        project[field] = value;
        let create = "mutation($p: ProjectInput!) { createProject(project: $p) { id } }";
        (create, json!({"p": project}))
    };
    let token = |field: &str, value: Value| {
        let mut token = json!({"name": "ci", "projectIds": [project], "rights": ["EDIT"]});
        token[field] = value;
        let create =
            "mutation($t: ServiceTokenInput!) { createServiceToken(serviceToken: $t) { token } }";
        (create, json!({"t": token}))
    };
    let nowhere = "860b8dc8-e734-4c98-b2e7-f9ec32ab4771";
    for ((query, variables), field) in [
        (credentials("username", "a:b"), json!("username")),
        (credentials("password", ""), json!("password")),
        (credentials("registry", "ftp://host"), json!("registry")),
        ((CREATE, json!({})), json!("dockerCredentials")),
        (user("login", json!("a b")), json!("login")),
        (user("password", json!("short")), json!("password")),
        (user("groups", json!([""])), json!("groups")),
        (in_project("name", json!("")), json!("name")),
        (
            in_project("description", json!("d".repeat(10_001))),
            json!("description"),
        ),
        (
            in_project("authorizedGroups", json!([{"name": "g"}])),
            json!("authorizedGroups"),
        ),
        (
            in_project("technologiesByCategory", json!([{"jobCategory": ""}])),
            json!("technologiesByCategory"),
        ),
        (
            in_project("appTechnologies", json!([{"id": nowhere}])),
            json!("appTechnologies"),
        ),
        (token("name", json!("")), json!("name")),
        (token("projectIds", json!([])), json!("projectIds")),
        (token("rights", json!([])), json!("rights")),
        (token("expiresInDays", json!(366)), json!("expiresInDays")),
        // A value of the wrong type, and what is wrong in no field.
        (credentials("projectId", "x"), json!(null)),
        (credentials("projectId", nowhere), json!(null)),
    ] {
        let answer = admin.post(query, variables.clone());
        let found = &answer.json()["errors"][0]["extensions"]["field"];
        assert_eq!(*found, field, "{variables}: {answer:?}");
    }
}

/// The last word of a service that does not start.
fn last_word(arguments: &[&str]) -> String {
    let done = run(regcred(arguments), "");
    assert!(!done.status.success() && done.stdout.is_empty(), "{done:?}");
    String::from_utf8(done.stderr)
        .unwrap()
        .lines()
        .last()
        .unwrap()
        .to_owned()
}

#[test]
fn a_service_that_cannot_start_says_why() {
    sqlite_only!("a directory is for one process alone");
    let directory = installation();
    let data = directory.path().join("data");
    let data = data.to_str().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().to_string();
    let said = last_word(&["serve", "--data-dir", data, "--listen", &port]);
    assert!(said.contains(&port) && said.contains("--listen"), "{said}");

    let running = Server::on(directory.path().join("data").as_path());
    let said = last_word(&["serve", "--data-dir", data, "--listen", "127.0.0.1:0"]);
    assert!(
        said.contains("in use by another process") && said.contains(&running.pid().to_string()),
        "{said}"
    );
    let said = last_word(&[
        "user",
        "create",
        "ann",
        "--data-dir",
        data,
        "--password-stdin",
    ]);
    assert!(
        said.contains("the password is empty") || said.contains("give one"),
        "{said}"
    );
    drop(running);

    let said = last_word(&["serve", "--listen", "127.0.0.1:0"]);
    assert!(
        said.contains("--data-dir") && said.contains("--dev"),
        "{said}"
    );
    let said = last_word(&["serve", "--data-dir", data, "--listen", "0.0.0.0:0"]);
    assert!(
        said.contains("--tls-cert") && said.contains("--allow-plaintext"),
        "{said}"
    );
    let said = last_word(&["serve", "--dev", "--listen", "0.0.0.0:0"]);
    assert!(said.contains("loopback only"), "{said}");
    let said = last_word(&["key", "status", "--data-dir", "/nowhere"]);
    assert!(said.contains("no database in /nowhere"), "{said}");

    let settings = directory.path().join("regcred.toml");
    for (text, why) in [
        ("data-dri = \"x\"", "data-dri"),
        ("platform = \"one\"", "platform"),
        ("listen = ", "regcred.toml"),
        ("tls-cert = \"x\"", "belong together"),
    ] {
        fs::write(&settings, text).unwrap();
        let said = run(
            regcred(&[
                "serve",
                "--data-dir",
                data,
                "--config",
                settings.to_str().unwrap(),
            ]),
            "",
        );
        let said = String::from_utf8(said.stderr).unwrap();
        assert!(said.contains(why), "{text}: {said}");
    }
    let said = last_word(&["serve", "--data-dir", data, "--config", "/nowhere.toml"]);
    assert!(said.contains("/nowhere.toml cannot be read"), "{said}");
}

#[test]
fn a_data_directory_that_cannot_be_written_says_so() {
    sqlite_only!("there is no data directory");
    let directory = installation();
    let data = directory.path().join("data");
    // Root may write anywhere, so the program runs as somebody else.
    let nobody = 65_534;
    let arguments = [
        "serve",
        "--data-dir",
        data.to_str().unwrap(),
        "--listen",
        "127.0.0.1:0",
    ];
    let as_nobody = |command: &mut std::process::Command| {
        if fs::metadata("/proc/self")
            .is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
        {
            // A copy that anybody may run.
            command.uid(nobody).gid(nobody);
        }
    };
    let program = directory.path().join("regcred");
    fs::copy(env!("CARGO_BIN_EXE_regcred"), &program).unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o555)).unwrap();
    let mut command = std::process::Command::new(&program);
    command.args(arguments);
    as_nobody(&mut command);
    let done = run(command, "");
    let said = String::from_utf8(done.stderr).unwrap();
    assert!(!done.status.success(), "{said}");
    let said = said.lines().last().unwrap();
    assert!(
        said.contains("cannot be used") || said.contains("cannot be read"),
        "{said}"
    );
    fs::set_permissions(&data, fs::Permissions::from_mode(0o700)).unwrap();
    Server::on(&data).admin();
}

#[test]
fn a_wrong_or_loose_key_refuses_to_start() {
    let directory = installation();
    let data = directory.path().join("data");
    let text = data.to_str().unwrap();
    let kek = data.join("kek");
    let serve = ["serve", "--data-dir", text, "--listen", "127.0.0.1:0"];
    let right = fs::read_to_string(&kek).unwrap();
    let mode = fs::metadata(&kek).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o400);

    fs::set_permissions(&kek, fs::Permissions::from_mode(0o644)).unwrap();
    let said = last_word(&serve);
    assert!(
        said.contains("can be read by others (mode 0644)") && said.contains("chmod 0400"),
        "{said}"
    );
    fs::remove_file(&kek).unwrap();
    let said = last_word(&serve);
    assert!(
        said.contains("cannot be read") && said.contains("kek"),
        "{said}"
    );
    assert!(
        !kek.exists(),
        "no new key is made for a database that has one"
    );

    for (wrong, why) in [
        (
            "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
            "is not the one that this database was made with",
        ),
        ("c2hvcnQ=", "32 bytes"),
        ("not base64 at all!", "32 bytes"),
        ("", "32 bytes"),
    ] {
        let _ = fs::remove_file(&kek);
        fs::write(&kek, wrong).unwrap();
        fs::set_permissions(&kek, fs::Permissions::from_mode(0o400)).unwrap();
        let said = last_word(&serve);
        assert!(said.contains(why), "{wrong}: {said}");
    }
    let mut by_variable = regcred(&["serve", "--data-dir", text]);
    by_variable.env("REGCRED_KEK", right.trim());
    // The one in the directory is wrong, but the variable says another.
    let server = Server::start(by_variable);
    assert!(
        server
            .log_text()
            .contains("other processes of this user can read")
    );
    drop(server);
    let mut both = regcred(&[
        "key",
        "status",
        "--data-dir",
        text,
        "--kek-file",
        kek.to_str().unwrap(),
    ]);
    both.env("REGCRED_KEK", right.trim());
    let said = String::from_utf8(run(both, "").stderr).unwrap();
    assert!(said.contains("both given"), "{said}");
}

#[test]
fn the_operator_creates_users_and_is_told_what_is_wrong() {
    let directory = TempDir::new().unwrap();
    let data = directory.path().join("data");
    create_admin(&data);
    let text = data.to_str().unwrap();
    let create = |login: &str, password: &str| {
        let done = run(
            regcred(&[
                "user",
                "create",
                login,
                "--password-stdin",
                "--data-dir",
                text,
            ]),
            password,
        );
        let said = if done.status.success() {
            done.stdout
        } else {
            done.stderr
        };
        (
            done.status.code(),
            String::from_utf8(said)
                .unwrap()
                .lines()
                .rfind(|line| !line.starts_with("hint: "))
                .unwrap_or_default()
                .to_owned(),
        )
    };
    assert_eq!(
        create("Ann", "a good password\n"),
        (Some(0), "created user ann".to_owned())
    );
    for (login, password, exit, why) in [
        ("ann", "a good password", 4, "a user `ann` already"),
        ("bob", "short", 2, "at least 8"),
        ("bob", "", 2, "the password is empty"),
        ("b o b", "a good password", 2, "may only hold ASCII letters"),
        ("", "a good password", 2, "is empty"),
    ] {
        let (code, said) = create(login, password);
        assert_eq!(code, Some(exit), "{login}: {said}");
        assert!(said.contains(why), "{login}: {said}");
    }
    let server = Server::on(&data);
    assert_eq!(server.login("ann", "a good password").status, 200);
    let users: Value = server.admin().data("{ users { login admin } }", json!({}));
    assert_eq!(
        users["users"],
        json!([{"login": "admin", "admin": true}, {"login": "ann", "admin": false}])
    );
    assert_eq!(server.login("ann", PASSWORD).status, 401);
}
