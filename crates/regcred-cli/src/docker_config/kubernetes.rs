//! A pull secret of Kubernetes: a manifest of type `kubernetes.io/dockerconfigjson`, or of the legacy
//! `kubernetes.io/dockercfg`, alone, in a list, or among other documents.

use std::str::FromStr;

use regcred_client::Secret;
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Serialize, Serializer};

use super::lenient::{Members, Text};
use super::login::{decoded, encoded};
use super::read::{Contents, NotRead, json, read_json as read_file};

/// The name of a Kubernetes object: a DNS subdomain.
#[derive(Clone, Debug)]
pub(crate) struct SecretName(String);

/// The name of a namespace: a DNS label.
#[derive(Clone, Debug)]
pub(crate) struct Namespace(String);

impl Default for SecretName {
    fn default() -> Self {
        Self("regcred".to_owned())
    }
}

impl FromStr for SecretName {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        if name.len() <= 253 && name.split('.').all(|part| is_label(part, 253)) {
            return Ok(Self(name.to_owned()));
        }
        Err("a name is lowercase letters, digits, `-` and `.`, at most 253 of them")
    }
}

impl FromStr for Namespace {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        if is_label(name, 63) {
            return Ok(Self(name.to_owned()));
        }
        Err("a namespace is lowercase letters, digits and `-`, at most 63 of them")
    }
}

fn is_label(text: &str, most: usize) -> bool {
    !text.is_empty()
        && text.len() <= most
        && !text.starts_with('-')
        && !text.ends_with('-')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// The manifest of a secret with this `.dockerconfigjson`, in YAML.
pub(super) fn manifest(
    file: &Secret,
    name: &SecretName,
    namespace: Option<&Namespace>,
) -> Result<Secret, String> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Manifest<'a> {
        api_version: &'a str,
        kind: &'a str,
        metadata: Metadata<'a>,
        r#type: &'a str,
        data: Data<'a>,
    }
    #[derive(Serialize)]
    struct Metadata<'a> {
        name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        namespace: Option<&'a str>,
    }
    struct Data<'a>(&'a str);

    impl Serialize for Data<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(Some(1))?;
            map.serialize_entry(CURRENT.key, self.0)?;
            map.end()
        }
    }

    let data = encoded(file);
    let manifest = Manifest {
        api_version: "v1",
        kind: "Secret",
        metadata: Metadata {
            name: &name.0,
            namespace: namespace.map(|namespace| namespace.0.as_str()),
        },
        r#type: CURRENT.r#type,
        data: Data(data.expose()),
    };
    // The data on one line, as kubectl prints it.
    let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
    serde_saphyr::to_string_with_options(&manifest, options)
        .map(Secret::new)
        .map_err(|error| error.to_string())
}

/// A kind of pull secret.
struct Kind {
    r#type: &'static str,
    key: &'static str,
}

const CURRENT: Kind = Kind {
    r#type: "kubernetes.io/dockerconfigjson",
    key: ".dockerconfigjson",
};
const LEGACY: Kind = Kind {
    r#type: "kubernetes.io/dockercfg",
    key: ".dockercfg",
};

/// An object of Kubernetes, as far as it matters.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Object {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    r#type: String,
    #[serde(default)]
    metadata: Named,
    data: Option<Members<Text>>,
    string_data: Option<Members<Text>>,
    #[serde(default)]
    items: Vec<Object>,
}

#[derive(Default, Deserialize)]
struct Named {
    #[serde(default)]
    name: String,
}

/// Reads a manifest in JSON.
pub(super) fn read_json(text: &str) -> Result<Contents, NotRead> {
    let mut contents = Contents::default();
    json::<Object>(text)?.add_to(&mut contents)?;
    Ok(contents)
}

/// Reads one manifest or several in YAML.
pub(super) fn read_yaml(text: &str) -> Result<Contents, NotRead> {
    // A snippet of the file could show a password.
    let options = serde_saphyr::options! { with_snippet: false };
    let objects: Vec<Object> =
        serde_saphyr::from_multiple_with_options(text, options).map_err(|_| none_of_them())?;
    let mut contents = Contents::default();
    for object in objects {
        object.add_to(&mut contents)?;
    }
    Ok(contents)
}

fn none_of_them() -> NotRead {
    NotRead("it is none of the forms: neither JSON nor a Kubernetes manifest in YAML".to_owned())
}

impl Object {
    fn add_to(self, contents: &mut Contents) -> Result<(), NotRead> {
        if self.kind.ends_with("List") {
            return self
                .items
                .into_iter()
                .try_for_each(|item| item.add_to(contents));
        }
        if self.kind.is_empty() {
            return Err(none_of_them());
        }
        let name = if self.metadata.name.is_empty() {
            "without a name".to_owned()
        } else {
            format!("{:?}", self.metadata.name)
        };
        let known = [CURRENT, LEGACY]
            .into_iter()
            .find(|kind| kind.r#type == self.r#type);
        let Some(kind) = known.filter(|_| self.kind == "Secret") else {
            contents.odd.push(format!(
                "the object {name} is no pull secret, and is left: it is a {:?} of type {:?}",
                self.kind, self.r#type
            ));
            return Ok(());
        };
        let key = kind.key;
        let of = |members: Option<Members<Text>>| {
            let members = members.map(|members| members.0).unwrap_or_default();
            let mut found = members.into_iter().filter(|(name, _)| name == key);
            found.next_back().map(|(_, text)| text)
        };
        // As Kubernetes does: what is in the clear replaces what is encoded.
        let file = match (of(self.string_data), of(self.data)) {
            (Some(Text::Is(plain)), _) => plain,
            (None, Some(Text::Is(base64))) => {
                let bytes = decoded(base64.expose());
                let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
                text.map(Secret::new).ok_or_else(|| {
                    NotRead(format!(
                        "the data {key:?} of the secret {name} is no base64 of a text"
                    ))
                })?
            }
            _ => {
                return Err(NotRead(format!(
                    "the secret {name} lacks {key:?}, or it is no text"
                )));
            }
        };
        let within = |error: NotRead| NotRead(format!("{key:?} of the secret {name}: {}", error.0));
        let read = read_file(file.expose()).map_err(within)?;
        contents.entries.extend(read.entries);
        contents.odd.extend(read.odd);
        if !read.helpers.is_empty() || read.store.is_some() {
            contents.odd.push(format!(
                "the credential helpers that the secret {name} names are left: no cluster asks them"
            ));
        }
        Ok(())
    }
}
