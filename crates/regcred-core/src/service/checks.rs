//! What is found out without being asked: which credentials are to be tried, what comes of a proof, and which run out.
//!
//! A proof is written down in the same way whoever wanted it: with its event, the moment of the next try, and what is to be
//! told of it.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use crate::access::{Proving, RequestId, ServiceGrant};
use crate::alert::{AlertKind, Announced, Announcement};
use crate::audit::{Action, AuditEvent};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::registry::ImageReference;
use crate::service::{Service, ToProve};
use crate::verification::schedule::{self, Jitter};
use crate::verification::{
    Consequence, DueCheck, DueChecks, LeftAlone, Proof, ProofDecision, Recorded, Tried, Verdict,
    Verification,
};

impl Service {
    /// The credentials to be tried by themselves until `moment`: the first ones of each host but those of `except`, at most
    /// `limit`.
    pub async fn due_checks(
        &self,
        moment: Timestamp,
        except: HashSet<String>,
        limit: usize,
    ) -> Result<DueChecks> {
        let grant = self.by_itself()?;
        self.store.due_checks(&grant, moment, except, limit).await
    }

    /// Puts off what is due of an account that is left alone.
    pub async fn put_off_checks(&self, account: LeftAlone) -> Result<()> {
        let (grant, now) = (self.by_itself()?, self.clock.now());
        self.store.put_off_checks(&grant, account, now).await
    }

    /// Opens credentials that are due to prove them at their registry, and puts them off meanwhile; `None` where they are no
    /// longer due.
    pub async fn claim_check(&self, due: &DueCheck) -> Result<Option<ToProve>> {
        let grant = self.by_itself()?;
        let again = self.clock.now().plus(schedule::UNFINISHED);
        let Some(stored) = self.store.claim_check(&grant, due, again).await? else {
            return Ok(None);
        };
        let password = self.open_password(&stored)?;
        Ok(Some(ToProve {
            project: stored.project,
            credentials: stored.credentials,
            password,
        }))
    }

    /// Writes down what came of a proof that nobody asked for. `rest` is for how long the registry is left alone behind it.
    /// `None` where the credentials are gone.
    pub async fn record_check(
        &self,
        tried: &ToProve,
        proof: &Proof,
        rest: Duration,
    ) -> Result<Option<Recorded>> {
        let grant = self.by_itself()?;
        let proving = grant.proving(tried.project);
        let author = move |at, action| grant.event(at, action);
        // By itself, the image to probe with is that of the credentials.
        let probe = tried.credentials.probe.as_ref();
        self.record_proof(&proving, author, tried, (proof, probe), rest)
            .await
    }

    /// Writes down what is to be told of credentials that run out, some at a time; none are left where it is empty.
    pub async fn announce_expiries(&self) -> Result<Vec<Announced>> {
        let grant = self.by_itself()?;
        let now = self.clock.now();
        let (random, targets) = (Arc::clone(&self.random), self.watch.webhooks.clone());
        let decide = Box::new(move |expires| {
            let (kind, next) = schedule::expiry_alert(expires, now);
            let told = Announcement::new(kind, None, now, &targets, random.as_ref())?;
            Ok((told, next))
        });
        let announced = self.store.announce_expiries(&grant, now, AT_ONCE, decide);
        announced.await
    }

    /// How often credentials are tried by themselves.
    #[must_use]
    pub fn checks_every(&self) -> Duration {
        self.watch.every
    }

    pub(super) async fn record_proof(
        &self,
        proving: &Proving,
        author: impl Fn(Timestamp, Action) -> AuditEvent + Send + 'static,
        opened: &ToProve,
        (proof, probe): (&Proof, Option<&ImageReference>),
        rest: Duration,
    ) -> Result<Option<Recorded>> {
        let (row, proof, now) = (opened.credentials.clone(), *proof, self.clock.now());
        let verification = Verification {
            credentials: row.id,
            version: row.version,
            verdict: proof.verdict,
            probed: probe.is_some(),
            at: now,
        };
        // That an image which somebody named for once may not be pulled says nothing of what the credentials are for.
        let of_another = proof.verdict == Verdict::NoPullRight && probe != row.probe.as_ref();
        let project = opened.project.to_string();
        let (random, watch) = (Arc::clone(&self.random), self.watch.clone());
        let decide = Box::new(move |tried: &Tried<'_>| {
            let present = tried.credentials.version == row.version;
            // What a registry says of a password counts where its owner said nothing, and not where it cannot be.
            let learnt = proof
                .expires
                .filter(|expires| present && tried.credentials.expires.is_none() && *expires > now);
            let action = Action::CredentialsVerified {
                project: project.clone(),
                credentials: row.id.to_string(),
                registry_key: row.registry.key().to_string(),
                username: row.username.as_str().to_owned(),
                version: row.version,
                verdict: proof.verdict.word(),
                expires: learnt.map(|moment| moment.rfc3339(0)),
            };
            let event = author(now, action);
            if !present || of_another {
                return Ok(ProofDecision {
                    event,
                    consequence: None,
                });
            }
            let jitter = Jitter::draw(random.as_ref())?;
            let (delay, counts) =
                schedule::after(proof.verdict, tried.counts, rest, watch.every, jitter);
            let turned_bad = proof.verdict.is_bad() && tried.counts.refusals == 0;
            let announcement = turned_bad.then(|| {
                let (kind, verdict) = (AlertKind::Rejected, Some(proof.verdict));
                Announcement::new(kind, verdict, now, &watch.webhooks, random.as_ref())
            });
            Ok(ProofDecision {
                event,
                consequence: Some(Consequence {
                    due: now.plus(delay),
                    counts,
                    expires: learnt,
                    announcement: announcement.transpose()?,
                }),
            })
        });
        self.store
            .record_verification(proving, verification, decide)
            .await
    }

    /// For one piece of work that nobody asked for.
    pub(super) fn by_itself(&self) -> Result<ServiceGrant> {
        Ok(ServiceGrant::for_itself(RequestId::generate(
            self.random.as_ref(),
        )?))
    }
}

/// So many expiries are told in one transaction.
const AT_ONCE: usize = 100;
