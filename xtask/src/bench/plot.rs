//! The growth curve, as a picture for docs/: rates, the time from start to ready, and memory, from a thousand to a
//! million credentials.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::shell::{Doing, Outcome};

/// What was measured of one installation.
pub(super) struct Point {
    pub(super) credentials: u32,
    /// Rates.
    pub(super) list: f64,
    pub(super) pull: f64,
    /// From start to ready, in seconds.
    pub(super) ready: f64,
    /// Under load.
    pub(super) peak_mib: f64,
}

/// Writes the picture.
pub(super) fn write(points: &[Point], file: &Path) -> Outcome {
    fs::write(file, picture(points)).doing(format_args!("write {}", file.display()))
}

fn picture(points: &[Point]) -> String {
    let relative = |rate: fn(&Point) -> f64| {
        let base = points.first().map_or(1.0, rate);
        points
            .iter()
            .map(|point| rate(point) / base)
            .collect::<Vec<_>>()
    };
    let panels = [
        Panel {
            title: "Rate, relative to 1,000 credentials",
            goal: (0.8, "at least 0.8"),
            top: 1.2,
            digits: 2,
            curves: vec![
                Curve {
                    name: "list of 10",
                    colour: "#1f6feb",
                    values: relative(|point| point.list),
                    below: false,
                },
                Curve {
                    name: "resolve",
                    colour: "#d4620b",
                    values: relative(|point| point.pull),
                    below: true,
                },
            ],
        },
        Panel {
            title: "Start to ready, in seconds",
            goal: (0.5, "at most 0.5 s"),
            top: 0.6,
            digits: 2,
            curves: vec![Curve {
                name: "",
                colour: "#1a7f5a",
                values: points.iter().map(|point| point.ready).collect(),
                below: false,
            }],
        },
        Panel {
            title: "Resident memory under load, in MiB",
            goal: (200.0, "at most 200 MiB"),
            top: 240.0,
            digits: 0,
            curves: vec![Curve {
                name: "",
                colour: "#8250df",
                values: points.iter().map(|point| point.peak_mib).collect(),
                below: false,
            }],
        },
    ];
    let labels: Vec<_> = points
        .iter()
        .map(|point| short(point.credentials))
        .collect();
    let mut svg = String::from(HEAD);
    for (number, panel) in (0_u32..).zip(panels) {
        panel.draw(LEFT + f64::from(number) * (WIDTH + GAP), &labels, &mut svg);
    }
    svg.push_str("</svg>\n");
    svg
}

