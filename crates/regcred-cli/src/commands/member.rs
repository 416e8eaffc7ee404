//! `regcred project member`: who has a role of their own in a project.

use clap::{Subcommand, ValueEnum};
use regcred_client::regcred::ProjectRole;

use super::InProject;
use super::records::MemberRecord;
use crate::failure::Result;

#[derive(Subcommand)]
pub(super) enum MemberCommand {
    /// List the users with a role of their own; those who have one through a group are not among them
    List,
    /// Give a user a role, in place of the one there was
    Set {
        /// The user's login
        login: String,
        /// The role, each including the one before
        #[arg(long, value_enum)]
        role: Role,
    },
    /// Take a user's role away; roles through groups remain
    Remove {
        /// The user's login
        login: String,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Role {
    /// Sees metadata, never a password
    Viewer,
    /// Creates, upgrades and deletes credentials
    Editor,
    /// Manages members, tokens and the project
    Manager,
}

impl MemberCommand {
    pub(super) async fn run(&self, args: &InProject) -> Result<()> {
        let link = args.client.connection.link()?;
        let project = link.project(&args.project).await?;
        let output = args.client.output;
        let regcred = link.client.regcred();
        match self {
            Self::List => {
                let all = link.done(regcred.list_members(project).await)?;
                let records: Vec<MemberRecord> = all.into_iter().map(Into::into).collect();
                output.list(&records)
            }
            Self::Set { login, role } => {
                let role = match role {
                    Role::Viewer => ProjectRole::Viewer,
                    Role::Editor => ProjectRole::Editor,
                    Role::Manager => ProjectRole::Manager,
                };
                link.done(regcred.set_member(project, login, role).await)?;
                let record = MemberRecord::new(login, role);
                output.changed(&record, &format!("{login} is {}", record.role()))
            }
            Self::Remove { login } => {
                link.done(regcred.remove_member(project, login).await)?;
                output.deleted(login, &format!("{login} has no role of their own any more"))
            }
        }
    }
}
