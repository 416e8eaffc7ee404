//! What tells one machine from another. What cannot be read is left out.

use std::fs;

use serde_json::{Value, json};

/// In words.
pub(super) fn words() -> String {
    let known = |text: Option<String>| text.unwrap_or_else(|| "unknown".to_owned());
    let cores = cores().map_or(String::new(), |cores| format!("{cores} cores of "));
    format!(
        "Measured on {cores}{}, memory {}, Linux {}.",
        known(processor()),
        known(memory()),
        known(kernel())
    )
}

pub(super) fn json() -> Value {
    json!({
        "processor": processor(),
        "cores": cores(),
        "memory": memory(),
        "kernel": kernel(),
    })
}

fn cores() -> Option<usize> {
    std::thread::available_parallelism().ok().map(usize::from)
}

fn processor() -> Option<String> {
    rest_of_line("/proc/cpuinfo", "model name")
}

fn memory() -> Option<String> {
    rest_of_line("/proc/meminfo", "MemTotal")
}

/// Its version, without what its builder called it.
fn kernel() -> Option<String> {
    let release = rest_of_line("/proc/sys/kernel/osrelease", "")?;
    release.split('-').next().map(str::to_owned)
}

fn rest_of_line(file: &str, beginning: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let rest = text.lines().find_map(|line| line.strip_prefix(beginning))?;
    Some(rest.trim_start_matches([' ', '\t', ':']).to_owned())
}
