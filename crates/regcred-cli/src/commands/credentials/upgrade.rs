//! `regcred credentials upgrade`.

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use regcred_client::{Registry, RegistryChange};

use super::super::InProject;
use super::super::records::CredentialsRecord;
use super::moment::Expiry;
use super::{Room, Which};
use crate::failure::Result;
use crate::interrupt::Interrupt;
use crate::prompt::Password;

#[derive(Args)]
pub(super) struct Upgrade {
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
    /// When the password runs out, where that is known: 90d, 2027-03-20 or 2027-03-20T14:00:00Z (regcred's own)
    #[arg(long, value_name = "WHEN")]
    expires: Option<Expiry>,
}

impl Upgrade {
    pub(super) async fn run(&self, args: &InProject, interrupt: &Interrupt) -> Result<()> {
        let room = Room::open(args).await?;
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
        let password = password.read(interrupt).await?;
        let username = self.set_username.as_deref();
        let upgraded = room
            .expiring(self.expires)
            .upgrade(room.project, found.id, &password, change, username)
            .await;
        let record = CredentialsRecord::from(room.link.done(upgraded)?);
        room.output.changed(&record, &record.line("upgraded"))
    }
}
