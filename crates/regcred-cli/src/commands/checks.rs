//! A list of checks, each with what is wrong and what to do: what `helper doctor` and `kubelet config --check` print.

use std::fmt::Write as _;

use serde::Serialize;

use crate::failure::{Exit, Failure, Result};
use crate::output::{Format, OutputArgs, names, print, shown};

/// Something that was looked at, and how it is.
#[derive(Serialize)]
struct Check {
    step: &'static str,
    state: State,
    message: String,
    hint: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    /// It works, but not for long, or not for everybody.
    Warning,
    Wrong,
    /// It could not be looked at, because of what is wrong before it.
    Skipped,
}

/// The checks so far, in their order.
#[derive(Default)]
pub(super) struct Report {
    checks: Vec<Check>,
}

impl Report {
    pub(super) fn ok(&mut self, check: &'static str, message: impl Into<String>) {
        self.push(check, State::Ok, message.into(), None);
    }

    pub(super) fn warn(
        &mut self,
        check: &'static str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.push(check, State::Warning, message.into(), Some(hint.into()));
    }

    pub(super) fn wrong(
        &mut self,
        check: &'static str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.push(check, State::Wrong, message.into(), Some(hint.into()));
    }

    pub(super) fn failed(&mut self, check: &'static str, failure: Failure) {
        self.push(check, State::Wrong, failure.message, failure.hint);
    }

    pub(super) fn skipped(&mut self, check: &'static str) {
        let message = "not looked at, because of what is wrong above".to_owned();
        self.push(check, State::Skipped, message, None);
    }

    /// Not looked at, for this reason.
    pub(super) fn left_out(&mut self, check: &'static str, why: &str) {
        self.push(check, State::Skipped, why.to_owned(), None);
    }

    /// What is wrong in another report, of this.
    pub(super) fn add_wrong(&mut self, other: Self, of: &str) {
        let wrong = other
            .checks
            .into_iter()
            .filter(|check| check.state == State::Wrong);
        self.checks.extend(wrong.map(|check| Check {
            message: format!("{of}: {}", check.message),
            ..check
        }));
    }

    fn push(&mut self, step: &'static str, state: State, message: String, hint: Option<String>) {
        self.checks.push(Check {
            step,
            state,
            message,
            hint,
        });
    }

    fn count(&self, state: State) -> usize {
        self.checks
            .iter()
            .filter(|check| check.state == state)
            .count()
    }

    /// Prints them; fails in this way if anything is wrong.
    pub(super) fn show(&self, output: OutputArgs, exit: Exit) -> Result<()> {
        match output.output {
            Format::Json | Format::Yaml => output.data(&self.checks)?,
            Format::Name => {
                let wrong = self
                    .checks
                    .iter()
                    .filter(|check| check.state == State::Wrong);
                names(wrong.map(|check| check.step))?;
            }
            Format::Table => {
                let mut text = String::new();
                for check in &self.checks {
                    let message = shown(&check.message);
                    let _ = writeln!(
                        text,
                        "{:<8} {:<14} {message}",
                        check.state.word(),
                        check.step
                    );
                    if let Some(hint) = &check.hint {
                        let _ = writeln!(text, "{:>23} {}", "->", shown(hint));
                    }
                }
                print(&text)?;
            }
        }
        match self.count(State::Wrong) {
            0 => Ok(()),
            wrong => Err(Failure::new(
                exit,
                format!("{wrong} of {} checks failed", self.checks.len()),
                "begin with the first: what comes after may follow from it",
            )),
        }
    }
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Wrong => "WRONG",
            Self::Skipped => "skipped",
        }
    }
}

#[cfg(test)]
impl Report {
    /// Each message and hint of what is not as it should be.
    pub(super) fn problems(&self) -> Vec<String> {
        let odd = self.checks.iter().filter(|check| check.state != State::Ok);
        odd.map(|check| {
            format!(
                "{} {}",
                check.message,
                check.hint.as_deref().unwrap_or_default()
            )
        })
        .collect()
    }
}
