//! The values that go in and come out: ids, registries, and what the server tells about credentials.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

/// Defines an id: a UUID that cannot be mistaken for the id of something else.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl FromStr for $name {
            type Err = NoId;

            fn from_str(text: &str) -> Result<Self, NoId> {
                text.parse().map(Self).map_err(|_| NoId)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

/// A text that is no id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoId;

impl fmt::Display for NoId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id is a UUID, such as 0cb2662f-84eb-4a7d-93cb-2340f7773bce")
    }
}

impl std::error::Error for NoId {}

id! {
    /// The id of a project.
    ProjectId
}
id! {
    /// The id of Docker credentials.
    CredentialsId
}
id! {
    /// The id of a job.
    JobId
}
id! {
    /// The id of an app.
    AppId
}
id! {
    /// The id of a service token, which is no secret.
    TokenId
}

/// Where credentials count. An absent registry is Docker Hub, as in the documented class; any other is the text that
/// the server was given, kept and compared as it stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Registry {
    /// Docker Hub: null on the wire.
    DockerHub,
    /// A registry by its host, with port and path where it has them, such as `ghcr.io` or `registry.example:5000/team`.
    At(String),
}

impl Registry {
    /// The text as it was given; `None` is Docker Hub.
    #[must_use]
    pub fn as_deref(&self) -> Option<&str> {
        match self {
            Self::DockerHub => None,
            Self::At(registry) => Some(registry),
        }
    }
}

impl From<&str> for Registry {
    fn from(registry: &str) -> Self {
        Self::At(registry.to_owned())
    }
}

impl From<String> for Registry {
    fn from(registry: String) -> Self {
        Self::At(registry)
    }
}

/// An absent registry is Docker Hub.
impl<R: Into<Self>> From<Option<R>> for Registry {
    fn from(registry: Option<R>) -> Self {
        registry.map_or(Self::DockerHub, Into::into)
    }
}

/// `Docker Hub`, or the text as it was given.
impl fmt::Display for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_deref().unwrap_or("Docker Hub"))
    }
}

impl Serialize for Registry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_deref().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Registry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::<String>::deserialize(deserializer).map(Into::into)
    }
}

/// What happens to the registry when credentials are upgraded. It has no default: on the wire a registry that is left
/// out silently moves the credentials to Docker Hub, so here it is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistryChange {
    /// It stays what it is. The client reads it first, and sends it along.
    Keep,
    /// It becomes this one.
    Set(Registry),
}

/// What the server tells about Docker credentials. The password is not among it: no answer has it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CredentialsInfo {
    /// Their id, unique on the server.
    pub id: CredentialsId,
    /// Where they count, as it was given.
    pub registry: Registry,
    /// The login at the registry.
    pub username: String,
    /// When registry, username or password last changed: to the microsecond where they were just created or upgraded,
    /// to the millisecond where they were read, because that is how the platform tells it.
    #[serde(deserialize_with = "moment")]
    pub last_update: Timestamp,
    /// The jobs that use them.
    #[serde(deserialize_with = "ids")]
    pub jobs: Vec<JobId>,
    /// The apps that use them.
    #[serde(deserialize_with = "ids")]
    pub apps: Vec<AppId>,
}

/// What the server tells about a project.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ProjectInfo {
    /// Its id, unique on the server.
    pub id: ProjectId,
    /// Its name, unique on the platform.
    pub name: String,
    /// The login of its maker.
    pub creator: String,
    /// Free text; empty where there is none.
    #[serde(deserialize_with = "or_default")]
    pub description: String,
    /// How far it is.
    pub status: ProjectStatus,
}

/// How far a project is: the platform prepares one in steps, regcred's are ready at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "the names are the platform's and say it all")]
pub enum ProjectStatus {
    Created,
    InitRequested,
    Initializing,
    Failed,
    Ready,
    /// A word that this client does not know.
    #[serde(other)]
    Unknown,
}

/// A field of an input in which null says something else than leaving it out.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Nullable<T> {
    Null,
    Value(T),
}

impl<T> From<Option<T>> for Nullable<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Self::Value)
    }
}

/// Null is a value; a field that is not there makes an answer one of something else.
pub(crate) fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Option::deserialize(deserializer)
}

/// Reads both of the platform's formats: `2022-04-26T14:20:17.118Z` and `2022-04-26T14:20:17.138482Z[UTC]`.
pub(crate) fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let text = String::deserialize(deserializer)?;
    let plain = text.strip_suffix("[UTC]").unwrap_or(&text);
    plain.parse().map_err(|_| {
        serde::de::Error::custom("a moment is not of the form `2022-04-26T14:20:17.118Z`")
    })
}

/// The same, or null for none.
pub(crate) fn maybe_moment<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Timestamp>, D::Error> {
    #[derive(Deserialize)]
    struct Moment(#[serde(deserialize_with = "moment")] Timestamp);
    let moment: Option<Moment> = Option::deserialize(deserializer)?;
    Ok(moment.map(|Moment(moment)| moment))
}

/// `[{id}]`, or null for none: the lists are nullable in the platform's schema.
fn ids<'de, D: Deserializer<'de>, I: From<Uuid>>(deserializer: D) -> Result<Vec<I>, D::Error> {
    let users: Option<Vec<Id>> = Option::deserialize(deserializer)?;
    let users = users.unwrap_or_default();
    Ok(users.into_iter().map(|user| user.id.into()).collect())
}

fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

#[derive(Deserialize)]
struct Id {
    id: Uuid,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_formats_of_a_moment_are_read() {
        let read = |last_update: &str| {
            let info = json!({
                "id": "0cb2662f-84eb-4a7d-93cb-2340f7773bce", "registry": null, "username": "u",
                "lastUpdate": last_update, "jobs": null, "apps": [],
            });
            serde_json::from_value::<CredentialsInfo>(info).map(|info| info.last_update.to_string())
        };
        assert_eq!(
            read("2022-04-26T14:20:17.118Z").unwrap(),
            "2022-04-26T14:20:17.118Z"
        );
        assert_eq!(
            read("2022-04-26T14:20:17.138482Z[UTC]").unwrap(),
            "2022-04-26T14:20:17.138482Z"
        );
        for wrong in ["", "yesterday", "2022-04-26T14:20:17.1Z[UTC", "2022-04-26"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_absent_registry_is_docker_hub_and_any_other_text_is_kept() {
        assert_eq!(Registry::from(None::<&str>), Registry::DockerHub);
        assert_eq!(Registry::from("").as_deref(), Some(""));
        assert_eq!(
            serde_json::to_value(Registry::DockerHub).unwrap(),
            json!(null)
        );
        let typed = Registry::from("HTTPS://GHCR.io/");
        assert_eq!(
            serde_json::to_value(&typed).unwrap(),
            json!("HTTPS://GHCR.io/")
        );
        assert_eq!(
            serde_json::from_value::<Registry>(json!("x")).unwrap(),
            "x".into()
        );
    }
}
