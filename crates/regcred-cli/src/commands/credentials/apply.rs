//! `regcred credentials apply`: makes a project's credentials those of a file, step by step, after a plan.

use std::path::{Path, PathBuf};

use clap::Args;
use regcred_client::Secret;

use super::super::InProject;
use super::super::changes::{Action, Plan, Words, report, settle};
use super::Room;
use super::manifest::Manifest;
use super::plan;
use crate::connection::ProjectArgs;
use crate::failure::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::prompt::{beside, can_confirm};

#[derive(Args)]
#[command(after_help = "\
The file, in YAML or JSON:

  project: demo                     # or with --project
  credentials:
    - username: ci-bot
      registry: ghcr.io             # left out: Docker Hub
      password: env:GHCR_PASSWORD   # or file:PATH, from the file's own directory, or stdin, once
      passwordChanged: 2026-11-20   # optional: see below

Nobody can read a password back to compare it, so an entry is upgraded each time, \
unless passwordChanged says since when its password counts and the credentials were upgraded after that. A day stands \
for its end, in UTC; give a moment, 2026-11-20T14:00:00Z, to be exact.")]
pub(super) struct Apply {
    /// The file; `-` is standard input
    #[arg(short, long, value_name = "FILE")]
    file: PathBuf,
    /// Show the plan, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Delete the credentials of the project that are not in the file, after asking
    #[arg(long)]
    prune: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

impl Apply {
    pub(super) async fn run(&self, args: &InProject, interrupt: &Interrupt) -> Result<()> {
        if self.prune && !self.dry_run {
            can_confirm("Delete what is not in the file?", self.yes)?;
        }
        let file = self.file.clone();
        let (manifest, passwords) = beside(interrupt, move || read(&file)).await?;
        let given = args.client.connection.project(&args.project)?;
        let project = Self::project(given, manifest.project.clone())?;
        let args = InProject {
            project,
            client: args.client.clone(),
        };
        let room = Room::open(&args).await?;
        let there = room.credentials.list_for_project(room.project).await;
        let mut plan: Plan = plan::plan(&manifest, &room.link.done(there)?, self.prune, &WORDS);
        if self.dry_run {
            return report(room.output, &plan, true);
        }
        let question = match plan.count(Action::Prune) {
            0 => None,
            pruned => Some(format!("Delete {pruned} credentials?")),
        };
        let question = question.as_deref();
        settle(&room, &mut plan, &passwords, question, self.yes, interrupt).await
    }

    /// The one project that is named: a variable that was forgotten must not lead a file to another one.
    fn project(given: Option<String>, in_file: Option<String>) -> Result<ProjectArgs> {
        match (given, in_file) {
            (Some(given), Some(in_file)) if given != in_file => Err(Failure::usage(
                format!(
                    "the file is for the project {in_file:?}, but --project or REGCRED_PROJECT names {given:?}"
                ),
                "name the same, or leave one of them out",
            )),
            (given, in_file) => Ok(ProjectArgs {
                project: given.or(in_file),
            }),
        }
    }
}

/// The file, and all its passwords, before anything is asked or done: what is missing must not be found half-way.
fn read(file: &Path) -> Result<(Manifest, Vec<Secret>)> {
    let is_stdin = file.as_os_str() == "-";
    let text = if is_stdin {
        std::io::read_to_string(std::io::stdin())
    } else {
        std::fs::read_to_string(file)
    };
    let text = text.map(Secret::new).map_err(|error| {
        let message = format!("the file {} cannot be read: {error}", file.display());
        Failure::usage(message, "name a file with -f, or `-` for standard input")
    })?;
    let manifest = Manifest::parse(text.expose()).map_err(|failure| Failure {
        message: format!("{}: {}", file.display(), failure.message),
        ..failure
    })?;
    if is_stdin && manifest.takes_stdin() {
        return Err(Failure::usage(
            "the file and a password are both to come from standard input",
            "give the password by env: or file:",
        ));
    }
    let directory = file.parent().filter(|_| !is_stdin).unwrap_or(Path::new(""));
    let passwords = manifest
        .credentials
        .iter()
        .map(|entry| entry.password(directory))
        .collect::<Result<_>>()?;
    Ok((manifest, passwords))
}

const WORDS: Words = Words {
    planned: |plan| {
        format!(
            "{} to create, {} to upgrade, {} unchanged, {} to prune; {} not in the file are left alone",
            plan.count(Action::Create),
            plan.count(Action::Upgrade),
            plan.count(Action::Unchanged),
            plan.count(Action::Prune),
            plan.left_alone,
        )
    },
    done: |plan| {
        format!(
            "applied: {} created, {} upgraded, {} unchanged, {} pruned",
            plan.count(Action::Create),
            plan.count(Action::Upgrade),
            plan.count(Action::Unchanged),
            plan.count(Action::Prune),
        )
    },
};
