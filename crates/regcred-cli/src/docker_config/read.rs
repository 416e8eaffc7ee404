//! Reading a text of any of the forms; which one it is, the text shows itself.

use std::collections::{BTreeMap, HashMap};

use regcred_client::Secret;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::kubernetes;
use super::lenient::{Members, Slot, Text};
use super::login::Login;

/// What a text holds.
#[derive(Default)]
pub(crate) struct Contents {
    /// The entries, in the order in which they stand.
    pub(crate) entries: Vec<Entry>,
    /// The credential helpers of single registries: key, then the helper's name.
    pub(crate) helpers: BTreeMap<String, String>,
    /// The credential helper of all registries.
    pub(crate) store: Option<String>,
    /// What is odd about the text as a whole, sentence by sentence.
    pub(crate) odd: Vec<String>,
    /// Whether the place for logins is there, and empty.
    pub(crate) has_no_logins: bool,
}

impl Contents {
    /// Whether there is a helper or a login for this key.
    pub(crate) fn has(&self, key: &str) -> bool {
        let mut entries = self.entries.iter();
        self.helpers.contains_key(key)
            || entries.any(|entry| entry.key == key && entry.login.is_ok())
    }

    /// Whether there is nothing of what files of logins hold.
    pub(crate) fn is_nothing(&self) -> bool {
        self.entries.is_empty()
            && self.helpers.is_empty()
            && self.store.is_none()
            && self.odd.is_empty()
            && !self.has_no_logins
    }
}

/// One entry, under the key as it is spelled.
pub(crate) struct Entry {
    pub(crate) key: String,
    /// Its login; or why it has none, as the end of a sentence that begins with the key.
    pub(crate) login: Result<Login, String>,
    /// What is odd about it all the same, sentence by sentence.
    pub(crate) odd: Vec<String>,
}

/// Why a text is none of the forms. It never repeats what is in the text.
#[derive(Debug)]
pub(crate) struct NotRead(pub(crate) String);

/// Reads a text.
pub(crate) fn read(text: &Secret) -> Result<Contents, NotRead> {
    let text = text.expose();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        return Err(NotRead("it is empty".to_owned()));
    }
    if text.trim_start().starts_with(['{', '[']) {
        return read_json(text);
    }
    kubernetes::read_yaml(text)
}

/// Reads what begins as JSON does.
pub(super) fn read_json(text: &str) -> Result<Contents, NotRead> {
    let shape: Members<IgnoredAny> = json(text)?;
    let has = |names: &[&str]| {
        let mut keys = shape.0.iter().map(|(key, _)| key);
        keys.any(|key| names.iter().any(|name| key.eq_ignore_ascii_case(name)))
    };
    if has(&["kind"]) && has(&["apiVersion"]) {
        return kubernetes::read_json(text);
    }
    if has(&["auths", "credHelpers", "credsStore"]) {
        return Ok(json::<File>(text)?.into());
    }
    let legacy: Members<Slot> = json(text)?;
    let is_login = |slot: &Slot| slot.0.as_ref().is_some_and(|fields| fields.is_login);
    if legacy.0.iter().any(|(_, slot)| is_login(slot)) {
        return Ok(Contents {
            entries: entries(legacy),
            ..Contents::default()
        });
    }
    Ok(Contents::default())
}

/// Parses JSON; the error says where it breaks, and not what is there.
pub(super) fn json<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, NotRead> {
    serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        NotRead(match error.classify() {
            serde_json::error::Category::Eof => "it is JSON that ends too early".to_owned(),
            _ => format!("it is no JSON of the form, at line {line}, column {column}"),
        })
    })
}

/// docker's file, and containers'.
struct File {
    auths: Vec<Entry>,
    has_auths: bool,
    helpers: Vec<(String, Text)>,
    store: Text,
    odd: Vec<String>,
}

impl<'de> Deserialize<'de> for File {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> serde::de::Visitor<'de> for Fields {
            type Value = File;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<File, A::Error> {
                let mut file = File {
                    auths: Vec::new(),
                    has_auths: false,
                    helpers: Vec::new(),
                    store: Text::Absent,
                    odd: Vec::new(),
                };
                let mut seen = Vec::new();
                while let Some(name) = map.next_key::<String>()? {
                    let name = name.to_ascii_lowercase();
                    match name.as_str() {
                        "auths" => {
                            file.has_auths = true;
                            file.auths.extend(entries(map.next_value()?));
                        }
                        "credhelpers" => file.helpers.extend(map.next_value::<Members<_>>()?.0),
                        "credsstore" => file.store = map.next_value()?,
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                            continue;
                        }
                    }
                    if seen.contains(&name) {
                        file.odd.push(format!("`{name}` stands twice in the file"));
                    }
                    seen.push(name);
                }
                Ok(file)
            }
        }

        deserializer.deserialize_map(Fields)
    }
}

impl From<File> for Contents {
    fn from(file: File) -> Self {
        let mut contents = Self {
            has_no_logins: file.has_auths && file.auths.is_empty(),
            entries: file.auths,
            odd: file.odd,
            ..Self::default()
        };
        for (key, helper) in file.helpers {
            match helper {
                Text::Is(helper) if !helper.expose().is_empty() => {
                    contents.helpers.insert(key, helper.expose().to_owned());
                }
                _ => contents
                    .odd
                    .push(format!("the credential helper of {key:?} is no name")),
            }
        }
        match file.store {
            Text::Is(store) if !store.expose().is_empty() => {
                contents.store = Some(store.expose().to_owned());
            }
            Text::Is(_) | Text::Absent => {}
            Text::Other => contents.odd.push("`credsStore` is no name".to_owned()),
        }
        contents
    }
}

/// The entries of `auths`, or of the legacy form.
pub(super) fn entries(members: Members<Slot>) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut last: HashMap<String, usize> = HashMap::new();
    for (key, slot) in members.0 {
        let read = match slot.0 {
            Some(fields) => Login::from_fields(fields),
            None => Err("is no object with a login".to_owned()),
        };
        let (login, odd) = match read {
            Ok((login, odd)) => (Ok(login), odd),
            Err(why) => (Err(why), Vec::new()),
        };
        let before = last.insert(key.clone(), entries.len());
        if let Some(before) = before.and_then(|before| entries.get_mut(before)) {
            let differs = match (&before.login, &login) {
                (Ok(before), Ok(login)) if !before.is_same(login) => ", with another login",
                _ => "",
            };
            before.login = Err(format!(
                "stands twice in the file{differs}; the last one counts, as it does for clients"
            ));
        }
        entries.push(Entry { key, login, odd });
    }
    entries
}
