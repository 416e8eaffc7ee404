//! Trying them, a few at a time, and telling how far it came.

use regcred_client::regcred::Verification;
use regcred_client::{Error, Outcome};
use tokio::task::JoinSet;

use super::targets::Target;
use crate::connection::Link;
use crate::failure::{Exit, Failure};
use crate::interrupt::Interrupt;
use crate::output::{OutputArgs, progress, shown};

/// What became of them, in their order, and why it ended early where it did.
pub(super) struct Tried {
    pub(super) all: Vec<(Target, State)>,
    pub(super) ended: Option<Failure>,
}

/// What became of one of them.
pub(super) enum State {
    /// It was not its turn.
    NotAttempted,
    /// It was its turn, and nobody waited for what came of it.
    GivenUp,
    Tried(Verification),
    /// The server did not do it.
    Failed(Failure),
}

/// What is to be tried of each.
#[derive(Clone)]
pub(super) struct How {
    /// The version of that number, or the one that counts.
    pub(super) version: Option<u32>,
    /// Whether they may pull this image, too.
    pub(super) probe: Option<String>,
}

/// Tries them, up to the first failure that will be that of all others, too, and up to Ctrl-C, which lets those under
/// way end.
pub(super) async fn try_all(
    link: &Link,
    targets: Vec<Target>,
    how: &How,
    output: OutputArgs,
    interrupt: &Interrupt,
) -> Tried {
    interrupt.heed();
    let bar = progress(targets.len(), output);
    let mut all: Vec<_> = targets
        .into_iter()
        .map(|target| (target, State::NotAttempted))
        .collect();
    let mut ended = None;
    let mut under_way = JoinSet::new();
    let mut next = 0;
    loop {
        let stopped = ended.is_some() || interrupt.is_pressed().await;
        while !stopped && under_way.len() < AT_ONCE {
            let Some((target, state)) = all.get_mut(next) else {
                break;
            };
            *state = State::GivenUp;
            bar.set_message(shown(&format!(
                "{} at {}",
                target.username, target.registry_key
            )));
            let (regcred, how) = (link.client.regcred(), how.clone());
            let (number, project, id) = (next, target.project, target.id);
            under_way.spawn(async move {
                let probe = how.probe.as_deref();
                let done = match how.version {
                    Some(version) => regcred.verify_version(project, id, version, probe).await,
                    None => regcred.verify(project, id, probe).await,
                };
                (number, done)
            });
            next += 1;
        }
        let done = tokio::select! {
            done = under_way.join_next() => done,
            () = interrupt.again() => break,
        };
        // None is under way, and none is to begin.
        let Some(done) = done else { break };
        let Ok((number, done)) = done else { continue };
        let Some((_, state)) = all.get_mut(number) else {
            continue;
        };
        match done {
            Ok(verification) => *state = State::Tried(verification),
            Err(error) if is_of_one(&error) => *state = State::Failed(link.failure(error)),
            Err(error) => {
                let is_unknown = error.outcome() == Outcome::Unknown;
                let mut failure = link.failure(error);
                *state = State::NotAttempted;
                if is_unknown {
                    *state = State::GivenUp;
                    failure = failure.with_hint(AGAIN);
                }
                ended.get_or_insert(failure);
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    if ended.is_none() && interrupt.is_pressed().await && !is_whole(&all) {
        ended = Some(interrupted(&all));
    }
    Tried { all, ended }
}

/// Whether the next one may fare better: it is gone, not the caller's to try, or the server had no time for it.
fn is_of_one(error: &Error) -> bool {
    matches!(
        error,
        Error::NotFound { .. }
            | Error::Forbidden { .. }
            | Error::Invalid { .. }
            | Error::Conflict { .. }
            | Error::Unavailable { code: Some(_), .. }
    )
}

fn is_whole(all: &[(Target, State)]) -> bool {
    all.iter()
        .all(|(_, state)| matches!(state, State::Tried(_) | State::Failed(_)))
}

fn interrupted(all: &[(Target, State)]) -> Failure {
    let tried = all
        .iter()
        .filter(|(_, state)| matches!(state, State::Tried(_)));
    Failure::new(
        Exit::Interrupted,
        format!("interrupted: {} of {} were tried", tried.count(), all.len()),
        AGAIN,
    )
}

const AGAIN: &str = "run it again to try all of them; each try is a login at the registry";
/// The server tries sixteen at once for everybody.
const AT_ONCE: usize = 4;
