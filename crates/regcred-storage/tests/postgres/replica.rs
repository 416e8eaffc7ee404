//! A replica: the use cases over a store, and people who use them.

use std::sync::Arc;

use regcred_core::Result;
use regcred_core::access::{
    AdminGrant, Caller, Principal, RequestId, Right, Rights, UserPrincipal,
};
use regcred_core::clock::SystemClock;
use regcred_core::credentials::{DockerCredentials, Username};
use regcred_core::ids::{CredentialsId, ProjectId};
use regcred_core::people::{Login, LoginPassword};
use regcred_core::project::{ProjectName, Technologies};
use regcred_core::random::SystemRandom;
use regcred_core::registry::Registry;
use regcred_core::sealing::Kek;
use regcred_core::secret::{RegistryPassword, SecretText};
use regcred_core::service::{
    CreateCredentials, CreateProject, CreateToken, CreateUser, Service, UpgradeCredentials,
};
use regcred_core::store::Store;
use regcred_storage::{PostgresOptions, PostgresStore};

/// One of several on a database.
pub(crate) struct Replica {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) service: Arc<Service>,
}

/// The key that the replicas of a test share.
pub(crate) fn new_kek() -> String {
    Kek::generate(&SystemRandom).unwrap().expose().to_owned()
}

impl Replica {
    pub(crate) fn open(options: &PostgresOptions, kek: &str) -> Self {
        let kek = Kek::parse(kek).unwrap();
        let opened = PostgresStore::open(options, &kek, &SystemClock, &SystemRandom);
        let (store, keys) = opened.unwrap();
        let store: Arc<dyn Store> = Arc::new(store);
        let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
        let service = Service::new(Arc::clone(&store), keys, clock, random).unwrap();
        Self {
            store,
            service: Arc::new(service),
        }
    }

    /// Creates an admin and logs in.
    pub(crate) async fn admin(&self, login: &str) -> Caller {
        self.created(login, true).await
    }

    /// Creates a user who is none and logs in.
    pub(crate) async fn user(&self, login: &str) -> Caller {
        self.created(login, false).await
    }

    async fn created(&self, login: &str, admin: bool) -> Caller {
        let user = CreateUser {
            login: Login::parse(login).unwrap(),
            password: password().hash(&SystemRandom).unwrap(),
            admin,
            groups: Vec::new(),
        };
        let created = self.service.create_user_as(&operator(), user).await;
        created.unwrap();
        let token = self.log_in(login).await;
        self.caller(&token).await.unwrap()
    }

    /// The token of a new session.
    pub(crate) async fn log_in(&self, login: &str) -> SecretText {
        let login = Login::parse(login).unwrap();
        let candidate = self.service.login_candidate(&login).await.unwrap();
        let proof = candidate.verify(&password()).unwrap().unwrap();
        self.service.open_session(proof, request()).await.unwrap()
    }

    pub(crate) async fn caller(&self, token: &SecretText) -> Result<Caller> {
        let principal = self.service.authenticate(token.expose()).await?;
        Ok(Caller {
            principal,
            request: request(),
        })
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

    /// A service token that may pull in a project.
    pub(crate) async fn puller(&self, caller: &Caller, project: ProjectId) -> Caller {
        let token = CreateToken {
            name: "ci".to_owned(),
            projects: vec![project],
            rights: Rights::new(vec![Right::Pull]).unwrap(),
            life: None,
        };
        let created = self.service.create_token(caller, token).await;
        self.caller(&created.unwrap().text).await.unwrap()
    }

    pub(crate) async fn create(
        &self,
        caller: &Caller,
        project: ProjectId,
        username: &str,
    ) -> Result<DockerCredentials> {
        let credentials = CreateCredentials {
            project,
            registry: Registry::parse(None).unwrap(),
            username: Username::parse(username.to_owned()).unwrap(),
            password: RegistryPassword::parse("hunter2".to_owned()).unwrap(),
            expires: None,
            probe: None,
            proved: None,
        };
        self.service.create_credentials(caller, credentials).await
    }

    pub(crate) async fn upgrade(
        &self,
        caller: &Caller,
        project: ProjectId,
        id: CredentialsId,
        password: &str,
    ) -> Result<DockerCredentials> {
        let upgrade = UpgradeCredentials {
            project,
            id,
            registry: None,
            username: None,
            password: RegistryPassword::parse(password.to_owned()).unwrap(),
            expires: None,
            expected_version: None,
            probe: None,
            proved: None,
        };
        self.service.upgrade_credentials(caller, upgrade).await
    }

    /// How many credentials there are in a project.
    pub(crate) async fn count(&self, caller: &Caller, project: ProjectId) -> Result<usize> {
        let listed = self.service.list_credentials(caller, project).await;
        listed.map(|listed| listed.len())
    }
}

/// Another caller of the same session.
pub(crate) fn again(caller: &Caller) -> Caller {
    let Principal::User(user) = &caller.principal else {
        panic!("a user");
    };
    let UserPrincipal {
        id,
        login,
        admin,
        session,
    } = user.clone();
    Caller {
        principal: Principal::User(UserPrincipal {
            id,
            login,
            admin,
            session,
        }),
        request: request(),
    }
}

pub(crate) fn operator() -> AdminGrant {
    AdminGrant::for_operator(request())
}

pub(crate) fn request() -> RequestId {
    RequestId::generate(&SystemRandom).unwrap()
}

pub(crate) fn password() -> LoginPassword {
    LoginPassword::parse_new("correct horse".to_owned()).unwrap()
}
