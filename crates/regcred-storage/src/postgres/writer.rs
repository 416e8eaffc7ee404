//! The writer: one thread with one connection that commits whatever is waiting in one transaction.
//!
//! A transaction holds the keys of its use cases from its beginning, in one order, so that replicas wait for each
//! other and not in a circle, and none decides on what another one is changing. First pulls are written down together, which
//! takes no keys, and credentials created together; then the other use cases run one behind the other. Where one of them is refused, or lost a race, the transaction is rolled back and run again with a savepoint
//! for each. What gives way to another transaction is run again after a moment; what loses its connection, on another
//! one. Nobody is answered before it is known what became of the commit: where the connection broke in it, the trail
//! says whether it was made ([`Session::resume`]).

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use regcred_core::sealing::KeyRing;
use regcred_core::{Error, Result};
use tokio::sync::{mpsc, oneshot};

use super::address::PostgresOptions;
use super::creates;
use super::error::Trouble;
use super::link::{Link, locking};
use super::pool::LONGEST_WAIT;
use super::session::{Identity, Session};
use super::together;
use crate::trail::{End, Trail};
use crate::unit::{Job, Key, Many, Unit, Work, closed, job};

/// The way to the writer.
pub(super) struct Writer {
    messages: mpsc::Sender<Message>,
    stream: Arc<AtomicU32>,
}

enum Message {
    Work(Box<dyn Job>),
    Close(oneshot::Sender<()>),
}

impl Writer {
    /// Starts the thread with a session that is open.
    pub(super) fn start(
        options: &PostgresOptions,
        keys: &Arc<KeyRing>,
        session: Session,
    ) -> std::io::Result<Self> {
        let (messages, waiting) = mpsc::channel(MOST_WAITING);
        let stream = Arc::new(AtomicU32::new(session.stream()));
        let scribe = Scribe {
            options: options.clone(),
            keys: Arc::clone(keys),
            stream: Arc::clone(&stream),
            session: Some(session),
            before: None,
        };
        thread::Builder::new()
            .name("postgres-writer".to_owned())
            .spawn(move || scribe.serve(waiting))?;
        Ok(Self { messages, stream })
    }

    /// Runs `work` in a transaction that holds `keys`, and answers once it is committed. `Unavailable` where it was not
    /// begun within two seconds.
    pub(super) async fn carry_out<W: Work + 'static>(
        &self,
        keys: Vec<Key>,
        work: W,
    ) -> Result<W::Done> {
        let (job, mut answer) = job(keys, work);
        let begun = async {
            let sent = self.messages.send(Message::Work(job)).await;
            sent.map_err(|_| closed())?;
            answer.wait().await
        };
        if let Ok(answered) = tokio::time::timeout(LONGEST_WAIT, begun).await {
            return answered;
        }
        if answer.give_up() {
            return Err(Error::unavailable(format!(
                "PostgreSQL's writer was not free within {LONGEST_WAIT:?}"
            )));
        }
        answer.wait().await
    }

    /// Whether the thread still takes work.
    pub(super) fn alive(&self) -> bool {
        !self.messages.is_closed()
    }

    /// The stream of the audit trail that is written.
    pub(super) fn stream(&self) -> u32 {
        self.stream.load(Ordering::Relaxed)
    }

    /// Finishes what is waiting and ends the thread.
    pub(super) async fn close(&self) {
        let (done, ended) = oneshot::channel();
        if self.messages.send(Message::Close(done)).await.is_ok() {
            let _ = ended.await;
        }
    }
}

/// What the thread works with.
struct Scribe {
    options: PostgresOptions,
    keys: Arc<KeyRing>,
    stream: Arc<AtomicU32>,
    session: Option<Session>,
    /// The one before, until there is another one: its stream is written on.
    before: Option<Identity>,
}

/// How a transaction ended.
enum Ending {
    Committed,
    /// The one use case in it was refused, which is its answer; nothing is left of it.
    Answered,
    /// Some use case was refused, or lost a race; nothing is left of any.
    OneFailed,
    /// It gave way; nothing is left of it.
    GaveWay(Error),
    /// Its connection broke before it could be committed.
    Lost(Error),
    /// Its connection broke in the commit.
    Unknown(Error),
    /// Nothing is left of it, and trying again is no help.
    Failed(Error),
}

impl Scribe {
    fn serve(mut self, mut waiting: mpsc::Receiver<Message>) {
        while let Some(message) = waiting.blocking_recv() {
            let mut message = Some(message);
            let mut closing = None;
            let mut jobs = Vec::new();
            while jobs.len() < MOST_AT_ONCE {
                match message.take().or_else(|| waiting.try_recv().ok()) {
                    Some(Message::Work(job)) if job.begin() => jobs.push(job),
                    Some(Message::Work(_)) => {}
                    Some(Message::Close(done)) => {
                        closing = Some(done);
                        break;
                    }
                    None => break,
                }
            }
            self.batch(jobs);
            if let Some(done) = closing {
                drop(waiting);
                drop(self);
                let _ = done.send(());
                return;
            }
        }
    }

