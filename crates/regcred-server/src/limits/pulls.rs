//! How many pulls of one token may be under way at once.
//!
//! A pull waits for the disk. Where that is slow and a token's holders ask faster than it can answer, they are told to
//! wait, and other tokens go on.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use regcred_core::ids::TokenId;
use regcred_core::{Error, ErrorKind, Result};

/// The pulls that are under way, by token.
#[derive(Clone, Default)]
pub(crate) struct PullLimits(Arc<Mutex<HashMap<TokenId, usize>>>);

/// A pull that is under way, until it is dropped.
pub(crate) struct UnderWay {
    limits: PullLimits,
    token: TokenId,
}

impl PullLimits {
    /// Lets a pull begin; `Throttled` where the token has as many under way as it may have.
    pub(crate) fn begin(&self, token: TokenId) -> Result<UnderWay> {
        let mut under_way = self.lock();
        let count = under_way.entry(token).or_default();
        if *count >= MOST_UNDER_WAY {
            return Err(Error::new(
                ErrorKind::Throttled(Duration::from_secs(1)),
                format!(
                    "{MOST_UNDER_WAY} pulls with this token are under way already; try again shortly"
                ),
            ));
        }
        *count += 1;
        Ok(UnderWay {
            limits: self.clone(),
            token,
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TokenId, usize>> {
        // No code under the lock can panic half-way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut under_way = self.limits.lock();
        if let Some(count) = under_way.get_mut(&self.token) {
            *count -= 1;
            if *count == 0 {
                under_way.remove(&self.token);
            }
        }
    }
}

const MOST_UNDER_WAY: usize = 256;

#[cfg(test)]
mod tests {
    use regcred_core::Timestamp;
    use regcred_core::random::SystemRandom;

    use super::*;

    #[test]
    fn one_token_waits_and_another_goes_on() {
        let token = || TokenId::generate(Timestamp::from_micros(0), &SystemRandom).unwrap();
        let (busy, other) = (token(), token());
        let limits = PullLimits::default();
        let mut under_way: Vec<_> = (0..MOST_UNDER_WAY)
            .map(|_| limits.begin(busy).ok().unwrap())
            .collect();
        let refused = limits.begin(busy).err().unwrap();
        assert_eq!(refused.kind(), ErrorKind::Throttled(Duration::from_secs(1)));
        assert!(limits.begin(other).is_ok());
        under_way.pop();
        under_way.push(limits.begin(busy).ok().unwrap());
        assert!(limits.begin(busy).is_err());
        drop(under_way);
        assert!(limits.lock().is_empty(), "nothing is left behind");
    }
}
