//! Entering regcred's helper into a `config.json` or `auth.json`, and taking it out again, without touching anything else.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use jsonc_parser::ast::{Object, ObjectProp, Value};
use jsonc_parser::common::Ranged as _;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use regcred_client::Secret;

/// The name by which clients know the helper: they run `docker-credential-regcred`.
pub(crate) const HELPER: &str = "regcred";

/// Where a helper is entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    /// `credHelpers` under this key.
    Registry(String),
    /// `credsStore`: all registries.
    All,
}

/// What an edit did to a slot.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Changed {
    pub(crate) slot: Slot,
    /// The other helper that stood there.
    pub(crate) replaced: Option<String>,
}

/// Why a file is not edited.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NotEdited {
    /// It is no JSON, or not of the form; the sentence is about the file.
    Broken(String),
    /// Another helper has the slot.
    Taken { slot: Slot, by: String },
}

/// The text with the helper entered in these slots, and what that changed. An absent file is an empty text. With `force`
/// another helper is replaced.
pub(crate) fn install(
    text: &Secret,
    slots: &[Slot],
    force: bool,
) -> Result<(Secret, Vec<Changed>), NotEdited> {
    let text = text.expose();
    let text = if text.trim().is_empty() { "{}\n" } else { text };
    let mut text = Secret::new(text.to_owned());
    let mut changed = Vec::new();
    for slot in slots {
        let file = File::parse(text.expose())?;
        let found = file.found(slot)?;
        let replaced = match found {
            Some(there) if there.helper == HELPER => continue,
            Some(there) if !force && !there.helper.is_empty() => {
                let by = there.helper.into_owned();
                let slot = slot.clone();
                return Err(NotEdited::Taken { slot, by });
            }
            there => there.map(|there| (there.value, there.helper.into_owned())),
        };
        let (edited, replaced) = match replaced {
            Some((value, helper)) => {
                let helper = Some(helper).filter(|helper| !helper.is_empty());
                (file.spliced(value, &quoted(HELPER)), helper)
            }
            None => (file.with(slot)?, None),
        };
        text = edited;
        let slot = slot.clone();
        changed.push(Changed { slot, replaced });
    }
    Ok((text, changed))
}

/// The text without the helper in these slots, or without it anywhere, and where it was taken out.
pub(crate) fn uninstall(
    text: &Secret,
    slots: Option<&[Slot]>,
) -> Result<(Secret, Vec<Slot>), NotEdited> {
    let mut text = Secret::new(text.expose().to_owned());
    let slots = match slots {
        Some(slots) => slots.to_vec(),
        None => File::parse(text.expose())?.slots()?,
    };
    let mut removed = Vec::new();
    for slot in slots {
        let file = File::parse(text.expose())?;
        let Some(there) = file.found(&slot)?.filter(|there| there.helper == HELPER) else {
            continue;
        };
        text = file.spliced(there.member, "");
        removed.push(slot);
    }
    let file = File::parse(text.expose())?;
    if let Some((index, helpers)) = file.helpers()?
        && helpers.properties.is_empty()
        && !removed.is_empty()
    {
        text = file.spliced(range_of(&file.object, index), "");
    }
    Ok((text, removed))
}

/// A file as it is edited: its text, and where in it everything stands.
struct File<'a> {
    text: &'a str,
    object: Object<'a>,
}

/// What stands in a slot.
struct There<'a> {
    /// Empty where `null` stands there, which is none for clients, too.
    helper: Cow<'a, str>,
    /// The helper's name, in quotes.
    value: Range<usize>,
    /// The member as a whole, with the comma that goes with it.
    member: Range<usize>,
}

impl<'a> File<'a> {
    fn parse(text: &'a str) -> Result<Self, NotEdited> {
        // Clients read it with a parser that is as strict as this one.
        let checked: serde_json::Result<serde::de::IgnoredAny> = serde_json::from_str(text);
        checked.map_err(|error| {
            let (line, column) = (error.line(), error.column());
            NotEdited::Broken(format!("it is no JSON, at line {line}, column {column}"))
        })?;
        let parsed = parse_to_ast(text, &CollectOptions::default(), &STRICT);
        let parsed = parsed.map_err(|error| {
            NotEdited::Broken(format!("it is no JSON, at byte {}", error.range().start))
        })?;
        match parsed.value {
            Some(Value::Object(object)) => Ok(Self { text, object }),
            _ => Err(NotEdited::Broken("it is JSON, but no object".to_owned())),
        }
    }

