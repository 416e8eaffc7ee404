//! `regcred helper install`.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{ArgGroup, Args};
use serde::Serialize;

use super::configuration::{Configuration, Kept};
use super::file::{ClientFile, WhichFile, replace};
use crate::commands::InProject;
use crate::docker_config::edit::{Changed, HELPER, Slot, install};
use crate::docker_config::key::RegistryHost;
use crate::docker_config::places;
use crate::docker_config::program::Program;
use crate::docker_config::read;
use crate::docker_config::strict::{self, Misread};
use crate::failure::{Exit, Failure, Result};
use crate::interrupt::Interrupt;
use crate::output::{Format, OutputArgs, names, note, print, shown_lines};
use crate::prompt::{beside, stdin};

#[derive(Args)]
#[command(group(ArgGroup::new("what").required(true).multiple(true).args(["registries", "all", "token_stdin", "token_file"])))]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(super) struct Install {
    /// Enter the helper for this registry, such as ghcr.io, registry.example:5000 or docker.io; may be repeated
    #[arg(long = "registry", value_name = "HOST", conflicts_with = "all")]
    registries: Vec<RegistryHost>,
    /// Enter the helper for all registries that have no other; config.json only
    #[arg(long, conflicts_with_all = ["containers", "auth_file"])]
    all: bool,
    #[command(flatten)]
    which: WhichFile,
    /// Read a token for the helper from standard input, and keep it in the helper's configuration
    #[arg(long, conflicts_with = "token_file")]
    token_stdin: bool,
    /// Let the helper read its token from this file
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Replace another helper, and a configuration that is there
    #[arg(long)]
    force: bool,
    /// Say what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    args: InProject,
}

/// What was done, as it is documented for scripts.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    dry_run: bool,
    file: Option<String>,
    entries: Vec<Entry>,
    configuration: Option<String>,
    warnings: Vec<String>,
}

/// An entry for the helper.
#[derive(Serialize)]
struct Entry {
    /// The key, spelled as clients send it; `None` is all registries.
    key: Option<String>,
    /// Whether it was not there before.
    changed: bool,
    replaced: Option<String>,
}

impl Install {
    pub(super) async fn run(&self, interrupt: &Interrupt) -> Result<()> {
        let mut report = Report {
            dry_run: self.dry_run,
            file: None,
            entries: Vec::new(),
            configuration: None,
            warnings: Vec::new(),
        };
        let configuration = self.configuration(interrupt).await?;
        let edited = if self.all || !self.registries.is_empty() {
            let file = if self.dry_run {
                self.which.load()?
            } else {
                self.which.load_to_change()?
            };
            let slots: Vec<_> = if self.all {
                vec![Slot::All]
            } else {
                self.registries.iter().map(|host| file.slot(host)).collect()
            };
            let text = file.text.as_ref();
            let text = text.map_or("", |text| text.expose());
            let text = regcred_client::Secret::new(text.to_owned());
            let done = install(&text, &slots, self.force);
            let (text, changed) = done.map_err(|error| file.failure(error))?;
            report.entries = slots
                .iter()
                .map(|slot| Entry::new(slot, &changed))
                .collect();
            report.file = Some(file.path.display().to_string());
            report.warnings.extend(shadows(&file, &slots));
            if let Err(Misread::Places(places)) = strict::check(&text, file.client()) {
                let misread = |place| format!("{place}: {}", file.client().misreads());
                report.warnings.extend(places.into_iter().map(misread));
            }
            Some((file, text, changed.is_empty()))
        } else {
            None
        };
        // The helper is configured before a client asks it.
        if let Some((path, configuration)) = configuration {
            if !self.dry_run {
                replace(&path, &configuration.text()?)?;
            }
            report.configuration = Some(path.display().to_string());
        } else if !places::helper()?.exists() && Configuration::path()? == places::helper()? {
            report.warnings.push(
                "the helper has no configuration yet: give it a token with --token-stdin or --token-file".to_owned(),
            );
        }
        if let Some((file, text, is_same)) = edited
            && !is_same
            && !self.dry_run
        {
            file.replace(&text)?;
        }
        if Program::named(HELPER).is_none_or(|program| program.path().is_none()) {
            report.warnings.push(format!(
                "docker-credential-{HELPER} is not on the PATH, where clients look for it"
            ));
        }
        report.show(self.args.client.output)
    }

