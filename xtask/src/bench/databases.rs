//! The service on PostgreSQL beside the service on SQLite, in turns: pulls, lists and creates.
//!
//! Both are on this machine, and so is PostgreSQL, which flushes what it commits: what is compared is the work, not a network.

use std::fs;
use std::path::Path;

use super::load::Scripts;
use super::measure::{Operation, in_turns};
use super::report::{Goal, Report, Row};
use super::service::{Backend, Service};
use crate::postgres::{Cluster, Durability};
use crate::shell::{Doing, Outcome, Shell};

pub(super) fn run(shell: &Shell, folder: &Path, report: &mut Report) -> Outcome {
    let cluster = Cluster::start(shell, Durability::Full)?;
    let [on_sqlite, on_postgres] = [Backend::Sqlite, Backend::Postgres(&cluster)];
    let (_first, [pull, list, create]) = operations(on_sqlite, &folder.join("on-sqlite"))?;
    let (_second, others) = operations(on_postgres, &folder.join("on-postgres"))?;
    let [pull_there, list_there, create_there] = others;
    for (one, other, goal) in [
        (pull_there, pull, Some(Goal::AtLeast(0.5))),
        (list_there, list, None),
        (create_there, create, Some(Goal::AtLeast(0.5))),
    ] {
        let measures: [&dyn Fn() -> Outcome<Row>; 2] = [&|| one.at(32), &|| other.at(32)];
        let rows = in_turns(&measures)?;
        let [one, other] = &rows;
        report.ratio(one, other, goal);
        report.rows.extend(rows);
    }
    Ok(())
}

/// A service and what is asked of it: pulls of credentials, the list of three, and creates in a hundred projects.
fn operations(backend: Backend, folder: &Path) -> Outcome<(Service, [Operation; 3])> {
    fs::create_dir_all(folder).doing(format_args!("make {}", folder.display()))?;
    let service = Service::start(backend, &folder.join("data"))?;
    let (listed, pulled) = (service.project("listed")?, service.project("pulled")?);
    for username in ["a", "b", "c"] {
        service.credentials(&listed, username)?;
    }
    service.credentials(&pulled, "ci-bot")?;
    let pulls = Scripts {
        folder,
        token: &service.service_token(&pulled, "PULL")?,
    };
    let scripts = Scripts {
        folder,
        token: &service.token,
    };
    let asked = [
        service.pulling(pulls.pull(&pulled)?),
        service.graphql("list of 3", scripts.list("list", &listed)?),
        service.graphql("create", scripts.create(&service.projects()?)?),
    ];
    Ok((service, asked))
}
