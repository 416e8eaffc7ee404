//! What was measured, for people as a table and for programs as JSON.
//!
//! A [`Row`] is one operation at one number of connections; a [`Figure`] is a single number, with its target where it
//! has one. A missed target is told and is no failure: the machine may be to blame.

use std::fmt::Write as _;
use std::fs;

use serde_json::{Value, json};

/// All of one run.
#[derive(Default)]
pub(super) struct Report {
    pub(super) rows: Vec<Row>,
    pub(super) figures: Vec<Figure>,
}

/// One operation at one number of connections.
#[derive(Clone)]
pub(super) struct Row {
    pub(super) operation: String,
    /// Who answered, and with which database.
    pub(super) of: &'static str,
    pub(super) connections: u32,
    /// In a second.
    pub(super) rate: f64,
    /// How long an answer took, where that is known.
    pub(super) latency: Option<Latency>,
    /// What the processes that answered took, where that is known.
    pub(super) cost: Option<Cost>,
}

/// In milliseconds.
#[derive(Clone, Copy)]
pub(super) struct Latency {
    pub(super) p50: f64,
    pub(super) p99: f64,
}

#[derive(Clone, Copy)]
pub(super) struct Cost {
    /// For 1,000 requests.
    pub(super) cpu_seconds: f64,
    /// The most that was resident meanwhile.
    pub(super) peak_mib: f64,
}

/// A single number.
pub(super) struct Figure {
    pub(super) name: String,
    pub(super) value: f64,
    pub(super) unit: &'static str,
    pub(super) goal: Option<Goal>,
}

#[derive(Clone, Copy)]
pub(super) enum Goal {
    AtLeast(f64),
    AtMost(f64),
}

impl Goal {
    fn is_met(self, value: f64) -> bool {
        match self {
            Self::AtLeast(least) => value >= least,
            Self::AtMost(most) => value <= most,
        }
    }

    fn words(self) -> String {
        match self {
            Self::AtLeast(least) => format!("at least {least}"),
            Self::AtMost(most) => format!("at most {most}"),
        }
    }
}

impl Report {
    /// How many times `one` is as fast as `other`.
    pub(super) fn ratio(&mut self, one: &Row, other: &Row, goal: Option<Goal>) {
        let at = if one.connections == other.connections {
            String::new()
        } else {
            format!(", {} connections", one.connections)
        };
        let theirs = if one.of == other.of {
            other.operation.clone()
        } else {
            format!("{} of {}", other.operation, other.of)
        };
        let name = format!("{}{at} / {theirs}", one.operation);
        self.figure(name, one.rate / other.rate, "", goal);
    }

    pub(super) fn figure(
        &mut self,
        name: impl Into<String>,
        value: f64,
        unit: &'static str,
        goal: Option<Goal>,
    ) {
        let name = name.into();
        self.figures.push(Figure {
            name,
            value,
            unit,
            goal,
        });
    }

    /// As Markdown, which is read well on a terminal, too.
    pub(super) fn table(&self) -> String {
        let mut rows = vec![HEADS.map(str::to_owned)];
        rows.extend(self.rows.iter().map(Row::cells));
        let mut figures = vec![["Figure", "Value", "Target", ""].map(str::to_owned)];
        figures.extend(self.figures.iter().map(Figure::cells));
        let tables = [
            (aligned(&rows), &self.rows.len()),
            (aligned(&figures), &self.figures.len()),
        ];
        let tables = tables.into_iter().filter(|(_, lines)| **lines > 0);
        tables
            .map(|(table, _)| table)
            .collect::<Vec<_>>()
            .join("\n")
    }

    pub(super) fn json(&self) -> Value {
        let rows: Vec<_> = self.rows.iter().map(Row::json).collect();
        let figures: Vec<_> = self.figures.iter().map(Figure::json).collect();
        json!({"machine": machine(), "rows": rows, "figures": figures})
    }
}

