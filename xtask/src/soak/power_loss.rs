//! Power loss: only what was synced is left.
//!
//! `kill -9` takes nothing from the operating system's cache, so it cannot show whether a commit was synced. Here a
//! small library (`synced.c`) stands between the store and the system: whenever a file is synced, it copies the file
//! to a shadow directory. After the kill the shadows are all that is left, as after a power loss. With
//! `synchronous=NORMAL` forced the same test must lose acknowledged writes, or it would prove nothing.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

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
    let mut compile = command("cc", "-shared -fPIC -O2 -Wall -Werror -o");
    shell.run(
        compile
            .arg(&library)
            .arg(root().join("xtask/src/soak/synced.c"))
            .arg("-ldl"),
    )?;
    let (full, acknowledged) = cuts(shell, &folder, &library, "full", 20)?;
    shell.say(format_args!(
        "synchronous=FULL: {full} of {acknowledged} acknowledged writes lost in 20 power cuts"
    ))?;
    let (normal, acknowledged) = cuts(shell, &folder, &library, "normal", 5)?;
    shell.say(format_args!(
        "synchronous=NORMAL: {normal} of {acknowledged} acknowledged writes lost in 5 power cuts"
    ))?;
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

/// Cuts the power again and again over one installation: how many acknowledged writes were lost, of how many.
fn cuts(
    shell: &Shell,
    folder: &Path,
    library: &Path,
    durability: &str,
    times: u64,
) -> Outcome<(usize, usize)> {
    let (data, shadow) = (
        folder.join(durability),
        folder.join(format!("{durability}-shadow")),
    );
    for folder in [&data, &shadow] {
        fs::create_dir(folder).doing(format_args!("make {}", folder.display()))?;
    }
    fs::write(data.join("kek"), KEK).doing("write the key")?;
    let program = target()?.join("release/examples/power_loss");
    let mut acknowledged = BTreeSet::new();
    let (mut lost, mut all) = (0, 0);
    for time in 0..times {
        let mut write = command(&program, "write");
        write
            .arg(&data)
            .arg(durability)
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        write
            .env("LD_PRELOAD", library)
            .env("SYNCED_SHADOW", &shadow);
        let mut writer = write.spawn().doing("start the writer")?;
        let output = writer.stdout.take();
        let kill = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(700 + time * 131 % 500));
            writer.kill().and_then(|()| writer.wait()).map(drop)
        });
        let lines = output
            .into_iter()
            .flat_map(|output| BufReader::new(output).lines().map_while(Result::ok));
        let before = acknowledged.len();
        acknowledged
            .extend(lines.filter_map(|line| line.strip_prefix("acknowledged ").map(str::to_owned)));
        match kill.join() {
            Ok(done) => done.doing("kill the writer")?,
            Err(_) => return Err(Failure::new("the thread that kills the writer panicked")),
        }
        all += acknowledged.len() - before;
        restore(&data, &shadow)?;
        let text = shell.read(command(&program, "check").arg(&data))?;
        let there: BTreeSet<_> = text
            .lines()
            .filter_map(|line| line.strip_prefix("there ").map(str::to_owned))
            .collect();
        lost += acknowledged.difference(&there).count();
        // What was lost is lost once; what came besides is acknowledged from now on.
        acknowledged = there;
    }
    if all == 0 {
        return Err(Failure::new("the writer never wrote"));
    }
    Ok((lost, all))
}

/// Leaves in the data directory what was synced, and nothing else.
fn restore(data: &Path, shadow: &Path) -> Outcome {
    for file in files(data)? {
        if file.extension().is_some() {
            fs::remove_file(&file).doing(format_args!("remove {}", file.display()))?;
        }
    }
    for file in files(shadow)? {
        let Some(name) = file.file_name() else {
            continue;
        };
        fs::copy(&file, data.join(name)).doing(format_args!("copy {}", file.display()))?;
    }
    Ok(())
}

fn files(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let entries: Result<Vec<_>, _> = fs::read_dir(folder).and_then(Iterator::collect);
    let entries = entries.doing(format_args!("read {}", folder.display()))?;
    Ok(entries.into_iter().map(|entry| entry.path()).collect())
}

/// A key for nothing but this.
const KEK: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
