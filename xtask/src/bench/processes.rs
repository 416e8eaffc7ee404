//! What processes take of the machine, as the kernel counts it.

use std::fs;

use crate::shell::{Doing, Failure, Outcome};

/// The processes that answer together: a service, and its database where that has processes of its own.
#[derive(Clone)]
pub(super) struct Processes {
    ids: Vec<u32>,
    /// One whose children take part, too, whichever there are at a time.
    parent: Option<u32>,
}

impl Processes {
    pub(super) fn new(ids: impl IntoIterator<Item = u32>) -> Self {
        Self {
            ids: ids.into_iter().collect(),
            parent: None,
        }
    }

    /// With a process and its children.
    pub(super) fn with(mut self, parent: u32) -> Self {
        self.ids.push(parent);
        self.parent = Some(parent);
        self
    }

    fn all(&self) -> Vec<u32> {
        let mut all = self.ids.clone();
        if let Some(parent) = self.parent {
            let folders = fs::read_dir("/proc").into_iter().flatten();
            let ids = folders.filter_map(|folder| folder.ok()?.file_name().to_str()?.parse().ok());
            all.extend(ids.filter(|id| parent_of(*id) == Some(parent)));
        }
        all
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
        for id in self.all() {
            let file = format!("/proc/{id}/clear_refs");
            fs::write(&file, "5").doing(format_args!("write {file}"))?;
        }
        Ok(())
    }

    fn sum(&self, of: impl Fn(u32) -> Option<f64>) -> Outcome<f64> {
        let of = |id: u32| {
            of(id)
                .ok_or_else(|| Failure::new(format!("/proc does not tell what process {id} takes")))
        };
        self.all().into_iter().map(of).sum()
    }
}

fn read(id: u32, file: &str) -> Option<String> {
    fs::read_to_string(format!("/proc/{id}/{file}")).ok()
}

/// The fourth field: behind the name, which stands in parentheses and may hold anything, and the state.
fn parent_of(id: u32) -> Option<u32> {
    let text = read(id, "stat")?;
    let (_, rest) = text.rsplit_once(") ")?;
    rest.split(' ').nth(1)?.parse().ok()
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
