//! The tokens of a GraphQL document, cut where the parser cuts them.
//!
//! What the guard takes for one token and the parser for many would be a way around the limits. So this follows the
//! parser's grammar where that differs from GraphQL's own: `0` ends a number, `true`, `false` and `null` end where
//! they are spelled out, whatever follows. What the parser refuses may be cut in any way, for it reads no further.

use super::Refusal;

/// A token, as far as the guard tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// One of `(`, `[`, `{`.
    Open(u8),
    Close,
    Colon,
    Spread,
    At,
    Dollar,
    /// A name or a number, and how long it is.
    Word(usize),
    String,
    Other,
}

/// What is left of a document.
pub(super) struct Tokens<'a>(&'a [u8]);

impl<'a> Tokens<'a> {
    pub(super) fn of(document: &'a str) -> Self {
        Self(document.as_bytes())
    }

    /// The next token; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Token>, Refusal> {
        let text = skip_ignored(self.0);
        let Some(&first) = text.first() else {
            return Ok(None);
        };
        let (token, length) = match first {
            b'(' | b'[' | b'{' => (Token::Open(first), 1),
            b')' | b']' | b'}' => (Token::Close, 1),
            b':' => (Token::Colon, 1),
            b'@' => (Token::At, 1),
            b'$' => (Token::Dollar, 1),
            b'.' if text.starts_with(b"...") => (Token::Spread, 3),
            b'"' => (Token::String, string(text)?),
            b'-' | b'0'..=b'9' => word(number(text)),
            b'_' | b'a'..=b'z' | b'A'..=b'Z' => word(name(text)),
            _ => (Token::Other, 1),
        };
        self.0 = text.get(length..).unwrap_or_default();
        Ok(Some(token))
    }
}

fn word(length: usize) -> (Token, usize) {
    (Token::Word(length), length)
}

/// What is left behind white space, commas, byte order marks and comments.
fn skip_ignored(mut text: &[u8]) -> &[u8] {
    loop {
        text = match text {
            [b' ' | b'\t' | b'\r' | b'\n' | b',', rest @ ..] | [0xef, 0xbb, 0xbf, rest @ ..] => {
                rest
            }
            [b'#', rest @ ..] => after(rest, |byte| !matches!(byte, b'\r' | b'\n')),
            _ => return text,
        }
    }
}

/// The length of a string, quotes included.
fn string(text: &[u8]) -> Result<usize, Refusal> {
    if text.starts_with(BLOCK_QUOTE) {
        return block_string(text);
    }
    let mut bytes = text.iter().enumerate().skip(1);
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => return Ok(at + 1),
            b'\r' | b'\n' => break,
            b'\\' => {
                bytes.next();
            }
            _ => {}
        }
    }
    Err(Refusal::Unterminated)
}

/// One that does not end must be refused here: the parser would read it as an empty string, and go on behind it.
fn block_string(text: &[u8]) -> Result<usize, Refusal> {
    let mut at = BLOCK_QUOTE.len();
    loop {
        let rest = text.get(at..).unwrap_or_default();
        if rest.starts_with(BLOCK_QUOTE) {
            return Ok(at + BLOCK_QUOTE.len());
        }
        at += match rest {
            [b'\\', quote @ ..] if quote.starts_with(BLOCK_QUOTE) => 1 + BLOCK_QUOTE.len(),
            [] => return Err(Refusal::Unterminated),
            _ => 1,
        };
    }
}

/// The length of a number: `-12`, `0`, `1.5e-7`.
fn number(text: &[u8]) -> usize {
    let rest = text.strip_prefix(b"-").unwrap_or(text);
    let rest = rest.strip_prefix(b"0").unwrap_or_else(|| digits(rest));
    let rest = match rest {
        [b'.', fraction @ ..] if starts_with_digit(fraction) => digits(fraction),
        _ => rest,
    };
    let rest = match rest {
        [b'e' | b'E', b'+' | b'-', exponent @ ..] | [b'e' | b'E', exponent @ ..]
            if starts_with_digit(exponent) =>
        {
            digits(exponent)
        }
        _ => rest,
    };
    text.len() - rest.len()
}

