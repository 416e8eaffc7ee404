//! Running programs in the root of the workspace, the way a person would at a prompt.

use std::env;
use std::ffi::OsStr;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// What a chore comes to.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

/// What went wrong, in words for the person who ran the chore.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Says what was being done when an operation of the system failed.
pub(crate) trait Doing<T> {
    /// `what` reads on from "cannot".
    fn doing(self, what: impl fmt::Display) -> Outcome<T>;
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, what: impl fmt::Display) -> Outcome<T> {
        self.map_err(|error| Failure(format!("cannot {what}: {error}")))
    }
}

/// Runs programs and keeps what they print: on the terminal, or in a file that is shown if something fails.
pub(crate) struct Shell {
    log: Option<File>,
}

impl Shell {
    /// Programs print where the chore prints.
    pub(crate) fn terminal() -> Self {
        Self { log: None }
    }

    /// Programs print to the file, which starts empty.
    pub(crate) fn logged(path: &Path) -> Outcome<Self> {
        path.parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| File::create(path))
            .map(|file| Self { log: Some(file) })
            .doing(format_args!("write {}", path.display()))
    }

    /// Prints a line.
    pub(crate) fn say(&self, line: impl fmt::Display) -> Outcome {
        if let Some(mut file) = self.log.as_ref() {
            return writeln!(file, "{line}").doing("write the log of a check");
        }
        println!("{line}");
        Ok(())
    }

    /// Runs the command to its end; one that does not succeed is a failure.
    pub(crate) fn run(&self, command: &mut Command) -> Outcome {
        command.stdout(self.output()?);
        self.finish(command).map(|_| ())
    }

    /// Runs the command like [`Shell::run`] and returns what it wrote to standard output.
    pub(crate) fn read(&self, command: &mut Command) -> Outcome<String> {
        command.stdout(Stdio::piped());
        let bytes = self.finish(command)?;
        String::from_utf8(bytes)
            .map_err(|_| Failure(format!("`{}` did not print text", Shown(command))))
    }

    /// Starts the command, to run beside the chore. What it has to say about errors goes where the chore prints.
    pub(crate) fn start(&self, command: &mut Command) -> Outcome<Child> {
        command.stderr(self.output()?);
        let program = command.get_program().to_owned();
        command
            .spawn()
            .doing(format_args!("run `{}`", program.display()))
    }

    fn finish(&self, command: &mut Command) -> Outcome<Vec<u8>> {
        if self.log.is_some() {
            self.say(format_args!("$ {}", Shown(command)))?;
        }
        command
            .current_dir(root())
            .stdin(Stdio::null())
            .stderr(self.output()?);
        let output = command.spawn().and_then(Child::wait_with_output);
        let output = output.doing(format_args!("run `{}`", Shown(command)))?;
        if output.status.success() {
            Ok(output.stdout)
        } else {
            Err(Failure(format!(
                "`{}` failed, {}",
                Shown(command),
                output.status
            )))
        }
    }

    fn output(&self) -> Outcome<Stdio> {
        match &self.log {
            // The copy shares its position with the original, so that the lines of all programs stay in order.
            Some(file) => file
                .try_clone()
                .map(Stdio::from)
                .doing("share the log of a check"),
            None => Ok(Stdio::inherit()),
        }
    }
}

/// A program with its arguments, which stand apart by a space.
pub(crate) fn command(program: impl AsRef<OsStr>, args: &str) -> Command {
    let mut command = Command::new(program);
    command.args(args.split_whitespace());
    command
}

/// Whether the command can be run here and succeeds. It prints nothing.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .current_dir(root())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The root of the workspace.
pub(crate) fn root() -> &'static Path {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    crate_folder.parent().unwrap_or(crate_folder)
}

/// The folder that cargo builds in. All that chores make and nobody commits goes there too.
pub(crate) fn target() -> Outcome<PathBuf> {
    // This program is in `debug` of it, wherever the person's configuration has put it.
    let here = env::current_exe().doing("find the path of this program")?;
    let folder = here.ancestors().nth(2).map(Path::to_owned);
    folder.ok_or_else(|| {
        Failure::new("this program is not in cargo's target folder; run it as `cargo xtask`")
    })
}

/// A command as one would type it.
struct Shown<'a>(&'a Command);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in self.0.get_envs() {
            if let Some(value) = value {
                write!(
                    f,
                    "{}={} ",
                    name.display(),
                    quoted(&value.to_string_lossy())
                )?;
            }
        }
        f.write_str(&quoted(&self.0.get_program().to_string_lossy()))?;
        for argument in self.0.get_args() {
            write!(f, " {}", quoted(&argument.to_string_lossy()))?;
        }
        Ok(())
    }
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_command_is_shown_as_one_would_type_it() {
        let mut failing = command("sh", "-c");
        failing
            .arg("echo it\\'s; exit 3")
            .env("FLAGS", "-D warnings");
        let failure = Shell::terminal().read(&mut failing).unwrap_err();
        assert_eq!(
            failure.to_string(),
            r"`FLAGS='-D warnings' sh -c 'echo it\'\''s; exit 3'` failed, exit status: 3"
        );
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let failure = Shell::terminal()
            .run(&mut command("no-such-program", "x"))
            .unwrap_err();
        assert!(
            failure
                .to_string()
                .starts_with("cannot run `no-such-program x`: "),
            "{failure}"
        );
    }
}
