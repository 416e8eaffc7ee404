//! What both programs ask regcred for: the credentials of one image or server, from it or, while it is away, from the
//! cache.

mod asked;
mod verdict;

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use regcred_client::regcred::{Pull, Pulled};
use regcred_client::{Client, Error, Outcome, Secret, TransportKind};
use tokio::time::timeout;

use self::asked::accounts;
pub(crate) use self::asked::{Asked, Found, Handed, usernames};
use self::verdict::{is_away, is_definite};
use crate::cache::{Answered, Cache, Subject, until};
use crate::config::{Pins, Settings};
use crate::failure::{Failure, Result, of_server};
use crate::process::{Program, now};

/// A configured way to regcred.
pub(crate) struct Access {
    program: Program,
    client: Client,
    token: Arc<Secret>,
    url: String,
    token_from: String,
    project: Option<String>,
    pins: Pins,
    /// The same as a text.
    pinned: String,
    cache: Option<Cache>,
}

impl Access {
    /// Reads the configuration. Nothing is sent yet.
    pub(crate) fn configured(program: Program) -> Result<Self> {
        let settings = Settings::load(&|name| std::env::var_os(name), &|what| program.warn(what))?;
        let mut builder = Client::builder(&settings.url)
            .platform(settings.platform)
            .connect_timeout(Duration::from_secs(5))
            .request_timeout(TOTAL)
            .total_timeout(TOTAL);
        if !settings.authorities.is_empty() {
            builder = builder.ca_certificates(&settings.authorities);
        }
        let client = builder.token(settings.token).map_err(|error| {
            let hint = "mend the configuration: the URL with its https, the token, the file of certificates";
            Failure::new(error.to_string(), hint)
        })?;
        let cache = settings.cache.and_then(|life| {
            let cache = Cache::new(life);
            if cache.is_none() {
                program.warn("there is no directory for the cache: set XDG_CACHE_HOME or HOME");
            }
            cache
        });
        Ok(Self {
            program,
            token: client.token(),
            client,
            url: settings.url,
            token_from: settings.token_from,
            project: settings.project,
            pinned: settings.pins.text(),
            pins: settings.pins,
            cache,
        })
    }

    /// Gets the credentials of what is asked for, and of nothing else.
    pub(crate) async fn pull(&self, asked: Asked<'_>) -> Result<Found> {
        let subject = self.subject(asked);
        let error = match self.answer(asked).await {
            Ok(pulled) => return self.checked(asked, pulled).map(Found::Credentials),
            Err(error) => error,
        };
        let Some(cache) = &self.cache else {
            return self.refused(asked, error);
        };
        if is_away(&error) {
            if let Some((entry, left)) = cache.find(&subject, now())
                && asked.place().is_covered_by(&entry.registry_key)
            {
                self.program.warn(&format!(
                    "{error}; these are the credentials that it gave shortly before"
                ));
                return Ok(Found::Credentials(Handed {
                    username: entry.username,
                    password: entry.password,
                    good_for: Some(left),
                }));
            }
        } else if is_definite(&error) {
            cache.forget(&subject, now());
        }
        self.refused(asked, error)
    }

    /// What regcred answers; where it has several accounts, and the configuration names exactly one of them, what it
    /// answers for that one.
    async fn answer(&self, asked: Asked<'_>) -> Result<Pulled, Error> {
        let (start, request) = (Instant::now(), self.request(asked));
        let ambiguous = match self.client.regcred().pull(&request).await {
            Err(error @ Error::Ambiguous { .. }) => error,
            answer => return answer,
        };
        let Error::Ambiguous { candidates, .. } = &ambiguous else {
            return Err(ambiguous);
        };
        let Some(id) = self.pins.one_of(candidates, |one| one.credentials_id) else {
            return Err(ambiguous);
        };
        let (id, outcome) = (id.credentials_id, Outcome::NotDone);
        let again = request.pinned(id);
        let left = TOTAL.saturating_sub(start.elapsed());
        match timeout(left, self.client.regcred().pull(&again)).await {
            Ok(Ok(pulled)) if pulled.credentials_id != id => Err(Error::Protocol {
                message: "regcred answered with other credentials than those that are named"
                    .to_owned(),
                outcome,
            }),
            // They were changed meanwhile, and the others are still there.
            Ok(Err(Error::NoMatch { .. } | Error::Ambiguous { .. })) => Err(ambiguous),
            Ok(answer) => answer,
            Err(_) => Err(Error::Transport {
                kind: TransportKind::Timeout,
                message: format!("{} did not answer within {} s", self.url, TOTAL.as_secs()),
                outcome,
            }),
        }
    }

