//! What the store takes and gives: what is to be written, what was read, and what is decided inside a transaction.

use crate::access::{Rights, Role};
use crate::alert::Announcement;
use crate::audit::AuditEvent;
use crate::clock::Timestamp;
use crate::credentials::version::{CredentialsVersion, GracePeriod};
use crate::credentials::{self, DockerCredentials, Username};
use crate::error::Result;
use crate::ids::{CredentialsId, ProjectId, TokenId, UserId};
use crate::people::{Account, GroupName, Login};
use crate::project::{Description, ProjectName, Technologies};
use crate::registry::{ImageReference, Registry, RegistryKey};
use crate::sealing::{Binding, SealedRecord};
use crate::token::TokenMac;
use crate::verification::{ProofDecision, SavingPolicy, Tried, Verification};
use crate::workload::{Alias, Resources, Settings, Version, Workload, WorkloadName};

/// What a change of credentials is decided on, inside its transaction.
pub struct Present<'a> {
    /// The credentials, with the version that counts.
    pub row: &'a DockerCredentials,
    /// All versions, the current one among them, the latest first.
    pub versions: &'a [CredentialsVersion],
    /// The number of the next version to be made.
    pub next: u32,
    /// How long the project holds what counts no more.
    pub grace: GracePeriod,
}

/// The new version of credentials, decided inside the transaction.
pub type DecideUpgrade = Box<dyn Fn(&Present<'_>) -> Result<Upgrade> + Send>;

/// Which version is to count, decided inside the transaction.
pub type DecideSwitch = Box<dyn Fn(&Present<'_>) -> Result<Switch> + Send>;

/// The event of a version that goes, made from it inside the transaction.
pub type DescribeVersion = Box<dyn Fn(&CredentialsVersion) -> AuditEvent + Send>;

/// The event of a deletion, made from the row that goes and the number of workloads that use it.
pub type DescribeDeletion = Box<dyn Fn(&DockerCredentials, u64) -> AuditEvent + Send>;

/// What a proof brings about, decided inside the transaction.
pub type DecideProof = Box<dyn Fn(&Tried<'_>) -> Result<ProofDecision> + Send>;

/// What is to be told of credentials that run out at a moment, and when the next time, decided inside the transaction.
pub type DecideExpiry = Box<dyn Fn(Timestamp) -> Result<(Announcement, Option<Timestamp>)> + Send>;

/// A version of the given number, with the event that says so, made inside the transaction.
pub type DecideVersion = Box<dyn Fn(u32) -> (Version, AuditEvent) + Send>;

/// The event of a change, made from the workload inside the transaction.
pub type DescribeWorkload = Box<dyn Fn(&Workload) -> AuditEvent + Send>;

/// A user to add.
pub struct NewUser {
    /// The account.
    pub account: Account,
    /// The sealed hash of the password, of version 1.
    pub password: SealedRecord,
}

/// What logging in needs of a user.
pub struct UserSecret {
    /// The user's id.
    pub id: UserId,
    /// The login.
    pub login: Login,
    /// The sealed hash.
    pub password: Vec<u8>,
    /// The version that the hash is sealed under.
    pub password_version: u32,
}

/// A change to a user; `None` leaves as it is.
#[derive(Clone, Debug, Default)]
pub struct UserChange {
    /// Whether the user is an admin.
    pub admin: Option<bool>,
    /// All groups of the user.
    pub groups: Option<Vec<GroupName>>,
}

/// A session to add.
pub struct NewSession {
    /// The token's id.
    pub id: TokenId,
    /// The token's HMAC.
    pub mac: TokenMac,
    /// Whose session.
    pub user: UserId,
    /// The version of the password that was proved.
    pub password_version: u32,
    /// When it was opened; it is unused until then.
    pub created: Timestamp,
    /// When it ends at the latest.
    pub expires: Timestamp,
}

/// A session with its user, for authentication.
pub struct Session {
    /// The token's HMAC.
    pub mac: TokenMac,
    /// The user.
    pub user: UserId,
    /// The user's login.
    pub login: Login,
    /// Whether the user is an admin, now.
    pub admin: bool,
    /// When it was last used, to within a minute.
    pub last_used: Timestamp,
    /// When it ends at the latest.
    pub expires: Timestamp,
}

/// How a user stands to a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// There is no such project.
    NoProject,
    /// The user has no role in it.
    NoRole,
    /// The highest role that the user has, as a member or through groups.
    Role(Role),
}

/// Which projects to list.
#[derive(Clone, Debug)]
pub enum ProjectScope {
    /// Every project, for admins.
    All,
    /// Those in which the user has a role.
    Of(UserId),
    /// Those with these ids.
    These(Vec<ProjectId>),
}

/// A change to a project; `None` leaves as it is.
#[derive(Clone, Debug, Default)]
pub struct ProjectChange {
    /// The name.
    pub name: Option<ProjectName>,
    /// The description.
    pub description: Option<Description>,
    /// Technologies, all of them.
    pub technologies: Option<Technologies>,
    /// The roles of groups, all of them.
    pub groups: Option<Vec<GroupRole>>,
    /// Whether Docker credentials in use are deleted without being asked twice.
    pub deletes_credentials_in_use: Option<bool>,
    /// How long a password of Docker credentials is held once another one counts.
    pub grace_period: Option<GracePeriod>,
    /// What has to be proved of a password of Docker credentials before it is saved.
    pub verify_before_saving: Option<SavingPolicy>,
}

/// A change to a job or an app; `None` leaves as it is.
#[derive(Clone, Debug, Default)]
pub struct WorkloadChange {
    /// The name.
    pub name: Option<WorkloadName>,
    /// The alias.
    pub alias: Option<Alias>,
    /// The description.
    pub description: Option<Description>,
    /// Whether a job streams.
    pub is_streaming: Option<bool>,
    /// Whether a job uses a GPU.
    pub does_use_gpu: Option<bool>,
    /// What it asks of a machine, all of it.
    pub resources: Option<Resources>,
}

impl WorkloadChange {
    /// The names of what is changed.
    #[must_use]
    pub fn fields(&self) -> Vec<&'static str> {
        let fields = [
            ("name", self.name.is_some()),
            ("alias", self.alias.is_some()),
            ("description", self.description.is_some()),
            ("isStreaming", self.is_streaming.is_some()),
            ("doesUseGPU", self.does_use_gpu.is_some()),
            ("resources", self.resources.is_some()),
        ];
        let given = fields.into_iter().filter(|(_, given)| *given);
        given.map(|(field, _)| field).collect()
    }

    /// The settings after the change of them.
    #[must_use]
    pub fn settings(&self, present: &Settings) -> Settings {
        Settings {
            is_streaming: self.is_streaming.unwrap_or(present.is_streaming),
            does_use_gpu: self.does_use_gpu.or(present.does_use_gpu),
            resources: self.resources.clone().or_else(|| present.resources.clone()),
        }
    }
}

/// A role that a group has in a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRole {
    /// The group.
    pub group: GroupName,
    /// Its role.
    pub role: Role,
}

