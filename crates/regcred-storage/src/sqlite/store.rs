//! The `Store`: each method one transaction of the writer, or one read.

use std::collections::HashSet;

use async_trait::async_trait;
use regcred_core::access::{
    AdminGrant, Editor, Grant, Manager, Proving, PullGrant, Role, ServiceGrant, Sight, Unsealing,
    UserGrant, Viewer,
};
use regcred_core::alert::Announced;
use regcred_core::audit::{AuditEvent, AuditRow, ChainHead};
use regcred_core::credentials::version::CredentialsVersion;
use regcred_core::credentials::{CredentialsUse, DockerCredentials, Puller};
use regcred_core::ids::{CredentialsId, DeliveryId, ProjectId, TokenId, UserId, WorkloadId};
use regcred_core::people::{Account, Login};
use regcred_core::project::{Project, ProjectName};
use regcred_core::registry::RegistryKey;
use regcred_core::sealing::SealedRecord;
use regcred_core::store::{
    DecideExpiry, DecideProof, DecideSwitch, DecideUpgrade, DecideVersion, DescribeDeletion,
    DescribeVersion, DescribeWorkload, GroupRole, Member, NewCredentials, NewSession, NewToken,
    NewUser, ProjectChange, ProjectScope, PullRecord, PullRecorded, ServiceToken, Session,
    Standing, Store, StoredPassword, TokenSecret, UserChange, UserSecret, WorkloadChange,
};
use regcred_core::verification::{DueCheck, DueChecks, LeftAlone, Recorded, Verification};
use regcred_core::webhook::{Delivery, Target};
use regcred_core::workload::{Extent, Pin, Version, Weight, Workload, WorkloadKind, WorkloadList};
use regcred_core::{Day, Result, Timestamp};

use super::columns::first;
use super::directory::DirectoryLock;
use super::error::closed;
use super::readers::{Readers, snapshot};
use super::uses::By;
use super::writer::Writer;
use super::{
    audit, checks, credentials, deliveries, people, projects, sessions, tokens, uses,
    verifications, versions, workloads,
};

/// The store on SQLite.
pub struct SqliteStore {
    writer: Writer,
    readers: Readers,
    /// The stream of the audit trail that this store writes.
    stream: u32,
    _lock: DirectoryLock,
}

