//! The server's side: whether it answers, whether the token may pull, and what it would hand out.

use jiff::{SignedDuration, Timestamp};
use regcred_client::Error;
use regcred_client::regcred::{Candidate, Explanation, PrincipalKind, Pull, Resolution, Verdict};

use super::client::Asked;
use super::program::{Connection, for_helper};
use crate::clock;
use crate::commands::checks::Report;
use crate::docker_config::key::Reference;
use crate::failure::Failure;

/// Asks the server, as the helper will.
pub(super) async fn check(
    connection: Option<Connection>,
    reference: Option<&Reference>,
    asked: &Asked,
    report: &mut Report,
) {
    let Some(connection) = connection else {
        for check in [SERVER, TOKEN, CREDENTIALS] {
            report.skipped(check);
        }
        return;
    };
    if !server_and_token(&connection, report).await {
        report.skipped(CREDENTIALS);
        return;
    }
    if asked.keys.is_empty() {
        report.left_out(
            CREDENTIALS,
            "no registry is known to look for; name one, or an image",
        );
        return;
    }
    let of_image = match reference.and_then(|reference| reference.image.as_ref()) {
        Some(image) => {
            let Some(found) = explain(&connection, Pull::image(image), report).await else {
                return;
            };
            explained(image, image, &found, report);
            Some(found)
        }
        None => None,
    };
    for key in &asked.keys {
        let Some(of_key) = explain(&connection, Pull::server(key), report).await else {
            return;
        };
        match &of_image {
            Some(of_image) => key_beside_image(key, &of_key, of_image, report),
            None => explained(key, &format!("--server {key}"), &of_key, report),
        }
    }
}

/// What a pull of the helper's would come to: where several accounts fit, it names the one that its configuration does.
/// What fails is reported.
async fn explain(connection: &Connection, pull: Pull, report: &mut Report) -> Option<Explanation> {
    let pull = match &connection.project {
        Some(project) => pull.project(project),
        None => pull,
    };
    let regcred = connection.client.regcred();
    let explained = async {
        let explanation = regcred.explain(&pull).await?;
        let mut named = explanation.candidates.iter().filter(|one| {
            one.verdict == Verdict::SameScope && connection.pins.contains(&one.credentials_id)
        });
        match (explanation.outcome, named.next(), named.next()) {
            (Resolution::Ambiguous, Some(one), None) => {
                let pinned = pull.clone().pinned(one.credentials_id);
                regcred.explain(&pinned).await
            }
            _ => Ok(explanation),
        }
    };
    match explained.await {
        Ok(explanation) => Some(explanation),
        Err(error) => {
            report.failed(CREDENTIALS, for_helper(Failure::from(error)));
            None
        }
    }
}

/// Where the image has credentials, whether those of the key are the same, which is all that docker and podman send.
fn key_beside_image(key: &str, of_key: &Explanation, of_image: &Explanation, report: &mut Report) {
    if of_image.outcome != Resolution::Match {
        return;
    }
    let (image, host) = (chosen(of_image), &of_key.host);
    match of_key.outcome {
        Resolution::Match if of_key.chosen == of_image.chosen => {}
        Resolution::Match => {
            let (image, key_has) = (image.map_or_else(String::new, name), chosen(of_key));
            report.warn(
                CREDENTIALS,
                format!(
                    "docker and podman send the host alone, {key:?}, and get {} instead of {image}",
                    key_has.map_or_else(String::new, name)
                ),
                BY_PATH,
            );
        }
        Resolution::Ambiguous => explained(key, &format!("--server {key}"), of_key, report),
        Resolution::NoMatch | Resolution::Unknown => report.wrong(
            CREDENTIALS,
            format!(
                "docker and podman send the host alone, {key:?}, for which there are none: {} serves only who asks by \
                 repository",
                image.map_or_else(|| "what fits".to_owned(), name)
            ),
            format!("create an account of the whole registry with `regcred credentials create --registry {host}`, or {BY_PATH}"),
        ),
    }
}

fn chosen(explanation: &Explanation) -> Option<&Candidate> {
    let mut candidates = explanation.candidates.iter();
    candidates.find(|one| one.verdict == Verdict::Chosen)
}

/// Credentials as people name them.
fn name(one: &Candidate) -> String {
    format!("{} at {}", one.username, one.registry_key)
}

