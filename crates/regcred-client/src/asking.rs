//! A request as the client's principal: sent with the token, repeated where that is safe, within the total timeout.

use std::time::Instant;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use tracing::Instrument as _;

use crate::client::{Client, Shared};
use crate::error::{Error, Result};
use crate::secret::Secret;
use crate::transport::{Answer, Effect, Request};

impl Client {
    /// What the answer to a request means to `read`, under the name by which it is traced.
    pub(crate) async fn ask<D>(
        &self,
        operation: &'static str,
        effect: Effect,
        request: Request<'_>,
        read: fn(&Answer, Effect) -> Result<D>,
    ) -> Result<D> {
        let transport = &self.shared.transport;
        let mut attempts = transport.attempts(operation, effect);
        let work = async {
            loop {
                let attempt = async { read(&self.answer(&request, effect).await?, effect) };
                match attempt.instrument(attempts.span()).await {
                    Ok(data) => return Ok(data),
                    Err(error) => attempts.again_after(error).await?,
                }
            }
        };
        transport
            .within(transport.limits().total, effect, work)
            .await
            .map_err(|error| attempts.last(error))
    }

    /// Sends it with the token; where that is no longer accepted, once more with the token of another login. A request
    /// that was answered with 401 did nothing, so this is safe for changes too.
    async fn answer(&self, request: &Request<'_>, effect: Effect) -> Result<Answer> {
        let Shared {
            transport, session, ..
        } = &*self.shared;
        let (token, asked) = (session.token(), Instant::now());
        let answer = transport.send(request, bearer(&token)?, effect).await?;
        if answer.status == 401
            && let Some(token) = session.renew(transport, &token, asked).await?
        {
            return transport.send(request, bearer(&token)?, effect).await;
        }
        Ok(answer)
    }
}

fn bearer(token: &Secret) -> Result<HeaderMap> {
    let text = Secret::new(format!("Bearer {}", token.expose()));
    let mut value = HeaderValue::from_str(text.expose())
        .map_err(|_| Error::invalid("token", "the token holds characters that no token has"))?;
    value.set_sensitive(true);
    Ok(HeaderMap::from_iter([(AUTHORIZATION, value)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_marked_as_secret() {
        let headers = bearer(&Secret::new("rc_s_x".to_owned())).unwrap();
        assert_eq!(headers[AUTHORIZATION], "Bearer rc_s_x");
        assert!(headers[AUTHORIZATION].is_sensitive());
        assert_eq!(format!("{headers:?}"), r#"{"authorization": Sensitive}"#);
    }
}
