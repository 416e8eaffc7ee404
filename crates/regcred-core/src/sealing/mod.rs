//! Sealing: how secrets lie in the database.
//!
//! A key-encryption key ([`Kek`]) from outside wraps the installation's keys; each generation of the root seed
//! gives one key per record by HKDF-SHA256; a record is AES-256-GCM bound to the place where it lies
//! ([`Binding`]). There is no mode without encryption.

mod binding;
mod kek;
mod keyring;
mod record;

pub use binding::Binding;
pub use kek::{Kek, KekError};
pub use keyring::{KeyPurpose, KeyRing, KeyRingError, WrappedKey};
pub use record::{SealError, SealedRecord};
