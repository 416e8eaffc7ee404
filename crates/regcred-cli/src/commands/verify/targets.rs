//! Which credentials are to be tried.

use regcred_client::regcred::CredentialsUsage;
use regcred_client::{CredentialsId, Error, ProjectId};

use super::Verify;
use crate::commands::credentials::Room;
use crate::connection::Link;
use crate::failure::Result;

/// Credentials that are to be tried.
pub(in crate::commands) struct Target {
    pub(in crate::commands) project: ProjectId,
    /// As it is called, or its id.
    pub(in crate::commands) project_name: String,
    pub(in crate::commands) id: CredentialsId,
    pub(in crate::commands) registry_key: String,
    pub(in crate::commands) username: String,
}

/// Those that the command line means, project by project, in the order of their lists.
pub(super) async fn targets(command: &Verify, link: &Link) -> Result<Vec<Target>> {
    if command.all_projects {
        let mut targets = Vec::new();
        for project in link.done(link.client.projects().list().await)? {
            targets.extend(of_project(link, project.id, &project.name).await?);
        }
        return Ok(targets);
    }
    let project = link.project(&command.args.project).await?;
    let mut targets = of_project(link, project, &project.to_string()).await?;
    if command.which.is_given() {
        let room = Room::open(&command.args).await?;
        let found = room.select(&command.which).await?.id;
        targets.retain(|target| target.id == found);
    }
    Ok(targets)
}

async fn of_project(link: &Link, project: ProjectId, name: &str) -> Result<Vec<Target>> {
    let usage = link.client.regcred().credentials_usage(project).await;
    let usage = usage.map_err(|error| match error {
        Error::Unsupported { .. } => Error::Unsupported {
            what: "verification of credentials",
        },
        error => error,
    });
    let target = |one: CredentialsUsage| Target {
        project,
        project_name: name.to_owned(),
        id: one.id,
        registry_key: one.registry_key,
        username: one.username,
    };
    Ok(link.done(usage)?.into_iter().map(target).collect())
}
