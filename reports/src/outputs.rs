//! Which files a run leaves behind, and the sinks that write them.

use crate::csv::Csv;
use crate::hdr_log::HdrLog;
use crate::html::html;
use crate::json_lines::JsonLines;
use crate::junit::junit;
use crate::observation::Observation;
use crate::open_metrics::open_metrics;
use crate::run_folder::{RunFolder, file, replace};
use crate::sink::{Sink, Tee};
use crate::summary::Summary;
use crate::summary_json::summary_json;
use std::io;
use std::path::{Path, PathBuf};

/// A file of the run folder besides `observations.jsonl`, which is always written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// `summary.json`
    Json,
    /// `junit.xml`
    JUnit,
    /// `report.html`
    Html,
    /// `latency.hlog`
    HdrLog,
    /// `windows.csv`
    Csv,
    /// `metrics.om`
    OpenMetrics,
}

impl Output {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Json, Self::JUnit, Self::Html, Self::HdrLog, Self::Csv, Self::OpenMetrics];

    /// Its name in the run folder.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Json => file::SUMMARY,
            Self::JUnit => file::JUNIT,
            Self::Html => file::REPORT,
            Self::HdrLog => file::LATENCY,
            Self::Csv => file::WINDOWS,
            Self::OpenMetrics => file::METRICS,
        }
    }
}

/// The sinks that write `observations.jsonl` and the wanted outputs into a folder.
///
/// # Errors
/// When a file cannot be created.
pub fn open(folder: &RunFolder, wanted: &[Output]) -> io::Result<Tee> {
    let mut tee = Tee::new(vec![Box::new(JsonLines::create(folder)?)]);
    if wanted.contains(&Output::HdrLog) {
        tee.push(Box::new(HdrLog::create(folder)?));
    }
    if wanted.contains(&Output::Csv) {
        tee.push(Box::new(Csv::create(folder)?));
    }
    tee.push(Box::new(Documents::new(folder.path(), wanted)));
    Ok(tee)
}

/// Folds the run once and writes the documents that need the whole of it (`summary.json`, `junit.xml`, `report.html`,
/// `metrics.om`) at its end, each in one step.
#[derive(Debug)]
pub struct Documents {
    folder: PathBuf,
    wanted: Vec<Output>,
    summary: Summary,
}

impl Documents {
    /// The wanted documents, into an existing folder.
    pub fn new(folder: &Path, wanted: &[Output]) -> Self {
        Self::of(Summary::new(), folder, wanted)
    }

    /// The same, of a run that was folded already.
    pub(crate) fn of(summary: Summary, folder: &Path, wanted: &[Output]) -> Self {
        Self { folder: folder.to_owned(), wanted: wanted.to_vec(), summary }
    }

    fn write(&self, output: Output) -> io::Result<()> {
        let text = match output {
            Output::Json => summary_json(&self.summary)?,
            Output::JUnit => junit(&self.summary).map_err(io::Error::other)?,
            Output::Html => html(&self.summary).map_err(io::Error::other)?,
            Output::OpenMetrics => open_metrics(&self.summary).map_err(io::Error::other)?,
            Output::HdrLog | Output::Csv => return Ok(()),
        };
        replace(&self.folder.join(output.file_name()), text.as_bytes())
    }
}

impl Sink for Documents {
    fn record(&mut self, observation: &Observation) -> io::Result<()> {
        self.summary.apply(observation);
        Ok(())
    }

    /// Writes every wanted document, also when one of them fails.
    fn finish(self: Box<Self>) -> io::Result<()> {
        let results: Vec<io::Result<()>> = self.wanted.iter().map(|output| self.write(*output)).collect();
        results.into_iter().collect()
    }
}
