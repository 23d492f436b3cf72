//! One module per verb.

mod broker;
mod interrupt;
mod manual;
mod run;
mod scenarios;
mod simulate;
mod target;

use std::process::ExitCode;

use crate::{cli::Verb, exit::Failure};

/// Does what the command line asks.
///
/// # Errors
///
/// Why it could not be done; what it found when it could is in the exit code.
pub(crate) fn run(verb: Verb) -> Result<ExitCode, Failure> {
    match verb {
        Verb::Run(options) => run::run(options),
        Verb::Simulate(options) => simulate::run(options),
        Verb::Broker(options) => broker::run(&options),
        Verb::Scenarios(options) => scenarios::run(options),
        Verb::Completions { shell } => manual::completions(shell),
        Verb::Man { directory } => manual::pages(&directory),
    }
}
