//! The helper's side: the program, its configuration, and a run of it as a client runs it.

use regcred_client::{Client, CredentialsId};

use super::super::configuration::Configuration;
use super::client::Asked;
use crate::commands::checks::Report;
use crate::docker_config::edit::HELPER;
use crate::docker_config::program::{NoAnswer, Program};
use crate::failure::Failure;

/// A client with the helper's configuration.
pub(super) struct Connection {
    pub(super) client: Client,
    pub(super) url: String,
    pub(super) project: Option<String>,
    pub(super) platform: u32,
    /// Which credentials are meant where several accounts fit.
    pub(super) pins: Vec<CredentialsId>,
}

/// Whether clients will find the program.
pub(super) fn check(report: &mut Report) -> Option<Program> {
    let program = Program::named(HELPER)?;
    match (program.path(), program.path_of_no_program()) {
        (Some(path), _) if path.is_relative() => report.wrong(
            PROGRAM,
            format!(
                "{} is found through a relative directory of the PATH, where docker runs nothing",
                path.display()
            ),
            "put it into a directory of the PATH that begins with /",
        ),
        (Some(path), _) => {
            report.ok(PROGRAM, format!("{} is there", path.display()));
            return Some(program);
        }
        (None, Some(path)) => report.wrong(
            PROGRAM,
            format!("{} may not be run", path.display()),
            format!("chmod +x {}", path.display()),
        ),
        (None, None) => report.wrong(
            PROGRAM,
            format!("{} is not on the PATH", program.name()),
            "put it into a directory of the PATH that clients have, too",
        ),
    }
    None
}

/// Whether the helper has all that it needs.
pub(super) fn configuration(report: &mut Report) -> Option<Connection> {
    let path = match Configuration::path() {
        Ok(path) => path,
        Err(failure) => {
            report.failed(CONFIGURATION, failure);
            return None;
        }
    };
    let shown = path.display();
    let in_file = Configuration::read(&path);
    let found = in_file.and_then(|in_file| {
        let is_absent = in_file.is_none();
        let found = in_file.unwrap_or_default().with_variables()?;
        Ok((is_absent, found.secret()?, found))
    });
    let (is_absent, token, found) = match found {
        Ok(found) => found,
        Err(problem) => {
            let there = if path.exists() {
                String::new()
            } else {
                format!("; there is no file {shown}")
            };
            report.wrong(
                CONFIGURATION,
                format!("{}{there}", problem.what),
                problem.todo,
            );
            return None;
        }
    };
    let Some(url) = found.url.clone() else {
        report.wrong(
            CONFIGURATION,
            format!("{shown} names no server"),
            "put `url = \"https://...\"` into it",
        );
        return None;
    };
    let client = found.route().builder(&url, None);
    match client.and_then(|client| client.token(token).map_err(Failure::from)) {
        Ok(client) => {
            report.ok(
                CONFIGURATION,
                if is_absent {
                    "the environment says where to go".to_owned()
                } else {
                    format!("{shown} is valid")
                },
            );
            if let Some(open) = found.open_file(&path) {
                let open = open.display();
                report.warn(
                    CONFIGURATION,
                    format!("{open} holds a token, and can be read by others"),
                    format!("chmod 600 {open}"),
                );
            }
            Some(Connection {
                client,
                url,
                pins: found.pins(),
                project: found.project,
                platform: found.platform.unwrap_or(1),
            })
        }
        Err(failure) => {
            report.failed(CONFIGURATION, for_helper(failure));
            None
        }
    }
}

/// A failure whose hint names flags of this program, with what the helper has in their place.
pub(super) fn for_helper(failure: Failure) -> Failure {
    let hint = failure.hint.as_deref().unwrap_or_default();
    let instead = FLAGS.iter().find(|(flag, _)| hint.contains(flag));
    match instead {
        Some((_, instead)) => failure.with_hint(*instead),
        None => failure,
    }
}

/// Runs the helper as a client does; what it answers is thrown away.
pub(super) async fn run(program: Option<Program>, asked: &Asked, report: &mut Report) {
    let Some(program) = program else {
        report.skipped(RUN);
        return;
    };
    let Some(key) = asked.keys.first() else {
        match program.list().await {
            Ok(all) => report.ok(
                RUN,
                format!("`{} list` has {} registries", program.name(), all.len()),
            ),
            Err(why) => report.wrong(RUN, format!("`{} list` {}", program.name(), said(why)), LOG),
        }
        return;
    };
    match program.get(key).await {
        Ok((username, _)) => report.ok(
            RUN,
            format!(
                "`{} get` for {key:?} gives the login of {username:?}",
                program.name(),
            ),
        ),
        Err(why) => report.wrong(
            RUN,
            format!("`{} get` for {key:?} {}", program.name(), said(why)),
            LOG,
        ),
    }
}

fn said(why: NoAnswer) -> String {
    match why {
        NoAnswer::NotFound => "finds no credentials".to_owned(),
        NoAnswer::Failed(why) => why,
    }
}

const FLAGS: [(&str, &str); 3] = [
    (
        "--allow-http",
        "put an https URL as `url` into the helper's configuration; plain http reaches this machine only",
    ),
    (
        "--ca-file",
        "name a file of PEM certificates with the authority, if you trust it, as `ca-file` in the helper's configuration",
    ),
    (
        "--timeout",
        "try again; the helper waits ten seconds at most",
    ),
];
const PROGRAM: &str = "program";
const CONFIGURATION: &str = "configuration";
const RUN: &str = "run";
const LOG: &str =
    "run it by hand to see all that it says: echo KEY | docker-credential-regcred get";
