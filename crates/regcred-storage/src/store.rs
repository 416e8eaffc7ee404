//! The `Store`: each method one transaction, or one read.

use std::collections::HashSet;
use std::time::Duration;

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

use crate::backend::Backend;
use crate::sql::{Database, snapshot};
use crate::statements::uses::By;
use crate::statements::{
    checks, credentials, deliveries, people, projects, sessions, tokens, uses, verifications,
    versions, workloads,
};
use crate::trail;
use crate::unit::{Create, Key, Pull, Unit};

/// A store on a database that speaks SQL.
pub struct SqlStore<B> {
    backend: B,
}

impl<B> SqlStore<B> {
    pub(crate) fn new(backend: B) -> Self {
        Self { backend }
    }

    /// The database itself.
    pub(crate) fn backend(&self) -> &B {
        &self.backend
    }
}

#[async_trait]
impl<B: Backend> Store for SqlStore<B> {
    async fn create_user(&self, _: &AdminGrant, user: NewUser, event: AuditEvent) -> Result<()> {
        self.backend
            .write(Vec::new(), move |unit| people::create(unit, &user, &event))
            .await
    }

    async fn user_secret(&self, login: &Login) -> Result<Option<UserSecret>> {
        let login = login.clone();
        self.backend
            .read(move |db| people::secret(db, &login))
            .await
    }

    async fn anybody(&self) -> Result<bool> {
        self.backend.read(people::anybody).await
    }

    async fn users(&self, _: &AdminGrant) -> Result<Vec<Account>> {
        self.backend.scan(people::list).await
    }

    async fn user(&self, _: &AdminGrant, login: &Login) -> Result<Option<Account>> {
        let login = login.clone();
        self.backend.read(move |db| people::get(db, &login)).await
    }

    async fn update_user(
        &self,
        _: &AdminGrant,
        user: UserId,
        change: UserChange,
        event: AuditEvent,
    ) -> Result<bool> {
        self.backend
            .write(vec![Key::Admins, Key::User(user)], move |unit| {
                people::update(unit, user, &change, &event)
            })
            .await
    }

    async fn replace_password(
        &self,
        user: UserId,
        expected: u32,
        password: SealedRecord,
        event: AuditEvent,
    ) -> Result<bool> {
        self.backend
            .write(vec![Key::User(user)], move |unit| {
                people::replace_password(unit, user, expected, &password, &event)
            })
            .await
    }

    async fn delete_user(&self, _: &AdminGrant, user: UserId, event: AuditEvent) -> Result<bool> {
        self.backend
            .write(vec![Key::Admins, Key::User(user)], move |unit| {
                people::delete(unit, user, &event)
            })
            .await
    }

    async fn open_session(&self, session: NewSession, event: AuditEvent) -> Result<()> {
        self.backend
            .write(vec![Key::User(session.user)], move |unit| {
                sessions::open(unit, &session, &event)
            })
            .await
    }

    async fn session(&self, id: TokenId) -> Result<Option<Session>> {
        self.backend.read(move |db| sessions::get(db, id)).await
    }

    async fn touch_session(&self, id: TokenId, at: Timestamp) -> Result<()> {
        self.backend
            .write(Vec::new(), move |unit| sessions::touch(unit, id, at))
            .await
    }

    async fn end_session(&self, grant: &UserGrant, id: TokenId, event: AuditEvent) -> Result<bool> {
        let user = grant.user().id;
        self.backend
            .write(Vec::new(), move |unit| {
                sessions::end(unit, user, id, &event)
            })
            .await
    }

