//! `paddock report`: what was run, looked at again.

mod merge;

use std::process::ExitCode;

use crate::{cli::Report, exit::Failure};

/// Does what is asked about recorded runs.
pub(crate) fn run(report: Report) -> Result<ExitCode, Failure> {
    match report {
        Report::Merge(options) => merge::run(&options),
    }
}
