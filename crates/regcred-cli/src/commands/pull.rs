//! `regcred pull`: username and password for one image or server, or why it would be those.

use clap::{ArgGroup, Args};
use regcred_client::CredentialsId;
use regcred_client::regcred::{Explanation, Pull, Pulled, Resolution};
use serde::Serialize;

use super::InProject;
use super::records::{CandidateRecord, ExplanationRecord};
use crate::failure::{Exit, Failure, Result};
use crate::output::{Format, OutputArgs, details, note, print, print_secret, shown};

#[derive(Args)]
#[command(group(ArgGroup::new("reference").required(true).args(["image", "server"])))]
pub(super) struct PullCommand {
    /// The image, as it is given to what pulls it
    image: Option<String>,
    #[arg(
        long,
        value_name = "SERVER",
        help = "A registry instead of an image, as clients name it: ghcr.io, or https://index.docker.io/v1/"
    )]
    server: Option<String>,
    /// Say which credentials it would be and why, without their password
    #[arg(long, conflicts_with = "password_stdout")]
    explain: bool,
    /// Those of this id, where several accounts fit
    #[arg(long, value_name = "ID")]
    credentials_id: Option<CredentialsId>,
    /// Print the password alone, as `docker login --password-stdin` takes it
    #[arg(long)]
    password_stdout: bool,
    #[command(flatten)]
    args: InProject,
}

/// The result for scripts: the only one that holds a password.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InFull<'a> {
    registry_key: &'a str,
    username: &'a str,
    password: &'a str,
    credentials_id: CredentialsId,
    expires_at: Option<String>,
}

impl PullCommand {
    pub(super) async fn run(&self) -> Result<()> {
        let link = self.args.client.connection.link()?;
        let output = self.args.client.output;
        let mut pull = match (&self.image, &self.server) {
            (Some(image), _) => Pull::image(image),
            (None, server) => Pull::server(server.clone().unwrap_or_default()),
        };
        if let Some(image) = self.image.as_deref().filter(|image| is_like_a_host(image)) {
            note(
                output.quiet,
                &format!(
                    "{image} is read as an image of Docker Hub; for the registry, give --server {image}"
                ),
            );
        }
        // A token with one project needs none.
        if let Ok(project) = link.named(&self.args.project) {
            pull = pull.project(project);
        }
        if let Some(id) = self.credentials_id {
            pull = pull.pinned(id);
        }
        let regcred = link.client.regcred();
        if self.explain {
            return explained(&link.done(regcred.explain(&pull).await)?, output);
        }
        let pulled = link.done(regcred.pull(&pull).await).map_err(only_tokens)?;
        if self.password_stdout {
            let password = pulled.password.expose();
            let alone = regcred_client::Secret::new(format!("{password}\n"));
            return print_secret(&alone);
        }
        show(&pulled, output)
    }
}

/// Whether a registry may be meant, where docker's rules see an image of Docker Hub: without a `/`, all of it is a name.
fn is_like_a_host(image: &str) -> bool {
    let name = image.split(':').next().unwrap_or_default();
    !image.contains('/') && (name.contains('.') || name == "localhost")
}

/// What to do where the caller may not pull: no role helps.
pub(super) fn only_tokens(failure: Failure) -> Failure {
    match failure.exit {
        Exit::Forbidden => failure.with_hint(
            "use a service token: `regcred token create --right pull`, then set REGCRED_URL and REGCRED_TOKEN",
        ),
        _ => failure,
    }
}

fn show(pulled: &Pulled, output: OutputArgs) -> Result<()> {
    let expires_at = pulled.expires_at.map(|moment| moment.to_string());
    match output.output {
        Format::Json | Format::Yaml => output.data(&InFull {
            registry_key: &pulled.registry_key,
            username: &pulled.username,
            password: pulled.password.expose(),
            credentials_id: pulled.credentials_id,
            expires_at,
        }),
        Format::Name => print(&format!("{}\n", pulled.credentials_id)),
        Format::Table => {
            details(&[
                ("registry", pulled.registry_key.clone()),
                ("username", pulled.username.clone()),
                ("id", pulled.credentials_id.to_string()),
                ("expires", expires_at.unwrap_or_else(|| "-".to_owned())),
            ])?;
            note(
                output.quiet,
                "the password is not shown; get it with --password-stdout or -o json",
            );
            Ok(())
        }
    }
}

/// Prints the explanation; the exit code is that of the pull.
fn explained(explanation: &Explanation, output: OutputArgs) -> Result<()> {
    let record = ExplanationRecord::from(explanation);
    match output.output {
        Format::Table => {
            details(&record.details())?;
            let candidates: &[CandidateRecord] = &record.candidates;
            if !candidates.is_empty() {
                print("\n")?;
                output.list(candidates)?;
            }
        }
        Format::Name => {
            if let Some(chosen) = explanation.chosen {
                print(&format!("{chosen}\n"))?;
            }
        }
        Format::Json | Format::Yaml => output.data(&record)?,
    }
    let of = shown(&explanation.registry_key);
    match explanation.outcome {
        Resolution::Match => Ok(()),
        Resolution::NoMatch | Resolution::Unknown => Err(Failure::new(
            Exit::NotFound,
            format!("there are no credentials for {of}"),
            "create them with `regcred credentials create`, or mend the registry of those that are near",
        )),
        Resolution::Ambiguous => Err(Failure::new(
            Exit::Conflict,
            format!("several accounts fit {of} equally well"),
            "name one with --credentials-id, or delete the account that is not meant",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_like_a_host_is_told_apart_from_images() {
        for host in [
            "ghcr.io",
            "registry.example.com:5000",
            "localhost:5000",
            "127.0.0.1",
        ] {
            assert!(is_like_a_host(host), "{host}");
        }
        for image in [
            "ubuntu",
            "ubuntu:22.04",
            "ghcr.io/team/app",
            "localhost/app",
            "team/app:1.0",
        ] {
            assert!(!is_like_a_host(image), "{image}");
        }
    }
}
