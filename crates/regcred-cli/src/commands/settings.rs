//! `regcred project settings`.

use clap::{Args, ValueEnum};
use regcred_client::regcred::{ProjectSettingsChange, VerifyBeforeSaving};

use super::records::SettingsRecord;
use crate::connection::{Link, ProjectArgs};
use crate::failure::Result;
use crate::output::OutputArgs;

#[derive(Args)]
pub(super) struct Settings {
    #[arg(help = "Its id or its name [default: the context's] [env: REGCRED_PROJECT]")]
    project: Option<String>,
    /// For so many days the password that counted before is held: 0 to 90
    #[arg(long, value_name = "DAYS")]
    grace_period_days: Option<u32>,
    /// What has to be proved of a password before it is saved
    #[arg(long, value_name = "WHAT")]
    verify_before_saving: Option<Demand>,
    /// Whether credentials that jobs or apps use are deleted without --force
    #[arg(long, value_name = "BOOL")]
    delete_credentials_in_use: Option<bool>,
}

/// What has to be proved of a password before it is saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Demand {
    /// Nothing: it is not tried
    Off,
    /// That its registry does not refuse it
    NotRefused,
    /// That it works
    Proved,
}

impl Settings {
    pub(super) async fn run(&self, link: &Link, output: OutputArgs) -> Result<()> {
        let project = ProjectArgs {
            project: self.project.clone(),
        };
        let project = link.project(&project).await?;
        let change = ProjectSettingsChange {
            deletes_credentials_in_use: self.delete_credentials_in_use,
            grace_period_days: self.grace_period_days,
            verify_before_saving: self.verify_before_saving.map(|demand| match demand {
                Demand::Off => VerifyBeforeSaving::Off,
                Demand::NotRefused => VerifyBeforeSaving::NotRefused,
                Demand::Proved => VerifyBeforeSaving::Proved,
            }),
        };
        let regcred = link.client.regcred();
        let settings = if change == ProjectSettingsChange::default() {
            regcred.project_settings(project).await
        } else {
            regcred.change_project_settings(project, change).await
        };
        output.one(&SettingsRecord::from(link.done(settings)?))
    }
}
