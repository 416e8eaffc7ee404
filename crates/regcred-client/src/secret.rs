//! Secret texts: no `Debug`, `Display`, `Serialize` or `Clone`; wiped when dropped; read only through `expose`.

use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

/// A password or a token. It cannot be printed, compared or copied by accident, and is wiped when it is dropped.
///
/// ```
/// use regcred_client::Secret;
///
/// let password = Secret::new(String::from("hunter2"));
/// assert_eq!(password.expose().len(), 7);
/// ```
///
/// It has no `Debug`, so that no log can show it by accident:
///
/// ```compile_fail
/// println!("{:?}", regcred_client::Secret::new(String::from("hunter2")));
/// ```
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over, so that no second copy of it remains with the caller.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself. Every use of it is found by this name.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// A token that the server tells once.
impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}