    /// Runs the jobs in one transaction and answers them all.
    fn batch(&mut self, mut jobs: Vec<Box<dyn Job>>) {
        if jobs.is_empty() {
            return;
        }
        let committed = self.carry_out(&mut jobs).inspect_err(|error| {
            let detail = error.detail().unwrap_or(error.message());
            tracing::error!(detail, "a batch of changes was not committed");
        });
        for job in jobs {
            job.answer(committed.clone());
        }
    }

    fn carry_out(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<()> {
        let begun = Instant::now();
        // A transaction that was never begun is not waited for longer than one for which there was no room.
        let mut until = begun + LONGEST_WAIT;
        let mut careful = false;
        let mut tries = 0;
        // The end of the trail after a commit of which nobody knows what became, and whether there ever was one.
        let mut unknown: Option<End> = None;
        let mut uncertain = false;
        loop {
            let session = match self.session(until, unknown.as_ref()) {
                Ok(session) => session,
                Err(error) if uncertain => {
                    return Err(Error::uncertain(error.detail().unwrap_or_default()));
                }
                Err(error) => return Err(error),
            };
            if unknown.take().is_some_and(|end| session.trail.is_at(&end)) {
                return Ok(());
            }
            until = begun + LONGEST_BATCH;
            tries += 1;
            let before = session.trail.end();
            let left = until.saturating_duration_since(Instant::now());
            session.link.allow(left.min(LONGEST_TRY));
            session.link.use_again();
            let ending = transact(session, jobs, careful);
            let (error, lost) = match ending {
                Ending::Committed | Ending::Answered => return Ok(()),
                Ending::OneFailed if !careful => {
                    careful = true;
                    continue;
                }
                Ending::OneFailed => (Error::unavailable("a race was lost over and over"), false),
                Ending::Failed(error) if uncertain => {
                    return Err(Error::uncertain(error.detail().unwrap_or_default()));
                }
                Ending::Failed(error) => return Err(error),
                Ending::GaveWay(error) => (error, false),
                Ending::Lost(error) => (error, true),
                Ending::Unknown(error) => {
                    uncertain = true;
                    unknown =
                        Some(session.trail.end()).filter(|_| session.trail.grew_since(&before));
                    (error, true)
                }
            };
            let detail = error.detail().unwrap_or(error.message());
            tracing::warn!(detail, lost, "a batch of changes is tried again");
            if lost {
                self.session.as_mut().map(Session::break_off);
            }
            if Instant::now() >= until || tries >= MOST_TRIES {
                return Err(if uncertain {
                    Error::uncertain(detail)
                } else {
                    error
                });
            }
            thread::sleep(Duration::from_millis(fastrand::u64(5..50)));
            careful = true;
        }
    }

    /// The session, made anew where it broke. Where a commit is unknown, it writes the same stream as before: once it
    /// may, the session before is over, and with it that commit.
    fn session(&mut self, until: Instant, unknown: Option<&End>) -> Result<&mut Session> {
        if let Some(broken) = self.session.take_if(|session| session.is_broken()) {
            self.before = Some(broken.identity());
        }
        let before = self.before;
        while self.session.is_none() {
            let same = before.filter(|_| unknown.is_some());
            let opened = match before {
                Some(before) => {
                    Session::resume(&self.options, &self.keys, before, until, same.is_some())
                }
                None => Session::open(&self.options, &self.keys),
            };
            match opened {
                Ok(session) => {
                    self.stream.store(session.stream(), Ordering::Relaxed);
                    self.session = Some(session);
                    self.before = None;
                }
                Err(error) if Instant::now() >= until => return Err(error),
                Err(_) => thread::sleep(RECONNECT),
            }
        }
        self.session.as_mut().ok_or_else(closed)
    }
}

/// Runs the jobs in one transaction.
fn transact(session: &mut Session, jobs: &mut [Box<dyn Job>], careful: bool) -> Ending {
    let end = session.trail.end();
    let ended = attempt(session, jobs, careful);
    if !matches!(ended, Ending::Committed | Ending::Unknown(_)) {
        session.trail.set_back(&end);
        if !matches!(ended, Ending::Lost(_)) && session.link.roll_back("ROLLBACK").is_err() {
            session.break_off();
        }
    }
    ended
}

fn attempt(session: &mut Session, jobs: &mut [Box<dyn Job>], careful: bool) -> Ending {
    let Session { link, trail, .. } = session;
    let alone = jobs.len() == 1;
    // What comes by the thousand is done together, unless something went wrong with that.
    let (mut pulls, mut creates, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for job in jobs {
        match job.many() {
            Some(Many::Pull(_)) if !careful => pulls.push(job),
            Some(Many::Create(_)) if !careful => creates.push(job),
            _ => others.push(job),
        }
    }
    let alike = creates.iter().chain(&others);
    let mut keys: Vec<_> = alike.flat_map(|job| job.keys()).copied().collect();
    keys.sort_unstable();
    keys.dedup();
    let begin = if keys.is_empty() {
        BEGIN.to_owned()
    } else {
        format!("{BEGIN}; {}", locking(&keys))
    };
    if creates.is_empty() && others.is_empty() {
        let committed = together::commit_pulls(link, trail, &mut pulls, &begin);
        return committed_or(link, committed, careful);
    }
    link.put_text(begin);
    // Before what changes credentials: a pull that has read what is committed need not be tried again for it.
    let pulled = together::record_pulls(link, trail, &mut pulls);
    let together = pulled.and_then(|()| creates::create(link, trail, &mut creates));
    match together {
        Ok(true) => {}
        Ok(false) => return Ending::OneFailed,
        Err(error) => {
            return match link.trouble() {
                trouble @ Some(Trouble::GiveWay | Trouble::Lost) => of(trouble, Some(error)),
                // It may be one of them: each is tried for itself.
                _ => Ending::OneFailed,
            };
        }
    }
    for job in &mut others {
        let ran = if careful && !alone {
            with_savepoint(link, trail, job.as_mut())
        } else {
            let ran = job.run(&mut Unit::new(link, trail));
            match (ran, link.trouble()) {
                (Ok(()), None) => Ok(()),
                // It rests on what is committed.
                (Err(_), None | Some(Trouble::Refused)) if alone => Err(Ending::Answered),
                (_, Some(Trouble::Refused)) => Err(Ending::OneFailed),
                (ran, trouble) => Err(of(trouble, ran.err())),
            }
        };
        if let Err(ending) = ran {
            return ending;
        }
    }
    if careful && let Err(error) = link.flush() {
        return match link.trouble() {
            Some(Trouble::Refused) if !alone => Ending::OneFailed,
            trouble => of(trouble, Some(error)),
        };
    }
    let committed = together::commit(link, trail);
    committed_or(link, committed, careful)
}

/// How a transaction ends with what came of its commit, and of what was sent with that.
fn committed_or(link: &Link, committed: Result<()>, careful: bool) -> Ending {
    let Err(error) = committed else {
        return Ending::Committed;
    };
    match link.trouble() {
        Some(Trouble::Lost) => Ending::Unknown(error),
        // It may be one of them: each is tried for itself.
        Some(Trouble::Raced | Trouble::Refused) if !careful => Ending::OneFailed,
        // Somebody else writes this stream, so the session is no longer what it was.
        Some(Trouble::Raced) => Ending::Lost(error),
        trouble => of(trouble, Some(error)),
    }
}

/// All of a job or nothing of it, after another try where it lost a race.
fn with_savepoint(link: &Link, trail: &mut Trail, job: &mut dyn Job) -> Result<(), Ending> {
    let run = |done: Result<()>| done.map_err(|error| ending(link, error));
    run(link.run("SAVEPOINT unit"))?;
    let end = trail.end();
    for last in [false, false, true] {
        let ran = job.run(&mut Unit::new(link, trail));
        let ran = ran.and_then(|()| link.flush().inspect_err(|error| job.fail(error.clone())));
        let Err(error) = ran else {
            break;
        };
        trail.set_back(&end);
        let trouble = link.trouble();
        if matches!(trouble, Some(Trouble::GiveWay | Trouble::Lost)) {
            return Err(of(trouble, Some(error)));
        }
        run(link.roll_back("ROLLBACK TO unit"))?;
        if trouble != Some(Trouble::Raced) || last {
            break;
        }
    }
    run(link.run("RELEASE unit"))
}

/// How a transaction ends with an error of its own statements.
fn ending(link: &Link, error: Error) -> Ending {
    of(link.trouble(), Some(error))
}

fn of(trouble: Option<Trouble>, error: Option<Error>) -> Ending {
    let error = error.unwrap_or_else(|| Error::internal("a statement failed and nobody said so"));
    match trouble {
        Some(Trouble::GiveWay) => Ending::GaveWay(error),
        Some(Trouble::Lost) => Ending::Lost(error),
        Some(Trouble::Raced) | None => Ending::OneFailed,
        Some(Trouble::Refused) => Ending::Failed(error),
    }
}

/// Whoever waited for a key sees what its holder committed, whatever the role or the database has for a default.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";
/// Further use cases wait for the next transaction: a bound on how long one may become.
const MOST_AT_ONCE: usize = 256;
/// Further ones wait at the sender.
const MOST_WAITING: usize = 1024;
/// So long a transaction is tried, with what has to be found out of it.
const LONGEST_BATCH: Duration = Duration::from_secs(10);
/// So long a server may say nothing of it: there has to be time to find out, from whoever takes its place.
const LONGEST_TRY: Duration = Duration::from_secs(5);
const MOST_TRIES: u32 = 20;
const RECONNECT: Duration = Duration::from_millis(100);
