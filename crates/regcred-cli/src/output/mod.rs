//! What commands print: tables for people, JSON, YAML and names for scripts.

mod progress;
mod table;

use std::fmt::{Display, Write as _};
use std::io::{self, IsTerminal as _, Write as _};

use clap::{Args, ValueEnum};
use regcred_client::{Secret, steers_a_terminal};
use serde::Serialize;

pub(crate) use self::progress::progress;
use crate::failure::{Failure, Result};

/// The flags about what is printed.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// How to print the result: for people, for scripts, or nothing but ids and names, one on each line
    #[arg(
        short,
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "FORMAT"
    )]
    pub(crate) output: Format,
    /// Print no lines about what was done, only what was asked for
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    // No documentation of each: it would double the help of every command.
    #[default]
    Table,
    Json,
    Yaml,
    Name,
}

/// Something that is printed: an entry of a list, or a thing by itself.
pub(crate) trait Record: Serialize {
    /// The columns of a table.
    const COLUMNS: &'static [&'static str];
    /// How many of them, from the first on, may be broken where the terminal is narrow.
    const FLEXIBLE: usize;
    /// A cell for each column.
    fn cells(&self) -> Vec<String>;
    /// All that there is to know, as label and value.
    fn details(&self) -> Vec<(&'static str, String)>;
    /// By what scripts know it.
    fn name(&self) -> String;
}

impl OutputArgs {
    /// Lines for people, of a command that has nothing else to print.
    pub(crate) fn lines(quiet: bool) -> Self {
        Self {
            output: Format::Table,
            quiet,
        }
    }

    /// Prints a list.
    pub(crate) fn list<R: Record>(self, records: &[R]) -> Result<()> {
        match self.output {
            Format::Table if records.is_empty() => {
                note(self.quiet, "there are none");
                Ok(())
            }
            Format::Table => print(&table::list(records)),
            Format::Name => names(records.iter().map(Record::name)),
            Format::Json | Format::Yaml => self.data(records),
        }
    }

    /// Prints one thing that was asked for.
    pub(crate) fn one<R: Record>(self, record: &R) -> Result<()> {
        match self.output {
            Format::Table => details(&record.details()),
            _ => self.data_or_name(record),
        }
    }

    /// Prints one thing that was made or changed: for people a line that says so.
    pub(crate) fn changed<R: Record>(self, record: &R, line: &str) -> Result<()> {
        match self.output {
            Format::Table => self.done(line),
            _ => self.data_or_name(record),
        }
    }

    /// Prints what was deleted.
    pub(crate) fn deleted(self, name: &str, line: &str) -> Result<()> {
        #[derive(Serialize)]
        struct Deleted<'a> {
            deleted: &'a str,
        }
        match self.output {
            Format::Table => self.done(line),
            Format::Name => names([name]),
            Format::Json | Format::Yaml => self.data(&Deleted { deleted: name }),
        }
    }

    /// Says for people what was done.
    pub(crate) fn done(self, line: &str) -> Result<()> {
        if self.quiet || self.output != Format::Table {
            return Ok(());
        }
        print(&format!("{}\n", shown(line)))
    }

    /// Prints data as JSON or YAML.
    pub(crate) fn data(self, data: &(impl Serialize + ?Sized)) -> Result<()> {
        let text = match self.output {
            Format::Yaml => serde_saphyr::to_string(&data).map_err(|error| error.to_string()),
            _ => serde_json::to_string_pretty(data)
                .map(|text| text + "\n")
                .map_err(|error| error.to_string()),
        };
        let text = text.map_err(|error| {
            Failure::internal(
                format!("the output cannot be written: {error}"),
                "try another format with -o",
            )
        })?;
        print(&text)
    }

    fn data_or_name<R: Record>(self, record: &R) -> Result<()> {
        match self.output {
            Format::Name => names([record.name()]),
            _ => self.data(record),
        }
    }
}

/// Prints labels and values, for people.
pub(crate) fn details(details: &[(&'static str, String)]) -> Result<()> {
    print(&table::details(details))
}

/// Prints a name on each line.
pub(crate) fn names(names: impl IntoIterator<Item = impl Display>) -> Result<()> {
    let mut text = String::new();
    let at_terminal = io::stdout().is_terminal();
    for name in names {
        let name = name.to_string();
        let _ = writeln!(text, "{}", if at_terminal { shown(&name) } else { name });
    }
    print(&text)
}

/// Writes to standard output. Who closed it does not want to read more, which is no failure.
pub(crate) fn print(text: &str) -> Result<()> {
    written(anstream::stdout().lock(), text)
}

/// The same for what somebody's program reads, byte for byte: what looks like a colour is part of a password.
pub(crate) fn print_secret(text: &Secret) -> Result<()> {
    written(io::stdout().lock(), text.expose())
}

fn written(mut out: impl io::Write, text: &str) -> Result<()> {
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::internal(
            format!("the output cannot be written: {error}"),
            "check what standard output leads to; what the command did on the server is done",
        )),
        _ => Ok(()),
    }
}

/// Says something beside the result, on standard error; not where `quiet`.
pub(crate) fn note(quiet: bool, line: &str) {
    if !quiet {
        let _ = writeln!(anstream::stderr(), "{}", shown_lines(line));
    }
}

/// A text of several lines as a terminal may get it: its line breaks are ours.
pub(crate) fn shown_lines(text: &str) -> String {
    text.split('\n').map(shown).collect::<Vec<_>>().join("\n")
}

/// A text of the server's as a terminal may get it: without what steers it or turns the direction of writing.
pub(crate) fn shown(text: &str) -> String {
    text.chars()
        .flat_map(|character| {
            let (escaped, plain) = if steers_a_terminal(character) {
                (Some(character.escape_unicode()), None)
            } else {
                (None, Some(character))
            };
            escaped.into_iter().flatten().chain(plain)
        })
        .collect()
}
