//! `regcred export`: writes a project's credentials, in the clear, into a file for another client.

mod choice;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use regcred_client::regcred::{Pull, PullableCredentials};
use serde::Serialize;

use self::choice::choose;
use super::InProject;
use super::pull::only_tokens;
use crate::connection::Link;
use crate::docker_config::{Line, Namespace, SecretName, Target, write};
use crate::failure::{Exit, Failure, Result};
use crate::files::Draft;
use crate::interrupt::Interrupt;
use crate::output::{Format, OutputArgs, names, note, print_secret, shown};
use crate::prompt::{can_confirm, confirm};

#[derive(Args)]
pub(super) struct Export {
    /// What is written
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Form,
    /// The file, 0600; `-` is standard output, which wants --yes
    #[arg(long, value_name = "FILE", default_value = "-")]
    file: PathBuf,
    /// Where a registry has several accounts, that of this username; may be repeated
    #[arg(long = "username", value_name = "NAME")]
    usernames: Vec<String>,
    /// Leave out accounts of a registry's path, which docker takes for all of the registry
    #[arg(long)]
    hosts_only: bool,
    /// The name of the Kubernetes secret; `regcred` where it is left out
    #[arg(long, value_name = "NAME")]
    name: Option<SecretName>,
    /// The namespace of the Kubernetes secret
    #[arg(long, value_name = "NAME")]
    namespace: Option<Namespace>,
    /// Replace a file that is there
    #[arg(long)]
    force: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    args: InProject,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
enum Form {
    /// docker's config.json
    ConfigJson,
    /// containers' auth.json, for podman, skopeo and buildah
    AuthJson,
    /// A manifest of a pull secret, in YAML
    Kubernetes,
    /// The value of the variable `DOCKER_AUTH_CONFIG`
    DockerAuthConfig,
}

/// What was written, as it is documented for scripts. Passwords are not among it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'a> {
    file: String,
    format: Form,
    credentials: Vec<Written<'a>>,
    warnings: &'a [String],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    credentials_id: String,
    registry_key: &'a str,
    username: &'a str,
}

impl Export {
    pub(super) async fn run(&self, interrupt: &Interrupt) -> Result<()> {
        let output = self.args.client.output;
        let is_stdout = self.file.as_os_str() == "-";
        if is_stdout && !self.yes {
            return Err(Failure::usage(
                "passwords in the clear are to go to standard output",
                "say so with --yes, or name a file with --file",
            ));
        }
        let target = self.target()?;
        can_confirm("Write the passwords in the clear?", self.yes)?;
        if !is_stdout && !self.force && self.file.symlink_metadata().is_ok() {
            return Err(Failure::new(
                Exit::Conflict,
                format!("the file {} is there already", self.file.display()),
                "replace it with --force, or name another",
            ));
        }
        let link = self.args.client.connection.link()?;
        let project = link.named(&self.args.project).ok();
        let pullable = link.client.regcred().pullable(project).await;
        let pullable = link.done(pullable).map_err(only_tokens)?;
        let (chosen, warnings) = choose(
            pullable.credentials,
            &self.usernames,
            self.hosts_only,
            self.format,
        )?;
        if chosen.is_empty() {
            return Err(Failure::new(
                Exit::NotFound,
                "the project has no credentials that could be exported",
                "create them with `regcred credentials create`",
            ));
        }
        for warning in &warnings {
            note(output.quiet, &format!("warning: {warning}"));
        }
        self.ask(&chosen, interrupt).await?;
        // Where nothing can be written, nothing is pulled.
        let draft = match (is_stdout, self.force) {
            (true, _) => None,
            (false, true) => Some(Draft::to_replace(&self.file)),
            (false, false) => Some(Draft::to_create(&self.file)),
        };
        let draft = draft.transpose().map_err(|error| {
            let message = format!(
                "the file {} cannot be written: {error}",
                self.file.display()
            );
            Failure::internal(message, "name another with --file; nothing was pulled")
        })?;
        let project = pullable.project.to_string();
        let lines = pulled(&link, &project, &chosen).await?;
        let text = write(&target, &lines).map_err(|error| {
            Failure::internal(
                format!("the file cannot be made: {error}"),
                "try another format",
            )
        })?;
        let Some(draft) = draft else {
            return print_secret(&text);
        };
        draft.finish(&text).map_err(|error| {
            let message = format!(
                "the file {} cannot be written: {error}",
                self.file.display()
            );
            Failure::internal(
                message,
                "name another with --file; the pulls are in the audit trail all the same",
            )
        })?;
        self.report(&chosen, &warnings, output)
    }

