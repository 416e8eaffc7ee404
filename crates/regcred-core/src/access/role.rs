//! Roles of people and rights of service tokens.

use crate::error::{Error, Result};

/// A role in a project; each includes the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Sees metadata, never a password.
    Viewer,
    /// Creates, upgrades and deletes credentials; write-only as to passwords.
    Editor,
    /// Manages members, tokens and the project itself.
    Manager,
}

impl Role {
    /// Every role, the least first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Editor, Self::Manager];

    /// The word under which it is stored and shown.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Editor => "editor",
            Self::Manager => "manager",
        }
    }

    /// The role that [`Self::word`] names.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.word() == word)
    }
}

/// What a service token may do in its projects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Right {
    /// What a viewer may.
    View,
    /// What an editor may.
    Edit,
    /// Get a password out, and nothing else.
    Pull,
    /// Read the audit trail, and nothing else.
    Audit,
}

impl Right {
    /// Every right.
    pub const ALL: [Self; 4] = [Self::View, Self::Edit, Self::Pull, Self::Audit];

    /// The word under which it is stored and shown.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Edit => "edit",
            Self::Pull => "pull",
            Self::Audit => "audit",
        }
    }

    /// The right that [`Self::word`] names.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|right| right.word() == word)
    }
}

/// One or more rights, in a fixed order, without repetition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rights(Vec<Right>);

impl Rights {
    /// At least one right; repetitions are dropped.
    pub fn new(mut rights: Vec<Right>) -> Result<Self> {
        rights.sort_unstable();
        rights.dedup();
        if rights.is_empty() {
            return Err(Error::invalid(
                "a service token needs at least one right: view, edit, pull or audit",
            ));
        }
        Ok(Self(rights))
    }

    /// The rights, in order.
    #[must_use]
    pub fn as_slice(&self) -> &[Right] {
        &self.0
    }

    /// The role that these rights amount to, if any.
    #[must_use]
    pub fn role(&self) -> Option<Role> {
        if self.0.contains(&Right::Edit) {
            Some(Role::Editor)
        } else if self.0.contains(&Right::View) {
            Some(Role::Viewer)
        } else {
            None
        }
    }

    /// The words, joined by commas, as they are stored.
    #[must_use]
    pub fn to_words(&self) -> String {
        self.0
            .iter()
            .map(|right| right.word())
            .collect::<Vec<_>>()
            .join(",")
    }

    /// Reads [`Self::to_words`].
    #[must_use]
    pub fn from_words(words: &str) -> Option<Self> {
        let rights = words
            .split(',')
            .map(Right::from_word)
            .collect::<Option<Vec<_>>>()?;
        Self::new(rights).ok()
    }
}
