//! How far a command is that takes many steps.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::OutputArgs;

/// A bar of so many steps on standard error, where that is a terminal.
pub(crate) fn progress(steps: usize, output: OutputArgs) -> ProgressBar {
    let target = if output.quiet {
        ProgressDrawTarget::hidden()
    } else {
        ProgressDrawTarget::stderr()
    };
    let bar = ProgressBar::with_draw_target(Some(steps as u64), target);
    match ProgressStyle::with_template("{bar:30} {pos}/{len} {wide_msg}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
