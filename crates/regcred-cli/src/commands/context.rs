//! `regcred context`: the places where one is logged in.

use clap::{Args, Subcommand};

use super::records::ContextRecord;
use crate::contexts::{Contexts, unknown};
use crate::failure::{Exit, Failure, Result};
use crate::output::OutputArgs;

#[derive(Args)]
pub(super) struct ContextCommand {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Subcommand)]
enum Command {
    /// List the contexts; the current one is marked
    List,
    /// Make a context the current one
    Use {
        /// Its name
        name: String,
        /// The project to work in, in this context
        #[arg(long, value_name = "PROJECT")]
        project: Option<String>,
    },
    /// Show a context, without its token
    Show {
        /// Its name [default: that of the current one]
        name: Option<String>,
    },
    /// Forget a context and its token; the session runs out by itself
    Delete {
        /// Its name
        name: String,
    },
}

impl ContextCommand {
    pub(super) fn run(&self) -> Result<()> {
        let output = self.output;
        match &self.command {
            Command::List => output.list(&records(&Contexts::load()?)),
            Command::Show { name } => {
                let contexts = Contexts::load()?;
                let name = name
                    .as_ref()
                    .or(contexts.current.as_ref())
                    .ok_or_else(none)?;
                contexts.get(name)?;
                let shown = records(&contexts)
                    .into_iter()
                    .find(|record| record.name == *name);
                output.one(&shown.ok_or_else(|| unknown(name))?)
            }
            Command::Use { name, project } => {
                Contexts::change(|contexts| {
                    let context = contexts
                        .contexts
                        .get_mut(name)
                        .ok_or_else(|| unknown(name))?;
                    if let Some(project) = project {
                        context.project = Some(project.clone());
                    }
                    contexts.current = Some(name.clone());
                    Ok(())
                })?;
                output.done(&format!("the context is {name}"))
            }
            Command::Delete { name } => {
                Contexts::change(|contexts| {
                    contexts
                        .contexts
                        .remove(name)
                        .ok_or_else(|| unknown(name))?;
                    if contexts.current.as_ref() == Some(name) {
                        contexts.current = None;
                    }
                    Ok(())
                })?;
                output.deleted(name, &format!("deleted context {name}"))
            }
        }
    }
}

fn records(contexts: &Contexts) -> Vec<ContextRecord> {
    let current = contexts.current.as_deref();
    contexts
        .contexts
        .iter()
        .map(|(name, context)| ContextRecord::new(name, context, current))
        .collect()
}

fn none() -> Failure {
    Failure::new(
        Exit::NotLoggedIn,
        "there is no current context",
        "log in with `regcred login URL --user LOGIN`, or choose one with `regcred context use NAME`",
    )
}
