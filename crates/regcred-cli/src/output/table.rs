//! Tables that fit the terminal: cells are wrapped, and where it is too narrow for columns, each record is a block.

use anstyle::Style;
use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};
use terminal_size::{Width, terminal_size_of};

use super::{Record, shown};

/// A table of records, or blocks where the terminal is narrow. Without a terminal nothing is wrapped.
pub(super) fn list<R: Record>(records: &[R]) -> String {
    let width = terminal_size_of(std::io::stdout()).map(|(Width(width), _)| width);
    list_within(records, width)
}

/// One record as a block.
pub(super) fn details(details: &[(&'static str, String)]) -> String {
    let width = terminal_size_of(std::io::stdout()).map(|(Width(width), _)| width);
    details_within(details, width)
}

fn list_within<R: Record>(records: &[R], width: Option<u16>) -> String {
    let mut table = plain(width);
    table.set_header(R::COLUMNS.iter().copied());
    for record in records {
        table.add_row(record.cells().iter().map(|cell| shown(cell)));
    }
    let widths = table.column_max_content_widths();
    let least = widths.iter().enumerate().map(|(column, width)| {
        let least = if column < R::FLEXIBLE {
            READABLE.min(*width)
        } else {
            *width
        };
        usize::from(least) + GAP
    });
    if width.is_some_and(|width| usize::from(width) < least.sum()) {
        let blocks: Vec<_> = records
            .iter()
            .map(|record| details_within(&record.details(), width))
            .collect();
        return blocks.join("\n");
    }
    for column in table.column_iter_mut().skip(R::FLEXIBLE) {
        column.set_constraint(ColumnConstraint::ContentWidth);
    }
    let bold = Style::new().bold();
    let mut lines = lines(&table);
    if let Some(header) = lines.first_mut() {
        *header = format!("{bold}{header}{bold:#}");
    }
    lines.join("\n") + "\n"
}

fn details_within(details: &[(&'static str, String)], width: Option<u16>) -> String {
    let mut table = plain(width);
    for (label, value) in details {
        table.add_row([(*label).to_owned(), shown(value)]);
    }
    if let Some(labels) = table.column_mut(0) {
        labels.set_constraint(ColumnConstraint::ContentWidth);
    }
    lines(&table).join("\n") + "\n"
}

fn plain(width: Option<u16>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    if let Some(width) = width {
        table
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(width);
    }
    table
}

/// The lines of a table, which begin at the margin and end where their text does.
fn lines(table: &Table) -> Vec<String> {
    table
        .lines()
        .map(|line| {
            line.strip_prefix(' ')
                .unwrap_or(&line)
                .trim_end()
                .to_owned()
        })
        .collect()
}

/// To how many characters a cell is broken at most: below that, blocks are easier to read.
const READABLE: u16 = 16;
/// The blanks around a cell.
const GAP: usize = 2;

#[cfg(test)]
mod tests {
    use serde::Serialize;

    use super::*;

    #[derive(Serialize)]
    struct Thing(&'static str);

    impl Record for Thing {
        const COLUMNS: &'static [&'static str] = &["WHERE", "N", "ID"];
        const FLEXIBLE: usize = 1;

        fn cells(&self) -> Vec<String> {
            vec![
                self.0.to_owned(),
                "7".to_owned(),
                "0cb2662f-84eb".to_owned(),
            ]
        }

        fn details(&self) -> Vec<(&'static str, String)> {
            vec![
                ("id", "0cb2662f-84eb".to_owned()),
                ("where", self.0.to_owned()),
            ]
        }

        fn name(&self) -> String {
            String::new()
        }
    }

    const LONG: &str = "registry.example.org:5000/team";

    /// Without the styles, which the output strips where it is no terminal.
    fn printed(things: &[Thing], width: Option<u16>) -> String {
        anstream::adapter::strip_str(&list_within(things, width)).to_string()
    }

    #[test]
    fn without_a_terminal_nothing_is_wrapped() {
        expect_test::expect![[r"
            WHERE                           N  ID
            ghcr.io                         7  0cb2662f-84eb
            registry.example.org:5000/team  7  0cb2662f-84eb
        "]]
        .assert_eq(&printed(&[Thing("ghcr.io"), Thing(LONG)], None));
    }

    #[test]
    fn a_long_cell_is_wrapped_and_an_id_is_not() {
        expect_test::expect![[r"
            WHERE               N  ID
            registry.example.o  7  0cb2662f-84eb
            rg:5000/team
        "]]
        .assert_eq(&printed(&[Thing(LONG)], Some(38)));
    }

    #[test]
    fn where_it_is_too_narrow_each_is_a_block() {
        expect_test::expect![[r"
            id     0cb2662f-84eb
            where  ghcr.io

            id     0cb2662f-84eb
            where  registry.example
                   .org:5000/team
        "]]
        .assert_eq(&printed(&[Thing("ghcr.io"), Thing(LONG)], Some(25)));
    }

    #[test]
    fn wide_characters_take_two_columns() {
        for width in 4..90 {
            let things = [Thing("机器人机器人机器人机器人"), Thing(LONG), Thing("")];
            let printed = printed(&things, Some(width));
            let widest = printed.lines().map(columns).max().unwrap_or_default();
            assert!(widest <= usize::from(width.max(25)), "{width}:\n{printed}");
        }
    }

    fn columns(line: &str) -> usize {
        line.chars()
            .map(|character| if character.is_ascii() { 1 } else { 2 })
            .sum()
    }

    #[test]
    fn what_steers_a_terminal_is_escaped() {
        let printed = printed(&[Thing("a\u{1b}[31mred\u{202e}\n")], None);
        assert!(
            printed.contains("a\\u{1b}[31mred\\u{202e}\\u{a}"),
            "{printed}"
        );
    }
}
