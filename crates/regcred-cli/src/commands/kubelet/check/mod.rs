//! The traps of a `CredentialProviderConfig`: what the kubelet refuses, and what it takes without ever asking.

mod duration;
mod nodes;
mod patterns;
mod token;

use std::collections::BTreeSet;
use std::path::Path;

use jiff::SignedDuration;
use serde_json::{Map, Value};

pub(super) use self::nodes::on_nodes;
pub(super) use self::patterns::{of_key, of_pattern};
use crate::commands::checks::Report;
use crate::failure::{Exit, Failure, Result};
use crate::output::OutputArgs;

/// Checks a file, in YAML or JSON.
pub(super) fn file(path: &Path, output: OutputArgs) -> Result<()> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        let message = format!("the file {} cannot be read: {error}", path.display());
        Failure::usage(message, "name the kubelet's file with --check")
    })?;
    // A snippet of the file could show a token that somebody put there.
    let options = serde_saphyr::options! { with_snippet: false };
    let config: Value = serde_saphyr::from_str_with_options(&text, options).map_err(|_| {
        let message = format!("the file {} is neither YAML nor JSON", path.display());
        Failure::usage(message, "print one with `regcred kubelet config`")
    })?;
    check(&config).show(output, Exit::Usage)
}

/// Checks a configuration.
fn check(config: &Value) -> Report {
    let mut report = Report::default();
    let Some(config) = config.as_object() else {
        report.wrong(FORM, "it is no object", PRINT);
        return report;
    };
    fields(
        FORM,
        config,
        &["apiVersion", "kind", "providers"],
        &mut report,
    );
    equal(FORM, config, "apiVersion", API_VERSION, &mut report);
    equal(FORM, config, "kind", KIND, &mut report);
    let providers = config.get("providers").and_then(Value::as_array);
    let providers = providers.map(Vec::as_slice).unwrap_or_default();
    let mut names = BTreeSet::new();
    for (index, provider) in providers.iter().enumerate() {
        // One that is wrong keeps the kubelet from starting, whose it is does not matter.
        let mut found = Report::default();
        let name = provider.get("name").and_then(Value::as_str);
        match (name, provider.as_object()) {
            (Some(PROVIDER), Some(provider)) => {
                report.ok(NAME, format!("there is a provider {PROVIDER:?}"));
                of_provider(provider, true, &mut report);
            }
            (_, Some(provider)) => of_provider(provider, false, &mut found),
            (_, None) => found.wrong(NAME, "it is no object", PRINT),
        }
        match name {
            Some(name) if !names.insert(name) => found.wrong(
                NAME,
                format!("{name:?} stands there twice, and the kubelet refuses the file"),
                "put what they have into one",
            ),
            Some(name) if is_name(name) => {}
            _ => found.wrong(
                NAME,
                "it has no name that a program could have",
                "write its name",
            ),
        }
        let of = name.map_or_else(|| format!("{}", index + 1), |name| format!("{name:?}"));
        report.add_wrong(found, &format!("provider {of}"));
    }
    if !names.contains(PROVIDER) {
        report.wrong(
            NAME,
            format!("no provider is named {PROVIDER:?}"),
            "the kubelet runs the program of that name in --image-credential-provider-bin-dir: name it so",
        );
    }
    report
}

fn is_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains('/') && !name.contains(char::is_whitespace)
}

/// Checks a provider; of others than regcred's only what the kubelet refuses.
fn of_provider(provider: &Map<String, Value>, is_ours: bool, report: &mut Report) {
    let known = [
        "name",
        "matchImages",
        "defaultCacheDuration",
        "apiVersion",
        "args",
        "env",
        "tokenAttributes",
    ];
    if let Some(kind) = provider.get("cacheKeyType") {
        report.wrong(
            "cache",
            format!("cacheKeyType is {kind}, but it is no field of this file"),
            "take it out: the provider answers `Image`; `Global` would hand one image's login to all, and \
             `ServiceAccount` is none that the kubelet knows",
        );
    }
    let unknown = provider.iter().filter(|(name, _)| *name != "cacheKeyType");
    let unknown = unknown
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    fields("provider", &unknown, &known, report);
    let version = provider.get("apiVersion").and_then(Value::as_str);
    if is_ours || !version.is_some_and(|version| VERSIONS_OF_PROVIDERS.contains(&version)) {
        equal(
            "provider",
            provider,
            "apiVersion",
            API_VERSION_OF_PROVIDERS,
            report,
        );
    }
    images(provider, is_ours, report);
    cache(provider, is_ours, report);
    list(provider, "args", &Value::is_string, report);
    list(provider, "env", &is_variable, report);
    for variable in variables(provider).iter().filter_map(Value::as_object) {
        fields("env", variable, &["name", "value"], report);
    }
    if is_ours && provider.get("env").is_none_or(Value::is_array) {
        nodes::environment(variables(provider), report);
    }
    token::attributes(provider, is_ours, report);
}

