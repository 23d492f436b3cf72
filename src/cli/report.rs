//! `paddock report`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

#[derive(Debug, Subcommand)]
pub(crate) enum Report {
    /// Join the segments of a run into one run.
    ///
    /// Name the run folders of all segments, in any order. Their figures add up, every message is accounted for over all of
    /// them, and thresholds and verdict are judged on the whole. The new folder is a run folder like any other.
    Merge(Merge),
}

#[derive(Debug, Args)]
pub(crate) struct Merge {
    /// The run folders of all segments (`paddock run --segment`).
    #[arg(required = true, value_name = "RUN", value_hint = ValueHint::DirPath)]
    pub(crate) runs: Vec<PathBuf>,
    /// The folder of the joint run; it must not hold another run.
    #[arg(long, required = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) out: PathBuf,
}
