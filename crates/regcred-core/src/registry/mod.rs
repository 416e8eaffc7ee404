//! Registries as users type them, and the canonical key under which they are matched.

mod host;
mod key;

use crate::error::{Error, Result};
use crate::text::quoted;
pub use key::RegistryKey;

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
        let text = typed.as_deref().unwrap_or_default();
        let length = text.chars().count();
        if length > MAX_LENGTH {
            return Err(Error::invalid(format!(
                "the registry has {length} characters; at most {MAX_LENGTH} are allowed"
            )));
        }
        let key = RegistryKey::parse(text)
            // What is typed before an `@` may be a password, so it is not repeated.
            .map_err(|reason| {
                let shown = if text.contains('@') {
                    String::new()
                } else {
                    quoted(text) + " "
                };
                Error::invalid(format!("the registry {shown}{reason}"))
            })?;
        Ok(Self { typed, key })
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
