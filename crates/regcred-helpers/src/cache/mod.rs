//! The cache: the last answer to a request, for a short outage of regcred. Off unless it is asked for.
//!
//! An entry is sealed under the token ([`seal`]), at most as old as the configuration says and five minutes at most,
//! and never counts once the password ran out. Whatever is wrong with an entry, it is ignored and removed.

mod directory;
mod seal;

use std::path::PathBuf;
use std::time::Duration;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use etcetera::{BaseStrategy as _, choose_base_strategy};
use jiff::{SignedDuration, Timestamp};
use regcred_client::Secret;
use serde::{Deserialize, Serialize};

use self::directory::Directory;
use crate::process::json;

/// The cache of one configuration.
pub(crate) struct Cache {
    /// The user's directory of caches.
    caches: PathBuf,
    life: Duration,
}

/// What an entry answers: nothing else is answered with it.
pub(crate) struct Subject<'a> {
    pub(crate) token: &'a Secret,
    pub(crate) url: &'a str,
    pub(crate) project: &'a str,
    /// `image` or `server`.
    pub(crate) kind: &'a str,
    /// Host and path in canonical form, however they were spelled.
    pub(crate) place: String,
    /// The ids of credentials that decide where several accounts fit.
    pub(crate) pins: &'a str,
}

/// An answer, as it is kept.
#[derive(Deserialize)]
pub(crate) struct Entry {
    pub(crate) registry_key: String,
    pub(crate) username: String,
    pub(crate) password: Secret,
    /// When the password runs out, in milliseconds since 1970.
    expires_at: Option<i64>,
    /// When the answer was got, likewise.
    made: i64,
}

impl Cache {
    /// A cache whose entries live so long; `None` where there is no directory for it.
    pub(crate) fn new(life: Duration) -> Option<Self> {
        let caches = choose_base_strategy().ok()?.cache_dir();
        Some(Self { caches, life })
    }

    /// Keeps an answer. The error is for people.
    pub(crate) fn keep(
        &self,
        subject: &Subject<'_>,
        answer: &Answered<'_>,
        now: Timestamp,
    ) -> Result<(), String> {
        let broken = || "it cannot be sealed".to_owned();
        let mut salt = [0; seal::SALT];
        SystemRandom::new().fill(&mut salt).map_err(|_| broken())?;
        let text = json(&Written {
            answer,
            made: now.as_millisecond(),
        });
        let text = text.map_err(|_| broken())?;
        let binding = subject.binding();
        let sealed = seal::seal(subject.token, &salt, &binding, &text).ok_or_else(broken)?;
        let name = seal::name(subject.token, &binding).ok_or_else(broken)?;
        let end = answer
            .expires_at
            .and_then(|end| Timestamp::from_millisecond(end).ok());
        let left = end.map_or(Some(LONGEST), |end| until(end, now));
        let left = left.unwrap_or_default().min(self.life).min(LONGEST);
        let kept = Directory::open(&self.caches, true).and_then(|directory| {
            directory.remove_dead(LONGEST, now);
            directory.write(&name, &sealed, now + left)
        });
        kept.map_err(|error| error.to_string())
    }

    /// The answer that is still good, and how long it will be.
    pub(crate) fn find(&self, subject: &Subject<'_>, now: Timestamp) -> Option<(Entry, Duration)> {
        let binding = subject.binding();
        let name = seal::name(subject.token, &binding)?;
        let directory = Directory::open(&self.caches, false).ok()?;
        directory.remove_dead(LONGEST, now);
        let found = directory
            .read(&name)
            .ok()
            .and_then(|sealed| seal::open(subject.token, &binding, &sealed))
            .and_then(|text| serde_json::from_slice::<Entry>(&text).ok())
            .and_then(|entry| Some((entry.left(self.life, now)?, entry)));
        if found.is_none() {
            directory.remove(&name);
        }
        found.map(|(left, entry)| (entry, left))
    }

    /// Forgets the answer: the server said something else.
    pub(crate) fn forget(&self, subject: &Subject<'_>, now: Timestamp) {
        let Ok(directory) = Directory::open(&self.caches, false) else {
            return;
        };
        directory.remove_dead(LONGEST, now);
        if let Some(name) = seal::name(subject.token, &subject.binding()) {
            directory.remove(&name);
        }
    }

    /// Forgets all answers, of whatever token and configuration.
    pub(crate) fn forget_all(&self) {
        if let Ok(directory) = Directory::open(&self.caches, false) {
            directory.remove_all();
        }
    }
}

impl Subject<'_> {
    /// Each part behind its length, so that no two subjects have one text.
    fn binding(&self) -> Vec<u8> {
        let mut binding = b"regcred helper cache v1".to_vec();
        for part in [self.url, self.project, self.kind, &self.place, self.pins] {
            binding.extend_from_slice(&(part.len() as u64).to_be_bytes());
            binding.extend_from_slice(part.as_bytes());
        }
        binding
    }
}

