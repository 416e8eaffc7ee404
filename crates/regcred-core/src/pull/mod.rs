//! Which credentials a pull gets: the longest scope that covers what is pulled, and never a guess.
//!
//! Of two accounts of the same scope a pin decides: the credentials that the workload names. Where the pull brings none,
//! the current versions of the project's jobs and apps that run this image decide, if all that name one of these
//! accounts name the same. Otherwise, the pull is ambiguous.

use crate::credentials::DockerCredentials;
use crate::ids::CredentialsId;
use crate::registry::{PullTarget, without_port};
use crate::workload::Pin;

/// How credentials of a project stand to a pull.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// These are used.
    Chosen,
    /// They have the same scope as others with another username: nothing decides between them.
    SameScope,
    /// They cover the target, but the pull is pinned to others, or the jobs and apps of the image name others.
    NotPinned,
    /// They cover the target, but others cover it with a longer scope.
    ShorterScope,
    /// They are for another path of the same registry.
    OtherPath,
    /// They are for another port of the same host, which is another registry.
    OtherPort,
}

/// What comes of a pull.
#[derive(Debug, PartialEq, Eq)]
pub enum Choice<'a> {
    /// These are used.
    Match(&'a DockerCredentials),
    /// These are used: of several of one scope, they are the ones that the project's workloads name.
    Pinned(&'a DockerCredentials, &'a Pin),
    /// Nothing covers the target, or what is pinned does not.
    NoMatch,
    /// Several of one scope, and no pin that decides.
    Ambiguous(Vec<&'a DockerCredentials>),
}

/// What comes of a pull of `target`, given the project's credentials, or of those that cover it at least all of the
/// longest scope and the pinned ones. `pins` are what the project's workloads with this image name.
#[must_use]
pub fn choose<'a>(
    target: &PullTarget,
    pin: Option<CredentialsId>,
    credentials: &'a [DockerCredentials],
    pins: &'a [Pin],
) -> Choice<'a> {
    if let Some(pin) = pin {
        let pinned = credentials
            .iter()
            .find(|row| row.id == pin && covers(target, row));
        return pinned.map_or(Choice::NoMatch, Choice::Match);
    }
    for key in target.covering() {
        let mut of_scope = credentials.iter().filter(|row| *row.registry.key() == key);
        match (of_scope.next(), of_scope.next()) {
            (None, _) => {}
            (Some(only), None) => return Choice::Match(only),
            (Some(one), Some(other)) => {
                let several = [one, other].into_iter().chain(of_scope).collect();
                return decided(several, pins);
            }
        }
    }
    Choice::NoMatch
}

/// Who names which of several accounts, in words, where the pins disagree; empty where nobody names any. Where the jobs
/// and apps may not be `seen`, only how many do.
#[must_use]
pub fn disagreement(several: &[&DockerCredentials], pins: &[Pin], seen: bool) -> String {
    let named = pins.iter().filter_map(|pin| {
        let row = several.iter().find(|row| row.id == pin.credentials)?;
        let by_whom = pin.by_whom(seen);
        Some(format!("{by_whom} for `{}`", row.username.as_str()))
    });
    let all: Vec<_> = named.take(MOST_TOLD).collect();
    if all.is_empty() {
        return String::new();
    }
    format!("; those that run this image disagree: {}", all.join(", "))
}

/// Whether the pins decide between several of one scope. A pin on others says nothing of these.
fn decided<'a>(several: Vec<&'a DockerCredentials>, pins: &'a [Pin]) -> Choice<'a> {
    let mut pinned = pins.iter().filter_map(|pin| {
        let row = several.iter().find(|row| row.id == pin.credentials)?;
        Some((*row, pin))
    });
    let first = pinned.next();
    match first {
        Some((row, pin)) if pinned.all(|(other, _)| other.id == row.id) => Choice::Pinned(row, pin),
        _ => Choice::Ambiguous(several),
    }
}

/// How credentials stand to a pull of `target`, of which `choice` came; `None` where they have nothing to do with it.
#[must_use]
pub fn verdict(
    target: &PullTarget,
    pin: Option<CredentialsId>,
    choice: &Choice<'_>,
    row: &DockerCredentials,
) -> Option<Verdict> {
    let is = |other: &DockerCredentials| other.id == row.id;
    let key = row.registry.key();
    Some(match choice {
        Choice::Match(chosen) | Choice::Pinned(chosen, _) if is(chosen) => Verdict::Chosen,
        Choice::Pinned(chosen, _) if key == chosen.registry.key() => Verdict::NotPinned,
        Choice::Ambiguous(rows) if rows.iter().any(|other| is(other)) => Verdict::SameScope,
        _ if covers(target, row) && pin.is_some() => Verdict::NotPinned,
        _ if covers(target, row) => Verdict::ShorterScope,
        _ if key.host() == target.host() => Verdict::OtherPath,
        _ if without_port(key.host()) == target.host_without_port() => Verdict::OtherPort,
        _ => return None,
    })
}

/// So many that disagree are told.
const MOST_TOLD: usize = 8;

