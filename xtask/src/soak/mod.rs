//! `cargo xtask soak`: what takes too long for every run of the tests.

mod power_loss;

use crate::shell::{Outcome, Shell, command};
use crate::{test, tools};

/// Kills the service many times under load, cuts the power under the store, and takes the database away from replicas.
pub(crate) fn run() -> Outcome {
    let shell = Shell::terminal();
    shell.say(
        "kill -9 under load, 100 times; 64 creators of one couple, 200 rounds; rotations under load and 200 kills",
    )?;
    let args = "test --release --locked --package regcred-cli --test service -- durability rotation --nocapture";
    let mut durability = command("cargo", args);
    shell.run(
        durability
            .env("SOAK_KILL_CYCLES", "100")
            .env("SOAK_RACE_ROUNDS", "200")
            .env("SOAK_ROTATION_KILLS", "200"),
    )?;
    power_loss::run(&shell)?;
    replicas(&shell)
}

fn replicas(shell: &Shell) -> Outcome {
    shell.say("replicas: 20 failovers under load; the database stopped, slow and out of reach, a minute each")?;
    tools::prepare(shell)?;
    tools::release(shell)?;
    shell.run(test::replicas_suite(shell)?.env("SOAK_REPLICAS", "1"))
}
