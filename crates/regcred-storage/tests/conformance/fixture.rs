//! A fresh store, and people who use it.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use regcred_core::access::{
    self, AdminGrant, Caller, Editor, Grant, Level, Manager, Principal, PullGrant, RequestId,
    Right, Rights, ServiceGrant, TokenPrincipal, UserGrant, UserPrincipal, Viewer,
};
use regcred_core::audit::{Action, AuditEvent, Walk};
use regcred_core::clock::SystemClock;
use regcred_core::credentials::version::GracePeriod;
use regcred_core::credentials::{self, DockerCredentials, Username};
use regcred_core::ids::{CredentialsId, ProjectId, TokenId, UserId};
use regcred_core::people::{Account, GroupName, Login};
use regcred_core::project::{Project, ProjectName, Technologies};
use regcred_core::random::SystemRandom;
use regcred_core::registry::Registry;
use regcred_core::sealing::{Kek, KeyRing, SealedRecord};
use regcred_core::store::{GroupRole, NewCredentials, NewSession, NewUser, Store};
use regcred_core::token::TokenKind;
use regcred_core::verification::SavingPolicy;
use regcred_core::{Clock as _, Result, Timestamp};
use regcred_storage::{PostgresStore, SqliteOptions, SqliteStore};
use tempfile::TempDir;

use crate::scratch::Scratch;

/// A store, its keys, and a way to close and open it again.
pub(crate) struct Fixture {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) keys: Arc<KeyRing>,
    kek: Kek,
    place: Place,
}

/// Where a store lies.
enum Place {
    Sqlite(TempDir),
    Postgres(Scratch),
}

pub(crate) fn sqlite() -> Fixture {
    Fixture::open(Place::Sqlite(TempDir::new().unwrap()), fresh_kek())
}

pub(crate) async fn postgres() -> Fixture {
    Fixture::open(Place::Postgres(Scratch::make().await), fresh_kek())
}

fn fresh_kek() -> Kek {
    Kek::parse(Kek::generate(&SystemRandom).unwrap().expose()).unwrap()
}

impl Place {
    fn open(&self, kek: &Kek) -> (Arc<dyn Store>, Arc<KeyRing>) {
        match self {
            Self::Sqlite(directory) => {
                let options = SqliteOptions::new(directory.path());
                let opened = SqliteStore::open(&options, kek, &SystemClock, &SystemRandom);
                let (store, keys) = opened.unwrap();
                (Arc::new(store), keys)
            }
            Self::Postgres(scratch) => {
                let options = scratch.options();
                let opened = PostgresStore::open(&options, kek, &SystemClock, &SystemRandom);
                let (store, keys) = opened.unwrap();
                (Arc::new(store), keys)
            }
        }
    }

    async fn run(&self, sql: &str) {
        match self {
            Self::Sqlite(directory) => {
                let database = directory.path().join("regcred.db");
                let database = rusqlite::Connection::open(database).unwrap();
                database.execute_batch(sql).unwrap();
                // The store sees after a moment what another one wrote.
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Self::Postgres(scratch) => {
                let client = scratch.client().await;
                client.batch_execute(sql).await.unwrap();
            }
        }
    }
}

/// A user with a session, and what the access check lets it do.
pub(crate) struct User {
    pub(crate) id: UserId,
    pub(crate) login: Login,
    pub(crate) caller: Caller,
}

impl User {
    pub(crate) fn grant(&self) -> UserGrant {
        access::as_user(&self.caller).unwrap()
    }
}

impl Fixture {
    fn open(place: Place, kek: Kek) -> Self {
        let (store, keys) = place.open(&kek);
        Self {
            store,
            keys,
            kek,
            place,
        }
    }

    /// As if each project had so many versions of jobs and apps.
    pub(crate) async fn count_versions(&self, versions: u32) {
        let sql = format!("UPDATE project SET workload_versions = {versions}");
        self.run(&sql).await;
    }

    /// Runs statements on the database, behind the store's back.
    pub(crate) async fn run(&self, sql: &str) {
        self.place.run(sql).await;
    }

    /// Closes the store and opens it again, as a restart does.
    pub(crate) async fn reopened(self) -> Self {
        let Self {
            store, kek, place, ..
        } = self;
        store.close().await;
        drop(store);
        Self::open(place, kek)
    }

    pub(crate) async fn user(&self, login: &str, groups: &[&str]) -> User {
        self.user_or_error(login, groups, false).await.unwrap()
    }

    pub(crate) async fn user_or_error(
        &self,
        login: &str,
        groups: &[&str],
        admin: bool,
    ) -> Result<User> {
        let id = UserId::generate(now(), &SystemRandom)?;
        let login = Login::parse(login)?;
        let account = Account {
            id,
            login: login.clone(),
            admin,
            groups: groups
                .iter()
                .map(|name| GroupName::parse(name).unwrap())
                .collect(),
            created: now(),
        };
        let password = self.sealed(b"not looked at");
        self.store
            .create_user(&operator(), NewUser { account, password }, event("user"))
            .await?;
        let session = TokenId::generate(now(), &SystemRandom)?;
        let principal = Principal::User(UserPrincipal {
            id,
            login: login.clone(),
            admin,
            session,
        });
        Ok(User {
            id,
            login,
            caller: Caller {
                principal,
                request: request(),
            },
        })
    }

