//! The command line as whole processes, beside the same listing by a script that uses the platform's client.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use super::service::{LOGIN, PASSWORD, Service};
use super::{Result, median};
use crate::shell::{Doing, Failure, Outcome, Shell, command, target};
use crate::tools;

/// Lists three credentials both ways in turns, starts the program for its version, and weighs it.
pub(super) fn run(shell: &Shell, folder: &Path, results: &mut Vec<Result>) -> Outcome {
    let program = target()?.join("release/regcred");
    let python = tools::python(shell)?;
    let service = Service::start(&folder.join("command-line"))?;
    let project = service.project("bench")?;
    for username in ["a", "b", "c"] {
        service.credentials(&project, username)?;
    }
    let ours = || {
        let mut list = command(&program, "credentials list");
        list.env("REGCRED_URL", &service.url)
            .env("REGCRED_TOKEN", &service.token)
            .env("REGCRED_PROJECT", &project);
        list
    };
    let theirs = || {
        let mut list = command(&python, "-c");
        list.arg(SCRIPT)
            .args([&service.url, LOGIN, PASSWORD, &project]);
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
    results.extend([
        Result {
            name: "regcred credentials list, whole process",
            value: list,
            unit: "ms",
            target: "",
        },
        Result {
            name: "the same listing by a saagieapi script",
            value: script,
            unit: "ms",
            target: "",
        },
        Result {
            name: "saagieapi script / regcred credentials list",
            value: script / list,
            unit: "",
            target: "at least 20",
        },
        Result {
            name: "regcred --version, whole process",
            value: median(versions),
            unit: "ms",
            target: "at most 10",
        },
        Result {
            name: "the program, stripped",
            value: stripped_mib(shell, &program, folder)?,
            unit: "MiB",
            target: "",
        },
    ]);
    Ok(())
}

/// How long the command takes to succeed.
pub(super) fn milliseconds(command: &mut Command, input: Stdio) -> Outcome<f64> {
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
const ROUNDS: usize = 20;
