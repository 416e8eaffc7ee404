//! `regcred user`: users. `create` works on the database, for the operator, or through the server, for an admin.

use clap::{Args, Subcommand};
use regcred_client::Secret;
use regcred_client::regcred::{NewUser, UserChange};
use regcred_server::StoreArgs;
use regcred_server::operator::{self, SecretText};

use super::records::UserRecord;
use super::{ClientArgs, by_operator, print_line};
use crate::failure::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::prompt::{self, Password, confirm};

#[derive(Args)]
pub(super) struct UserCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Create a user; the password is asked for
    ///
    /// Without --server it works on the database directly, for whoever holds it and its key; the service must not run.
    Create(Box<Create>),
    /// List the users; for admins
    List {
        #[command(flatten)]
        client: ClientArgs,
    },
    /// Change what is given of a user; for admins
    Update(Update),
    /// Delete a user with sessions and memberships; for admins
    Delete {
        /// The user's login
        login: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        client: ClientArgs,
    },
    /// Replace your own password; every session of yours ends
    Password {
        /// Read two lines from standard input: the password that counts now, and the new one
        #[arg(long)]
        password_stdin: bool,
        #[command(flatten)]
        client: ClientArgs,
    },
    /// Replace the password of any user, whose sessions end; for admins
    ResetPassword {
        /// The user's login
        login: String,
        /// Read the password from standard input; a line break at its end does not count
        #[arg(long)]
        password_stdin: bool,
        #[command(flatten)]
        client: ClientArgs,
    },
}

#[derive(Args)]
struct Create {
    /// ASCII letters, digits and `.`, `_`, `-`, `@`, `+`; its case does not count
    login: String,
    /// An admin of the platform: all projects and users, but no passwords out
    #[arg(long)]
    admin: bool,
    /// A group that the user belongs to; may be repeated
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    /// Read the password from standard input instead; a line break at its end does not count
    #[arg(long)]
    password_stdin: bool,
    /// Create the user through the server where you are logged in, as an admin
    #[arg(long)]
    server: bool,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Args)]
struct Update {
    /// The user's login
    login: String,
    /// Whether the user is an admin of the platform
    #[arg(long, value_name = "true|false")]
    admin: Option<bool>,
    /// A group that the user belongs to from now on, in place of all others; may be repeated
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    /// The user belongs to no group from now on
    #[arg(long, conflicts_with = "groups")]
    no_groups: bool,
    #[command(flatten)]
    client: ClientArgs,
}

impl UserCommand {
    pub(super) fn run(self) -> Result<()> {
        match self.command {
            Command::Create(create) if create.server => {
                Interrupt::during(async |interrupt| create.through_server(interrupt).await)
            }
            Command::Create(create) => create.on_database(),
            Command::List { client } => Interrupt::during(async |_| list(&client).await),
            Command::Update(update) => Interrupt::during(async |_| update.run().await),
            Command::Delete { login, yes, client } => {
                Interrupt::during(async |interrupt| delete(interrupt, &login, yes, &client).await)
            }
            Command::Password {
                password_stdin,
                client,
            } => Interrupt::during(async |interrupt| {
                change_password(interrupt, password_stdin, &client).await
            }),
            Command::ResetPassword {
                login,
                password_stdin,
                client,
            } => Interrupt::during(async |interrupt| {
                reset_password(interrupt, &login, password_stdin, &client).await
            }),
        }
    }
}

impl Create {
    fn on_database(self) -> Result<()> {
        let connection = &self.client.connection;
        if connection.context.is_some() || connection.url.is_some() {
            return Err(Failure::usage(
                "without --server the user is created in a database, and no server is asked",
                "give --server, or leave out --context and --url",
            ));
        }
        let password = Interrupt::during(async |interrupt| self.password(interrupt).await)?;
        let user = operator::NewUser {
            login: self.login,
            password: SecretText::new(password.expose().to_owned()),
            admin: self.admin,
            groups: self.groups,
        };
        let login = by_operator(operator::create_user(self.store, user))?;
        let what = if self.admin { "admin" } else { "user" };
        print_line(&format!("created {what} {login}"))
    }

