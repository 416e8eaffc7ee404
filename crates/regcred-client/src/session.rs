//! The token of a client: given, or got by logging in, and got again where it is no longer accepted.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;
use tokio::sync::Mutex;
use tracing::Instrument as _;

use crate::error::{Error, Result};
use crate::secret::Secret;
use crate::transport::{Body, Effect, Request, Transport};

pub(crate) struct Session {
    token: RwLock<Arc<Secret>>,
    account: Option<Account>,
}

/// What is needed to log in again. One login at a time: whoever waits for it shares its outcome.
struct Account {
    login: String,
    password: Secret,
    realm: Option<HeaderValue>,
    /// Held by whoever logs in again; when that was last refused.
    renewing: Mutex<Option<Instant>>,
}

impl Session {
    pub(crate) async fn log_in(
        transport: &Transport,
        login: &str,
        password: Secret,
        realm: Option<String>,
    ) -> Result<Self> {
        let realm = realm.map(|realm| {
            HeaderValue::try_from(realm)
                .map_err(|_| Error::invalid("realm", "the realm must hold no control characters"))
        });
        let account = Account {
            login: login.to_owned(),
            password,
            realm: realm.transpose()?,
            renewing: Mutex::default(),
        };
        let limit = transport.limits().total;
        let token = transport
            .within(limit, Effect::None, account.log_in(transport))
            .await?;
        Ok(Self {
            token: RwLock::new(Arc::new(token)),
            account: Some(account),
        })
    }

    pub(crate) fn with_token(token: Secret) -> Result<Self> {
        if !is_token(token.expose()) {
            return Err(Error::invalid(
                "token",
                "the token is empty, or holds spaces, line breaks or other characters that no token has",
            ));
        }
        Ok(Self {
            token: RwLock::new(Arc::new(token)),
            account: None,
        })
    }

    pub(crate) fn token(&self) -> Arc<Secret> {
        Arc::clone(&self.token.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Another token, in place of one that was presented at the moment `asked` and refused; `None` where no account is
    /// known to log in with.
    pub(crate) async fn renew(
        &self,
        transport: &Transport,
        refused: &Arc<Secret>,
        asked: Instant,
    ) -> Result<Option<Arc<Secret>>> {
        let Some(account) = &self.account else {
            return Ok(None);
        };
        let mut refusal = account.renewing.lock().await;
        let current = self.token();
        if !Arc::ptr_eq(&current, refused) {
            return Ok(Some(current));
        }
        // A password that was refused meanwhile is not tried once for everybody who asked: the server counts failures.
        if refusal.is_some_and(|refused| asked < refused) {
            return Err(account.refused());
        }
        tracing::debug!("the token is no longer accepted, logging in again");
        let renewed = account.log_in(transport).await;
        if matches!(renewed, Err(Error::Unauthenticated { .. })) {
            *refusal = Some(Instant::now());
        }
        let token = Arc::new(renewed?);
        *self.token.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&token);
        Ok(Some(token))
    }
}

impl Account {
    async fn log_in(&self, transport: &Transport) -> Result<Secret> {
        let body = Body::json(&Credentials {
            login: &self.login,
            password: self.password.expose(),
        })?;
        let realm = self.realm.clone().map(|realm| (REALM, realm));
        let headers = HeaderMap::from_iter(realm);
        let request = Request::post(LOGIN_PATH, &body);
        // A session that nobody got the token of runs out by itself: logging in twice does no harm.
        let mut attempts = transport.attempts("login", Effect::None);
        let answer = loop {
            let attempt = transport.send(&request, headers.clone(), Effect::None);
            match attempt.instrument(attempts.span()).await {
                Ok(answer) => break answer,
                Err(error) => attempts.again_after(error).await?,
            }
        };
        if answer.status == 401 {
            return Err(self.refused());
        }
        if answer.status != 200 {
            return Err(answer.refused(Effect::None));
        }
        let html = answer
            .headers
            .get(CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
        let token = answer
            .into_text()
            .filter(|text| !html && is_token(text.expose()))
            .ok_or_else(|| {
                Error::protocol(
                    "the answer to the login is no token: something else than a platform listens there",
                )
            })?;
        Ok(token)
    }

    fn refused(&self) -> Error {
        let realm = match self.realm {
            Some(_) => ", or the realm",
            None => "",
        };
        Error::Unauthenticated {
            message: format!("the login {:?} or its password is wrong{realm}", self.login),
        }
    }
}

/// Whether a text can be a bearer token (RFC 6750, section 2.1), of at most 16 KiB.
fn is_token(text: &str) -> bool {
    let of_a_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    !text.is_empty() && text.len() <= 16 * 1024 && text.bytes().all(of_a_token)
}

#[derive(Serialize)]
struct Credentials<'a> {
    login: &'a str,
    password: &'a str,
}

const REALM: HeaderName = HeaderName::from_static("saagie-realm");
const LOGIN_PATH: &str = "/authentication/api/open/authenticate";
