//! Each method of the store, called on what a large installation holds.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

use regcred_core::access::{
    self, Caller, Editor, Grant, Manager, Principal, PullGrant, Right, Rights, Role,
    TokenPrincipal, Viewer,
};
use regcred_core::alert::{AlertKind, Announcement};
use regcred_core::credentials::Username;
use regcred_core::credentials::version::{CredentialsVersion, GracePeriod};
use regcred_core::ids::{CredentialsId, ProjectId, TokenId, UserId, WorkloadId};
use regcred_core::people::{Account, GroupName, Login};
use regcred_core::project::{Project, ProjectName, TECHNOLOGIES, Technologies};
use regcred_core::random::SystemRandom;
use regcred_core::registry::{PullTarget, Registry};
use regcred_core::store::{
    DecideExpiry, DecideProof, DecideSwitch, DecideUpgrade, GroupRole, NewToken, NewUser,
    ProjectChange, ProjectScope, PullRecord, PullRecorded, ServiceToken, Switch, Upgrade,
    UserChange, WorkloadChange,
};
use regcred_core::token::TokenKind;
use regcred_core::verification::{
    Consequence, Counts, LeftAlone, ProofDecision, SavingPolicy, Verdict, Verification,
};
use regcred_core::webhook::Target;
use regcred_core::workload::{
    Extent, PinnedImage, Settings, Texts, Version, VersionDetails, Workload, WorkloadKind,
    WorkloadList, WorkloadName,
};
use regcred_core::{Day, Timestamp};

use crate::fixture::{Fixture, User, by_itself, event, now, operator, request, sealed};
use crate::told;

/// Somebody who may do everything in a project that was filled in, and the names of the methods that were called.
pub(crate) struct Calls<'a> {
    fixture: &'a Fixture,
    admin: User,
    called: BTreeSet<&'static str>,
}

/// Calls a method of the store; the plans of its statements are told of it.
macro_rules! call {
    ($calls:ident.$method:ident($($given:expr),* $(,)?)) => {{
        told::of(stringify!($method));
        let answer = $calls.fixture.store.$method($($given),*).await;
        told::of(told::BEFORE);
        $calls.called.insert(stringify!($method));
        answer
    }};
}

impl<'a> Calls<'a> {
    /// On one of the projects; what is in it is changed, and in the end it is gone.
    pub(crate) async fn new(fixture: &'a Fixture) -> Self {
        let admin = fixture.user_or_error("admin", &["admins"], true).await;
        Self {
            fixture,
            admin: admin.unwrap(),
            called: BTreeSet::new(),
        }
    }

