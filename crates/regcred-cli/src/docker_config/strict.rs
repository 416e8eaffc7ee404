//! A file as its own clients read it, which is stricter than [`super::read()`]: what does not fit is one error for them,
//! and they warn, fail, or go on with a part of the file.

use std::fmt;

use regcred_client::Secret;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::login::Login;

/// Whose file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Client {
    /// docker, `config.json`.
    Docker,
    /// podman, skopeo and buildah, `auth.json`.
    Containers,
}

impl Client {
    /// What it does with a file in which a place does not fit.
    pub(crate) fn misreads(self) -> &'static str {
        match self {
            Self::Docker => {
                "docker says `Error parsing config file` and goes on with a part of the file; other programs that read \
                 it fail"
            }
            Self::Containers => "podman, skopeo and buildah refuse the file",
        }
    }
}

/// What is wrong with a text for its clients.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Misread {
    /// It is no JSON object, and they read nothing of it; the end of a sentence that begins with the file.
    Nothing(String),
    /// These places do not fit, each a sentence without what stands there.
    Places(Vec<String>),
}

/// Reads a text as its clients do. A text that is empty is a file without anything.
pub(crate) fn check(text: &Secret, client: Client) -> Result<(), Misread> {
    let text = text.expose();
    if text.starts_with('\u{feff}') {
        let why =
            "it begins with a byte order mark, which is none of JSON; save it as UTF-8 without one";
        return Err(Misread::Nothing(why.to_owned()));
    }
    if text.trim().is_empty() {
        return Ok(());
    }
    let file: Value = serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        Misread::Nothing(format!("it is no JSON, at line {line}, column {column}"))
    })?;
    let members = match file {
        Value::Object(members) => members,
        Value::Null => return Ok(()),
        other => {
            return Err(Misread::Nothing(format!(
                "it is {}, and no object",
                other.kind()
            )));
        }
    };
    let mut places = Vec::new();
    for (name, value) in &members {
        let fields = match client {
            Client::Docker => DOCKER,
            Client::Containers => CONTAINERS,
        };
        // Clients written in Go find a field whatever its case.
        let field = fields
            .iter()
            .find(|(field, _)| field.eq_ignore_ascii_case(name));
        if let Some((field, shape)) = field {
            shape.check(value, &format!("`{field}`"), &mut places);
        }
        if client == Client::Docker && name.eq_ignore_ascii_case("auths") {
            auths(value, &mut places);
        }
    }
    if places.is_empty() {
        Ok(())
    } else {
        Err(Misread::Places(places))
    }
}

/// docker decodes every `auth` at once.
fn auths(value: &Value, places: &mut Vec<String>) {
    let Value::Object(entries) = value else {
        return;
    };
    for (key, entry) in entries {
        let Value::Object(fields) = entry else {
            continue;
        };
        let mut auth = fields
            .iter()
            .rev()
            .filter(|(name, _)| name.eq_ignore_ascii_case("auth"));
        let Some((_, Value::Text(auth))) = auth.next() else {
            continue;
        };
        if let Some(Err(why)) = (!auth.expose().is_empty()).then(|| Login::is_auth(auth.expose())) {
            places.push(format!("the entry {key:?} of `auths` {why}"));
        }
    }
}

/// What a client wants to find somewhere. `null` fits everywhere.
#[derive(Clone, Copy)]
enum Shape {
    Text,
    Texts,
    /// An object whose members are all of one shape.
    Each(&'static Shape),
    /// An object with these fields; others do not count.
    Fields(&'static [(&'static str, Shape)]),
}

