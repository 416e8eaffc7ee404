//! Every operation at every number of connections, of the service and of its yardsticks: how it behaves rather than how
//! it compares. Each is measured once; what is compared is measured in turns, by the other subjects.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::load::Scripts;
use super::measure::Operation;
use super::openbao::OpenBao;
use super::report::Report;
use super::service::{Backend, Service};
use super::yardstick::Yardstick;
use crate::postgres::{Cluster, Durability};
use crate::shell::{Doing, Outcome, Shell};

pub(super) fn run(shell: &Shell, folder: &Path, report: &mut Report) -> Outcome {
    regcred(Backend::Sqlite, &folder.join("sqlite"), report)?;
    let cluster = Cluster::start(shell, Durability::Full)?;
    regcred(
        Backend::Postgres(&cluster),
        &folder.join("postgres"),
        report,
    )?;
    drop(cluster);
    let graphql = Yardstick::start(shell, "static_graphql", "static async-graphql")?;
    let bare = Yardstick::start(shell, "static_pull", "static axum")?;
    let openbao = OpenBao::start(shell, &folder.join("openbao"))?;
    let scripts = Scripts { folder, token: "-" };
    sweep(
        &graphql.operation("list of 3", scripts.list("static-list", NOBODY)?),
        &ALL,
        report,
    )?;
    sweep(
        &bare.operation("resolve", scripts.pull(NOBODY)?),
        &ALL,
        report,
    )?;
    openbao.audited(|| sweep(&openbao.reading(folder)?, &ALL, report))?;
    openbao.audited(|| sweep(&openbao.writing(folder)?, &ALL, report))
}

fn regcred(backend: Backend, folder: &Path, report: &mut Report) -> Outcome {
    fs::create_dir_all(folder).doing(format_args!("make {}", folder.display()))?;
    let service = Service::start(backend, &folder.join("operations"))?;
    let scripts = &Scripts {
        folder,
        token: &service.token,
    };
    let (small, large) = (service.project("small")?, service.project("large")?);
    let mut some = None;
    for number in 0..3 {
        some = Some(service.credentials(&small, &format!("user{number}"))?);
    }
    for number in 0..300 {
        service.credentials(&large, &format!("user{number}"))?;
    }
    let projects = service.projects()?;
    let spread = projects
        .iter()
        .map(|project| service.credentials(project, "ci-bot"));
    let spread = spread.collect::<Outcome<Vec<_>>>()?;
    let pulled = service.project("pulled")?;
    service.credentials(&pulled, "ci-bot")?;
    let token = service.service_token(&pulled, "PULL")?;
    let pulls = Scripts {
        folder,
        token: &token,
    };

    sweep(&service.pulling(pulls.pull(&pulled)?), &ALL, report)?;
    let list = |name: &str, project: &str| Ok(service.graphql(name, scripts.list(name, project)?));
    sweep(&list("list of 3", &small)?, &ALL, report)?;
    sweep(&list("list of 300", &large)?, &ALL, report)?;
    if let Some(some) = &some {
        sweep(&service.graphql("get", scripts.get(some)?), &ALL, report)?;
    }
    sweep(
        &service.graphql("create", scripts.create(&projects)?),
        &ALL,
        report,
    )?;
    sweep(
        &service.graphql("upgrade", scripts.upgrade(&spread)?),
        &ALL,
        report,
    )?;
    sweep(&service.logging_in(scripts.login()?), &LOGINS, report)
}

fn sweep(operation: &Operation, connections: &[u32], report: &mut Report) -> Outcome {
    for connections in connections {
        report.rows.push(operation.run(*connections, SECONDS)?);
    }
    Ok(())
}

const ALL: [u32; 4] = [1, 8, 32, 128];
/// Of more, some are refused by design: two passwords are hashed at a time, and some wait.
const LOGINS: [u32; 3] = [1, 8, 32];
const SECONDS: Duration = Duration::from_secs(3);
/// A project of the yardsticks, which do not look.
const NOBODY: &str = "0cb2662f-84eb-4a7d-93cb-2340f7773bc0";
