//! The JSON body of a GraphQL request.

use regcred_core::Error;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::error::Category;

use super::guard;

/// A GraphQL request as it travels.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GraphqlRequest {
    pub(super) query: String,
    #[serde(default)]
    pub(super) operation_name: Option<String>,
    #[serde(default)]
    pub(super) variables: serde_json::Value,
}

/// Reads a body. Errors say where it is wrong, never what stands there.
pub(super) fn read(body: &[u8]) -> Result<GraphqlRequest, Error> {
    let text = std::str::from_utf8(body).map_err(|error| {
        Error::invalid(format!(
            "the body is not UTF-8 from byte {} on",
            error.valid_up_to()
        ))
    })?;
    guard::inspect_json(text.as_bytes(), MAX_DEPTH)
        .map_err(|refusal| Error::invalid(refusal.to_string()))?;
    if text.trim_start().starts_with('[') {
        return Err(Error::invalid(
            "batches are not served; send one request at a time",
        ));
    }
    let request: GraphqlRequest =
        serde_json::from_str(text).map_err(|error| shape(text, &error))?;
    if !matches!(
        request.variables,
        serde_json::Value::Null | serde_json::Value::Object(_)
    ) {
        return Err(Error::invalid("`variables` is not a JSON object"));
    }
    Ok(request)
}

fn shape(text: &str, error: &serde_json::Error) -> Error {
    let (line, column) = (error.line(), error.column());
    // What is JSON, but not of this shape, is told by its shape.
    let is_json = serde_json::from_str::<IgnoredAny>(text).is_ok();
    Error::invalid(match error.classify() {
        Category::Eof if !is_json => "the body is no complete JSON".to_owned(),
        Category::Data if is_json => "the body is no GraphQL request; send a JSON object with `query` (a string), and \
                                      optionally `operationName` (a string) and `variables` (an object), each once"
            .to_owned(),
        _ => format!("the body is no JSON: see line {line}, column {column}"),
    })
}

/// Variables may be 16 deep; the request's object is around them.
const MAX_DEPTH: usize = 17;

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(body: &[u8]) -> String {
        read(body)
            .err()
            .map(|error| error.message().to_owned())
            .unwrap_or_default()
    }

    #[test]
    fn errors_say_where_not_what() {
        assert!(refused(b"{\"query\": \"hunter2\"").contains("complete"));
        assert!(refused(b"{\"query\": hunter2}").contains("line 1, column 11"));
        assert!(refused(b"{\"query\": 1}").contains("`query` (a string)"));
        assert!(refused(b"{\"query\": \"a\", \"variables\": \"hunter2\"}").contains("`variables`"));
        assert!(refused(b"{\"query\": \"a\", \"query\": \"hunter2\"}").contains("each once"));
        assert!(refused(b"[{\"query\": \"a\"}]").contains("batches"));
        assert!(refused(b"\xff").contains("byte 0"));
        assert!(read(b"{\"query\": \"a\", \"variables\": null, \"extensions\": {}}").is_ok());
    }
}
