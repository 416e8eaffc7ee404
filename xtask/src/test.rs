//! `cargo xtask test`: every check of the project, in the order in which a mistake is told soonest.
//!
//! A check prints to its file under target/checks; it is shown only if the check fails.

use std::fs;
use std::io::{self, Write};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::shell::{Doing, Failure, Outcome, Shell, command, target};
use crate::{dependencies, schema, tools};

/// Runs all checks, or the one that is named, up to the first that fails.
pub(crate) fn run(only: Option<&str>) -> Outcome {
    let checks: Vec<_> = CHECKS
        .iter()
        .filter(|(name, _)| only.is_none_or(|only| only == *name))
        .collect();
    let mut times = Vec::new();
    let mut tests = 0;
    for (number, (name, check)) in (1..).zip(&checks) {
        print!("[{number}/{}] {name} ... ", checks.len());
        io::stdout().flush().doing("print")?;
        let log = target()?.join("checks").join(name).with_extension("log");
        let shell = Shell::logged(&log)?;
        let start = Instant::now();
        let outcome = check(&shell);
        let time = start.elapsed();
        let printed = fs::read(&log).doing(format_args!("read {}", log.display()))?;
        let printed = String::from_utf8_lossy(&printed);
        if let Err(failure) = outcome {
            println!("failed after {}\n\n{}", seconds(time), printed.trim_end());
            return Err(Failure::new(format!("check {name}: {failure}")));
        }
        println!("{}", seconds(time));
        times.push((name, time));
        tests += passed(&printed);
    }
    let all = seconds(times.iter().map(|(_, time)| time).sum());
    let each: Vec<_> = times
        .iter()
        .map(|(name, time)| format!("{name} {}", seconds(*time)))
        .collect();
    println!("\nAll is well after {all}: {}", each.join(", "));
    if tests > 0 {
        println!("{tests} passed, 0 failed");
    }
    Ok(())
}

/// The names of the checks.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    CHECKS.iter().map(|(name, _)| *name)
}

type Check = fn(&Shell) -> Outcome;

const CHECKS: &[(&str, Check)] = &[
    ("prepare", tools::prepare),
    ("format", |shell| {
        shell.run(&mut command("cargo", "fmt --all --check"))
    }),
    ("deny", deny),
    ("machete", |shell| {
        shell.run(&mut command(tools::cargo_machete(shell)?, ""))
    }),
    ("helpers", dependencies::check),
    ("clippy", clippy),
    ("doc", doc),
    ("schema", schema::check),
    ("tests", |shell| {
        shell.run(&mut command("cargo", "test --workspace --locked"))
    }),
    ("release", tools::release),
    ("saagieapi", saagieapi),
    ("command-line", command_line),
    ("pulling", pulling),
    ("verifying", verifying),
];

/// Licences, sources, duplicate versions, and the arrows between crates; `deny.toml` says why not advisories.
fn deny(shell: &Shell) -> Outcome {
    // A warning is a rule that matches nothing any more; but whether axum stands on hyper is a matter of its features.
    let args = "--workspace --locked check -D warnings -A unused-wrapper bans licenses sources";
    shell.run(&mut command(tools::cargo_deny(shell)?, args))
}

fn clippy(shell: &Shell) -> Outcome {
    let args = "clippy --workspace --all-targets --locked -- -D warnings";
    shell.run(&mut command("cargo", args))
}

fn doc(shell: &Shell) -> Outcome {
    let args = "doc --workspace --no-deps --document-private-items --locked";
    shell.run(command("cargo", args).env("RUSTDOCFLAGS", "-D warnings"))
}

/// The platform's own client, unmodified, against that binary.
fn saagieapi(shell: &Shell) -> Outcome {
    tools::release(shell)?;
    shell.run(&mut pytest(shell, "tests/saagieapi")?)
}

/// That binary's commands as whole processes, on itself and on a stand-in of the original platform; beside them the
/// Rust client by its examples.
fn command_line(shell: &Shell) -> Outcome {
    tools::release(shell)?;
    let examples = "build --locked --package regcred-client --features blocking --examples";
    shell.run(&mut command("cargo", examples))?;
    let example = target()?.join("debug/examples/docker_credentials");
    shell.run(pytest(shell, "tests/command_line")?.env("REGCRED_SDK_EXAMPLE", example))
}

/// Those programs between real registries and the real programs that pull images.
fn pulling(shell: &Shell) -> Outcome {
    tools::release(shell)?;
    let syft = tools::syft(shell)?;
    shell.run(pytest(shell, "tests/pulling")?.env("SYFT_BIN", syft))
}

/// That binary tries credentials at real registries, and at servers that are none.
fn verifying(shell: &Shell) -> Outcome {
    tools::release(shell)?;
    shell.run(&mut pytest(shell, "tests/verifying")?)
}

fn pytest(shell: &Shell, suite: &str) -> Outcome<Command> {
    let python = tools::python(shell)?;
    let mut pytest = command(python, "-m pytest -p no:cacheprovider");
    pytest
        .arg(suite)
        .env("REGCRED_BIN", target()?.join("release/regcred"))
        .env("PYTHONDONTWRITEBYTECODE", "1");
    Ok(pytest)
}

/// How many tests passed, by the closing lines of cargo's and pytest's runs.
fn passed(printed: &str) -> u32 {
    let closing = printed
        .lines()
        .filter(|line| line.starts_with("test result: ") || line.starts_with("=="));
    let words: Vec<_> = closing.flat_map(str::split_whitespace).collect();
    let pairs = words.windows(2).filter_map(|pair| match pair {
        [count, what] if what.trim_end_matches([',', ';']) == "passed" => count.parse::<u32>().ok(),
        _ => None,
    });
    pairs.sum()
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tests_of_cargo_and_pytest_are_counted() {
        let printed = "test result: ok. 12 passed; 0 failed; 0 ignored\n\
            test the_3 passed ... ok\n\
            test result: ok. 0 passed; 0 failed; 0 ignored\n\
            ======= 3 passed, 1 skipped in 2.10s =======\n";
        assert_eq!(passed(printed), 15);
    }
}
