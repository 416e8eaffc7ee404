//! The challenges of a 401 (RFC 7235, section 4.1): several in one header or in several, in any order and case.

/// What a registry asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// Username and password with each request.
    Basic,
    /// A token of the realm's.
    Bearer {
        /// The URL of the token server, as it was given.
        realm: String,
        /// What the token is for.
        service: Option<String>,
    },
}

/// The first Basic or Bearer of all challenges, if there is one that can be read.
pub(crate) fn first<'a>(headers: impl Iterator<Item = &'a str>) -> Option<Challenge> {
    headers
        .flat_map(challenges)
        .find_map(|(scheme, parameters)| {
            let value = |name: &str| {
                let mut found = parameters
                    .iter()
                    .filter(|(given, _)| given.eq_ignore_ascii_case(name));
                let (_, value) = found.next()?;
                // Twice the same parameter is ambiguous.
                found.next().is_none().then(|| value.clone())
            };
            if scheme.eq_ignore_ascii_case("basic") {
                Some(Challenge::Basic)
            } else if scheme.eq_ignore_ascii_case("bearer") {
                Some(Challenge::Bearer {
                    realm: value("realm")?,
                    service: value("service"),
                })
            } else {
                None
            }
        })
}

type Parameters = Vec<(String, String)>;

/// The challenges of one header; what cannot be read ends them.
fn challenges(header: &str) -> Vec<(String, Parameters)> {
    let mut all: Vec<(String, Parameters)> = Vec::new();
    let mut rest = header;
    while all.len() < MOST {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let (word, behind) = token(rest);
        if word.is_empty() {
            break;
        }
        // A token with `=` behind it is a parameter of the challenge before it; any other begins a challenge.
        match (parameter(behind), all.last_mut()) {
            (Some((value, behind)), Some((_, parameters))) if parameters.len() < MOST => {
                parameters.push((word.to_owned(), value));
                rest = behind;
            }
            (Some(_), _) => break,
            (None, _) => {
                all.push((word.to_owned(), Vec::new()));
                rest = behind;
                // What Basic's successors put here instead of parameters (token68) is skipped.
                let (skipped, behind) = token68(rest);
                if !skipped.is_empty() && parameter(token(rest.trim_start()).1).is_none() {
                    rest = behind;
                }
            }
        }
    }
    all
}

/// `= value`, quoted or not, and what is behind it.
fn parameter(text: &str) -> Option<(String, &str)> {
    let text = text.trim_start_matches([' ', '\t']).strip_prefix('=')?;
    let text = text.trim_start_matches([' ', '\t']);
    if let Some(quoted) = text.strip_prefix('"') {
        let mut value = String::new();
        let mut characters = quoted.char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                '"' => {
                    let (_, behind) = quoted.split_at(at + 1);
                    return Some((value, behind));
                }
                '\\' => value.push(characters.next()?.1),
                character => value.push(character),
            }
        }
        return None;
    }
    let (value, behind) = token(text);
    (!value.is_empty()).then(|| (value.to_owned(), behind))
}

fn token(text: &str) -> (&str, &str) {
    let end = text.find(|character: char| {
        !(character.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(character))
    });
    text.split_at(end.unwrap_or(text.len()))
}

fn token68(text: &str) -> (&str, &str) {
    let text = text.trim_start_matches(' ');
    let end = text.find(|character: char| {
        !(character.is_ascii_alphanumeric() || "-._~+/=".contains(character))
    });
    text.split_at(end.unwrap_or(text.len()))
}

/// Of challenges in a header, and of parameters of one.
const MOST: usize = 16;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bearer(realm: &str, service: Option<&str>) -> Challenge {
        Challenge::Bearer {
            realm: realm.to_owned(),
            service: service.map(str::to_owned),
        }
    }

    #[test]
    fn challenges_are_read_as_they_come() {
        for (headers, expected) in [
            (&[r#"Basic realm="Registry""#][..], Some(Challenge::Basic)),
            (&["bAsIc"], Some(Challenge::Basic)),
            (
                &[r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io""#],
                Some(bearer(
                    "https://auth.docker.io/token",
                    Some("registry.docker.io"),
                )),
            ),
            (
                &[r#"bearer  SERVICE = x , Realm="https://a.example/t?a=b,c\"d" , scope="s""#],
                Some(bearer("https://a.example/t?a=b,c\"d", Some("x"))),
            ),
            (
                &[
                    r#"Negotiate, Digest realm="d", nonce="n", Bearer realm="https://r", Basic realm="b""#,
                ],
                Some(bearer("https://r", None)),
            ),
            (
                &[r#"Basic realm="b", Bearer realm="https://r""#],
                Some(Challenge::Basic),
            ),
            (
                &["Negotiate YWJjZA==", r#"Basic realm="b""#],
                Some(Challenge::Basic),
            ),
            (&["NTLM abc=, Basic"], Some(Challenge::Basic)),
            (&[r#"Bearer service="s""#], None),
            (&[r#"Bearer realm="https://a", realm="https://b""#], None),
            (&[r#"Bearer realm="unended"#], None),
            (&[""], None),
            (&["="], None),
            (&[r#"realm="https://r""#], None),
            (&["Unknown"], None),
            (&[], None),
        ] {
            assert_eq!(first(headers.iter().copied()), expected, "{headers:?}");
        }
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(text in "[ ,=\"\\\\a-zA-Z:/é]{0,60}") {
            let _ = first(std::iter::once(text.as_str()));
        }

        #[test]
        fn a_quoted_realm_comes_through_whole(realm in "[ -~]{1,40}") {
            let quoted = realm.replace('\\', "\\\\").replace('"', "\\\"");
            let header = format!("Bearer realm=\"{quoted}\",service=s");
            prop_assert_eq!(first(std::iter::once(header.as_str())), Some(bearer(&realm, Some("s"))));
        }
    }
}
