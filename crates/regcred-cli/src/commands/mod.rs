//! The commands: one file for each, and what they share.

mod changes;
mod checks;
mod completion;
mod context;
mod credentials;
mod exit_codes;
mod export;
mod helper;
mod import;
mod kubelet;
mod login;
mod logout;
mod man;
mod member;
mod migrate;
mod project;
mod pull;
mod records;
mod settings;
mod token;
mod user;
mod verify;
mod workload;

use clap::{Args, Parser, Subcommand};
use regcred_client::Client;
use regcred_server::operator::{self, OperatorError};
use regcred_server::{ServeArgs, StoreArgs};

use crate::connection::{ConnectionArgs, ProjectArgs};
use crate::failure::{Exit, Failure, Result};
use crate::interrupt::Interrupt;
use crate::output::{OutputArgs, print};

/// Keeps the Docker credentials of projects, and serves them to those who may have them.
#[derive(Parser)]
#[command(
    name = "regcred",
    version,
    max_term_width = 120,
    after_help = "Exit codes: regcred help exit-codes"
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the platform's Docker-credentials API
    ///
    /// Settings come from flags, then variables, then the file given with --config, whose keys are the flags' names.
    Serve(Box<ServeArgs>),
    /// Log in, and keep the token in a context
    Login(Box<login::Login>),
    /// End the session, and forget its token
    Logout(logout::Logout),
    /// Choose and look after the places where you are logged in
    Context(context::ContextCommand),
    /// List, show, create and delete projects, and say who may work in them
    Project(Box<project::ProjectCommand>),
    /// Create, list, upgrade and delete the Docker credentials of a project
    Credentials(Box<credentials::CredentialsCommand>),
    /// Create, list, upgrade and delete the jobs of a project, as far as they run an image
    ///
    /// They say who uses which credentials, and which of several accounts their image is pulled with.
    Job(Box<workload::WorkloadCommand>),
    /// Create, list, upgrade and delete the apps of a project, as far as they run an image
    ///
    /// They say who uses which credentials, and which of several accounts their image is pulled with.
    App(Box<workload::WorkloadCommand>),
    /// Create, list and revoke service tokens, for programs (regcred's own)
    Token(Box<token::TokenCommand>),
    /// Create and look after users (regcred's own)
    User(Box<user::UserCommand>),
    /// Get username and password for an image, or say which it would be and why (regcred's own)
    ///
    /// Only a service token with the right to pull gets a password, and each pull is in the audit trail.
    Pull(Box<pull::PullCommand>),
    /// Have the server try credentials at their registry, and say whether they work (regcred's own)
    ///
    /// One of them, all of a project, or all projects. A password goes from the server to its own registry, and nowhere
    /// else. Only `rejected` and `no pull right` say that credentials are bad, and end with exit code 9; the other verdicts
    /// say that nothing was proved.
    Verify(Box<verify::Verify>),
    /// Write a project's credentials, in the clear, into a file for another client (regcred's own)
    ///
    /// It needs a service token with the right to pull. Each of the passwords is pulled, which the audit trail records.
    Export(Box<export::Export>),
    /// Take the logins of another client's file into a project
    ///
    /// It shows what it is going to do before it does it, tells what is odd in the file, and overwrites nothing unless
    /// told.
    Import(Box<import::Import>),
    /// Let docker, podman and their like get credentials from regcred
    Helper(Box<helper::HelperCommand>),
    /// Let the nodes of a Kubernetes cluster get credentials from regcred
    Kubelet(kubelet::KubeletCommand),
    /// Look after the key-encryption key; the service must not run
    Key {
        #[command(subcommand)]
        command: KeyCommand,
    },
    /// Look after the audit trail; the service must not run
    Audit {
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Move an installation from its directory to PostgreSQL; the service must not run
    ///
    /// It may be interrupted at any moment: the same command goes on where it was. At the end all that has arrived is
    /// compared with the source, each sealed password is opened in memory, and the audit trail is walked. Only then the
    /// database can be served, and the directory is marked as moved.
    Migrate(Box<migrate::Migrate>),
    /// Print the completions for a shell
    Completion(completion::Completion),
    /// Print the manual page, or write all of them
    Man(man::Man),
    #[command(name = "exit-codes", hide = true, help_template = "{about}", about = exit_codes::ABOUT, long_about = exit_codes::text())]
    ExitCodes,
}

#[derive(Subcommand)]
enum KeyCommand {
    /// Prove that the key opens the installation and every sealed password in it
    Status {
        #[command(flatten)]
        store: StoreArgs,
    },
}

#[derive(Subcommand)]
enum AuditCommand {
    /// Prove that no event was changed, removed or reordered
    Verify {
        #[command(flatten)]
        store: StoreArgs,
    },
}

/// The flags of a command that asks a server, and prints what it got.
#[derive(Args, Clone, Debug)]
struct ClientArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// The same of a command that works in a project.
#[derive(Args, Clone, Debug)]
struct InProject {
    #[command(flatten)]
    project: ProjectArgs,
    #[command(flatten)]
    client: ClientArgs,
}

impl Cli {
    /// Runs the command that was asked for.
    pub(crate) fn run(self) -> Result<()> {
        match self.command {
            Command::Serve(args) => by_operator(regcred_server::serve(*args).map_err(Into::into)),
            Command::Key {
                command: KeyCommand::Status { store },
            } => print_line(&by_operator(operator::key_status(store))?),
            Command::Audit {
                command: AuditCommand::Verify { store },
            } => print_line(&by_operator(operator::audit_verify(store))?),
            Command::Migrate(command) => command.run(),
            Command::User(command) => command.run(),
            Command::Login(command) => {
                Interrupt::during(async |interrupt| command.run(interrupt).await)
            }
            Command::Logout(command) => Interrupt::during(async |_| command.run().await),
            Command::Context(command) => command.run(),
            Command::Project(command) => {
                Interrupt::during(async |interrupt| command.run(interrupt).await)
            }
            Command::Credentials(command) => {
                Interrupt::during(async |interrupt| command.run(interrupt).await)
            }
            Command::Job(command) => Interrupt::during(async |interrupt| {
                command.run(interrupt, "job", Client::jobs).await
            }),
            Command::App(command) => Interrupt::during(async |interrupt| {
                command.run(interrupt, "app", Client::apps).await
            }),
            Command::Token(command) => {
                Interrupt::during(async |interrupt| command.run(interrupt).await)
            }
            Command::Pull(command) => Interrupt::during(async |_| command.run().await),
            Command::Verify(command) => {
                Interrupt::during(async |interrupt| command.run(interrupt).await)
            }
            Command::Export(command) => {
                Interrupt::during(async |interrupt| command.run(interrupt).await)
            }
            Command::Import(command) => {
                Interrupt::during(async |interrupt| command.run(interrupt).await)
            }
            Command::Helper(command) => command.run(),
            Command::Kubelet(command) => command.run(),
            Command::Completion(command) => command.run(),
            Command::Man(command) => command.run(),
            Command::ExitCodes => print(&exit_codes::text()),
        }
    }
}

/// What an operator's command says of a failure says what to do by itself.
fn by_operator<T>(done: Result<T, OperatorError>) -> Result<T> {
    done.map_err(|error| match error {
        OperatorError::Invalid(message) => Failure::plain(Exit::Usage, message),
        OperatorError::Conflict(message) => Failure::plain(Exit::Conflict, message),
        OperatorError::Failed(message) => Failure::plain(Exit::Internal, message),
    })
}

fn print_line(line: &str) -> Result<()> {
    print(&format!("{line}\n"))
}
