//! Reads at 32 connections, in turns: pulls, audited and on the disk before the password leaves, and the list of three
//! credentials, beside a read of OpenBao and the same answers from constants.

use std::path::Path;

use super::load::Scripts;
use super::measure::in_turns;
use super::openbao::OpenBao;
use super::report::{Goal, Report};
use super::service::{Backend, Service};
use super::yardstick::Yardstick;
use crate::shell::{Outcome, Shell};

pub(super) fn run(shell: &Shell, folder: &Path, report: &mut Report) -> Outcome {
    let graphql = Yardstick::start(shell, "static_graphql", "static async-graphql")?;
    let bare = Yardstick::start(shell, "static_pull", "static axum")?;
    let openbao = OpenBao::start(shell, &folder.join("openbao-reads"))?;
    let data = folder.join("reads");
    Service::make(Backend::Sqlite, &data)?;
    let mut service = Service::start_again(Backend::Sqlite, &data)?;
    let idle = service.processes().resident_mib()?;
    report.figure(
        "resident memory, idle",
        idle,
        "MiB",
        Some(Goal::AtMost(40.0)),
    );
    service.log_in()?;

    let (listed, pulled) = (service.project("listed")?, service.project("pulled")?);
    for username in ["a", "b", "c"] {
        service.credentials(&listed, username)?;
    }
    service.credentials(&pulled, "ci-bot")?;
    let token = service.service_token(&pulled, "PULL")?;
    let list = Scripts {
        folder,
        token: &service.token,
    }
    .list("list", &listed)?;
    let pull = Scripts {
        folder,
        token: &token,
    }
    .pull(&pulled)?;

    let operations = [
        service.pulling(pull.clone()),
        service.graphql("list of 3", list.clone()),
        bare.operation("resolve", pull),
        graphql.operation("list of 3", list),
        openbao.reading(folder)?,
    ];
    let measures = operations.each_ref().map(|operation| || operation.at(32));
    let rows = openbao.audited(|| in_turns(&measures))?;
    let [pull, list, bare, constant, read] = &rows;
    report.ratio(pull, read, Some(Goal::AtLeast(5.0)));
    report.ratio(list, read, Some(Goal::AtLeast(4.0)));
    report.ratio(list, constant, Some(Goal::AtLeast(1.0)));
    report.ratio(pull, bare, None);
    report.rows.extend(rows);
    Ok(())
}
