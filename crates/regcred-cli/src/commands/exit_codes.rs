//! `regcred help exit-codes`: what the exit codes mean.

use std::fmt::Write as _;

use crate::failure::Exit;

pub(super) const ABOUT: &str = "What the exit codes mean";

/// The list, from the codes themselves.
pub(super) fn text() -> String {
    let mut text = "What the exit codes mean:\n\n    0  done\n".to_owned();
    for exit in Exit::ALL {
        let _ = writeln!(text, "{:>5}  {}", exit.code(), exit.meaning());
    }
    text.push_str(
        "\nErrors go to standard error: a line `error:` says what is wrong, a line `hint:` what to do.\n",
    );
    text
}
