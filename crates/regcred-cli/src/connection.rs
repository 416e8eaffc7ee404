//! Where a command goes, and as whom: from its flags, the environment, and the contexts, in this order.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use regcred_client::{Client, ClientBuilder, Error, ProjectId, Secret};

use crate::contexts::{Context, Contexts};
use crate::failure::{Exit, Failure, Result};

/// The flags of every command that asks a server.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Connection")]
pub(crate) struct ConnectionArgs {
    /// Use this context rather than the current one, whatever the environment says of URL and token
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) context: Option<String>,
    #[arg(long, global = true, value_name = "URL", conflicts_with = "context", help = URL_HELP)]
    pub(crate) url: Option<String>,
    #[command(flatten)]
    pub(crate) route: RouteArgs,
}

/// How the server is reached.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Connection")]
pub(crate) struct RouteArgs {
    /// The number of the platform [default: the context's, or 1]
    #[arg(
        long,
        global = true,
        env = "REGCRED_PLATFORM",
        value_name = "N",
        hide_env_values = true
    )]
    pub(crate) platform: Option<u32>,
    /// Trust the authorities of these PEM certificates too
    #[arg(
        long,
        global = true,
        env = "REGCRED_CA_FILE",
        value_name = "FILE",
        hide_env_values = true
    )]
    pub(crate) ca_file: Option<PathBuf>,
    /// Let passwords and tokens cross a network in the clear, where the URL is http
    #[arg(long, global = true)]
    pub(crate) allow_http: bool,
    /// Give up on a request after so many seconds, repetitions included
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) timeout: u64,
}

/// The project that a command works in.
#[derive(Args, Clone, Debug)]
pub(crate) struct ProjectArgs {
    /// The project, by its id or its name [default: the context's]
    #[arg(
        long,
        global = true,
        env = "REGCRED_PROJECT",
        value_name = "PROJECT",
        hide_env_values = true
    )]
    pub(crate) project: Option<String>,
}

/// A connection with what is known of it.
pub(crate) struct Link {
    pub(crate) client: Client,
    source: Source,
    project: Option<String>,
}

/// Where the token came from, for whoever has to get another.
enum Source {
    Variable(&'static str),
    Context { name: String, login: String },
}

impl ConnectionArgs {
    /// The connection that these flags, the environment and the contexts lead to. Nothing is sent yet.
    pub(crate) fn link(&self) -> Result<Link> {
        let by_name = self.context.is_some();
        let url = match &self.url {
            Some(url) => Some(url.clone()),
            None if by_name => None,
            None => variable("REGCRED_URL")?,
        };
        let token = if by_name { None } else { token_variable()? };
        // Who gives both needs no context, and no directory to keep one in.
        let contexts = if url.is_some() && token.is_some() {
            Contexts::default()
        } else {
            Contexts::load()?
        };
        let name = self.context.as_ref().or(contexts.current.as_ref());
        let context = name.map(|name| Ok::<_, Failure>((name, contexts.get(name)?)));
        // What the context says counts for its own server only; above all its token goes nowhere else.
        let context = context.transpose()?.filter(|(_, context)| {
            let same = |url: &str| url.trim_end_matches('/') == context.url.trim_end_matches('/');
            url.as_deref().is_none_or(same)
        });
        let url = url.or_else(|| context.map(|(_, context)| context.url.clone()));
        let url = url.ok_or_else(not_logged_in)?;
        let builder = self
            .route
            .builder(&url, context.map(|(_, context)| context))?;
        let (token, source) = match (token, context) {
            (Some((variable, token)), _) => (token, Source::Variable(variable)),
            (None, Some((name, context))) => {
                let token = context.token.as_ref().ok_or_else(|| logged_out(name))?;
                let source = Source::Context {
                    name: name.clone(),
                    login: context.login.clone(),
                };
                (Secret::new(token.0.expose().to_owned()), source)
            }
            (None, None) => return Err(no_token(&url)),
        };
        Ok(Link {
            client: builder.token(token)?,
            source,
            project: context.and_then(|(_, context)| context.project.clone()),
        })
    }
}

impl RouteArgs {
    /// A client's beginning, with what the context adds to the flags.
    pub(crate) fn builder(&self, url: &str, context: Option<&Context>) -> Result<ClientBuilder> {
        let platform = self.platform.or(context.map(|context| context.platform));
        let ca_file = self.ca_file.as_ref();
        let ca_file = ca_file.or(context.and_then(|context| context.ca_file.as_ref()));
        let allow_http = self.allow_http || context.is_some_and(|context| context.allow_http);
        let total = Duration::from_secs(self.timeout);
        let mut builder = Client::builder(url)
            .platform(platform.unwrap_or(1))
            .allow_plain_http(allow_http)
            .connect_timeout(total.min(Duration::from_secs(5)))
            .request_timeout(total)
            .total_timeout(total);
        if let Some(path) = ca_file {
            let pem = std::fs::read(path).map_err(|error| {
                Failure::usage(
                    format!("the file {} cannot be read: {error}", path.display()),
                    "give a file of PEM certificates with --ca-file",
                )
            })?;
            builder = builder.ca_certificates(&pem);
        }
        Ok(builder)
    }
}

impl Link {
    /// The id of the project to work in.
    pub(crate) async fn project(&self, args: &ProjectArgs) -> Result<ProjectId> {
        let named = args.project.as_ref().or(self.project.as_ref());
        let named = named.filter(|name| !name.is_empty()).ok_or_else(|| {
            Failure::usage(
                "no project is named",
                "name it with --project, by its name or its id; or set REGCRED_PROJECT, or keep it with `regcred context \
                 use NAME --project PROJECT`",
            )
        })?;
        self.project_named(named).await
    }

