//! Credentials that are created together: those of a transaction in two statements, and when they are tried with its commit.

use std::collections::BTreeMap;

use futures_util::future::try_join;
use regcred_core::credentials::MOST_IN_PROJECT;
use regcred_core::ids::ProjectId;
use regcred_core::{Result, Timestamp};

use super::link::{Given, Link};
use crate::statements::checks::Plan;
use crate::trail::Trail;
use crate::unit::{Create, Job, Many};

/// Creates the credentials of jobs, as [`create`](crate::statements::credentials::create) does one by one, and tells the
/// jobs. `false` where any of them is to be refused: nothing may stay of them then, and each is asked for itself.
pub(super) fn create(
    link: &Link,
    trail: &mut Trail,
    jobs: &mut [&mut Box<dyn Job>],
) -> Result<bool> {
    let creates = jobs.iter().filter_map(|job| match job.many() {
        Some(Many::Create(create)) => Some(create),
        _ => None,
    });
    let creates: Vec<_> = creates.collect();
    if creates.is_empty() {
        return Ok(true);
    }
    if !add(link, &creates)? {
        return Ok(false);
    }
    plan(link, &creates)?;
    for create in &creates {
        trail.append(&create.event)?;
    }
    for job in jobs {
        job.created();
    }
    Ok(true)
}

/// Counts them in their projects and adds them; `false` where a project is gone or has no room for all of its own, or somebody
/// holds a couple.
fn add(link: &Link, creates: &[&Create]) -> Result<bool> {
    let mut more = BTreeMap::<ProjectId, i64>::new();
    for create in creates {
        *more.entry(create.project).or_default() += 1;
    }
    let grown: Vec<_> = more.keys().map(|id| id.as_bytes().as_slice()).collect();
    let by: Vec<_> = more.values().copied().collect();
    let most = i64::try_from(MOST_IN_PROJECT).unwrap_or(i64::MAX);

    let projects = column(creates, |of| of.project.as_bytes().as_slice());
    let ids = column(creates, |of| of.new.credentials.id.as_bytes().as_slice());
    let registries = column(creates, |of| of.new.credentials.registry.typed());
    let keys = column(creates, |of| of.new.credentials.registry.key().as_str());
    let usernames = column(creates, |of| of.new.credentials.username.as_str());
    let versions = column(creates, |of| i64::from(of.new.credentials.version));
    let moments = column(creates, |of| of.new.credentials.last_update.as_micros());
    let ends = column(creates, |of| {
        of.new.credentials.expires.map(Timestamp::as_micros)
    });
    let passwords = column(creates, |of| of.new.password.as_bytes());
    let probes = column(creates, |of| {
        of.new.credentials.probe.as_ref().map(ToString::to_string)
    });
    let secrets = column(creates, |of| i64::from(of.new.credentials.secret));

    let (count_them, add_them) = (link.prepared(COUNT)?, link.prepared(ADD)?);
    let client = link.client();
    let (counted, added) = link.wait(async {
        try_join(
            client.execute(&count_them, &[&grown, &by, &most]),
            client.execute(
                &add_them,
                &[
                    &projects,
                    &ids,
                    &registries,
                    &keys,
                    &usernames,
                    &versions,
                    &moments,
                    &ends,
                    &passwords,
                    &probes,
                    &secrets,
                ],
            ),
        )
        .await
    })?;
    let all = |changed: u64, of: usize| usize::try_from(changed) == Ok(of);
    Ok(all(counted, grown.len()) && all(added, creates.len()))
}

/// Plans the first try of each, which nobody waits for before the commit.
fn plan(link: &Link, creates: &[&Create]) -> Result<()> {
    let ids = |bytes: fn(&Create) -> &[u8; 16]| column(creates, |of| bytes(of).to_vec());
    let projects = ids(|of| of.project.as_bytes());
    let credentials = ids(|of| of.new.credentials.id.as_bytes());
    let plans = column(creates, |of| Plan::of(&of.new.credentials));
    let hosts: Vec<_> = plans.iter().map(|plan| plan.host.to_owned()).collect();
    let dues: Vec<_> = plans.iter().map(|plan| plan.due.as_micros()).collect();
    let alerts = plans
        .iter()
        .map(|plan| plan.alert.map(Timestamp::as_micros));
    let alerts: Vec<_> = alerts.collect();
    let given: Given = vec![
        Box::new(projects),
        Box::new(credentials),
        Box::new(hosts),
        Box::new(dues),
        Box::new(alerts),
    ];
    link.put_given(PLAN, given)
}

fn column<'a, T>(creates: &[&'a Create], of: impl Fn(&'a Create) -> T) -> Vec<T> {
    creates.iter().map(|create| of(create)).collect()
}

const COUNT: &str = "UPDATE project SET credentials = credentials + g.more \
    FROM unnest($1::bytea[], $2::bigint[]) AS g (project, more) WHERE id = g.project AND credentials + g.more <= $3";

const ADD: &str = "INSERT INTO docker_credentials \
    (project_id, id, registry, registry_key, username, version, last_version, last_update, expires_at, password, probe, secret) \
    SELECT project, id, registry, key, username, version, version, moment, ends, password, probe, secret \
    FROM unnest($1::bytea[], $2::bytea[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[], \
    $9::bytea[], $10::text[], $11::bigint[]) \
    AS g (project, id, registry, key, username, version, moment, ends, password, probe, secret) \
    ON CONFLICT (project_id, registry_key, username) DO NOTHING";

const PLAN: &str = "INSERT INTO credentials_check (project_id, credentials_id, host, due_at, refusals, failures, alert_at) \
    SELECT project, credentials, host, due, 0, 0, alert \
    FROM unnest($1::bytea[], $2::bytea[], $3::text[], $4::bigint[], $5::bigint[]) AS g (project, credentials, host, due, alert)";
