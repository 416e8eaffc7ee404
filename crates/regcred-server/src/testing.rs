//! What the tests of this crate share: a service on a real store with a clock that is set by hand, and a server of this machine.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use regcred_core::access::{AdminGrant, Caller, Principal, RequestId, UserPrincipal};
use regcred_core::credentials::{DockerCredentials, Username};
use regcred_core::ids::{ProjectId, TokenId};
use regcred_core::people::{Login, LoginPassword};
use regcred_core::project::{ProjectName, Technologies};
use regcred_core::registry::Registry;
use regcred_core::sealing::Kek;
use regcred_core::secret::RegistryPassword;
use regcred_core::service::{CreateCredentials, CreateProject, CreateUser, Service};
use regcred_core::store::Store;
use regcred_core::verification::Watch;
use regcred_core::webhook::Target;
use regcred_core::{Clock, Random, Result, Timestamp};
use regcred_registry::{Policy, Prover, SystemResolver};
use regcred_storage::{Durability, SqliteOptions, SqliteStore};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::alerts::Alerts;
use crate::app::Backend;
use crate::metrics::Metrics;

/// A clock that stands still until it is set.
pub(crate) struct HandSet(AtomicI64);

impl HandSet {
    pub(crate) fn set(&self, now: Timestamp) {
        self.0.store(now.as_micros(), Ordering::Relaxed);
    }
}

impl Clock for HandSet {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::Relaxed))
    }
}

/// The same numbers each time (`SplitMix64`).
struct Counted(AtomicU64);

impl Random for Counted {
    fn fill(&self, bytes: &mut [u8]) -> Result<()> {
        for part in bytes.chunks_mut(8) {
            let mut number = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            part.copy_from_slice(&(number ^ (number >> 31)).to_le_bytes()[..part.len()]);
        }
        Ok(())
    }
}

/// A service, with nothing that goes on by itself.
pub(crate) struct World {
    pub(crate) clock: Arc<HandSet>,
    pub(crate) backend: Arc<Backend>,
    pub(crate) metrics: Metrics,
    pub(crate) caller: Caller,
    pub(crate) project: ProjectId,
    _directory: TempDir,
}

impl World {
    /// Where these webhooks are told.
    pub(crate) async fn new(policy: Policy, webhooks: Vec<Target>) -> Self {
        let directory = TempDir::new().unwrap();
        let clock = Arc::new(HandSet(AtomicI64::new(1_800_000_000_000_000)));
        let random = Arc::new(Counted(AtomicU64::new(7)));
        let kek = Kek::parse(Kek::generate(random.as_ref()).unwrap().expose()).unwrap();
        // What is proved here is not what a power loss does.
        let options = SqliteOptions::new(directory.path()).durability(Durability::Normal);
        let opened = SqliteStore::open(&options, &kek, clock.as_ref(), random.as_ref());
        let (store, keys) = opened.unwrap();
        let store = Arc::new(store) as Arc<dyn Store>;
        let shared = Arc::clone(&clock) as Arc<dyn Clock>;
        let service = Service::new(store, keys, shared, random).unwrap();
        let service = Arc::new(service.watching(Watch {
            webhooks,
            ..Watch::default()
        }));
        let (caller, project) = furnish(&service).await;
        let metrics = Metrics::new().unwrap();
        let prover = Prover::new(policy, Arc::new(SystemResolver));
        let alerts = Alerts::new(metrics.clone());
        let backend = Arc::new(Backend::new(service, prover, alerts));
        Self {
            clock,
            backend,
            metrics,
            caller,
            project,
            _directory: directory,
        }
    }

    pub(crate) fn service(&self) -> &Arc<Service> {
        &self.backend.service
    }

    /// The value of a metric.
    pub(crate) fn metric(&self, name: &str) -> String {
        let text = String::from_utf8(self.metrics.text().unwrap()).unwrap();
        let mut lines = text.lines();
        let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.unwrap_or("0").to_owned()
    }

    /// Creates credentials with the password `p`.
    pub(crate) async fn create(&self, registry: &str, usernames: impl Iterator<Item = String>) {
        let mut creating = JoinSet::new();
        for username in usernames {
            let input = self.input(registry, &username, None);
            let (service, caller) = (Arc::clone(self.service()), self.caller.clone());
            creating.spawn(async move { service.create_credentials(&caller, input).await });
        }
        while let Some(created) = creating.join_next().await {
            created.unwrap().unwrap();
        }
    }

    pub(crate) async fn create_one(
        &self,
        registry: &str,
        username: &str,
        expires: Option<Timestamp>,
    ) -> DockerCredentials {
        let input = self.input(registry, username, expires);
        let created = self.service().create_credentials(&self.caller, input);
        created.await.unwrap()
    }

    fn input(
        &self,
        registry: &str,
        username: &str,
        expires: Option<Timestamp>,
    ) -> CreateCredentials {
        CreateCredentials {
            project: self.project,
            registry: Registry::parse(Some(registry.to_owned())).unwrap(),
            username: Username::parse(username.to_owned()).unwrap(),
            password: RegistryPassword::parse("p".to_owned()).unwrap(),
            expires,
            probe: None,
            proved: None,
        }
    }
}

/// A user and a project.
async fn furnish(service: &Service) -> (Caller, ProjectId) {
    let request = RequestId::generate(service.random()).unwrap();
    let password = LoginPassword::presented("correct horse battery".to_owned()).unwrap();
    let login = Login::parse("alice").unwrap();
    let user = CreateUser {
        login: login.clone(),
        password: password.hash(service.random()).unwrap(),
        admin: true,
        groups: Vec::new(),
    };
    let grant = AdminGrant::for_operator(request.clone());
    let id = service.create_user_as(&grant, user).await.unwrap().id;
    let session = TokenId::generate(service.clock().now(), service.random()).unwrap();
    let caller = Caller {
        principal: Principal::User(UserPrincipal {
            id,
            login,
            admin: true,
            session,
        }),
        request,
    };
    let project = CreateProject {
        name: ProjectName::parse("many".to_owned()).unwrap(),
        description: None,
        technologies: Technologies::default(),
        groups: Vec::new(),
    };
    let project = service.create_project(&caller, project).await.unwrap();
    (caller, project.id)
}

/// A server of this machine that answers each request, which it takes to be one chunk.
pub(crate) async fn stand_in(
    answer: impl Fn(&str) -> String + Send + Sync + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = Arc::clone(&answer);
            tokio::spawn(async move {
                let mut chunk = [0; 8192];
                while let Ok(length @ 1..) = stream.read(&mut chunk).await {
                    // Whoever tries TLS is turned away.
                    if chunk[0] == 0x16 {
                        return;
                    }
                    let answer = answer(&String::from_utf8_lossy(&chunk[..length]));
                    if stream.write_all(answer.as_bytes()).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}
