//! When a delivery that failed is tried again.

use std::time::Duration;

use crate::verification::schedule::Jitter;

/// How long to wait behind the attempt number `attempts`, up to a fifth longer, and at least as long as the receiver asks,
/// within a day; `None` where it was the last one.
#[must_use]
pub fn again_after(attempts: u32, asked: Option<Duration>, jitter: Jitter) -> Option<Duration> {
    let number = usize::try_from(attempts).ok()?.checked_sub(1)?;
    let delay = *DELAYS.get(number)?;
    let asked = asked.unwrap_or_default().min(AT_MOST);
    Some((delay + jitter.share(delay / 5)).max(asked))
}

/// The delays behind the attempts: three days in all.
const DELAYS: [Duration; 11] = [
    Duration::from_secs(5),
    Duration::from_mins(1),
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(2),
    Duration::from_hours(5),
    Duration::from_hours(10),
    Duration::from_hours(10),
    Duration::from_hours(14),
    Duration::from_hours(14),
    Duration::from_hours(16),
];
/// So often a delivery is tried.
pub const MOST_ATTEMPTS: usize = DELAYS.len() + 1;
const AT_MOST: Duration = Duration::from_hours(24);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_go_on_for_three_days_and_no_longer() {
        let all: Duration = (1..)
            .map_while(|attempts| again_after(attempts, None, Jitter::NONE))
            .sum();
        assert_eq!(all.as_secs() / 3_600, 71);
        let last = u32::try_from(MOST_ATTEMPTS).unwrap();
        assert_eq!(again_after(last, Some(AT_MOST), Jitter::ALL), None);
        assert_eq!(again_after(0, None, Jitter::NONE), None);
    }

    #[test]
    fn receivers_are_waited_for_and_not_asked_at_the_same_moment() {
        let second = |asked: Option<u64>, jitter| {
            let asked = asked.map(Duration::from_secs);
            again_after(2, asked, jitter).unwrap().as_secs()
        };
        assert_eq!(
            (second(None, Jitter::NONE), second(None, Jitter::ALL)),
            (60, 72)
        );
        assert_eq!(
            (
                second(Some(10), Jitter::NONE),
                second(Some(3_600), Jitter::NONE)
            ),
            (60, 3_600)
        );
        assert_eq!(second(Some(u64::MAX), Jitter::NONE), 86_400);
    }
}
