//! `regcred credentials upgrade`.

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use regcred_client::regcred::VersionState;
use regcred_client::{CredentialsId, Registry, RegistryChange, Secret};

use super::super::InProject;
use super::super::records::CredentialsRecord;
use super::saving::Saving;
use super::versions::told;
use super::{Room, Which};
use crate::failure::Result;
use crate::interrupt::Interrupt;
use crate::prompt::Password;

#[derive(Args)]
pub(super) struct Upgrade {
    #[command(flatten)]
    next: Next,
    /// The image to try from now on whether they may pull it (regcred's own)
    #[arg(long, value_name = "IMAGE", value_parser = NonEmptyStringValueParser::new(), conflicts_with = "no_probe")]
    probe: Option<String>,
    /// No image to try from now on (regcred's own)
    #[arg(long)]
    no_probe: bool,
}

/// The next password of credentials, and what it is for.
#[derive(Args)]
pub(super) struct Next {
    #[command(flatten)]
    which: Which,
    /// The username from now on
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    set_username: Option<String>,
    /// The registry from now on; it stays what it is unless this or --set-docker-hub is given
    #[arg(long, value_name = "REGISTRY", value_parser = NonEmptyStringValueParser::new(), conflicts_with = "set_docker_hub")]
    set_registry: Option<String>,
    /// Docker Hub from now on
    #[arg(long)]
    set_docker_hub: bool,
    /// Read the password from standard input; a line break at its end does not count
    #[arg(long)]
    password_stdin: bool,
    /// Only where this is the version that counts: nobody else's change is lost (regcred's own)
    #[arg(long, value_name = "VERSION")]
    pub(super) expected_version: Option<u32>,
    #[command(flatten)]
    pub(super) saving: Saving,
}

/// It, once it was read.
pub(super) struct Given {
    pub(super) id: CredentialsId,
    pub(super) password: Secret,
    pub(super) change: RegistryChange,
}

impl Next {
    pub(super) fn username(&self) -> Option<&str> {
        self.set_username.as_deref()
    }

    /// Finds the credentials, and asks for the password.
    pub(super) async fn read(&self, room: &Room, interrupt: &Interrupt) -> Result<Given> {
        let found = room.find(&self.which).await?;
        // What is kept is looked at again once the password is there: a person takes minutes to type it.
        let change = match &self.set_registry {
            Some(registry) => RegistryChange::Set(Registry::from(registry.as_str())),
            None if self.set_docker_hub => RegistryChange::Set(Registry::DockerHub),
            None => RegistryChange::Keep,
        };
        let registry = match &change {
            RegistryChange::Set(registry) => registry,
            RegistryChange::Keep => &found.registry,
        };
        let password = Password {
            what: &format!(
                "{} at {registry}",
                self.set_username.as_ref().unwrap_or(&found.username)
            ),
            from_stdin: self.password_stdin,
            twice: false,
        };
        Ok(Given {
            id: found.id,
            password: password.read(interrupt).await?,
            change,
        })
    }
}

impl Upgrade {
    pub(super) async fn run(&self, args: &InProject, interrupt: &Interrupt) -> Result<()> {
        let room = Room::open(args).await?;
        let Given {
            id,
            password,
            change,
        } = self.next.read(&room, interrupt).await?;
        let mut credentials = self.next.saving.operations(&room.credentials);
        if self.no_probe || self.probe.is_some() {
            credentials = credentials.probing(self.probe.as_deref());
        }
        if let Some(version) = self.next.expected_version {
            credentials = credentials.expecting_version(version);
        }
        let username = self.next.username();
        let upgraded = credentials
            .upgrade(room.project, id, &password, change, username)
            .await;
        let upgraded = match self.next.expected_version {
            Some(_) => told(&room, upgraded)?,
            None => room.link.done(upgraded)?,
        };
        let record = CredentialsRecord::from(upgraded);
        room.output.changed(&record, &record.line("upgraded"))?;
        self.next
            .saving
            .proof
            .tell(&room, id, VersionState::Current)
            .await
    }
}
