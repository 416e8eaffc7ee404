//! `regcred credentials create`.

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use regcred_client::Registry;
use regcred_client::regcred::VersionState;

use super::super::InProject;
use super::super::records::CredentialsRecord;
use super::Room;
use super::saving::Saving;
use crate::failure::Result;
use crate::interrupt::Interrupt;
use crate::prompt::Password;

#[derive(Args)]
pub(super) struct Create {
    /// The login at the registry
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    username: String,
    /// The registry, such as ghcr.io or registry.example:5000/team; left out it is Docker Hub
    #[arg(long, value_name = "REGISTRY", value_parser = NonEmptyStringValueParser::new())]
    registry: Option<String>,
    /// Read the password from standard input; a line break at its end does not count
    #[arg(long)]
    password_stdin: bool,
    /// An image of the registry that they are to be able to pull, tried whenever they are (regcred's own)
    #[arg(long, value_name = "IMAGE", value_parser = NonEmptyStringValueParser::new())]
    probe: Option<String>,
    #[command(flatten)]
    saving: Saving,
}

impl Create {
    pub(super) async fn run(&self, args: &InProject, interrupt: &Interrupt) -> Result<()> {
        let registry = Registry::from(self.registry.as_deref());
        let room = Room::open(args).await?;
        let password = Password {
            what: &format!("{} at {registry}", self.username),
            from_stdin: self.password_stdin,
            twice: false,
        };
        let password = password.read(interrupt).await?;
        let mut credentials = self.saving.operations(&room.credentials);
        if let Some(image) = &self.probe {
            credentials = credentials.probing(Some(image));
        }
        let created = credentials
            .create(room.project, &self.username, &password, registry)
            .await;
        let created = room.link.done(created).map_err(|failure| {
            let upgrade = "to replace its password, use `regcred credentials upgrade`";
            if failure.exit == crate::failure::Exit::Conflict {
                failure.with_hint(upgrade)
            } else {
                failure
            }
        })?;
        let id = created.id;
        let record = CredentialsRecord::from(created);
        room.output.changed(&record, &record.line("created"))?;
        self.saving
            .proof
            .tell(&room, id, VersionState::Current)
            .await
    }
}
