//! `paddock report`.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Subcommand, ValueEnum, ValueHint};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, arg_required_else_help = true)]
pub(crate) struct Report {
    #[command(subcommand)]
    pub(crate) verb: Option<ReportVerb>,
    #[command(flatten)]
    pub(crate) again: Again,
}

/// One run, once more.
#[derive(Debug, Args)]
pub(crate) struct Again {
    /// The run folder, such as runs/20260131T120000Z-phase-1.
    #[arg(value_name = "RUN", required = true, value_hint = ValueHint::DirPath)]
    pub(crate) run: Option<PathBuf>,
    /// Judge the run by these thresholds instead of its own: those of a scenario, by its file or its name in the catalogue, or of
    /// a file that has nothing but a section `thresholds`. Without --out nothing is written then, so that the run folder keeps
    /// its own verdict.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) thresholds: Option<String>,
    /// Write the files to this folder. [default: the run folder]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) out: Option<PathBuf>,
    /// The files to write. [default: all]
    #[arg(long, value_name = "FILE", value_enum, value_delimiter = ',')]
    pub(crate) only: Vec<Rendered>,
}

/// A file that is made from observations.jsonl.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Rendered {
    /// report.html.
    Html,
    /// summary.json.
    Json,
    /// junit.xml.
    Junit,
    /// windows.csv.
    Csv,
    /// metrics.om, OpenMetrics text.
    OpenMetrics,
    /// latency.hlog, for HdrHistogram's tools.
    HdrLog,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ReportVerb {
    /// Browse the runs below a folder, in a web browser.
    ///
    /// The first line on stdout is the address to open. Every run is listed with its verdict, newest first; the list follows what
    /// is added while it is open. Nothing is ever changed, and nothing outside of the folder is shown.
    Serve(Serve),
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

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The folder with the runs.
    #[arg(value_name = "DIR", default_value = "runs", value_hint = ValueHint::DirPath)]
    pub(crate) folder: PathBuf,
    /// Where to listen; port 0 picks a free one. Whoever reaches the address may read every run: it asks for no password.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:0")]
    pub(crate) listen: SocketAddr,
}
