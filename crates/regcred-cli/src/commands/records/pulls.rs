//! What is printed of pulls: how credentials were used, and by which rule they are chosen.

use regcred_client::regcred::{Candidate, CredentialsUsage, Explanation, TokenUse};
use serde::Serialize;

use super::verification::{VerificationRecord, known_to_work};
use super::{day, or_dash, word};
use crate::output::Record;

/// How credentials were used.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::commands) struct UsageRecord {
    id: String,
    registry: Option<String>,
    registry_key: String,
    username: String,
    last_update: String,
    expires_at: Option<String>,
    last_used: Option<String>,
    last_used_by: Option<UsedBy>,
    pulls: u64,
    pulls_by_day: Vec<OfDay>,
    pulled_by: Vec<PulledByRecord>,
    verification: Option<VerificationRecord>,
    jobs: Vec<String>,
    apps: Vec<String>,
}

/// The token that used them last.
#[derive(Serialize)]
pub(super) struct UsedBy {
    id: String,
    name: String,
}

impl From<TokenUse> for UsedBy {
    fn from(token: TokenUse) -> Self {
        Self {
            id: token.id.to_string(),
            name: token.name,
        }
    }
}

impl UsedBy {
    pub(super) fn names(tokens: &[Self]) -> String {
        let names: Vec<_> = tokens.iter().map(|token| token.name.as_str()).collect();
        names.join(", ")
    }
}

/// A token, what it pulled, and when last.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PulledByRecord {
    token: UsedBy,
    image: String,
    version: u32,
    last_pulled: String,
}

impl PulledByRecord {
    fn line(&self) -> String {
        let (name, image) = (&self.token.name, &self.image);
        format!(
            "{image} by {name}, version {}, {}",
            self.version,
            day(&self.last_pulled)
        )
    }
}

#[derive(Serialize)]
struct OfDay {
    day: String,
    pulls: u64,
}

impl From<CredentialsUsage> for UsageRecord {
    fn from(usage: CredentialsUsage) -> Self {
        let days = usage.pulls_by_day.iter();
        Self {
            id: usage.id.to_string(),
            registry: usage.registry.as_deref().map(str::to_owned),
            registry_key: usage.registry_key,
            username: usage.username,
            last_update: usage.last_update.to_string(),
            expires_at: usage.expires_at.map(|moment| moment.to_string()),
            last_used: usage.last_used.map(|moment| moment.to_string()),
            last_used_by: usage.last_used_by.map(UsedBy::from),
            pulled_by: usage
                .pulled_by
                .into_iter()
                .map(|pulled| PulledByRecord {
                    token: pulled.token.into(),
                    image: pulled.image,
                    version: pulled.version,
                    last_pulled: pulled.last_pulled.to_string(),
                })
                .collect(),
            pulls: days.clone().map(|day| day.pulls).sum(),
            pulls_by_day: days
                .map(|day| OfDay {
                    day: day.day.to_string(),
                    pulls: day.pulls,
                })
                .collect(),
            verification: usage.verification.map(Into::into),
            jobs: usage.jobs,
            apps: usage.apps,
        }
    }
}

impl Record for UsageRecord {
    const COLUMNS: &'static [&'static str] = &[
        "REGISTRY",
        "USERNAME",
        "EXPIRES",
        "LAST USED",
        "BY",
        "PULLS",
        "KNOWN TO WORK",
        "JOBS AND APPS",
    ];
    const FLEXIBLE: usize = 2;

    fn cells(&self) -> Vec<String> {
        let day_of =
            |moment: &Option<String>| or_dash(moment.as_deref().map(day).unwrap_or_default());
        let by = self.last_used_by.as_ref();
        vec![
            self.registry_key.clone(),
            self.username.clone(),
            day_of(&self.expires_at),
            day_of(&self.last_used),
            or_dash(by.map(|token| token.name.clone()).unwrap_or_default()),
            self.pulls.to_string(),
            known_to_work(self.verification.as_ref()),
            or_dash([self.jobs.as_slice(), &self.apps].concat().join(", ")),
        ]
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        let cells = Self::COLUMNS.iter().copied().zip(self.cells());
        let pulled = self
            .pulled_by
            .iter()
            .map(|pulled| ("PULLED", pulled.line()));
        cells.chain(pulled).collect()
    }

    fn name(&self) -> String {
        self.id.clone()
    }
}

/// By which rule a pull finds credentials.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::commands) struct ExplanationRecord {
    project: String,
    registry_key: String,
    host: String,
    path: String,
    outcome: String,
    rule: String,
    chosen: Option<String>,
    pub(in crate::commands) candidates: Vec<CandidateRecord>,
}

/// Credentials that were looked at.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::commands) struct CandidateRecord {
    credentials_id: String,
    registry_key: String,
    username: String,
    verdict: String,
    reason: String,
    last_update: String,
    last_used: Option<String>,
    expires_at: Option<String>,
    verification: Option<VerificationRecord>,
}

impl From<&Explanation> for ExplanationRecord {
    fn from(explanation: &Explanation) -> Self {
        Self {
            project: explanation.project.to_string(),
            registry_key: explanation.registry_key.clone(),
            host: explanation.host.clone(),
            path: explanation.path.clone(),
            outcome: word(&explanation.outcome),
            rule: explanation.rule.clone(),
            chosen: explanation.chosen.map(|id| id.to_string()),
            candidates: explanation.candidates.iter().map(Into::into).collect(),
        }
    }
}

impl ExplanationRecord {
    pub(in crate::commands) fn details(&self) -> [(&'static str, String); 4] {
        [
            ("for", self.registry_key.clone()),
            ("outcome", self.outcome.to_lowercase().replace('_', " ")),
            ("rule", self.rule.clone()),
            ("chosen", or_dash(self.chosen.clone().unwrap_or_default())),
        ]
    }
}

impl From<&Candidate> for CandidateRecord {
    fn from(candidate: &Candidate) -> Self {
        Self {
            credentials_id: candidate.credentials_id.to_string(),
            registry_key: candidate.registry_key.clone(),
            username: candidate.username.clone(),
            verdict: word(&candidate.verdict),
            reason: candidate.reason.clone(),
            last_update: candidate.last_update.to_string(),
            last_used: candidate.last_used.map(|moment| moment.to_string()),
            expires_at: candidate.expires_at.map(|moment| moment.to_string()),
            verification: candidate.verification.map(Into::into),
        }
    }
}

impl Record for CandidateRecord {
    const COLUMNS: &'static [&'static str] =
        &["VERDICT", "REGISTRY", "USERNAME", "KNOWN TO WORK", "WHY"];
    const FLEXIBLE: usize = 5;

    fn cells(&self) -> Vec<String> {
        vec![
            self.verdict.to_lowercase().replace('_', " "),
            self.registry_key.clone(),
            self.username.clone(),
            known_to_work(self.verification.as_ref()),
            self.reason.clone(),
        ]
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        Self::COLUMNS.iter().copied().zip(self.cells()).collect()
    }

    fn name(&self) -> String {
        self.credentials_id.clone()
    }
}
