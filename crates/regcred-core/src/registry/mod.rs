//! Registries as users type them, and the canonical key under which they are matched.

mod host;
mod image;
mod key;
mod path;
mod target;

use crate::error::{Error, Result};
use crate::text::quoted;
pub use image::{ImageReference, ImageReferenceError};
pub use key::RegistryKey;
use key::RegistryKeyError;
pub use target::{PullTarget, without_port};

/// A registry as it was typed (`None` is Docker Hub), together with its key.
///
/// The typed form is echoed exactly: the Python client finds credentials by comparing it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registry {
    typed: Option<String>,
    key: RegistryKey,
}

impl Registry {
    /// Reads what a user typed, by the rules of [`RegistryKey::parse`].
    pub fn parse(typed: Option<String>) -> Result<Self> {
        let key = Self::parse_key(typed.as_deref().unwrap_or_default(), RegistryKey::parse)?;
        Ok(Self { typed, key })
    }

    /// The key that `parse` makes of a text of bounded length.
    fn parse_key(
        text: &str,
        parse: fn(&str) -> Result<RegistryKey, RegistryKeyError>,
    ) -> Result<RegistryKey> {
        let length = text.chars().count();
        if length > MAX_LENGTH {
            return Err(Error::invalid(format!(
                "the registry has {length} characters; at most {MAX_LENGTH} are allowed"
            )));
        }
        parse(text).map_err(|reason| {
            // What is typed before an `@` may be a password, so it is not repeated.
            let shown = if text.contains('@') {
                String::new()
            } else {
                quoted(text) + " "
            };
            Error::invalid(format!("the registry {shown}{reason}"))
        })
    }

    /// From a stored row, whose key was computed when it was written.
    #[must_use]
    pub fn from_stored(typed: Option<String>, key: String) -> Self {
        Self {
            typed,
            key: RegistryKey::from_stored(key),
        }
    }

    /// Exactly what was typed; `None` for Docker Hub by default.
    #[must_use]
    pub fn typed(&self) -> Option<&str> {
        self.typed.as_deref()
    }

    /// The canonical form.
    #[must_use]
    pub fn key(&self) -> &RegistryKey {
        &self.key
    }
}

const MAX_LENGTH: usize = 255;
