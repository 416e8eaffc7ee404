//! One run: hardened, within ten seconds, its answer on standard output and everything for people on standard error.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::AsFd as _;
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use rustix::process::{Resource, Rlimit, setrlimit};
use serde::Serialize;
use tokio::runtime::Builder;
use zeroize::Zeroizing;

use crate::failure::{Failure, Result, one_line};

/// What a program is called, and how it fails.
#[derive(Clone, Copy)]
pub(crate) struct Program {
    pub(crate) name: &'static str,
    /// Whether whoever runs it expects errors on standard output too, as docker does.
    pub(crate) fails_on_stdout: bool,
}

/// What a run answers, wiped when it is dropped.
pub(crate) type Answer = Zeroizing<Vec<u8>>;

impl Program {
    /// Runs the work beside a timer: whatever it waits for, be it standard input, a name server, a file on a server that
    /// is away, the run ends in time.
    pub(crate) fn run(self, work: impl FnOnce() -> Result<Answer> + Send + 'static) -> ExitCode {
        harden();
        // A panic's text could hold anything.
        std::panic::set_hook(Box::new(|_| {}));
        let (sender, receiver) = mpsc::channel();
        let started = thread::Builder::new().spawn(move || {
            // Nobody receives it only once it is too late.
            let _ = sender.send(work());
        });
        let done = match started {
            Err(_) => Err(broken("no thread can be started")),
            Ok(_) => match receiver.recv_timeout(DEADLINE) {
                Ok(done) => done,
                Err(mpsc::RecvTimeoutError::Timeout) => Err(late()),
                Err(mpsc::RecvTimeoutError::Disconnected) => Err(broken("a fault of its own")),
            },
        };
        let failure = match done {
            Ok(answer) => match print(&answer) {
                Ok(()) => return ExitCode::SUCCESS,
                // Who closed it does not want to read it.
                Err(_) => return ExitCode::FAILURE,
            },
            Err(failure) => failure,
        };
        if self.fails_on_stdout {
            let _ = print(format!("{}\n", failure.line).as_bytes());
        }
        self.tell(&failure.told());
        ExitCode::FAILURE
    }

    /// A warning for people.
    pub(crate) fn warn(self, what: &str) {
        self.tell(&format!("warning: {what}"));
    }

    fn tell(self, what: &str) {
        let line = format!("{}: {}\n", self.name, one_line(what));
        let _ = io::stderr().write_all(line.as_bytes());
    }
}

/// Runs what asks the server, on this thread.
pub(crate) fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|_| broken("no connections can be made"))?;
    let done = runtime.block_on(work);
    // A look-up of a name may hang on a thread of its own; nobody waits for it.
    runtime.shutdown_background();
    done
}

/// The text of an answer in JSON, with the line break at its end. No second copy of it remains.
pub(crate) fn json(value: &impl Serialize) -> Result<Answer> {
    let unwritten = |_| broken("the answer cannot be written");
    let mut length = Length(0);
    serde_json::to_writer(&mut length, value).map_err(unwritten)?;
    let mut text = Zeroizing::new(Vec::with_capacity(length.0 + 1));
    serde_json::to_writer(&mut *text, value).map_err(unwritten)?;
    text.push(b'\n');
    Ok(text)
}

/// What time it is.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place of the helpers that asks for the time"
)]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// No core file, and no other process of the same user that reads the memory. Where the system refuses, the run goes on:
/// a pull that fails would not be safer.
fn harden() {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    let _ = setrlimit(Resource::Core, none);
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

fn print(bytes: &[u8]) -> io::Result<()> {
    // The library's standard output would keep a copy in its buffer.
    let stdout = io::stdout().as_fd().try_clone_to_owned()?;
    File::from(stdout).write_all(bytes)
}

fn late() -> Failure {
    Failure::new(
        format!("no end within {} s", DEADLINE.as_secs()),
        "something that it waits for hangs: standard input, the name server, or a file; a change may have been made all \
         the same",
    )
}

fn broken(what: &str) -> Failure {
    Failure::new(format!("it failed: {what}"), "run it again")
}

struct Length(usize);

impl io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const DEADLINE: Duration = Duration::from_secs(10);
