//! Writes until it is killed, and tells what was acknowledged: one half of a part of `cargo xtask soak`.
//!
//! `power_loss write DIRECTORY full|normal` creates credentials and prints the username of each once the store has
//! acknowledged it. `power_loss check DIRECTORY` opens what is left, verifies the audit trail, opens every password, and
//! prints the usernames that are there. The key lies in DIRECTORY/kek.

use std::error::Error;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use regcred_core::access::{AdminGrant, Caller, RequestId};
use regcred_core::clock::SystemClock;
use regcred_core::credentials::Username;
use regcred_core::ids::ProjectId;
use regcred_core::people::{Login, LoginPassword};
use regcred_core::project::{ProjectName, Technologies};
use regcred_core::random::SystemRandom;
use regcred_core::registry::Registry;
use regcred_core::sealing::Kek;
use regcred_core::secret::RegistryPassword;
use regcred_core::service::{CreateCredentials, CreateProject, CreateUser, Service};
use regcred_core::store::Store;
use regcred_storage::{Durability, SqliteOptions, SqliteStore};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

fn main() -> Outcome {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().build()?;
    match *arguments {
        ["write", directory, "full"] => runtime.block_on(write(directory, Durability::Full)),
        ["write", directory, "normal"] => runtime.block_on(write(directory, Durability::Normal)),
        ["check", directory] => runtime.block_on(check(directory)),
        _ => Err(
            "usage: power_loss write DIRECTORY full|normal, or power_loss check DIRECTORY".into(),
        ),
    }
}

async fn write(directory: &str, durability: Durability) -> Outcome {
    let service = Arc::new(open(directory, durability)?);
    let admin = admin(&service).await?;
    let project = project(&service, &admin).await?;
    // A batch may have been cut in its middle, so numbers go on behind the highest that is there.
    let present = service.list_credentials(&admin, project).await?;
    let numbers = present
        .iter()
        .filter_map(|there| there.username.as_str().strip_prefix("user")?.parse().ok());
    let mut number = numbers.max().map_or(0, |highest: usize| highest + 1);
    loop {
        // So many at a time that the log gets long in few commits: each has all of it copied.
        let writers: Vec<_> = (number..number + AT_ONCE)
            .map(|number| {
                let (service, admin) = (Arc::clone(&service), admin.clone());
                tokio::spawn(async move { create(&service, &admin, project, number).await })
            })
            .collect();
        for writer in writers {
            let number = writer.await??;
            say(&format!("acknowledged user{number:09}"))?;
        }
        number += AT_ONCE;
    }
}

async fn create(
    service: &Service,
    admin: &Caller,
    project: ProjectId,
    number: usize,
) -> regcred_core::Result<usize> {
    let input = CreateCredentials {
        project,
        registry: Registry::parse(None)?,
        username: Username::parse(format!("user{number:09}"))?,
        password: RegistryPassword::parse("hunter2".to_owned())?,
        expires: None,
        probe: None,
        proved: None,
    };
    service
        .create_credentials(admin, input)
        .await
        .map(|_| number)
}

async fn check(directory: &str) -> Outcome {
    let service = open(directory, Durability::Full)?;
    service.verify_trail().await?;
    let admin = admin(&service).await?;
    let project = project(&service, &admin).await?;
    let proof = service.prove_records(&operator()?).await?;
    if !proof.damaged.is_empty() {
        return Err(format!("{} passwords do not open", proof.damaged.len()).into());
    }
    for credentials in service.list_credentials(&admin, project).await? {
        say(&format!("there {}", credentials.username.as_str()))?;
    }
    // To close the store would fold the log, or part of it until the program ends; the writer is to find a log.
    std::mem::forget(service);
    Ok(())
}

fn open(directory: &str, durability: Durability) -> Outcome<Service> {
    let directory = Path::new(directory);
    let kek = Kek::parse(&std::fs::read_to_string(directory.join("kek"))?)?;
    let options = SqliteOptions::new(directory).durability(durability);
    let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
    let (store, keys) = SqliteStore::open(&options, &kek, clock.as_ref(), random.as_ref())?;
    Ok(Service::new(
        Arc::new(store) as Arc<dyn Store>,
        keys,
        clock,
        random,
    )?)
}

/// The admin, created at the first start.
async fn admin(service: &Service) -> Outcome<Caller> {
    let (login, password) = (
        Login::parse("admin")?,
        LoginPassword::presented("admin".to_owned())?,
    );
    let prove = async || service.login_candidate(&login).await?.verify(&password);
    let mut verified = prove().await?;
    if verified.is_none() {
        let user = CreateUser {
            login: login.clone(),
            password: password.hash(&SystemRandom)?,
            admin: true,
            groups: Vec::new(),
        };
        service.create_user_as(&operator()?, user).await?;
        verified = prove().await?;
    }
    let verified = verified.ok_or("the admin cannot log in")?;
    let request = RequestId::generate(&SystemRandom)?;
    let token = service.open_session(verified, request.clone()).await?;
    let principal = service.authenticate(token.expose()).await?;
    Ok(Caller { principal, request })
}

async fn project(service: &Service, admin: &Caller) -> Outcome<ProjectId> {
    if let Some(project) = service.projects(admin).await?.first() {
        return Ok(project.id);
    }
    let name = ProjectName::parse("power".to_owned())?;
    let (description, technologies, groups) = (None, Technologies::default(), Vec::new());
    let project = CreateProject {
        name,
        description,
        technologies,
        groups,
    };
    Ok(service.create_project(admin, project).await?.id)
}

fn operator() -> Outcome<AdminGrant> {
    Ok(AdminGrant::for_operator(RequestId::generate(
        &SystemRandom,
    )?))
}

fn say(line: &str) -> Outcome {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()?;
    Ok(())
}

/// Fewer than one commit may hold.
const AT_ONCE: usize = 64;
