//! `regcred logout`: ends the session, and forgets its token.

use clap::Args;
use regcred_client::Error;

use crate::connection::{ConnectionArgs, RouteArgs};
use crate::contexts::{Contexts, unknown};
use crate::failure::{Exit, Failure, Result};
use crate::output::OutputArgs;

#[derive(Args)]
pub(super) struct Logout {
    /// Log out of this context rather than of the current one
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// Print nothing
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    route: RouteArgs,
}

impl Logout {
    pub(super) async fn run(&self) -> Result<()> {
        let contexts = Contexts::load()?;
        let name = self.context.as_ref().or(contexts.current.as_ref()).cloned();
        let name = name.ok_or_else(|| {
            Failure::new(
                Exit::NotLoggedIn,
                "you are not logged in anywhere",
                "there is nothing to do",
            )
        })?;
        let token = contexts.contexts.get(&name).ok_or_else(|| unknown(&name))?;
        let token = token.token.as_ref();
        let ended = self.end_session(&name).await;
        Contexts::change(|contexts| {
            let context = contexts.contexts.get_mut(&name);
            // A login of the meantime stays.
            let same = context.filter(|context| match (&context.token, token) {
                (Some(now), Some(then)) => now.0.expose() == then.0.expose(),
                _ => false,
            });
            if let Some(context) = same {
                context.token = None;
            }
            Ok(())
        })?;
        ended.map_err(|failure| {
            let message = format!(
                "the token is forgotten, but its session may go on: {}",
                failure.message
            );
            Failure::new(failure.exit, message, "it runs out by itself")
        })?;
        OutputArgs::lines(self.quiet).done(&format!("logged out of {name}"))
    }

    /// Ends the session of this context, whatever the environment says, where there is one to end.
    async fn end_session(&self, name: &str) -> Result<()> {
        let connection = ConnectionArgs {
            context: Some(name.to_owned()),
            url: None,
            route: self.route.clone(),
        };
        let link = match connection.link() {
            Err(failure) if failure.exit == Exit::NotLoggedIn => return Ok(()),
            link => link?,
        };
        match link.client.regcred().logout().await {
            Ok(()) | Err(Error::Unauthenticated { .. } | Error::Unsupported { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
