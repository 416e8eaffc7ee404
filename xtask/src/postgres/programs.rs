//! PostgreSQL's server programs: found where Debian or the person has put them, or else installed.
//!
//! Debian keeps them off the path, one folder for each version; the newest serves. What is older than the oldest that
//! regcred runs on counts as missing.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use crate::shell::{Doing, Failure, Outcome, Shell};
use crate::tools;

/// The folder that holds them. It is the one in `PG_BIN`, if that is set.
pub(crate) fn programs(shell: &Shell) -> Outcome<PathBuf> {
    if let Some(chosen) = env::var_os("PG_BIN") {
        return chosen_by_person(PathBuf::from(chosen));
    }
    if let Some(folder) = newest(found()?) {
        return Ok(folder);
    }
    if tools::may_install(shell)? {
        install(shell)?;
    }
    newest(found()?).ok_or_else(|| {
        Failure::new(format!(
            "install first PostgreSQL {OLDEST} or later, under Debian's name: apt-get install {PACKAGE}; \
             or set PG_BIN to the folder of its server programs"
        ))
    })
}

fn chosen_by_person(folder: PathBuf) -> Outcome<PathBuf> {
    if version(&folder).is_some_and(|version| version >= OLDEST) {
        return Ok(folder);
    }
    Err(Failure::new(format!(
        "PG_BIN is {}, which does not hold the server programs of PostgreSQL {OLDEST} or later",
        folder.display()
    )))
}

/// Every folder with the programs, and their version.
fn found() -> Outcome<Vec<(u32, PathBuf)>> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<_> = env::split_paths(&path).collect();
    if let Ok(versions) = fs::read_dir(DEBIAN) {
        for entry in versions {
            let entry = entry.doing(format_args!("read {DEBIAN}"))?;
            folders.push(entry.path().join("bin"));
        }
    }
    let with_version = |folder: PathBuf| Some((version(&folder)?, folder));
    Ok(folders.into_iter().filter_map(with_version).collect())
}

/// The folder with the highest version that is new enough; among equals the last, which is Debian's own.
fn newest(found: Vec<(u32, PathBuf)>) -> Option<PathBuf> {
    let new_enough = found.into_iter().filter(|(version, _)| *version >= OLDEST);
    new_enough
        .max_by_key(|(version, _)| *version)
        .map(|(_, folder)| folder)
}

/// The version of the programs in the folder, if they are there: a client alone has a folder, too.
fn version(folder: &Path) -> Option<u32> {
    let there = |name: &&str| folder.join(name).is_file();
    if !["postgres", "initdb", "pg_ctl"].iter().all(there) {
        return None;
    }
    let mut postgres = Command::new(folder.join("postgres"));
    let output = postgres.arg("--version").output().ok()?;
    major(&String::from_utf8_lossy(&output.stdout))
}

/// The major version in a line like `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
fn major(line: &str) -> Option<u32> {
    let version = line.strip_prefix("postgres (PostgreSQL) ")?;
    let end = version.find(|c: char| !c.is_ascii_digit());
    version.get(..end.unwrap_or(version.len()))?.parse().ok()
}

/// Installs Debian's package. With a server Debian makes and starts a cluster of its own, which nobody here wants and
/// which would take PostgreSQL's port. For the time of the installation a file says no, so that whoever installs
/// another server later finds everything as Debian has it.
fn install(shell: &Shell) -> Outcome {
    let no_cluster = Path::new(SETTINGS).join("zz-regcred-xtask.conf");
    fs::create_dir_all(SETTINGS)
        .and_then(|()| fs::write(&no_cluster, "create_main_cluster = false\n"))
        .doing(format_args!("write {}", no_cluster.display()))?;
    let installed = tools::install(shell, &[PACKAGE]);
    fs::remove_file(&no_cluster).doing(format_args!("remove {}", no_cluster.display()))?;
    installed
}

/// Below this no version is tried.
const OLDEST: u32 = 15;

/// What Debian and Ubuntu call the server of their release, whatever its version.
const PACKAGE: &str = "postgresql";

/// Where they put the programs of each version.
const DEBIAN: &str = "/usr/lib/postgresql";

/// Where they look for what `pg_createcluster` is to do differently.
const SETTINGS: &str = "/etc/postgresql-common/createcluster.d";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_major_one_of_any_build() {
        for (line, version) in [
            (
                "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n",
                Some(15),
            ),
            ("postgres (PostgreSQL) 17.2\n", Some(17)),
            ("postgres (PostgreSQL) 18beta1\n", Some(18)),
            ("postgres (PostgreSQL) 9.6.24\n", Some(9)),
            ("postgres (PostgreSQL) devel\n", None),
            ("psql (PostgreSQL) 15.18\n", None),
            ("", None),
        ] {
            assert_eq!(major(line), version, "{line}");
        }
    }

    #[test]
    fn the_newest_that_is_new_enough_serves() {
        let chosen = |found: &[(u32, &str)]| {
            newest(
                found
                    .iter()
                    .map(|(version, folder)| (*version, folder.into()))
                    .collect(),
            )
        };
        let folder = |name: &str| Some(PathBuf::from(name));
        assert_eq!(chosen(&[(9, "a"), (17, "b"), (15, "c")]), folder("b"));
        assert_eq!(
            chosen(&[(15, "on the path"), (15, "debian's")]),
            folder("debian's")
        );
        assert_eq!(chosen(&[(14, "a"), (9, "b")]), None);
        assert_eq!(chosen(&[]), None);
    }

    #[test]
    fn a_folder_without_a_server_is_none() {
        assert_eq!(version(Path::new("/nonexistent")), None);
    }
}