/// Whether the server answers, takes the token, and lets it pull.
async fn server_and_token(connection: &Connection, report: &mut Report) -> bool {
    let regcred = connection.client.regcred();
    let url = &connection.url;
    let me = match regcred.me().await {
        Ok(me) => Some(me),
        Err(error @ Error::Unauthenticated { .. }) => {
            report.ok(SERVER, format!("{url} answers"));
            report.wrong(TOKEN, error.to_string(), NEW_TOKEN);
            return false;
        }
        // A pull goes past the platform, whose number only `docker login` and `docker logout` need.
        Err(error) => {
            let is_regcreds = match &error {
                Error::Transport { .. } | Error::Unavailable { .. } | Error::Throttled { .. } => {
                    false
                }
                _ => matches!(
                    regcred.pullable(connection.project.as_deref()).await,
                    Ok(_)
                        | Err(Error::Forbidden { .. }
                            | Error::NotFound { .. }
                            | Error::Invalid { .. })
                ),
            };
            if !is_regcreds {
                report.failed(SERVER, for_helper(error.into()));
                report.skipped(TOKEN);
                return false;
            }
            report.warn(
                SERVER,
                format!(
                    "{url} answers, but not for its platform of the number {}",
                    connection.platform
                ),
                "correct `platform` of the helper's configuration, or docker login and logout fail",
            );
            None
        }
    };
    if me.is_some() {
        report.ok(SERVER, format!("{url} answers"));
    }
    if let Some(me) = me
        .as_ref()
        .filter(|me| me.kind != PrincipalKind::ServiceToken)
    {
        let message = format!(
            "the token is the session of {:?}, and only service tokens may pull",
            me.name
        );
        report.wrong(TOKEN, message, NEW_TOKEN);
        return false;
    }
    match regcred.pullable(connection.project.as_deref()).await {
        Ok(pullable) => {
            let count = pullable.credentials.len();
            report.ok(
                TOKEN,
                match me {
                    Some(me) => format!(
                        "the token {:?} may pull {count} credentials of the project {}",
                        me.name, pullable.project
                    ),
                    None => format!(
                        "the token may pull {count} credentials of the project {}",
                        pullable.project
                    ),
                },
            );
            true
        }
        Err(error) => {
            let hint = match &error {
                Error::Forbidden { .. } => Some(NEW_TOKEN.to_owned()),
                Error::NotFound { .. } => {
                    Some("name a project of the token's, in the helper's configuration".to_owned())
                }
                Error::Invalid { .. } => {
                    Some("put `project = \"NAME\"` into the helper's configuration".to_owned())
                }
                _ => None,
            };
            let failure = Failure::from(error);
            let failure = match hint {
                Some(hint) => failure.with_hint(hint),
                None => failure,
            };
            report.failed(TOKEN, for_helper(failure));
            false
        }
    }
}

/// What regcred says of this; `argument` is what `regcred pull` takes for it.
fn explained(what: &str, argument: &str, explanation: &Explanation, report: &mut Report) {
    match explanation.outcome {
        Resolution::Match => {}
        Resolution::NoMatch | Resolution::Unknown => {
            let near = explanation
                .candidates
                .iter()
                .map(|near| near.registry_key.as_str());
            let near: Vec<_> = near.collect();
            let hint = if near.is_empty() {
                "create them with `regcred credentials create`".to_owned()
            } else {
                format!(
                    "there are credentials for {}: see `regcred pull {argument} --explain`",
                    near.join(", ")
                )
            };
            report.wrong(CREDENTIALS, format!("{what}: {}", explanation.rule), hint);
            return;
        }
        Resolution::Ambiguous => {
            report.wrong(
                CREDENTIALS,
                format!("{what}: {}", explanation.rule),
                format!(
                    "delete the account that is not meant, or put the id of the other one into REGCRED_CREDENTIALS_ID or \
                     `credentials-id` of the helper's configuration: see `regcred pull {argument} --explain`"
                ),
            );
            return;
        }
    }
    let Some(chosen) = chosen(explanation) else {
        report.ok(CREDENTIALS, format!("{what}: {}", explanation.rule));
        return;
    };
    let of = format!("{what}: {}", name(chosen));
    match chosen.expires_at.map(|end| (end, left(end))) {
        Some((end, left)) if left.is_negative() => {
            report.wrong(
                CREDENTIALS,
                format!("{of}, whose password ran out at {end}"),
                UPGRADE,
            );
        }
        Some((end, left)) if left < SOON => {
            report.warn(
                CREDENTIALS,
                format!("{of}, whose password runs out at {end}"),
                UPGRADE,
            );
        }
        _ => match chosen.verification.filter(|tried| tried.verdict.is_bad()) {
            Some(tried) => report.warn(
                CREDENTIALS,
                format!(
                    "{of}, which did not work at the registry at {}",
                    tried.checked_at
                ),
                VERIFY,
            ),
            None => report.ok(CREDENTIALS, of),
        },
    }
}

fn left(end: Timestamp) -> SignedDuration {
    end.duration_since(clock::now())
}

/// What serves credentials of a path.
const BY_PATH: &str = "use what asks by repository: for podman and skopeo a file of `regcred export --format auth-json`, \
                       on nodes the kubelet's provider, which knows the image";
const SOON: SignedDuration = SignedDuration::from_hours(7 * 24);
const SERVER: &str = "server";
const TOKEN: &str = "token";
const CREDENTIALS: &str = "credentials";
const NEW_TOKEN: &str = "make one with `regcred token create --right pull`, and keep it with `regcred helper install \
                         --token-stdin --force`";
const VERIFY: &str = "try them again with `regcred verify`; give the right password with `regcred credentials upgrade`";
const UPGRADE: &str = "give the new password with `regcred credentials upgrade`";
