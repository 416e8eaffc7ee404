//! `regcred credentials`: the Docker credentials of a project.

mod apply;
mod create;
mod delete;
mod get;
mod list;
mod manifest;
mod moment;
mod plan;
mod saving;
mod upgrade;
mod usage;
mod versions;

use clap::builder::NonEmptyStringValueParser;
use clap::{ArgGroup, Args, Subcommand};
use regcred_client::{CredentialsId, CredentialsInfo, DockerCredentials, ProjectId, Registry};

use super::InProject;
use crate::connection::Link;
use crate::failure::Result;
use crate::interrupt::Interrupt;
use crate::output::OutputArgs;

#[derive(Args)]
pub(super) struct CredentialsCommand {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    args: InProject,
}

#[derive(Subcommand)]
enum Command {
    /// List them, in the order in which they were made
    List(list::List),
    /// Create credentials; the password is asked for
    Create(create::Create),
    /// Show credentials; their password is never shown
    Get(get::Get),
    /// Replace the password, and where asked the username or the registry; the password is asked for
    Upgrade(upgrade::Upgrade),
    /// Put a password beside the one that counts, to be promoted later; the password is asked for (regcred's own)
    Stage(versions::Stage),
    /// Make the staged password the one that counts; the one before is held for the project's grace period (regcred's own)
    Promote(versions::Promote),
    /// Bring back the password that counted before (regcred's own)
    Rollback(versions::Rollback),
    /// Show the passwords that can be used by their numbers, and which of them may be revoked (regcred's own)
    Versions(versions::Versions),
    /// Destroy a password that does not count, before its time (regcred's own)
    DestroyVersion(versions::DestroyVersion),
    /// Delete credentials
    Delete(delete::Delete),
    /// Show who got their passwords out, when last, how often in 30 days, and when they run out (regcred's own)
    ///
    /// Of one of them, also what was pulled with them, by which token, and with which version of the password.
    Usage(usage::Usage),
    /// Make a project's credentials those of a file
    ///
    /// It first reads all passwords, then shows what it is going to do: create, upgrade, unchanged, prune. It stops at
    /// the first failure, and says what was done and what was not.
    Apply(apply::Apply),
}

/// Which credentials are meant.
#[derive(Args, Clone, Debug)]
#[group(skip)]
#[command(group(ArgGroup::new("which").required(true).args(["id", "username"])))]
struct Which {
    #[command(flatten)]
    selector: Selector,
}

/// What may be said about which are meant.
#[derive(Args, Clone, Debug)]
#[group(skip)]
pub(super) struct Selector {
    /// By their id
    #[arg(long, value_name = "ID")]
    pub(super) id: Option<CredentialsId>,
    /// By their username, together with --registry
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(super) username: Option<String>,
    /// The registry, spelled as in the list; left out it is Docker Hub
    #[arg(
        long,
        value_name = "REGISTRY", value_parser = NonEmptyStringValueParser::new(),
        requires = "username",
        conflicts_with = "id"
    )]
    registry: Option<String>,
}

impl Selector {
    /// Whether anything was said.
    pub(super) fn is_given(&self) -> bool {
        self.id.is_some() || self.username.is_some()
    }
}

/// What a command works on: a project's credentials, over a connection.
pub(super) struct Room {
    pub(super) link: Link,
    pub(super) credentials: DockerCredentials,
    pub(super) project: ProjectId,
    pub(super) output: OutputArgs,
}

impl CredentialsCommand {
    pub(super) async fn run(&self, interrupt: &Interrupt) -> Result<()> {
        let args = &self.args;
        match &self.command {
            Command::List(command) => command.run(args).await,
            Command::Create(command) => command.run(args, interrupt).await,
            Command::Get(command) => command.run(args).await,
            Command::Upgrade(command) => command.run(args, interrupt).await,
            Command::Stage(command) => command.run(args, interrupt).await,
            Command::Promote(command) => command.run(args).await,
            Command::Rollback(command) => command.run(args).await,
            Command::Versions(command) => command.run(args).await,
            Command::DestroyVersion(command) => command.run(args, interrupt).await,
            Command::Delete(command) => command.run(args, interrupt).await,
            Command::Usage(command) => command.run(args).await,
            Command::Apply(command) => command.run(args, interrupt).await,
        }
    }
}

impl Room {
    pub(super) async fn open(args: &InProject) -> Result<Self> {
        let link = args.client.connection.link()?;
        let project = link.project(&args.project).await?;
        Ok(Self {
            credentials: link.client.docker_credentials(),
            link,
            project,
            output: args.client.output,
        })
    }

    /// The credentials that are meant, as they are now.
    async fn find(&self, which: &Which) -> Result<CredentialsInfo> {
        self.select(&which.selector).await
    }

    /// The same.
    pub(super) async fn select(&self, which: &Selector) -> Result<CredentialsInfo> {
        let found = match (which.id, &which.username) {
            (Some(id), _) => self.credentials.get_info(self.project, id).await,
            (None, username) => {
                let username = username.as_deref().unwrap_or_default();
                let registry = Registry::from(which.registry.as_deref());
                self.credentials
                    .get_info_for_username(self.project, username, registry)
                    .await
            }
        };
        self.link.done(found)
    }
}
