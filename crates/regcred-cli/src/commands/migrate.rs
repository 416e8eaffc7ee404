//! `regcred migrate`: moves an installation to PostgreSQL, for the operator.

use std::io::IsTerminal as _;

use clap::Args;
use indicatif::ProgressBar;
use regcred_server::MigrateArgs;
use regcred_server::operator::{self, Doing, Progress, Step};

use super::{by_operator, print_line};
use crate::failure::Result;
use crate::output::{OutputArgs, note, progress};

#[derive(Args)]
pub(super) struct Migrate {
    #[command(flatten)]
    args: MigrateArgs,
}

impl Migrate {
    pub(super) fn run(self) -> Result<()> {
        let mut shown = Shown {
            bar: progress(0, OutputArgs::lines(false)),
            at_terminal: std::io::stderr().is_terminal(),
            told: None,
        };
        let moved = operator::migrate(self.args, &mut |step| shown.tell(step));
        shown.bar.finish_and_clear();
        let moved = by_operator(moved)?;
        if let Some(warning) = moved.warning {
            note(false, &warning);
        }
        print_line(&moved.summary)
    }
}

/// How far it is: a bar on a terminal, and a line now and then elsewhere.
struct Shown {
    bar: ProgressBar,
    at_terminal: bool,
    /// Elsewhere, what the last line said: what is done, and how many tenths of it.
    told: Option<(Doing, u64)>,
}

impl Shown {
    fn tell(&mut self, step: Step<'_>) {
        match step {
            Step::Begins(what) if self.at_terminal => self.bar.set_message(format!("{what} ...")),
            Step::Begins(what) => note(false, what),
            Step::Rows(rows) if self.at_terminal => {
                self.bar.set_length(rows.of);
                self.bar.set_position(rows.done);
                self.bar
                    .set_message(format!("rows, {} {}", rows.doing, rows.table));
            }
            Step::Rows(rows) => self.line(rows),
        }
    }

    fn line(&mut self, rows: Progress<'_>) {
        let Progress {
            doing, done, of, ..
        } = rows;
        let now = Some((doing, (done * 10).checked_div(of).unwrap_or(0)));
        if self.told != now {
            self.told = now;
            note(false, &format!("{doing} rows: {done} of {of}"));
        }
    }
}
