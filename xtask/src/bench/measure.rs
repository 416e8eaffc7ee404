//! Measuring: one run of wrk against one operation, and several of them in turns.
//!
//! wrk is a process of its own with one thread, which is enough for what answers on a machine of two cores.

use std::path::PathBuf;
use std::time::Duration;

use super::processes::Processes;
use super::report::{Cost, Latency, Row};
use crate::shell::{Failure, Outcome, Shell, command};

/// Requests of one kind, where they go, and who answers them.
pub(super) struct Operation {
    pub(super) name: String,
    pub(super) of: &'static str,
    pub(super) script: PathBuf,
    pub(super) url: String,
    pub(super) processes: Processes,
}

impl Operation {
    /// Runs wrk for the usual time.
    pub(super) fn at(&self, connections: u32) -> Outcome<Row> {
        self.run(connections, SECONDS)
    }

    /// Runs wrk once; a failure where any request was not answered as it should be.
    pub(super) fn run(&self, connections: u32, time: Duration) -> Outcome<Row> {
        self.processes.forget_peak()?;
        let before = self.processes.cpu_seconds()?;
        let args = format!("-t1 -c{connections} -d{}s --timeout 20s -s", time.as_secs());
        let wrk = &mut command("wrk", &args);
        let text = Shell::terminal().read(wrk.arg(&self.script).arg(&self.url))?;
        let cpu_seconds = self.processes.cpu_seconds()? - before;
        let told = |word: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(word));
            let line =
                line.ok_or_else(|| Failure::new(format!("wrk did not print `{word}`:\n{text}")));
            number(line?)
        };
        let refused = told("refused ")?;
        if refused > 0.0 {
            return Err(Failure::new(format!(
                "{refused} requests to {} ({}) were refused or broke off",
                self.url, self.name
            )));
        }
        let latency = Latency {
            p50: told("p50 ")? / 1_000.0,
            p99: told("p99 ")? / 1_000.0,
        };
        let cost = Cost {
            cpu_seconds: cpu_seconds / told("requests ")?.max(1.0) * 1_000.0,
            peak_mib: self.processes.peak_mib()?,
        };
        Ok(Row {
            operation: self.name.clone(),
            of: self.of,
            connections,
            rate: told("rate ")?,
            latency: Some(latency),
            cost: Some(cost),
        })
    }
}

/// Measures each several times, in turns, so that what disturbs the machine disturbs all alike; of each the run with
/// the median rate.
pub(super) fn in_turns<const N: usize>(
    measures: &[impl Fn() -> Outcome<Row>; N],
) -> Outcome<[Row; N]> {
    let mut runs: [Vec<Row>; N] = std::array::from_fn(|_| Vec::new());
    for _ in 0..ROUNDS {
        for (measure, runs) in measures.iter().zip(&mut runs) {
            runs.push(measure()?);
        }
    }
    Ok(runs.map(|mut runs| {
        runs.sort_unstable_by(|one, other| one.rate.total_cmp(&other.rate));
        runs.swap_remove(runs.len() / 2)
    }))
}

pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

pub(super) fn number(text: &str) -> Outcome<f64> {
    let text = text.trim();
    text.parse()
        .map_err(|_| Failure::new(format!("`{text}` is no number")))
}

/// Odd, so that there is a median.
pub(super) const ROUNDS: usize = 5;
pub(super) const SECONDS: Duration = Duration::from_secs(4);
