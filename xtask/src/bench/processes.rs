//! What processes take of the machine, as the kernel counts it.

use std::fs;

use crate::shell::{Doing, Failure, Outcome};

/// The processes that answer together: a service, and its database where that is a process of its own.
#[derive(Clone)]
pub(super) struct Processes(Vec<u32>);

impl Processes {
    pub(super) fn new(ids: impl IntoIterator<Item = u32>) -> Self {
        Self(ids.into_iter().collect())
    }

    /// Processor time until now, of all their threads.
    pub(super) fn cpu_seconds(&self) -> Outcome<f64> {
        self.sum(|id| {
            let text = read(id, "stat")?;
            // The name stands in parentheses and may hold anything; user and system time are the 12th and 13th behind it.
            let fields = text.rsplit_once(") ").map(|(_, rest)| rest.split(' '));
            let ticks = fields.map(|fields| {
                fields
                    .skip(11)
                    .take(2)
                    .filter_map(|field| field.parse::<f64>().ok())
            });
            ticks.map(|ticks| ticks.sum::<f64>() / TICKS)
        })
    }

    /// Memory that is in use.
    pub(super) fn resident_mib(&self) -> Outcome<f64> {
        self.sum(|id| mib(id, "VmRSS:"))
    }

    /// The most memory that was in use since [`Self::forget_peak`].
    pub(super) fn peak_mib(&self) -> Outcome<f64> {
        self.sum(|id| mib(id, "VmHWM:"))
    }

    pub(super) fn forget_peak(&self) -> Outcome {
        for id in &self.0 {
            let file = format!("/proc/{id}/clear_refs");
            fs::write(&file, "5").doing(format_args!("write {file}"))?;
        }
        Ok(())
    }

    fn sum(&self, of: impl Fn(u32) -> Option<f64>) -> Outcome<f64> {
        let of = |id: &u32| {
            of(*id)
                .ok_or_else(|| Failure::new(format!("/proc does not tell what process {id} takes")))
        };
        self.0.iter().map(of).sum()
    }
}

fn read(id: u32, file: &str) -> Option<String> {
    fs::read_to_string(format!("/proc/{id}/{file}")).ok()
}

fn mib(id: u32, word: &str) -> Option<f64> {
    let status = read(id, "status")?;
    let kib = status
        .lines()
        .find_map(|line| line.strip_prefix(word)?.trim().strip_suffix(" kB"))?;
    Some(kib.parse::<f64>().ok()? / 1_024.0)
}

/// In a second; what Linux tells its programs on every machine that regcred runs on.
const TICKS: f64 = 100.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_takes_something() {
        let this = Processes::new([std::process::id()]);
        assert!(this.cpu_seconds().unwrap() >= 0.0);
        this.forget_peak().unwrap();
        assert!(this.peak_mib().unwrap() >= this.resident_mib().unwrap() * 0.5);
    }

    #[test]
    fn one_that_is_gone_is_named() {
        let gone = Processes::new([u32::MAX]);
        let failure = gone.resident_mib().unwrap_err().to_string();
        assert_eq!(
            failure,
            format!("/proc does not tell what process {} takes", u32::MAX)
        );
    }
}
