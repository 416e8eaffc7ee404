//! `regcred import`: takes the logins of another client's file into a project.

mod plan;
mod source;

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use regcred_client::Error;

use self::plan::Keys;
use super::InProject;
use super::changes::{Action, Plan, Words, report, settle};
use super::credentials::Room;
use crate::failure::Result;
use crate::interrupt::Interrupt;
use crate::prompt::can_confirm;

#[derive(Args)]
#[command(group(ArgGroup::new("source").required(true).args(["file", "docker_config"])))]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(super) struct Import {
    /// A config.json, auth.json or .dockercfg, a Kubernetes pull secret in YAML or JSON, or the value of
    /// `DOCKER_AUTH_CONFIG`; `-` is standard input
    file: Option<PathBuf>,
    /// docker's own file, with the credential helpers that it names
    #[arg(long)]
    docker_config: bool,
    /// Replace the passwords of credentials that the project has
    #[arg(long)]
    overwrite: bool,
    /// Show the plan, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    args: InProject,
}

impl Import {
    pub(super) async fn run(&self, interrupt: &Interrupt) -> Result<()> {
        let is_stdin = self
            .file
            .as_ref()
            .is_some_and(|file| file.as_os_str() == "-");
        if !self.dry_run {
            // Whoever is to answer cannot, where the file comes from the place where answers do.
            can_confirm("Import these credentials?", self.yes)?;
        }
        let found = source::read(self.file.as_deref(), is_stdin, interrupt).await?;
        let room = Room::open(&self.args).await?;
        let there = room.credentials.list_for_project(room.project).await;
        let there = room.link.done(there)?;
        let typed: Vec<String> = Keys::wanted(&found, &there);
        let keys = match room.link.client.regcred().registry_keys(&typed).await {
            Ok(answers) => Keys::told(answers),
            // Only regcred knows what is one registry; elsewhere spellings are compared.
            Err(Error::Unsupported { .. }) => Keys::Typed,
            Err(error) => return Err(room.link.failure(error)),
        };
        let (mut plan, passwords) = plan::plan(found, &there, &keys, self.overwrite, &WORDS);
        if self.dry_run {
            return report(room.output, &plan, true);
        }
        let question = match plan.changes_in_all() {
            0 => None,
            changes => Some(format!("Import {changes} credentials?")),
        };
        settle(
            &room,
            &mut plan,
            &passwords,
            question.as_deref(),
            self.yes,
            interrupt,
        )
        .await
    }
}

const WORDS: Words = Words {
    planned: |plan: &Plan| {
        format!(
            "{} to create, {} to overwrite, {} there already, {} skipped",
            plan.count(Action::Create),
            plan.count(Action::Overwrite),
            plan.count(Action::Exists),
            plan.count(Action::Skip),
        )
    },
    done: |plan: &Plan| {
        format!(
            "imported: {} created, {} overwritten, {} left as they are, {} skipped",
            plan.count(Action::Create),
            plan.count(Action::Overwrite),
            plan.count(Action::Exists),
            plan.count(Action::Skip),
        )
    },
};
