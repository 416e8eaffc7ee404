//! `regcred project`: the projects of the platform.

use clap::{Args, Subcommand};
use regcred_client::ProjectId;

use super::records::ProjectRecord;
use super::{ClientArgs, InProject, member};
use crate::connection::{Link, ProjectArgs};
use crate::failure::Result;
use crate::interrupt::Interrupt;
use crate::prompt::confirm;

#[derive(Args)]
pub(super) struct ProjectCommand {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Subcommand)]
enum Command {
    /// List the projects that you may see, ordered by name
    List,
    /// Show a project
    Show {
        /// Its id or its name [default: the context's]
        #[arg(env = "REGCRED_PROJECT", hide_env_values = true)]
        project: Option<String>,
    },
    /// Create a project; you become its manager
    Create {
        /// Its name, which no other project has, whatever the case
        name: String,
        /// What it is for
        #[arg(
            long,
            value_name = "TEXT",
            default_value = "",
            hide_default_value = true
        )]
        description: String,
    },
    /// Delete a project with all that is in it
    Delete {
        /// Its id or its name
        project: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Say who may work in a project (regcred's own)
    Member {
        #[command(subcommand)]
        command: member::MemberCommand,
        #[command(flatten)]
        project: ProjectArgs,
    },
}

impl ProjectCommand {
    pub(super) async fn run(&self, interrupt: &Interrupt) -> Result<()> {
        let link = self.client.connection.link()?;
        let output = self.client.output;
        let projects = link.client.projects();
        match &self.command {
            Command::List => {
                let mut all = projects.list().await.map_err(|error| link.failure(error))?;
                // Servers have orders of their own.
                all.sort_by_cached_key(|project| (project.name.to_lowercase(), project.id));
                let records: Vec<ProjectRecord> = all.into_iter().map(Into::into).collect();
                output.list(&records)
            }
            Command::Show { project } => {
                let project = ProjectArgs {
                    project: project.clone(),
                };
                let id = link.project(&project).await?;
                output.one(&self.info(&link, id).await?)
            }
            Command::Create { name, description } => {
                let created = projects.create(name, description).await;
                let record = ProjectRecord::from(created.map_err(|error| link.failure(error))?);
                output.changed(
                    &record,
                    &format!("created project {} {}", record.name, record.id),
                )
            }
            Command::Delete { project, yes } => {
                let id = link.project_named(project).await?;
                let record = self.info(&link, id).await?;
                let credentials = link.client.docker_credentials().list_for_project(id).await;
                let count = credentials.map_err(|error| link.failure(error))?.len();
                let question = format!(
                    "Delete the project {} with its {count} credentials?",
                    record.name
                );
                confirm(interrupt, &crate::output::shown(&question), *yes).await?;
                projects
                    .delete(id)
                    .await
                    .map_err(|error| link.failure(error))?;
                output.deleted(
                    &record.id,
                    &format!("deleted project {} {}", record.name, record.id),
                )
            }
            Command::Member { command, project } => {
                let args = InProject {
                    project: project.clone(),
                    client: self.client.clone(),
                };
                command.run(&args).await
            }
        }
    }

    async fn info(&self, link: &Link, id: ProjectId) -> Result<ProjectRecord> {
        let found = link.client.projects().get(id).await;
        Ok(found.map_err(|error| link.failure(error))?.into())
    }
}
