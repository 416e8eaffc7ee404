//! `cargo xtask bench`: the service against its yardsticks, in one run on one machine.
//!
//! Machines are shared and noisy, so what counts is the ratio of two rates that were measured in turns. The load comes
//! from wrk, in a process of its own. docs/performance.md says what is measured, and holds what came of it.

mod command_line;
mod databases;
mod growth;
mod load;
mod machine;
mod measure;
mod openbao;
mod operations;
mod plot;
mod processes;
mod reads;
mod report;
mod service;
mod table;
mod writes;
mod yardstick;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::json;

use crate::shell::{Doing, Failure, Outcome, Shell, root, target};
use crate::tools;
use report::Report;

/// Measures all, or what is named, prints the tables, and writes target/bench/result.json; all of it goes to docs/, too.
pub(crate) fn run(only: Option<&str>) -> Outcome {
    let shell = Shell::terminal();
    tools::programs(&shell, tools::FOR_BENCH)?;
    tools::release(&shell)?;
    let folder = target()?.join("bench");
    if folder.exists() {
        fs::remove_dir_all(&folder).doing(format_args!("remove {}", folder.display()))?;
    }
    fs::create_dir_all(&folder).doing(format_args!("make {}", folder.display()))?;

    let (mut tables, mut subjects) = (String::new(), Vec::new());
    for (name, measure) in SUBJECTS {
        if only.is_none_or(|only| only == *name) {
            shell.say(format_args!("Measuring {name}"))?;
            let mut report = Report::default();
            measure(&shell, &folder, &mut report)?;
            let _ = write!(tables, "\n### {name}\n\n{}", report.tables());
            subjects.push(report.json(name));
        }
    }

    let file = folder.join("result.json");
    let json = json!({"machine": machine::json(), "subjects": subjects});
    fs::write(&file, format!("{json:#}\n")).doing(format_args!("write {}", file.display()))?;
    if only.is_none() {
        document(&tables)?;
    }
    shell.say(format_args!("{tables}\nAlso in {}", file.display()))
}

/// What can be measured by itself.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    SUBJECTS.iter().map(|(name, _)| *name)
}

type Measure = fn(&Shell, &Path, &mut Report) -> Outcome;

const SUBJECTS: &[(&str, Measure)] = &[
    ("reads", reads::run),
    ("writes", writes::run),
    ("databases", databases::run),
    ("growth", growth::run),
    ("operations", operations::run),
    ("command-line", command_line::run),
];

/// Puts the tables where docs/performance.md has those of the last run.
fn document(tables: &str) -> Outcome {
    let file = root().join("docs/performance.md");
    let text = fs::read_to_string(&file).doing("read docs/performance.md")?;
    let parts = text.split_once(BEGIN).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(END)?;
        Some((before, after))
    });
    let (before, after) =
        parts.ok_or_else(|| Failure::new("docs/performance.md has no place for the tables"))?;
    let machine = machine::words();
    let text = format!("{before}{BEGIN}\n{machine}\n{tables}\n{END}{after}");
    fs::write(&file, text).doing("write docs/performance.md")
}

const BEGIN: &str = "<!-- measured -->\n";
const END: &str = "<!-- end -->";
