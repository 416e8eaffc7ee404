//! How PostgreSQL spells what a statement is given.

/// The text with `$1` for `?1`, and for each `?` the number that comes next, as SQLite counts them.
pub(super) fn translated(sql: &str) -> String {
    let mut text = String::with_capacity(sql.len() + 16);
    let mut highest = 0;
    let mut rest = sql;
    while let Some((before, behind)) = rest.split_once('?') {
        text.push_str(before);
        let digits = behind
            .find(|char: char| !char.is_ascii_digit())
            .unwrap_or(behind.len());
        let (number, behind) = behind.split_at(digits);
        let number = number.parse().unwrap_or(highest + 1);
        highest = highest.max(number);
        text.push('$');
        text.push_str(&number.to_string());
        rest = behind;
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_numbered_as_sqlite_numbers_them() {
        for (sql, expected) in [
            ("SELECT 1", "SELECT 1"),
            ("a = ? AND b = ?", "a = $1 AND b = $2"),
            ("?1, ?2, ?1", "$1, $2, $1"),
            ("?1 & 8, a = ? AND b = ?", "$1 & 8, a = $2 AND b = $3"),
            ("?12?", "$12$13"),
        ] {
            assert_eq!(translated(sql), expected);
        }
    }
}
