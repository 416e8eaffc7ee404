//! What is printed of it, and how the command ends.

use regcred_client::regcred::VerificationVerdict;

use super::targets::Target;
use super::trying::{State, Tried};
use crate::commands::records::TriedRecord;
use crate::failure::{Exit, Failure, Result};
use crate::output::{Format, OutputArgs, names};

/// Prints what became of them; fails where one is bad, or was to be tried and was not.
pub(super) fn report(
    tried: &Tried,
    all_projects: bool,
    strict: bool,
    output: OutputArgs,
) -> Result<()> {
    let all = tried.all.as_slice();
    let ended = match &tried.ended {
        Some(failure) => Err(failure.clone()),
        None => judged(all, all_projects, strict),
    };
    // Where nothing came of any, the failure says it all.
    if ended.is_err() && all.iter().all(|(_, state)| is_nothing(state)) {
        return ended;
    }
    if output.output == Format::Name {
        let counting = all.iter().filter(|(_, state)| counts(state, strict));
        names(counting.map(|(target, _)| target.id))?;
    } else if all_projects {
        output.list(&records::<true>(all))?;
    } else {
        output.list(&records::<false>(all))?;
    }
    ended
}

fn records<const WITH_PROJECT: bool>(all: &[(Target, State)]) -> Vec<TriedRecord<WITH_PROJECT>> {
    let record = |(target, state): &(Target, State)| {
        let outcome = match state {
            State::Tried(verification) => Ok(*verification),
            State::Failed(failure) => Err(failure.message.as_str()),
            State::GivenUp => Err("nobody waited for the answer; they may have been tried"),
            State::NotAttempted => Err("they were not tried"),
        };
        TriedRecord::new(target, outcome)
    };
    all.iter().map(record).collect()
}

/// How the command ends that tried all of them.
fn judged(all: &[(Target, State)], all_projects: bool, strict: bool) -> Result<()> {
    let bad = all.iter().filter(|(_, state)| is_bad(state)).count();
    if bad > 0 {
        return Err(Failure::new(
            Exit::BadCredentials,
            format!(
                "{bad} of {} credentials do not work at their registry",
                all.len()
            ),
            "give the right passwords with `regcred credentials upgrade`, or the account the right to pull at the registry",
        ));
    }
    // In all projects there may be some that the caller may only see.
    let failed = all.iter().find_map(|(_, state)| match state {
        State::Failed(failure) if !(all_projects && failure.exit == Exit::Forbidden) => {
            Some(failure)
        }
        _ => None,
    });
    if let Some(failure) = failed {
        return Err(failure.clone());
    }
    let unproved = all
        .iter()
        .filter(|(_, state)| counts(state, strict))
        .count();
    if unproved > 0 {
        return Err(Failure::new(
            Exit::BadCredentials,
            format!(
                "{unproved} of {} credentials are not known to work",
                all.len()
            ),
            "the notes say why; leave out --strict where that is no failure",
        ));
    }
    Ok(())
}

/// Whether it is one of those that the exit code is about.
fn counts(state: &State, strict: bool) -> bool {
    match state {
        State::Tried(tried) if strict => tried.verdict != VerificationVerdict::Ok,
        state => is_bad(state) || strict,
    }
}

fn is_bad(state: &State) -> bool {
    matches!(state, State::Tried(tried) if tried.verdict.is_bad())
}

fn is_nothing(state: &State) -> bool {
    matches!(state, State::NotAttempted | State::Failed(_))
}
