//! The environment of the provider: what it needs, and what has another meaning on a node than here.

use std::net::IpAddr;
use std::path::Path;

use serde_json::Value;

use crate::commands::checks::Report;

/// Checks the variables of regcred's provider.
pub(super) fn environment(variables: &[Value], report: &mut Report) {
    let value_of = |name: &str| {
        let named = |variable: &&Value| variable.get("name").and_then(Value::as_str) == Some(name);
        let found = variables.iter().rev().find(named)?;
        Some(
            found
                .get("value")
                .and_then(Value::as_str)
                .unwrap_or_default(),
        )
    };
    let (url, token_file) = (value_of("REGCRED_URL"), value_of("REGCRED_TOKEN_FILE"));
    for (problem, hint) in on_nodes(url, token_file) {
        report.warn(ENV, problem, hint);
    }
    if value_of("REGCRED_TOKEN").is_some() {
        report.warn(
            ENV,
            "REGCRED_TOKEN is in this file, which others on the node may read",
            "put the token into a file of root's, 0600, and name it with REGCRED_TOKEN_FILE",
        );
    }
    if let Some(file) = value_of("REGCRED_HELPER_CONFIG") {
        if Path::new(file).is_relative() {
            let problem = format!(
                "REGCRED_HELPER_CONFIG is {file:?}, and nobody knows in which directory the kubelet runs"
            );
            report.warn(ENV, problem, ABSOLUTE);
        } else {
            report.ok(
                ENV,
                format!("REGCRED_HELPER_CONFIG is {file}, which each node needs"),
            );
        }
        return;
    }
    let has_token = value_of("REGCRED_TOKEN").is_some();
    for (name, is_set) in [
        ("REGCRED_URL", url.is_some()),
        ("REGCRED_TOKEN_FILE", token_file.is_some()),
    ] {
        if is_set {
            report.ok(ENV, format!("{name} is set"));
        } else if name == "REGCRED_URL" || !has_token {
            report.warn(
                ENV,
                format!("{name} is not set"),
                "the provider then needs it in /etc/regcred/helper.toml on each node",
            );
        }
    }
}

/// What of these is not the same on a node, or is refused there; each with what to do.
pub(in super::super) fn on_nodes(
    url: Option<&str>,
    token_file: Option<&str>,
) -> Vec<(String, &'static str)> {
    let mut problems = Vec::new();
    if let Some(url) = url {
        if is_loopback(url) {
            let problem = format!("REGCRED_URL is {url}, which on each node is that node itself");
            problems.push((problem, "give the address at which nodes reach regcred"));
        } else if !url.starts_with("https://") {
            let problem =
                format!("REGCRED_URL is {url}, and the provider sends its token over https only");
            problems.push((problem, "give an https URL"));
        }
    }
    if let Some(file) = token_file
        && Path::new(file).is_relative()
    {
        let problem = format!(
            "REGCRED_TOKEN_FILE is {file:?}, and nobody knows in which directory the kubelet runs"
        );
        problems.push((problem, ABSOLUTE));
    }
    problems
}

fn is_loopback(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
    {
        Some((address, _)) => address,
        None => authority.split(':').next().unwrap_or_default(),
    };
    let is_address = host
        .parse()
        .is_ok_and(|address: IpAddr| address.is_loopback() || address.is_unspecified());
    is_address || host == "localhost" || host.ends_with(".localhost")
}

const ENV: &str = "env";
const ABSOLUTE: &str = "give an absolute path";
