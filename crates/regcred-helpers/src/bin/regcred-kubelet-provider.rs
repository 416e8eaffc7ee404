//! The credential provider of the kubelet.

use std::process::ExitCode;

fn main() -> ExitCode {
    regcred_helpers::kubelet::main()
}
