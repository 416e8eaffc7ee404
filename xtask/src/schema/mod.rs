//! `cargo xtask schema`: the interface that the code serves, as a file, and how it stands to a published one.

mod compare;

use std::fs;
use std::path::PathBuf;

use crate::shell::{Doing, Failure, Outcome, Shell, command, root, target};

/// What to do with the schema besides writing it.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Write nothing; show how schema.graphql differs from what the code serves
    #[arg(long)]
    check: bool,
    /// Write nothing; show where the code breaks with this published definition
    ///
    /// What both have must have the same name, arguments, type and nullability; what is ours alone must be optional. FILE
    /// is in GraphQL's schema language.
    #[arg(long, value_name = "FILE", conflicts_with = "check")]
    against: Option<PathBuf>,
}

/// Writes `schema.graphql`, or compares.
pub(crate) fn run(options: Options) -> Outcome {
    let shell = Shell::terminal();
    match options {
        Options { check: true, .. } => check(&shell),
        Options {
            against: Some(file),
            ..
        } => {
            let published =
                fs::read_to_string(&file).doing(format_args!("read {}", file.display()))?;
            against(&shell, &published)?;
            shell.say(format_args!(
                "what the code serves agrees with {}",
                file.display()
            ))
        }
        Options { .. } => fs::write(root().join(COMMITTED), served(&shell)?)
            .doing(format_args!("write {COMMITTED}")),
    }
}

/// Fails, with the difference, where the committed file is not what the code serves.
pub(crate) fn check(shell: &Shell) -> Outcome {
    let generated = target()?.join(COMMITTED);
    fs::write(&generated, served(shell)?).doing(format_args!("write {}", generated.display()))?;
    shell
        .run(command("diff", "--unified").arg(COMMITTED).arg(&generated))
        .map_err(|_| {
            Failure::new(format!(
                "{COMMITTED} is not what the code serves; `cargo xtask schema` writes it anew"
            ))
        })
}

/// Fails, with each of them, where there are differences that a client of the published interface would notice.
fn against(shell: &Shell, published: &str) -> Outcome {
    let differences = compare::differences(&served(shell)?, published)?;
    for difference in &differences {
        shell.say(difference)?;
    }
    match differences.len() {
        0 => Ok(()),
        count => Err(Failure::new(format!(
            "{count} differences from the published definition, told above"
        ))),
    }
}

/// The server's schema. The server is asked rather than linked, so that this crate stays light.
fn served(shell: &Shell) -> Outcome<String> {
    let mut run = command(
        "cargo",
        "run --quiet --locked --package regcred-server --example schema",
    );
    shell.read(&mut run)
}

const COMMITTED: &str = "schema.graphql";
