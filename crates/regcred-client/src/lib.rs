//! A client for the Docker credentials of projects, on regcred and on the Saagie platform alike.
//!
//! It has the eight operations of the documented class `saagieapi.docker_credentials.DockerCredentials` by their
//! names, with typed values, and errors that can be matched on. Both servers get the same login and the same GraphQL
//! documents; what only regcred has is sent only when it is asked for ([`Client::regcred`]).
//!
//! ```no_run
//! # async fn example() -> regcred_client::Result<()> {
//! use regcred_client::{Client, Error, Registry, RegistryChange, Secret};
//!
//! let password = Secret::new(std::env::var("REGCRED_PASSWORD").unwrap_or_default());
//! let client = Client::builder("https://regcred.example").login("ada", password).await?;
//! let project = client.projects().by_name("demo").await?.id;
//! let credentials = client.docker_credentials();
//!
//! let registry_password = Secret::new(std::env::var("GHCR_PASSWORD").unwrap_or_default());
//! match credentials.create(project, "ci-bot", &registry_password, "ghcr.io").await {
//!     Ok(created) => println!("created {}", created.id),
//!     Err(Error::Conflict { .. }) => {
//!         credentials
//!             .upgrade_for_username(project, "ci-bot", &registry_password, "ghcr.io")
//!             .await?;
//!     }
//!     Err(error) => return Err(error),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What it takes care of
//!
//! - **Time.** Connecting, one request, and a request with its repetitions are bounded ([`ClientBuilder::total_timeout`]).
//! - **Repeating.** What only reads is repeated after a broken connection or a "later", with jitter. A change is
//!   repeated only if it certainly did not reach the server; otherwise its error says that it may have been made
//!   ([`Error::outcome`]).
//! - **The session.** A client that logged in does so once more where its token is refused. One that was given a token
//!   fails with [`Error::Unauthenticated`].
//! - **TLS** is verified with the system's roots, always; other authorities can be added
//!   ([`ClientBuilder::ca_certificates`]). Plain http reaches only this machine unless it is allowed.
//! - **Secrets** are a type of their own, [`Secret`], which has no way to be printed. Request bodies are wiped. No
//!   trace, error or `Debug` holds one.
//! - **Tracing.** Each attempt is a `tracing` span `request` at level debug, with the operation's name.
//!
//! A proxy is taken from the environment as usual (`HTTPS_PROXY`, `NO_PROXY`), never for this machine itself.
//! Redirects are not followed.
//!
//! # Size
//!
//! It brings 90 crates, 80 of which are `reqwest` with the features that are used here:
//!
//! ```console
//! $ cargo tree -p regcred-client -e normal --prefix none | sed 's/ (.*//' | sort -u | wc -l
//! 91
//! ```
//!
//! # Features
//!
//! `blocking`: the same operations for code that is not async.

mod address;
mod asking;
#[cfg(feature = "blocking")]
pub mod blocking;
mod client;
mod docker_credentials;
mod error;
mod graphql;
mod projects;
pub mod regcred;
mod secret;
mod session;
mod transport;
mod values;
mod workloads;

pub use self::address::PlatformUrl;
pub use self::client::{Client, ClientBuilder};
pub use self::docker_credentials::DockerCredentials;
pub use self::error::{Error, Outcome, Result, TransportKind, steers_a_terminal};
pub use self::projects::Projects;
pub use self::secret::Secret;
pub use self::values::{
    AppId, CredentialsId, CredentialsInfo, JobId, NoId, ProjectId, ProjectInfo, ProjectStatus,
    Registry, RegistryChange, TokenId,
};
pub use self::workloads::{Apps, Image, Jobs, WorkloadId, WorkloadInfo, Workloads};
