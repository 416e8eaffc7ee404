//! Connecting to the one of several hosts that takes writes.
//!
//! All are asked at once: one whose machine is gone says nothing, and must not be waited for while another one answers.

use tokio::task::JoinSet;
use tokio_postgres::{Client, Config, Connection, Socket};

use super::error::whole;
use super::tls::{Stream, Tls};

/// The first that takes writes; what each one said where none does.
pub(super) async fn connect(
    hosts: &[Config],
    tls: &Tls,
) -> Result<(Client, Connection<Socket, Stream<Socket>>), String> {
    let mut asked = JoinSet::new();
    for (place, host) in hosts.iter().cloned().enumerate() {
        let tls = tls.clone();
        asked.spawn(async move { (place, host.connect(tls).await) });
    }
    let mut refusals = Vec::new();
    while let Some(answered) = asked.join_next().await {
        match answered {
            Ok((_, Ok(connected))) => return Ok(connected),
            Ok((place, Err(error))) => refusals.push((place, whole(&error))),
            Err(_) => {}
        }
    }
    refusals.sort_unstable();
    let refusals: Vec<_> = refusals.into_iter().map(|(_, why)| why).collect();
    Err(refusals.join("; "))
}

/// The same URL for each of its hosts alone.
pub(super) fn each_host(url: &str) -> Vec<String> {
    let Some((scheme, rest)) = url.split_once("://") else {
        return Vec::new();
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    let (user, hosts) = match authority.rsplit_once('@') {
        Some((user, hosts)) => (format!("{user}@"), hosts),
        None => (String::new(), authority),
    };
    hosts
        .split(',')
        .map(|host| format!("{scheme}://{user}{host}{rest}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_of_several_hosts_is_one_for_each() {
        for (url, each) in [
            ("postgres://a/r", &["postgres://a/r"][..]),
            (
                "postgres://me:s,e@a:1,[::1]:2,%2Frun/r?x=1,2",
                &[
                    "postgres://me:s,e@a:1/r?x=1,2",
                    "postgres://me:s,e@[::1]:2/r?x=1,2",
                    "postgres://me:s,e@%2Frun/r?x=1,2",
                ],
            ),
            (
                "postgresql://a,b?x=1",
                &["postgresql://a?x=1", "postgresql://b?x=1"],
            ),
        ] {
            assert_eq!(each_host(url), each);
        }
    }
}
