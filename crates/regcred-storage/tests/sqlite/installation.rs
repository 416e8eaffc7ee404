//! An installation, what is put into it, and a way behind its back.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use regcred_core::access::{AdminGrant, Caller, RequestId};
use regcred_core::clock::SystemClock;
use regcred_core::credentials::{DockerCredentials, Username};
use regcred_core::ids::ProjectId;
use regcred_core::people::{Login, LoginPassword};
use regcred_core::project::{ProjectName, Technologies};
use regcred_core::random::SystemRandom;
use regcred_core::registry::Registry;
use regcred_core::sealing::{Kek, KeyRing};
use regcred_core::secret::{RegistryPassword, SecretText};
use regcred_core::service::{CreateCredentials, CreateProject, CreateUser, Service};
use regcred_core::store::Store;
use regcred_core::{Clock, ErrorKind};
use regcred_storage::{DATABASE_FILE, OpenError, SqliteOptions, SqliteStore};
use rusqlite::Connection;
use tempfile::TempDir;

/// A data directory and the text of its key.
pub(crate) struct Installation {
    pub(crate) directory: TempDir,
    pub(crate) kek: String,
}

/// The use cases over an open installation.
pub(crate) struct Running {
    store: Arc<SqliteStore>,
    keys: Arc<KeyRing>,
    pub(crate) service: Service,
}

impl Installation {
    pub(crate) fn new() -> Self {
        Self {
            directory: TempDir::new().unwrap(),
            kek: new_kek(),
        }
    }

    pub(crate) fn open(&self) -> Result<Running, OpenError> {
        self.open_at(Arc::new(SystemClock))
    }

    /// With a clock of its own.
    pub(crate) fn open_at(&self, clock: Arc<dyn Clock>) -> Result<Running, OpenError> {
        let options = SqliteOptions::new(self.directory.path());
        let kek = Kek::parse(&self.kek).unwrap();
        let random = Arc::new(SystemRandom);
        let (store, keys) = SqliteStore::open(&options, &kek, clock.as_ref(), random.as_ref())?;
        let store = Arc::new(store);
        let shared = Arc::clone(&store) as Arc<dyn Store>;
        let service = Service::new(shared, Arc::clone(&keys), clock, random).unwrap();
        Ok(Running {
            store,
            keys,
            service,
        })
    }

    /// Why it does not open.
    pub(crate) fn refused(&self) -> String {
        self.open().err().unwrap().to_string()
    }

    /// A connection behind the store's back.
    pub(crate) fn database(&self) -> Connection {
        Connection::open(self.directory.path().join(DATABASE_FILE)).unwrap()
    }

    /// Waits until a store that is open sees what was written behind its back.
    pub(crate) fn settle() {
        std::thread::sleep(Duration::from_millis(20));
    }

    /// The bytes of every file that holds data: the lock, and what SQLite shares between processes, hold none.
    pub(crate) fn bytes(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let files = fs::read_dir(self.directory.path()).unwrap();
        files
            .map(|file| file.unwrap().path())
            .filter(|path| path.extension().is_some_and(|end| end != "db-shm"))
            .map(|path| (path.clone(), fs::read(path).unwrap()))
            .filter(|(_, bytes)| !bytes.is_empty())
            .collect()
    }
}

impl Running {
    /// Creates an admin and logs in.
    pub(crate) async fn admin(&self) -> Caller {
        let user = CreateUser {
            login: Login::parse(ADMIN).unwrap(),
            password: password().hash(&SystemRandom).unwrap(),
            admin: true,
            groups: Vec::new(),
        };
        let created = self.service.create_user_as(&operator(), user).await;
        created.unwrap();
        self.login().await
    }

    /// Logs the admin in.
    pub(crate) async fn login(&self) -> Caller {
        let token = self.token().await;
        let principal = self.service.authenticate(token.expose()).await.unwrap();
        Caller {
            principal,
            request: request(),
        }
    }

    /// The token of a new session of the admin.
    pub(crate) async fn token(&self) -> SecretText {
        let (service, login) = (&self.service, Login::parse(ADMIN).unwrap());
        let candidate = service.login_candidate(&login).await.unwrap();
        let verified = candidate.verify(&password()).unwrap().unwrap();
        service.open_session(verified, request()).await.unwrap()
    }

    /// Whether a token counts now.
    pub(crate) async fn counts(&self, token: &SecretText) -> bool {
        match self.service.authenticate(token.expose()).await {
            Ok(_) => true,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Unauthenticated);
                false
            }
        }
    }

    pub(crate) async fn project(&self, caller: &Caller, name: &str) -> ProjectId {
        let project = CreateProject {
            name: ProjectName::parse(name.to_owned()).unwrap(),
            description: None,
            technologies: Technologies::default(),
            groups: Vec::new(),
        };
        let created = self.service.create_project(caller, project).await;
        created.unwrap().id
    }

    pub(crate) async fn credentials(
        &self,
        caller: &Caller,
        project: ProjectId,
        registry: &str,
        username: &str,
    ) -> DockerCredentials {
        self.credentials_with(caller, project, registry, username, "hunter2")
            .await
    }

    pub(crate) async fn credentials_with(
        &self,
        caller: &Caller,
        project: ProjectId,
        registry: &str,
        username: &str,
        password: &str,
    ) -> DockerCredentials {
        let credentials = CreateCredentials {
            project,
            registry: Registry::parse(Some(registry.to_owned())).unwrap(),
            username: Username::parse(username.to_owned()).unwrap(),
            password: RegistryPassword::parse(password.to_owned()).unwrap(),
            expires: None,
            probe: None,
            proved: None,
        };
        let created = self.service.create_credentials(caller, credentials).await;
        created.unwrap()
    }

    /// Every stored password of credentials, opened.
    pub(crate) async fn passwords(&self) -> Vec<Vec<u8>> {
        let stored = self.store.sealed_passwords(&operator(), None, 1_000).await;
        let opened = stored.unwrap().into_iter().map(|stored| {
            let opened = self.keys.open_record(&stored.binding(), &stored.password);
            opened.unwrap().to_vec()
        });
        opened.collect()
    }

    /// How many passwords open, and how many do not.
    pub(crate) async fn proof(&self) -> (u64, usize) {
        let report = self.service.prove_records(&operator()).await.unwrap();
        (report.intact, report.damaged.len())
    }

    pub(crate) async fn close(self) {
        self.store.close().await;
    }
}

pub(crate) fn operator() -> AdminGrant {
    AdminGrant::for_operator(request())
}

pub(crate) fn new_kek() -> String {
    Kek::generate(&SystemRandom).unwrap().expose().to_owned()
}

fn password() -> LoginPassword {
    LoginPassword::parse_new("correct horse".to_owned()).unwrap()
}

fn request() -> RequestId {
    RequestId::generate(&SystemRandom).unwrap()
}

const ADMIN: &str = "admin";
