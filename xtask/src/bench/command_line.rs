//! The programs as whole processes: the command line, beside the same listing by a script that uses the platform's
//! client, and the credential helper.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use super::measure::median;
use super::report::{Goal, Report};
use super::service::{Backend, LOGIN, PASSWORD, Service};
use crate::shell::{Doing, Failure, Outcome, Shell, command, target};
use crate::tools;

/// Lists three credentials both ways in turns, starts the program for its version, weighs it, and runs the helper.
pub(super) fn run(shell: &Shell, folder: &Path, report: &mut Report) -> Outcome {
    let service = Service::start(Backend::Sqlite, &folder.join("command-line"))?;
    let project = service.project("bench")?;
    for username in ["a", "b", "c"] {
        service.credentials(&project, username)?;
    }
    listing(shell, &service, &project, report)?;
    let size = stripped_mib(shell, &program("regcred")?, folder)?;
    report.figure("the program, stripped", size, "MiB", None);
    let alone = service.project("helper")?;
    service.credentials(&alone, "ci-bot")?;
    helper(folder, &service, &alone, report)
}

fn listing(shell: &Shell, service: &Service, project: &str, report: &mut Report) -> Outcome {
    let (program, python) = (program("regcred")?, tools::python(shell)?);
    let ours = || {
        let mut list = command(&program, "credentials list");
        list.env("REGCRED_URL", &service.url)
            .env("REGCRED_TOKEN", &service.token)
            .env("REGCRED_PROJECT", project);
        list
    };
    let theirs = || {
        let mut list = command(&python, "-c");
        list.arg(SCRIPT)
            .args([&service.url, LOGIN, PASSWORD, project]);
        list
    };
    let version = || command(&program, "--version");
    let (mut lists, mut scripts, mut versions) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        lists.push(milliseconds(&mut ours(), Stdio::null())?);
        scripts.push(milliseconds(&mut theirs(), Stdio::null())?);
        versions.push(milliseconds(&mut version(), Stdio::null())?);
    }
    let (list, script) = (median(lists), median(scripts));
    let (least, most) = (Goal::AtLeast(20.0), Goal::AtMost(10.0));
    report.figure("regcred credentials list, whole process", list, "ms", None);
    report.figure("the same listing by a saagieapi script", script, "ms", None);
    let ratio = "saagieapi script / regcred credentials list";
    report.figure(ratio, script / list, "", Some(least));
    let version = "regcred --version, whole process";
    report.figure(version, median(versions), "ms", Some(most));
    Ok(())
}

/// The credential helper as docker runs it, and when it does nothing.
fn helper(folder: &Path, service: &Service, project: &str, report: &mut Report) -> Outcome {
    let token = service.service_token(project, "PULL")?;
    let server = folder.join("server");
    fs::write(&server, "registry.example.com").doing("write what the helper is asked")?;
    let program = program("docker-credential-regcred")?;
    let helper = |argument: &str| {
        let mut helper = command(&program, argument);
        helper
            .env_clear()
            .env("HOME", "/nonexistent")
            .env("REGCRED_URL", &service.url)
            .env("REGCRED_TOKEN", &token);
        helper
    };
    let (mut gets, mut versions) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let server = File::open(&server).doing("read what the helper is asked")?;
        gets.push(milliseconds(&mut helper("get"), server.into())?);
        versions.push(milliseconds(&mut helper("version"), Stdio::null())?);
    }
    let (get, version) = (
        "docker-credential-regcred get, whole process",
        "docker-credential-regcred version, whole process",
    );
    report.figure(get, median(gets), "ms", Some(Goal::AtMost(10.0)));
    report.figure(version, median(versions), "ms", None);
    Ok(())
}

fn program(name: &str) -> Outcome<PathBuf> {
    Ok(target()?.join("release").join(name))
}

/// How long the command takes to succeed.
fn milliseconds(command: &mut Command, input: Stdio) -> Outcome<f64> {
    let command = command
        .stdin(input)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let start = Instant::now();
    let status = command.status().doing("start what is measured")?;
    let taken = start.elapsed();
    if status.success() {
        Ok(taken.as_secs_f64() * 1_000.0)
    } else {
        Err(Failure::new(format!("what is measured failed, {status}")))
    }
}

#[expect(clippy::cast_precision_loss, reason = "a size in MiB")]
fn stripped_mib(shell: &Shell, program: &Path, folder: &Path) -> Outcome<f64> {
    let stripped: PathBuf = folder.join("stripped");
    shell.run(
        command("strip", "--strip-all -o")
            .arg(&stripped)
            .arg(program),
    )?;
    let size = fs::metadata(&stripped).doing("weigh the program")?.len();
    Ok(size as f64 / f64::from(1 << 20))
}

/// What a user of the platform's client writes.
const SCRIPT: &str = "\
import sys
from saagieapi import SaagieApi
url, login, password, project = sys.argv[1:]
api = SaagieApi(url, '1', login, password, 'regcred')
print(api.docker_credentials.list_for_project(project))
";
/// Of each, in turns.
const ROUNDS: usize = 25;
