//! Reading entries one by one: a field of the wrong kind spoils its own entry, not the file.

use std::fmt;

use regcred_client::Secret;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// An object as its members in the order in which they stand, those that stand twice included.
pub(super) struct Members<T>(pub(super) Vec<(String, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Members<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object<T>(std::marker::PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
            type Value = Members<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Members(Vec::new()))
            }
        }

        deserializer.deserialize_any(Object(std::marker::PhantomData))
    }
}

/// A text, nothing, or what should be a text and is not.
#[derive(Default)]
pub(super) enum Text {
    #[default]
    Absent,
    Is(Secret),
    Other,
}

impl Text {
    /// Whether there is a text that is not empty.
    pub(super) fn is_filled(&self) -> bool {
        matches!(self, Self::Is(text) if !text.expose().is_empty())
    }

    /// The text; one that is empty counts as absent, and is told.
    pub(super) fn text(self, name: &str, odd: &mut Vec<String>) -> Result<Option<Secret>, String> {
        match self {
            Self::Absent => Ok(None),
            Self::Other => Err(format!("has a `{name}` that is no text")),
            Self::Is(text) if text.expose().is_empty() => {
                odd.push(format!("`{name}` is empty"));
                Ok(None)
            }
            Self::Is(text) => Ok(Some(text)),
        }
    }
}

/// What an entry of `auths` may hold, as far as it matters.
#[derive(Default)]
pub(super) struct Fields {
    pub(super) auth: Text,
    pub(super) username: Text,
    pub(super) password: Text,
    pub(super) identity_token: Text,
    pub(super) registry_token: Text,
    /// What is odd about it, sentence by sentence.
    pub(super) odd: Vec<String>,
    /// Whether any of these is there at all, by which the legacy form is known.
    pub(super) is_login: bool,
}

/// An entry of `auths`; `None` is no object.
pub(super) struct Slot(pub(super) Option<Fields>);

impl<'de> Deserialize<'de> for Slot {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnySlot)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyText)
    }
}

struct AnySlot;
struct AnyText;

/// Everything that is neither what is looked for nor absent.
macro_rules! anything_else {
    ($other:expr) => {
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("anything")
        }

        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok($other)
        }

        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
            Ok($other)
        }

        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
            Ok($other)
        }

        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            Ok($other)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            Ok($other)
        }
    };
}

impl<'de> Visitor<'de> for AnyText {
    type Value = Text;

    anything_else!(Text::Other);

    fn visit_str<E>(self, text: &str) -> Result<Text, E> {
        Ok(Text::Is(Secret::new(text.to_owned())))
    }

    fn visit_string<E>(self, text: String) -> Result<Text, E> {
        Ok(Text::Is(Secret::new(text)))
    }

    fn visit_unit<E>(self) -> Result<Text, E> {
        Ok(Text::Absent)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Text, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Text::Other)
    }
}

impl<'de> Visitor<'de> for AnySlot {
    type Value = Slot;

    anything_else!(Slot(None));

    fn visit_str<E>(self, _: &str) -> Result<Slot, E> {
        Ok(Slot(None))
    }

    fn visit_unit<E>(self) -> Result<Slot, E> {
        Ok(Slot(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Slot, A::Error> {
        let mut fields = Fields::default();
        // Clients written in Go find a field whatever its case, and take the last of those that stand twice.
        while let Some(name) = map.next_key::<String>()? {
            let field = match name.to_ascii_lowercase().as_str() {
                "auth" => &mut fields.auth,
                "username" => &mut fields.username,
                "password" => &mut fields.password,
                "identitytoken" => &mut fields.identity_token,
                "registrytoken" => &mut fields.registry_token,
                "email" => {
                    fields.is_login = true;
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            fields.is_login = true;
            let before = std::mem::replace(field, map.next_value()?);
            if !matches!(before, Text::Absent) {
                fields
                    .odd
                    .push(format!("`{name}` stands twice; the last counts"));
            }
        }
        Ok(Slot(Some(fields)))
    }
}