fn variables(provider: &Map<String, Value>) -> &[Value] {
    let variables = provider.get("env").and_then(Value::as_array);
    variables.map(Vec::as_slice).unwrap_or_default()
}

fn is_variable(variable: &Value) -> bool {
    let is_text = |name| {
        variable
            .get(name)
            .is_none_or(|value| value.is_string() || value.is_null())
    };
    variable.is_object() && is_text("name") && is_text("value")
}

/// Whether a field, where it is there, is a list of what fits.
fn list(
    provider: &Map<String, Value>,
    field: &'static str,
    fits: &dyn Fn(&Value) -> bool,
    report: &mut Report,
) {
    let is_list = match provider.get(field) {
        None | Some(Value::Null) => true,
        Some(value) => value
            .as_array()
            .is_some_and(|values| values.iter().all(fits)),
    };
    if !is_list {
        let (what, hint) = match field {
            "env" => (
                "variables",
                "write a list, each with name and value as texts in quotes",
            ),
            _ => ("texts", "write a list, each text in quotes"),
        };
        report.wrong(
            field,
            format!("{field} is no list of {what}, and the kubelet refuses the file"),
            hint,
        );
    }
}

fn images(provider: &Map<String, Value>, is_ours: bool, report: &mut Report) {
    let patterns = provider.get("matchImages").and_then(Value::as_array);
    let patterns = patterns.map(Vec::as_slice).unwrap_or_default();
    if patterns.is_empty() {
        report.wrong(
            IMAGES,
            "there are none, so the kubelet never asks",
            "name registries there, such as ghcr.io",
        );
    }
    for pattern in patterns {
        let Some(pattern) = pattern.as_str() else {
            report.wrong(
                IMAGES,
                format!("{pattern} is no text"),
                "put it into quotes",
            );
            continue;
        };
        if !is_ours {
            continue;
        }
        match (of_pattern(pattern), patterns::doubt(pattern)) {
            (Some((problem, hint)), _) => report.wrong(IMAGES, problem, hint),
            (None, Some((doubt, hint))) => report.warn(IMAGES, doubt, hint),
            (None, None) => report.ok(IMAGES, format!("{pattern:?}")),
        }
    }
}

fn cache(provider: &Map<String, Value>, is_ours: bool, report: &mut Report) {
    let hint = "write defaultCacheDuration: 5m0s, or less";
    let given = provider
        .get("defaultCacheDuration")
        .filter(|given| !given.is_null());
    let Some(given) = given else {
        report.wrong(
            "cache",
            "defaultCacheDuration is missing, which the kubelet refuses",
            hint,
        );
        return;
    };
    match given.as_str().and_then(duration::parse) {
        Some(long) if long.is_negative() => report.wrong(
            "cache",
            format!("defaultCacheDuration is {given}, and the kubelet refuses less than nothing"),
            hint,
        ),
        Some(long) if is_ours && long > MOST_CACHE => report.wrong(
            "cache",
            format!("defaultCacheDuration is {given}: what was deleted or replaced would be used for that long"),
            hint,
        ),
        Some(_) => report.ok("cache", format!("defaultCacheDuration is {given}")),
        None => report.wrong(
            "cache",
            format!("defaultCacheDuration is {given}, which is no duration that the kubelet takes"),
            hint,
        ),
    }
}

/// The kubelet decodes strictly: one field too many, and it does not start.
fn fields(check: &'static str, object: &Map<String, Value>, known: &[&str], report: &mut Report) {
    for name in object.keys().filter(|name| !known.contains(&name.as_str())) {
        report.wrong(
            check,
            format!("the field {name:?} is none that the kubelet knows, and it refuses the file"),
            format!("take it out; there are {}", known.join(", ")),
        );
    }
}

fn equal(
    check: &'static str,
    object: &Map<String, Value>,
    field: &str,
    to: &str,
    report: &mut Report,
) {
    match object.get(field) {
        Some(Value::String(is)) if is == to => report.ok(check, format!("{field} is {to}")),
        Some(is) => report.wrong(
            check,
            format!("{field} is {is}"),
            format!("write {field}: {to}"),
        ),
        None => report.wrong(
            check,
            format!("{field} is missing"),
            format!("write {field}: {to}"),
        ),
    }
}