    fn target(&self) -> Result<Target> {
        if self.format != Form::Kubernetes && (self.name.is_some() || self.namespace.is_some()) {
            return Err(Failure::usage(
                "--name and --namespace are those of a Kubernetes secret, which is not what is written",
                "leave them out, or write --format kubernetes",
            ));
        }
        Ok(match self.format {
            Form::ConfigJson => Target::ConfigJson,
            Form::AuthJson => Target::AuthJson,
            Form::DockerAuthConfig => Target::DockerAuthConfig,
            Form::Kubernetes => Target::Kubernetes {
                name: self.name.clone().unwrap_or_default(),
                namespace: self.namespace.clone(),
            },
        })
    }

    /// Asks, below what it is about.
    async fn ask(&self, chosen: &[PullableCredentials], interrupt: &Interrupt) -> Result<()> {
        if self.yes {
            return Ok(());
        }
        for one in chosen.iter().take(MOST_SHOWN) {
            let one = format!("{} at {}", one.username, one.registry_key);
            note(false, &shown(&one));
        }
        if let Some(more) = chosen
            .len()
            .checked_sub(MOST_SHOWN)
            .filter(|more| *more > 0)
        {
            note(false, &format!("and {more} more"));
        }
        let question = format!(
            "Write {} passwords in the clear to {}? Each is pulled, which the audit trail records.",
            chosen.len(),
            self.file.display()
        );
        confirm(interrupt, &question, false).await
    }

    fn report(
        &self,
        chosen: &[PullableCredentials],
        warnings: &[String],
        output: OutputArgs,
    ) -> Result<()> {
        let file = self.file.display().to_string();
        match output.output {
            Format::Table => output.done(&format!("wrote {} credentials to {file}", chosen.len())),
            Format::Name => names(chosen.iter().map(|one| one.credentials_id)),
            Format::Json | Format::Yaml => output.data(&Report {
                file,
                format: self.format,
                credentials: chosen
                    .iter()
                    .map(|one| Written {
                        credentials_id: one.credentials_id.to_string(),
                        registry_key: &one.registry_key,
                        username: &one.username,
                    })
                    .collect(),
                warnings,
            }),
        }
    }
}

/// How many are named before the question; what is above would be scrolled away.
const MOST_SHOWN: usize = 20;

/// Pulls each of them, by its id. All of them, or none is written.
async fn pulled(link: &Link, project: &str, chosen: &[PullableCredentials]) -> Result<Vec<Line>> {
    let mut lines = Vec::with_capacity(chosen.len());
    for one in chosen {
        let pull = Pull::server(&one.registry_key)
            .project(project)
            .pinned(one.credentials_id);
        let pulled = link.done(link.client.regcred().pull(&pull).await)?;
        if (&pulled.registry_key, &pulled.username) != (&one.registry_key, &one.username) {
            return Err(Failure::new(
                Exit::Conflict,
                format!(
                    "the credentials {} were changed meanwhile; nothing was written",
                    one.credentials_id
                ),
                "run it again",
            ));
        }
        lines.push(Line {
            registry_key: pulled.registry_key,
            username: pulled.username,
            password: pulled.password,
        });
    }
    Ok(lines)
}
