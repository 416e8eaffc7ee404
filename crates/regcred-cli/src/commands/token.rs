//! `regcred token`: service tokens, which programs present in place of a login.

use clap::{Args, Subcommand, ValueEnum};
use regcred_client::TokenId;
use regcred_client::regcred::{NewToken, TokenRight};

use super::InProject;
use super::records::{FreshToken, TokenRecord};
use crate::failure::Result;
use crate::interrupt::Interrupt;
use crate::output::{Format, note, print};
use crate::prompt::confirm;

#[derive(Args)]
pub(super) struct TokenCommand {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    args: InProject,
}

#[derive(Subcommand)]
enum Command {
    /// Create a service token; it is shown once
    Create {
        /// What it may do in the project; may be repeated
        #[arg(long = "right", value_enum, required = true, value_name = "RIGHT")]
        rights: Vec<Right>,
        /// By what people know it [default: its rights]
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// After how many days it runs out, 1d to 365d
        #[arg(long, value_name = "DAYS", default_value = "90d", value_parser = days)]
        expires: u32,
    },
    /// List the service tokens of the project
    List,
    /// Revoke a service token, in all its projects; it acts on its next request
    Revoke {
        /// Its id
        id: TokenId,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum Right {
    /// What a viewer may
    View,
    /// What an editor may
    Edit,
    /// Get a password out, and nothing else
    Pull,
    /// Read the audit trail, and nothing else
    Audit,
}

impl TokenCommand {
    pub(super) async fn run(&self, interrupt: &Interrupt) -> Result<()> {
        let link = self.args.client.connection.link()?;
        let project = link.project(&self.args.project).await?;
        let output = self.args.client.output;
        let regcred = link.client.regcred();
        match &self.command {
            Command::Create {
                rights,
                name,
                expires,
            } => {
                let mut rights = rights.clone();
                rights.sort_unstable();
                rights.dedup();
                let token = NewToken {
                    name: name.clone().unwrap_or_else(|| named(&rights)),
                    projects: vec![project],
                    rights: rights.into_iter().map(TokenRight::from).collect(),
                    expires_in_days: Some(*expires),
                };
                let (info, token) = link.done(regcred.create_token(&token).await)?;
                let info = TokenRecord::from(info);
                let token = token.expose();
                match output.output {
                    // The token alone, so that a script can take it.
                    Format::Table | Format::Name => {
                        print(&format!("{token}\n"))?;
                        note(
                            output.quiet,
                            &format!("created token {}: keep it, it is not shown again", info.id),
                        );
                        Ok(())
                    }
                    Format::Json | Format::Yaml => output.data(&FreshToken { token, info: &info }),
                }
            }
            Command::List => {
                let all = link.done(regcred.list_tokens(project).await)?;
                let records: Vec<TokenRecord> = all.into_iter().map(Into::into).collect();
                output.list(&records)
            }
            Command::Revoke { id, yes } => {
                confirm(interrupt, &format!("Revoke the service token {id}?"), *yes).await?;
                link.done(regcred.revoke_token(project, *id).await)?;
                output.deleted(&id.to_string(), &format!("revoked token {id}"))
            }
        }
    }
}

impl From<Right> for TokenRight {
    fn from(right: Right) -> Self {
        match right {
            Right::View => Self::View,
            Right::Edit => Self::Edit,
            Right::Pull => Self::Pull,
            Right::Audit => Self::Audit,
        }
    }
}

/// The words by which they are given, such as `view-pull`.
fn named(rights: &[Right]) -> String {
    let values = rights.iter().filter_map(Right::to_possible_value);
    let words: Vec<_> = values.map(|value| value.get_name().to_owned()).collect();
    words.join("-")
}

/// `30d`, or `30`.
fn days(text: &str) -> Result<u32, String> {
    let number = text.strip_suffix('d').unwrap_or(text).parse();
    number
        .ok()
        .filter(|days| (1..=365).contains(days))
        .ok_or_else(|| "give a number of days from 1d to 365d, such as 30d".to_owned())
}
