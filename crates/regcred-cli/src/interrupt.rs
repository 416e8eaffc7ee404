//! Ctrl-C: a command ends at once, unless it asked to end by itself in good order.

use std::cell::Cell;
use std::io::{IsTerminal as _, Write as _};

use tokio::runtime::Builder;
use tokio::sync::watch;

use crate::failure::{Failure, Result};

/// Ctrl-C as a command sees it.
pub(crate) struct Interrupt {
    pressed: watch::Receiver<u32>,
    /// Whether the command ends by itself, after the step under way or at the second Ctrl-C.
    heeded: Cell<bool>,
    /// Whether the command only asks so far, and has done nothing yet.
    asking: Cell<bool>,
}

impl Interrupt {
    /// Runs a command that asks a server, and ends it when Ctrl-C is pressed.
    pub(crate) fn during<T>(command: impl AsyncFnOnce(&Self) -> Result<T>) -> Result<T> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| {
                Failure::internal(
                    format!("the command cannot start: {error}"),
                    "check the limits of processes and open files",
                )
            })?;
        let done = runtime.block_on(async {
            let (sender, pressed) = watch::channel(0);
            tokio::spawn(async move {
                while tokio::signal::ctrl_c().await.is_ok() {
                    sender.send_modify(|times| *times += 1);
                }
            });
            // It listens before the command begins, which may ask for a password and block this thread.
            tokio::task::yield_now().await;
            let interrupt = Self {
                pressed,
                heeded: Cell::new(false),
                asking: Cell::new(false),
            };
            tokio::select! {
                done = command(&interrupt) => done,
                failure = interrupt.ends() => Err(failure),
            }
        });
        // A question on the terminal that nobody answered must not keep the program.
        runtime.shutdown_background();
        done
    }

    /// From now on the command ends by itself: it looks at [`Self::is_pressed`] between its steps, and gives a step up at
    /// [`Self::again`].
    pub(crate) fn heed(&self) {
        self.heeded.set(true);
    }

    /// Waits for an answer, without which nothing is done.
    pub(crate) async fn ask<T>(&self, answer: impl Future<Output = T>) -> T {
        self.asking.set(true);
        let answer = answer.await;
        self.asking.set(false);
        answer
    }

    /// Whether Ctrl-C was pressed up to now.
    pub(crate) async fn is_pressed(&self) -> bool {
        // What came together with the end of the last step is seen, too.
        tokio::task::yield_now().await;
        *self.pressed.borrow() > 0
    }

    /// Waits for the second Ctrl-C.
    pub(crate) async fn again(&self) {
        self.press(2).await;
    }

    /// Waits until Ctrl-C is to end the command.
    async fn ends(&self) -> Failure {
        self.press(1).await;
        if std::io::stderr().is_terminal() {
            // Away from the line with ^C, which may be that of a question.
            let _ = writeln!(std::io::stderr());
        }
        if self.heeded.get() {
            let _ = writeln!(
                std::io::stderr(),
                "ending after the step under way; Ctrl-C again ends at once"
            );
            std::future::pending::<()>().await;
        }
        Failure::interrupted(self.asking.get())
    }

    /// Waits until Ctrl-C was pressed so often.
    async fn press(&self, times: u32) {
        let mut pressed = self.pressed.clone();
        if pressed.wait_for(|pressed| *pressed >= times).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