    /// The configuration of the helper that is to be written, and where.
    async fn configuration(
        &self,
        interrupt: &Interrupt,
    ) -> Result<Option<(PathBuf, Configuration)>> {
        let token = match &self.token_file {
            Some(path) => {
                let path = std::path::absolute(path);
                let path = path.map_err(|error| {
                    Failure::usage(format!("--token-file: {error}"), "name a file")
                })?;
                Some(Kept::InFile(path))
            }
            None if self.token_stdin => Some(Kept::Itself(beside(interrupt, stdin).await?)),
            None => None,
        };
        let Some(token) = token else {
            return Ok(None);
        };
        let path = places::helper()?;
        if path.exists() && !self.force {
            return Err(Failure::new(
                Exit::Conflict,
                format!(
                    "there is a configuration of the helper already, {}; nothing was changed",
                    path.display()
                ),
                "replace it with --force, or leave the token out to keep it",
            ));
        }
        let mut place = self.args.client.connection.place()?;
        let named = self.args.project.project.clone();
        place.project = named.or(place.project);
        Ok(Some((path, Configuration::of(place, token))))
    }
}

/// What in the file keeps the helper from being asked, or is not looked at any more because of it.
fn shadows(file: &ClientFile, slots: &[Slot]) -> Vec<String> {
    let contents = file.text.as_ref().and_then(|text| read(text).ok());
    let Some(contents) = contents else {
        return Vec::new();
    };
    let mut warnings = Vec::new();
    for slot in slots {
        let is_of = |key: &str| match slot {
            Slot::All => true,
            Slot::Registry(of) => key == of,
        };
        for entry in contents.entries.iter().filter(|entry| is_of(&entry.key)) {
            if entry.login.is_ok()
                && !(slot == &Slot::All && contents.helpers.contains_key(&entry.key))
            {
                warnings.push(format!(
                    "the login of {:?} in `auths` is not looked at any more, because the helper is asked instead",
                    entry.key
                ));
            }
        }
        if slot == &Slot::All {
            for (key, helper) in contents
                .helpers
                .iter()
                .filter(|(_, helper)| *helper != HELPER)
            {
                warnings.push(format!("{key:?} keeps its own helper {helper:?}"));
            }
        }
    }
    warnings
}

impl Entry {
    fn new(slot: &Slot, changed: &[Changed]) -> Self {
        let change = changed.iter().find(|changed| changed.slot == *slot);
        Self {
            key: match slot {
                Slot::Registry(key) => Some(key.clone()),
                Slot::All => None,
            },
            changed: change.is_some(),
            replaced: change.and_then(|change| change.replaced.clone()),
        }
    }
}

impl Report {
    fn show(&self, output: OutputArgs) -> Result<()> {
        match output.output {
            Format::Json | Format::Yaml => return output.data(self),
            Format::Name => {
                return names(self.entries.iter().filter_map(|entry| entry.key.as_ref()));
            }
            Format::Table => {}
        }
        let would = if self.dry_run { "would be " } else { "" };
        let mut text = String::new();
        if let Some(path) = &self.configuration {
            let _ = writeln!(text, "{would}written: {path}");
        }
        let file = self.file.as_deref().unwrap_or_default();
        for entry in &self.entries {
            let key = entry.key.as_deref().unwrap_or("all registries");
            let _ = match (&entry.replaced, entry.changed) {
                (Some(other), _) => writeln!(
                    text,
                    "{would}entered for {key} in {file}, in place of {other}"
                ),
                (None, true) => writeln!(text, "{would}entered for {key} in {file}"),
                (None, false) => writeln!(text, "unchanged: {key} in {file}"),
            };
        }
        if !output.quiet {
            print(&shown_lines(&text))?;
        }
        for warning in &self.warnings {
            note(output.quiet, &format!("warning: {warning}"));
        }
        Ok(())
    }
}
