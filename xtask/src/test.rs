//! `cargo xtask test`: every check of the project, in the order in which a mistake is told soonest.
//!
//! A check prints to its file under target/checks; it is shown only if the check fails.

use std::cell::OnceCell;
use std::fs;
use std::io::{self, Write};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::postgres::{self, Cluster, Durability};
use crate::shell::{Doing, Failure, Outcome, Shell, command, target};
use crate::{dependencies, schema, tools};

/// Runs all checks, or the one that is named, up to the first that fails.
pub(crate) fn run(only: Option<&str>) -> Outcome {
    let checks: Vec<_> = CHECKS
        .iter()
        .filter(|(name, _)| only.is_none_or(|only| only == *name))
        .collect();
    let cluster = OnceCell::new();
    let mut times = Vec::new();
    let mut tests = 0;
    for (number, (name, check)) in (1..).zip(&checks) {
        print!("[{number}/{}] {name} ... ", checks.len());
        io::stdout().flush().doing("print")?;
        let log = target()?.join("checks").join(name).with_extension("log");
        let run = Run {
            shell: Shell::logged(&log)?,
            cluster: &cluster,
        };
        let start = Instant::now();
        let outcome = check(&run);
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

/// What a check is given.
struct Run<'a> {
    /// Prints to the file of the check.
    shell: Shell,
    /// All checks share it, and most need none.
    cluster: &'a OnceCell<Cluster>,
}

impl Run<'_> {
    /// The URL of the run's PostgreSQL, which starts when the first check asks for it.
    fn postgres(&self) -> Outcome<&str> {
        if let Some(cluster) = self.cluster.get() {
            return Ok(cluster.url());
        }
        let cluster = Cluster::start(&self.shell, Durability::None)?;
        Ok(self.cluster.get_or_init(|| cluster).url())
    }
}

type Check = fn(&Run) -> Outcome;

const CHECKS: &[(&str, Check)] = &[
    ("prepare", |run| tools::prepare(&run.shell)),
    ("format", |run| {
        run.shell.run(&mut command("cargo", "fmt --all --check"))
    }),
    ("deny", |run| deny(&run.shell)),
    ("machete", |run| {
        let machete = tools::cargo_machete(&run.shell)?;
        run.shell.run(&mut command(machete, ""))
    }),
    ("helpers", |run| dependencies::check(&run.shell)),
    ("clippy", |run| clippy(&run.shell)),
    ("doc", |run| doc(&run.shell)),
    ("schema", |run| schema::check(&run.shell)),
    ("tests", |run| {
        let mut tests = command("cargo", "test --workspace --locked");
        run.shell
            .run(tests.env(postgres::VARIABLE, run.postgres()?))
    }),
    ("on-postgres", |run| {
        // As part of the workspace, so that nothing is built anew.
        let mut tests = command("cargo", "test --workspace --locked --test service");
        tests.env(postgres::VARIABLE, run.postgres()?);
        run.shell.run(tests.env("REGCRED_TEST_STORE", "postgres"))
    }),
    ("release", |run| tools::release(&run.shell)),
    ("saagieapi", saagieapi),
    ("command-line", command_line),
    ("pulling", pulling),
    ("verifying", verifying),
    ("replicas", replicas),
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
fn saagieapi(run: &Run) -> Outcome {
    tools::release(&run.shell)?;
    run.shell.run(&mut pytest(run, "tests/saagieapi")?)
}

/// That binary's commands as whole processes, on itself and on a stand-in of the original platform; beside them the
/// Rust client by its examples.
fn command_line(run: &Run) -> Outcome {
    tools::release(&run.shell)?;
    let examples = "build --locked --package regcred-client --features blocking --examples";
    run.shell.run(&mut command("cargo", examples))?;
    let example = target()?.join("debug/examples/docker_credentials");
    run.shell
        .run(pytest(run, "tests/command_line")?.env("REGCRED_SDK_EXAMPLE", example))
}

/// Those programs between real registries and the real programs that pull images.
fn pulling(run: &Run) -> Outcome {
    tools::release(&run.shell)?;
    let syft = tools::syft(&run.shell)?;
    run.shell
        .run(pytest(run, "tests/pulling")?.env("SYFT_BIN", syft))
}

/// That binary tries credentials at real registries, and at servers that are none.
fn verifying(run: &Run) -> Outcome {
    tools::release(&run.shell)?;
    run.shell.run(&mut pytest(run, "tests/verifying")?)
}

/// That binary as replicas on a PostgreSQL that fails.
fn replicas(run: &Run) -> Outcome {
    tools::release(&run.shell)?;
    run.shell.run(&mut replicas_suite(&run.shell)?)
}

/// The suite of replicas, which has clusters of its own.
pub(crate) fn replicas_suite(shell: &Shell) -> Outcome<Command> {
    let mut suite = pytest_alone(shell, "tests/replicas")?;
    suite.env("PG_BIN", postgres::programs(shell)?);
    Ok(suite)
}

fn pytest(run: &Run, suite: &str) -> Outcome<Command> {
    let mut pytest = pytest_alone(&run.shell, suite)?;
    pytest.env(postgres::VARIABLE, run.postgres()?);
    Ok(pytest)
}

fn pytest_alone(shell: &Shell, suite: &str) -> Outcome<Command> {
    let mut pytest = command(tools::python(shell)?, "-m pytest -p no:cacheprovider");
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
