//! The thread that drives the connections of code that is not async.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, JoinHandle, Thread};

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use crate::error::{Error, Outcome, Result, TransportKind};

/// The thread that drives the connections and the timers.
#[derive(Debug)]
pub(super) struct Driver {
    runtime: Handle,
    /// Dropping the one ends the thread; the other waits for it.
    end: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl Driver {
    pub(super) fn start() -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| no_thread(&error))?;
        let handle = runtime.handle().clone();
        let (sender, receiver) = oneshot::channel();
        let thread = thread::Builder::new()
            .name("regcred-client".to_owned())
            .spawn(move || {
                // It ends when the sender is dropped.
                let _ = runtime.block_on(receiver);
            })
            .map_err(|error| no_thread(&error))?;
        Ok(Self {
            runtime: handle,
            end: Some((sender, thread)),
        })
    }

    /// Polls the work on this thread until it is done. The runtime's own way would panic inside of async code.
    pub(super) fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        let _entered = self.runtime.enter();
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut context = Context::from_waker(&waker);
        let mut work = pin!(work);
        loop {
            match work.as_mut().poll(&mut context) {
                Poll::Ready(done) => return done,
                Poll::Pending => thread::park(),
            }
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if let Some((sender, thread)) = self.end.take() {
            drop(sender);
            // A panic there has been reported there.
            let _ = thread.join();
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn no_thread(error: &io::Error) -> Error {
    Error::Transport {
        kind: TransportKind::Connect,
        message: format!("no thread for connections can be started: {error}"),
        outcome: Outcome::NotDone,
    }
}