    async fn through_server(&self, interrupt: &Interrupt) -> Result<()> {
        let link = self.client.connection.link()?;
        let user = NewUser {
            login: self.login.clone(),
            password: self.password(interrupt).await?,
            admin: self.admin,
            groups: self.groups.clone(),
        };
        let record = UserRecord::from(link.done(link.client.regcred().create_user(&user).await)?);
        let what = if self.admin { "admin" } else { "user" };
        let done = format!("created {what} {}", record.login);
        self.client.output.changed(&record, &done)
    }

    async fn password(&self, interrupt: &Interrupt) -> Result<Secret> {
        let password = Password {
            what: &self.login,
            from_stdin: self.password_stdin,
            twice: true,
        };
        password.read(interrupt).await
    }
}

impl Update {
    async fn run(&self) -> Result<()> {
        let change = UserChange {
            admin: self.admin,
            groups: (self.no_groups || !self.groups.is_empty()).then(|| self.groups.clone()),
        };
        if change == UserChange::default() {
            return Err(Failure::usage(
                "nothing to change is given",
                "give --admin, --group or --no-groups",
            ));
        }
        let link = self.client.connection.link()?;
        let record = UserRecord::from(
            link.done(
                link.client
                    .regcred()
                    .update_user(&self.login, &change)
                    .await,
            )?,
        );
        let done = format!("updated user {}", record.login);
        self.client.output.changed(&record, &done)
    }
}

async fn list(client: &ClientArgs) -> Result<()> {
    let link = client.connection.link()?;
    let all = link.done(link.client.regcred().list_users().await)?;
    let records: Vec<UserRecord> = all.into_iter().map(Into::into).collect();
    client.output.list(&records)
}

async fn delete(interrupt: &Interrupt, login: &str, yes: bool, client: &ClientArgs) -> Result<()> {
    let link = client.connection.link()?;
    confirm(interrupt, &format!("Delete the user {login:?}?"), yes).await?;
    link.done(link.client.regcred().delete_user(login).await)?;
    client
        .output
        .deleted(login, &format!("deleted user {login}"))
}

async fn change_password(
    interrupt: &Interrupt,
    from_stdin: bool,
    client: &ClientArgs,
) -> Result<()> {
    let link = client.connection.link()?;
    let (current, new) = if from_stdin {
        prompt::beside(interrupt, two_lines).await?
    } else {
        let current = prompt::hidden(interrupt, "Password that counts now: ").await?;
        let new = Password {
            what: "yours from now on",
            from_stdin: false,
            twice: true,
        };
        (current, new.read(interrupt).await?)
    };
    link.done(link.client.regcred().change_password(&current, &new).await)?;
    client
        .output
        .done("replaced your password; log in again with `regcred login`")
}

async fn reset_password(
    interrupt: &Interrupt,
    login: &str,
    from_stdin: bool,
    client: &ClientArgs,
) -> Result<()> {
    let link = client.connection.link()?;
    let password = Password {
        what: login,
        from_stdin,
        twice: true,
    };
    link.done(
        link.client
            .regcred()
            .reset_password(login, &password.read(interrupt).await?)
            .await,
    )?;
    client
        .output
        .done(&format!("replaced the password of {login}"))
}

/// The password that counts now, and the new one.
fn two_lines() -> Result<(Secret, Secret)> {
    let both = prompt::stdin()?;
    match both.expose().split_once('\n') {
        Some((current, new)) if !current.is_empty() && !new.contains('\n') => Ok((
            Secret::new(current.trim_end_matches('\r').to_owned()),
            Secret::new(new.to_owned()),
        )),
        _ => Err(Failure::usage(
            "standard input does not hold two passwords",
            "give the one that counts now on the first line, and the new one on the second",
        )),
    }
}