/// A role that a user has in a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The user's login.
    pub login: Login,
    /// The user's role.
    pub role: Role,
}

/// A service token to add.
pub struct NewToken {
    /// What is shown of it.
    pub token: ServiceToken,
    /// Its HMAC.
    pub mac: TokenMac,
}

/// A service token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceToken {
    /// Its id.
    pub id: TokenId,
    /// Its name.
    pub name: String,
    /// The projects in which it counts, ordered by id.
    pub projects: Vec<ProjectId>,
    /// What it may do.
    pub rights: Rights,
    /// The login of its maker.
    pub creator: String,
    /// When it was made.
    pub created: Timestamp,
    /// When it runs out.
    pub expires: Timestamp,
}

/// A service token with its HMAC, for authentication.
pub struct TokenSecret {
    /// What is shown of it.
    pub token: ServiceToken,
    /// Its HMAC.
    pub mac: TokenMac,
}

/// Credentials to add.
pub struct NewCredentials {
    /// What the API shows.
    pub credentials: DockerCredentials,
    /// The sealed password.
    pub password: SealedRecord,
    /// What was proved of it before.
    pub proof: Option<Verification>,
}

/// What an upgrade writes, or a staging.
pub struct Upgrade {
    /// The new registry.
    pub registry: Registry,
    /// The new username.
    pub username: Username,
    /// The new version.
    pub version: u32,
    /// The moment of the upgrade.
    pub at: Timestamp,
    /// When the new password runs out, where that is known.
    pub expires: Option<Timestamp>,
    /// The password, sealed for the new version.
    pub password: SealedRecord,
    /// The image to probe with, once this version counts.
    pub probe: Option<ImageReference>,
    /// The first of the held versions with this same password, or the version itself.
    pub secret: u32,
    /// What was proved of it before.
    pub proof: Option<Verification>,
    /// Until when the version before is held, where this one replaces it; a moment that is over destroys it at once.
    pub hold_until: Timestamp,
    /// The event that says so.
    pub event: AuditEvent,
}

/// Another version that is to count.
pub struct Switch {
    /// Its number.
    pub to: u32,
    /// The moment.
    pub at: Timestamp,
    /// Until when the version before is held.
    pub hold_until: Timestamp,
    /// The event that says so.
    pub event: AuditEvent,
}

/// A pull to write down.
#[derive(Clone, Debug)]
pub struct PullRecord {
    /// Of which credentials.
    pub credentials: CredentialsId,
    /// The version of the password that leaves.
    pub version: u32,
    /// For which image or server, without tag and digest.
    pub target: RegistryKey,
    /// When.
    pub at: Timestamp,
}

/// What came of writing a pull down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PullRecorded {
    /// It is written down for good.
    Written,
    /// The credentials are gone, or have another version than the one that was read.
    Changed,
    /// The token was revoked, or ran out, since it was looked at.
    TokenGone,
}

/// A sealed password with all that it is bound to.
#[derive(Clone)]
pub struct StoredPassword {
    /// The project.
    pub project: ProjectId,
    /// The row, as it is or was with this version.
    pub credentials: DockerCredentials,
    /// The sealed bytes.
    pub password: Vec<u8>,
}

impl StoredPassword {
    /// The place to which it is sealed.
    #[must_use]
    pub fn binding(&self) -> Binding<'_> {
        let row = &self.credentials;
        credentials::binding(
            &self.project,
            &row.id,
            row.version,
            &row.registry,
            &row.username,
        )
    }
}
