//! `regcred project`: the projects of the platform.

use clap::{Args, Subcommand};
use regcred_client::ProjectInfo;

use super::records::ProjectRecord;
use super::{ClientArgs, InProject, member, settings};
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
        #[arg(help = "Its id or its name [default: the context's] [env: REGCRED_PROJECT]")]
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
    /// Show or change how a project deals with its credentials (regcred's own)
    Settings(settings::Settings),
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
                let mut all = link.done(projects.list().await)?;
                // Servers have orders of their own.
                all.sort_by_cached_key(|project| (project.name.to_lowercase(), project.id));
                let records: Vec<ProjectRecord> = all.into_iter().map(Into::into).collect();
                output.list(&records)
            }
            Command::Show { project } => {
                let project = ProjectArgs {
                    project: project.clone(),
                };
                let found = find(&link, link.named(&project)?).await?;
                output.one(&ProjectRecord::from(found))
            }
            Command::Create { name, description } => {
                let record =
                    ProjectRecord::from(link.done(projects.create(name, description).await)?);
                output.changed(
                    &record,
                    &format!("created project {} {}", record.name, record.id),
                )
            }
            Command::Settings(command) => command.run(&link, output).await,
            Command::Delete { project, yes } => {
                let found = find(&link, project).await?;
                let id = found.id;
                let record = ProjectRecord::from(found);
                let credentials = link.client.docker_credentials().list_for_project(id).await;
                let count = link.done(credentials)?.len();
                let question = format!(
                    "Delete the project {} with its {count} credentials?",
                    record.name
                );
                confirm(interrupt, &question, *yes).await?;
                link.done(projects.delete(id).await)?;
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
}

/// A project by its id or its name.
async fn find(link: &Link, named: &str) -> Result<ProjectInfo> {
    let projects = link.client.projects();
    link.done(match named.parse() {
        Ok(id) => projects.get(id).await,
        Err(_) => projects.by_name(named).await,
    })
}
