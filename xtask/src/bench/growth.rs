//! How regcred behaves as it grows: installations with a thousand and with up to a million credentials, asked in turns.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::load::Scripts;
use super::measure::{Operation, in_turns, median};
use super::plot::{self, Point};
use super::report::{Goal, Report, Row};
use super::service::{Backend, Service};
use super::yardstick::build;
use crate::shell::{Doing, Failure, Outcome, Shell, command, root};

pub(super) fn run(shell: &Shell, folder: &Path, report: &mut Report) -> Outcome {
    let fill = build(shell, "regcred-storage", "fill")?;
    let [a, b, c, d] = SIZES.map(|size| Grown::start(shell, &fill, folder, size));
    let grown = [a?, b?, c?, d?];
    let lists = grown.each_ref().map(|grown| || grown.list.run(32, SECONDS));
    let lists = in_turns(&lists)?;
    let [a, b, c, d] = &grown;
    let pulls = [&a.pull, &b.pull, &c.pull, &d.pull, &d.pull_of_few];
    let pulls = pulls.map(|pull| || pull.run(32, SECONDS));
    let [a, b, c, d, of_few] = in_turns(&pulls)?;
    let pulls = [a, b, c, d];

    let mut points = Vec::new();
    for ((grown, list), pull) in grown.iter().zip(&lists).zip(&pulls) {
        points.push(grown.point(list, pull)?);
    }
    let (Some(few), Some(many)) = (points.first(), points.last()) else {
        return Err(Failure::new("nothing was grown"));
    };
    tell(few, many, report);
    let name = "resolve in 100 projects with 1,000,000 credentials / with 1,000";
    report.figure(name, of_few.rate / few.pull, "", None);
    report.rows.extend(lists.into_iter().chain(pulls));
    report.rows.push(of_few);
    plot::write(&points, &root().join("docs/growth.svg"))?;
    for grown in grown {
        let data = grown.data.clone();
        drop(grown);
        fs::remove_dir_all(&data).doing(format_args!("remove {}", data.display()))?;
    }
    Ok(())
}

fn tell(few: &Point, many: &Point, report: &mut Report) {
    let goal = Goal::AtLeast(0.8);
    for (name, ratio) in [
        ("list", many.list / few.list),
        ("resolve", many.pull / few.pull),
    ] {
        let name = format!("{name} with 1,000,000 credentials / with 1,000");
        report.figure(name, ratio, "", Some(goal));
    }
    let memory = "resident memory with 1,000,000 credentials, under load";
    report.figure(memory, many.peak_mib, "MiB", Some(Goal::AtMost(200.0)));
    let ready = "start to ready with 1,000,000 credentials";
    report.figure(ready, many.ready, "s", Some(Goal::AtMost(0.5)));
}

/// A filled installation, served.
struct Grown {
    service: Service,
    data: PathBuf,
    size: u32,
    /// From start to ready, in seconds.
    ready: f64,
    list: Operation,
    pull: Operation,
    /// In as many projects as the smallest one has.
    pull_of_few: Operation,
}

impl Grown {
    fn start(shell: &Shell, fill: &Path, folder: &Path, size: u32) -> Outcome<Self> {
        let data = folder.join(format!("growth-{size}"));
        Service::make(Backend::Sqlite, &data)?;
        shell.say(format_args!(
            "Filling an installation with {size} credentials"
        ))?;
        let filled = folder.join(format!("filled-{size}"));
        let text = shell.read(command(fill, "").arg(&data).arg(size.to_string()))?;
        fs::write(&filled, &text).doing(format_args!("write {}", filled.display()))?;
        let mut starts = Vec::new();
        for _ in 0..STARTS {
            starts.push(
                Service::start_again(Backend::Sqlite, &data)?
                    .ready_after
                    .as_secs_f64(),
            );
        }
        let mut service = Service::start_again(Backend::Sqlite, &data)?;
        service.log_in()?;
        let scripts = Scripts {
            folder,
            token: &service.token,
        };
        let list = scripts.list_of_any(&format!("list-{size}"), &filled)?;
        let pull = scripts.pull_of_any(&format!("pull-{size}"), &filled)?;
        let few = folder.join(format!("filled-{size}-few"));
        let lines = text.lines().take(FEW);
        let lines: String = lines.flat_map(|line| [line, "\n"]).collect();
        fs::write(&few, lines).doing(format_args!("write {}", few.display()))?;
        let few = scripts.pull_of_any(&format!("pull-{size}-few"), &few)?;
        let (mut list, mut pull) = (service.graphql("", list), service.pulling(pull));
        let mut pull_of_few = service.pulling(few);
        list.name = format!("list of 10, of {size}");
        pull.name = format!("resolve, of {size}");
        pull_of_few.name = format!("resolve in {FEW} projects, of {size}");
        Ok(Self {
            service,
            data,
            size,
            ready: median(starts),
            list,
            pull,
            pull_of_few,
        })
    }

    fn point(&self, list: &Row, pull: &Row) -> Outcome<Point> {
        let peaks = [list, pull].map(|row| row.cost.map_or(0.0, |cost| cost.peak_mib));
        Ok(Point {
            credentials: self.size,
            list: list.rate,
            pull: pull.rate,
            ready: self.ready,
            peak_mib: peaks
                .into_iter()
                .fold(self.service.processes().resident_mib()?, f64::max),
        })
    }
}

const SIZES: [u32; 4] = [1_000, 10_000, 100_000, 1_000_000];
/// So many projects the smallest one has.
const FEW: usize = 100;
const STARTS: usize = 5;
const SECONDS: Duration = Duration::from_secs(3);
