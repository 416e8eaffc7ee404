//! `regcred helper uninstall`.

use clap::Args;
use serde::Serialize;

use super::file::WhichFile;
use crate::docker_config::edit::{Slot, uninstall};
use crate::docker_config::key::RegistryHost;
use crate::failure::Result;
use crate::output::{Format, OutputArgs, names};

#[derive(Args)]
pub(super) struct Uninstall {
    /// Only the entry of this registry; may be repeated
    #[arg(long = "registry", value_name = "HOST")]
    registries: Vec<RegistryHost>,
    #[command(flatten)]
    which: WhichFile,
    /// Say what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    output: OutputArgs,
}

/// What was done, as it is documented for scripts.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'a> {
    dry_run: bool,
    file: String,
    /// The keys; `None` is all registries.
    removed: Vec<Option<&'a str>>,
}

impl Uninstall {
    pub(super) fn run(&self) -> Result<()> {
        let mut file = self.which.load()?;
        if file.text.is_some() && !self.dry_run {
            file = self.which.load_to_change()?;
        }
        let slots: Vec<_> = self.registries.iter().map(|host| file.slot(host)).collect();
        let slots = (!slots.is_empty()).then_some(&slots[..]);
        let mut removed = Vec::new();
        if let Some(text) = &file.text {
            let done = uninstall(text, slots).map_err(|error| file.failure(error))?;
            if !self.dry_run && !done.1.is_empty() {
                file.replace(&done.0)?;
            }
            removed = done.1;
        }
        let keys = removed.iter().map(|slot| match slot {
            Slot::Registry(key) => Some(key.as_str()),
            Slot::All => None,
        });
        let report = Report {
            dry_run: self.dry_run,
            file: file.path.display().to_string(),
            removed: keys.collect(),
        };
        match self.output.output {
            Format::Json | Format::Yaml => self.output.data(&report),
            Format::Name => names(report.removed.into_iter().flatten()),
            Format::Table if removed.is_empty() => self
                .output
                .done(&format!("the helper is not entered in {}", report.file)),
            Format::Table => {
                let would = if self.dry_run { "would be " } else { "" };
                report.removed.iter().try_for_each(|key| {
                    let key = key.unwrap_or("all registries");
                    self.output
                        .done(&format!("{would}taken out for {key} in {}", report.file))
                })
            }
        }
    }
}
