//! Who asks: the bearer token of a request.

use axum::http::{HeaderMap, header};
use regcred_core::access::{Caller, RequestId};
use regcred_core::{Error, Result};

use crate::app::Backend;

/// The caller whose token is in the header; one and the same error for all that is wrong with it.
pub(super) async fn caller(
    backend: &Backend,
    headers: &HeaderMap,
    request: RequestId,
) -> Result<Caller> {
    let token = bearer(headers).ok_or_else(Error::unauthenticated)?;
    let principal = backend.service.authenticate(token).await?;
    Ok(Caller { principal, request })
}

/// Exactly one header, `Bearer` in any case, one token.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let (scheme, token) = given.next()?.to_str().ok()?.split_once(' ')?;
    (given.next().is_none() && scheme.eq_ignore_ascii_case("bearer")).then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn one_header_one_token() {
        let mut headers = HeaderMap::new();
        assert_eq!(bearer(&headers), None);
        headers.append(header::AUTHORIZATION, HeaderValue::from_static("bearer  t"));
        assert_eq!(bearer(&headers), Some("t"));
        headers.append(header::AUTHORIZATION, HeaderValue::from_static("Bearer t"));
        assert_eq!(bearer(&headers), None, "two headers are ambiguous");
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Basic t"));
        assert_eq!(bearer(&headers), None);
    }
}
