//! What the commands print about each thing. The fields of JSON and YAML are documented in docs/command-line.md, and stay.

mod pulls;
mod verification;
mod versions;
mod workloads;

use regcred_client::regcred::{Member, ProjectRole, TokenInfo, UserInfo};
use regcred_client::{CredentialsInfo, ProjectInfo};
use serde::Serialize;

pub(super) use self::pulls::{CandidateRecord, ExplanationRecord, UsageRecord};
pub(super) use self::verification::{TriedRecord, tried};
pub(super) use self::versions::{SettingsRecord, VersionRecord};
pub(super) use self::workloads::WorkloadRecord;
use crate::contexts::Context;
use crate::output::Record;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CredentialsRecord {
    id: String,
    registry: Option<String>,
    username: String,
    last_update: String,
    jobs: Vec<String>,
    apps: Vec<String>,
}

impl From<CredentialsInfo> for CredentialsRecord {
    fn from(info: CredentialsInfo) -> Self {
        Self {
            id: info.id.to_string(),
            registry: info.registry.as_deref().map(str::to_owned),
            username: info.username,
            last_update: info.last_update.to_string(),
            jobs: info.jobs.iter().map(ToString::to_string).collect(),
            apps: info.apps.iter().map(ToString::to_string).collect(),
        }
    }
}

impl CredentialsRecord {
    pub(super) fn registry(&self) -> String {
        self.registry
            .clone()
            .unwrap_or_else(|| "Docker Hub".to_owned())
    }

    /// The line that says what was done with them.
    pub(super) fn line(&self, done: &str) -> String {
        format!(
            "{done} credentials {}: {} at {}",
            self.id,
            self.username,
            self.registry()
        )
    }
}

impl Record for CredentialsRecord {
    const COLUMNS: &'static [&'static str] = &["USERNAME", "REGISTRY", "UPDATED", "USES", "ID"];
    const FLEXIBLE: usize = 2;

    fn cells(&self) -> Vec<String> {
        vec![
            self.username.clone(),
            self.registry(),
            day(&self.last_update),
            (self.jobs.len() + self.apps.len()).to_string(),
            self.id.clone(),
        ]
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        vec![
            ("id", self.id.clone()),
            ("registry", self.registry()),
            ("username", self.username.clone()),
            ("updated", self.last_update.clone()),
            ("jobs", or_dash(self.jobs.join(", "))),
            ("apps", or_dash(self.apps.join(", "))),
        ]
    }

    fn name(&self) -> String {
        self.id.clone()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProjectRecord {
    pub(super) id: String,
    pub(super) name: String,
    creator: String,
    description: String,
    status: String,
}

impl From<ProjectInfo> for ProjectRecord {
    fn from(info: ProjectInfo) -> Self {
        Self {
            id: info.id.to_string(),
            name: info.name,
            creator: info.creator,
            description: info.description,
            status: word(&info.status),
        }
    }
}

impl Record for ProjectRecord {
    const COLUMNS: &'static [&'static str] = &["NAME", "CREATOR", "STATUS", "ID"];
    const FLEXIBLE: usize = 2;

    fn cells(&self) -> Vec<String> {
        vec![
            self.name.clone(),
            self.creator.clone(),
            self.status.clone(),
            self.id.clone(),
        ]
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        vec![
            ("id", self.id.clone()),
            ("name", self.name.clone()),
            ("creator", self.creator.clone()),
            ("description", or_dash(self.description.clone())),
            ("status", self.status.clone()),
        ]
    }

    fn name(&self) -> String {
        self.name.clone()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TokenRecord {
    pub(super) id: String,
    name: String,
    projects: Vec<String>,
    rights: Vec<String>,
    creator: String,
    created_at: String,
    expires_at: String,
}

impl From<TokenInfo> for TokenRecord {
    fn from(info: TokenInfo) -> Self {
        Self {
            id: info.id.to_string(),
            name: info.name,
            projects: info.projects.iter().map(ToString::to_string).collect(),
            rights: info
                .rights
                .iter()
                .map(|right| word(right).to_lowercase())
                .collect(),
            creator: info.creator,
            created_at: info.created_at.to_string(),
            expires_at: info.expires_at.to_string(),
        }
    }
}

impl Record for TokenRecord {
    const COLUMNS: &'static [&'static str] = &["NAME", "RIGHTS", "CREATOR", "EXPIRES", "ID"];
    const FLEXIBLE: usize = 3;

    fn cells(&self) -> Vec<String> {
        vec![
            self.name.clone(),
            self.rights.join(","),
            self.creator.clone(),
            day(&self.expires_at),
            self.id.clone(),
        ]
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        vec![
            ("id", self.id.clone()),
            ("name", self.name.clone()),
            ("projects", self.projects.join(", ")),
            ("rights", self.rights.join(", ")),
            ("creator", self.creator.clone()),
            ("created", self.created_at.clone()),
            ("expires", self.expires_at.clone()),
        ]
    }

    fn name(&self) -> String {
        self.id.clone()
    }
}

/// A token that was just made, with its text, which is told this once.
#[derive(Serialize)]
pub(super) struct FreshToken<'a> {
    pub(super) token: &'a str,
    #[serde(flatten)]
    pub(super) info: &'a TokenRecord,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserRecord {
    pub(super) login: String,
    admin: bool,
    groups: Vec<String>,
    created_at: String,
}

