//! The audit trail: typed events with an allow-list of fields, chained by HMAC.
//!
//! A mutation's event is written in its transaction, a pull's before the password leaves. No event has a field that could
//! hold a password or a token.

mod chain;

use serde::Serialize;

use crate::access::{Actor, RequestId};
use crate::clock::Timestamp;
pub use chain::{AuditRow, Broken, Chain, ChainHead, Walk};

/// Something that was done, by whom, when, in which request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub actor: Actor,
    /// In which request.
    pub request: RequestId,
    /// What.
    pub action: Action,
}

/// What was done. Ids are in their text form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "the variants and their fields are the events' own names"
)]
pub enum Action {
    UserCreated {
        user: String,
        login: String,
        admin: bool,
        groups: Vec<String>,
    },
    UserUpdated {
        user: String,
        admin: Option<bool>,
        groups: Option<Vec<String>>,
    },
    UserDeleted {
        user: String,
        login: String,
    },
    PasswordChanged {
        user: String,
    },
    SessionOpened {
        user: String,
        session: String,
    },
    SessionEnded {
        session: String,
    },
    ProjectCreated {
        project: String,
        name: String,
        groups: Vec<(String, &'static str)>,
    },
    ProjectEdited {
        project: String,
        name: Option<String>,
        groups: Option<Vec<(String, &'static str)>>,
        deletes_credentials_in_use: Option<bool>,
        grace_period_days: Option<u32>,
        verify_before_saving: Option<&'static str>,
    },
    ProjectDeleted {
        project: String,
    },
    MemberSet {
        project: String,
        login: String,
        role: &'static str,
    },
    MemberRemoved {
        project: String,
        login: String,
    },
    TokenCreated {
        projects: Vec<String>,
        token: String,
        name: String,
        rights: String,
        expires: String,
    },
    TokenRevoked {
        project: String,
        token: String,
    },
    CredentialsCreated {
        project: String,
        credentials: String,
        registry_key: String,
        username: String,
        version: u32,
        expires: Option<String>,
        verdict: Option<&'static str>,
    },
    CredentialsUpgraded {
        project: String,
        credentials: String,
        registry_key: String,
        username: String,
        version: u32,
        expires: Option<String>,
        verdict: Option<&'static str>,
        before: u32,
        before_held_until: String,
    },
    CredentialsStaged {
        project: String,
        credentials: String,
        registry_key: String,
        username: String,
        version: u32,
        expires: Option<String>,
        replaced: Option<u32>,
        verdict: Option<&'static str>,
    },
    CredentialsPromoted {
        project: String,
        credentials: String,
        registry_key: String,
        username: String,
        version: u32,
        before: u32,
        before_held_until: String,
        verdict: Option<&'static str>,
        force: bool,
    },
    CredentialsRolledBack {
        project: String,
        credentials: String,
        registry_key: String,
        username: String,
        version: u32,
        before: u32,
        before_held_until: String,
        verdict: Option<&'static str>,
        force: bool,
    },
    CredentialsVersionDestroyed {
        project: String,
        credentials: String,
        registry_key: String,
        username: String,
        version: u32,
    },
    CredentialsPulled {
        project: String,
        credentials: String,
        registry_key: String,
        username: String,
        version: u32,
        target: String,
    },
    CredentialsVerified {
        project: String,
        credentials: String,
        registry_key: String,
        username: String,
        version: u32,
        verdict: &'static str,
        expires: Option<String>,
    },
    CredentialsTried {
        project: String,
        credentials: Option<String>,
        registry_key: String,
        username: String,
    },
    CredentialsNotSaved {
        project: String,
        credentials: Option<String>,
        registry_key: String,
        username: String,
        verdict: &'static str,
    },
    CredentialsDeleted {
        project: String,
        credentials: String,
        registry_key: String,
        username: String,
        force: bool,
        used_by: u64,
    },
    WorkloadCreated {
        project: String,
        kind: &'static str,
        workload: String,
        name: String,
        image: Option<String>,
        credentials: Option<String>,
    },
    WorkloadEdited {
        project: String,
        kind: &'static str,
        workload: String,
        name: Option<String>,
        /// What was given, by its GraphQL names.
        fields: Vec<&'static str>,
    },
    WorkloadVersionAdded {
        project: String,
        kind: &'static str,
        workload: String,
        version: u32,
        image: Option<String>,
        credentials: Option<String>,
    },
    WorkloadRolledBack {
        project: String,
        kind: &'static str,
        workload: String,
        version: u32,
        image: Option<String>,
        credentials: Option<String>,
    },
    WorkloadDeleted {
        project: String,
        kind: &'static str,
        workload: String,
        name: String,
    },
}
