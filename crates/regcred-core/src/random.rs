//! Randomness as an argument.

use crate::error::{Error, Result};

/// A source of random bytes. The operating system's in the program, a counted one in tests.
pub trait Random: Send + Sync + 'static {
    /// Fills `bytes`; an error means that nothing secret may be made now.
    fn fill(&self, bytes: &mut [u8]) -> Result<()>;
}

/// `N` random bytes.
pub fn bytes<const N: usize>(random: &dyn Random) -> Result<[u8; N]> {
    let mut bytes = [0; N];
    random.fill(&mut bytes)?;
    Ok(bytes)
}

/// The operating system's generator, through AWS-LC.
#[derive(Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that asks the system for randomness"
    )]
    fn fill(&self, bytes: &mut [u8]) -> Result<()> {
        aws_lc_rs::rand::fill(bytes)
            .map_err(|_| Error::internal("the system's random generator failed"))
    }
}
