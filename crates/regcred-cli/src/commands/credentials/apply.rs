//! `regcred credentials apply`: makes a project's credentials those of a file, step by step, after a plan.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use regcred_client::{RegistryChange, Secret};
use serde::Serialize;

use super::super::InProject;
use super::Room;
use super::manifest::Manifest;
use super::plan::{Action, Outcome, Plan, Step};
use crate::connection::ProjectArgs;
use crate::failure::{Exit, Failure, Result};
use crate::interrupt::Interrupt;
use crate::output::{Format, OutputArgs, names, note, print, shown};
use crate::prompt::{beside, can_confirm, confirm};

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
        let mut plan = Plan::new(&manifest, &room.link.done(there)?, self.prune);
        if self.dry_run {
            return report(room.output, &plan, true);
        }
        let pruned = plan.count(Action::Prune);
        if room.output.output == Format::Table && !room.output.quiet {
            print(&planned(&plan))?;
        } else if pruned > 0 && !self.yes {
            // Nobody is asked without seeing what for.
            note(false, planned(&plan).trim_end());
        }
        if pruned > 0 {
            confirm(
                interrupt,
                &format!("Delete {pruned} credentials?"),
                self.yes,
            )
            .await?;
        }
        let ended = room.carry_out(&mut plan, &passwords, interrupt).await;
        let reported = report(room.output, &plan, false);
        ended.and(reported)
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

impl Room {
    /// Takes the steps one by one, up to the first that fails or Ctrl-C, which lets the one under way end.
    async fn carry_out(
        &self,
        plan: &mut Plan,
        passwords: &[Secret],
        interrupt: &Interrupt,
    ) -> Result<()> {
        interrupt.heed();
        let bar = progress(plan, self.output);
        for index in 0..plan.steps.len() {
            if interrupt.is_pressed().await {
                bar.finish_and_clear();
                return Err(interrupted(plan));
            }
            let Some(step) = plan.steps.get_mut(index) else {
                break;
            };
            if step.action == Action::Unchanged {
                step.outcome = Outcome::Done;
                continue;
            }
            bar.set_message(shown(&step.name()));
            let password = step.entry.and_then(|entry| passwords.get(entry));
            let done = tokio::select! {
                done = self.take(step, password) => Some(done),
                () = interrupt.again() => None,
            };
            match done {
                Some(Ok(())) => step.outcome = Outcome::Done,
                None => {
                    step.outcome = Outcome::Unknown;
                    bar.finish_and_clear();
                    return Err(interrupted(plan));
                }
                Some(Err(error)) => {
                    step.outcome = match error.outcome() {
                        regcred_client::Outcome::NotDone => Outcome::Failed,
                        regcred_client::Outcome::Unknown => Outcome::Unknown,
                    };
                    bar.finish_and_clear();
                    let failure = self.link.failure(error);
                    let step = format!("{} {}", step.action, step.name());
                    let message = format!("{step}: {}; {}", failure.message, so_far(plan));
                    return Err(Failure { message, ..failure });
                }
            }
            bar.inc(1);
        }
        bar.finish_and_clear();
        Ok(())
    }

    async fn take(&self, step: &mut Step, password: Option<&Secret>) -> regcred_client::Result<()> {
        let credentials = &self.credentials;
        let project = self.project;
        match (step.action, step.id, password) {
            (Action::Create, _, Some(password)) => {
                let created = credentials
                    .create(project, &step.username, password, step.registry.clone())
                    .await;
                step.id = Some(created?.id);
            }
            (Action::Upgrade, Some(id), Some(password)) => {
                let registry = RegistryChange::Set(step.registry.clone());
                let upgraded = credentials
                    .upgrade(project, id, password, registry, None)
                    .await;
                upgraded?;
            }
            (Action::Prune, Some(id), _) => credentials.delete(project, id).await?,
            _ => {}
        }
        Ok(())
    }
}

/// The plan and how far it came, as it is documented for scripts.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'a> {
    dry_run: bool,
    left_alone: usize,
    steps: &'a [Step],
}

fn report(output: OutputArgs, plan: &Plan, dry_run: bool) -> Result<()> {
    match output.output {
        Format::Table if dry_run => print(&planned(plan)),
        Format::Table if plan.changes(Outcome::Done) < plan.changes_in_all() => {
            let mut text = String::new();
            for step in &plan.steps {
                let name = shown(&step.name());
                let _ = writeln!(text, "{:<13}  {:<9}  {name}", step.outcome, step.action);
            }
            print(&text)
        }
        Format::Table => output.done(&format!(
            "applied: {} created, {} upgraded, {} unchanged, {} pruned",
            plan.count(Action::Create),
            plan.count(Action::Upgrade),
            plan.count(Action::Unchanged),
            plan.count(Action::Prune),
        )),
        Format::Name => {
            let ids = plan
                .steps
                .iter()
                .filter(|step| step.action != Action::Prune);
            let ids: Vec<_> = ids.filter_map(|step| step.id).collect();
            names(ids)
        }
        Format::Json | Format::Yaml => output.data(&Report {
            dry_run,
            left_alone: plan.left_alone,
            steps: &plan.steps,
        }),
    }
}

fn planned(plan: &Plan) -> String {
    let mut text = String::new();
    for step in &plan.steps {
        let users = match step.users {
            0 => String::new(),
            users => format!(", which {users} jobs and apps use"),
        };
        let _ = writeln!(text, "{:<9}  {}{users}", step.action, shown(&step.name()));
    }
    let _ = writeln!(
        text,
        "plan: {} to create, {} to upgrade, {} unchanged, {} to prune; {} not in the file are left alone",
        plan.count(Action::Create),
        plan.count(Action::Upgrade),
        plan.count(Action::Unchanged),
        plan.count(Action::Prune),
        plan.left_alone,
    );
    text
}

fn interrupted(plan: &Plan) -> Failure {
    let under_way = match plan.changes(Outcome::Unknown) {
        0 => "",
        _ => "; the one under way may have been made all the same",
    };
    Failure::new(
        Exit::Interrupted,
        format!("interrupted: {}{under_way}", so_far(plan)),
        "run it again to go on; what is done stays",
    )
}

fn so_far(plan: &Plan) -> String {
    format!(
        "{} changes are done, {} were not attempted",
        plan.changes(Outcome::Done),
        plan.changes(Outcome::NotAttempted)
    )
}

/// A bar on standard error, where that is a terminal.
fn progress(plan: &Plan, output: OutputArgs) -> ProgressBar {
    let target = if output.quiet {
        ProgressDrawTarget::hidden()
    } else {
        ProgressDrawTarget::stderr()
    };
    let changes = plan.changes(Outcome::NotAttempted) as u64;
    let bar = ProgressBar::with_draw_target(Some(changes), target);
    match ProgressStyle::with_template("{bar:30} {pos}/{len} {wide_msg}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
