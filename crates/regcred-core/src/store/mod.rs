//! The store: one method per use case, one transaction each, the audit event included.
//!
//! A method that changes something takes the event that says so, and writes both or neither. Absence is `None` or
//! `false`; a row that cannot be read is an internal error that names table, column and row. Implementations pass
//! one conformance suite.

mod values;

use std::collections::HashSet;
use std::time::Duration;

use async_trait::async_trait;

use crate::access::{
    AdminGrant, Editor, Grant, Manager, Proving, PullGrant, Role, ServiceGrant, Sight, Unsealing,
    UserGrant, Viewer,
};
use crate::alert::Announced;
use crate::audit::{AuditEvent, AuditRow, ChainHead};
use crate::clock::{Day, Timestamp};
use crate::credentials::version::CredentialsVersion;
use crate::credentials::{CredentialsUse, DockerCredentials, Puller};
use crate::error::Result;
use crate::ids::{CredentialsId, DeliveryId, ProjectId, TokenId, UserId, WorkloadId};
use crate::people::{Account, Login};
use crate::project::{Project, ProjectName};
use crate::registry::RegistryKey;
use crate::sealing::SealedRecord;
use crate::verification::{DueCheck, DueChecks, LeftAlone, Recorded, Verification};
use crate::webhook::{Delivery, Target};
use crate::workload::{Extent, Pin, Version, Weight, Workload, WorkloadKind, WorkloadList};

pub use values::*;

