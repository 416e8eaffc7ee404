//! What answers the same from constants: what a service of this make could reach if it did nothing.

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use super::measure::Operation;
use super::processes::Processes;
use crate::shell::{Doing, Failure, Outcome, Shell, command, target};

/// An example of the server's crate that answers the same from constants. Ended with this value.
pub(super) struct Yardstick {
    child: Child,
    name: &'static str,
    url: String,
}

impl Yardstick {
    /// Builds it and starts it; `name` is what the report calls it.
    pub(super) fn start(shell: &Shell, example: &str, name: &'static str) -> Outcome<Self> {
        let program = build(shell, "regcred-server", example)?;
        let address = free_address()?;
        let child = command(program, &address)
            .spawn()
            .doing(format_args!("start {example}"))?;
        let yardstick = Self {
            child,
            name,
            url: format!("http://{address}/"),
        };
        let started = Instant::now();
        while TcpStream::connect(&address).is_err() {
            if started.elapsed() > Duration::from_secs(10) {
                return Err(Failure::new(format!("{example} did not start")));
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(yardstick)
    }

    /// What the script asks.
    pub(super) fn operation(&self, name: &str, script: PathBuf) -> Operation {
        Operation {
            name: name.to_owned(),
            of: self.name,
            script,
            url: self.url.clone(),
            processes: Processes::new([self.child.id()]),
        }
    }
}

impl Drop for Yardstick {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Builds an example of one of our crates; where it lies.
pub(super) fn build(shell: &Shell, package: &str, example: &str) -> Outcome<PathBuf> {
    let build = format!("build --release --locked --package {package} --example {example}");
    shell.run(&mut command("cargo", &build))?;
    Ok(target()?.join("release/examples").join(example))
}

/// A port that nobody has at the moment.
pub(super) fn free_address() -> Outcome<String> {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
    Ok(free.doing("find a free port")?.to_string())
}
