//! Durable creates, in turns with writes of OpenBao and with commits of one row each on the same disk.

use std::path::Path;

use super::load::Scripts;
use super::measure::{SECONDS, in_turns, number};
use super::openbao::OpenBao;
use super::report::{Goal, Report, Row};
use super::service::{Backend, Service};
use super::yardstick::build;
use crate::shell::{Outcome, Shell, command};

pub(super) fn run(shell: &Shell, folder: &Path, report: &mut Report) -> Outcome {
    let raw_commits = build(shell, "regcred-storage", "raw_commits")?;
    let openbao = OpenBao::start(shell, &folder.join("openbao-writes"))?;
    let service = Service::start(Backend::Sqlite, &folder.join("writes"))?;
    let scripts = Scripts {
        folder,
        token: &service.token,
    };
    let create = service.graphql("create", scripts.create(&service.projects()?)?);
    let write = openbao.writing(folder)?;
    let raw = || {
        let seconds = SECONDS.as_secs().to_string();
        let text = shell.read(command(&raw_commits, "").arg(folder).arg(seconds))?;
        Ok(Row {
            operation: "raw one-by-one commits".to_owned(),
            of: "SQLite",
            connections: 1,
            rate: number(&text)?,
            latency: None,
            cost: None,
        })
    };
    let measures: [&dyn Fn() -> Outcome<Row>; 4] =
        [&|| create.at(32), &|| create.at(64), &|| write.at(32), &raw];
    let rows = openbao.audited(|| in_turns(&measures))?;
    let [create, many, write, raw] = &rows;
    report.ratio(create, write, Some(Goal::AtLeast(5.0)));
    report.ratio(many, raw, Some(Goal::AtLeast(2.5)));
    report.rows.extend(rows);
    Ok(())
}
