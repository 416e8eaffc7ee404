//! Tables in Markdown, aligned so that they are read well on a terminal, too.

use std::fmt::Write as _;

/// On which side of its column a cell stands: text on the left, numbers on the right.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

/// The table, or nothing where there are no rows.
pub(super) fn table<const N: usize>(
    heads: [(&str, Side); N],
    rows: impl Iterator<Item = [String; N]>,
) -> String {
    let rows: Vec<_> = rows.collect();
    if rows.is_empty() {
        return String::new();
    }
    let names = heads.map(|(name, _)| name.to_owned());
    let mut widths = [LEAST; N];
    for cells in rows.iter().chain([&names]) {
        for (width, cell) in widths.iter_mut().zip(cells) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let columns = heads.map(|(_, side)| side).into_iter().zip(widths);
    let line = |cells: &[String; N]| {
        let mut line = String::new();
        for ((side, width), cell) in columns.clone().zip(cells) {
            let _ = match side {
                Side::Left => write!(line, "| {cell:<width$} "),
                Side::Right => write!(line, "| {cell:>width$} "),
            };
        }
        line + "|\n"
    };
    let rules = std::array::from_fn(|column| {
        let (side, width) = columns.clone().nth(column).unwrap_or((Side::Left, LEAST));
        let end = if side == Side::Left { "-" } else { ":" };
        format!("{}{end}", "-".repeat(width - 1))
    });
    let lines = [&names, &rules].into_iter().chain(&rows);
    lines.map(line).collect()
}

/// What Markdown needs to tell a column's side.
const LEAST: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_on_the_right() {
        let heads = [("What", Side::Left), ("1/s", Side::Right)];
        let rows = [["create", "7"], ["é", "12345"]].map(|row| row.map(str::to_owned));
        let expected =
            "| What   |   1/s |\n| ------ | ----: |\n| create |     7 |\n| é      | 12345 |\n";
        assert_eq!(table(heads, rows.into_iter()), expected);
        assert_eq!(table(heads, std::iter::empty()), "");
    }
}
