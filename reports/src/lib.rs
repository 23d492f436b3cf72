//! Observations in; terminal, JSON, JUnit, HTML, HDR log, CSV and OpenMetrics out.
//!
//! * [`observation`]: what a run saw, and its form on disk. Start reading here.
//! * [`Summary`]: what a run amounts to, a fold over its observations; thresholds are judged on it.
//! * [`Sink`]: where observations go; every output is one, [`Tee`] joins them. [`outputs::open`] gives those of a run
//!   folder, [`Terminal`] shows progress and the verdict, [`render`] makes the files of a recorded run again, [`Replay`] lets
//!   it be judged anew in between.
//! * [`merge`]: the segments of a split run as one run.
//! * [`RunFolder`]: where the outputs of one run lie.
//! * [`comparison::Comparison`]: two sides compared run by run, a document that whoever compares fills in.
//! * [`Suite`]: a conformance run or a proof, another fold. [`SuiteTerminal`] shows it, [`SuiteFiles`] writes its JUnit, JSON
//!   and HTML, [`Suite::replay`] reads a recorded one.
//! * [`capacity::Capacity`]: what a search over many runs found, a document of its own.
//!
//! This crate judges nothing: thresholds and verdicts arrive as observations. It knows no scenarios and no brokers, so that
//! a conformance suite, a certification and a load run report alike.

pub mod capacity;
pub mod comparison;
mod csv;
pub mod figures;
mod hdr_log;
mod headline;
mod html;
mod json_lines;
mod junit;
pub mod labels;
pub mod merge;
pub mod observation;
mod open_metrics;
pub mod outputs;
pub mod reader;
mod replay;
pub mod run_folder;
pub mod sink;
pub mod suite;
pub mod summary;
mod summary_json;
mod terminal;

pub use comparison::{Comparison, comparison_schema};
pub use csv::{COLUMNS, Csv};
pub use hdr_log::HdrLog;
pub use headline::{Headline, Word};
pub use html::{capacity_html, comparison_html, html, report_style};
pub use json_lines::JsonLines;
pub use junit::junit;
pub use labels::{Labels, label};
pub use observation::{Observation, metric};
pub use open_metrics::{OPEN_METRICS_TYPE, open_metrics};
pub use outputs::{Documents, Output};
pub use reader::{ReadError, Reader};
pub use replay::{RenderError, Replay, render};
pub use run_folder::{FolderError, RunFolder};
pub use sink::{Sink, Tee};
pub use suite::{
    SUITE_SCHEMA, Suite, SuiteError, SuiteFiles, SuiteOutput, suite_html, suite_json, suite_junit, suite_schema,
};
pub use summary::{Counter, Summary};
pub use summary_json::{SUMMARY_SCHEMA, summary_json, summary_schema};
pub use terminal::{Progress, SuiteTerminal, Terminal};
