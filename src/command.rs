//! One module per verb.

mod broker;
mod capacity;
mod certs;
mod compare;
mod conformance;
mod identities;
mod interrupt;
mod manual;
mod password;
mod properties;
mod report;
mod run;
mod scenarios;
mod segment;
mod simulate;
mod target;
mod under_test;
mod watched;

use std::{
    fmt,
    io::{self, Write},
    process::ExitCode,
};

use crate::{cli::Verb, exit::Failure};

/// Does what the command line asks.
///
/// # Errors
///
/// Why it could not be done; what it found when it could is in the exit code.
pub(crate) fn run(verb: Verb) -> Result<ExitCode, Failure> {
    match verb {
        Verb::Run(options) => run::run(options),
        Verb::Report(options) => report::run(&options),
        Verb::Capacity(options) => capacity::run(*options),
        Verb::NullSink(options) => capacity::null_sink(&options),
        Verb::Simulate(options) => simulate::run(options),
        Verb::Broker(options) => broker::run(&options),
        Verb::Certs(options) => certs::run(&options),
        Verb::Compare(options) => compare::run(&options),
        Verb::Conformance(options) => conformance::run(*options),
        Verb::Scenarios(options) => scenarios::run(options),
        Verb::Completions { shell } => manual::completions(shell),
        Verb::Man { directory } => manual::pages(&directory),
    }
}

/// Writes `text` and the end of its line to stdout.
fn say(text: impl fmt::Display) -> Result<ExitCode, Failure> {
    let mut stdout = io::stdout().lock();
    match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
        // Whoever reads us has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        Err(error) => Err(Failure::internal(format!("cannot write to stdout: {error}"))),
        Ok(()) => Ok(ExitCode::SUCCESS),
    }
}
