//! `regcred credentials create`.

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use regcred_client::Registry;

use super::super::InProject;
use super::super::records::CredentialsRecord;
use super::Room;
use super::moment::Expiry;
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
    /// When the password runs out, where that is known: 90d, 2027-03-20 or 2027-03-20T14:00:00Z (regcred's own)
    #[arg(long, value_name = "WHEN")]
    expires: Option<Expiry>,
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
        let created = room
            .expiring(self.expires)
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
        let record = CredentialsRecord::from(created);
        room.output.changed(&record, &record.line("created"))
    }
}