/// Where everything is kept. See the module's text for the rules that every method follows.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    // ---- people ----

    /// Adds a user. `Conflict` where the login is taken.
    async fn create_user(&self, grant: &AdminGrant, user: NewUser, event: AuditEvent)
    -> Result<()>;
    /// The user with this login, for logging in.
    async fn user_secret(&self, login: &Login) -> Result<Option<UserSecret>>;
    /// Whether there is any user.
    async fn anybody(&self) -> Result<bool>;
    /// The accounts, ordered by login.
    async fn users(&self, grant: &AdminGrant) -> Result<Vec<Account>>;
    /// The account with this login.
    async fn user(&self, grant: &AdminGrant, login: &Login) -> Result<Option<Account>>;
    /// Changes what is `Some`; `false` where there is no such user. `Conflict` where no admin would be left.
    async fn update_user(
        &self,
        grant: &AdminGrant,
        user: UserId,
        change: UserChange,
        event: AuditEvent,
    ) -> Result<bool>;
    /// Replaces the password if its version is still `expected`, and ends every session of the user; `false` where
    /// the user is gone or the version is another.
    async fn replace_password(
        &self,
        user: UserId,
        expected: u32,
        password: SealedRecord,
        event: AuditEvent,
    ) -> Result<bool>;
    /// Removes the user with sessions and memberships; `false` where absent. `Conflict` where no admin would be left.
    async fn delete_user(
        &self,
        grant: &AdminGrant,
        user: UserId,
        event: AuditEvent,
    ) -> Result<bool>;

    // ---- sessions ----

    /// Adds a session. `NotFound` where the user is gone or `password_version` is no longer the user's.
    async fn open_session(&self, session: NewSession, event: AuditEvent) -> Result<()>;
    /// A session with its user.
    async fn session(&self, id: TokenId) -> Result<Option<Session>>;
    /// Notes when a session was last used. Not audited: nothing that anybody decided.
    async fn touch_session(&self, id: TokenId, at: Timestamp) -> Result<()>;
    /// Ends a session of the calling user; `false` where there is none.
    async fn end_session(&self, grant: &UserGrant, id: TokenId, event: AuditEvent) -> Result<bool>;
    /// Removes sessions and tokens that ran out or fell idle before the given moments, and versions that are no longer held;
    /// the number of sessions and tokens removed.
    async fn purge_expired(&self, now: Timestamp, idle_since: Timestamp) -> Result<u64>;

    // ---- projects ----

    /// How a user stands to a project. Tells nobody anything: a grant is still needed.
    async fn standing(&self, user: UserId, project: ProjectId) -> Result<Standing>;
    /// The project with this name whatever the case, if any. Tells nobody anything: a grant is still needed.
    async fn project_named(&self, name: &ProjectName) -> Result<Option<ProjectId>>;
    /// The projects in `scope`, ordered by name.
    async fn projects(&self, scope: ProjectScope) -> Result<Vec<Project>>;
    /// One project.
    async fn project(&self, grant: &Grant<Viewer>) -> Result<Option<Project>>;
    /// Adds a project; its maker becomes a manager. `Conflict` where the name is taken.
    async fn create_project(
        &self,
        grant: &UserGrant,
        project: Project,
        groups: Vec<GroupRole>,
        event: AuditEvent,
    ) -> Result<()>;
    /// Changes what is `Some`; `None` where the project is gone. `Conflict` where the name is taken.
    async fn edit_project(
        &self,
        grant: &Grant<Manager>,
        change: ProjectChange,
        event: AuditEvent,
    ) -> Result<Option<Project>>;
    /// Removes the project with its credentials, members and rights; tokens that have no other project go, too.
    /// `false` where absent.
    async fn delete_project(&self, grant: &Grant<Manager>, event: AuditEvent) -> Result<bool>;
    /// The roles of groups, ordered by name.
    async fn group_roles(&self, grant: &Grant<Manager>) -> Result<Vec<GroupRole>>;
    /// The members with their roles, ordered by login.
    async fn members(&self, grant: &Grant<Manager>) -> Result<Vec<Member>>;
    /// Gives the user with this login a role; `false` where there is no such user.
    async fn set_member(
        &self,
        grant: &Grant<Manager>,
        login: &Login,
        role: Role,
        event: AuditEvent,
    ) -> Result<bool>;
    /// Takes the role away; `false` where the user had none.
    async fn remove_member(
        &self,
        grant: &Grant<Manager>,
        login: &Login,
        event: AuditEvent,
    ) -> Result<bool>;

    // ---- service tokens ----

    /// Adds a token for the projects of all `grants`, of which there is at least one.
    async fn create_token(
        &self,
        grants: &[Grant<Manager>],
        token: NewToken,
        event: AuditEvent,
    ) -> Result<()>;
    /// The tokens of a project, ordered by id, that is by the time they were made.
    async fn tokens(&self, grant: &Grant<Manager>) -> Result<Vec<ServiceToken>>;
    /// A token, for authentication.
    async fn token_secret(&self, id: TokenId) -> Result<Option<TokenSecret>>;
    /// Revokes a token of the project, in all its projects; `false` where there is none.
    async fn revoke_token(
        &self,
        grant: &Grant<Manager>,
        id: TokenId,
        event: AuditEvent,
    ) -> Result<bool>;

    // ---- Docker credentials ----

    /// All credentials of the project, ordered by id, that is by the time they were made.
    async fn list_credentials(&self, sight: &Sight) -> Result<Vec<DockerCredentials>>;
    /// One of them.
    async fn credentials(
        &self,
        sight: &Sight,
        id: CredentialsId,
    ) -> Result<Option<DockerCredentials>>;
    /// Adds credentials. `Conflict` where the couple (registry key, username) is taken, `NotFound` where the project is
    /// gone, `Invalid` where it has [`MOST_IN_PROJECT`](crate::credentials::MOST_IN_PROJECT) of them.
    async fn create_credentials(
        &self,
        grant: &Grant<Editor>,
        new: NewCredentials,
        event: AuditEvent,
    ) -> Result<()>;
    /// Makes the version that `decide` says the current one, in one transaction with it; the one before is held until the
    /// moment that it says. `None` where the credentials are absent, `Conflict` where the new couple is taken.
    async fn upgrade_credentials(
        &self,
        grant: &Grant<Editor>,
        id: CredentialsId,
        decide: DecideUpgrade,
    ) -> Result<Option<DockerCredentials>>;
    /// Adds the version that `decide` says beside the current one, in place of one that was staged before. `None` where the
    /// credentials are absent, `Conflict` where the new couple is taken.
    async fn stage_credentials(
        &self,
        grant: &Grant<Editor>,
        id: CredentialsId,
        decide: DecideUpgrade,
    ) -> Result<Option<CredentialsVersion>>;
    /// Makes the version that `decide` picks the current one; the one before is held until the moment that it says. `None`
    /// where the credentials are absent, `Conflict` where its couple is taken.
    async fn switch_credentials(
        &self,
        grant: &Grant<Editor>,
        id: CredentialsId,
        decide: DecideSwitch,
    ) -> Result<Option<DockerCredentials>>;
    /// Destroys a version that is not the current one; `describe` makes the event from it; `false` where there is none.
    async fn destroy_version(
        &self,
        grant: &Grant<Editor>,
        id: CredentialsId,
        number: u32,
        describe: DescribeVersion,
    ) -> Result<bool>;
    /// The versions of credentials, the current one among them, the latest first; empty where they are absent. Previous ones
    /// whose time is over may still be among them.
    async fn credentials_versions(
        &self,
        sight: &Sight,
        id: CredentialsId,
    ) -> Result<Vec<CredentialsVersion>>;
    /// Removes credentials; `describe` makes the event from the row that goes; `false` where absent. `InUse` where the
    /// current version of a workload uses them, unless `force` or the project's setting says to go on.
    async fn delete_credentials(
        &self,
        grant: &Grant<Editor>,
        id: CredentialsId,
        force: bool,
        describe: DescribeDeletion,
    ) -> Result<bool>;

    /// How credentials of the project were pulled, one of them or all, ordered by id, with the days behind `since` of
    /// which that is kept, or without any. Those that never were are left out.
    async fn credentials_uses(
        &self,
        sight: &Sight,
        of: Option<CredentialsId>,
        since: Option<Day>,
    ) -> Result<Vec<CredentialsUse>>;

    /// Who pulled credentials of the project for what, of one of them or of all, ordered by id, the latest first; at most
    /// [`MOST_PULLERS`](crate::credentials::MOST_PULLERS) of each.
    async fn pullers(&self, sight: &Sight, of: Option<CredentialsId>) -> Result<Vec<Puller>>;

    /// Writes a proof down, of which there are [`PROOFS_KEPT`](crate::verification::PROOFS_KEPT) for each credentials,
    /// with the event and the consequences that `decide` makes of it; `None`, and nothing, where the credentials are gone.
    async fn record_verification(
        &self,
        proving: &Proving,
        verification: Verification,
        decide: DecideProof,
    ) -> Result<Option<Recorded>>;
    /// Writes down what becomes of a password before it is saved: that it is tried, or that it is not saved.
    async fn record_unsaved(&self, grant: &Grant<Editor>, event: AuditEvent) -> Result<()>;
    /// The proofs of credentials of the project, of one of them or of all, ordered by id, the latest first.
    async fn verifications(
        &self,
        sight: &Sight,
        of: Option<CredentialsId>,
    ) -> Result<Vec<Verification>>;

    // ---- what is done by itself ----

    /// Of each host but those of `except` the credentials that are due first, as far as they are due at `now`: those that
    /// are due longest first, at most `limit`, and of a few hosts several of each.
    async fn due_checks(
        &self,
        grant: &ServiceGrant,
        now: Timestamp,
        except: HashSet<String>,
        limit: usize,
    ) -> Result<DueChecks>;
    /// Puts off the credentials of an account that are due at `now`, but for another version of what was refused last. No event:
    /// nothing was tried.
    async fn put_off_checks(
        &self,
        grant: &ServiceGrant,
        account: LeftAlone,
        now: Timestamp,
    ) -> Result<()>;
    /// Takes credentials that are due: puts them off to `again`, so that a try which comes to no end is not repeated at
    /// once, and reads their sealed password in the same transaction. `None` where they are gone or no longer due. No event:
    /// the proof has one.
    async fn claim_check(
        &self,
        grant: &ServiceGrant,
        due: &DueCheck,
        again: Timestamp,
    ) -> Result<Option<StoredPassword>>;
    /// Writes down what is to be told of credentials that run out, at most of `limit` of them. No event: nothing that
    /// anybody decided.
    async fn announce_expiries(
        &self,
        grant: &ServiceGrant,
        now: Timestamp,
        limit: usize,
        decide: DecideExpiry,
    ) -> Result<Vec<Announced>>;
    /// What is to be delivered to a target first, be it due or not.
    async fn next_delivery(
        &self,
        grant: &ServiceGrant,
        target: &Target,
    ) -> Result<Option<Delivery>>;
    /// Notes an attempt that failed, and when the next one is due.
    async fn put_off_delivery(
        &self,
        grant: &ServiceGrant,
        id: DeliveryId,
        due: Timestamp,
    ) -> Result<()>;
    /// Forgets a delivery that was made or given up.
    async fn end_delivery(&self, grant: &ServiceGrant, id: DeliveryId) -> Result<()>;
    /// Forgets what waits for targets other than these; how many deliveries.
    async fn forget_deliveries(&self, grant: &ServiceGrant, but: Vec<Target>) -> Result<u64>;

    // ---- jobs and apps ----

    /// The project of a workload. Tells nobody anything: a grant is still needed.
    async fn workload_home(&self, kind: WorkloadKind, id: WorkloadId) -> Result<Option<ProjectId>>;
    /// The project's jobs or apps, ordered by id, that is by the time they were made.
    async fn workloads(
        &self,
        grant: &Grant<Viewer>,
        kind: WorkloadKind,
        extent: Extent,
    ) -> Result<Vec<Workload>>;
    /// What a list of the project weighs, without reading the texts in it.
    async fn weigh_workloads(
        &self,
        grant: &Grant<Viewer>,
        list: WorkloadList,
        extent: Extent,
    ) -> Result<Weight>;
    /// How many jobs or apps the project has.
    async fn count_workloads(&self, grant: &Grant<Viewer>, kind: WorkloadKind) -> Result<u64>;
    /// Those jobs or apps whose current version uses credentials of the project, these ones or any, ordered by id.
    async fn workloads_using(
        &self,
        grant: &Grant<Viewer>,
        kind: WorkloadKind,
        of: Option<CredentialsId>,
        extent: Extent,
    ) -> Result<Vec<Workload>>;
    /// One job or app.
    async fn workload(
        &self,
        grant: &Grant<Viewer>,
        kind: WorkloadKind,
        id: WorkloadId,
    ) -> Result<Option<Workload>>;
    /// The versions of a workload, the latest first.
    async fn workload_versions(
        &self,
        grant: &Grant<Viewer>,
        id: WorkloadId,
        extent: Extent,
    ) -> Result<Vec<Version>>;
    /// Adds a workload with its current version. `Conflict` where the name is taken, `NotFound` where the project is
    /// gone, `Invalid` where it has [`MOST_WORKLOADS`](crate::workload::MOST_WORKLOADS), or where the credentials that
    /// it names are not in it.
    async fn create_workload(
        &self,
        grant: &Grant<Editor>,
        workload: Workload,
        event: AuditEvent,
    ) -> Result<()>;
    /// Adds the version that `decide` makes for the next number, and makes it the current one; `None` where the workload
    /// is absent. `Invalid` where it has [`MOST_VERSIONS`](crate::workload::MOST_VERSIONS), or where the credentials are
    /// not in the project.
    async fn add_workload_version(
        &self,
        grant: &Grant<Editor>,
        kind: WorkloadKind,
        id: WorkloadId,
        decide: DecideVersion,
    ) -> Result<Option<Version>>;
    /// Makes an earlier version the current one; `describe` makes the event from the workload as it is then; `None` where the workload is absent. `NotFound` where the version is,
    /// `Invalid` where its credentials are no longer in the project.
    async fn roll_back_workload(
        &self,
        grant: &Grant<Editor>,
        kind: WorkloadKind,
        id: WorkloadId,
        version: u32,
        describe: DescribeWorkload,
    ) -> Result<Option<Workload>>;
    /// Changes what is `Some`; `None` where absent. `Conflict` where the name is taken.
    async fn edit_workload(
        &self,
        grant: &Grant<Editor>,
        kind: WorkloadKind,
        id: WorkloadId,
        change: WorkloadChange,
        event: AuditEvent,
    ) -> Result<Option<Workload>>;
    /// Removes a workload with its versions; `describe` makes the event from what goes, which is returned; `None` where
    /// absent.
    async fn delete_workload(
        &self,
        grant: &Grant<Editor>,
        kind: WorkloadKind,
        id: WorkloadId,
        describe: DescribeWorkload,
    ) -> Result<Option<Workload>>;
    /// Which credentials the current versions with this image name, ordered by their ids. `image` is host and
    /// repository.
    async fn pins(&self, sight: &Sight, image: &RegistryKey) -> Result<Vec<Pin>>;

    // ---- pulls ----

    /// The credentials of the first of these keys that any credentials of the project have, ordered by username, at most
    /// `limit` of them.
    async fn credentials_of_first(
        &self,
        sight: &Sight,
        keys: &[RegistryKey],
        limit: usize,
    ) -> Result<Vec<DockerCredentials>>;
    /// The same with their sealed passwords.
    async fn sealed_of_first(
        &self,
        unsealing: &Unsealing,
        keys: &[RegistryKey],
        limit: usize,
    ) -> Result<Vec<StoredPassword>>;
    /// The credentials of the project on a host, whatever the port and the scope, ordered by key and username, at most
    /// `limit` of them. `host` is canonical and without a port.
    async fn credentials_near(
        &self,
        sight: &Sight,
        host: &str,
        limit: usize,
    ) -> Result<Vec<DockerCredentials>>;
    /// The sealed password of credentials, of a version or of the current one, with the row that it belongs to. Previous
    /// versions whose time is over may still be there.
    async fn sealed_password(
        &self,
        unsealing: &Unsealing,
        id: CredentialsId,
        version: Option<u32>,
    ) -> Result<Option<StoredPassword>>;
    /// The versions of credentials that are held at a moment, with their sealed passwords, the current one among them, the
    /// first one first; empty where they are absent. One state of all of them.
    async fn sealed_versions(
        &self,
        unsealing: &Unsealing,
        id: CredentialsId,
        now: Timestamp,
    ) -> Result<Vec<StoredPassword>>;
    /// Writes down that a password leaves: the event, and the credentials' use. Where it may not leave any more, nothing
    /// is written.
    async fn record_pull(
        &self,
        grant: &PullGrant,
        pull: PullRecord,
        event: AuditEvent,
    ) -> Result<PullRecorded>;

    // ---- the whole ----

    /// At most `limit` sealed passwords of all versions behind `after`, ordered by project, id and version, for the proof
    /// that they open.
    async fn sealed_passwords(
        &self,
        grant: &AdminGrant,
        after: Option<(ProjectId, CredentialsId, u32)>,
        limit: usize,
    ) -> Result<Vec<StoredPassword>>;

    /// The streams of the audit trail, each with its head. This store's own is always among them, also when somebody
    /// deleted its rows.
    async fn audit_streams(&self) -> Result<Vec<(u32, Option<ChainHead>)>>;
    /// At most `limit` rows of a stream behind the number `after`, in order.
    async fn audit_rows(&self, stream: u32, after: u64, limit: usize) -> Result<Vec<AuditRow>>;
    /// Whether this process does what is done by itself; of several on one store one does, and another one within ten
    /// seconds after it went.
    fn leads(&self) -> bool;
    /// How long what was read of tokens and rights may be remembered; `None` where no other process changes it.
    fn forgets_after(&self) -> Option<Duration>;
    /// Waits until another process may have changed tokens or rights since `seen`; the count of such changes, which begins
    /// at 0.
    async fn changed_elsewhere(&self, seen: u64) -> u64;
    /// Says something short to the other processes on this store, as far as they can be reached.
    async fn tell_others(&self, text: String);
    /// Waits for what another process said; one at a time may wait. Some of it may be missed.
    async fn told_elsewhere(&self) -> String;
    /// Whether the store can serve now.
    async fn ready(&self) -> Result<()>;
    /// Finishes what is under way and closes; later calls fail with `Unavailable`.
    async fn close(&self);
}
