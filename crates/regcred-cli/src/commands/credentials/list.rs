//! `regcred credentials list`.

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, ValueEnum};
use regcred_client::{CredentialsInfo, Registry};

use super::super::InProject;
use super::super::records::CredentialsRecord;
use super::Room;
use crate::failure::Result;

#[derive(Args)]
pub(super) struct List {
    /// Only those at this registry, spelled as in the list
    #[arg(long, value_name = "REGISTRY", value_parser = NonEmptyStringValueParser::new(), conflicts_with = "docker_hub")]
    registry: Option<String>,
    /// Only those at Docker Hub
    #[arg(long)]
    docker_hub: bool,
    /// Only those of this username
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    username: Option<String>,
    /// Sort by this
    #[arg(long, value_enum, value_name = "COLUMN")]
    sort: Option<Sort>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Sort {
    Username,
    /// Docker Hub first
    Registry,
    /// The latest first
    Updated,
}

impl List {
    pub(super) async fn run(&self, args: &InProject) -> Result<()> {
        let room = Room::open(args).await?;
        let mut all = room
            .link
            .done(room.credentials.list_for_project(room.project).await)?;
        all.retain(|one| self.fits(one));
        match self.sort {
            None => {}
            Some(Sort::Username) => {
                all.sort_by(|a, b| (&a.username, &a.registry).cmp(&(&b.username, &b.registry)));
            }
            Some(Sort::Registry) => {
                all.sort_by(|a, b| (&a.registry, &a.username).cmp(&(&b.registry, &b.username)));
            }
            Some(Sort::Updated) => all.sort_by_key(|one| std::cmp::Reverse(one.last_update)),
        }
        let records: Vec<CredentialsRecord> = all.into_iter().map(Into::into).collect();
        room.output.list(&records)
    }

    fn fits(&self, one: &CredentialsInfo) -> bool {
        let username = self.username.as_ref();
        let registry = self.registry.as_deref();
        username.is_none_or(|username| *username == one.username)
            && registry.is_none_or(|registry| one.registry.as_deref() == Some(registry))
            && (!self.docker_hub || one.registry == Registry::DockerHub)
    }
}