impl From<UserInfo> for UserRecord {
    fn from(info: UserInfo) -> Self {
        Self {
            login: info.login,
            admin: info.admin,
            groups: info.groups,
            created_at: info.created_at.to_string(),
        }
    }
}

impl Record for UserRecord {
    const COLUMNS: &'static [&'static str] = &["LOGIN", "ADMIN", "GROUPS", "CREATED"];
    const FLEXIBLE: usize = 0;

    fn cells(&self) -> Vec<String> {
        vec![
            self.login.clone(),
            yes_or_no(self.admin),
            or_dash(self.groups.join(",")),
            day(&self.created_at),
        ]
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        vec![
            ("login", self.login.clone()),
            ("admin", yes_or_no(self.admin)),
            ("groups", or_dash(self.groups.join(", "))),
            ("created", self.created_at.clone()),
        ]
    }

    fn name(&self) -> String {
        self.login.clone()
    }
}

#[derive(Serialize)]
pub(super) struct MemberRecord {
    login: String,
    role: &'static str,
}

impl MemberRecord {
    pub(super) fn new(login: &str, role: ProjectRole) -> Self {
        Self {
            login: login.to_owned(),
            role: match role {
                ProjectRole::Viewer => "viewer",
                ProjectRole::Editor => "editor",
                ProjectRole::Manager => "manager",
            },
        }
    }

    /// With its article.
    pub(super) fn role(&self) -> String {
        let article = if self.role == "editor" { "an" } else { "a" };
        format!("{article} {}", self.role)
    }
}

impl From<Member> for MemberRecord {
    fn from(member: Member) -> Self {
        Self::new(&member.login, member.role)
    }
}

impl Record for MemberRecord {
    const COLUMNS: &'static [&'static str] = &["LOGIN", "ROLE"];
    const FLEXIBLE: usize = 1;

    fn cells(&self) -> Vec<String> {
        vec![self.login.clone(), self.role.to_owned()]
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        vec![
            ("login", self.login.clone()),
            ("role", self.role.to_owned()),
        ]
    }

    fn name(&self) -> String {
        self.login.clone()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ContextRecord {
    pub(super) name: String,
    current: bool,
    url: String,
    platform: u32,
    realm: Option<String>,
    login: String,
    project: Option<String>,
    ca_file: Option<String>,
    allow_http: bool,
    logged_in: bool,
}

impl ContextRecord {
    pub(super) fn new(name: &str, context: &Context, current: Option<&str>) -> Self {
        let ca_file = context.ca_file.as_ref();
        Self {
            name: name.to_owned(),
            current: current == Some(name),
            url: context.url.clone(),
            platform: context.platform,
            realm: context.realm.clone(),
            login: context.login.clone(),
            project: context.project.clone(),
            ca_file: ca_file.map(|file| file.to_string_lossy().into_owned()),
            allow_http: context.allow_http,
            logged_in: context.token.is_some(),
        }
    }
}

impl Record for ContextRecord {
    const COLUMNS: &'static [&'static str] = &["", "NAME", "LOGIN", "PROJECT", "URL"];
    const FLEXIBLE: usize = 5;

    fn cells(&self) -> Vec<String> {
        vec![
            if self.current { "*" } else { "" }.to_owned(),
            self.name.clone(),
            self.login.clone(),
            or_dash(self.project.clone().unwrap_or_default()),
            self.url.clone(),
        ]
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        let optional = |value: &Option<String>| or_dash(value.clone().unwrap_or_default());
        vec![
            ("name", self.name.clone()),
            ("current", yes_or_no(self.current)),
            ("url", self.url.clone()),
            ("platform", self.platform.to_string()),
            ("realm", optional(&self.realm)),
            ("login", self.login.clone()),
            ("project", optional(&self.project)),
            ("CA file", optional(&self.ca_file)),
            ("plain http", yes_or_no(self.allow_http)),
            ("logged in", yes_or_no(self.logged_in)),
        ]
    }

    fn name(&self) -> String {
        self.name.clone()
    }
}

/// The day of a moment, in UTC.
fn day(moment: &str) -> String {
    moment.chars().take(10).collect()
}

fn yes_or_no(is: bool) -> String {
    if is { "yes" } else { "no" }.to_owned()
}

fn or_dash(text: String) -> String {
    if text.is_empty() {
        "-".to_owned()
    } else {
        text
    }
}

/// The word by which the interface knows a value.
fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}