    /// All slots that are filled.
    fn slots(&self) -> Result<Vec<Slot>, NotEdited> {
        let mut slots = vec![Slot::All];
        if let Some((_, helpers)) = self.helpers()? {
            let keys = helpers.properties.iter().map(|member| member.name.as_str());
            slots.extend(keys.map(|key| Slot::Registry(key.to_owned())));
        }
        Ok(slots)
    }

    fn found(&self, slot: &Slot) -> Result<Option<There<'a>>, NotEdited> {
        let (object, index) = match slot {
            Slot::All => (&self.object, member(&self.object, STORE)?),
            Slot::Registry(key) => match self.helpers()? {
                None => return Ok(None),
                Some((_, helpers)) => (helpers, member(helpers, key)?),
            },
        };
        let Some((index, property)) = index else {
            return Ok(None);
        };
        match &property.value {
            Value::StringLit(helper) => Ok(Some(There {
                helper: helper.value.clone(),
                value: helper.range.start..helper.range.end,
                member: range_of(object, index),
            })),
            Value::NullKeyword(null) => Ok(Some(There {
                helper: Cow::Borrowed(""),
                value: null.range.start..null.range.end,
                member: range_of(object, index),
            })),
            _ => Err(NotEdited::Broken(format!("{slot} is no text"))),
        }
    }

    /// `credHelpers`, with its index among the members.
    fn helpers(&self) -> Result<Option<(usize, &Object<'a>)>, NotEdited> {
        match member(&self.object, HELPERS)? {
            None => Ok(None),
            Some((index, property)) => match &property.value {
                Value::Object(helpers) => Ok(Some((index, helpers))),
                Value::NullKeyword(_) => Ok(None),
                _ => Err(NotEdited::Broken(format!("{HELPERS:?} is no object"))),
            },
        }
    }

    /// The text with a slot filled that is free.
    fn with(&self, slot: &Slot) -> Result<Secret, NotEdited> {
        let outer = self.before_last(&self.object).unwrap_or("\n\t");
        // One step of indentation, if the members stand on lines of their own.
        let step = outer.rsplit_once('\n').map_or("", |(_, step)| step);
        let inner = format!("{outer}{step}");
        let colon = if outer.is_empty() { ":" } else { ": " };
        let entry = |name: &str, value: &str| format!("{}{colon}{value}", quoted(name));
        let close = outer.strip_suffix(step).unwrap_or_default();
        match slot {
            Slot::All => {
                Ok(self.inserted(&self.object, outer, close, &entry(STORE, &quoted(HELPER))))
            }
            Slot::Registry(key) => {
                let entry_of_key = entry(key, &quoted(HELPER));
                if let Some((_, helpers)) = self.helpers()? {
                    let inner = self.before_last(helpers).unwrap_or(&inner);
                    return Ok(self.inserted(helpers, inner, outer, &entry_of_key));
                }
                let value = format!("{{{inner}{entry_of_key}{outer}}}");
                // What is left is `null`, which stands for no helpers.
                if let Some((_, null)) = member(&self.object, HELPERS)? {
                    let null = null.value.range();
                    return Ok(self.spliced(null.start..null.end, &value));
                }
                Ok(self.inserted(&self.object, outer, close, &entry(HELPERS, &value)))
            }
        }
    }

    /// What stands between the comma or brace before the last member of an object and the member.
    fn before_last(&self, object: &Object<'_>) -> Option<&'a str> {
        let last = object.properties.last()?;
        let before = self.text.get(..last.start())?;
        let gap = before.trim_end_matches(is_space).len();
        before.get(gap..)
    }

    /// The text with a member at the end of an object.
    fn inserted(&self, object: &Object<'_>, before: &str, close: &str, entry: &str) -> Secret {
        if let Some(last) = object.properties.last() {
            let end = last.end();
            return self.spliced(end..end, &format!(",{before}{entry}"));
        }
        let start = object.start() + 1;
        let within = self.text.get(start..object.end()).unwrap_or_default();
        let close = if within.contains('\n') { "" } else { close };
        self.spliced(start..start, &format!("{before}{entry}{close}"))
    }

    /// The text with this in place of a range.
    fn spliced(&self, range: Range<usize>, with: &str) -> Secret {
        let mut text = String::with_capacity(self.text.len() + with.len());
        text.push_str(self.text.get(..range.start).unwrap_or_default());
        text.push_str(with);
        text.push_str(self.text.get(range.end..).unwrap_or_default());
        Secret::new(text)
    }
}

