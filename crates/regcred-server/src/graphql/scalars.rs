//! The platform's own scalars.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use regcred_core::{Result, Timestamp};

/// A UUID in its hyphenated form.
pub(super) struct Uuid(String);

impl Uuid {
    pub(super) fn new(id: &impl ToString) -> Self {
        Self(id.to_string())
    }

    /// The id of a given kind.
    pub(super) fn read<T>(&self, parse: impl FnOnce(&str) -> Result<T>) -> Result<T> {
        parse(&self.0)
    }
}

/// A UUID in its hyphenated form, such as `860b8dc8-e734-4c98-b2e7-f9ec32ab4771`.
#[Scalar(name = "UUID")]
impl ScalarType for Uuid {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) => {
                regcred_core::ids::parse_uuid(&text)
                    .map_err(|error| InputValueError::custom(error.message()))?;
                Ok(Self(text))
            }
            _ => Err(InputValueError::custom("a UUID is a string")),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

/// A moment, formatted by whoever makes it: reads and writes of the platform differ in form.
pub(super) struct DateTime(String);

impl DateTime {
    /// As the platform's reads give it: milliseconds, `2022-04-26T14:20:17.118Z`.
    pub(super) fn read(moment: Timestamp) -> Self {
        Self(moment.rfc3339(3))
    }

    /// The moment of an argument.
    pub(super) fn moment(&self) -> Result<Timestamp> {
        Timestamp::parse_rfc3339(&self.0)
            .ok_or_else(|| regcred_core::Error::invalid("a DateTime is RFC 3339"))
    }

    /// As the platform's create and update give it: microseconds with a zone, `2022-04-26T14:20:17.138482Z[UTC]`.
    pub(super) fn written(moment: Timestamp) -> Self {
        Self(moment.rfc3339(6) + "[UTC]")
    }
}

/// A moment in UTC, RFC 3339. The answers of create and update carry `[UTC]` behind it, as the platform's do.
#[Scalar(name = "DateTime")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) if Timestamp::parse_rfc3339(&text).is_some() => Ok(Self(text)),
            _ => Err(InputValueError::custom(
                "a DateTime is a string such as \"2022-04-26T14:20:17.118Z\"",
            )),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

macro_rules! text {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        pub(super) struct $name(String);

        $(#[$doc])*
        #[Scalar]
        impl ScalarType for $name {
            fn parse(value: Value) -> InputValueResult<Self> {
                match value {
                    Value::String(text) => Ok(Self(text)),
                    _ => Err(InputValueError::custom(concat!("a ", stringify!($name), " is a string"))),
                }
            }

            fn to_value(&self) -> Value {
                Value::String(self.0.clone())
            }
        }
    };
}

text!(
    /// A schedule in the form of cron. regcred keeps none.
    Cron
);
text!(
    /// A time zone, such as `Europe/Paris`. regcred keeps none.
    TimeZone
);
text!(
    /// An address for mail. regcred keeps none.
    Email
);
text!(
    /// A size with its unit.
    DataSize
);

/// A file beside the query. regcred keeps none, so no value is one.
pub(super) enum Upload {}

/// A file beside the query. regcred keeps none: leave it out.
#[Scalar]
impl ScalarType for Upload {
    fn parse(_: Value) -> InputValueResult<Self> {
        Err(InputValueError::custom(
            "regcred keeps no packages; leave the file out",
        ))
    }

    fn to_value(&self) -> Value {
        match *self {}
    }
}
