//! Changes of many credentials at once: a plan, decided before anything is done, then its steps one by one.

mod carry_out;

use std::fmt;

use regcred_client::{CredentialsId, Registry};
use serde::{Serialize, Serializer};

pub(super) use self::carry_out::{report, settle};

/// The steps in the order in which they are taken.
pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
    /// How many credentials the project has that are not in the file, and stay.
    pub(super) left_alone: usize,
    /// What is odd about the file, sentence by sentence.
    pub(super) remarks: Vec<String>,
    /// How the command sums it up.
    pub(super) words: &'static Words,
}

/// How a command sums up its plan, and what came of it.
pub(super) struct Words {
    pub(super) planned: fn(&Plan) -> String,
    pub(super) done: fn(&Plan) -> String,
}

/// What is done with one of the credentials.
#[derive(Serialize)]
pub(super) struct Step {
    pub(super) action: Action,
    /// The key in a file of another client, as it is spelled there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<String>,
    /// Empty where nobody knows it: a step that is skipped.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) username: String,
    pub(super) registry: Registry,
    pub(super) id: Option<CredentialsId>,
    pub(super) outcome: Outcome,
    /// Why it is no change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
    /// How many jobs and apps use it.
    #[serde(skip)]
    pub(super) users: usize,
    /// The entry of the file, by its index.
    #[serde(skip)]
    pub(super) entry: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Action {
    Create,
    Upgrade,
    Unchanged,
    Prune,
    /// Replace the password of credentials that are there.
    Overwrite,
    /// They are there, and stay as they are.
    Exists,
    /// There is nothing that could be imported.
    Skip,
}

/// How far a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Only planned, or never begun.
    NotAttempted,
    Done,
    Failed,
    /// It was sent, and no answer tells whether it was done.
    Unknown,
}

impl Plan {
    pub(super) fn count(&self, action: Action) -> usize {
        self.steps
            .iter()
            .filter(|step| step.action == action)
            .count()
    }

    /// How many steps change something.
    pub(super) fn changes_in_all(&self) -> usize {
        self.steps.iter().filter(|step| step.is_change()).count()
    }

    /// How many steps change something and have this outcome.
    pub(super) fn changes(&self, outcome: Outcome) -> usize {
        let changes = self.steps.iter().filter(|step| step.is_change());
        changes.filter(|step| step.outcome == outcome).count()
    }
}

impl Step {
    /// `ci-bot at ghcr.io`.
    pub(super) fn name(&self) -> String {
        match &self.key {
            Some(key) if self.username.is_empty() => key.clone(),
            _ => format!("{} at {}", self.username, self.registry),
        }
    }

    /// Whether it changes something.
    pub(super) fn is_change(&self) -> bool {
        match self.action {
            Action::Create | Action::Upgrade | Action::Overwrite | Action::Prune => true,
            Action::Unchanged | Action::Exists | Action::Skip => false,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Create => "create",
            Self::Upgrade => "upgrade",
            Self::Unchanged => "unchanged",
            Self::Prune => "prune",
            Self::Overwrite => "overwrite",
            Self::Exists => "exists",
            Self::Skip => "skip",
        })
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::NotAttempted => "not attempted",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Unknown => "may be done",
        })
    }
}

impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
