//! Power loss: only what was synced is left.
//!
//! `kill -9` takes nothing from the operating system's cache, so it cannot show whether a commit was synced. Here a
//! small library (`synced.c`) stands between the store and the system: whenever a file is synced, it copies the file
//! to a shadow directory. After the kill the shadows are all that is left, as after a power loss. With
//! `synchronous=NORMAL` forced the same test must lose acknowledged writes, or it would prove nothing. Nor would it
//! without the log being folded into the database meanwhile, for that is when two threads write and sync.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader, ErrorKind};
use std::iter;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, SystemTime};

use crate::shell::{Doing, Failure, Outcome, Shell, command, root, target};

pub(super) fn run(shell: &Shell) -> Outcome {
    shell.run(&mut command(
        "cargo",
        "build --release --locked --package regcred-storage --example power_loss",
    ))?;
    let folder = target()?.join("soak");
    if folder.exists() {
        fs::remove_dir_all(&folder).doing(format_args!("remove {}", folder.display()))?;
    }
    fs::create_dir_all(&folder).doing(format_args!("make {}", folder.display()))?;
    let library = folder.join("synced.so");
    let mut compile = command("cc", "-shared -fPIC -O2 -Wall -Werror -pthread -o");
    shell.run(
        compile
            .arg(&library)
            .arg(root().join("xtask/src/soak/synced.c"))
            .arg("-ldl"),
    )?;
    // With FULL the log stays from cut to cut. With NORMAL it is lost, and gets long in one go or not at all.
    let full = cuts(shell, &folder, &library, "full", 20, 500)?;
    let normal = cuts(shell, &folder, &library, "normal", 5, 5_000)?;
    match (full, normal) {
        (0, 1..) => Ok(()),
        (0, _) => Err(Failure::new(
            "this test cannot fail here: with NORMAL nothing was lost either",
        )),
        _ => Err(Failure::new(format!(
            "{full} acknowledged writes were lost"
        ))),
    }
}

/// Cuts the power again and again over one installation, each time behind at least so many writes: how many acknowledged
/// ones were lost.
fn cuts(
    shell: &Shell,
    folder: &Path,
    library: &Path,
    durability: &str,
    times: u32,
    least: usize,
) -> Outcome<usize> {
    let installation = Installation::make(folder, library, durability)?;
    let mut present = BTreeSet::new();
    let (mut lost, mut all, mut folds) = (0, 0, 0);
    let enough = (0..).map(|time: usize| least + time * 1_310 % SPREAD);
    for (time, enough) in (0..times).zip(enough) {
        let before = installation.folded()?;
        // The kill is to come anywhere in a commit, not always behind one.
        let acknowledged = installation.write(durability, enough, COMMIT * time / times)?;
        // At the first start it is also synced when it is made.
        folds += usize::from(before.is_some() && before != installation.folded()?);
        all += acknowledged.len();
        present.extend(acknowledged);
        installation.restore()?;
        let there = installation.check(shell)?;
        lost += present.difference(&there).count();
        // What was lost is lost once; what came besides is acknowledged from now on.
        present = there;
    }
    shell.say(format_args!(
        "synchronous={}: {lost} of {all} acknowledged writes lost in {times} power cuts, {folds} of them behind a fold",
        durability.to_uppercase()
    ))?;
    if folds == 0 {
        return Err(Failure::new(
            "the log was never folded into the database before a power cut",
        ));
    }
    Ok(lost)
}

/// A data directory, and what a power loss would leave of it.
struct Installation {
    data: PathBuf,
    shadow: PathBuf,
    library: PathBuf,
}

impl Installation {
    fn make(folder: &Path, library: &Path, name: &str) -> Outcome<Self> {
        let (data, shadow) = (folder.join(name), folder.join(format!("{name}-shadow")));
        for folder in [&data, &shadow] {
            fs::create_dir(folder).doing(format_args!("make {}", folder.display()))?;
        }
        fs::write(data.join("kek"), KEK).doing("write the key")?;
        Ok(Self {
            data,
            shadow,
            library: library.to_owned(),
        })
    }

