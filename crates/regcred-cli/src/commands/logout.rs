//! `regcred logout`: ends the session, and forgets its token.

use clap::Args;
use regcred_client::Error;

use crate::connection::{ConnectionArgs, RouteArgs};
use crate::contexts::Contexts;
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
        let name = self.context.clone().or(contexts.current);
        let name = name.ok_or_else(|| {
            Failure::new(
                Exit::NotLoggedIn,
                "you are not logged in anywhere",
                "there is nothing to do",
            )
        })?;
        // The token of this context, whatever the environment says.
        let connection = ConnectionArgs {
            context: Some(name.clone()),
            url: None,
            route: self.route.clone(),
        };
        let ended = match connection.link() {
            Ok(link) => link.client.regcred().logout().await,
            // Nothing to end; still it is to be forgotten.
            Err(failure) if failure.exit == Exit::NotLoggedIn => Ok(()),
            Err(failure) => return Err(failure),
        };
        Contexts::change(|contexts| {
            if let Some(context) = contexts.contexts.get_mut(&name) {
                context.token = None;
            }
            Ok(())
        })?;
        match ended {
            Ok(()) | Err(Error::Unauthenticated { .. } | Error::Unsupported { .. }) => {
                OutputArgs::lines(self.quiet).done(&format!("logged out of {name}"))
            }
            Err(error) => {
                let failure = Failure::from(error);
                let message = format!(
                    "the token is forgotten, but its session was not ended: {}",
                    failure.message
                );
                Err(Failure::new(failure.exit, message, "it runs out by itself"))
            }
        }
    }
}