impl Entry {
    /// How long it is still good. One from the future is not: the clock was set back, and nobody knows how old it is.
    fn left(&self, life: Duration, now: Timestamp) -> Option<Duration> {
        let age = now.as_millisecond().checked_sub(self.made)?;
        let age = Duration::from_millis(u64::try_from(age).ok()?);
        let left = life.min(LONGEST).checked_sub(age)?;
        let left = match self.expires_at {
            None => left,
            Some(end) => left.min(until(Timestamp::from_millisecond(end).ok()?, now)?),
        };
        (!left.is_zero()).then_some(left)
    }
}

/// An answer to keep, borrowed.
#[derive(Serialize)]
pub(crate) struct Answered<'a> {
    pub(crate) registry_key: &'a str,
    pub(crate) username: &'a str,
    pub(crate) password: &'a str,
    pub(crate) expires_at: Option<i64>,
}

#[derive(Serialize)]
struct Written<'a> {
    #[serde(flatten)]
    answer: &'a Answered<'a>,
    made: i64,
}

/// How long it is until a moment; `None` once it is over.
pub(crate) fn until(end: Timestamp, now: Timestamp) -> Option<Duration> {
    let left: SignedDuration = end.duration_since(now);
    Duration::try_from(left).ok().filter(|left| !left.is_zero())
}

