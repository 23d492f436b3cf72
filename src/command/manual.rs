//! Completions and man pages, from the same definitions as the help.

use std::{path::Path, process::ExitCode};

use clap::CommandFactory;
use clap_complete::Shell;

use super::say;
use crate::{cli::Cli, exit::Failure};

/// `paddock completions SHELL`: the script, on stdout.
pub(crate) fn completions(shell: Shell) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "paddock", &mut script);
    say(String::from_utf8_lossy(&script).trim_end())
}

/// `paddock man DIR`: one page for the command and one per verb.
pub(crate) fn pages(directory: &Path) -> Result<ExitCode, Failure> {
    clap_mangen::generate_to(Cli::command(), directory)
        .map_err(|error| Failure::usage(format!("cannot write man pages to {}: {error}", directory.display())))?;
    Ok(ExitCode::SUCCESS)
}
