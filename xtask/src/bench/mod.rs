//! `cargo xtask bench`: the service against its yardsticks, in one run on one machine.
//!
//! Machines are shared and noisy, so what counts is the ratio of two rates that were measured in turns. The load comes
//! from wrk, in a process of its own.

mod command_line;
mod load;
mod openbao;
mod pull;
mod service;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::shell::{Doing, Outcome, Shell, command, target};
use crate::tools;
use load::Wrk;
use service::{Service, Yardstick};

/// Measures all, or what is named, prints a table, and writes target/bench/result.json.
pub(crate) fn run(only: Option<&str>) -> Outcome {
    let shell = Shell::terminal();
    tools::programs(&shell, tools::FOR_BENCH)?;
    tools::release(&shell)?;
    let folder = target()?.join("bench");
    if folder.exists() {
        fs::remove_dir_all(&folder).doing(format_args!("remove {}", folder.display()))?;
    }
    fs::create_dir_all(&folder).doing(format_args!("make {}", folder.display()))?;

    let mut results = Vec::new();
    for (name, measure) in SUBJECTS {
        if only.is_none_or(|only| only == *name) {
            measure(&shell, &folder, &mut results)?;
        }
    }

    let (mut table, mut json) = (String::new(), String::from("{\n"));
    for (
        number,
        Result {
            name,
            value,
            unit,
            target,
        },
    ) in results.iter().enumerate()
    {
        let _ = writeln!(table, "{name:<58} {value:>10.2} {unit:<6} {target}");
        let comma = if number + 1 == results.len() { "" } else { "," };
        let _ = writeln!(json, "  \"{name}\": {value:.3}{comma}");
    }
    json.push_str("}\n");
    let file = folder.join("result.json");
    fs::write(&file, json).doing(format_args!("write {}", file.display()))?;
    shell.say(format_args!("\n{table}\nAlso in {}", file.display()))
}

/// What can be measured by itself.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    SUBJECTS.iter().map(|(name, _)| *name)
}

type Measure = fn(&Shell, &Path, &mut Vec<Result>) -> Outcome;

const SUBJECTS: &[(&str, Measure)] = &[
    ("reads", reads),
    ("writes", writes),
    ("size", size),
    ("command-line", command_line::run),
    ("pull", pull::run),
];

struct Result {
    name: &'static str,
    value: f64,
    unit: &'static str,
    target: &'static str,
}

/// A list of three credentials, beside the same query answered from constants.
fn reads(shell: &Shell, folder: &Path, results: &mut Vec<Result>) -> Outcome {
    example(shell, "regcred-server", "static_graphql")?;
    let service = Service::start(&folder.join("reads"))?;
    let yardstick = Yardstick::start("static_graphql")?;
    let project = service.project("bench")?;
    for username in ["a", "b", "c"] {
        service.credentials(&project, username)?;
    }
    results.push(Result {
        name: "resident memory, idle",
        value: service.resident_mib()?,
        unit: "MiB",
        target: "",
    });
    let list = load::list(folder, &service.token, &project)?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(Wrk::new(32, SECONDS).run(&list, &service.graphql())?);
        theirs.push(Wrk::new(32, SECONDS).run(&list, &yardstick.url)?);
    }
    let (ours, theirs) = (median(ours), median(theirs));
    results.extend([
        Result {
            name: "list of 3, 32 connections",
            value: ours,
            unit: "1/s",
            target: "",
        },
        Result {
            name: "static async-graphql answer, 32 connections",
            value: theirs,
            unit: "1/s",
            target: "",
        },
        Result {
            name: "list of 3 / static async-graphql answer",
            value: ours / theirs,
            unit: "",
            target: "at least 0.7",
        },
    ]);
    Ok(())
}

/// Durable creates, beside commits of one row each on the same disk.
fn writes(shell: &Shell, folder: &Path, results: &mut Vec<Result>) -> Outcome {
    example(shell, "regcred-storage", "raw_commits")?;
    let service = Service::start(&folder.join("writes"))?;
    let create = load::create(folder, &service.token, &projects(&service)?)?;
    let raw_commits = target()?.join("release/examples/raw_commits");
    let (mut ours, mut raw) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let seconds = SECONDS.as_secs().to_string();
        let text = shell.read(command(&raw_commits, "").arg(folder).arg(seconds))?;
        raw.push(load::number(&text)?);
        ours.push(Wrk::new(64, SECONDS).run(&create, &service.graphql())?);
    }
    let (ours, raw) = (median(ours), median(raw));
    results.extend([
        Result {
            name: "create, 64 connections",
            value: ours,
            unit: "1/s",
            target: "",
        },
        Result {
            name: "raw one-by-one commits",
            value: raw,
            unit: "1/s",
            target: "",
        },
        Result {
            name: "create / raw one-by-one commits",
            value: ours / raw,
            unit: "",
            target: "at least 1.5",
        },
    ]);
    Ok(())
}

/// With 100,000 credentials: memory, and the time from start to ready.
fn size(_: &Shell, folder: &Path, results: &mut Vec<Result>) -> Outcome {
    let data = folder.join("size");
    let service = Service::start(&data)?;
    let create = load::create(folder, &service.token, &projects(&service)?)?;
    while service.count()? < 100_000 {
        Wrk::new(64, Duration::from_secs(3)).run(&create, &service.graphql())?;
    }
    results.push(Result {
        name: "resident memory, with 100,000 credentials, after load",
        value: service.resident_mib()?,
        unit: "MiB",
        target: "",
    });
    drop(service);
    let mut starts = Vec::new();
    for _ in 0..5 {
        starts.push(Service::start_again(&data)?.ready_after.as_secs_f64() * 1_000.0);
    }
    results.push(Result {
        name: "start to ready with 100,000 credentials",
        value: median(starts),
        unit: "ms",
        target: "at most 300",
    });
    Ok(())
}

/// Builds a yardstick.
fn example(shell: &Shell, package: &str, name: &str) -> Outcome {
    let build = format!("build --release --locked --package {package} --example {name}");
    shell.run(&mut command("cargo", &build))
}

/// A hundred projects, so that none grows out of proportion.
fn projects(service: &Service) -> Outcome<Vec<String>> {
    (0..100)
        .map(|number| service.project(&format!("bench{number}")))
        .collect()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

const ROUNDS: usize = 5;
const SECONDS: Duration = Duration::from_secs(4);
