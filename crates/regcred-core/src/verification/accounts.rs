//! Which accounts are left alone for now because a login to them was refused. Several credentials can be of one account: a
//! registry that locks it counts the failed logins of all of them. In memory alone: after a restart there may be one more.

use std::collections::HashMap;
use std::time::Duration;

use super::schedule;
use super::{DueCheck, Verdict};
use crate::clock::Timestamp;
use crate::credentials::Username;
use crate::ids::CredentialsId;

/// The accounts that were refused.
#[derive(Debug, Default)]
pub struct Accounts {
    refused: HashMap<(String, Username), Refused>,
}

/// What is tried: a version of credentials, where it is saved already.
type Of = Option<(CredentialsId, u32)>;

#[derive(Debug)]
struct Refused {
    last: Of,
    /// How often in a row.
    times: u32,
    until: Timestamp,
}

/// That the credentials of an account are not to be tried now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftAlone {
    /// The registry's host.
    pub host: String,
    /// The account.
    pub username: Username,
    /// Until when those are put off that are due.
    pub until: Timestamp,
    /// What was refused last. Another version of the same credentials is tried all the same: that is what mends it.
    pub refused: Of,
}

impl Accounts {
    /// Whether, and how, what is due has to be put off because its account is left alone.
    #[must_use]
    pub fn left_alone(&self, due: &DueCheck, now: Timestamp) -> Option<LeftAlone> {
        let account = (due.host.clone(), due.username.clone());
        let Refused { last, until, .. } = self.refused.get(&account)?;
        let mended =
            last.is_some_and(|(id, version)| id == due.credentials && version != due.version);
        if *until <= now || mended {
            return None;
        }
        let (host, username) = account;
        Some(LeftAlone {
            host,
            username,
            // That it works again is seen a day later, however long it was refused.
            until: now.plus(PUT_OFF_AT_MOST).min(*until),
            refused: *last,
        })
    }

    /// What a login brought, whoever wanted it.
    pub fn hear(
        &mut self,
        host: &str,
        username: &Username,
        of: Of,
        verdict: Verdict,
        now: Timestamp,
    ) {
        let account = (host.to_owned(), username.clone());
        match verdict {
            Verdict::Ok => {
                self.refused.remove(&account);
            }
            Verdict::Rejected => {
                let known = self.refused.remove(&account);
                let known = known.filter(|known| now < known.until.plus(REMEMBERED));
                let times = known.map_or(0, |known| known.times);
                if self.refused.len() >= MOST_KNOWN {
                    self.forget_one();
                }
                let refused = Refused {
                    last: of,
                    times: times.saturating_add(1),
                    until: now.plus(schedule::refused_account(times)),
                };
                self.refused.insert(account, refused);
            }
            // The login worked, or there was none; and another image may be allowed.
            _ => {}
        }
    }

    /// The one that is left alone for the shortest time.
    fn forget_one(&mut self) {
        let soonest = self.refused.iter().min_by_key(|(_, refused)| refused.until);
        if let Some(account) = soonest.map(|(account, _)| account.clone()) {
            self.refused.remove(&account);
        }
    }
}

/// So many accounts are known at most.
const MOST_KNOWN: usize = 10_000;
const PUT_OFF_AT_MOST: Duration = Duration::from_hours(24);
/// For so long behind it is known how often it was refused.
const REMEMBERED: Duration = Duration::from_hours(14 * 24);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::ProjectId;

    fn hours(hours: u64) -> Timestamp {
        Timestamp::EPOCH.plus(Duration::from_hours(hours))
    }

    fn due(number: u8, version: u32, username: &str) -> DueCheck {
        DueCheck {
            project: ProjectId::from_bytes([number; 16]),
            credentials: CredentialsId::from_bytes([number; 16]),
            version,
            host: "a.x".to_owned(),
            username: Username::from_stored(username.to_owned()),
            due: Timestamp::EPOCH,
        }
    }

    fn hear(accounts: &mut Accounts, of: &DueCheck, verdict: Verdict, now: Timestamp) {
        let version = Some((of.credentials, of.version));
        accounts.hear(&of.host, &of.username, version, verdict, now);
    }

    #[test]
    fn a_refused_account_is_left_alone_whosever_credentials_it_has_until_it_works() {
        let mut accounts = Accounts::default();
        let (mine, theirs, other) = (due(1, 1, "shared"), due(2, 1, "shared"), due(3, 1, "me"));
        hear(&mut accounts, &mine, Verdict::Rejected, hours(0));
        let until = |accounts: &Accounts, due: &DueCheck, now| {
            accounts.left_alone(due, hours(now)).map(|left| left.until)
        };
        assert_eq!(until(&accounts, &other, 1), None);
        for of in [&mine, &theirs] {
            assert!(until(&accounts, of, 21).is_some());
            assert_eq!(until(&accounts, of, 24), None, "for less than a day");
        }
        assert_eq!(until(&accounts, &due(1, 2, "shared"), 1), None, "a new one");
        assert!(until(&accounts, &due(2, 2, "shared"), 1).is_some());
        // What does not say that it works changes nothing.
        for verdict in Verdict::ALL
            .into_iter()
            .filter(|verdict| *verdict != Verdict::Ok)
        {
            hear(&mut accounts, &theirs, verdict, hours(24));
        }
        assert_eq!(
            until(&accounts, &mine, 25),
            Some(hours(24 + 25)),
            "a day at a time"
        );
        assert!(until(&accounts, &mine, 24 + 40).is_some(), "twice as long");
        hear(&mut accounts, &other, Verdict::Ok, hours(25));
        assert!(until(&accounts, &mine, 25).is_some());
        hear(&mut accounts, &theirs, Verdict::Ok, hours(25));
        assert_eq!(until(&accounts, &mine, 25), None);
    }

    #[test]
    fn so_many_are_known_and_no_more() {
        let mut accounts = Accounts::default();
        for number in 0..MOST_KNOWN as u64 + 5 {
            let of = due(1, 1, &number.to_string());
            let now = Timestamp::EPOCH.plus(Duration::from_secs(number));
            hear(&mut accounts, &of, Verdict::Rejected, now);
        }
        assert_eq!(accounts.refused.len(), MOST_KNOWN);
        let known = |name| accounts.left_alone(&due(1, 1, name), hours(3)).is_some();
        assert_eq!(
            ["0", "4", "5", "10004"].map(known),
            [false, false, true, true]
        );
    }
}
