//! What `--help` says of every command, as it is committed in docs/help.txt.
//!
//! `UPDATE_EXPECT=1 cargo test -p regcred-cli --test help` writes the file anew.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write as _;
use std::process::Command;

#[test]
fn the_help_of_every_command_is_the_committed_one() {
    let mut text = String::new();
    append(&mut text, &mut Vec::new());
    expect_test::expect_file!["../../../docs/help.txt"].assert_eq(&text);
}

/// Appends the help of a command, then of those below it.
fn append(text: &mut String, path: &mut Vec<String>) {
    let help = help(path);
    let title = ["regcred"]
        .into_iter()
        .chain(path.iter().map(String::as_str));
    let title = title.collect::<Vec<_>>().join(" ");
    writeln!(text, "{} {title} {0}\n\n{help}", "=".repeat(10)).unwrap();
    for command in commands(&help) {
        path.push(command);
        append(text, path);
        path.pop();
    }
}

fn help(path: &[String]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_regcred"));
    let shown = command
        .args(path)
        .arg("--help")
        .env_clear()
        .output()
        .unwrap();
    assert!(shown.status.success(), "{shown:?}");
    String::from_utf8(shown.stdout).unwrap()
}

/// The commands that a help lists, without `help` itself.
fn commands(help: &str) -> Vec<String> {
    let list = help
        .split_once("\nCommands:\n")
        .map_or("", |(_, after)| after);
    let lines = list.lines().take_while(|line| !line.is_empty());
    let names = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names = names.filter_map(|line| line.split_whitespace().next());
    names
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}
