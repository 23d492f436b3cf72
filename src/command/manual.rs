//! Completions and man pages, from the same definitions as the help.

use std::{io, path::Path, process::ExitCode};

use clap::CommandFactory;
use clap_complete::Shell;

use crate::{cli::Cli, exit::Failure};

/// `paddock completions SHELL`: the script, on stdout.
pub(crate) fn completions(shell: Shell) -> Result<ExitCode, Failure> {
    clap_complete::generate(shell, &mut Cli::command(), "paddock", &mut io::stdout());
    Ok(ExitCode::SUCCESS)
}

/// `paddock man DIR`: one page for the command and one per verb.
pub(crate) fn pages(directory: &Path) -> Result<ExitCode, Failure> {
    clap_mangen::generate_to(Cli::command(), directory)
        .map_err(|error| Failure::usage(format!("cannot write man pages to {}: {error}", directory.display())))?;
    Ok(ExitCode::SUCCESS)
}
