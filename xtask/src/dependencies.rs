//! `cargo xtask dependencies`: what the helpers are made of, as a file. They are to be small enough to be read, so
//! nothing comes in unseen.

use std::collections::BTreeSet;
use std::fs;

use crate::shell::{Doing, Failure, Outcome, Shell, command, root};

/// Writes the list.
pub(crate) fn run() -> Outcome {
    let shell = Shell::terminal();
    let path = root().join(FILE);
    fs::write(&path, text(&shell)?).doing(format_args!("write {}", path.display()))
}

/// Fails where the committed list is not what is built, and says by which lines.
pub(crate) fn check(shell: &Shell) -> Outcome {
    let path = root().join(FILE);
    let committed = fs::read_to_string(&path).doing(format_args!("read {}", path.display()))?;
    let built = text(shell)?;
    let (old, new): (BTreeSet<_>, BTreeSet<_>) =
        (committed.lines().collect(), built.lines().collect());
    for line in old.difference(&new) {
        shell.say(format_args!("- {line}"))?;
    }
    for line in new.difference(&old) {
        shell.say(format_args!("+ {line}"))?;
    }
    if committed == built {
        return Ok(());
    }
    Err(Failure::new(format!(
        "{FILE} is not what is built; if the change is meant, run `cargo xtask dependencies`"
    )))
}

/// Names and versions of all that is linked into the programs, on Linux.
fn text(shell: &Shell) -> Outcome<String> {
    let args = "tree --package regcred-helpers --edges normal --prefix none --locked --no-dedupe \
                --target x86_64-unknown-linux-gnu --format {p}";
    let tree = shell.read(&mut command("cargo", args))?;
    let lines: BTreeSet<_> = tree.lines().filter_map(named).collect();
    Ok(lines.into_iter().map(|line| line + "\n").collect())
}

/// `name version` of a line, without where it lies.
fn named(line: &str) -> Option<String> {
    let mut words = line.split_whitespace();
    Some(format!(
        "{} {}",
        words.next()?,
        words.next()?.trim_start_matches('v')
    ))
}

const FILE: &str = "crates/regcred-helpers/dependencies.txt";
