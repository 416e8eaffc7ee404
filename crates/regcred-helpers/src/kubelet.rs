//! `regcred-kubelet-provider`: a request of the kubelet on standard input, its answer on standard output.
//!
//! An answer is for the image that was asked for and no other: the key is its full repository as it is written, because the kubelet takes
//! a key's path for a mere beginning of text, and `host/team` would serve `host/teamwork`. Who the pod is does not
//! count, and neither do annotations: whoever may annotate a service account would choose whose credentials are used.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::access::{Access, Asked, Found};
use crate::failure::{Failure, Result};
use crate::input;
use crate::process::{Answer, Program, block_on, json};
use crate::reference::Image;

/// Runs the program. The kubelet gives no arguments; those that it is configured to give are refused, but for
/// `--version` and `--help`.
#[must_use]
pub fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let words: Vec<_> = arguments.iter().map(|argument| argument.to_str()).collect();
    match words.as_slice() {
        [] => PROGRAM.run(provide),
        [Some("--version")] => PROGRAM.run(|| Ok(Zeroizing::new(VERSION.as_bytes().to_vec()))),
        [Some("--help")] => PROGRAM.run(|| Ok(Zeroizing::new(HELP.as_bytes().to_vec()))),
        _ => PROGRAM.run(|| {
            Err(Failure::new(
                "it takes no arguments",
                "leave `args` out of the kubelet's configuration, and set variables in its `env`",
            ))
        }),
    }
}

fn provide() -> Result<Answer> {
    let request = Request::parse(&input::read(MOST_BYTES)?)?;
    let image = Image::parse(&request.image)?;
    let access = Access::configured(PROGRAM)?;
    let found = block_on(access.pull(Asked::Image(&image)))?;
    let (auth, duration) = match &found {
        Found::Nothing(_) => (None, Duration::ZERO),
        Found::Credentials(found) => {
            let login = Login {
                username: &found.username,
                password: found.password.expose(),
            };
            let auth = BTreeMap::from([(image.key_of_kubelet(), login)]);
            (Some(auth), found.good_for.unwrap_or(LONGEST).min(LONGEST))
        }
    };
    json(&Response {
        api_version: &request.api_version,
        kind: "CredentialProviderResponse",
        cache_key_type: "Image",
        cache_duration: written(duration),
        auth,
    })
}

/// What the kubelet asks. The service account's token and annotations may be there; they do not count.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    api_version: String,
    kind: String,
    image: String,
}

impl Request {
    fn parse(text: &str) -> Result<Self> {
        let not_one = |why: &str| {
            Failure::new(
                format!("standard input holds no request of a kubelet: {why}"),
                "the kubelet writes a CredentialProviderRequest of credentialprovider.kubelet.k8s.io/v1, v1beta1 or v1alpha1",
            )
        };
        let request: Self =
            serde_json::from_str(text).map_err(|_| not_one("it is not JSON of that form"))?;
        if !VERSIONS.contains(&request.api_version.as_str()) {
            return Err(not_one("its apiVersion is unknown"));
        }
        if request.kind != "CredentialProviderRequest" {
            return Err(not_one("its kind is unknown"));
        }
        Ok(request)
    }
}

/// The kubelet reads it strictly: no other field.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Response<'a> {
    api_version: &'a str,
    kind: &'a str,
    cache_key_type: &'a str,
    cache_duration: String,
    auth: Option<BTreeMap<&'a str, Login<'a>>>,
}

#[derive(Serialize)]
struct Login<'a> {
    username: &'a str,
    password: &'a str,
}

/// A duration of whole seconds as Go writes it, of less than an hour.
fn written(duration: Duration) -> String {
    let (minutes, seconds) = (duration.as_secs() / 60, duration.as_secs() % 60);
    match minutes {
        0 => format!("{seconds}s"),
        _ => format!("{minutes}m{seconds}s"),
    }
}

const PROGRAM: Program = Program {
    name: "regcred-kubelet-provider",
    fails_on_stdout: false,
};
const VERSIONS: [&str; 3] = [
    "credentialprovider.kubelet.k8s.io/v1",
    "credentialprovider.kubelet.k8s.io/v1beta1",
    "credentialprovider.kubelet.k8s.io/v1alpha1",
];
/// How long the kubelet may keep an answer.
const LONGEST: Duration = Duration::from_mins(5);
/// More than a request with a token and all annotations that an account can have.
const MOST_BYTES: usize = 1 << 20;
const VERSION: &str = concat!(
    "regcred-kubelet-provider (regcred) ",
    env!("CARGO_PKG_VERSION"),
    "\n"
);
const HELP: &str = "\
regcred-kubelet-provider

A credential provider of the kubelet on regcred. It reads a CredentialProviderRequest from standard input.
REGCRED_URL and REGCRED_TOKEN say where regcred is; /etc/regcred/helper.toml stands in for them.
";
