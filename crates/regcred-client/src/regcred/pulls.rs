//! The pull: username and password for one image or server, and by which rule they are chosen.

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::problem::refused;
use super::{Regcred, Verification};
#[cfg(doc)]
use crate::error::Error;
use crate::error::Result;
use crate::graphql::unread;
use crate::secret::Secret;
use crate::transport::{Answer, Body, Effect, Request};
use crate::values::{CredentialsId, ProjectId, maybe_moment, moment, nullable};

/// For what credentials are asked.
///
/// ```
/// use regcred_client::regcred::Pull;
///
/// let of_an_image = Pull::image("ghcr.io/acme/app:1").project("demo");
/// let as_docker_logs_in = Pull::server("https://index.docker.io/v1/");
/// # let _ = (of_an_image, as_docker_logs_in);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pull {
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<String>,
    #[serde(flatten)]
    of: Reference,
    #[serde(rename = "dockerCredentialsId")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pinned: Option<CredentialsId>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
enum Reference {
    Image(String),
    Server(String),
}

impl Pull {
    /// For an image, as it is given to what pulls it: `app`, `ghcr.io/acme/app:1`, `host:5000/app@sha256:...`.
    pub fn image(image: impl Into<String>) -> Self {
        Self::of(Reference::Image(image.into()))
    }

    /// For a server, as clients of registries name it: `https://index.docker.io/v1/`, a host with or without a port, or
    /// a repository with its host.
    pub fn server(server: impl Into<String>) -> Self {
        Self::of(Reference::Server(server.into()))
    }

    /// In this project, by its id or its name. A token with exactly one project needs none.
    #[must_use]
    pub fn project(mut self, project: impl Into<String>) -> Self {
        self.project = Some(project.into());
        self
    }

    /// For a workload that names its credentials: these decide between several accounts, where they fit the image.
    #[must_use]
    pub fn pinned(mut self, credentials: CredentialsId) -> Self {
        self.pinned = Some(credentials);
        self
    }

    fn of(of: Reference) -> Self {
        Self {
            project: None,
            of,
            pinned: None,
        }
    }
}

/// The credentials that a pull hands out. It has no `Debug`: it holds a password.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pulled {
    /// Where they count, in canonical form: host, with port and path where they have them. Docker Hub is `docker.io`.
    pub registry_key: String,
    /// The login at the registry.
    pub username: String,
    /// The password at the registry.
    pub password: Secret,
    /// Which they are.
    pub credentials_id: CredentialsId,
    /// When the password is known to run out.
    #[serde(deserialize_with = "maybe_moment")]
    pub expires_at: Option<Timestamp>,
}

/// By which rule a pull finds credentials, or none. No password is among it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The project in which was looked.
    pub project: ProjectId,
    /// What was asked for, in canonical form: host and path.
    pub registry_key: String,
    /// The host, with its port where it has one.
    pub host: String,
    /// The path behind it; empty for a bare server.
    pub path: String,
    /// What a pull would come to.
    pub outcome: Resolution,
    /// A sentence for people that says by which rule.
    pub rule: String,
    /// The credentials that a pull would hand out.
    #[serde(deserialize_with = "nullable")]
    pub chosen: Option<CredentialsId>,
    /// The project's credentials on the same host, in any port, the best first; at most 100.
    pub candidates: Vec<Candidate>,
}

/// What a pull comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Resolution {
    /// Credentials are handed out.
    Match,
    /// There are none: [`Error::NoMatch`].
    NoMatch,
    /// There are several, and nothing decides: [`Error::Ambiguous`].
    Ambiguous,
    /// A word that this client does not know.
    #[serde(other)]
    Unknown,
}

