//! `regcred login`: gets a token for a login, and keeps it in a context. The password is not kept.

use std::path::PathBuf;

use clap::Args;
use regcred_client::{Client, Error, PlatformUrl};

use crate::connection::{RouteArgs, project_named, variable};
use crate::contexts::{Context, Contexts, Token, unknown};
use crate::failure::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::output::OutputArgs;
use crate::prompt::Password;

#[derive(Args)]
#[command(
    after_help = "The token lies in contexts.toml below the user's configuration directory, which only the user can read; \
the password is not kept. Without URL and --user it logs in again to the context, the current one unless --context names \
another."
)]
pub(super) struct Login {
    /// The server's URL, or the full URL of a platform's pages, with `/projects/platform/6` in it
    url: Option<String>,
    /// The login
    #[arg(long, value_name = "LOGIN")]
    user: Option<String>,
    /// Read the password from standard input; a line break at its end does not count
    #[arg(long)]
    password_stdin: bool,
    #[arg(
        long,
        value_name = "REALM",
        help = "The realm of the login, which the original platform wants [env: REGCRED_REALM]"
    )]
    realm: Option<String>,
    /// The name of the context to make or to renew [default: the server's host]
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// The project of this context, by its id or its name
    #[arg(long, value_name = "PROJECT")]
    project: Option<String>,
    /// Print nothing
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    route: RouteArgs,
}

impl Login {
    pub(super) async fn run(&self, interrupt: &Interrupt) -> Result<()> {
        let contexts = Contexts::load()?;
        let full = self.url.as_deref().filter(|url| PlatformUrl::is_one(url));
        let full = full.map(PlatformUrl::parse).transpose()?;
        let url = full.as_ref().map(|full| full.url.clone());
        let url = url.or_else(|| self.url.clone());
        let name = match (&self.context, &url) {
            (Some(name), _) => Some(name.clone()),
            (None, Some(url)) => Some(host(url)),
            (None, None) => contexts.current.clone(),
        };
        let name = name.ok_or_else(no_server)?;
        let known = contexts.contexts.get(&name);
        let url = url.or_else(|| known.map(|known| known.url.clone()));
        let url = url.ok_or_else(|| {
            if self.context.is_some() {
                unknown(&name)
            } else {
                no_server()
            }
        })?;
        // What another server's context says does not count for this one.
        let known = known.filter(|known| known.url == url.trim_end_matches('/'));
        let login = self
            .user
            .clone()
            .or_else(|| known.map(|known| known.login.clone()));
        let login = login.ok_or_else(|| {
            Failure::usage(
                "nobody to log in is named",
                "name the login with --user LOGIN",
            )
        })?;
        // Flags, then the URL, then variables unless a context is named as it is, then what the context says.
        let heeds_variables = self.url.is_some() || self.context.is_none();
        let realm = self.realm.clone();
        let mut realm = realm.or_else(|| full.as_ref().map(|full| full.realm.clone()));
        let mut route = self.route.clone();
        route.platform = route.platform.or(full.map(|full| full.platform));
        if heeds_variables {
            route = route.with_variables()?;
            realm = realm.map_or_else(|| variable("REGCRED_REALM"), |realm| Ok(Some(realm)))?;
        }
        let realm = realm.or_else(|| known.and_then(|known| known.realm.clone()));
        route.platform = route.platform.or(known.map(|known| known.platform));
        let ca_file = route
            .ca_file
            .as_deref()
            .map(std::path::absolute)
            .transpose();
        let ca_file: Option<PathBuf> = ca_file
            .map_err(|error| Failure::usage(format!("--ca-file: {error}"), "name a file"))?
            .or_else(|| known.and_then(|known| known.ca_file.clone()));
        let allow_http = route.allow_http || known.is_some_and(|known| known.allow_http);
        let mut builder = route.builder(&url, known)?;
        if let Some(realm) = &realm {
            builder = builder.realm(realm);
        }
        // Whatever is wrong with the URL is said before a password is asked for.
        builder.check()?;
        let password = Password {
            what: &login,
            from_stdin: self.password_stdin,
            twice: false,
        };
        let client = builder.login(&login, password.read(interrupt).await?).await;
        let client = client.map_err(|error| {
            let wrong = matches!(error, Error::Unauthenticated { .. });
            let failure = Failure::from(error);
            if wrong {
                failure.with_hint(
                    "check the login, the password, and where the platform has realms, --realm",
                )
            } else {
                failure
            }
        })?;
        let project = self.project.clone();
        if let Some(project) = &project {
            project_named(&client, project).await?;
        }
        let platform = route.platform.unwrap_or(1);
        // Somebody else's project, or one of another platform, is not meant any more.
        let same = known.filter(|known| known.platform == platform && known.login == login);
        let context = Context {
            url: url.trim_end_matches('/').to_owned(),
            platform,
            realm,
            login: login.clone(),
            project: project.or_else(|| same.and_then(|known| known.project.clone())),
            ca_file,
            allow_http,
            token: Some(kept(&client)),
        };
        Contexts::change(|contexts| {
            contexts.contexts.insert(name.clone(), context);
            contexts.current = Some(name.clone());
            Ok(())
        })?;
        OutputArgs::lines(self.quiet).done(&format!(
            "logged in to {url} as {login}; the context is {name}"
        ))
    }
}

fn kept(client: &Client) -> Token {
    Token(regcred_client::Secret::new(
        client.token().expose().to_owned(),
    ))
}

/// The host of a URL, with its port: the name of a context that was given none.
fn host(url: &str) -> String {
    let after = url.split_once("://").map_or(url, |(_, after)| after);
    let host = after.split(['/', '?', '#']).next().unwrap_or(after);
    host.to_lowercase()
}

fn no_server() -> Failure {
    Failure::usage(
        "no server is named, and there is no context to log in to again",
        "name it: regcred login URL --user LOGIN",
    )
}