    /// The id of a project, by its id or its name.
    pub(crate) async fn project_named(&self, named: &str) -> Result<ProjectId> {
        project_named(&self.client, named)
            .await
            .map_err(|error| self.failure(error))
    }

    /// What an error means for a user of this connection.
    pub(crate) fn failure(&self, error: Error) -> Failure {
        if !matches!(error, Error::Unauthenticated { .. }) {
            return error.into();
        }
        let not_logged_in = |message, hint| Failure::new(Exit::NotLoggedIn, message, hint);
        match &self.source {
            Source::Variable(variable) => not_logged_in(
                format!(
                    "the token in {variable} is not accepted: it is wrong, ran out or was revoked"
                ),
                format!(
                    "put a token that counts into {variable}, or unset it and log in with `regcred login`"
                ),
            ),
            Source::Context { name, login } => not_logged_in(
                format!("the token of {login:?} in the context {name:?} ran out or was revoked"),
                format!("log in again with `regcred login --context {name}`"),
            ),
        }
    }
}

/// The id of a project, by its id or its name.
pub(crate) async fn project_named(
    client: &Client,
    named: &str,
) -> regcred_client::Result<ProjectId> {
    match named.parse() {
        Ok(id) => Ok(id),
        Err(_) => Ok(client.projects().by_name(named).await?.id),
    }
}

/// A variable's value; empty is an error, because that is how a secret that is missing in CI looks.
pub(crate) fn variable(name: &'static str) -> Result<Option<String>> {
    let Some(value) = std::env::var_os(name) else {
        return Ok(None);
    };
    match value.into_string() {
        Ok(value) if !value.is_empty() => Ok(Some(value)),
        Ok(_) => Err(Failure::usage(
            format!("{name} is set, but empty"),
            "give it a value, or unset it",
        )),
        Err(_) => Err(Failure::usage(
            format!("{name} is not UTF-8"),
            "give it a value that is",
        )),
    }
}

const URL_HELP: &str =
    "The server's URL [env: REGCRED_URL, with REGCRED_TOKEN or REGCRED_TOKEN_FILE]";

/// The token of the environment, with the name of its variable.
fn token_variable() -> Result<Option<(&'static str, Secret)>> {
    const TEXT: &str = "REGCRED_TOKEN";
    const FILE: &str = "REGCRED_TOKEN_FILE";
    match (variable(TEXT)?, variable(FILE)?) {
        (Some(_), Some(_)) => Err(Failure::usage(
            format!("{TEXT} and {FILE} are both set"),
            "unset one of them",
        )),
        (Some(mut token), None) => {
            token.truncate(token.trim_end().len());
            Ok(Some((TEXT, Secret::new(token))))
        }
        (None, Some(path)) => {
            let mut token = std::fs::read_to_string(&path).map_err(|error| {
                Failure::usage(
                    format!("the file {path:?} that {FILE} names cannot be read: {error}"),
                    format!("name a file that holds a token, or unset {FILE}"),
                )
            })?;
            token.truncate(token.trim_end().len());
            Ok(Some((FILE, Secret::new(token))))
        }
        (None, None) => Ok(None),
    }
}

fn not_logged_in() -> Failure {
    Failure::new(
        Exit::NotLoggedIn,
        "you are not logged in",
        "log in with `regcred login URL --user LOGIN`, or set REGCRED_URL and REGCRED_TOKEN",
    )
}

fn logged_out(name: &str) -> Failure {
    Failure::new(
        Exit::NotLoggedIn,
        format!("you are logged out of the context {name:?}"),
        format!("log in again with `regcred login --context {name}`"),
    )
}

fn no_token(url: &str) -> Failure {
    Failure::new(
        Exit::NotLoggedIn,
        format!(
            "there is no token for {url}: that of the current context goes to its own server only"
        ),
        "set REGCRED_TOKEN or REGCRED_TOKEN_FILE, or log in there with `regcred login`",
    )
}
