//! What a sealed record is bound to.

use crate::ids::InstallationId;

/// The place of a record. All of it is authenticated with the ciphertext, so a record that was moved, copied or
/// repointed at another registry does not open.
#[derive(Clone, Copy, Debug)]
pub struct Binding<'a> {
    /// Table and column that hold the record.
    pub table: &'a str,
    /// See `table`.
    pub column: &'a str,
    /// The project, or empty for a record of no project.
    pub project: &'a [u8],
    /// The id of the row.
    pub row: &'a [u8],
    /// The version of the row's secret, from 1.
    pub version: u32,
    /// The registry key, or empty.
    pub registry_key: &'a str,
    /// The username or login.
    pub username: &'a str,
}

impl Binding<'_> {
    /// The additional authenticated data: each part behind its length (u32, big-endian), so that no two bindings
    /// give the same bytes.
    pub(super) fn bytes(&self, installation: InstallationId) -> Vec<u8> {
        let version = self.version.to_be_bytes();
        let parts: [&[u8]; 8] = [
            installation.as_bytes(),
            self.table.as_bytes(),
            self.column.as_bytes(),
            self.project,
            self.row,
            &version,
            self.registry_key.as_bytes(),
            self.username.as_bytes(),
        ];
        length_prefixed(&parts)
    }
}

/// Joins `parts`, each behind its length.
pub(super) fn length_prefixed(parts: &[&[u8]]) -> Vec<u8> {
    let mut joined = Vec::with_capacity(parts.iter().map(|part| part.len() + 4).sum());
    for part in parts {
        joined.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        joined.extend_from_slice(part);
    }
    joined
}
