//! `regcred migrate` as an operator runs it: an installation with all that a service put into it moves to PostgreSQL, also
//! when the program is killed over and over.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::json;

use crate::store::{change, sqlite_only};
use crate::support::{JSON, PASSWORD, Server, installation, query, regcred, run};

/// A database of PostgreSQL, gone with this value.
struct Database {
    name: String,
    server: String,
}

impl Database {
    fn make() -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let server = std::env::var("REGCRED_TEST_POSTGRES").unwrap_or_else(|_| {
            panic!("this needs PostgreSQL: run it with `cargo xtask postgres cargo test ...`")
        });
        let name = format!("moved_{}_{number}", std::process::id());
        let sql = format!("CREATE DATABASE {name}");
        psql(&server, &sql).unwrap();
        Self { name, server }
    }

    fn url(&self) -> String {
        let (server, _) = self.server.rsplit_once('/').unwrap();
        format!("{server}/{}", self.name)
    }

    /// What a query gives, a line for each row.
    fn query(&self, sql: &str) -> String {
        psql(&self.url(), sql).unwrap()
    }

    /// Every row of every table, but for what each start writes down of itself.
    fn digest(&self) -> String {
        let tables = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1";
        let digest = |name| {
            let sql = format!(
                "SELECT count(*), md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {name} t"
            );
            format!("{name} {}", self.query(&sql))
        };
        let tables = self.query(tables);
        tables.lines().map(digest).collect()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let _ = psql(
            &self.server,
            &format!("DROP DATABASE {} WITH (FORCE)", self.name),
        );
    }
}

fn psql(url: &str, sql: &str) -> Result<String, String> {
    let done = Command::new("psql")
        .args([
            "-X",
            "-A",
            "-t",
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
            url,
            "-c",
            sql,
        ])
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    if done.status.success() {
        Ok(text(done.stdout))
    } else {
        Err(text(done.stderr))
    }
}

fn migrate(data: &Path, url: &str) -> Command {
    let from = format!("sqlite:{}", data.display());
    regcred(&["migrate", "--from", &from, "--to", url])
}

