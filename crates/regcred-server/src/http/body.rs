//! Request bodies: JSON by their type, bounded in size and in time.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;

use super::problem::Problem;

/// Refuses everything but `application/json`, in UTF-8 where a charset is named.
pub(super) fn expect_json(headers: &HeaderMap) -> Result<(), Problem> {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let json = types
        .next()
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| {
            let mut parts = value.split(';').map(str::trim);
            let essence = parts.next().unwrap_or_default();
            let utf8 = |part: &str| {
                part.split_once('=').is_none_or(|(name, value)| {
                    !name.trim().eq_ignore_ascii_case("charset")
                        || value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
                })
            };
            essence.eq_ignore_ascii_case("application/json") && parts.all(utf8)
        });
    if json && types.next().is_none() {
        Ok(())
    } else {
        Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "send the request as JSON with the header `content-type: application/json`",
        ))
    }
}

/// Why a body cannot be had.
pub(super) enum BodyError {
    /// More bytes than the limit, which is given.
    TooLarge(usize),
    /// The other end stopped half-way.
    Cut,
    /// It came too slowly; the connection is given up with it.
    Slow,
}

impl BodyError {
    /// What is wrong, for the caller.
    pub(super) fn message(&self) -> String {
        match self {
            Self::TooLarge(limit) => {
                format!(
                    "the body is larger than {limit} bytes ({} KiB); send less",
                    limit / 1024
                )
            }
            Self::Cut => "the body ended before it was complete".to_owned(),
            Self::Slow => format!("the body was not complete within {} s", MOST_TIME.as_secs()),
        }
    }
}

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Self {
        let status = match error {
            BodyError::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            BodyError::Cut => StatusCode::BAD_REQUEST,
            BodyError::Slow => StatusCode::REQUEST_TIMEOUT,
        };
        Self::new(status, error.message())
    }
}

/// Reads a body of at most `limit` bytes. What is larger is refused, once up to `patience` bytes of it were taken and
/// thrown away: a client that is cut off while it sends never reads why.
pub(super) async fn read(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
    patience: usize,
) -> Result<Bytes, BodyError> {
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit.max(patience) as u64) {
        return Err(BodyError::TooLarge(limit));
    }
    tokio::time::timeout(MOST_TIME, collect(body, limit, patience))
        .await
        .unwrap_or(Err(BodyError::Slow))
}

async fn collect(mut body: Body, limit: usize, patience: usize) -> Result<Bytes, BodyError> {
    let (mut kept, mut length) = (BytesMut::new(), 0);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| BodyError::Cut)?.into_data() else {
            continue;
        };
        length += data.len();
        if length <= limit {
            kept.extend_from_slice(&data);
        } else if length > patience {
            break;
        }
    }
    if length <= limit {
        Ok(kept.freeze())
    } else {
        Err(BodyError::TooLarge(limit))
    }
}

const MOST_TIME: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_only_and_in_utf8() {
        let accepts = |value: &'static str| {
            let headers = HeaderMap::from_iter([(
                header::CONTENT_TYPE,
                axum::http::HeaderValue::from_static(value),
            )]);
            expect_json(&headers).is_ok()
        };
        assert!(
            accepts("application/json")
                && accepts("Application/JSON; charset=UTF-8")
                && accepts("application/json;x=1")
        );
        for other in [
            "",
            "text/plain",
            "application/jsonp",
            "application/json; charset=latin1",
            "multipart/form-data",
        ] {
            assert!(!accepts(other), "{other}");
        }
        assert!(expect_json(&HeaderMap::new()).is_err());
    }
}