pub(super) const API_VERSION: &str = "kubelet.config.k8s.io/v1";
pub(super) const API_VERSION_OF_PROVIDERS: &str = "credentialprovider.kubelet.k8s.io/v1";
pub(super) const KIND: &str = "CredentialProviderConfig";
pub(super) const PROVIDER: &str = "regcred-kubelet-provider";

const MOST_CACHE: SignedDuration = SignedDuration::from_mins(5);
const VERSIONS_OF_PROVIDERS: [&str; 3] = [
    API_VERSION_OF_PROVIDERS,
    "credentialprovider.kubelet.k8s.io/v1beta1",
    "credentialprovider.kubelet.k8s.io/v1alpha1",
];
const FORM: &str = "form";
const NAME: &str = "name";
const IMAGES: &str = "matchImages";
const PRINT: &str = "print one with `regcred kubelet config`";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const REQUIRED: &str = "requiredServiceAccountAnnotationKeys";
    const OPTIONAL: &str = "optionalServiceAccountAnnotationKeys";

    fn config() -> Value {
        json!({
            "apiVersion": API_VERSION, "kind": KIND,
            "providers": [{
                "name": PROVIDER, "apiVersion": API_VERSION_OF_PROVIDERS,
                "matchImages": ["ghcr.io", "registry.example:5000/team", "*.example.com"],
                "defaultCacheDuration": "5m0s",
                "env": [
                    {"name": "REGCRED_URL", "value": "https://regcred.example"},
                    {"name": "REGCRED_TOKEN_FILE", "value": "/etc/regcred/kubelet-token"},
                ],
            }],
        })
    }

    #[test]
    fn a_good_one_is_good() {
        assert_eq!(check(&config()).problems(), Vec::<String>::new());
    }

    #[test]
    fn every_trap_is_found() {
        let attributes = |without: &str, more: Value| {
            let mut all = json!({
                "serviceAccountTokenAudience": "regcred", "requireServiceAccount": true, "cacheType": "Token",
            });
            all.as_object_mut().unwrap().remove(without);
            all.as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            all
        };
        let token_here = json!([{"name": "REGCRED_URL", "value": "https://a.io"}, {"name": "REGCRED_TOKEN", "value": "t"}]);
        for (told, field, value) in [
            ("glob in its path", "matchImages", json!(["ghcr.io/*"])),
            ("has a scheme", "matchImages", json!(["https://ghcr.io"])),
            ("has a tag", "matchImages", json!(["ghcr.io/a:1"])),
            ("upper case", "matchImages", json!(["GHCR.io"])),
            ("one part only", "matchImages", json!(["*"])),
            (
                "port that is no number",
                "matchImages",
                json!(["localhost:*"]),
            ),
            ("no port", "matchImages", json!(["localhost"])),
            ("no text", "matchImages", json!([7])),
            ("never asks", "matchImages", json!([])),
            ("cacheKeyType", "cacheKeyType", "ServiceAccount".into()),
            ("cacheKeyType", "cacheKeyType", "Global".into()),
            (
                "used for that long",
                "defaultCacheDuration",
                "1h0m0s".into(),
            ),
            ("no duration", "defaultCacheDuration", "soon".into()),
            ("no duration", "defaultCacheDuration", "5 minutes".into()),
            ("no duration", "defaultCacheDuration", "PT5M".into()),
            ("no duration", "defaultCacheDuration", json!(300)),
            ("less than nothing", "defaultCacheDuration", "-1s".into()),
            ("docker.io/...", "matchImages", json!(["index.docker.io"])),
            (
                "docker.io/...",
                "matchImages",
                json!(["registry-1.docker.io/team"]),
            ),
            (
                "docker.io/library/nginx",
                "matchImages",
                json!(["docker.io/nginx"]),
            ),
            (
                "upper case in its path",
                "matchImages",
                json!(["ghcr.io/Team"]),
            ),
            ("a login before", "matchImages", json!(["bot@ghcr.io"])),
            (
                "begins with no host",
                "matchImages",
                json!(["library/nginx"]),
            ),
            ("begins with no host", "matchImages", json!(["nginx"])),
            ("args is no list", "args", json!("-v")),
            ("env is no list", "env", json!({"REGCRED_URL": "u"})),
            ("is missing", "defaultCacheDuration", Value::Null),
            ("no provider is named", "name", "regcred".into()),
            ("\"matchImage\"", "matchImage", json!([])),
            ("apiVersion is", "apiVersion", "v1".into()),
            ("RBAC", "tokenAttributes", attributes("", json!({}))),
            ("REGCRED_TOKEN is in this file", "env", token_here),
            (
                "\"valueFrom\"",
                "env",
                json!([
                    {"name": "REGCRED_URL", "value": "https://a.io"}, {"name": "REGCRED_TOKEN_FILE", "value": "/t", "valueFrom": "t"},
                ]),
            ),
        ] {
            let mut changed = config();
            changed["providers"][0][field] = value;
            let problems = check(&changed).problems();
            assert!(
                matches!(&problems[..], [problem] if problem.contains(told)),
                "{told}: {problems:?}"
            );
        }
        for (told, without, more) in [
            (
                "serviceAccountTokenAudience of",
                "serviceAccountTokenAudience",
                json!({}),
            ),
            (
                "requireServiceAccount of",
                "requireServiceAccount",
                json!({}),
            ),
            ("cacheType of", "cacheType", json!({})),
            ("cacheType of", "", json!({"cacheType": "Global"})),
            ("\"audience\"", "", json!({"audience": "a"})),
            ("named twice", "", json!({REQUIRED: ["a"], OPTIONAL: ["a"]})),
            (
                "is false",
                "",
                json!({"requireServiceAccount": false, REQUIRED: ["a"]}),
            ),
        ] {
            let mut changed = config();
            changed["providers"][0]["tokenAttributes"] = attributes(without, more);
            let problems = check(&changed).problems();
            assert!(
                matches!(&problems[..], [problem, _rbac] if problem.contains(told)),
                "{told}: {problems:?}"
            );
        }
        let mut changed = config();
        changed["kind"] = "KubeletConfiguration".into();
        assert!(check(&changed).problems()[0].starts_with("kind is \"KubeletConfiguration\""));
    }

    #[test]
    fn every_provider_is_checked_for_what_the_kubelet_refuses() {
        let good = json!({
            "name": "ecr-credential-provider", "apiVersion": "credentialprovider.kubelet.k8s.io/v1beta1",
            "matchImages": ["*.dkr.ecr.*.amazonaws.com"], "defaultCacheDuration": "12h", "args": ["get-credentials"],
        });
        let with = |field: &str, value: Value| {
            let mut other = good.clone();
            other[field] = value;
            let mut config = config();
            config["providers"].as_array_mut().unwrap().push(other);
            check(&config).problems()
        };
        assert_eq!(with("env", json!([])), Vec::<String>::new());
        for (told, field, value) in [
            ("\"matchImage\"", "matchImage", json!([])),
            ("no duration", "defaultCacheDuration", json!("a day")),
            ("is missing", "defaultCacheDuration", Value::Null),
            ("never asks", "matchImages", json!([])),
            ("apiVersion is", "apiVersion", json!("v2")),
            ("no name", "name", json!("bin/ecr")),
            ("twice", "name", json!(PROVIDER)),
        ] {
            let problems = with(field, value);
            assert!(
                problems
                    .iter()
                    .any(|problem| problem.starts_with("provider ") && problem.contains(told)),
                "{problems:?}"
            );
        }
    }

    #[test]
    fn what_is_another_thing_on_nodes_is_told() {
        let with = |variables: &[(&str, &str)]| {
            let mut changed = config();
            let variables = variables
                .iter()
                .map(|(name, value)| json!({"name": name, "value": value}));
            changed["providers"][0]["env"] = variables.collect();
            check(&changed).problems()
        };
        let good = "https://regcred.example";
        assert_eq!(
            with(&[("REGCRED_HELPER_CONFIG", "/etc/regcred/helper.toml")]),
            Vec::<String>::new()
        );
        for (told, url, file) in [
            ("that node itself", "http://127.0.0.1:8080", "/token"),
            ("that node itself", "https://localhost", "/token"),
            ("that node itself", "https://[::1]:8080/", "/token"),
            ("https only", "http://regcred.example", "/token"),
            ("which directory", good, "token"),
        ] {
            let problems = with(&[("REGCRED_URL", url), ("REGCRED_TOKEN_FILE", file)]);
            assert!(
                matches!(&problems[..], [problem] if problem.contains(told)),
                "{told}: {problems:?}"
            );
        }
        assert!(with(&[("REGCRED_HELPER_CONFIG", "helper.toml")])[0].contains("which directory"));
    }
}