struct Panel {
    title: &'static str,
    /// Drawn as a dashed line.
    goal: (f64, &'static str),
    /// The highest value that has room, unless one is higher.
    top: f64,
    digits: usize,
    curves: Vec<Curve>,
}

struct Curve {
    name: &'static str,
    colour: &'static str,
    values: Vec<f64>,
    /// Whether its numbers stand below the line.
    below: bool,
}

impl Panel {
    fn draw(&self, left: f64, labels: &[String], svg: &mut String) {
        let highest = self
            .curves
            .iter()
            .flat_map(|curve| curve.values.iter().copied());
        let top = highest.fold(self.top, |top, value| top.max(value * 1.15));
        let y = |value: f64| BOTTOM - value / top * HEIGHT;
        let step = WIDTH / f64::from(u32::try_from(labels.len().max(2) - 1).unwrap_or(1));
        let places = || (0_u32..).map(|number| left + f64::from(number) * step);
        let (right, middle) = (left + WIDTH, left + WIDTH / 2.0);
        let _ = writeln!(
            svg,
            r#"<text class="title" x="{middle:.1}" y="34">{}</text>"#,
            self.title
        );
        let _ = writeln!(
            svg,
            r#"<path class="axis" d="M{:.1} {BOTTOM}H{:.1}"/>"#,
            left - 12.0,
            right + 12.0
        );
        for (x, label) in places().zip(labels) {
            let _ = writeln!(
                svg,
                r#"<text class="label" x="{x:.1}" y="{}">{label}</text>"#,
                BOTTOM + 20.0
            );
        }
        let (goal, words) = self.goal;
        let at = y(goal);
        let _ = writeln!(
            svg,
            r#"<path class="goal" d="M{:.1} {at:.1}H{:.1}"/>"#,
            left - 12.0,
            right + 12.0
        );
        let _ = writeln!(
            svg,
            r#"<text class="aim" x="{:.1}" y="{:.1}">{words}</text>"#,
            left - 12.0,
            at + 15.0
        );
        for curve in &self.curves {
            curve.draw(places(), y, self.digits, svg);
        }
        let mut at = middle - 62.0;
        for curve in self.curves.iter().filter(|curve| !curve.name.is_empty()) {
            let _ = writeln!(
                svg,
                r#"<circle cx="{at:.1}" cy="52" r="4" fill="{}"/>"#,
                curve.colour
            );
            let _ = writeln!(
                svg,
                r#"<text class="name" x="{:.1}" y="56">{}</text>"#,
                at + 9.0,
                curve.name
            );
            at += 84.0;
        }
    }
}

impl Curve {
    fn draw(
        &self,
        places: impl Iterator<Item = f64>,
        y: impl Fn(f64) -> f64,
        digits: usize,
        svg: &mut String,
    ) {
        let points: Vec<_> = places
            .zip(&self.values)
            .map(|(x, value)| (x, y(*value), value))
            .collect();
        let line: Vec<_> = points
            .iter()
            .map(|(x, y, _)| format!("{x:.1},{y:.1}"))
            .collect();
        let (line, colour) = (line.join(" "), self.colour);
        let _ = writeln!(
            svg,
            r#"<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2.5"/>"#
        );
        for (x, y, value) in points {
            let beside = if self.below { y + 19.0 } else { y - 10.0 };
            let _ = writeln!(
                svg,
                r#"<circle cx="{x:.1}" cy="{y:.1}" r="4" fill="{colour}"/>"#
            );
            let _ = writeln!(
                svg,
                r#"<text class="value" x="{x:.1}" y="{beside:.1}" fill="{colour}">{value:.digits$}</text>"#
            );
        }
    }
}

/// 1 k, 1 M.
fn short(number: u32) -> String {
    if number >= 1_000_000 {
        format!("{} M", number / 1_000_000)
    } else {
        format!("{} k", number / 1_000)
    }
}

const LEFT: f64 = 46.0;
const WIDTH: f64 = 230.0;
const GAP: f64 = 74.0;
const BOTTOM: f64 = 270.0;
const HEIGHT: f64 = 200.0;
/// With a ground of its own, so that it can be read on a dark page, too.
const HEAD: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 930 320" width="930" height="320" role="img" font-family="system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif" font-size="12">
<title>Rate, start and memory of regcred from 1,000 to 1,000,000 credentials</title>
<style>
.title { font-weight: 600; font-size: 13px; text-anchor: middle; fill: #1f2328 }
.label, .value { text-anchor: middle }
.label, .name, .aim { fill: #59636e }
.value { font-size: 11px; font-weight: 600 }
.aim { font-size: 11px }
.axis { stroke: #b7bec6 }
.goal { stroke: #8c959f; stroke-dasharray: 4 4 }
</style>
<rect width="930" height="320" rx="10" fill="#fbfcfd" stroke="#dfe3e8"/>
<text class="label" x="465" y="308">credentials, ten in each project</text>
"##;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_has_its_number_and_stays_inside() {
        let point = |credentials, list| Point {
            credentials,
            list,
            pull: 50.0,
            ready: 0.02,
            peak_mib: 900.0,
        };
        let svg = picture(&[point(1_000, 100.0), point(1_000_000, 75.0)]);
        for text in [">1 k<", ">1 M<", ">0.75<", ">900<", ">at least 0.8<"] {
            assert!(svg.contains(text), "{text} is not in {svg}");
        }
        let heights = svg
            .split("cy=\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next()?.parse::<f64>().ok());
        assert!(heights.clone().count() > 8);
        assert!(heights.into_iter().all(|y| (0.0..=BOTTOM).contains(&y)));
    }
}
