//! `regcred kubelet config`: prints a `CredentialProviderConfig`, or checks one.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::check;
use crate::commands::InProject;
use crate::failure::{Failure, Result};
use crate::output::{Format, OutputArgs, names, note};

#[derive(Args)]
pub(super) struct Config {
    /// Images for which the kubelet asks, such as ghcr.io or registry.example:5000/team; may be repeated. Left out, those
    /// of the project's credentials
    #[arg(long = "match-image", value_name = "PATTERN")]
    match_images: Vec<String>,
    /// The file on the nodes that holds a token with the right to pull
    #[arg(
        long,
        value_name = "FILE",
        default_value = "/etc/regcred/kubelet-token"
    )]
    token_file: PathBuf,
    /// Check this configuration rather than print one
    #[arg(long, value_name = "FILE", conflicts_with = "match_images")]
    check: Option<PathBuf>,
    #[command(flatten)]
    args: InProject,
}

/// The kubelet's own form, by its own names.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CredentialProviderConfig<'a> {
    api_version: &'a str,
    kind: &'a str,
    providers: [Provider<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Provider<'a> {
    name: &'a str,
    api_version: &'a str,
    match_images: &'a [String],
    default_cache_duration: &'a str,
    env: Vec<Variable<'a>>,
}

#[derive(Serialize)]
struct Variable<'a> {
    name: &'a str,
    value: &'a str,
}

impl Config {
    pub(super) async fn run(&self) -> Result<()> {
        let output = self.args.client.output;
        if let Some(path) = &self.check {
            return check::file(path, output);
        }
        let mut patterns = self.match_images.clone();
        if patterns.is_empty() {
            patterns = self.of_project().await?;
        }
        if let Some(problem) = patterns
            .iter()
            .find_map(|pattern| check::of_pattern(pattern))
        {
            return Err(Failure::usage(problem.0, problem.1));
        }
        self.show(&patterns, output)
    }

    /// The registries of the project's credentials.
    async fn of_project(&self) -> Result<Vec<String>> {
        let link = self.args.client.connection.link()?;
        let project = link.project(&self.args.project).await?;
        let all = link.done(link.client.regcred().credentials_usage(project).await)?;
        let keys: BTreeSet<_> = all
            .into_iter()
            .map(|one| check::of_key(&one.registry_key))
            .collect();
        if keys.is_empty() {
            return Err(Failure::usage(
                "the project has no credentials, so nobody knows for which images the kubelet is to ask",
                "name them with --match-image, or create the credentials first",
            ));
        }
        Ok(keys.into_iter().collect())
    }

    fn show(&self, patterns: &[String], output: OutputArgs) -> Result<()> {
        let place = self.args.client.connection.place()?;
        let project = self
            .args
            .project
            .project
            .as_ref()
            .or(place.project.as_ref());
        let token_file = self.token_file.to_string_lossy();
        for (problem, hint) in check::on_nodes(Some(&place.url), Some(&token_file)) {
            note(output.quiet, &format!("warning: {problem}; {hint}"));
        }
        let mut env = vec![
            Variable {
                name: "REGCRED_URL",
                value: &place.url,
            },
            Variable {
                name: "REGCRED_TOKEN_FILE",
                value: &token_file,
            },
        ];
        env.extend(project.map(|project| Variable {
            name: "REGCRED_PROJECT",
            value: project,
        }));
        let config = CredentialProviderConfig {
            api_version: check::API_VERSION,
            kind: check::KIND,
            providers: [Provider {
                name: check::PROVIDER,
                api_version: check::API_VERSION_OF_PROVIDERS,
                match_images: patterns,
                default_cache_duration: "5m0s",
                env,
            }],
        };
        match output.output {
            Format::Json => output.data(&config),
            Format::Name => names(patterns),
            // The form in which the kubelet's files are written.
            Format::Table | Format::Yaml => OutputArgs {
                output: Format::Yaml,
                ..output
            }
            .data(&config),
        }
    }
}
