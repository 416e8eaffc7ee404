//! What an error says of credentials that were handed out before: whether they may be used again, and whether to forget
//! them.

use regcred_client::{Error, TransportKind};

/// Whether regcred is out of reach, rather than of another opinion: no connection, one that broke off or took too long,
/// or a gateway that does not reach it. What regcred says itself is an answer, also that it cannot serve: a pull that
/// cannot be written down is not to happen. A certificate that is not accepted is neither.
pub(super) fn is_away(error: &Error) -> bool {
    match error {
        Error::Unavailable { code, .. } => code.is_none(),
        Error::Transport { kind, .. } => *kind != TransportKind::Tls,
        _ => false,
    }
}

/// Whether regcred said that these credentials are not to be had.
pub(super) fn is_definite(error: &Error) -> bool {
    matches!(
        error,
        Error::NoMatch { .. }
            | Error::Ambiguous { .. }
            | Error::NotFound { .. }
            | Error::Forbidden { .. }
            | Error::Unauthenticated { .. }
            | Error::Invalid { .. }
    )
}
