//! Taking the steps of a plan, and telling how far they came.

use std::fmt::Write as _;

use regcred_client::{RegistryChange, Secret};
use serde::Serialize;

use super::{Action, Outcome, Plan, Step};
use crate::commands::credentials::Room;
use crate::failure::{Exit, Failure, Result};
use crate::interrupt::Interrupt;
use crate::output::{Format, OutputArgs, names, note, print, progress, shown};
use crate::prompt::confirm;

/// Shows the plan, asks where there is a question, carries it out, and tells what came of it.
pub(in crate::commands) async fn settle(
    room: &Room,
    plan: &mut Plan,
    passwords: &[Secret],
    question: Option<&str>,
    yes: bool,
    interrupt: &Interrupt,
) -> Result<()> {
    if room.output.output == Format::Table && !room.output.quiet {
        print(&planned(plan))?;
    } else if question.is_some() && !yes {
        // Nobody is asked without seeing what for.
        note(false, planned(plan).trim_end());
    }
    if let Some(question) = question {
        confirm(interrupt, question, yes).await?;
    }
    let ended = room.carry_out(plan, passwords, interrupt).await;
    let reported = report(room.output, plan, false);
    ended.and(reported)
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
        let bar = progress(plan.changes(Outcome::NotAttempted), self.output);
        for index in 0..plan.steps.len() {
            if interrupt.is_pressed().await {
                bar.finish_and_clear();
                return Err(interrupted(plan));
            }
            let Some(step) = plan.steps.get_mut(index) else {
                break;
            };
            if !step.is_change() {
                if step.action == Action::Unchanged {
                    step.outcome = Outcome::Done;
                }
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
            (Action::Upgrade | Action::Overwrite, Some(id), Some(password)) => {
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
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    remarks: &'a [String],
}

/// What was planned, or how far it came.
pub(in crate::commands) fn report(output: OutputArgs, plan: &Plan, dry_run: bool) -> Result<()> {
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
        Format::Table => output.done(&(plan.words.done)(plan)),
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
            remarks: &plan.remarks,
        }),
    }
}

/// The plan for people.
fn planned(plan: &Plan) -> String {
    let mut text = String::new();
    for step in &plan.steps {
        let users = match step.users {
            0 => String::new(),
            users => format!(", which {users} jobs and apps use"),
        };
        let reason = step.reason.as_ref().map(|reason| format!(": {reason}"));
        let name = shown(&format!(
            "{}{users}{}",
            step.name(),
            reason.unwrap_or_default()
        ));
        let _ = writeln!(text, "{:<9}  {name}", step.action);
    }
    for remark in &plan.remarks {
        let _ = writeln!(text, "note       {}", shown(remark));
    }
    let _ = writeln!(text, "plan: {}", (plan.words.planned)(plan));
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
