//! What is printed of the verification of credentials.

use regcred_client::regcred::{Verification, VerificationVerdict};
use serde::Serialize;

use super::{day, or_dash, word};
use crate::commands::verify::Target;
use crate::output::Record;

/// What came of trying credentials.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct VerificationRecord {
    verdict: String,
    checked_at: String,
    version: u32,
    probed: bool,
}

impl From<Verification> for VerificationRecord {
    fn from(tried: Verification) -> Self {
        Self {
            verdict: word(&tried.verdict),
            checked_at: tried.checked_at.to_string(),
            version: tried.version,
            probed: tried.probed,
        }
    }
}

/// One in words: `ok: they work`.
pub(in crate::commands) fn tried(tried: &Verification) -> String {
    format!(
        "{}: {}",
        plain(&word(&tried.verdict)),
        meaning(tried.verdict)
    )
}

/// The last one for people: `ok 2026-11-25`.
pub(super) fn known_to_work(tried: Option<&VerificationRecord>) -> String {
    match tried {
        Some(tried) => format!("{} {}", plain(&tried.verdict), day(&tried.checked_at)),
        None => "not verified".to_owned(),
    }
}

/// Credentials that were to be tried. A list of those of several projects names the project.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::commands) struct TriedRecord<const WITH_PROJECT: bool> {
    project: String,
    #[serde(skip)]
    project_name: String,
    id: String,
    registry_key: String,
    username: String,
    verdict: Option<String>,
    checked_at: Option<String>,
    version: Option<u32>,
    note: String,
}

impl<const WITH_PROJECT: bool> TriedRecord<WITH_PROJECT> {
    /// What came of it, or why nothing did.
    pub(in crate::commands) fn new(target: &Target, outcome: Result<Verification, &str>) -> Self {
        let tried = outcome.ok();
        Self {
            project: target.project.to_string(),
            project_name: target.project_name.clone(),
            id: target.id.to_string(),
            registry_key: target.registry_key.clone(),
            username: target.username.clone(),
            verdict: tried.map(|tried| word(&tried.verdict)),
            checked_at: tried.map(|tried| tried.checked_at.to_string()),
            version: tried.map(|tried| tried.version),
            note: match outcome {
                Ok(tried) => meaning(tried.verdict).to_owned(),
                Err(why) => why.to_owned(),
            },
        }
    }
}

impl<const WITH_PROJECT: bool> Record for TriedRecord<WITH_PROJECT> {
    const COLUMNS: &'static [&'static str] = if WITH_PROJECT {
        &[
            "PROJECT", "REGISTRY", "USERNAME", "VERDICT", "CHECKED", "NOTE",
        ]
    } else {
        &["REGISTRY", "USERNAME", "VERDICT", "CHECKED", "NOTE"]
    };
    const FLEXIBLE: usize = Self::COLUMNS.len();

    fn cells(&self) -> Vec<String> {
        let project = WITH_PROJECT.then(|| self.project_name.clone());
        let verdict = self.verdict.as_deref().map_or("not verified".into(), plain);
        let checked = self.checked_at.as_deref().map(day).unwrap_or_default();
        let cells = [
            self.registry_key.clone(),
            self.username.clone(),
            verdict,
            or_dash(checked),
            self.note.clone(),
        ];
        project.into_iter().chain(cells).collect()
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        Self::COLUMNS.iter().copied().zip(self.cells()).collect()
    }

    fn name(&self) -> String {
        self.id.clone()
    }
}

fn plain(verdict: &str) -> String {
    verdict.to_lowercase().replace('_', " ")
}

/// What a verdict means, and what to do.
fn meaning(verdict: VerificationVerdict) -> &'static str {
    match verdict {
        VerificationVerdict::Ok => "they work",
        VerificationVerdict::Rejected => {
            "the registry refuses them; give the right password with `regcred credentials upgrade`"
        }
        VerificationVerdict::NoPullRight => {
            "they log in, but may not pull that image; give the account the right to, at the registry"
        }
        VerificationVerdict::Unverifiable => {
            "nothing was proved: the registry asks for no login, or does not answer as one does"
        }
        VerificationVerdict::Unreachable => {
            "no answer: network, TLS, or a fault of the registry's own; look at it from the server, and try again"
        }
        VerificationVerdict::RateLimited => "the registry wants to be asked later",
        VerificationVerdict::Blocked => {
            "the server's settings do not let them be sent there; its operator lists such hosts in [[registries]]"
        }
        VerificationVerdict::Unknown => {
            "a verdict that this program does not know; use a newer one"
        }
    }
}
