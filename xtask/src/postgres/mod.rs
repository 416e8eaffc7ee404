//! `cargo xtask postgres`: a throw-away PostgreSQL for one command; the tests get theirs from here, too.
//!
//! A cluster has a folder, a port and a password of its own, so any number of them live side by side, and beside the
//! machine's. It is kept by a process of its own (`keeper.sh`) and is gone when its [`Cluster`] is dropped, or soon
//! after this program has ended in any other way.

mod programs;

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitCode, ExitStatus, Stdio};

use crate::shell::{Doing, Failure, Outcome, Shell, command};
use crate::tools;

pub(crate) use programs::programs;

/// The variable in which tests find the URL of a database of which they may do what they want.
pub(crate) const VARIABLE: &str = "REGCRED_TEST_POSTGRES";

/// What to run, and on what.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Keep fsync on, for what looks at durability or speed
    #[arg(long)]
    durable: bool,
    /// The command, which finds the URL of a superuser in `REGCRED_TEST_POSTGRES`
    #[arg(
        value_name = "COMMAND",
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    command: Vec<OsString>,
}

/// Runs the command beside a cluster; its exit status is ours.
pub(crate) fn run(options: Options) -> Outcome<ExitCode> {
    let mut words = options.command.into_iter();
    let program = words.next().unwrap_or_default();
    let durability = if options.durable {
        Durability::Full
    } else {
        Durability::None
    };
    let cluster = Cluster::start(&Shell::terminal(), durability)?;
    let status = Command::new(&program)
        .args(words)
        .env(VARIABLE, cluster.url())
        .status()
        .doing(format_args!("run `{}`", program.display()))?;
    Ok(ExitCode::from(exit_code(status)))
}

/// The code that a shell would give for it.
fn exit_code(status: ExitStatus) -> u8 {
    let of_signal = || status.signal().map(|signal| 128 + signal);
    let code = status.code().or_else(of_signal);
    code.and_then(|code| u8::try_from(code).ok())
        .unwrap_or(u8::MAX)
}

/// Whether what was committed is on the disk.
#[derive(Clone, Copy)]
pub(crate) enum Durability {
    /// It is, as in production.
    Full,
    /// It need not be (`fsync=off`): a cluster that nobody will start again has nothing to lose.
    None,
}

/// A running PostgreSQL that is gone with this value.
pub(crate) struct Cluster {
    keeper: Child,
    url: String,
}

impl Cluster {
    /// Makes one and waits until it answers. PostgreSQL refuses to run as root, who becomes the user that Debian's
    /// package brings for this.
    pub(crate) fn start(shell: &Shell, durability: Durability) -> Outcome<Self> {
        let programs = programs(shell)?;
        let mut keeper = if tools::is_root(shell)? {
            let mut keeper = command(
                "setpriv",
                "--reuid postgres --regid postgres --init-groups sh",
            );
            // That user may not write where root's environment points.
            keeper.env_remove("TMPDIR");
            keeper
        } else {
            command("sh", "")
        };
        let fsync = match durability {
            Durability::Full => "on",
            Durability::None => "off",
        };
        keeper
            .args(["-c", include_str!("keeper.sh"), "keeper"])
            .arg(programs)
            .arg(fsync)
            // Wherever we are, the other user may not be allowed to be.
            .current_dir("/")
            // Ctrl-C at the terminal is not for it: it ends when we have ended.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut keeper = shell.start(&mut keeper)?;
        let answers = keeper.stdout.take();
        let mut cluster = Self {
            keeper,
            url: String::new(),
        };
        let answers =
            answers.ok_or_else(|| Failure::new("the keeper of PostgreSQL has no output"))?;
        cluster.serve(BufReader::new(answers))?;
        Ok(cluster)
    }

    /// The URL of a superuser, with the password, and of a database that is empty.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The URL of another database of it, which is made; it has nothing in it.
    pub(crate) fn make_database(&self, shell: &Shell, name: &str) -> Outcome<String> {
        let sql = format!("CREATE DATABASE {name}");
        let psql = programs(shell)?.join("psql");
        shell.run(command(psql, "--quiet --no-psqlrc").args([&self.url, "--command", &sql]))?;
        let (server, _) = self.url.rsplit_once('/').unwrap_or((&self.url, ""));
        Ok(format!("{server}/{name}"))
    }

    /// The server's first process, whose children the others are.
    pub(crate) fn process(&self) -> Outcome<u32> {
        let port = self.url.rsplit_once(':').map_or("", |(_, rest)| rest);
        let port = format!("port={}", port.trim_end_matches("/postgres"));
        let folders = fs::read_dir("/proc").doing("read /proc")?;
        let ids = folders.filter_map(|folder| folder.ok()?.file_name().to_str()?.parse().ok());
        let is_it = |id: &u32| {
            let words = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
            words
                .split(|byte| *byte == 0)
                .any(|word| word == port.as_bytes())
        };
        let mut found = ids.filter(is_it);
        found
            .next()
            .ok_or_else(|| Failure::new("PostgreSQL's process is not found"))
    }

    fn serve(&mut self, mut answers: BufReader<ChildStdout>) -> Outcome {
        let password = password()?;
        self.tell(&password)?;
        if answer(&mut answers)? != "made" {
            return Err(Failure::new(
                "cannot make a PostgreSQL cluster; what it printed says why",
            ));
        }
        // A port that was free a moment ago may be taken by now.
        for _ in 0..3 {
            let port = free_port()?;
            self.tell(&port.to_string())?;
            if answer(&mut answers)? == "ready" {
                self.url = format!("postgres://regcred:{password}@127.0.0.1:{port}/postgres");
                return Ok(());
            }
        }
        Err(Failure::new(
            "cannot start PostgreSQL; what it printed says why",
        ))
    }

    fn tell(&mut self, line: &str) -> Outcome {
        let input = self.keeper.stdin.as_mut();
        input
            .map_or(Ok(()), |input| writeln!(input, "{line}"))
            .doing("talk to the keeper of PostgreSQL")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // To wait closes its input first, which is what ends it. Should it fail, there is nobody to tell.
        let _ = self.keeper.wait();
    }
}

/// The next line; empty if there is none.
fn answer(answers: &mut BufReader<ChildStdout>) -> Outcome<String> {
    let mut line = String::new();
    answers
        .read_line(&mut line)
        .doing("listen to the keeper of PostgreSQL")?;
    Ok(line.trim_end().to_owned())
}

fn free_port() -> Outcome<u16> {
    let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    Ok(address.doing("find a free port")?.port())
}

/// One that nobody guesses, of characters that mean nothing in a URL: the system's random UUID.
fn password() -> Outcome<String> {
    let source = Path::new("/proc/sys/kernel/random/uuid");
    let password = fs::read_to_string(source).doing(format_args!("read {}", source.display()))?;
    Ok(password.trim().to_owned())
}