    async fn purge_expired(&self, now: Timestamp, idle_since: Timestamp) -> Result<u64> {
        let mut ended = 0;
        // In many short transactions: others wait for each of them.
        loop {
            let purge = move |unit: &mut Unit<'_>| {
                let versions = versions::purge(unit, now, PURGED_AT_ONCE)?;
                let sessions = sessions::purge(unit, now, idle_since, PURGED_AT_ONCE)?;
                let tokens = tokens::purge(unit, now, PURGED_AT_ONCE)?;
                Ok([sessions, tokens, versions])
            };
            let removed = self.backend.write(Vec::new(), purge).await?;
            let [sessions, tokens, ..] = removed;
            ended += u64::try_from(sessions + tokens).unwrap_or(u64::MAX);
            if removed
                .iter()
                .all(|removed| *removed < PURGED_AT_ONCE as usize)
            {
                return Ok(ended);
            }
        }
    }

    async fn standing(&self, user: UserId, project: ProjectId) -> Result<Standing> {
        self.backend
            .read(move |db| projects::standing(db, user, project))
            .await
    }

    async fn project_named(&self, name: &ProjectName) -> Result<Option<ProjectId>> {
        let name = name.clone();
        self.backend
            .read(move |db| projects::named(db, &name))
            .await
    }

    async fn projects(&self, scope: ProjectScope) -> Result<Vec<Project>> {
        self.backend
            .scan(move |db| projects::list(db, &scope))
            .await
    }

    async fn project(&self, grant: &Grant<Viewer>) -> Result<Option<Project>> {
        let project = grant.project();
        self.backend
            .read(move |db| projects::get(db, project))
            .await
    }

    async fn create_project(
        &self,
        grant: &UserGrant,
        project: Project,
        groups: Vec<GroupRole>,
        event: AuditEvent,
    ) -> Result<()> {
        let maker = grant.user().id;
        self.backend
            .write(Vec::new(), move |unit| {
                projects::create(unit, maker, &project, &groups, &event)
            })
            .await
    }

    async fn edit_project(
        &self,
        grant: &Grant<Manager>,
        change: ProjectChange,
        event: AuditEvent,
    ) -> Result<Option<Project>> {
        let project = grant.project();
        self.backend
            .write(vec![Key::Project(project)], move |unit| {
                projects::edit(unit, project, &change, &event)
            })
            .await
    }

    async fn delete_project(&self, grant: &Grant<Manager>, event: AuditEvent) -> Result<bool> {
        let project = grant.project();
        self.backend
            .write(vec![Key::Tokens, Key::Project(project)], move |unit| {
                projects::delete(unit, project, &event)
            })
            .await
    }

    async fn group_roles(&self, grant: &Grant<Manager>) -> Result<Vec<GroupRole>> {
        let project = grant.project();
        self.backend
            .read(move |db| projects::group_roles(db, project))
            .await
    }

    async fn members(&self, grant: &Grant<Manager>) -> Result<Vec<Member>> {
        let project = grant.project();
        self.backend
            .read(move |db| projects::members(db, project))
            .await
    }

    async fn set_member(
        &self,
        grant: &Grant<Manager>,
        login: &Login,
        role: Role,
        event: AuditEvent,
    ) -> Result<bool> {
        let (project, login) = (grant.project(), login.clone());
        self.backend
            .write(vec![Key::Project(project)], move |unit| {
                projects::set_member(unit, project, &login, role, &event)
            })
            .await
    }

    async fn remove_member(
        &self,
        grant: &Grant<Manager>,
        login: &Login,
        event: AuditEvent,
    ) -> Result<bool> {
        let (project, login) = (grant.project(), login.clone());
        self.backend
            .write(vec![Key::Project(project)], move |unit| {
                projects::remove_member(unit, project, &login, &event)
            })
            .await
    }

    async fn create_token(
        &self,
        _: &[Grant<Manager>],
        token: NewToken,
        event: AuditEvent,
    ) -> Result<()> {
        self.backend
            .write(vec![Key::Tokens], move |unit| {
                tokens::create(unit, &token, &event)
            })
            .await
    }

    async fn tokens(&self, grant: &Grant<Manager>) -> Result<Vec<ServiceToken>> {
        let project = grant.project();
        self.backend.read(move |db| tokens::list(db, project)).await
    }

    async fn token_secret(&self, id: TokenId) -> Result<Option<TokenSecret>> {
        self.backend.read(move |db| tokens::secret(db, id)).await
    }

    async fn revoke_token(
        &self,
        grant: &Grant<Manager>,
        id: TokenId,
        event: AuditEvent,
    ) -> Result<bool> {
        let project = grant.project();
        self.backend
            .write(Vec::new(), move |unit| {
                tokens::revoke(unit, project, id, &event)
            })
            .await
    }

    async fn list_credentials(&self, sight: &Sight) -> Result<Vec<DockerCredentials>> {
        let project = sight.project();
        let few = self
            .backend
            .read(move |db| credentials::list(db, project, FEW + 1))
            .await?;
        if few.len() <= FEW {
            return Ok(few);
        }
        self.backend
            .scan(move |db| credentials::list(db, project, usize::MAX))
            .await
    }

    async fn credentials(
        &self,
        sight: &Sight,
        id: CredentialsId,
    ) -> Result<Option<DockerCredentials>> {
        let project = sight.project();
        self.backend
            .read(move |db| credentials::get(db, project, id))
            .await
    }

    async fn create_credentials(
        &self,
        grant: &Grant<Editor>,
        new: NewCredentials,
        event: AuditEvent,
    ) -> Result<()> {
        let project = grant.project();
        let create = Create {
            project,
            new,
            event,
        };
        self.backend
            .carry_out(vec![Key::Project(project)], create)
            .await
    }

    async fn upgrade_credentials(
        &self,
        grant: &Grant<Editor>,
        id: CredentialsId,
        decide: DecideUpgrade,
    ) -> Result<Option<DockerCredentials>> {
        let project = grant.project();
        self.backend
            .write(vec![Key::Project(project)], move |unit| {
                credentials::upgrade(unit, project, id, &decide)
            })
            .await
    }

    async fn stage_credentials(
        &self,
        grant: &Grant<Editor>,
        id: CredentialsId,
        decide: DecideUpgrade,
    ) -> Result<Option<CredentialsVersion>> {
        let project = grant.project();
        self.backend
            .write(vec![Key::Project(project)], move |unit| {
                versions::stage(unit, project, id, &decide)
            })
            .await
    }

    async fn switch_credentials(
        &self,
        grant: &Grant<Editor>,
        id: CredentialsId,
        decide: DecideSwitch,
    ) -> Result<Option<DockerCredentials>> {
        let project = grant.project();
        self.backend
            .write(vec![Key::Project(project)], move |unit| {
                versions::switch(unit, project, id, &decide)
            })
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
        self.backend
            .write(vec![Key::Project(project)], move |unit| {
                versions::destroy(unit, project, id, number, &describe)
            })
            .await
    }

    async fn credentials_versions(
        &self,
        sight: &Sight,
        id: CredentialsId,
    ) -> Result<Vec<CredentialsVersion>> {
        let project = sight.project();
        self.backend
            .read(move |db| snapshot(db, |db| versions::list(db, project, id)))
            .await
    }

    async fn delete_credentials(
        &self,
        grant: &Grant<Editor>,
        id: CredentialsId,
        force: bool,
        describe: DescribeDeletion,
    ) -> Result<bool> {
        let project = grant.project();
        self.backend
            .write(vec![Key::Project(project)], move |unit| {
                credentials::delete(unit, project, id, force, &describe)
            })
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
            return self
                .backend
                .read(move |db| uses::list(db, project, of, since))
                .await;
        }
        self.backend
            .scan(move |db| uses::list(db, project, None, since))
            .await
    }

    async fn workload_home(&self, kind: WorkloadKind, id: WorkloadId) -> Result<Option<ProjectId>> {
        self.backend
            .read(move |db| workloads::home(db, kind, id))
            .await
    }

    async fn workloads(
        &self,
        grant: &Grant<Viewer>,
        kind: WorkloadKind,
        extent: Extent,
    ) -> Result<Vec<Workload>> {
        let project = grant.project();
        self.backend
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
        let few = Extent {
            limit: extent.limit.min(FEW + 1),
            ..extent
        };
        let weight = self
            .backend
            .read(move |db| workloads::weigh(db, project, list, few))
            .await?;
        if weight.rows <= FEW {
            return Ok(weight);
        }
        self.backend
            .scan(move |db| workloads::weigh(db, project, list, extent))
            .await
    }

    async fn count_workloads(&self, grant: &Grant<Viewer>, kind: WorkloadKind) -> Result<u64> {
        let project = grant.project();
        self.backend
            .read(move |db| workloads::count(db, project, kind))
            .await
    }

    async fn workloads_using(
        &self,
        grant: &Grant<Viewer>,
        kind: WorkloadKind,
        of: Option<CredentialsId>,
        extent: Extent,
    ) -> Result<Vec<Workload>> {
        let project = grant.project();
        let using = move |db: &dyn Database| workloads::using(db, project, kind, of, extent);
        if extent.limit <= FEW {
            return self.backend.read(using).await;
        }
        self.backend.scan(using).await
    }

    async fn workload(
        &self,
        grant: &Grant<Viewer>,
        kind: WorkloadKind,
        id: WorkloadId,
    ) -> Result<Option<Workload>> {
        let project = grant.project();
        self.backend
            .read(move |db| workloads::get(db, project, kind, id))
            .await
    }

    async fn workload_versions(
        &self,
        grant: &Grant<Viewer>,
        id: WorkloadId,
        extent: Extent,
    ) -> Result<Vec<Version>> {
        let project = grant.project();
        self.backend
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
        self.backend
            .write(vec![Key::Project(project)], move |unit| {
                workloads::create(unit, project, &workload, &event)
            })
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
        self.backend
            .write(vec![Key::Project(project)], move |unit| {
                workloads::add_version(unit, project, kind, id, &decide)
            })
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
        self.backend
            .write(vec![Key::Project(project)], move |unit| {
                workloads::roll_back(unit, project, kind, id, version, &describe)
            })
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
        self.backend
            .write(vec![Key::Project(project)], move |unit| {
                workloads::edit(unit, project, kind, id, &change, &event)
            })
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
        self.backend
            .write(vec![Key::Project(project)], move |unit| {
                workloads::delete(unit, project, kind, id, &describe)
            })
            .await
    }

    async fn pins(&self, sight: &Sight, image: &RegistryKey) -> Result<Vec<Pin>> {
        let (project, image) = (sight.project(), image.clone());
        self.backend
            .read(move |db| workloads::pins(db, project, &image))
            .await
    }

    async fn credentials_of_first(
        &self,
        sight: &Sight,
        keys: &[RegistryKey],
        limit: usize,
    ) -> Result<Vec<DockerCredentials>> {
        let (project, keys) = (sight.project(), keys.to_vec());
        self.backend
            .read(move |db| credentials::of_first(db, project, &keys, limit))
            .await
    }

    async fn sealed_of_first(
        &self,
        unsealing: &Unsealing,
        keys: &[RegistryKey],
        limit: usize,
    ) -> Result<Vec<StoredPassword>> {
        self.backend
            .sealed_of_first(unsealing.project(), keys.to_vec(), limit)
            .await
    }

    async fn credentials_near(
        &self,
        sight: &Sight,
        host: &str,
        limit: usize,
    ) -> Result<Vec<DockerCredentials>> {
        let (project, host) = (sight.project(), host.to_owned());
        self.backend
            .read(move |db| credentials::near(db, project, &host, limit))
            .await
    }

    async fn sealed_password(
        &self,
        unsealing: &Unsealing,
        id: CredentialsId,
        version: Option<u32>,
    ) -> Result<Option<StoredPassword>> {
        let project = unsealing.project();
        self.backend
            .read(move |db| match version {
                None => credentials::sealed_current(db, project, id),
                Some(number) => snapshot(db, |db| versions::sealed(db, project, id, number)),
            })
            .await
    }

    async fn sealed_versions(
        &self,
        unsealing: &Unsealing,
        id: CredentialsId,
        now: Timestamp,
    ) -> Result<Vec<StoredPassword>> {
        let project = unsealing.project();
        self.backend
            .read(move |db| versions::sealed_held(db, project, id, now))
            .await
    }

    async fn pullers(&self, sight: &Sight, of: Option<CredentialsId>) -> Result<Vec<Puller>> {
        let project = sight.project();
        if of.is_some() {
            return self
                .backend
                .read(move |db| uses::pullers(db, project, of))
                .await;
        }
        self.backend
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
        self.backend
            .write(vec![Key::Project(project)], move |unit| {
                verifications::record(unit, project, verification, &decide)
            })
            .await
    }

    async fn record_unsaved(&self, _: &Grant<Editor>, event: AuditEvent) -> Result<()> {
        self.backend
            .write(Vec::new(), move |unit| unit.record(&event))
            .await
    }

    async fn verifications(
        &self,
        sight: &Sight,
        of: Option<CredentialsId>,
    ) -> Result<Vec<Verification>> {
        let project = sight.project();
        if of.is_some() {
            return self
                .backend
                .read(move |db| verifications::list(db, project, of))
                .await;
        }
        self.backend
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
        self.backend
            .scan(move |db| checks::due(db, now, &except, limit))
            .await
    }

    async fn put_off_checks(
        &self,
        _: &ServiceGrant,
        account: LeftAlone,
        now: Timestamp,
    ) -> Result<()> {
        self.backend
            .write(Vec::new(), move |unit| {
                checks::put_off(unit.db, &account, now)
            })
            .await
    }

    async fn claim_check(
        &self,
        _: &ServiceGrant,
        due: &DueCheck,
        again: Timestamp,
    ) -> Result<Option<StoredPassword>> {
        let due = due.clone();
        self.backend
            .write(Vec::new(), move |unit| checks::claim(unit.db, &due, again))
            .await
    }

    async fn announce_expiries(
        &self,
        _: &ServiceGrant,
        now: Timestamp,
        limit: usize,
        decide: DecideExpiry,
    ) -> Result<Vec<Announced>> {
        self.backend
            .write(Vec::new(), move |unit| {
                checks::announce_expiries(unit, now, limit, &decide)
            })
            .await
    }

    async fn next_delivery(&self, _: &ServiceGrant, target: &Target) -> Result<Option<Delivery>> {
        let target = target.clone();
        self.backend
            .read(move |db| deliveries::next(db, &target))
            .await
    }

    async fn put_off_delivery(
        &self,
        _: &ServiceGrant,
        id: DeliveryId,
        due: Timestamp,
    ) -> Result<()> {
        self.backend
            .write(Vec::new(), move |unit| {
                deliveries::put_off(unit.db, id, due)
            })
            .await
    }

    async fn end_delivery(&self, _: &ServiceGrant, id: DeliveryId) -> Result<()> {
        self.backend
            .write(Vec::new(), move |unit| deliveries::end(unit.db, id))
            .await
    }

    async fn forget_deliveries(&self, _: &ServiceGrant, but: Vec<Target>) -> Result<u64> {
        self.backend
            .write(Vec::new(), move |unit| deliveries::forget(unit.db, &but))
            .await
    }

    async fn record_pull(
        &self,
        grant: &PullGrant,
        pull: PullRecord,
        event: AuditEvent,
    ) -> Result<PullRecorded> {
        let keys = vec![Key::Use(pull.credentials)];
        let by = By::of(grant);
        let record = pull;
        self.backend
            .carry_out(keys, Pull { by, record, event })
            .await
    }

    async fn sealed_passwords(
        &self,
        _: &AdminGrant,
        after: Option<(ProjectId, CredentialsId, u32)>,
        limit: usize,
    ) -> Result<Vec<StoredPassword>> {
        self.backend
            .scan(move |db| credentials::sealed(db, after, limit))
            .await
    }

    async fn audit_streams(&self) -> Result<Vec<(u32, Option<ChainHead>)>> {
        let own = self.backend.stream();
        self.backend.read(move |db| trail::streams(db, own)).await
    }

    async fn audit_rows(&self, stream: u32, after: u64, limit: usize) -> Result<Vec<AuditRow>> {
        self.backend
            .scan(move |db| trail::rows(db, stream, after, limit))
            .await
    }

    fn leads(&self) -> bool {
        self.backend.leads()
    }

    fn forgets_after(&self) -> Option<Duration> {
        self.backend.forgets_after()
    }

    async fn changed_elsewhere(&self, seen: u64) -> u64 {
        self.backend.changed_elsewhere(seen).await
    }

    async fn tell_others(&self, text: String) {
        self.backend.tell_others(text).await;
    }

    async fn told_elsewhere(&self) -> String {
        self.backend.told_elsewhere().await
    }

    async fn ready(&self) -> Result<()> {
        self.backend.ready().await
    }

    async fn close(&self) {
        self.backend.close().await;
    }
}

/// So many rows of a kind are removed in one transaction.
const PURGED_AT_ONCE: u32 = 2_000;
/// So many rows are read where they are asked for; more would hold others up.
const FEW: usize = 500;