/// The member of this name, with its index. docker reads names whatever their case, and of two that stand there it is not
/// for us to choose.
fn member<'a, 'b>(
    object: &'b Object<'a>,
    name: &str,
) -> Result<Option<(usize, &'b ObjectProp<'a>)>, NotEdited> {
    let is_it = |property: &ObjectProp<'_>| {
        let found = property.name.as_str();
        match name {
            HELPERS | STORE => found.eq_ignore_ascii_case(name),
            _ => found == name,
        }
    };
    let members = object.properties.iter().enumerate();
    let mut found = members.filter(|(_, property)| is_it(property));
    let first = found.next();
    match found.next() {
        None => Ok(first),
        Some(_) => Err(NotEdited::Broken(format!("{name:?} stands there twice"))),
    }
}

/// A member with the comma that goes with it; all that is in the object, where it is the only one.
fn range_of(object: &Object<'_>, index: usize) -> Range<usize> {
    let at = |index: usize| object.properties.get(index);
    let before = index.checked_sub(1).and_then(at);
    match (before, at(index), at(index + 1)) {
        (Some(before), Some(member), _) => before.end()..member.end(),
        (None, Some(member), Some(after)) => member.start()..after.start(),
        _ => object.start() + 1..object.end() - 1,
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\r' | '\n')
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registry(key) => write!(f, "{HELPERS}[{key:?}]"),
            Self::All => f.write_str(STORE),
        }
    }
}

const STRICT: ParseOptions = ParseOptions {
    allow_comments: false,
    allow_loose_object_property_names: false,
    allow_trailing_commas: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};
const HELPERS: &str = "credHelpers";
const STORE: &str = "credsStore";

#[cfg(test)]
mod tests {
    use proptest::collection::btree_map;
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    fn at(key: &str) -> Slot {
        Slot::Registry(key.to_owned())
    }

    fn installed(text: &str, slots: &[Slot]) -> String {
        install(&secret(text), slots, false)
            .unwrap()
            .0
            .expose()
            .to_owned()
    }

    #[test]
    fn a_file_of_docker_keeps_its_form() {
        let before = "{\n\t\"auths\": {\n\t\t\"ghcr.io\": {}\n\t},\n\t\"currentContext\": \"x\"\n}";
        let after = installed(before, &[at("ghcr.io"), at("h:5000")]);
        assert_eq!(
            after,
            "{\n\t\"auths\": {\n\t\t\"ghcr.io\": {}\n\t},\n\t\"currentContext\": \"x\",\n\t\"credHelpers\": {\n\
             \t\t\"ghcr.io\": \"regcred\",\n\t\t\"h:5000\": \"regcred\"\n\t}\n}"
        );
        assert_eq!(installed(&after, &[at("ghcr.io")]), after);
        let (back, removed) = uninstall(&secret(&after), None).unwrap();
        assert_eq!(back.expose(), before);
        assert_eq!(removed, [at("ghcr.io"), at("h:5000")]);
    }

    #[test]
    fn an_absent_file_is_begun() {
        assert_eq!(
            installed("", &[Slot::All]),
            "{\n\t\"credsStore\": \"regcred\"\n}\n"
        );
        let with_a_registry = "{\n\t\"credHelpers\": {\n\t\t\"a.io\": \"regcred\"\n\t}\n}\n";
        assert_eq!(installed("{}\n", &[at("a.io")]), with_a_registry);
    }

    #[test]
    fn one_line_stays_one_line() {
        let before = r#"{"auths":{}, "credHelpers": {"b.io":"gcloud"} }"#;
        let after = r#"{"auths":{}, "credHelpers": {"b.io":"gcloud","a.io": "regcred"} }"#;
        assert_eq!(installed(before, &[at("a.io")]), after);
        assert_eq!(
            installed("{\"auths\":{}}", &[at("a.io")]),
            r#"{"auths":{},"credHelpers":{"a.io":"regcred"}}"#
        );
    }

