//! Asking the user: hidden passwords and confirmations, on a terminal only.

use std::io::{self, IsTerminal as _, Read as _, Write as _};

use regcred_client::Secret;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::failure::{Exit, Failure, Result};
use crate::interrupt::Interrupt;
use crate::output::shown;

/// Where a password comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Password<'a> {
    /// What it is the password of, for the prompt.
    pub(crate) what: &'a str,
    /// From standard input rather than from the terminal.
    pub(crate) from_stdin: bool,
    /// Whether the terminal asks twice, because a slip would lock somebody out.
    pub(crate) twice: bool,
}

impl Password<'_> {
    pub(crate) async fn read(self, interrupt: &Interrupt) -> Result<Secret> {
        if self.from_stdin {
            return beside(interrupt, stdin).await;
        }
        let first = hidden(interrupt, &format!("Password of {}: ", self.what)).await?;
        if self.twice && hidden(interrupt, "Again: ").await?.expose() != first.expose() {
            return Err(Failure::usage("the two passwords differ", "run it again"));
        }
        not_empty(first)
    }
}

/// Reads beside the runtime, which listens for Ctrl-C meanwhile: whoever is to write may never do so.
pub(crate) async fn beside<T: Send + 'static>(
    interrupt: &Interrupt,
    read: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let read = interrupt.ask(tokio::task::spawn_blocking(read)).await;
    read.unwrap_or_else(|_| Err(Failure::internal("reading failed", "run it again")))
}

/// All of standard input, without line breaks at its end.
pub(crate) fn stdin() -> Result<Secret> {
    // A buffer that grows leaves copies behind that nobody wipes.
    let mut bytes = Vec::with_capacity(MOST_BYTES + 1);
    let read = io::stdin()
        .take(MOST_BYTES as u64 + 1)
        .read_to_end(&mut bytes);
    if let Err(error) = read {
        let message = format!("the password cannot be read from standard input: {error}");
        return Err(Failure::usage(message, "pipe it into the command"));
    }
    if bytes.len() > MOST_BYTES {
        let message =
            format!("standard input holds more than {MOST_BYTES} bytes, which no password does");
        return Err(Failure::usage(
            message,
            "pipe the password alone into the command",
        ));
    }
    let mut text = String::from_utf8(bytes).map_err(|_| {
        Failure::usage(
            "the password is not UTF-8",
            "check what is piped into the command",
        )
    })?;
    text.truncate(text.trim_end_matches(['\r', '\n']).len());
    not_empty(Secret::new(text))
}

/// One line that is not shown while it is typed.
pub(crate) async fn hidden(interrupt: &Interrupt, prompt: &str) -> Result<Secret> {
    if !io::stdin().is_terminal() {
        return Err(Failure::usage(
            "there is no terminal to ask for the password",
            "pipe it in, with --password-stdin",
        ));
    }
    let unreadable = |error: io::Error| {
        Failure::internal(
            format!("the password cannot be read: {error}"),
            "pipe it in, with --password-stdin",
        )
    };
    // First silent, then the question: nobody's answer is faster than that.
    let silence = Silence::begin().map_err(unreadable)?;
    let line = line(interrupt, prompt).await.map_err(unreadable)?;
    drop(silence);
    // The end of the line was not shown either.
    let _ = writeln!(io::stderr());
    Ok(line)
}

/// Asks before something is done that cannot be undone. `yes` answers in advance.
pub(crate) async fn confirm(interrupt: &Interrupt, question: &str, yes: bool) -> Result<()> {
    if yes {
        return Ok(());
    }
    can_confirm(question, yes)?;
    let answer = line(interrupt, &format!("{question} [y/N] ")).await;
    let answer = answer.unwrap_or_else(|_| Secret::new(String::new()));
    if matches!(answer.expose().to_lowercase().as_str(), "y" | "yes") {
        Ok(())
    } else {
        Err(Failure::plain(
            Exit::Interrupted,
            "not confirmed; nothing was done",
        ))
    }
}

/// Whether [`confirm`] will get an answer, for whoever wants to know it before the work that leads to the question.
pub(crate) fn can_confirm(question: &str, yes: bool) -> Result<()> {
    if yes || io::stdin().is_terminal() {
        return Ok(());
    }
    Err(Failure::usage(
        format!("there is no terminal to ask: {question}"),
        "say so in advance with --yes",
    ))
}

/// One line from the terminal, without its end. Ctrl-C ends the command meanwhile.
async fn line(interrupt: &Interrupt, prompt: &str) -> io::Result<Secret> {
    let mut err = io::stderr();
    // Who does not see the question can still answer it.
    let _ = write!(err, "{}", shown(prompt)).and_then(|()| err.flush());
    // Beside the runtime, which listens for Ctrl-C.
    let read = tokio::task::spawn_blocking(|| {
        let mut line = String::with_capacity(1024);
        io::stdin().read_line(&mut line).map(|_| {
            line.truncate(line.trim_end_matches(['\r', '\n']).len());
            Secret::new(line)
        })
    });
    interrupt.ask(read).await.map_err(io::Error::other)?
}

/// While this lives, the terminal does not show what is typed.
struct Silence {
    before: Termios,
}

impl Silence {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Drain, &silent)?;
        Ok(Self { before })
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        // A terminal that is gone needs no echo.
        let _ = tcsetattr(io::stdin(), OptionalActions::Drain, &self.before);
    }
}

fn not_empty(password: Secret) -> Result<Secret> {
    if password.expose().is_empty() {
        return Err(Failure::usage("the password is empty", "give one"));
    }
    Ok(password)
}

/// More than any password that regcred takes, which is 16 KiB.
const MOST_BYTES: usize = 64 * 1024;