    /// What regcred says by which it would choose, where credentials are kept for a server.
    pub(crate) fn request(&self, asked: Asked<'_>) -> Pull {
        let pull = match asked {
            Asked::Server(key) => Pull::server(key.as_str()),
            Asked::Image(image) => Pull::image(image.as_str()),
        };
        match &self.project {
            Some(project) => pull.project(project),
            None => pull,
        }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn project(&self) -> Option<&str> {
        self.project.as_deref()
    }

    pub(crate) fn pins(&self) -> &Pins {
        &self.pins
    }

    /// What a refusal means to whoever configured this.
    pub(crate) fn failure(&self, error: &Error) -> Failure {
        of_server(error, &self.token_from)
    }

    /// Forgets all answers: credentials may have been changed, and what they answered is not known.
    pub(crate) fn forget_all(&self) {
        if let Some(cache) = &self.cache {
            cache.forget_all();
        }
    }

    /// Looks at an answer once more, and keeps it where a cache is asked for.
    fn checked(&self, asked: Asked<'_>, pulled: Pulled) -> Result<Handed> {
        if !asked.place().is_covered_by(&pulled.registry_key) {
            self.forget(asked);
            return Err(Failure::new(
                "regcred answered with credentials of another registry than the one that was asked for",
                "they were not handed out; check that the URL is regcred's own, and tell its operator",
            ));
        }
        if pulled.username.contains(char::is_control) {
            self.forget(asked);
            return Err(Failure::new(
                "regcred answered with a username that holds control characters",
                "it was not handed out, because programs that read it by lines would take it for something else; \
                 correct it in regcred",
            ));
        }
        let now = now();
        if let Some(cache) = &self.cache {
            let answer = Answered {
                registry_key: &pulled.registry_key,
                username: &pulled.username,
                password: pulled.password.expose(),
                expires_at: pulled.expires_at.map(Timestamp::as_millisecond),
            };
            if let Err(why) = cache.keep(&self.subject(asked), &answer, now) {
                self.program
                    .warn(&format!("the answer is not cached: {why}"));
            }
        }
        let good_for = pulled
            .expires_at
            .map(|end| until(end, now).unwrap_or_default());
        Ok(Handed {
            username: pulled.username,
            password: pulled.password,
            good_for,
        })
    }

    fn refused(&self, asked: Asked<'_>, error: Error) -> Result<Found> {
        match error {
            Error::NoMatch { message } => Ok(Found::Nothing(message)),
            Error::Ambiguous { candidates, .. } if !candidates.is_empty() => Err(Failure::new(
                format!(
                    "several accounts of regcred fit {:?}: {}",
                    asked.reference(),
                    accounts(&candidates),
                ),
                "nothing decides between them: put the id of the one that is meant into REGCRED_CREDENTIALS_ID, or \
                 `credentials-id` of the file; or delete the one that is not meant, or give it a longer path",
            )),
            error => Err(self.failure(&error)),
        }
    }

    /// Forgets the answer that is kept for this.
    fn forget(&self, asked: Asked<'_>) {
        if let Some(cache) = &self.cache {
            cache.forget(&self.subject(asked), now());
        }
    }

    fn subject<'a>(&'a self, asked: Asked<'a>) -> Subject<'a> {
        Subject {
            token: &self.token,
            url: &self.url,
            project: self.project.as_deref().unwrap_or_default(),
            kind: match asked {
                Asked::Server(_) => "server",
                Asked::Image(_) => "image",
            },
            place: asked.place().to_string(),
            pins: &self.pinned,
        }
    }
}

/// Leaves time for the cache before a run has to end.
const TOTAL: Duration = Duration::from_secs(9);
