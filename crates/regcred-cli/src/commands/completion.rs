//! `regcred completion`: what a shell needs to complete commands and flags.

use clap::{Args, CommandFactory as _, ValueEnum};
use clap_complete::{Generator, shells};

use super::Cli;
use crate::failure::Result;
use crate::output::print;

#[derive(Args)]
#[command(after_help = "\
bash:  regcred completion bash > ~/.local/share/bash-completion/completions/regcred
zsh:   regcred completion zsh > \"${fpath[1]}/_regcred\"
fish:  regcred completion fish > ~/.config/fish/completions/regcred.fish")]
pub(super) struct Completion {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(Clone, Copy, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

impl Completion {
    pub(super) fn run(&self) -> Result<()> {
        match self.shell {
            Shell::Bash => generate(shells::Bash),
            Shell::Zsh => generate(shells::Zsh),
            Shell::Fish => generate(shells::Fish),
        }
    }
}

fn generate(shell: impl Generator) -> Result<()> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "regcred", &mut text);
    print(&String::from_utf8_lossy(&text))
}
