//! The session that listens, and holds the lock of the one replica that does what is done by itself.
//!
//! It says something every two seconds. A server that hears nothing for six ends it, and with it the lock; and a replica
//! that was not answered for five takes itself for no leader any more. So another one leads within ten seconds, whatever
//! became of the one before. What it has begun by then it may still end: that nothing is done twice is for the store to say.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch};
use tokio_postgres::{AsyncMessage, Client};

use super::address::PostgresOptions;
use super::error::whole;
use super::link::CHANNEL;

/// What the session knows.
pub(super) struct Keeper {
    known: Arc<Known>,
    told: tokio::sync::Mutex<mpsc::Receiver<String>>,
    /// Dropped to end it.
    _running: oneshot::Sender<()>,
}

struct Known {
    /// Until when this replica leads.
    leads_until: Mutex<Option<Instant>>,
    /// Counts how often tokens may have been changed elsewhere.
    changes: watch::Sender<u64>,
    /// What others said, as far as somebody takes it in time.
    said: mpsc::Sender<String>,
    /// Tells what this replica says from what others say.
    signature: String,
}

impl Keeper {
    /// Starts the thread.
    pub(super) fn start(options: &PostgresOptions) -> std::io::Result<Self> {
        let (said, told) = mpsc::channel(MOST_UNHEARD);
        let known = Arc::new(Known {
            leads_until: Mutex::new(None),
            changes: watch::Sender::new(0),
            said,
            signature: format!("{:016x} ", fastrand::u64(..)),
        });
        let (running, stopped) = oneshot::channel();
        let (options, theirs) = (options.clone(), Arc::clone(&known));
        if !options.serves() {
            return Ok(Self {
                known,
                told: tokio::sync::Mutex::new(told),
                _running: running,
            });
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        thread::Builder::new()
            .name("postgres-keeper".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        _ = stopped => {}
                        () = theirs.keep(&options) => {}
                    }
                });
            })?;
        Ok(Self {
            known,
            told: tokio::sync::Mutex::new(told),
            _running: running,
        })
    }

    /// Whether this replica does what is done by itself.
    pub(super) fn leads(&self) -> bool {
        let until = *self.known.leading();
        until.is_some_and(|until| Instant::now() < until)
    }

    /// What this replica says, so that it does not hear itself.
    pub(super) fn signed(&self, text: &str) -> String {
        format!("{}{text}", self.known.signature)
    }

    /// Waits for what another replica said.
    pub(super) async fn told(&self) -> String {
        match self.told.lock().await.recv().await {
            Some(text) => text,
            // It is closed: nothing comes any more.
            None => std::future::pending().await,
        }
    }

    /// Waits until tokens may have been changed elsewhere since `seen`; the count.
    pub(super) async fn changed(&self, seen: u64) -> u64 {
        let mut counted = self.known.changes.subscribe();
        let other = counted.wait_for(|count| *count != seen).await;
        let other = other.map(|count| *count).ok();
        match other {
            Some(count) => count,
            // It is closed: nothing comes any more.
            None => std::future::pending().await,
        }
    }
}

impl Known {
    async fn keep(&self, options: &PostgresOptions) {
        loop {
            if let Err(error) = self.session(options).await {
                tracing::warn!(
                    detail = error,
                    "PostgreSQL cannot be listened to; it is tried again"
                );
            }
            // Whatever was told meanwhile was missed.
            self.changes.send_modify(|count| *count += 1);
            tokio::time::sleep(AGAIN).await;
        }
    }

    async fn session(&self, options: &PostgresOptions) -> Result<(), String> {
        let connected = tokio::time::timeout(MOST_WAITED, options.connect()).await;
        let (client, mut connection) =
            connected.map_err(|_| "no connection in time".to_owned())??;
        let listening = async {
            loop {
                match poll_fn(|context| connection.poll_message(context)).await {
                    Some(Ok(AsyncMessage::Notification(heard))) if heard.channel() == SAID => {
                        self.hear(heard.payload());
                    }
                    Some(Ok(AsyncMessage::Notification(_))) => {
                        self.changes.send_modify(|count| *count += 1);
                    }
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return whole(&error),
                    None => return "the connection is closed".to_owned(),
                }
            }
        };
        let ended = tokio::select! {
            ended = listening => ended,
            ended = self.beat(&client) => ended,
        };
        *self.leading() = None;
        Err(ended)
    }

    fn hear(&self, payload: &str) {
        let length = self.signature.len();
        if let Some((signature, text)) = payload.split_at_checked(length)
            && signature != self.signature
        {
            // What nobody takes in time is not heard.
            let _ = self.said.try_send(text.to_owned());
        }
    }

    /// Says something every two seconds, and takes the lead where nobody has it; why that ended.
    async fn beat(&self, client: &Client) -> String {
        let begin = format!("SET idle_session_timeout = '6s'; LISTEN {CHANNEL}; LISTEN {SAID}");
        match answered(client.batch_execute(&begin)).await {
            Ok(()) => self.changes.send_modify(|count| *count += 1),
            Err(error) => return error,
        }
        let mut leads = false;
        loop {
            let asked = Instant::now();
            let sql = if leads { "SELECT true" } else { TAKE_THE_LEAD };
            match answered(client.query_one_scalar::<bool, _>(sql, &[])).await {
                Ok(taken) => leads = taken,
                Err(error) => return error,
            }
            if leads {
                *self.leading() = Some(asked + TERM);
            }
            tokio::time::sleep(BEAT).await;
        }
    }

    fn leading(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.leads_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

async fn answered<T>(
    asked: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, String> {
    match tokio::time::timeout(MOST_WAITED, asked).await {
        Ok(answer) => answer.map_err(|error| whole(&error)),
        Err(_) => Err("no answer in time".to_owned()),
    }
}

/// On which replicas say what others may want to know, each with its signature before it.
pub(super) const SAID: &str = "regcred_said";
const MOST_UNHEARD: usize = 1_024;
/// "rclead" in ASCII.
const TAKE_THE_LEAD: &str = "SELECT pg_try_advisory_lock(125771345912164)";
const BEAT: Duration = Duration::from_secs(2);
/// So long a replica leads after it asked.
const TERM: Duration = Duration::from_secs(5);
const MOST_WAITED: Duration = Duration::from_secs(2);
const AGAIN: Duration = Duration::from_millis(500);
