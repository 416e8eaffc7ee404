//! What was measured, for people as a table and for programs as JSON.
//!
//! A [`Row`] is one operation at one number of connections; a [`Figure`] is a single number, with its target where it
//! has one. A missed target is told and is no failure: the machine may be to blame.

use serde_json::{Value, json};

use super::table::{Side, table};

/// What came of one subject.
#[derive(Default)]
pub(super) struct Report {
    pub(super) rows: Vec<Row>,
    pub(super) figures: Vec<Figure>,
}

/// One operation at one number of connections.
#[derive(Clone)]
pub(super) struct Row {
    pub(super) operation: String,
    /// Who answered, and with which database.
    pub(super) of: &'static str,
    pub(super) connections: u32,
    /// In a second.
    pub(super) rate: f64,
    /// How long an answer took, where that is known.
    pub(super) latency: Option<Latency>,
    /// What the processes that answered took, where that is known.
    pub(super) cost: Option<Cost>,
}

/// In milliseconds.
#[derive(Clone, Copy)]
pub(super) struct Latency {
    pub(super) p50: f64,
    pub(super) p99: f64,
}

#[derive(Clone, Copy)]
pub(super) struct Cost {
    /// For 1,000 requests.
    pub(super) cpu_seconds: f64,
    /// The most that was resident meanwhile.
    pub(super) peak_mib: f64,
}

/// A single number.
pub(super) struct Figure {
    pub(super) name: String,
    pub(super) value: f64,
    pub(super) unit: &'static str,
    pub(super) goal: Option<Goal>,
}

#[derive(Clone, Copy)]
pub(super) enum Goal {
    AtLeast(f64),
    AtMost(f64),
}

impl Goal {
    fn is_met(self, value: f64) -> bool {
        match self {
            Self::AtLeast(least) => value >= least,
            Self::AtMost(most) => value <= most,
        }
    }

    fn words(self) -> String {
        match self {
            Self::AtLeast(least) => format!("at least {least}"),
            Self::AtMost(most) => format!("at most {most}"),
        }
    }
}

impl Report {
    /// How many times `one` is as fast as `other`.
    pub(super) fn ratio(&mut self, one: &Row, other: &Row, goal: Option<Goal>) {
        let at = if one.connections == other.connections {
            String::new()
        } else {
            format!(", {} connections", one.connections)
        };
        let theirs = if one.of == other.of {
            other.operation.clone()
        } else {
            format!("{} of {}", other.operation, other.of)
        };
        let name = format!("{}{at} / {theirs}", one.operation);
        self.figure(name, one.rate / other.rate, "", goal);
    }

    pub(super) fn figure(
        &mut self,
        name: impl Into<String>,
        value: f64,
        unit: &'static str,
        goal: Option<Goal>,
    ) {
        let name = name.into();
        self.figures.push(Figure {
            name,
            value,
            unit,
            goal,
        });
    }

    /// As Markdown.
    pub(super) fn tables(&self) -> String {
        let rows = table(Row::HEADS, self.rows.iter().map(Row::cells));
        let figures = table(Figure::HEADS, self.figures.iter().map(Figure::cells));
        let tables: Vec<_> = [rows, figures]
            .into_iter()
            .filter(|table| !table.is_empty())
            .collect();
        tables.join("\n")
    }

    pub(super) fn json(&self, subject: &str) -> Value {
        let rows: Vec<_> = self.rows.iter().map(Row::json).collect();
        let figures: Vec<_> = self.figures.iter().map(Figure::json).collect();
        json!({"subject": subject, "rows": rows, "figures": figures})
    }
}

impl Row {
    const HEADS: [(&str, Side); 8] = [
        ("Operation", Side::Left),
        ("Answered by", Side::Left),
        ("Connections", Side::Right),
        ("1/s", Side::Right),
        ("p50 ms", Side::Right),
        ("p99 ms", Side::Right),
        ("CPU s / 1,000", Side::Right),
        ("Peak MiB", Side::Right),
    ];

    fn cells(&self) -> [String; 8] {
        let known = |value: Option<f64>, digits: usize| {
            value.map_or_else(String::new, |value| format!("{value:.digits$}"))
        };
        [
            self.operation.clone(),
            self.of.to_owned(),
            self.connections.to_string(),
            format!("{:.0}", self.rate),
            known(self.latency.map(|latency| latency.p50), 2),
            known(self.latency.map(|latency| latency.p99), 2),
            known(self.cost.map(|cost| cost.cpu_seconds), 3),
            known(self.cost.map(|cost| cost.peak_mib), 0),
        ]
    }

    fn json(&self) -> Value {
        json!({
            "operation": self.operation,
            "of": self.of,
            "connections": self.connections,
            "rate": rounded(self.rate),
            "p50_ms": self.latency.map(|latency| rounded(latency.p50)),
            "p99_ms": self.latency.map(|latency| rounded(latency.p99)),
            "cpu_seconds_per_1000": self.cost.map(|cost| rounded(cost.cpu_seconds)),
            "peak_resident_mib": self.cost.map(|cost| rounded(cost.peak_mib)),
        })
    }
}

impl Figure {
    const HEADS: [(&str, Side); 4] = [
        ("Figure", Side::Left),
        ("Value", Side::Right),
        ("Target", Side::Left),
        ("", Side::Left),
    ];

    fn cells(&self) -> [String; 4] {
        let verdict = match self.goal.map(|goal| goal.is_met(self.value)) {
            Some(true) => "met",
            Some(false) => "**missed**",
            None => "",
        };
        [
            self.name.clone(),
            format!("{:.2} {}", self.value, self.unit)
                .trim_end()
                .to_owned(),
            self.goal.map_or_else(String::new, Goal::words),
            verdict.to_owned(),
        ]
    }

    fn json(&self) -> Value {
        json!({
            "name": self.name,
            "value": rounded(self.value),
            "unit": self.unit,
            "target": self.goal.map(Goal::words),
            "met": self.goal.map(|goal| goal.is_met(self.value)),
        })
    }
}

/// Digits beyond these are noise.
fn rounded(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_target_is_marked() {
        let mut report = Report::default();
        let row = |operation: &str, of, rate| Row {
            operation: operation.to_owned(),
            of,
            connections: 32,
            rate,
            latency: None,
            cost: None,
        };
        let (one, other) = (
            row("create", "regcred", 30.0),
            row("KV write", "OpenBao", 10.0),
        );
        report.ratio(&one, &other, Some(Goal::AtLeast(5.0)));
        report.figure("memory", 12.0, "MiB", Some(Goal::AtMost(40.0)));
        let expected = "\
| Figure                       |     Value | Target     |            |
| ---------------------------- | --------: | ---------- | ---------- |
| create / KV write of OpenBao |      3.00 | at least 5 | **missed** |
| memory                       | 12.00 MiB | at most 40 | met        |
";
        assert_eq!(report.tables(), expected);
        let met: Vec<_> = report
            .figures
            .iter()
            .map(|figure| figure.json()["met"].clone())
            .collect();
        assert_eq!(met, [false, true]);
    }
}
