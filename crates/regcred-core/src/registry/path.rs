//! Paths of repositories: the grammar that image references and scopes share.

/// Whether `path` is one or more components with `/` between them, as a repository's name has them.
pub(super) fn is_path(path: &str) -> bool {
    path.split('/').all(is_component)
}

/// Runs of lowercase letters and digits; between two runs one `.`, one or two `_`, or any number of `-`
/// (the grammar of distribution's references).
fn is_component(component: &str) -> bool {
    let mut separator: Option<&str> = None;
    let mut rest = component;
    loop {
        let run = rest.len() - rest.trim_start_matches(is_alphanumeric).len();
        if run == 0 {
            return false;
        }
        let (_, behind) = rest.split_at(run);
        if behind.is_empty() {
            return separator.is_none_or(is_separator);
        }
        if !separator.is_none_or(is_separator) {
            return false;
        }
        let length = behind.find(is_alphanumeric).unwrap_or(behind.len());
        let (between, next) = behind.split_at(length);
        (separator, rest) = (Some(between), next);
    }
}

fn is_separator(text: &str) -> bool {
    matches!(text, "." | "_" | "__") || text.bytes().all(|byte| byte == b'-')
}

fn is_alphanumeric(character: char) -> bool {
    character.is_ascii_lowercase() || character.is_ascii_digit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_have_single_separators_between_runs() {
        for good in [
            "a",
            "0",
            "a.b",
            "a_b",
            "a__b",
            "a-b",
            "a---b",
            "a-b_c.d__e",
            "a/b/c",
        ] {
            assert!(is_path(good), "{good}");
        }
        for bad in [
            "", "/", "a/", "/a", "a//b", ".a", "a.", "_a", "a-", "a..b", "a___b", "a._b", "a-.b",
            "A", "é", "a b", "a:b", "a@b", "a%2fb", "a\0b", "..", "a/../b",
        ] {
            assert!(!is_path(bad), "{bad:?}");
        }
    }
}