impl Row {
    fn cells(&self) -> [String; 8] {
        let known = |value: Option<f64>, digits: usize| {
            value.map_or_else(String::new, |value| format!("{value:.digits$}"))
        };
        [
            self.operation.clone(),
            self.of.to_owned(),
            self.connections.to_string(),
            format!("{:.0}", self.rate),
            known(self.latency.map(|latency| latency.p50), 2),
            known(self.latency.map(|latency| latency.p99), 2),
            known(self.cost.map(|cost| cost.cpu_seconds), 3),
            known(self.cost.map(|cost| cost.peak_mib), 0),
        ]
    }

    fn json(&self) -> Value {
        json!({
            "operation": self.operation,
            "of": self.of,
            "connections": self.connections,
            "rate": rounded(self.rate),
            "p50_ms": self.latency.map(|latency| rounded(latency.p50)),
            "p99_ms": self.latency.map(|latency| rounded(latency.p99)),
            "cpu_seconds_per_1000": self.cost.map(|cost| rounded(cost.cpu_seconds)),
            "peak_resident_mib": self.cost.map(|cost| rounded(cost.peak_mib)),
        })
    }
}

impl Figure {
    fn cells(&self) -> [String; 4] {
        let verdict = match self.goal.map(|goal| goal.is_met(self.value)) {
            Some(true) => "met",
            Some(false) => "**missed**",
            None => "",
        };
        [
            self.name.clone(),
            format!("{:.2} {}", self.value, self.unit)
                .trim_end()
                .to_owned(),
            self.goal.map_or_else(String::new, Goal::words),
            verdict.to_owned(),
        ]
    }

    fn json(&self) -> Value {
        json!({
            "name": self.name,
            "value": rounded(self.value),
            "unit": self.unit,
            "target": self.goal.map(Goal::words),
            "met": self.goal.map(|goal| goal.is_met(self.value)),
        })
    }
}

/// What tells one machine from another, in words.
pub(super) fn machine_in_words() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let of = |file, word| of(file, word).unwrap_or_else(|| "unknown".to_owned());
    format!(
        "Measured on {cores} cores ({}), memory {}, Linux {}.",
        of(PROCESSOR.0, PROCESSOR.1),
        of(MEMORY.0, MEMORY.1),
        of(KERNEL.0, KERNEL.1)
    )
}

fn machine() -> Value {
    json!({
        "processor": of(PROCESSOR.0, PROCESSOR.1),
        "cores": std::thread::available_parallelism().ok().map(usize::from),
        "memory": of(MEMORY.0, MEMORY.1),
        "kernel": of(KERNEL.0, KERNEL.1),
    })
}

/// The rest of the line that begins with the word.
fn of(file: &str, word: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let rest = text.lines().find_map(|line| line.strip_prefix(word))?;
    Some(rest.trim_start_matches([' ', '\t', ':']).to_owned())
}

/// The first column is text, and so is the second of eight; numbers stand on the right.
fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or_default()
            .max(2)
    };
    let widths: [usize; N] = std::array::from_fn(width);
    let is_text = |column: usize| {
        column == 0 || (N == HEADS.len() && column == 1) || N < HEADS.len() && column > 1
    };
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
            let _ = if is_text(column) {
                write!(text, "| {cell:<width$} ")
            } else {
                write!(text, "| {cell:>width$} ")
            };
        }
        text.push_str("|\n");
        if number == 0 {
            for (column, width) in widths.into_iter().enumerate() {
                let end = if is_text(column) { "-" } else { ":" };
                let _ = write!(text, "| {}{end} ", "-".repeat(width - 1));
            }
            text.push_str("|\n");
        }
    }
    text
}

/// Digits beyond these are noise.
fn rounded(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}

const HEADS: [&str; 8] = [
    "Operation",
    "Answered by",
    "Connections",
    "1/s",
    "p50 ms",
    "p99 ms",
    "CPU s / 1,000",
    "Peak MiB",
];
const PROCESSOR: (&str, &str) = ("/proc/cpuinfo", "model name");
const MEMORY: (&str, &str) = ("/proc/meminfo", "MemTotal");
const KERNEL: (&str, &str) = ("/proc/sys/kernel/osrelease", "");