/// The length of a name, or of the literal that it begins with.
fn name(text: &[u8]) -> usize {
    match LITERALS.iter().find(|literal| text.starts_with(literal)) {
        Some(literal) => literal.len(),
        None => text.len() - after(text, |byte| byte.is_ascii_alphanumeric() || byte == b'_').len(),
    }
}

fn digits(text: &[u8]) -> &[u8] {
    after(text, |byte| byte.is_ascii_digit())
}

fn starts_with_digit(text: &[u8]) -> bool {
    text.first().is_some_and(u8::is_ascii_digit)
}

/// What is left behind the bytes of a kind.
fn after(text: &[u8], kind: impl Fn(u8) -> bool) -> &[u8] {
    let length = text
        .iter()
        .position(|byte| !kind(*byte))
        .unwrap_or(text.len());
    text.get(length..).unwrap_or_default()
}

const BLOCK_QUOTE: &[u8] = b"\"\"\"";
const LITERALS: [&[u8]; 3] = [b"true", b"false", b"null"];

#[cfg(test)]
mod tests {
    use super::Token::{At, Close, Colon, Dollar, Open, Other, Spread, String, Word};
    use super::*;

    fn tokens(document: &str) -> Result<Vec<Token>, Refusal> {
        let mut tokens = Tokens::of(document);
        std::iter::from_fn(|| tokens.next().transpose()).collect()
    }

    #[test]
    fn a_document_is_cut_into_tokens() {
        let all = "query Q($a: [Int!] = 1) @d { x: f(s: \"a\") ... }";
        let cut = [
            Word(5),
            Word(1),
            Open(b'('),
            Dollar,
            Word(1),
            Colon,
            Open(b'['),
            Word(3),
            Other,
            Close,
            Other,
            Word(1),
            Close,
            At,
            Word(1),
            Open(b'{'),
            Word(1),
            Colon,
            Word(1),
            Open(b'('),
            Word(1),
            Colon,
            String,
            Close,
            Spread,
            Close,
        ];
        assert_eq!(tokens(all), Ok(cut.to_vec()));
        assert_eq!(tokens(""), Ok(vec![]));
    }

    #[test]
    fn white_space_commas_marks_and_comments_are_no_tokens() {
        assert_eq!(
            tokens("\u{feff} a,,\t\r\n#([{\"$@\ra#"),
            Ok(vec![Word(1), Word(1)])
        );
    }

    #[test]
    fn what_stands_in_a_string_is_no_token() {
        for string in [
            r#""""#,
            r#""([{ # \" \\""#,
            r#""""([{ " "" \""" \""" # """"#,
            r#""""""""#,
            "\"\"\"a\n\r\"\"\"",
        ] {
            assert_eq!(tokens(string), Ok(vec![String]), "{string}");
            assert_eq!(
                tokens(&format!("{string} {string}")),
                Ok(vec![String, String]),
                "{string}"
            );
        }
        for open in [
            r#"""#,
            r#""a\"#,
            r#""a\""#,
            "\"a\n\"",
            r#"""""#,
            r#""""a"""#,
            r#""""\""""#,
        ] {
            assert_eq!(tokens(open), Err(Refusal::Unterminated), "{open}");
        }
    }

    #[test]
    fn values_that_the_parser_reads_apart_are_counted_apart() {
        for (text, lengths) in [
            ("-1.5e+7", vec![7]),
            ("1E5", vec![3]),
            ("1e", vec![1, 1]),
            ("000", vec![1, 1, 1]),
            ("-0-10", vec![2, 3]),
            ("1-1", vec![1, 2]),
            ("truefalse_null", vec![4, 5, 5]),
            ("nulltrue1", vec![4, 4, 1]),
            ("a1true", vec![6]),
        ] {
            assert_eq!(
                tokens(text),
                Ok(lengths.into_iter().map(Word).collect()),
                "{text}"
            );
        }
        assert_eq!(tokens("1...a"), Ok(vec![Word(1), Spread, Word(1)]));
    }
}
