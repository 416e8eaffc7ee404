//! What parser, validator and executor may be given.
//!
//! Parser and validator recurse where brackets nest and nowhere else, so the depth of brackets bounds their stack. What
//! costs more than its length is bounded by a count: some counts are of the text, before the parser reads it, others of
//! what it has read. Together they keep every request below 50 ms of CPU. A refusal never repeats what stands in a
//! request: a password may be among it.

mod document;
mod lexer;

use std::fmt;

use async_graphql::parser::types::ExecutableDocument;
use document::{MAX_REPEATS, MAX_ROOT_FIELDS, MAX_SELECTIONS};
use lexer::{Token, Tokens};

/// Looks through the text of a query.
pub(super) fn inspect(query: &str) -> Result<(), Refusal> {
    let mut seen = Seen::default();
    let mut open = Vec::with_capacity(MAX_DEPTH);
    let mut before = Token::Other;
    let mut tokens = Tokens::of(query);
    while let Some(token) = tokens.next()? {
        count(&mut seen.tokens, MAX_TOKENS, Refusal::Tokens)?;
        match token {
            Token::Open(_) if open.len() == MAX_DEPTH => return Err(Refusal::Depth),
            Token::Open(bracket) => open.push(bracket),
            Token::Close => {
                open.pop();
            }
            Token::Spread => count(&mut seen.spreads, MAX_SPREADS, Refusal::Spreads)?,
            Token::At => count(&mut seen.directives, MAX_DIRECTIVES, Refusal::Directives)?,
            Token::Dollar => count(&mut seen.variables, MAX_VARIABLES, Refusal::Variables)?,
            Token::Word(length) if length > MAX_WORD => return Err(Refusal::Word),
            Token::Colon if matches!(before, Token::Word(_)) && among_fields(&open) => {
                count(&mut seen.aliases, MAX_ALIASES, Refusal::Aliases)?;
            }
            _ => {}
        }
        before = token;
    }
    Ok(())
}

/// Looks through a document that the parser has read, before it is validated.
pub(super) fn inspect_document(document: &ExecutableDocument) -> Result<(), Refusal> {
    document::inspect(document)
}

/// Looks through a body that may be JSON: how deep it nests, and how many values it holds.
pub(super) fn inspect_json(body: &[u8], max_depth: usize) -> Result<(), Refusal> {
    let (mut depth, mut values) = (0, 0);
    let mut bytes = body.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => skip_json_string(&mut bytes),
            b'[' | b'{' if depth == max_depth => return Err(Refusal::JsonDepth(max_depth)),
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            // Each value but the first of a list or an object stands behind one.
            b',' => count(&mut values, MAX_JSON_VALUES, Refusal::JsonValues)?,
            _ => {}
        }
    }
    Ok(())
}

fn skip_json_string(bytes: &mut std::slice::Iter<'_, u8>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => {
                bytes.next();
            }
            _ => {}
        }
    }
}

/// Why a request is not looked at any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Tokens,
    Depth,
    Spreads,
    Directives,
    Variables,
    Word,
    Aliases,
    Unterminated,
    Selections,
    Repeats,
    RootFields,
    Mutations,
    Cycle,
    Introspection,
    ListDefault,
    JsonDepth(usize),
    JsonValues,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tokens => write!(f, "the query has more than {MAX_TOKENS} tokens; ask for less at a time"),
            Self::Depth => write!(
                f,
                "the query has more than {MAX_DEPTH} brackets open at a time; nest less, and give values as `variables`"
            ),
            Self::Spreads => write!(
                f,
                "the query has more than {MAX_SPREADS} spreads (`...`); write the fields out, or ask for less at a time"
            ),
            Self::Directives => {
                write!(f, "the query has more than {MAX_DIRECTIVES} directives (`@`); leave out what is not needed")
            }
            Self::Variables => write!(
                f,
                "the query names variables (`$`) more than {MAX_VARIABLES} times; give a whole list or object as one"
            ),
            Self::Word => write!(f, "the query has a name or a number longer than {MAX_WORD} characters; shorten it"),
            Self::Aliases => write!(f, "the query has more than {MAX_ALIASES} aliases; ask for less at a time"),
            Self::Unterminated => f.write_str("the query has a string without an end; close it with its quotes"),
            Self::Selections => write!(
                f,
                "the query selects more than {MAX_SELECTIONS} fields, counted wherever a fragment is spread; ask for \
                 less at a time"
            ),
            Self::Repeats => write!(
                f,
                "the query repeats fields more than {MAX_REPEATS} times in the same place; ask for each once"
            ),
            Self::RootFields => write!(
                f,
                "the query has an operation with more than {MAX_ROOT_FIELDS} fields at its root; send several requests"
            ),
            Self::Mutations => f.write_str(
                "a mutation has one field at its root; send the others as requests of their own",
            ),
            Self::Cycle => f.write_str("the query has a fragment that is spread into itself; take it out"),
            Self::Introspection => f.write_str(
                "the query walks from types to fields to types; the standard introspection query tells all of them",
            ),
            Self::ListDefault => f.write_str(
                "the query has a default for a variable that is a list; give the list in `variables` instead",
            ),
            Self::JsonDepth(most) => {
                write!(f, "the body nests deeper than {most} lists and objects; flatten what is in `variables`")
            }
            Self::JsonValues => {
                write!(f, "the body holds more than {MAX_JSON_VALUES} values; send less in `variables` at a time")
            }
        }
    }
}

fn count(seen: &mut usize, most: usize, refusal: Refusal) -> Result<(), Refusal> {
    *seen += 1;
    if *seen > most { Err(refusal) } else { Ok(()) }
}

/// Whether a selection of fields is what stands here, rather than an object or arguments: those are inside `(`.
fn among_fields(open: &[u8]) -> bool {
    open.last() == Some(&b'{') && !open.contains(&b'(')
}

#[derive(Default)]
struct Seen {
    tokens: usize,
    spreads: usize,
    directives: usize,
    variables: usize,
    aliases: usize,
}

const MAX_TOKENS: usize = 2_000;
const MAX_DEPTH: usize = 32;
/// Each may double what there is to visit.
const MAX_SPREADS: usize = 24;
const MAX_DIRECTIVES: usize = 16;
/// Each is replaced by a copy of its value.
const MAX_VARIABLES: usize = 100;
/// The library's errors repeat names, some of them hundreds of times.
const MAX_WORD: usize = 128;
const MAX_ALIASES: usize = 20;
const MAX_JSON_VALUES: usize = 2_000;

#[cfg(test)]
mod tests;