fn covers(target: &PullTarget, row: &DockerCredentials) -> bool {
    target.is_covered_by(row.registry.key())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;
    use crate::credentials::Username;
    use crate::ids::WorkloadId;
    use crate::random::SystemRandom;
    use crate::registry::Registry;
    use crate::workload::{User, WorkloadKind, WorkloadName};

    fn credentials(registry: &str, username: &str) -> DockerCredentials {
        let now = Timestamp::from_micros(0);
        DockerCredentials {
            id: CredentialsId::generate(now, &SystemRandom).unwrap(),
            registry: Registry::parse(Some(registry.to_owned())).unwrap(),
            username: Username::parse(username.to_owned()).unwrap(),
            version: 1,
            last_update: now,
            expires: None,
            probe: None,
            secret: 1,
        }
    }

    fn chosen(image: &str, all: &[DockerCredentials]) -> Vec<String> {
        let target = PullTarget::image(image).unwrap();
        let mut names: Vec<_> = match choose(&target, None, all, &[]) {
            Choice::Match(row) | Choice::Pinned(row, _) => vec![row],
            Choice::NoMatch => vec![],
            Choice::Ambiguous(rows) => rows,
        }
        .into_iter()
        .map(|row| row.username.as_str().to_owned())
        .collect();
        names.sort();
        names
    }

    #[test]
    fn each_image_gets_the_longest_scope_that_covers_it() {
        let all = [
            credentials("h.x", "whole"),
            credentials("h.x/team", "team"),
            credentials("h.x/team/app", "app"),
            credentials("h.x:443", "port"),
            credentials("", "hub"),
            credentials("two.x/a", "one"),
            credentials("two.x/a", "other"),
            credentials("two.x", "third"),
        ];
        for (image, expected) in [
            ("h.x/team/app:1", &["app"][..]),
            ("h.x/team/app/web", &["app"]),
            ("h.x/team/application", &["team"]),
            ("h.x/team", &["team"]),
            ("h.x/teamwork/app", &["whole"]),
            ("h.x:443/team/app", &["port"]),
            ("h.x:5000/team/app", &[]),
            ("ubuntu", &["hub"]),
            ("index.docker.io/team/app", &["hub"]),
            ("two.x/a/b", &["one", "other"]),
            ("two.x/b", &["third"]),
            ("x.h.x/team", &[]),
            ("h.x.y/team", &[]),
        ] {
            assert_eq!(chosen(image, &all), expected, "{image}");
        }
    }

    #[test]
    fn a_pin_decides_among_those_that_cover_and_lets_in_no_other() {
        let all = [
            credentials("h.x/a", "one"),
            credentials("h.x/a", "other"),
            credentials("h.x", "whole"),
            credentials("h.y", "foreign"),
        ];
        let target = PullTarget::image("h.x/a/b").unwrap();
        for row in &all[..3] {
            assert_eq!(choose(&target, Some(row.id), &all, &[]), Choice::Match(row));
        }
        let pin = Some(all[3].id);
        assert_eq!(choose(&target, pin, &all, &[]), Choice::NoMatch);
        let choice = choose(&target, pin, &all, &[]);
        assert_eq!(
            verdict(&target, pin, &choice, &all[0]),
            Some(Verdict::NotPinned)
        );
        assert_eq!(verdict(&target, pin, &choice, &all[3]), None);
    }

    #[test]
    fn what_workloads_name_decides_if_they_agree() {
        let all = [
            credentials("h.x/a", "one"),
            credentials("h.x/a", "other"),
            credentials("h.x", "whole"),
        ];
        let [one, other, whole] = &all;
        let pin = |row: &DockerCredentials| Pin {
            credentials: row.id,
            by: User {
                id: WorkloadId::generate(Timestamp::from_micros(0), &SystemRandom).unwrap(),
                kind: WorkloadKind::Job,
                name: WorkloadName::from_stored("nightly".to_owned()),
            },
            count: 2,
        };
        let target = PullTarget::image("h.x/a/b").unwrap();
        let pins = [pin(whole), pin(other)];
        let choice = choose(&target, None, &all, &pins);
        assert_eq!(choice, Choice::Pinned(other, &pins[1]));
        assert_eq!(pins[1].by_whom(true), "the job `nightly` and another one");
        let told = all.iter().map(|row| verdict(&target, None, &choice, row));
        assert_eq!(
            told.collect::<Vec<_>>(),
            [
                Some(Verdict::NotPinned),
                Some(Verdict::Chosen),
                Some(Verdict::ShorterScope)
            ]
        );
        for pins in [vec![], vec![pin(whole)], vec![pin(one), pin(other)]] {
            assert_eq!(
                choose(&target, None, &all, &pins),
                Choice::Ambiguous(vec![one, other])
            );
        }
        let disagree = [pin(one), pin(other), pin(whole)];
        assert_eq!(
            disagreement(&[one, other], &disagree, true),
            "; those that run this image disagree: the job `nightly` and another one for `one`, the job `nightly` and \
             another one for `other`"
        );
        assert_eq!(
            disagreement(&[one, other], &disagree, false),
            "; those that run this image disagree: 2 jobs and apps for `one`, 2 jobs and apps for `other`"
        );
        assert_eq!(disagreement(&[one, other], &[pin(whole)], true), "");
        assert_eq!(
            choose(&target, Some(one.id), &all, &[pin(other)]),
            Choice::Match(one),
            "what the pull itself names comes first"
        );
    }

    #[test]
    fn every_candidate_is_told_why() {
        use Verdict::{Chosen, OtherPath, OtherPort, ShorterScope};

        let all = [
            credentials("h.x/a", "a"),
            credentials("h.x", "whole"),
            credentials("h.x/b", "b"),
            credentials("h.x:5000", "port"),
            credentials("[::1]:5000", "six"),
            credentials("h.y", "foreign"),
        ];
        let told = |image: &str| {
            let target = PullTarget::image(image).unwrap();
            let choice = choose(&target, None, &all, &[]);
            all.iter()
                .map(|row| verdict(&target, None, &choice, row))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            told("h.x/a/b"),
            [
                Some(Chosen),
                Some(ShorterScope),
                Some(OtherPath),
                Some(OtherPort),
                None,
                None
            ]
        );
        assert_eq!(told("[::1]/a")[4], Some(OtherPort));
    }
}
