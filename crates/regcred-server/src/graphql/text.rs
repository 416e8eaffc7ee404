//! Texts of jobs and apps in an answer, counted where they are told: an alias tells one again.

use std::borrow::Cow;

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{
    ContextSelectionSet, Error, InputType, InputValueResult, OutputType, Positioned, ServerResult,
    Value,
};

use crate::app::Asker;

/// A `String` whose bytes count for the answer each time that it is told.
pub(super) struct Text<T = String>(pub(super) T);

impl<T: AsRef<str> + Send + Sync> OutputType for Text<T> {
    fn type_name() -> Cow<'static, str> {
        <String as OutputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <String as OutputType>::create_type_info(registry)
    }

    async fn resolve(
        &self,
        ctx: &ContextSelectionSet<'_>,
        field: &Positioned<Field>,
    ) -> ServerResult<Value> {
        let text = self.0.as_ref();
        ctx.data::<Asker>()
            .and_then(|asker| Ok(asker.count_texts(told(text))?))
            .map_err(|error: Error| error.into_server_error(field.pos))?;
        Ok(Value::String(text.to_owned()))
    }
}

impl InputType for Text {
    type RawValueType = String;

    fn type_name() -> Cow<'static, str> {
        <String as InputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <String as InputType>::create_type_info(registry)
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        let text = <String as InputType>::parse(value);
        text.map(Self)
            .map_err(async_graphql::InputValueError::propagate)
    }

    fn to_value(&self) -> Value {
        InputType::to_value(&self.0)
    }

    fn as_raw_value(&self) -> Option<&Self::RawValueType> {
        Some(&self.0)
    }
}

/// How many bytes a text has in JSON, its quotes included.
pub(super) fn told(text: &str) -> usize {
    let escaped = |byte: u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 2,
        0..0x20 => 6,
        _ => 1,
    };
    2 + text.bytes().map(escaped).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_counts_as_many_bytes_as_it_has_in_json() {
        let controls: String = (0..=0x20_u8).map(char::from).collect();
        for text in ["", "plain", "\"\\/", "é漢🦀\u{7f}\u{2028}", &controls] {
            assert_eq!(
                told(text),
                serde_json::to_string(text).unwrap().len(),
                "{text:?}"
            );
        }
    }
}