impl Shape {
    fn check(self, value: &Value, place: &str, places: &mut Vec<String>) {
        let mut wrong =
            |wanted: &str| places.push(format!("{place} is {}, and no {wanted}", value.kind()));
        match (self, value) {
            (_, Value::Null) | (Self::Text, Value::Text(_)) => {}
            (Self::Text, _) => wrong("text"),
            (Self::Texts, Value::Array(values)) => {
                for value in values {
                    Self::Text.check(value, &format!("an item of {place}"), places);
                }
            }
            (Self::Texts, _) => wrong("list of texts"),
            (Self::Each(shape), Value::Object(members)) => {
                for (key, value) in members {
                    shape.check(value, &format!("the entry {key:?} of {place}"), places);
                }
            }
            (Self::Fields(fields), Value::Object(members)) => {
                for (name, value) in members {
                    let field = fields
                        .iter()
                        .find(|(field, _)| field.eq_ignore_ascii_case(name));
                    if let Some((field, shape)) = field {
                        shape.check(value, &format!("`{field}` of {place}"), places);
                    }
                }
            }
            (Self::Each(_) | Self::Fields(_), _) => wrong("object"),
        }
    }
}

/// JSON as it stands, members that stand twice included.
enum Value {
    Null,
    Text(Secret),
    Array(Vec<Value>),
    Object(Vec<(String, Value)>),
    /// A number, or true or false.
    Other(&'static str),
}

impl Value {
    fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Text(_) => "a text",
            Self::Array(_) => "a list",
            Self::Object(_) => "an object",
            Self::Other(kind) => kind,
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("anything")
            }

            fn visit_bool<E>(self, _: bool) -> Result<Value, E> {
                Ok(Value::Other("true or false"))
            }

            fn visit_i64<E>(self, _: i64) -> Result<Value, E> {
                Ok(Value::Other("a number"))
            }

            fn visit_u64<E>(self, _: u64) -> Result<Value, E> {
                Ok(Value::Other("a number"))
            }

            fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
                Ok(Value::Other("a number"))
            }

            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }

            fn visit_str<E>(self, text: &str) -> Result<Value, E> {
                Ok(Value::Text(Secret::new(text.to_owned())))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = seq.next_element()? {
                    values.push(value);
                }
                Ok(Value::Array(values))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Value::Object(members))
            }
        }

        deserializer.deserialize_any(Any)
    }
}

/// The fields of docker's file that have a type.
const DOCKER: &[(&str, Shape)] = &[
    ("auths", Shape::Each(&Shape::Fields(AUTH))),
    ("HttpHeaders", MAP),
    ("psFormat", Shape::Text),
    ("imagesFormat", Shape::Text),
    ("networksFormat", Shape::Text),
    ("pluginsFormat", Shape::Text),
    ("volumesFormat", Shape::Text),
    ("statsFormat", Shape::Text),
    ("detachKeys", Shape::Text),
    ("credsStore", Shape::Text),
    ("credHelpers", MAP),
    ("serviceInspectFormat", Shape::Text),
    ("servicesFormat", Shape::Text),
    ("tasksFormat", Shape::Text),
    ("secretFormat", Shape::Text),
    ("configFormat", Shape::Text),
    ("nodesFormat", Shape::Text),
    ("pruneFilters", Shape::Texts),
    ("proxies", Shape::Each(&Shape::Fields(PROXY))),
    ("currentContext", Shape::Text),
    ("cliPluginsExtraDirs", Shape::Texts),
    ("plugins", Shape::Each(&MAP)),
    ("aliases", MAP),
    ("features", MAP),
    ("experimental", Shape::Text),
];

/// The fields of containers' file.
const CONTAINERS: &[(&str, Shape)] = &[
    (
        "auths",
        Shape::Each(&Shape::Fields(&[
            ("auth", Shape::Text),
            ("identitytoken", Shape::Text),
        ])),
    ),
    ("credHelpers", MAP),
];

const AUTH: &[(&str, Shape)] = &[
    ("username", Shape::Text),
    ("password", Shape::Text),
    ("auth", Shape::Text),
    ("email", Shape::Text),
    ("serveraddress", Shape::Text),
    ("identitytoken", Shape::Text),
    ("registrytoken", Shape::Text),
];

const PROXY: &[(&str, Shape)] = &[
    ("httpProxy", Shape::Text),
    ("httpsProxy", Shape::Text),
    ("noProxy", Shape::Text),
    ("ftpProxy", Shape::Text),
    ("allProxy", Shape::Text),
];

const MAP: Shape = Shape::Each(&Shape::Text);