    /// A session to open for `user`.
    pub(crate) fn session(&self, user: &User, created: Timestamp) -> NewSession {
        let token = self
            .keys
            .token_key()
            .mint(TokenKind::Session, created, &SystemRandom)
            .unwrap();
        NewSession {
            id: token.id,
            mac: token.mac,
            user: user.id,
            password_version: 1,
            created,
            expires: Timestamp::from_micros(created.as_micros() + 1_000),
        }
    }

    pub(crate) async fn project(&self, maker: &User, name: &str) -> ProjectId {
        self.project_or_error(maker, name, Vec::new())
            .await
            .unwrap()
    }

    pub(crate) async fn project_or_error(
        &self,
        maker: &User,
        name: &str,
        groups: Vec<GroupRole>,
    ) -> Result<ProjectId> {
        let id = ProjectId::generate(now(), &SystemRandom)?;
        let project = Project {
            id,
            name: ProjectName::parse(name.to_owned())?,
            creator: maker.login.as_str().to_owned(),
            description: None,
            technologies: Technologies::default(),
            deletes_credentials_in_use: false,
            grace_period: GracePeriod::default(),
            verify_before_saving: SavingPolicy::default(),
        };
        self.store
            .create_project(&maker.grant(), project, groups, event("project"))
            .await
            .map(|()| id)
    }

    pub(crate) async fn grant<L: Level>(&self, user: &User, project: ProjectId) -> Grant<L> {
        access::check(self.store.as_ref(), &user.caller, project)
            .await
            .unwrap()
    }

    pub(crate) async fn viewer(&self, user: &User, project: ProjectId) -> Grant<Viewer> {
        self.grant(user, project).await
    }

    pub(crate) async fn editor(&self, user: &User, project: ProjectId) -> Grant<Editor> {
        self.grant(user, project).await
    }

    pub(crate) async fn manager(&self, user: &User, project: ProjectId) -> Grant<Manager> {
        self.grant(user, project).await
    }

    /// A new service token that may pull in `project`, which `user` manages.
    pub(crate) async fn puller(&self, user: &User, name: &str, project: ProjectId) -> PullGrant {
        let token = TokenPrincipal {
            id: crate::tokens::create(self, user, &[project]).await,
            name: name.to_owned(),
            projects: vec![project],
            rights: Rights::new(vec![Right::Pull]).unwrap(),
        };
        let caller = Caller {
            principal: Principal::Token(token),
            request: request(),
        };
        access::check_pull(self.store.as_ref(), &caller, project)
            .await
            .unwrap()
    }

    /// Credentials to add to `project`.
    pub(crate) fn credentials(
        &self,
        project: ProjectId,
        registry: Option<&str>,
        username: &str,
    ) -> NewCredentials {
        let credentials = DockerCredentials {
            id: CredentialsId::generate(now(), &SystemRandom).unwrap(),
            registry: Registry::parse(registry.map(str::to_owned)).unwrap(),
            username: Username::parse(username.to_owned()).unwrap(),
            version: 1,
            last_update: now(),
            expires: None,
            probe: None,
            secret: 1,
        };
        let binding = credentials::binding(
            &project,
            &credentials.id,
            1,
            &credentials.registry,
            &credentials.username,
        );
        let password = self.keys.seal(&binding, b"hunter2", &SystemRandom).unwrap();
        NewCredentials {
            credentials,
            password,
            proof: None,
        }
    }

    pub(crate) fn sealed(&self, plaintext: &[u8]) -> SealedRecord {
        sealed(&self.keys, plaintext)
    }

    /// The number of events, once the whole trail was verified.
    pub(crate) async fn events(&self) -> u64 {
        let mut events = 0;
        for (stream, head) in self.store.audit_streams().await.unwrap() {
            let rows = self.store.audit_rows(stream, 0, 100_000).await.unwrap();
            let mut walk = Walk::start(&self.keys, stream);
            walk.on(rows).unwrap();
            events += walk.end(head.as_ref()).unwrap();
        }
        events
    }
}

pub(crate) fn sealed(keys: &KeyRing, plaintext: &[u8]) -> SealedRecord {
    let binding = regcred_core::sealing::Binding {
        table: "t",
        column: "c",
        project: &[],
        row: &[],
        version: 1,
        registry_key: "",
        username: "",
    };
    keys.seal(&binding, plaintext, &SystemRandom).unwrap()
}

pub(crate) fn now() -> Timestamp {
    SystemClock.now()
}

pub(crate) fn operator() -> AdminGrant {
    AdminGrant::for_operator(request())
}

/// What the service does by itself.
pub(crate) fn by_itself() -> &'static ServiceGrant {
    static GRANT: LazyLock<ServiceGrant> = LazyLock::new(|| ServiceGrant::for_itself(request()));
    &GRANT
}

pub(crate) fn request() -> RequestId {
    RequestId::generate(&SystemRandom).unwrap()
}

/// An event that names itself.
pub(crate) fn event(what: &str) -> AuditEvent {
    operator().event(
        now(),
        Action::SessionEnded {
            session: what.to_owned(),
        },
    )
}
