//! Pulls: regcred's, audited and on the disk before the password leaves, beside a read of OpenBao and a bare handler;
//! and the credential helper as a whole process.

use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;

use super::command_line::milliseconds;
use super::load::{self, Wrk};
use super::openbao::OpenBao;
use super::service::{Service, Yardstick};
use super::{ROUNDS, Result, SECONDS, example, median};
use crate::shell::{Doing, Failure, Outcome, Shell, command, target};
use crate::tools;

/// Measures all of it in turns.
pub(super) fn run(shell: &Shell, folder: &Path, results: &mut Vec<Result>) -> Outcome {
    example(shell, "regcred-server", "static_pull")?;
    let openbao = OpenBao::start(&tools::openbao(shell)?, &folder.join("openbao"))?;
    let service = Service::start(&folder.join("pull"))?;
    let bare = Yardstick::start("static_pull")?;
    let project = service.project("bench")?;
    service.credentials(&project, "ci-bot")?;
    let token = service.service_token(&project, "PULL")?;
    rates(folder, results, &openbao, &service, &bare, &token, &project)?;
    helper(folder, &service, &token, results)
}

fn rates(
    folder: &Path,
    results: &mut Vec<Result>,
    openbao: &OpenBao,
    service: &Service,
    bare: &Yardstick,
    token: &str,
    project: &str,
) -> Outcome {
    let pull = load::pull(folder, token, project, "registry.example.com/team/app:1.0")?;
    let read = load::read(folder, &openbao.token)?;
    let wrk = Wrk::new(32, SECONDS);
    let (mut ours, mut theirs, mut constants) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(wrk.run(&pull, &format!("{}/api/v1/pull", service.url))?);
        let before = openbao.audited()?;
        theirs.push(wrk.run(&read, &openbao.secret())?);
        if openbao.audited()? == before {
            return Err(Failure::new("OpenBao did not audit the reads"));
        }
        constants.push(wrk.run(&pull, &bare.url)?);
    }
    let (ours, theirs, constants) = (median(ours), median(theirs), median(constants));
    results.extend([
        Result {
            name: "pull, audited and durable, 32 connections",
            value: ours,
            unit: "1/s",
            target: "",
        },
        Result {
            name: "OpenBao KV read, audited to a file, 32 connections",
            value: theirs,
            unit: "1/s",
            target: "",
        },
        Result {
            name: "pull / OpenBao KV read",
            value: ours / theirs,
            unit: "",
            target: "at least 3",
        },
        Result {
            name: "static axum answer, 32 connections",
            value: constants,
            unit: "1/s",
            target: "",
        },
        Result {
            name: "pull / static axum answer",
            value: ours / constants,
            unit: "",
            target: "",
        },
    ]);
    Ok(())
}

/// The credential helper as docker runs it, and when it does nothing.
fn helper(folder: &Path, service: &Service, token: &str, results: &mut Vec<Result>) -> Outcome {
    let server = folder.join("server");
    fs::write(&server, "registry.example.com").doing("write what the helper is asked")?;
    let program = target()?.join("release/docker-credential-regcred");
    let helper = |argument: &str| {
        let mut helper = command(&program, argument);
        helper
            .env_clear()
            .env("HOME", "/nonexistent")
            .env("REGCRED_URL", &service.url)
            .env("REGCRED_TOKEN", token);
        helper
    };
    let (mut gets, mut versions) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let server = File::open(&server).doing("read what the helper is asked")?;
        gets.push(milliseconds(&mut helper("get"), server.into())?);
        versions.push(milliseconds(&mut helper("version"), Stdio::null())?);
    }
    results.extend([
        Result {
            name: "docker-credential-regcred get, whole process",
            value: median(gets),
            unit: "ms",
            target: "at most 10",
        },
        Result {
            name: "docker-credential-regcred version, whole process",
            value: median(versions),
            unit: "ms",
            target: "",
        },
    ]);
    Ok(())
}

/// Of each, in turns.
const STARTS: usize = 50;
