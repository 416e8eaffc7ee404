//! `tokenAttributes`: service account tokens that the kubelet hands to a provider.

use serde_json::{Map, Value};

use super::fields;
use crate::commands::checks::Report;

/// Checks what the kubelet refuses; for regcred's own provider also whether it is of use.
pub(super) fn attributes(provider: &Map<String, Value>, is_ours: bool, report: &mut Report) {
    let attributes = match provider.get("tokenAttributes") {
        None | Some(Value::Null) => return,
        Some(Value::Object(attributes)) => attributes,
        Some(other) => {
            report.wrong(
                TOKEN,
                format!("tokenAttributes is {other}, and no object"),
                TAKE_OUT,
            );
            return;
        }
    };
    fields(TOKEN, attributes, &KNOWN, report);
    let audience = attributes.get("serviceAccountTokenAudience");
    let audience = audience.and_then(Value::as_str).unwrap_or_default();
    let wants_account = attributes
        .get("requireServiceAccount")
        .and_then(Value::as_bool);
    let cache = attributes.get("cacheType").and_then(Value::as_str);
    let needed = [
        ("serviceAccountTokenAudience", !audience.is_empty()),
        ("requireServiceAccount", wants_account.is_some()),
        (
            "cacheType",
            matches!(cache, Some("Token" | "ServiceAccount")),
        ),
    ];
    for (name, _) in needed.iter().filter(|(_, is_there)| !is_there) {
        let is = match attributes.get(*name) {
            Some(value) => format!("is {value}"),
            None => "is missing".to_owned(),
        };
        report.wrong(
            TOKEN,
            format!("{name} of tokenAttributes {is}, and the kubelet refuses the file"),
            match *name {
                "serviceAccountTokenAudience" => "name one audience, or take tokenAttributes out",
                "requireServiceAccount" => "write true or false, or take tokenAttributes out",
                _ => "write Token or ServiceAccount, which Kubernetes wants from 1.34 on, or take tokenAttributes out",
            },
        );
    }
    let keys = |name: &str| match attributes.get(name) {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(value) => value
            .as_array()?
            .iter()
            .map(Value::as_str)
            .collect::<Option<Vec<_>>>(),
    };
    match (keys(REQUIRED), keys(OPTIONAL)) {
        (Some(required), Some(optional)) => {
            if wants_account == Some(false) && !required.is_empty() {
                let message =
                    format!("{REQUIRED} names annotations, but requireServiceAccount is false");
                report.wrong(
                    TOKEN,
                    message,
                    "write requireServiceAccount: true, or take them out",
                );
            }
            let mut all: Vec<_> = required.into_iter().chain(optional).collect();
            let count = all.len();
            all.sort_unstable();
            all.dedup();
            if all.len() < count {
                let message = "an annotation is named twice in tokenAttributes, and the kubelet refuses the file";
                report.wrong(TOKEN, message, "name each once");
            }
        }
        _ => report.wrong(
            TOKEN,
            "annotations of tokenAttributes are no list of texts",
            "write a list of their names",
        ),
    }
    if is_ours {
        report.warn(
            TOKEN,
            format!(
                "tokenAttributes asks for service account tokens of the audience {audience:?}, which the provider does \
                 not look at"
            ),
            "take it out; where it stays, nodes need the RBAC right `request-serviceaccounts-token-audience` for that \
             audience, or every pull fails",
        );
    }
}

const TOKEN: &str = "token";
const TAKE_OUT: &str = "take it out: the provider does not look at such tokens";
const REQUIRED: &str = "requiredServiceAccountAnnotationKeys";
const OPTIONAL: &str = "optionalServiceAccountAnnotationKeys";
const KNOWN: [&str; 5] = [
    "serviceAccountTokenAudience",
    "cacheType",
    "requireServiceAccount",
    REQUIRED,
    OPTIONAL,
];
