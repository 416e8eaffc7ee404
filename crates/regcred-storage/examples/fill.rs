//! Fills an installation, for `cargo xtask bench`: over HTTP a million credentials would take too long.
//!
//! `fill DIRECTORY CREDENTIALS` goes through the use cases, as the service does, so that every row and every event is
//! what the service would have written. Each project gets ten credentials, each for a path of one registry, and a token
//! that may pull; its line in the output is the project's id and the token. The key lies in DIRECTORY/kek.

use std::error::Error;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use regcred_core::access::{AdminGrant, Caller, RequestId, Right, Rights};
use regcred_core::clock::SystemClock;
use regcred_core::credentials::Username;
use regcred_core::ids::ProjectId;
use regcred_core::people::{Login, LoginPassword};
use regcred_core::project::{ProjectName, Technologies};
use regcred_core::random::SystemRandom;
use regcred_core::registry::Registry;
use regcred_core::sealing::Kek;
use regcred_core::secret::{RegistryPassword, SecretText};
use regcred_core::service::{CreateCredentials, CreateProject, CreateToken, CreateUser, Service};
use regcred_core::store::Store;
use regcred_storage::{SqliteOptions, SqliteStore};

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Outcome {
    let mut arguments = std::env::args().skip(1);
    let (Some(directory), Some(credentials)) = (arguments.next(), arguments.next()) else {
        return Err("usage: fill DIRECTORY CREDENTIALS".into());
    };
    let projects = credentials.parse::<usize>()? / IN_PROJECT;
    let (store, service) = open(Path::new(&directory))?;
    let admin = admin(&service).await?;
    let next = Arc::new(AtomicUsize::new(0));
    let workers: Vec<_> = (0..AT_ONCE)
        .map(|_| {
            let (service, admin, next) = (Arc::clone(&service), admin.clone(), Arc::clone(&next));
            tokio::spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= projects {
                        return Outcome::Ok(());
                    }
                    let (id, token) = project(&service, &admin, number).await?;
                    writeln!(std::io::stdout(), "{id} {}", token.expose())?;
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await??;
    }
    store.close().await;
    Ok(())
}

/// A project with all that is in it.
async fn project(
    service: &Service,
    admin: &Caller,
    number: usize,
) -> Outcome<(ProjectId, SecretText)> {
    let project = CreateProject {
        name: ProjectName::parse(format!("filled{number:06}"))?,
        description: None,
        technologies: Technologies::default(),
        groups: Vec::new(),
    };
    let project = service.create_project(admin, project).await?.id;
    for number in 0..IN_PROJECT {
        let registry = format!("registry.example.com/team{number}");
        let credentials = CreateCredentials {
            project,
            registry: Registry::parse(Some(registry))?,
            username: Username::parse("ci-bot".to_owned())?,
            password: RegistryPassword::parse("correct horse battery staple".to_owned())?,
            expires: None,
            probe: None,
            proved: None,
        };
        service.create_credentials(admin, credentials).await?;
    }
    let token = CreateToken {
        name: "nodes".to_owned(),
        projects: vec![project],
        rights: Rights::new(vec![Right::Pull])?,
        life: None,
    };
    Ok((project, service.create_token(admin, token).await?.text))
}

fn open(directory: &Path) -> Outcome<(Arc<SqliteStore>, Arc<Service>)> {
    let kek = Kek::parse(std::fs::read_to_string(directory.join("kek"))?.trim_end())?;
    let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
    let options = SqliteOptions::new(directory);
    let (store, keys) = SqliteStore::open(&options, &kek, clock.as_ref(), random.as_ref())?;
    let store = Arc::new(store);
    let service = Service::new(Arc::clone(&store) as Arc<dyn Store>, keys, clock, random)?;
    Ok((store, Arc::new(service)))
}

/// An admin who did all of it.
async fn admin(service: &Service) -> Outcome<Caller> {
    let (login, password) = (
        Login::parse("filler")?,
        LoginPassword::presented("filler".to_owned())?,
    );
    let user = CreateUser {
        login: login.clone(),
        password: password.hash(&SystemRandom)?,
        admin: true,
        groups: Vec::new(),
    };
    let request = RequestId::generate(&SystemRandom)?;
    service
        .create_user_as(&AdminGrant::for_operator(request.clone()), user)
        .await?;
    let candidate = service.login_candidate(&login).await?;
    let verified = candidate
        .verify(&password)?
        .ok_or("the admin cannot log in")?;
    let token = service.open_session(verified, request.clone()).await?;
    let principal = service.authenticate(token.expose()).await?;
    Ok(Caller { principal, request })
}

const IN_PROJECT: usize = 10;
/// As many as one commit holds.
const AT_ONCE: usize = 256;
