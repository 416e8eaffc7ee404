//! Who used credentials, and what regcred makes of registries as people type them.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize};

use super::{Regcred, Verification};
use crate::error::Result;
use crate::graphql::{Document, InProject};
use crate::values::{CredentialsId, ProjectId, Registry, TokenId, maybe_moment, moment, nullable};

/// What regcred knows of credentials besides what the platform knows.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CredentialsUsage {
    /// Which they are.
    pub id: CredentialsId,
    /// Where they count, as it was given.
    pub registry: Registry,
    /// Where they count, in canonical form. Docker Hub is `docker.io`.
    pub registry_key: String,
    /// The login at the registry.
    pub username: String,
    /// When registry, username or password last changed.
    #[serde(deserialize_with = "moment")]
    pub last_update: Timestamp,
    /// When the password is known to run out.
    #[serde(deserialize_with = "maybe_moment")]
    pub expires_at: Option<Timestamp>,
    /// When they were last handed out.
    #[serde(deserialize_with = "maybe_moment")]
    pub last_used: Option<Timestamp>,
    /// To which token.
    #[serde(deserialize_with = "nullable")]
    pub last_used_by: Option<TokenUse>,
    /// How often they were handed out in the last 30 days, the newest first; a day without a pull may be left out.
    pub pulls_by_day: Vec<PullsOfDay>,
    /// What came of trying the present password at the registry, the last time; absent where that was not done.
    #[serde(deserialize_with = "nullable")]
    pub verification: Option<Verification>,
    /// Who pulled them for what, the last time of each, the latest first; at most 100.
    pub pulled_by: Vec<PulledBy>,
    /// The names of the jobs whose current version uses them.
    #[serde(deserialize_with = "names")]
    pub jobs: Vec<String>,
    /// The names of the apps whose current version uses them.
    #[serde(deserialize_with = "names")]
    pub apps: Vec<String>,
}

/// A service token that pulled credentials for an image or a server.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PulledBy {
    /// The token.
    pub token: TokenUse,
    /// The image or server, in canonical form, without tag and digest.
    pub image: String,
    /// Which version of the password it was handed.
    pub version: u32,
    /// When it pulled that the last time.
    #[serde(deserialize_with = "moment")]
    pub last_pulled: Timestamp,
}

/// The token that used credentials.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct TokenUse {
    /// Its id.
    pub id: TokenId,
    /// The name by which people know it.
    pub name: String,
}

/// How often credentials were handed out on a day.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PullsOfDay {
    /// The day, in UTC.
    #[serde(deserialize_with = "day")]
    pub day: Date,
    /// How often.
    pub pulls: u64,
}

/// What regcred makes of a registry.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RegistryKey {
    /// The registry as it was given.
    pub registry: String,
    /// Its canonical form, by which credentials are told apart; absent where it is no registry.
    #[serde(deserialize_with = "nullable")]
    pub key: Option<String>,
    /// Why it is none: a sentence for people.
    #[serde(deserialize_with = "nullable")]
    pub problem: Option<String>,
}

impl Regcred {
    /// All credentials of a project with what is known of their use.
    pub async fn credentials_usage(&self, project: ProjectId) -> Result<Vec<CredentialsUsage>> {
        #[derive(Deserialize)]
        struct Data {
            #[serde(rename = "allDockerCredentials", deserialize_with = "nullable")]
            credentials: Option<Vec<CredentialsUsage>>,
        }
        let variables = InProject {
            project_id: project,
        };
        let data: Data = self
            .execute("use of credentials", &USAGE, variables)
            .await?;
        Ok(data.credentials.unwrap_or_default())
    }

    /// What regcred makes of registries as they were typed, in their order; the empty text is Docker Hub. Many are asked
    /// for in several requests.
    pub async fn registry_keys(&self, registries: &[String]) -> Result<Vec<RegistryKey>> {
        #[derive(Serialize)]
        struct Variables<'a> {
            registries: &'a [String],
        }
        #[derive(Deserialize)]
        struct Data {
            #[serde(rename = "registryKeys")]
            keys: Vec<RegistryKey>,
        }
        let mut keys = Vec::with_capacity(registries.len());
        let mut rest = registries;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(fitting(rest));
            let variables = Variables { registries: now };
            let data: Data = self
                .execute("canonical forms of registries", &KEYS, variables)
                .await?;
            keys.extend(data.keys);
            rest = later;
        }
        Ok(keys)
    }
}

/// How many of these go into one request: at least one, however long it is.
fn fitting(registries: &[String]) -> usize {
    let mut bytes = 0;
    let fitting = registries.iter().take(MOST_KEYS).take_while(|registry| {
        // Quotation marks and a comma, and a character that is escaped takes six.
        bytes += 6 * registry.len() + 3;
        bytes <= MOST_BYTES
    });
    fitting.count().max(1)
}

fn names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    struct Named {
        name: String,
    }
    let all = Option::<Vec<Named>>::deserialize(deserializer)?;
    let all = all.unwrap_or_default().into_iter();
    Ok(all.map(|one| one.name).collect())
}

fn day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse()
        .map_err(|_| serde::de::Error::custom("a day is not of the form `2026-11-25`"))
}

const USAGE: Document = Document::query(
    "credentialsUsage",
    "query credentialsUsage($projectId: UUID!) { allDockerCredentials(projectId: $projectId) { \
     id registry registryKey username lastUpdate expiresAt lastUsed lastUsedBy { id name } \
     pullsByDay { day pulls } pulledBy { token { id name } image version lastPulled } verification { verdict checkedAt version probed } jobs { name } apps { name } } }",
);
const KEYS: Document = Document::query(
    "registryKeys",
    "query registryKeys($registries: [String!]!) { \
     registryKeys(registries: $registries) { registry key problem } }",
);
/// As many as the server takes at once.
const MOST_KEYS: usize = 1000;
/// Below the 64 KiB that the server takes.
const MOST_BYTES: usize = 48 << 10;
