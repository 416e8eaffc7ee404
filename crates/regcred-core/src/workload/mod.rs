//! Jobs and apps: what regcred knows of them, which is the images that they run and the credentials that they pull with.
//!
//! A workload has versions, numbered from 1, of which one is current. Only the current one counts: it decides which
//! credentials are in use, and which account a pull of its image gets.

mod details;
mod extent;
mod usage;

use uuid::Uuid;

pub use details::{
    ExtraTechnology, Port, RequestLimit, Resources, Scope, Settings, VersionDetails,
};
pub use extent::{Extent, Texts, Weight, WorkloadList};
pub use usage::{MOST_NAMED, Pin, User, in_use};

use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::ids::{CredentialsId, WorkloadId};
use crate::project::Description;
use crate::registry::{PullTarget, RegistryKey};
use crate::text::{plain, quoted};

/// What a workload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WorkloadKind {
    /// Something that runs and ends.
    Job,
    /// Something that stays.
    App,
}

impl WorkloadKind {
    /// The word under which it is stored and named.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Job => "job",
            Self::App => "app",
        }
    }

    /// The kind that [`Self::word`] names.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Job, Self::App]
            .into_iter()
            .find(|kind| kind.word() == word)
    }

    /// The one answer for a job or an app that is not there, and for one that the caller may not see.
    #[must_use]
    pub fn absent(self, id: WorkloadId) -> Error {
        Error::not_found(format!("there is no {} {id} that you may see", self.word()))
    }
}

/// A job or an app of a project.
#[derive(Clone, Debug, PartialEq)]
pub struct Workload {
    /// Its id.
    pub id: WorkloadId,
    /// What it is.
    pub kind: WorkloadKind,
    /// Its name, unique among the jobs or among the apps of the project whatever the case.
    pub name: WorkloadName,
    /// The short name by which others refer to it.
    pub alias: Option<Alias>,
    /// A description, or `None`.
    pub description: Option<Description>,
    /// The category of a job; empty for an app.
    pub category: String,
    /// Its technology, of the catalogue.
    pub technology: Uuid,
    /// The login, or the name of the token, of its maker, at that time.
    pub creator: String,
    /// When it was made.
    pub created: Timestamp,
    /// What is kept for whoever runs it.
    pub settings: Settings,
    /// The version that counts.
    pub current: Version,
}

/// A version of a workload.
#[derive(Clone, Debug, PartialEq)]
pub struct Version {
    /// From 1, without gaps.
    pub number: u32,
    /// The login, or the name of the token, of its maker, at that time.
    pub creator: String,
    /// When it was made.
    pub created: Timestamp,
    /// What it runs, where that is an image.
    pub image: Option<PinnedImage>,
    /// What is kept for whoever runs it.
    pub details: VersionDetails,
}

/// An image with the credentials to pull it with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinnedImage {
    typed: String,
    key: RegistryKey,
    credentials: Option<CredentialsId>,
}

impl PinnedImage {
    /// Reads an image reference. `Invalid`, in the field `image`, with the reason where it is none.
    pub fn parse(typed: String, credentials: Option<CredentialsId>) -> Result<Self> {
        let length = typed.chars().count();
        if length > MAX_IMAGE {
            return Err(Error::invalid(format!(
                "the image has {length} characters; at most {MAX_IMAGE} are allowed"
            ))
            .in_field("image"));
        }
        let key = PullTarget::image(&typed)?.key();
        Ok(Self {
            typed,
            key,
            credentials,
        })
    }

    /// From a stored row, whose key was computed when it was written.
    #[must_use]
    pub fn from_stored(typed: String, key: String, credentials: Option<CredentialsId>) -> Self {
        Self {
            typed,
            key: RegistryKey::from_stored(key),
            credentials,
        }
    }

    /// Exactly what was typed.
    #[must_use]
    pub fn typed(&self) -> &str {
        &self.typed
    }

    /// Host and repository in canonical form: what pulls are compared with.
    #[must_use]
    pub fn key(&self) -> &RegistryKey {
        &self.key
    }

    /// The Docker credentials that it names.
    #[must_use]
    pub fn credentials(&self) -> Option<CredentialsId> {
        self.credentials
    }
}

/// The name of a job or an app: 1 to 254 characters, unique in its project among its kind whatever the case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkloadName(String);

impl WorkloadName {
    /// "Shorter than 255 characters and cannot be empty" is the platform's rule; blanks alone are empty, too.
    pub fn parse(text: String) -> Result<Self> {
        plain("the name", text.trim(), MAX_NAME)?;
        plain("the name", &text, MAX_NAME)?;
        Ok(Self(text))
    }

    /// From a stored row.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The text as given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form under which names are compared.
    #[must_use]
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }
}

/// A short name: 1 to 254 letters, digits and underscores of ASCII, the platform's rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias(String);

impl Alias {
    /// Refuses any other character.
    pub fn parse(text: String) -> Result<Self> {
        plain("the alias", &text, MAX_NAME)?;
        if text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        {
            return Ok(Self(text));
        }
        Err(Error::invalid(format!(
            "the alias {} may hold letters, digits and underscores only",
            quoted(&text)
        )))
    }

    /// From a stored row.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The most jobs and apps that a project may have: a list of them is one answer.
pub const MOST_WORKLOADS: usize = 10_000;
/// The most versions that a workload may have.
pub const MOST_VERSIONS: u32 = 10_000;
/// The most versions that all workloads of a project may have together: they are deleted with it, at once.
pub const MOST_VERSIONS_IN_PROJECT: u32 = 50_000;
const MAX_NAME: usize = 254;
const MAX_IMAGE: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_kept_as_typed_and_compared_by_host_and_repository() {
        let image = PinnedImage::parse("H.x:5000/team/app:1".to_owned(), None).unwrap();
        assert_eq!(image.typed(), "H.x:5000/team/app:1");
        assert_eq!(image.key().as_str(), "h.x:5000/team/app");
        let hub = PinnedImage::parse("ubuntu".to_owned(), None).unwrap();
        assert_eq!(hub.key().as_str(), "docker.io/library/ubuntu");
        for bad in [
            "",
            "h.x/Upper",
            "h.x/a b",
            "user:secret@h.x/app",
            &"a".repeat(1_025),
        ] {
            let error = PinnedImage::parse(bad.to_owned(), None).unwrap_err();
            assert_eq!(error.field(), Some("image"), "{bad}");
            assert!(!error.message().contains("secret"), "{error}");
        }
    }

    #[test]
    fn names_and_aliases_are_kept_or_refused() {
        let long = "é".repeat(254);
        for good in ["a", " a b ", long.as_str()] {
            assert_eq!(WorkloadName::parse(good.to_owned()).unwrap().as_str(), good);
        }
        let long = "é".repeat(255);
        for bad in ["", "  ", "a\nb", long.as_str()] {
            WorkloadName::parse(bad.to_owned()).unwrap_err();
        }
        Alias::parse("My_job_1".to_owned()).unwrap();
        for bad in ["", "my job", "my-job", "é"] {
            Alias::parse(bad.to_owned()).unwrap_err();
        }
    }
}