    #[test]
    fn another_helper_is_left_unless_forced() {
        let text = r#"{"credHelpers":{"ghcr.io":"gcloud"},"credsStore":"pass"}"#;
        for (slot, by) in [(at("ghcr.io"), "gcloud"), (Slot::All, "pass")] {
            let slots = [slot.clone()];
            let Err(taken) = install(&secret(text), &slots, false) else {
                panic!()
            };
            let by = by.to_owned();
            assert_eq!(
                taken,
                NotEdited::Taken {
                    slot: slot.clone(),
                    by: by.clone()
                }
            );
            let (_, changed) = install(&secret(text), &slots, true).unwrap();
            assert_eq!(
                changed,
                [Changed {
                    slot,
                    replaced: Some(by)
                }]
            );
        }
        let (left, removed) = uninstall(&secret(text), None).unwrap();
        assert_eq!((left.expose(), removed), (text, Vec::new()));
    }

    #[test]
    fn a_broken_file_is_refused() {
        for text in [
            "{",
            "[]",
            "null",
            "{\"a\": 1,}",
            "{'a': 1}",
            "{} // note",
            "{\"credHelpers\": []}",
            "{\"credHelpers\": {}, \"credHelpers\": {}}",
            "{\"credHelpers\": {\"a\": 1}}",
            "{\"credHelpers\": {}, \"CREDHELPERS\": {}}",
            "{\"a\": 1 \"b\": 2}",
            "{\"a\": 0x1}",
        ] {
            assert!(install(&secret(text), &[at("a")], true).is_err(), "{text}");
        }
    }

    fn documents() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        let value = leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                btree_map("[a-z\"\\\\é]{0,6}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        });
        let helpers = btree_map("[a-z.]{1,6}", Just(Value::from("other")), 0..3)
            .prop_map(|map| Value::Object(map.into_iter().collect()));
        (
            btree_map("[a-z\"\\\\é]{0,6}", value, 0..5),
            proptest::option::of(helpers),
        )
            .prop_map(|(map, helpers)| {
                let mut object: serde_json::Map<_, _> = map.into_iter().collect();
                object.extend(helpers.map(|helpers| (HELPERS.to_owned(), helpers)));
                Value::Object(object)
            })
    }

    fn spelled(value: &Value, indent: &str) -> String {
        if indent.is_empty() {
            return value.to_string();
        }
        let mut text = Vec::new();
        let form = serde_json::ser::PrettyFormatter::with_indent(indent.as_bytes());
        serde::Serialize::serialize(
            value,
            &mut serde_json::Serializer::with_formatter(&mut text, form),
        )
        .unwrap();
        String::from_utf8(text).unwrap()
    }

    proptest! {
        /// Nothing is lost, moved or spelled anew: what was there is still there, before and after what is new.
        #[test]
        fn nothing_else_is_touched(
            value in documents(),
            indent in prop_oneof![Just(""), Just("\t"), Just("  "), Just("    ")],
            newline in any::<bool>(),
            all in any::<bool>(),
        ) {
            let before = spelled(&value, indent) + if newline { "\n" } else { "" };
            let slot = if all { Slot::All } else { at("new.example:5000") };
            let after = installed(&before, std::slice::from_ref(&slot));
            let same = before.bytes().zip(after.bytes()).take_while(|(a, b)| a == b).count();
            let tail = before.bytes().rev().zip(after.bytes().rev()).take_while(|(a, b)| a == b).count();
            prop_assert!(same + tail >= before.len(), "{}\n{}", before, after);

            let mut expected = value;
            if all {
                expected[STORE] = HELPER.into();
            } else {
                expected[HELPERS]["new.example:5000"] = HELPER.into();
            }
            // Numbers are compared as they are spelled.
            let read: Value = serde_json::from_str(&after).unwrap();
            let expected: Value = serde_json::from_str(&expected.to_string()).unwrap();
            prop_assert_eq!(&read, &expected);

            let (back, removed) = uninstall(&secret(&after), None).unwrap();
            prop_assert_eq!(removed, [slot]);
            if expected[HELPERS].as_object().is_none_or(|helpers| helpers.len() > 1) || !before.contains(HELPERS)
            {
                prop_assert_eq!(back.expose(), before);
            }
        }
    }
}