    /// What the program syncs is in the shadows, whichever half of it runs: also a check folds the log, and what is
    /// written behind that is worth nothing without it.
    fn program(&self, half: &str) -> Outcome<Command> {
        let mut program = command(target()?.join("release/examples/power_loss"), half);
        program
            .arg(&self.data)
            .env("LD_PRELOAD", &self.library)
            .env("SYNCED_SHADOW", &self.shadow);
        Ok(program)
    }

    /// Writes until so many writes are acknowledged, and a little longer, and kills the writer: all that were
    /// acknowledged.
    fn write(&self, durability: &str, least: usize, longer: Duration) -> Outcome<Vec<String>> {
        let mut writer = self.program("write")?;
        writer
            .arg(durability)
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let mut writer = writer.spawn().doing("start the writer")?;
        let (send, lines) = mpsc::channel();
        let output = writer.stdout.take().into_iter();
        thread::spawn(move || {
            let lines = output.flat_map(|output| BufReader::new(output).lines());
            lines
                .map_while(Result::ok)
                .try_for_each(|line| send.send(line))
        });
        let mut said: Vec<_> = iter::from_fn(|| lines.recv_timeout(STUCK).ok())
            .take(least)
            .collect();
        thread::sleep(longer);
        writer.kill().doing("kill the writer")?;
        let status = writer.wait().doing("wait for the writer")?;
        let enough = said.len() == least;
        said.extend(lines);
        if status.signal() != Some(SIGKILL) || !enough {
            return Err(Failure::new(format!(
                "the writer acknowledged {} of {least} writes before it was to be killed, and ended with {status}",
                said.len()
            )));
        }
        let username = |line: String| line.strip_prefix("acknowledged ").map(str::to_owned);
        Ok(said.into_iter().filter_map(username).collect())
    }

    /// When the database was synced last, which it is at the end of each fold; `None` before it is made.
    fn folded(&self) -> Outcome<Option<SystemTime>> {
        let database = self.shadow.join("regcred.db");
        match fs::metadata(&database).and_then(|file| file.modified()) {
            Ok(time) => Ok(Some(time)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).doing(format_args!("look at {}", database.display())),
        }
    }

    /// Leaves in the data directory what was synced, and nothing else.
    fn restore(&self) -> Outcome {
        for file in files(&self.data)? {
            if file.extension().is_some() {
                fs::remove_file(&file).doing(format_args!("remove {}", file.display()))?;
            }
        }
        for file in files(&self.shadow)? {
            let Some(name) = file.file_name() else {
                continue;
            };
            // What the library has for itself begins with a dot.
            if !name.as_encoded_bytes().starts_with(b".") {
                fs::copy(&file, self.data.join(name))
                    .doing(format_args!("copy {}", file.display()))?;
            }
        }
        Ok(())
    }

    /// Opens what is left: which writes are there.
    fn check(&self, shell: &Shell) -> Outcome<BTreeSet<String>> {
        let text = shell.read(&mut self.program("check")?)?;
        let there = text.lines().filter_map(|line| line.strip_prefix("there "));
        Ok(there.map(str::to_owned).collect())
    }
}

fn files(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let entries: Result<Vec<_>, _> = fs::read_dir(folder).and_then(Iterator::collect);
    let entries = entries.doing(format_args!("read {}", folder.display()))?;
    Ok(entries.into_iter().map(|entry| entry.path()).collect())
}

/// Up to so many more writes come before a power cut, so that it comes anywhere between two folds. With all of them a
/// project must not be full.
const SPREAD: usize = 2_500;
/// About as long takes a commit, with the copy of the log.
const COMMIT: Duration = Duration::from_millis(30);
/// Whoever acknowledges nothing for so long does not any more.
const STUCK: Duration = Duration::from_mins(1);
/// No other way to end is the test's.
const SIGKILL: i32 = 9;
/// A key for nothing but this.
const KEK: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
