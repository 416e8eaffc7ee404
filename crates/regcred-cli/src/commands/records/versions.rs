//! What is printed of the versions of credentials, and of the settings of projects.

use regcred_client::regcred::{CredentialsVersion, ProjectSettings};
use serde::Serialize;

use super::pulls::UsedBy;
use super::verification::{VerificationRecord, known_to_work};
use super::{day, or_dash, word};
use crate::output::Record;

/// One of the passwords of credentials.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::commands) struct VersionRecord {
    pub(in crate::commands) version: u32,
    state: String,
    registry: Option<String>,
    username: String,
    since: String,
    expires_at: Option<String>,
    superseded_at: Option<String>,
    held_until: Option<String>,
    verification: Option<VerificationRecord>,
    safe_to_revoke: bool,
    pulled_last_by: Vec<UsedBy>,
}

impl From<CredentialsVersion> for VersionRecord {
    fn from(version: CredentialsVersion) -> Self {
        Self {
            version: version.version,
            state: word(&version.state),
            registry: version.registry.as_deref().map(str::to_owned),
            username: version.username,
            since: version.since.to_string(),
            expires_at: version.expires_at.map(|moment| moment.to_string()),
            superseded_at: version.superseded_at.map(|moment| moment.to_string()),
            held_until: version.held_until.map(|moment| moment.to_string()),
            verification: version.verification.map(Into::into),
            safe_to_revoke: version.safe_to_revoke,
            pulled_last_by: version.pulled_last_by.into_iter().map(Into::into).collect(),
        }
    }
}

impl VersionRecord {
    /// Whose it is.
    pub(in crate::commands) fn whom(&self) -> String {
        let registry = self.registry.as_deref().unwrap_or("Docker Hub");
        format!("{} at {registry}", self.username)
    }
}

impl Record for VersionRecord {
    const COLUMNS: &'static [&'static str] = &[
        "VERSION",
        "STATE",
        "USERNAME",
        "REGISTRY",
        "SINCE",
        "HELD UNTIL",
        "KNOWN TO WORK",
        "SAFE TO REVOKE",
        "PULLED LAST BY",
    ];
    const FLEXIBLE: usize = 4;

    fn cells(&self) -> Vec<String> {
        let safe = match (self.state.as_str(), self.safe_to_revoke) {
            ("PREVIOUS", true) => "yes",
            ("PREVIOUS", false) => "not yet",
            _ => "-",
        };
        vec![
            self.version.to_string(),
            self.state.to_lowercase(),
            self.username.clone(),
            self.registry
                .clone()
                .unwrap_or_else(|| "Docker Hub".to_owned()),
            day(&self.since),
            or_dash(self.held_until.as_deref().map(day).unwrap_or_default()),
            known_to_work(self.verification.as_ref()),
            safe.to_owned(),
            or_dash(UsedBy::names(&self.pulled_last_by)),
        ]
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        Self::COLUMNS.iter().copied().zip(self.cells()).collect()
    }

    fn name(&self) -> String {
        self.version.to_string()
    }
}

/// How a project deals with its credentials.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::commands) struct SettingsRecord {
    deletes_credentials_in_use: bool,
    grace_period_days: u32,
    verify_before_saving: String,
}

impl From<ProjectSettings> for SettingsRecord {
    fn from(settings: ProjectSettings) -> Self {
        Self {
            deletes_credentials_in_use: settings.deletes_credentials_in_use,
            grace_period_days: settings.grace_period_days,
            verify_before_saving: word(&settings.verify_before_saving),
        }
    }
}

impl Record for SettingsRecord {
    const COLUMNS: &'static [&'static str] = &[
        "DELETES CREDENTIALS IN USE",
        "GRACE PERIOD DAYS",
        "VERIFY BEFORE SAVING",
    ];
    const FLEXIBLE: usize = 3;

    fn cells(&self) -> Vec<String> {
        vec![
            self.deletes_credentials_in_use.to_string(),
            self.grace_period_days.to_string(),
            self.verify_before_saving.to_lowercase().replace('_', "-"),
        ]
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        let names = [
            "delete-credentials-in-use",
            "grace-period-days",
            "verify-before-saving",
        ];
        names.into_iter().zip(self.cells()).collect()
    }

    fn name(&self) -> String {
        self.cells().join(" ")
    }
}