/// Credentials that were looked at, and what became of them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Candidate {
    /// Which they are.
    pub credentials_id: CredentialsId,
    /// Where they count, in canonical form.
    pub registry_key: String,
    /// The login at the registry.
    pub username: String,
    /// What became of them.
    pub verdict: Verdict,
    /// A sentence for people that says why.
    pub reason: String,
    /// When registry, username or password last changed.
    #[serde(deserialize_with = "moment")]
    pub last_update: Timestamp,
    /// When they were last handed out.
    #[serde(deserialize_with = "maybe_moment")]
    pub last_used: Option<Timestamp>,
    /// When the password is known to run out.
    #[serde(deserialize_with = "maybe_moment")]
    pub expires_at: Option<Timestamp>,
    /// What came of trying the present password at the registry, the last time; absent where that was not done.
    #[serde(default)]
    pub verification: Option<Verification>,
}

/// What becomes of a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Verdict {
    /// They are handed out.
    Chosen,
    /// Another account of the same scope: nothing decides between them.
    SameScope,
    /// The workload names others.
    NotPinned,
    /// Others count for a longer part of the path.
    ShorterScope,
    /// They count for another path.
    OtherPath,
    /// They count for another port.
    OtherPort,
    /// A word that this client does not know.
    #[serde(other)]
    Unknown,
}

/// One of several accounts that fit equally well.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// Which credentials they are.
    pub credentials_id: CredentialsId,
    /// Where they count, in canonical form.
    pub registry_key: String,
    /// The login at the registry.
    pub username: String,
}

/// What a token may pull.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Pullable {
    /// The project of the credentials.
    pub project: ProjectId,
    /// They, ordered by registry key and username.
    pub credentials: Vec<PullableCredentials>,
}

/// Credentials that a token may pull.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PullableCredentials {
    /// Which they are.
    pub credentials_id: CredentialsId,
    /// Where they count, in canonical form.
    pub registry_key: String,
    /// The login at the registry.
    pub username: String,
    /// When registry, username or password last changed.
    #[serde(deserialize_with = "moment")]
    pub last_update: Timestamp,
    /// When the password is known to run out.
    #[serde(deserialize_with = "maybe_moment")]
    pub expires_at: Option<Timestamp>,
}

impl Regcred {
    /// Gets username and password for an image or a server. Only service tokens with the right to pull may; each pull
    /// is in the audit trail before it is answered. A pull changes nothing, and is repeated as what only reads is.
    ///
    /// [`Error::NoMatch`] where there are none, [`Error::Ambiguous`] where several accounts fit equally well,
    /// [`Error::NotFound`] where the token does not count in the project, [`Error::Invalid`] where the reference is
    /// none, or no project is named and the token has several.
    ///
    /// ```no_run
    /// # async fn example(client: regcred_client::Client) -> regcred_client::Result<()> {
    /// use regcred_client::regcred::Pull;
    ///
    /// let pulled = client.regcred().pull(&Pull::image("ghcr.io/acme/app:1")).await?;
    /// println!("{} as {}", pulled.registry_key, pulled.username);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn pull(&self, pull: &Pull) -> Result<Pulled> {
        self.post("pull", PULL, pull).await
    }

    /// Says what a pull would come to, and why: for whoever may see the project, and for tokens that may pull.
    pub async fn explain(&self, pull: &Pull) -> Result<Explanation> {
        self.post("explain", EXPLAIN, pull).await
    }

    /// What the client's token may pull in a project, by its id or its name; a token with exactly one needs none.
    pub async fn pullable(&self, project: Option<&str>) -> Result<Pullable> {
        let query = project.map(|project| ("project", project));
        let request = Request::get(PULL, query);
        self.client
            .ask("pullable", Effect::None, request, read)
            .await
    }

    async fn post<D: DeserializeOwned>(
        &self,
        operation: &'static str,
        path: &str,
        pull: &Pull,
    ) -> Result<D> {
        let body = Body::json(pull)?;
        let request = Request::post(path, &body);
        self.client
            .ask(operation, Effect::None, request, read)
            .await
    }
}

fn read<D: DeserializeOwned>(answer: &Answer, effect: Effect) -> Result<D> {
    if answer.status != 200 {
        return Err(refused(answer, effect));
    }
    serde_json::from_slice(&answer.body)
        .map_err(|error| unread(answer, &error, "regcred's").of(effect))
}

const PULL: &str = "/api/v1/pull";
const EXPLAIN: &str = "/api/v1/pull/explain";