/// How long an answer may be used that is no longer known to be right.
const LONGEST: Duration = Duration::from_mins(5);

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::path::Path;
    use std::time::SystemTime;

    use super::*;

    fn cache(at: &Path) -> Cache {
        Cache {
            caches: at.to_owned(),
            life: Duration::from_mins(5),
        }
    }

    fn moment(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn keep(cache: &Cache, subject: &Subject<'_>, expires_at: Option<&str>) {
        let answer = Answered {
            registry_key: "ghcr.io",
            username: "bot",
            password: "hunter2",
            expires_at: expires_at.map(|text| moment(text).as_millisecond()),
        };
        cache.keep(subject, &answer, moment(NOON)).unwrap();
    }

    fn subject<'a>(token: &'a Secret, project: &'a str, reference: &'a str) -> Subject<'a> {
        Subject {
            token,
            url: "https://regcred.example",
            project,
            kind: "server",
            place: reference.to_owned(),
            pins: "",
        }
    }

    fn files(at: &Path) -> Vec<PathBuf> {
        let all = std::fs::read_dir(at.join("regcred/helper")).unwrap();
        all.map(|file| file.unwrap().path()).collect()
    }

    const NOON: &str = "2027-01-01T12:00:00Z";

    #[test]
    fn an_answer_is_good_for_its_time_and_then_removed() {
        let directory = tempfile::tempdir().unwrap();
        let (cache, token) = (cache(directory.path()), Secret::new("t".to_owned()));
        let subject = subject(&token, "p", "ghcr.io");
        keep(&cache, &subject, None);
        let (entry, left) = cache
            .find(&subject, moment("2027-01-01T12:04:00Z"))
            .unwrap();
        assert_eq!(
            (entry.username.as_str(), entry.password.expose()),
            ("bot", "hunter2")
        );
        assert_eq!(left, Duration::from_mins(1));
        assert_eq!(files(directory.path()).len(), 1);
        assert!(
            cache
                .find(&subject, moment("2027-01-01T12:05:00Z"))
                .is_none()
        );
        assert!(files(directory.path()).is_empty());

        // A clock that was set back.
        keep(&cache, &subject, None);
        assert!(
            cache
                .find(&subject, moment("2027-01-01T11:59:59Z"))
                .is_none()
        );
        assert!(files(directory.path()).is_empty());

        // A password that runs out before.
        keep(&cache, &subject, Some("2027-01-01T12:01:00Z"));
        let (_, left) = cache.find(&subject, moment(NOON)).unwrap();
        assert_eq!(left, Duration::from_mins(1));
        assert!(
            cache
                .find(&subject, moment("2027-01-01T12:01:00Z"))
                .is_none()
        );

        keep(&cache, &subject, None);
        cache.forget(&subject, moment(NOON));
        assert!(files(directory.path()).is_empty());
    }

    #[test]
    fn no_other_request_and_no_other_token_finds_it() {
        let directory = tempfile::tempdir().unwrap();
        let (cache, token) = (cache(directory.path()), Secret::new("t".to_owned()));
        let other = Secret::new("u".to_owned());
        keep(&cache, &subject(&token, "p", "ghcr.io"), None);
        let now = moment(NOON);
        for foreign in [
            subject(&other, "p", "ghcr.io"),
            subject(&token, "q", "ghcr.io"),
            subject(&token, "p", "ghcr.i"),
            subject(&token, "pg", "hcr.io"),
        ] {
            assert!(cache.find(&foreign, now).is_none());
        }
        assert!(cache.find(&subject(&token, "p", "ghcr.io"), now).is_some());
    }

    #[test]
    fn files_are_the_users_own_and_hold_nothing_to_read() {
        let directory = tempfile::tempdir().unwrap();
        let (cache, token) = (cache(directory.path()), Secret::new("t".to_owned()));
        let subject = subject(&token, "p", "ghcr.io");
        keep(&cache, &subject, None);
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        let all = files(directory.path());
        assert_eq!(mode(&directory.path().join("regcred/helper")), 0o700);
        assert_eq!(mode(&all[0]), 0o600);
        let bytes = std::fs::read(&all[0]).unwrap();
        for plain in ["hunter2", "bot", "ghcr"] {
            assert!(
                !bytes
                    .windows(plain.len())
                    .any(|part| part == plain.as_bytes())
            );
            assert!(!all[0].to_str().unwrap().contains(plain));
        }
        // Others may read it: somebody changed it.
        std::fs::set_permissions(&all[0], std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(cache.find(&subject, moment(NOON)).is_none());
        assert!(files(directory.path()).is_empty());
    }

    #[test]
    fn no_link_is_followed() {
        let (directory, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (cache, token) = (cache(directory.path()), Secret::new("t".to_owned()));
        let subject = subject(&token, "p", "ghcr.io");
        keep(&cache, &subject, None);
        let file = files(directory.path()).remove(0);
        let moved = elsewhere.path().join("moved");
        std::fs::rename(&file, &moved).unwrap();
        symlink(&moved, &file).unwrap();
        assert!(cache.find(&subject, moment(NOON)).is_none());
        assert!(moved.exists() && !file.exists());

        let own = directory.path().join("regcred/helper");
        std::fs::remove_dir(&own).unwrap();
        symlink(elsewhere.path(), &own).unwrap();
        let answer = Answered {
            registry_key: "ghcr.io",
            username: "bot",
            password: "hunter2",
            expires_at: None,
        };
        assert!(cache.keep(&subject, &answer, moment(NOON)).is_err());
        assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 1);
    }

    #[test]
    fn entries_that_ran_out_go_when_the_cache_is_next_used() {
        let directory = tempfile::tempdir().unwrap();
        let (mut cache, token) = (cache(directory.path()), Secret::new("t".to_owned()));
        let (brief, other) = (subject(&token, "p", "a"), subject(&token, "p", "b"));
        for (life, end, gone) in [
            (Duration::from_secs(30), None, "2027-01-01T12:00:30Z"),
            (
                LONGEST,
                Some("2027-01-01T12:00:10Z"),
                "2027-01-01T12:00:10Z",
            ),
            (LONGEST, None, "2027-01-01T12:05:00Z"),
            // A clock that was set back.
            (LONGEST, None, "2027-01-01T11:00:00Z"),
        ] {
            cache.life = life;
            keep(&cache, &brief, end);
            let second = jiff::SignedDuration::from_secs(1);
            assert!(cache.find(&other, moment(NOON)).is_none());
            assert_eq!(files(directory.path()).len(), 1);
            if moment(gone) > moment(NOON) {
                cache.forget(&other, moment(gone) - second);
                assert_eq!(files(directory.path()).len(), 1);
            }
            // Whatever it is used for.
            cache.forget(&other, moment(gone));
            assert!(files(directory.path()).is_empty(), "{gone}");
        }
    }

    #[test]
    fn what_a_run_that_was_ended_left_behind_goes_with_time() {
        let directory = tempfile::tempdir().unwrap();
        let (cache, token) = (cache(directory.path()), Secret::new("t".to_owned()));
        keep(&cache, &subject(&token, "p", "a"), None);
        let at_noon = SystemTime::UNIX_EPOCH
            + Duration::from_millis(moment(NOON).as_millisecond().unsigned_abs());
        for (file, age) in [("x.old", 301), ("x.new", 299)] {
            let path = directory.path().join("regcred/helper").join(file);
            let file = std::fs::File::create(path).unwrap();
            file.set_modified(at_noon - Duration::from_secs(age))
                .unwrap();
        }
        keep(&cache, &subject(&token, "p", "b"), None);
        let names: Vec<_> = files(directory.path());
        assert!(names.iter().any(|path| path.ends_with("x.new")));
        assert!(!names.iter().any(|path| path.ends_with("x.old")));
        assert_eq!(names.len(), 3);
        cache.forget_all();
        assert!(files(directory.path()).is_empty());
    }

    #[test]
    fn a_link_on_the_way_is_refused_and_one_before_it_is_the_users_own() {
        let (directory, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (linked, token) = (directory.path().join("cache"), Secret::new("t".to_owned()));
        symlink(elsewhere.path(), &linked).unwrap();
        let cache = cache(&linked);
        let subject = subject(&token, "p", "ghcr.io");
        keep(&cache, &subject, None);
        assert!(cache.find(&subject, moment(NOON)).is_some());

        // What lies there is as it was, but behind a link.
        std::fs::rename(
            elsewhere.path().join("regcred"),
            elsewhere.path().join("moved"),
        )
        .unwrap();
        symlink("moved", elsewhere.path().join("regcred")).unwrap();
        assert!(cache.find(&subject, moment(NOON)).is_none());
        let answer = Answered {
            registry_key: "ghcr.io",
            username: "bot",
            password: "hunter2",
            expires_at: None,
        };
        assert!(cache.keep(&subject, &answer, moment(NOON)).is_err());
        assert_eq!(
            std::fs::read_dir(elsewhere.path().join("moved/helper"))
                .unwrap()
                .count(),
            1
        );
    }
}
