//! Where the installations of the tests lie: in data directories, or, where `REGCRED_TEST_STORE` says `postgres`, in databases
//! of the PostgreSQL that `REGCRED_TEST_POSTGRES` names. A test names a directory in either case.

use std::ffi::OsStr;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::{env, fs};

/// Whether installations lie in PostgreSQL.
pub(crate) fn on_postgres() -> bool {
    match env::var("REGCRED_TEST_STORE").as_deref() {
        Err(_) | Ok("sqlite") => false,
        Ok("postgres") => true,
        Ok(other) => panic!("REGCRED_TEST_STORE is sqlite or postgres, not {other}"),
    }
}

/// Leaves a test that is about SQLite's files alone where there are none, and says so.
macro_rules! sqlite_only {
    ($why:literal) => {
        if crate::store::on_postgres() {
            eprintln!("left out on PostgreSQL: {}", $why);
            return;
        }
    };
}
pub(crate) use sqlite_only;

/// The program, which takes a data directory for what it stands for.
pub(crate) fn program() -> Command {
    let program = env!("CARGO_BIN_EXE_regcred");
    if !on_postgres() {
        return Command::new(program);
    }
    let mut command = Command::new("sh");
    command.args(["-c", include_str!("on_postgres.sh"), "on_postgres", program]);
    command
}

/// What a settings file says of the place of a directory's installation.
pub(crate) fn settings(data: &Path) -> String {
    let quoted = |path: &Path| format!("{:?}", path.display().to_string());
    if on_postgres() {
        let (url, kek) = (url(data), quoted(&data.join("kek")));
        return format!("database-url = \"{url}\"\nkek-file = {kek}\n");
    }
    format!("data-dir = {}\n", quoted(data))
}

/// What a query of the database gives, the first column of each row.
pub(crate) fn rows(data: &Path, sql: &str) -> Vec<String> {
    let printed = if on_postgres() {
        printed(psql(data).args(["--command", sql]))
    } else {
        let code = "import sqlite3, sys\n\
                    for row in sqlite3.connect(sys.argv[1], isolation_level=None).execute(sys.argv[2]): print(row[0])";
        printed(python(code, data).arg(sql))
    };
    String::from_utf8(printed)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect()
}

/// Changes the database of a server that does not run.
pub(crate) fn change(data: &Path, sql: &str) {
    if on_postgres() {
        // The name that SQLite has for bytes.
        let sql = format!("CREATE DOMAIN pg_temp.blob AS bytea; {sql}");
        printed(psql(data).args(["--command", &sql]));
    } else {
        let code = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).executescript(sys.argv[2])";
        printed(python(code, data).arg(sql));
    }
}

/// All that the database holds, with the name of each part; without the key.
pub(crate) fn contents(data: &Path) -> Vec<(String, Vec<u8>)> {
    if on_postgres() {
        let mut dump = Command::new("pg_dump");
        let dump = printed(dump.args(["--dbname", &url(data)]));
        return vec![("the database".to_owned(), dump)];
    }
    let files = fs::read_dir(data).unwrap().map(|file| file.unwrap().path());
    let files = files.filter(|file| file.file_name() != Some(OsStr::new("kek")));
    let read = |file: std::path::PathBuf| (file.display().to_string(), fs::read(&file).unwrap());
    files.map(read).collect()
}

/// Somebody else's transaction, which keeps the service from writing until this is dropped.
pub(crate) struct Hold(Child);

impl Hold {
    pub(crate) fn on(data: &Path) -> Self {
        let mut command = if on_postgres() {
            psql(data)
        } else {
            let code = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.execute('BEGIN IMMEDIATE'); \
                        print('held', flush=True); sys.stdin.read()";
            python(code, data)
        };
        let mut holder = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        if on_postgres() {
            let sql = b"BEGIN; LOCK TABLE audit_event IN EXCLUSIVE MODE;\n\\echo held\n";
            holder.stdin.as_mut().unwrap().write_all(sql).unwrap();
        }
        let told = holder.stdout.as_mut().unwrap();
        told.read_exact(&mut [0; 5]).unwrap();
        Self(holder)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

fn url(data: &Path) -> String {
    let url = fs::read_to_string(data.join("database-url")).unwrap();
    url.trim_end().to_owned()
}

fn psql(data: &Path) -> Command {
    let mut psql = Command::new("psql");
    psql.args("--quiet --no-psqlrc --tuples-only --no-align --set ON_ERROR_STOP=1".split(' '));
    psql.args(["--dbname", &url(data)]);
    psql
}

/// Python, as the way to a database of SQLite.
fn python(code: &str, data: &Path) -> Command {
    let mut python = Command::new("python3");
    python.args(["-c", code]).arg(data.join("regcred.db"));
    python
}

fn printed(command: &mut Command) -> Vec<u8> {
    let done = command.output().unwrap();
    assert!(done.status.success(), "{done:?}");
    done.stdout
}
