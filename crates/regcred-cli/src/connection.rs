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
    /// Use this context as it is, rather than the current one: no variable counts
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) context: Option<String>,
    #[arg(
        long,
        global = true,
        value_name = "URL",
        conflicts_with = "context",
        help = "The server's URL [env: REGCRED_URL, with REGCRED_TOKEN or REGCRED_TOKEN_FILE]"
    )]
    pub(crate) url: Option<String>,
    #[command(flatten)]
    pub(crate) route: RouteArgs,
}

/// How the server is reached.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Connection")]
pub(crate) struct RouteArgs {
    #[arg(
        long,
        global = true,
        value_name = "N",
        help = "The number of the platform [default: the context's, or 1] [env: REGCRED_PLATFORM]"
    )]
    pub(crate) platform: Option<u32>,
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        help = "Trust the authorities of these PEM certificates too [env: REGCRED_CA_FILE]"
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
    #[arg(
        long,
        global = true,
        value_name = "PROJECT",
        help = "The project, by its id or its name [default: the context's] [env: REGCRED_PROJECT]"
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

/// Where flags, environment and contexts lead, whoever goes there.
pub(crate) struct Place {
    pub(crate) url: String,
    /// What is known of the way besides; an absolute path.
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) platform: Option<u32>,
    pub(crate) project: Option<String>,
}

/// The same with what there is to be known of the token.
struct Target {
    url: String,
    route: RouteArgs,
    project: Option<String>,
    context: Option<(String, Context)>,
    token: Option<(&'static str, Secret)>,
}

impl ConnectionArgs {
    /// The connection that these flags, the environment and the contexts lead to. Nothing is sent yet.
    pub(crate) fn link(&self) -> Result<Link> {
        let target = self.target()?;
        let context = target.context.as_ref();
        let builder = target
            .route
            .builder(&target.url, context.map(|(_, context)| context))?;
        let (token, source) = match (target.token, target.context) {
            (Some((variable, token)), _) => (token, Source::Variable(variable)),
            (None, Some((name, context))) => {
                let Some(token) = context.token else {
                    return Err(logged_out(&name));
                };
                let login = context.login;
                (token.0, Source::Context { name, login })
            }
            (None, None) => return Err(no_token(&target.url)),
        };
        Ok(Link {
            client: builder.token(token)?,
            source,
            project: target.project,
        })
    }

    /// The place that these flags, the environment and the contexts lead to.
    pub(crate) fn place(&self) -> Result<Place> {
        let Target {
            url,
            route,
            project,
            context,
            ..
        } = self.target()?;
        let context = context.map(|(_, context)| context);
        let ca_file = route.ca_file.map(std::path::absolute).transpose();
        let ca_file = ca_file
            .map_err(|error| Failure::usage(format!("--ca-file: {error}"), "name a file"))?;
        let of_context = |context: &Context| (context.ca_file.clone(), context.platform);
        let (ca_of_context, platform) = context.as_ref().map(of_context).unzip();
        Ok(Place {
            url,
            ca_file: ca_file.or(ca_of_context.flatten()),
            platform: route.platform.or(platform),
            project,
        })
    }

    fn target(&self) -> Result<Target> {
        let (route, beside_token, token) = if self.heeds_variables() {
            let route = self.route.with_variables()?;
            (route, variable("REGCRED_URL")?, token_variable()?)
        } else {
            (self.route.clone(), None, None)
        };
        let (given, beside) = (self.url.clone(), beside_token);
        // A token goes to its own server only: that of the environment to the URL beside it, where there is one.
        let is_beside = match (&given, &beside) {
            (Some(given), Some(beside)) => same_server(given, beside),
            _ => true,
        };
        let token = token.filter(|_| is_beside);
        let url = given.or(beside);
        // Who gives both needs no context, and no directory to keep one in.
        let mut contexts = if url.is_some() && token.is_some() {
            Contexts::default()
        } else {
            Contexts::load()?
        };
        let context = match self.context.clone().or(contexts.current.take()) {
            Some(name) => Some(contexts.take(&name)?),
            None => None,
        };
        // What a context says counts for its own server only, its token above all.
        let context = context.filter(|(_, context)| {
            let url = url.as_deref();
            url.is_none_or(|url| same_server(url, &context.url))
        });
        let url = url.or_else(|| context.as_ref().map(|(_, context)| context.url.clone()));
        let project = self.project(&ProjectArgs { project: None })?;
        let of_context = context.as_ref();
        Ok(Target {
            url: url.ok_or_else(not_logged_in)?,
            route,
            project: project.or_else(|| of_context.and_then(|(_, known)| known.project.clone())),
            context,
            token,
        })
    }

    /// The project that a flag or a variable names.
    pub(crate) fn project(&self, args: &ProjectArgs) -> Result<Option<String>> {
        match &args.project {
            None if self.heeds_variables() => variable("REGCRED_PROJECT"),
            given => Ok(given.clone()),
        }
    }

    /// Whether variables stand in for flags: who names a context means it as it is.
    fn heeds_variables(&self) -> bool {
        self.context.is_none()
    }
}

/// Whether two URLs are those of one server, as far as that can be seen.
pub(crate) fn same_server(one: &str, other: &str) -> bool {
    one.trim_end_matches('/') == other.trim_end_matches('/')
}

impl RouteArgs {
    /// The same, with what variables say where no flag does.
    pub(crate) fn with_variables(&self) -> Result<Self> {
        let mut route = self.clone();
        if route.platform.is_none() {
            route.platform = variable(PLATFORM)?
                .map(|number| platform(&number))
                .transpose()?;
        }
        if route.ca_file.is_none() {
            route.ca_file = variable("REGCRED_CA_FILE")?.map(PathBuf::from);
        }
        Ok(route)
    }

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
        let named = self.named(args)?;
        self.done(project_named(&self.client, named).await)
    }

    /// What the project to work in is called.
    pub(crate) fn named<'a>(&'a self, args: &'a ProjectArgs) -> Result<&'a str> {
        let named = args.project.as_deref().or(self.project.as_deref());
        named.filter(|name| !name.is_empty()).ok_or_else(|| {
            Failure::usage(
                "no project is named",
                "name it with --project, by its name or its id; or set REGCRED_PROJECT, or keep it with `regcred context \
                 use NAME --project PROJECT`",
            )
        })
    }

    /// The outcome of an operation, whose error a user of this connection understands.
    pub(crate) fn done<T>(&self, done: regcred_client::Result<T>) -> Result<T> {
        done.map_err(|error| self.failure(error))
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

fn platform(number: &str) -> Result<u32> {
    number.parse().map_err(|_| {
        Failure::usage(
            format!("{PLATFORM} is not the number of a platform"),
            "give it a number such as 1, or unset it",
        )
    })
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
            "there is no token for {url}: those of the environment and of the current context go to their own servers only"
        ),
        "set REGCRED_URL and REGCRED_TOKEN for it, or log in there with `regcred login`",
    )
}

const PLATFORM: &str = "REGCRED_PLATFORM";