    /// Calls all of them; their names.
    pub(crate) async fn all(mut self) -> BTreeSet<&'static str> {
        self.of_people().await;
        self.of_sessions().await;
        self.of_projects().await;
        self.of_tokens().await;
        self.of_credentials().await;
        self.of_versions().await;
        self.of_proofs().await;
        self.of_what_is_done_by_itself().await;
        self.of_workloads().await;
        self.of_pulls().await;
        self.of_the_whole().await;
        self.that_end_something().await;
        self.called
    }

    async fn of_people(&mut self) {
        let user = UserId::generate(now(), &SystemRandom).unwrap();
        let login = Login::parse("new").unwrap();
        let account = Account {
            id: user,
            login: login.clone(),
            admin: true,
            groups: vec![GroupName::parse("group-7").unwrap()],
            created: now(),
        };
        let password = self.fixture.sealed(b"not looked at");
        let new = NewUser { account, password };
        call!(self.create_user(&operator(), new, event("user"))).unwrap();
        assert!(call!(self.user_secret(&login)).unwrap().is_some());
        assert!(call!(self.anybody()).unwrap());
        assert!(call!(self.users(&operator())).unwrap().len() > 10_000);
        assert!(call!(self.user(&operator(), &login)).unwrap().is_some());
        let change = UserChange {
            admin: Some(false),
            groups: Some(vec![GroupName::parse("group-8").unwrap()]),
        };
        assert!(call!(self.update_user(&operator(), user, change, event("user"))).unwrap());
        let password = self.fixture.sealed(b"not looked at");
        let replaced = call!(self.replace_password(user, 1, password, event("password")));
        assert!(replaced.unwrap());
        assert!(call!(self.delete_user(&operator(), user, event("user"))).unwrap());
        // One that has sessions, groups and projects.
        let filled = UserId::from_bytes(id(NUMBER));
        assert!(call!(self.delete_user(&operator(), filled, event("user"))).unwrap());
    }

    async fn of_sessions(&mut self) {
        let session = self.fixture.session(&self.admin, now());
        let id = session.id;
        call!(self.open_session(session, event("session"))).unwrap();
        assert!(call!(self.session(id)).unwrap().is_some());
        let later = now().plus(Duration::from_secs(1));
        call!(self.touch_session(id, later)).unwrap();
        let grant = self.admin.grant();
        assert!(call!(self.end_session(&grant, id, event("session"))).unwrap());
        let idle_since = Timestamp::from_micros(now().as_micros() - 3_600_000_000);
        call!(self.purge_expired(now(), idle_since)).unwrap();
    }

    async fn of_projects(&mut self) {
        let project = project();
        call!(self.standing(self.admin.id, project)).unwrap();
        let name = ProjectName::parse(format!("Project {NUMBER}")).unwrap();
        assert_eq!(call!(self.project_named(&name)).unwrap(), Some(project));
        call!(self.projects(ProjectScope::All)).unwrap();
        let theirs = ProjectScope::Of(UserId::from_bytes(id(77)));
        assert!(call!(self.projects(theirs)).unwrap().len() > 100);
        let these = ProjectScope::These(vec![project, ProjectId::from_bytes(id(88))]);
        assert_eq!(call!(self.projects(these)).unwrap().len(), 2);
        let (viewer, manager) = (self.viewer().await, self.manager().await);
        assert!(call!(self.project(&viewer)).unwrap().is_some());
        let new = Project {
            id: ProjectId::generate(now(), &SystemRandom).unwrap(),
            name: ProjectName::parse("New".to_owned()).unwrap(),
            creator: "admin".to_owned(),
            description: None,
            technologies: Technologies::default(),
            deletes_credentials_in_use: false,
            grace_period: GracePeriod::default(),
            verify_before_saving: SavingPolicy::default(),
        };
        let groups = vec![GroupRole {
            group: GroupName::parse("group-9").unwrap(),
            role: Role::Viewer,
        }];
        let grant = self.admin.grant();
        let made = call!(self.create_project(&grant, new, groups.clone(), event("project")));
        made.unwrap();
        let change = ProjectChange {
            name: Some(ProjectName::parse("Renamed".to_owned()).unwrap()),
            groups: Some(groups),
            ..ProjectChange::default()
        };
        assert!(
            call!(self.edit_project(&manager, change, event("project")))
                .unwrap()
                .is_some()
        );
        assert_eq!(call!(self.group_roles(&manager)).unwrap().len(), 1);
        assert!(!call!(self.members(&manager)).unwrap().is_empty());
        let login = Login::parse("user-99").unwrap();
        let set = call!(self.set_member(&manager, &login, Role::Editor, event("member")));
        assert!(set.unwrap());
        assert!(call!(self.remove_member(&manager, &login, event("member"))).unwrap());
    }

    async fn of_tokens(&mut self) {
        let keys = self.fixture.keys.token_key();
        let minted = keys.mint(TokenKind::Service, now(), &SystemRandom).unwrap();
        let token = ServiceToken {
            id: minted.id,
            name: "ci".to_owned(),
            projects: vec![project()],
            rights: Rights::new(vec![Right::Pull]).unwrap(),
            creator: "admin".to_owned(),
            created: now(),
            expires: now().plus(Duration::from_hours(24)),
        };
        let new = NewToken {
            token,
            mac: minted.mac,
        };
        let manager = [self.manager().await];
        call!(self.create_token(&manager, new, event("token"))).unwrap();
        assert_eq!(call!(self.tokens(&manager[0])).unwrap().len(), 2);
        assert!(call!(self.token_secret(minted.id)).unwrap().is_some());
        let revoked = call!(self.revoke_token(&manager[0], minted.id, event("token")));
        assert!(revoked.unwrap());
    }

    async fn of_credentials(&mut self) {
        let (viewer, editor) = (self.viewer().await, self.editor().await);
        let (sight, filled) = (viewer.sight(), credentials(0));
        assert_eq!(call!(self.list_credentials(&sight)).unwrap().len(), 10);
        assert!(call!(self.credentials(&sight, filled)).unwrap().is_some());
        let mut new = self.fixture.credentials(project(), Some("h.x"), "new");
        new.credentials.expires = Some(now().plus(Duration::from_hours(24 * 300)));
        new.proof = Some(proof(new.credentials.id, 1));
        call!(self.create_credentials(&editor, new, event("create"))).unwrap();
        let new = self.fixture.credentials(project(), Some("h.x"), "unproved");
        call!(self.create_credentials(&editor, new, event("create"))).unwrap();
        let taken = self.fixture.credentials(project(), Some("h.x"), "new");
        call!(self.create_credentials(&editor, taken, event("create"))).unwrap_err();
        let upgraded = call!(self.upgrade_credentials(&editor, filled, self.next("upgraded")));
        assert!(upgraded.unwrap().is_some());
        let since = Some(Day::from_number(0));
        call!(self.credentials_uses(&sight, Some(filled), since)).unwrap();
        let uses = call!(self.credentials_uses(&sight, None, since)).unwrap();
        assert!(!uses.is_empty());
        call!(self.pullers(&sight, Some(filled))).unwrap();
        assert!(!call!(self.pullers(&sight, None)).unwrap().is_empty());
    }

    async fn of_versions(&mut self) {
        let (viewer, editor) = (self.viewer().await, self.editor().await);
        let (sight, filled) = (viewer.sight(), credentials(9));
        for name in ["staged", "staged-again"] {
            let staged = call!(self.stage_credentials(&editor, filled, self.next(name)));
            assert!(staged.unwrap().is_some());
        }
        let versions = call!(self.credentials_versions(&sight, filled)).unwrap();
        assert_eq!(versions.len(), 3);
        let to = versions[0].number;
        let decide: DecideSwitch = Box::new(move |present| {
            let at = now();
            Ok(Switch {
                to,
                at,
                hold_until: present.grace.end(at),
                event: event("switch"),
            })
        });
        let switched = call!(self.switch_credentials(&editor, filled, decide)).unwrap();
        assert!(switched.is_some());
        let describe = Box::new(|_: &CredentialsVersion| event("destroy"));
        assert!(call!(self.destroy_version(&editor, filled, 1, describe)).unwrap());
        let unsealing = editor.unsealing();
        let sealed = call!(self.sealed_password(&unsealing, filled, None)).unwrap();
        assert!(sealed.is_some());
        let sealed = call!(self.sealed_password(&unsealing, filled, Some(2))).unwrap();
        assert!(sealed.is_some());
        let held = call!(self.sealed_versions(&unsealing, filled, now())).unwrap();
        assert_eq!(held.len(), versions.len() - 1);
    }

    async fn of_proofs(&mut self) {
        let editor = self.editor().await;
        let (sight, filled) = (editor.sight(), credentials(0));
        let target = [Target::of("https://one.x/")];
        let kind = AlertKind::Rejected;
        let told = Announcement::new(kind, None, now(), &target, &SystemRandom).unwrap();
        let decide: DecideProof = Box::new(move |_| {
            Ok(ProofDecision {
                event: event("verify"),
                consequence: Some(Consequence {
                    due: now(),
                    counts: Counts::default(),
                    expires: Some(now()),
                    announcement: Some(told.clone()),
                }),
            })
        });
        let proving = editor.proving();
        let recorded = call!(self.record_verification(&proving, proof(filled, 2), decide));
        assert_eq!(
            recorded
                .unwrap()
                .unwrap()
                .announced
                .unwrap()
                .alert
                .jobs
                .count,
            1
        );
        call!(self.record_unsaved(&editor, event("unsaved"))).unwrap();
        assert!(
            !call!(self.verifications(&sight, Some(filled)))
                .unwrap()
                .is_empty()
        );
        assert!(!call!(self.verifications(&sight, None)).unwrap().is_empty());
    }

    async fn of_what_is_done_by_itself(&mut self) {
        let none = HashSet::new();
        let due = call!(self.due_checks(by_itself(), now(), none, 100)).unwrap();
        let [first, second, ..] = due.checks.as_slice() else {
            panic!("nothing is due");
        };
        let again = now().plus(Duration::from_hours(2));
        let claimed = call!(self.claim_check(by_itself(), first, again));
        assert!(claimed.unwrap().is_some());
        let account = LeftAlone {
            host: second.host.clone(),
            username: second.username.clone(),
            until: again,
            refused: Some((second.credentials, second.version)),
        };
        call!(self.put_off_checks(by_itself(), account, now())).unwrap();
        let targets = [Target::of("https://one.x/")];
        let tell: DecideExpiry = Box::new(move |_| {
            let kind = AlertKind::Expired;
            let told = Announcement::new(kind, None, now(), &targets, &SystemRandom)?;
            Ok((told, None))
        });
        let announced = call!(self.announce_expiries(by_itself(), now(), 10, tell)).unwrap();
        assert!(!announced.is_empty(), "that of the proof");
        let target = Target::of("https://one.x/");
        let delivery = call!(self.next_delivery(by_itself(), &target))
            .unwrap()
            .unwrap();
        call!(self.put_off_delivery(by_itself(), delivery.id, again)).unwrap();
        call!(self.end_delivery(by_itself(), delivery.id)).unwrap();
        let but = (0..3)
            .map(|n| Target::from_stored(format!("target-{n}")))
            .collect();
        assert!(call!(self.forget_deliveries(by_itself(), but)).unwrap() > 0);
    }

    async fn of_workloads(&mut self) {
        let (kind, id) = (WorkloadKind::Job, WorkloadId::from_bytes(id(NUMBER)));
        let (viewer, editor) = (self.viewer().await, self.editor().await);
        let of = Some(credentials(0));
        let extent = Extent {
            limit: 100,
            texts: Texts::ALL,
        };
        let home = call!(self.workload_home(kind, id)).unwrap();
        assert_eq!(home, Some(project()));
        assert_eq!(
            call!(self.workloads(&viewer, kind, extent)).unwrap().len(),
            1
        );
        for list in [
            WorkloadList::All(kind),
            WorkloadList::Using(kind, None),
            WorkloadList::Using(kind, of),
            WorkloadList::Versions(id),
        ] {
            assert!(
                call!(self.weigh_workloads(&viewer, list, extent))
                    .unwrap()
                    .rows
                    > 0
            );
        }
        assert_eq!(call!(self.count_workloads(&viewer, kind)).unwrap(), 1);
        for of in [None, of] {
            let using = call!(self.workloads_using(&viewer, kind, of, extent));
            assert_eq!(using.unwrap().len(), 1);
        }
        assert!(call!(self.workload(&viewer, kind, id)).unwrap().is_some());
        let versions = call!(self.workload_versions(&viewer, id, extent));
        assert_eq!(versions.unwrap().len(), 2);
        let new = Workload {
            id: WorkloadId::generate(now(), &SystemRandom).unwrap(),
            kind,
            name: WorkloadName::parse("new".to_owned()).unwrap(),
            alias: None,
            description: None,
            category: "Processing".to_owned(),
            technology: TECHNOLOGIES[0].id,
            creator: "admin".to_owned(),
            created: now(),
            settings: Settings::default(),
            current: version(1, of),
        };
        call!(self.create_workload(&editor, new, event("workload"))).unwrap();
        let decide = Box::new(move |number| (version(number, of), event("version")));
        let added = call!(self.add_workload_version(&editor, kind, id, decide));
        assert_eq!(added.unwrap().unwrap().number, 3);
        let describe = Box::new(|_: &Workload| event("rollback"));
        let back = call!(self.roll_back_workload(&editor, kind, id, 2, describe));
        assert!(back.unwrap().is_some());
        let change = WorkloadChange {
            name: Some(WorkloadName::parse("renamed".to_owned()).unwrap()),
            ..WorkloadChange::default()
        };
        let edited = call!(self.edit_workload(&editor, kind, id, change, event("edit")));
        assert!(edited.unwrap().is_some());
        let key = PullTarget::image("docker.io/library/app").unwrap().key();
        assert_eq!(call!(self.pins(&viewer.sight(), &key)).unwrap().len(), 1);
    }

    async fn of_pulls(&mut self) {
        let grant = self.puller().await;
        let (sight, image) = (grant.sight(), PullTarget::image("library/app").unwrap());
        let keys: Vec<_> = image.covering().collect();
        let found = call!(self.credentials_of_first(&sight, &keys, 10)).unwrap();
        assert!(!found.is_empty());
        let unsealing = grant.unsealing();
        let sealed = call!(self.sealed_of_first(&unsealing, &keys, 10)).unwrap();
        assert_eq!(sealed.len(), found.len());
        // As many as are read together where many pull at once.
        let many = (0..40).map(|number| Registry::parse(Some(format!("h{number}.x"))).unwrap());
        let many: Vec<_> = many.map(|registry| registry.key().clone()).collect();
        let none = call!(self.sealed_of_first(&unsealing, &many, 10)).unwrap();
        assert!(none.is_empty());
        assert!(
            !call!(self.credentials_near(&sight, "docker.io", 10))
                .unwrap()
                .is_empty()
        );
        // The first time with a target that is new, and again.
        for _ in 0..2 {
            let pull = PullRecord {
                credentials: found[0].id,
                version: found[0].version,
                target: image.key(),
                at: now(),
            };
            let recorded = call!(self.record_pull(&grant, pull, event("pull"))).unwrap();
            assert_eq!(recorded, PullRecorded::Written);
        }
    }

    async fn of_the_whole(&mut self) {
        let mut after = None;
        for _ in 0..2 {
            let sealed = call!(self.sealed_passwords(&operator(), after, 100)).unwrap();
            let last = sealed.last().unwrap();
            after = Some((last.project, last.credentials.id, last.credentials.version));
        }
        assert_eq!(call!(self.audit_streams()).unwrap().len(), 2);
        assert_eq!(call!(self.audit_rows(2, 500_000, 100)).unwrap().len(), 100);
        let store = Arc::clone(&self.fixture.store);
        let _ = (store.leads(), store.forgets_after());
        self.called.extend(["leads", "forgets_after"]);
        // Whoever has seen another number hears of it at once.
        call!(self.changed_elsewhere(u64::MAX));
        call!(self.tell_others("nothing".to_owned()));
        // Nobody else is there to say something.
        let quiet = Duration::from_millis(10);
        let told = tokio::time::timeout(quiet, store.told_elsewhere());
        assert!(told.await.is_err());
        self.called.insert("told_elsewhere");
        call!(self.ready()).unwrap();
    }

    async fn that_end_something(&mut self) {
        let (editor, manager) = (self.editor().await, self.manager().await);
        let filled = credentials(0);
        let describe = || Box::new(|_: &_, _| event("delete"));
        let in_use = call!(self.delete_credentials(&editor, filled, false, describe()));
        in_use.unwrap_err();
        assert!(call!(self.delete_credentials(&editor, filled, true, describe())).unwrap());
        let (kind, id) = (WorkloadKind::Job, WorkloadId::from_bytes(id(NUMBER)));
        let describe = Box::new(|_: &Workload| event("delete"));
        let gone = call!(self.delete_workload(&editor, kind, id, describe));
        assert!(gone.unwrap().is_some());
        assert!(call!(self.delete_project(&manager, event("project"))).unwrap());
        call!(self.close());
    }

    async fn viewer(&self) -> Grant<Viewer> {
        self.fixture.grant(&self.admin, project()).await
    }

    async fn editor(&self) -> Grant<Editor> {
        self.fixture.grant(&self.admin, project()).await
    }

    async fn manager(&self) -> Grant<Manager> {
        self.fixture.grant(&self.admin, project()).await
    }

    /// By the token that was filled in.
    async fn puller(&self) -> PullGrant {
        let token = TokenPrincipal {
            id: TokenId::from_bytes(id(NUMBER)),
            name: "ci".to_owned(),
            projects: vec![project()],
            rights: Rights::new(vec![Right::Pull]).unwrap(),
        };
        let caller = Caller {
            principal: Principal::Token(token),
            request: request(),
        };
        let store = self.fixture.store.as_ref();
        let grant = access::check_pull(store, &caller, project()).await;
        grant.unwrap()
    }

    /// The next version, of a username.
    fn next(&self, username: &str) -> DecideUpgrade {
        let username = Username::parse(username.to_owned()).unwrap();
        let keys = Arc::clone(&self.fixture.keys);
        Box::new(move |present| {
            let at = now();
            Ok(Upgrade {
                registry: Registry::parse(Some("h.x".to_owned())).unwrap(),
                username: username.clone(),
                version: present.next,
                at,
                expires: None,
                password: sealed(&keys, b"new"),
                probe: None,
                secret: present.next,
                proof: Some(proof(present.row.id, present.next)),
                hold_until: present.grace.end(at),
                event: event("upgrade"),
            })
        })
    }
}

fn project() -> ProjectId {
    ProjectId::from_bytes(id(NUMBER))
}

/// One of the ten that were filled in.
fn credentials(place: u32) -> CredentialsId {
    CredentialsId::from_bytes(id(NUMBER + 100_000 * place))
}

fn id(number: u32) -> [u8; 16] {
    u128::from(number).to_be_bytes()
}

fn proof(credentials: CredentialsId, version: u32) -> Verification {
    Verification {
        credentials,
        version,
        verdict: Verdict::Ok,
        probed: false,
        at: now(),
    }
}

fn version(number: u32, of: Option<CredentialsId>) -> Version {
    Version {
        number,
        creator: "admin".to_owned(),
        created: now(),
        image: Some(PinnedImage::parse("library/app:1".to_owned(), of).unwrap()),
        details: VersionDetails::default(),
    }
}

/// That of the project, its token, its job and its first credentials, among those that there are.
const NUMBER: u32 = 1;