/// Exit code, standard output and standard error.
fn ran(command: Command) -> (i32, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = run(command, "");
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

fn serve(url: &str, data: &Path) -> Command {
    let mut command = regcred(&["serve", "--database-url", url, "--kek-file"]);
    command.arg(data.join("kek"));
    command
}

/// Puts something into a data directory, and gives the token of a puller and its project.
fn fill(data: &Path) -> (String, String) {
    let server = Server::on(data);
    let admin = server.admin();
    let project = admin.create_project("moves");
    for number in 0..30 {
        let username = format!("user{number}");
        admin.create_credentials(
            &project,
            Some("ghcr.io"),
            &username,
            &format!("secret-{number}"),
        );
    }
    admin.create_credentials(&project, Some("quay.io"), "puller", "to be pulled");
    let create = "mutation($p: UUID!) { createServiceToken(serviceToken: {name: \"ci\", projectIds: [$p], \
                  rights: [PULL]}) { token } }";
    let token = admin.data(create, json!({"p": project}))["createServiceToken"]["token"].take();
    (token.as_str().unwrap().to_owned(), project)
}

#[test]
fn an_installation_moves_with_all_that_it_is_used_by() {
    sqlite_only!("an installation moves from a directory");
    let (directory, database) = (installation(), Database::make());
    let data = directory.path().join("data");
    let (token, project) = fill(&data);
    let (code, told, steps) = ran(migrate(&data, &database.url()));
    assert_eq!(code, 0, "{steps}");
    for part in [
        "was moved: ",
        "32 sealed passwords open",
        "the audit trail is intact",
        "--database-url",
        "data/kek",
        "data/moved",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    for part in [
        "proving what is to be moved",
        "moving rows: ",
        "comparing rows: ",
        "proving what has arrived",
    ] {
        assert!(steps.contains(part), "{part}: {steps}");
    }
    let url = database.url();
    let (login, _) = url.split_once('@').unwrap();
    let (_, password) = login.rsplit_once(':').unwrap();
    for secret in [password, "secret-"] {
        assert!(!told.contains(secret) && !steps.contains(secret));
    }
    assert_eq!(
        database.query("SELECT count(*) FROM docker_credentials"),
        "31\n"
    );
    assert_eq!(
        database.query("SELECT to_regclass('migration') IS NULL"),
        "t\n"
    );

    // The same accounts, tokens and passwords, from two replicas.
    for _ in 0..2 {
        let server = Server::start(serve(&url, &data));
        assert_eq!(server.admin().list(&project).len(), 31);
        let bearer = format!("Bearer {token}");
        let body = json!({"project": project, "server": "quay.io"}).to_string();
        let headers = [JSON, ("authorization", bearer.as_str())];
        let pulled = server.post("/api/v1/pull", &headers, body.as_bytes());
        assert_eq!(pulled.json()["password"], "to be pulled", "{pulled:?}");
    }

    // Nobody serves the directory by accident, and everybody who means it.
    let on_directory = ["serve", "--data-dir", data.to_str().unwrap()];
    let log = Server::try_start(regcred(&on_directory)).err().unwrap();
    assert!(log.concat().contains("was moved to 127.0.0.1:"), "{log:?}");
    let (code, told, _) = ran(migrate(&data, &url));
    assert!(code == 0 && told.contains("was moved already"), "{told}");
    std::fs::remove_file(data.join("moved")).unwrap();
    let server = Server::on(&data);
    assert_eq!(server.admin().list(&project).len(), 31);
    drop(server);
    // Now both have changes of their own.
    let (code, _, why) = ran(migrate(&data, &url));
    assert!(
        code == 1 && why.contains("has changes that are not in it"),
        "{why}"
    );
}

#[test]
fn killed_over_and_over_it_ends_with_the_same() {
    sqlite_only!("an installation moves from a directory");
    let directory = installation();
    let data = directory.path().join("data");
    fill(&data);
    change(
        &data,
        "INSERT INTO webhook_delivery WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 150000)
             SELECT randomblob(16), 't', hex(zeroblob(100 + n % 100)), 0, n FROM n;
         INSERT INTO session SELECT randomblob(16), randomblob(32), user_account.id, 1, 2 FROM user_account, webhook_delivery
             LIMIT 50000;",
    );
    let copy = directory.path().join("copy");
    std::fs::create_dir(&copy).unwrap();
    for file in ["regcred.db", "kek"] {
        std::fs::copy(data.join(file), copy.join(file)).unwrap();
    }
    let (killed, at_once) = (Database::make(), Database::make());
    let (kills, mut parts) = (15, std::collections::BTreeSet::new());
    let mut random = u64::from(std::process::id());
    for _ in 0..kills {
        let mut child = migrate(&data, &killed.url())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        // After some of the lines that tell how far it is, of which the whole has more than twenty, and a moment.
        let (lines, moment) = ((random >> 33) % 6, (random >> 43) % 100);
        let mut told = BufReader::new(child.stderr.take().unwrap()).lines();
        for _ in 0..=lines {
            told.next().unwrap().unwrap();
        }
        std::thread::sleep(Duration::from_millis(moment));
        child.kill().unwrap();
        child.wait().unwrap();
        let part = psql(&killed.url(), "SELECT count(*) FROM webhook_delivery");
        parts.insert(part.unwrap_or_default());
        if killed.query("SELECT to_regclass('migration') IS NULL") == "f\n" {
            let log = Server::try_start(serve(&killed.url(), &data))
                .err()
                .unwrap();
            let log = log.concat();
            assert!(
                log.contains("is not finished; run `regcred migrate` again"),
                "{log}"
            );
        }
    }
    eprintln!("killed {kills} times, with {parts:?} rows of the largest table");
    assert!(parts.len() > 2, "{parts:?}");
    let (code, _, why) = ran(migrate(&data, &killed.url()));
    assert_eq!(code, 0, "{why}");
    let (code, _, why) = ran(migrate(&copy, &at_once.url()));
    assert_eq!(code, 0, "{why}");
    assert_eq!(killed.digest(), at_once.digest());
    assert_eq!(
        killed.query("SELECT count(*) FROM webhook_delivery"),
        "150000\n"
    );
    drop(Server::start(serve(&killed.url(), &data)));
}

/// Nothing is moved, and nothing marked.
fn refused(data: &Path, database: &Database, command: Command, code: i32, why: &str) {
    let (ended, _, told) = ran(command);
    assert!(ended == code && told.contains(why), "{ended}: {told}");
    let tables = "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace";
    assert_eq!(database.query(tables), "0\n", "{why}");
    assert!(!data.join("moved").exists(), "{why}");
}

#[test]
fn what_does_not_fit_is_told_and_nothing_is_moved() {
    sqlite_only!("an installation moves from a directory");
    let (directory, database) = (installation(), Database::make());
    let data = directory.path().join("data");
    fill(&data);
    let url = database.url();
    let refused = |command, code, why| refused(&data, &database, command, code, why);
    let with = |arguments: &[&str]| {
        let mut command = migrate(&data, &url);
        command.args(arguments);
        command
    };
    for from in ["sqlite:", "/var/lib/regcred", &url] {
        let command = regcred(&["migrate", "--from", from, "--to", &url]);
        refused(command, 2, "from sqlite:DIR to a database of PostgreSQL");
    }
    let from = format!("sqlite:{}", data.display());
    refused(regcred(&["migrate", "--from", &from]), 2, "--to URL");
    refused(
        migrate(&data, "sqlite:elsewhere"),
        2,
        "begins with postgres://",
    );
    refused(
        migrate(directory.path(), &url),
        1,
        "there is no database in",
    );

    // Another key.
    let key = directory.path().join("key");
    std::fs::write(&key, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n").unwrap();
    let mode = Command::new("chmod").arg("0400").arg(&key).status();
    assert!(mode.unwrap().success());
    let kek = key.to_str().unwrap();
    refused(
        with(&["--kek-file", kek]),
        1,
        "is not the one that this database was made with",
    );

    // A service that runs.
    let server = Server::on(&data);
    refused(with(&[]), 1, "is in use by another process");
    drop(server);

    // A server that is away, and a user who may not make tables.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let away = format!(
        "postgres://regcred@{}/regcred",
        nobody.local_addr().unwrap()
    );
    drop(nobody);
    refused(migrate(&data, &away), 1, "cannot be reached");
    let reader = format!("reader_{}", std::process::id());
    database.query(&format!("CREATE ROLE {reader} LOGIN PASSWORD 'a password'"));
    let (_, place) = url.split_once('@').unwrap();
    let password = directory.path().join("password");
    std::fs::write(&password, "a password\n").unwrap();
    let mode = Command::new("chmod").arg("0400").arg(&password).status();
    assert!(mode.unwrap().success());
    let mut as_reader = migrate(&data, &format!("postgres://{reader}@{place}"));
    as_reader.arg("--database-password-file").arg(&password);
    refused(as_reader, 1, "permission denied");
    database.query(&format!("DROP ROLE {reader}"));
}

#[test]
fn what_is_wrong_with_the_source_is_told_before_anything_is_moved() {
    sqlite_only!("an installation moves from a directory");
    let (directory, database) = (installation(), Database::make());
    let data = directory.path().join("data");
    fill(&data);
    let url = database.url();
    let refused = |why| refused(&data, &database, migrate(&data, &url), 1, why);

    // What PostgreSQL cannot hold.
    change(&data, "UPDATE project SET description = 'a' || char(0)");
    refused("\n  project.description of the row ");
    change(&data, "UPDATE project SET description = NULL");

    // A password that does not open, and a trail that is broken.
    let damaged = "WHERE username = 'puller'";
    let sealed = query(
        &data,
        &format!("SELECT hex(password) FROM docker_credentials {damaged}"),
    );
    change(
        &data,
        &format!("UPDATE docker_credentials SET password = zeroblob(200) {damaged}"),
    );
    refused("1 sealed passwords do not open:\n  project ");
    change(
        &data,
        &format!("UPDATE docker_credentials SET password = x'{sealed}' {damaged}"),
    );
    let event = query(
        &data,
        "SELECT hex(event) FROM audit_event WHERE sequence = 2",
    );
    change(
        &data,
        "UPDATE audit_event SET event = event || ' ' WHERE sequence = 2",
    );
    refused("nothing was moved: mend that first");
    change(
        &data,
        &format!("UPDATE audit_event SET event = CAST(x'{event}' AS TEXT) WHERE sequence = 2"),
    );

    // After all that it moves; that the directory cannot be marked is told, and no more.
    std::fs::create_dir(data.join("moved")).unwrap();
    let (code, told, warned) = ran(migrate(&data, &url));
    assert!(code == 0 && told.contains("was moved: "), "{warned}");
    assert!(warned.contains("could not be marked as moved"), "{warned}");
    // Its target is taken now for anything else.
    let other = installation();
    let (code, _, why) = ran(migrate(&other.path().join("data"), &url));
    assert!(
        code == 1 && why.contains("holds another installation"),
        "{why}"
    );
}

#[test]
fn settings_come_from_the_file_of_the_service() {
    sqlite_only!("an installation moves from a directory");
    let (directory, database) = (installation(), Database::make());
    let data = directory.path().join("data");
    let file = directory.path().join("regcred.toml");
    let text = format!(
        "data-dir = {:?}\ndatabase-url = {:?}\nlisten = \"0.0.0.0:1\"\n",
        data.display().to_string(),
        database.url()
    );
    std::fs::write(&file, text).unwrap();
    let from = format!("sqlite:{}", data.display());
    let command = regcred(&[
        "migrate",
        "--from",
        &from,
        "--config",
        file.to_str().unwrap(),
    ]);
    let (code, told, why) = ran(command);
    assert!(
        code == 0 && told.contains("1 sealed passwords open"),
        "{why}"
    );
    let server = Server::start(serve(&database.url(), &data));
    assert_eq!(server.login("admin", PASSWORD).status, 200);
}
