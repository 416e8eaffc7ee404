//! The credential helper of docker and of everything that speaks its protocol.

use std::process::ExitCode;

fn main() -> ExitCode {
    regcred_helpers::docker::main()
}