impl SqliteStore {
    pub(super) fn new(writer: Writer, readers: Readers, stream: u32, lock: DirectoryLock) -> Self {
        Self {
            writer,
            readers,
            stream,
            _lock: lock,
        }
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn create_user(&self, _: &AdminGrant, user: NewUser, event: AuditEvent) -> Result<()> {
        self.writer
            .write(move |unit| people::create(unit, &user, &event))
            .await
    }

    async fn user_secret(&self, login: &Login) -> Result<Option<UserSecret>> {
        self.readers.read(|db| people::secret(db, login))
    }

    async fn anybody(&self) -> Result<bool> {
        self.readers.read(people::anybody)
    }

    async fn users(&self, _: &AdminGrant) -> Result<Vec<Account>> {
        self.readers.scan(people::list).await
    }

    async fn user(&self, _: &AdminGrant, login: &Login) -> Result<Option<Account>> {
        self.readers.read(|db| people::get(db, login))
    }

    async fn update_user(
        &self,
        _: &AdminGrant,
        user: UserId,
        change: UserChange,
        event: AuditEvent,
    ) -> Result<bool> {
        self.writer
            .write(move |unit| people::update(unit, user, &change, &event))
            .await
    }

    async fn replace_password(
        &self,
        user: UserId,
        expected: u32,
        password: SealedRecord,
        event: AuditEvent,
    ) -> Result<bool> {
        self.writer
            .write(move |unit| people::replace_password(unit, user, expected, &password, &event))
            .await
    }

    async fn delete_user(&self, _: &AdminGrant, user: UserId, event: AuditEvent) -> Result<bool> {
        self.writer
            .write(move |unit| people::delete(unit, user, &event))
            .await
    }

    async fn open_session(&self, session: NewSession, event: AuditEvent) -> Result<()> {
        self.writer
            .write(move |unit| sessions::open(unit, &session, &event))
            .await
    }

    async fn session(&self, id: TokenId) -> Result<Option<Session>> {
        self.readers.read(|db| sessions::get(db, id))
    }

    async fn touch_session(&self, id: TokenId, at: Timestamp) -> Result<()> {
        self.writer
            .write(move |unit| sessions::touch(unit, id, at))
            .await
    }

    async fn end_session(&self, grant: &UserGrant, id: TokenId, event: AuditEvent) -> Result<bool> {
        let user = grant.user().id;
        self.writer
            .write(move |unit| sessions::end(unit, user, id, &event))
            .await
    }

    async fn purge_expired(&self, now: Timestamp, idle_since: Timestamp) -> Result<u64> {
        self.writer
            .write(move |unit| {
                uses::purge(unit, now)?;
                versions::purge(unit, now)?;
                sessions::purge(unit, now, idle_since)
            })
            .await
    }

    async fn standing(&self, user: UserId, project: ProjectId) -> Result<Standing> {
        self.readers
            .read(|db| projects::standing(db, user, project))
    }

    async fn project_named(&self, name: &ProjectName) -> Result<Option<ProjectId>> {
        self.readers.read(|db| projects::named(db, name))
    }

    async fn projects(&self, scope: ProjectScope) -> Result<Vec<Project>> {
        self.readers
            .scan(move |db| projects::list(db, &scope))
            .await
    }

    async fn project(&self, grant: &Grant<Viewer>) -> Result<Option<Project>> {
        self.readers.read(|db| projects::get(db, grant.project()))
    }

    async fn create_project(
        &self,
        grant: &UserGrant,
        project: Project,
        groups: Vec<GroupRole>,
        event: AuditEvent,
    ) -> Result<()> {
        let maker = grant.user().id;
        self.writer
            .write(move |unit| projects::create(unit, maker, &project, &groups, &event))
            .await
    }

    async fn edit_project(
        &self,
        grant: &Grant<Manager>,
        change: ProjectChange,
        event: AuditEvent,
    ) -> Result<Option<Project>> {
        let project = grant.project();
        self.writer
            .write(move |unit| projects::edit(unit, project, &change, &event))
            .await
    }

    async fn delete_project(&self, grant: &Grant<Manager>, event: AuditEvent) -> Result<bool> {
        let project = grant.project();
        self.writer
            .write(move |unit| projects::delete(unit, project, &event))
            .await
    }

    async fn group_roles(&self, grant: &Grant<Manager>) -> Result<Vec<GroupRole>> {
        self.readers
            .read(|db| projects::group_roles(db, grant.project()))
    }

    async fn members(&self, grant: &Grant<Manager>) -> Result<Vec<Member>> {
        self.readers
            .read(|db| projects::members(db, grant.project()))
    }

    async fn set_member(
        &self,
        grant: &Grant<Manager>,
        login: &Login,
        role: Role,
        event: AuditEvent,
    ) -> Result<bool> {
        let (project, login) = (grant.project(), login.clone());
        self.writer
            .write(move |unit| projects::set_member(unit, project, &login, role, &event))
            .await
    }

    async fn remove_member(
        &self,
        grant: &Grant<Manager>,
        login: &Login,
        event: AuditEvent,
    ) -> Result<bool> {
        let (project, login) = (grant.project(), login.clone());
        self.writer
            .write(move |unit| projects::remove_member(unit, project, &login, &event))
            .await
    }

    async fn create_token(
        &self,
        _: &[Grant<Manager>],
        token: NewToken,
        event: AuditEvent,
    ) -> Result<()> {
        self.writer
            .write(move |unit| tokens::create(unit, &token, &event))
            .await
    }

    async fn tokens(&self, grant: &Grant<Manager>) -> Result<Vec<ServiceToken>> {
        self.readers.read(|db| tokens::list(db, grant.project()))
    }

    async fn token_secret(&self, id: TokenId) -> Result<Option<TokenSecret>> {
        self.readers.read(|db| tokens::secret(db, id))
    }

    async fn revoke_token(
        &self,
        grant: &Grant<Manager>,
        id: TokenId,
        event: AuditEvent,
    ) -> Result<bool> {
        let project = grant.project();
        self.writer
            .write(move |unit| tokens::revoke(unit, project, id, &event))
            .await
    }

    async fn list_credentials(&self, sight: &Sight) -> Result<Vec<DockerCredentials>> {
        let project = sight.project();
        let few = self
            .readers
            .read(|db| credentials::list(db, project, FEW + 1))?;
        if few.len() <= FEW {
            return Ok(few);
        }
        self.readers
            .scan(move |db| credentials::list(db, project, usize::MAX))
            .await
    }

    async fn credentials(
        &self,
        sight: &Sight,
        id: CredentialsId,
    ) -> Result<Option<DockerCredentials>> {
        self.readers
            .read(|db| credentials::get(db, sight.project(), id))
    }

    async fn create_credentials(
        &self,
        grant: &Grant<Editor>,
        new: NewCredentials,
        event: AuditEvent,
    ) -> Result<()> {
        let project = grant.project();
        self.writer
            .write(move |unit| credentials::create(unit, project, &new, &event))
            .await
    }

    async fn upgrade_credentials(
        &self,
        grant: &Grant<Editor>,
        id: CredentialsId,
        decide: DecideUpgrade,
    ) -> Result<Option<DockerCredentials>> {
        let project = grant.project();
        self.writer
            .write(move |unit| credentials::upgrade(unit, project, id, decide))
            .await
    }

    async fn stage_credentials(
        &self,
        grant: &Grant<Editor>,
        id: CredentialsId,
        decide: DecideUpgrade,
    ) -> Result<Option<CredentialsVersion>> {
        let project = grant.project();
        self.writer
            .write(move |unit| versions::stage(unit, project, id, decide))
            .await
    }

    async fn switch_credentials(
        &self,
        grant: &Grant<Editor>,
        id: CredentialsId,
        decide: DecideSwitch,
    ) -> Result<Option<DockerCredentials>> {
        let project = grant.project();
        self.writer
            .write(move |unit| versions::switch(unit, project, id, decide))
            .await
    }

    async fn destroy_version(
        &self,
        grant: &Grant<Editor>,
        id: CredentialsId,
        number: u32,
        describe: DescribeVersion,
    ) -> Result<bool> {
        let project = grant.project();
        self.writer
            .write(move |unit| versions::destroy(unit, project, id, number, describe))
            .await
    }

    async fn credentials_versions(
        &self,
        sight: &Sight,
        id: CredentialsId,
    ) -> Result<Vec<CredentialsVersion>> {
        let project = sight.project();
        self.readers
            .read(|db| snapshot(db, |db| versions::list(db, project, id)))
    }

    async fn delete_credentials(
        &self,
        grant: &Grant<Editor>,
        id: CredentialsId,
        force: bool,
        describe: DescribeDeletion,
    ) -> Result<bool> {
        let project = grant.project();
        self.writer
            .write(move |unit| credentials::delete(unit, project, id, force, describe))
            .await
    }

    async fn credentials_uses(
        &self,
        sight: &Sight,
        of: Option<CredentialsId>,
        since: Option<Day>,
    ) -> Result<Vec<CredentialsUse>> {
        let project = sight.project();
        if of.is_some() {
            return self.readers.read(|db| uses::list(db, project, of, since));
        }
        self.readers
            .scan(move |db| uses::list(db, project, None, since))
            .await
    }

    async fn workload_home(&self, kind: WorkloadKind, id: WorkloadId) -> Result<Option<ProjectId>> {
        self.readers.read(|db| workloads::home(db, kind, id))
    }

    async fn workloads(
        &self,
        grant: &Grant<Viewer>,
        kind: WorkloadKind,
        extent: Extent,
    ) -> Result<Vec<Workload>> {
        let project = grant.project();
        self.readers
            .scan(move |db| workloads::list(db, project, kind, extent))
            .await
    }

    async fn weigh_workloads(
        &self,
        grant: &Grant<Viewer>,
        list: WorkloadList,
        extent: Extent,
    ) -> Result<Weight> {
        let project = grant.project();
        self.readers
            .scan(move |db| workloads::weigh(db, project, list, extent))
            .await
    }

    async fn count_workloads(&self, grant: &Grant<Viewer>, kind: WorkloadKind) -> Result<u64> {
        self.readers
            .read(|db| workloads::count(db, grant.project(), kind))
    }

    async fn workloads_using(
        &self,
        grant: &Grant<Viewer>,
        kind: WorkloadKind,
        of: Option<CredentialsId>,
        extent: Extent,
    ) -> Result<Vec<Workload>> {
        let project = grant.project();
        self.readers
            .scan(move |db| workloads::using(db, project, kind, of, extent))
            .await
    }

    async fn workload(
        &self,
        grant: &Grant<Viewer>,
        kind: WorkloadKind,
        id: WorkloadId,
    ) -> Result<Option<Workload>> {
        self.readers
            .read(|db| workloads::get(db, grant.project(), kind, id))
    }

    async fn workload_versions(
        &self,
        grant: &Grant<Viewer>,
        id: WorkloadId,
        extent: Extent,
    ) -> Result<Vec<Version>> {
        let project = grant.project();
        self.readers
            .scan(move |db| workloads::versions(db, project, id, extent))
            .await
    }

    async fn create_workload(
        &self,
        grant: &Grant<Editor>,
        workload: Workload,
        event: AuditEvent,
    ) -> Result<()> {
        let project = grant.project();
        self.writer
            .write(move |unit| workloads::create(unit, project, &workload, &event))
            .await
    }

    async fn add_workload_version(
        &self,
        grant: &Grant<Editor>,
        kind: WorkloadKind,
        id: WorkloadId,
        decide: DecideVersion,
    ) -> Result<Option<Version>> {
        let project = grant.project();
        self.writer
            .write(move |unit| workloads::add_version(unit, project, kind, id, decide))
            .await
    }

    async fn roll_back_workload(
        &self,
        grant: &Grant<Editor>,
        kind: WorkloadKind,
        id: WorkloadId,
        version: u32,
        describe: DescribeWorkload,
    ) -> Result<Option<Workload>> {
        let project = grant.project();
        self.writer
            .write(move |unit| workloads::roll_back(unit, project, kind, id, version, describe))
            .await
    }

    async fn edit_workload(
        &self,
        grant: &Grant<Editor>,
        kind: WorkloadKind,
        id: WorkloadId,
        change: WorkloadChange,
        event: AuditEvent,
    ) -> Result<Option<Workload>> {
        let project = grant.project();
        self.writer
            .write(move |unit| workloads::edit(unit, project, kind, id, &change, &event))
            .await
    }

    async fn delete_workload(
        &self,
        grant: &Grant<Editor>,
        kind: WorkloadKind,
        id: WorkloadId,
        describe: DescribeWorkload,
    ) -> Result<Option<Workload>> {
        let project = grant.project();
        self.writer
            .write(move |unit| workloads::delete(unit, project, kind, id, describe))
            .await
    }

    async fn pins(&self, sight: &Sight, image: &RegistryKey) -> Result<Vec<Pin>> {
        self.readers
            .read(|db| workloads::pins(db, sight.project(), image))
    }

    async fn credentials_of_first(
        &self,
        sight: &Sight,
        keys: &[RegistryKey],
        limit: usize,
    ) -> Result<Vec<DockerCredentials>> {
        self.readers
            .read(|db| credentials::of_first(db, sight.project(), keys, limit))
    }

    async fn credentials_near(
        &self,
        sight: &Sight,
        host: &str,
        limit: usize,
    ) -> Result<Vec<DockerCredentials>> {
        self.readers
            .read(|db| credentials::near(db, sight.project(), host, limit))
    }

    async fn sealed_password(
        &self,
        unsealing: &Unsealing,
        id: CredentialsId,
        version: Option<u32>,
    ) -> Result<Option<StoredPassword>> {
        let project = unsealing.project();
        self.readers.read(|db| match version {
            None => credentials::sealed_current(db, project, id),
            Some(number) => snapshot(db, |db| versions::sealed(db, project, id, number)),
        })
    }

    async fn pullers(&self, sight: &Sight, of: Option<CredentialsId>) -> Result<Vec<Puller>> {
        let project = sight.project();
        if of.is_some() {
            return self.readers.read(|db| uses::pullers(db, project, of));
        }
        self.readers
            .scan(move |db| uses::pullers(db, project, None))
            .await
    }

    async fn record_verification(
        &self,
        proving: &Proving,
        verification: Verification,
        decide: DecideProof,
    ) -> Result<Option<Recorded>> {
        let project = proving.project();
        self.writer
            .write(move |unit| verifications::record(unit, project, verification, decide))
            .await
    }

    async fn record_unsaved(&self, _: &Grant<Editor>, event: AuditEvent) -> Result<()> {
        self.writer.write(move |unit| unit.record(&event)).await
    }

    async fn verifications(
        &self,
        sight: &Sight,
        of: Option<CredentialsId>,
    ) -> Result<Vec<Verification>> {
        let project = sight.project();
        if of.is_some() {
            return self.readers.read(|db| verifications::list(db, project, of));
        }
        self.readers
            .scan(move |db| verifications::list(db, project, None))
            .await
    }

    async fn due_checks(
        &self,
        _: &ServiceGrant,
        now: Timestamp,
        except: HashSet<String>,
        limit: usize,
    ) -> Result<DueChecks> {
        self.readers
            .scan(move |db| checks::due(db, now, &except, limit))
            .await
    }

    async fn put_off_checks(
        &self,
        _: &ServiceGrant,
        account: LeftAlone,
        now: Timestamp,
    ) -> Result<()> {
        self.writer
            .write(move |unit| checks::put_off(unit.db, &account, now))
            .await
    }

    async fn claim_check(
        &self,
        _: &ServiceGrant,
        due: &DueCheck,
        again: Timestamp,
    ) -> Result<Option<StoredPassword>> {
        let due = due.clone();
        self.writer
            .write(move |unit| checks::claim(unit.db, &due, again))
            .await
    }

    async fn announce_expiries(
        &self,
        _: &ServiceGrant,
        now: Timestamp,
        limit: usize,
        decide: DecideExpiry,
    ) -> Result<Vec<Announced>> {
        self.writer
            .write(move |unit| checks::announce_expiries(unit, now, limit, &decide))
            .await
    }

    async fn next_delivery(&self, _: &ServiceGrant, target: &Target) -> Result<Option<Delivery>> {
        self.readers.read(|db| deliveries::next(db, target))
    }

    async fn put_off_delivery(
        &self,
        _: &ServiceGrant,
        id: DeliveryId,
        due: Timestamp,
    ) -> Result<()> {
        self.writer
            .write(move |unit| deliveries::put_off(unit.db, id, due))
            .await
    }

    async fn end_delivery(&self, _: &ServiceGrant, id: DeliveryId) -> Result<()> {
        self.writer
            .write(move |unit| deliveries::end(unit.db, id))
            .await
    }

    async fn forget_deliveries(&self, _: &ServiceGrant, but: Vec<Target>) -> Result<u64> {
        self.writer
            .write(move |unit| deliveries::forget(unit.db, &but))
            .await
    }

    async fn record_pull(
        &self,
        grant: &PullGrant,
        pull: PullRecord,
        event: AuditEvent,
    ) -> Result<PullRecorded> {
        let puller = By::of(grant);
        self.writer
            .write(move |unit| uses::record(unit, &puller, &pull, &event))
            .await
    }

    async fn sealed_passwords(
        &self,
        _: &AdminGrant,
        after: Option<(ProjectId, CredentialsId, u32)>,
        limit: usize,
    ) -> Result<Vec<StoredPassword>> {
        self.readers
            .scan(move |db| credentials::sealed(db, after, limit))
            .await
    }

    async fn audit_streams(&self) -> Result<Vec<(u32, Option<ChainHead>)>> {
        self.readers.read(|db| audit::streams(db, self.stream))
    }

    async fn audit_rows(&self, stream: u32, after: u64, limit: usize) -> Result<Vec<AuditRow>> {
        self.readers
            .scan(move |db| audit::rows(db, stream, after, limit))
            .await
    }

    async fn ready(&self) -> Result<()> {
        if !self.writer.alive() {
            return Err(closed());
        }
        self.readers.read(|db| {
            first(
                db,
                "installation",
                "SELECT id FROM installation",
                [],
                |_| Ok(()),
            )
            .map(drop)
        })
    }

    async fn close(&self) {
        self.readers.close();
        self.writer.close().await;
    }
}

/// So many rows are read where they are asked for; more would hold others up.
const FEW: usize = 500;
