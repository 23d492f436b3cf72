//! `latency.hlog`: distributions over time, in HdrHistogram's interval log format (version 1.3, histograms V2 with deflate).
//!
//! Untagged lines are the end-to-end latency; `service`, `generator_lag` and `round_trip` are tagged. The maximum column is in
//! milliseconds, the histograms hold nanoseconds, as HdrHistogram's plotters expect.

use crate::observation::{Observation, Percentiles, RunStarted, Window, metric};
use crate::run_folder::{RunFolder, file};
use crate::sink::Sink;
use std::fs::File;
use std::io::{self, BufWriter, Write};

/// Writes a line per window and distribution.
#[derive(Debug)]
pub struct HdrLog<W: Write> {
    out: BufWriter<W>,
}

impl HdrLog<File> {
    /// Into the run folder.
    ///
    /// # Errors
    /// When the file cannot be created.
    pub fn create(folder: &RunFolder) -> io::Result<Self> {
        Ok(Self::new(File::create(folder.path().join(file::LATENCY))?))
    }
}

impl<W: Write> HdrLog<W> {
    /// Into any writer.
    pub fn new(out: W) -> Self {
        Self { out: BufWriter::new(out) }
    }

    /// What was written so far.
    ///
    /// # Errors
    /// When the writer fails to take it.
    pub fn into_inner(self) -> io::Result<W> {
        self.out.into_inner().map_err(io::IntoInnerError::into_error)
    }

    fn head(&mut self, run: &RunStarted) -> io::Result<()> {
        let tool = format!("{} {}", run.tool.name, run.tool.version).replace(['\n', '\r'], " ");
        let started = run.started_at.as_duration().as_secs_f64();
        writeln!(self.out, "#[Logged with {tool}]")?;
        writeln!(self.out, "#[Histogram log format version 1.3]")?;
        writeln!(self.out, "#[StartTime: {started:.3} (seconds since epoch), {}]", run.started_at)?;
        writeln!(self.out, "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"")
    }

    fn line(&mut self, tag: Option<&str>, window: &Window, percentiles: &Percentiles) -> io::Result<()> {
        let Some(histogram) = &percentiles.histogram else { return Ok(()) };
        if let Some(tag) = tag {
            write!(self.out, "Tag={tag},")?;
        }
        let (at, length) = (window.at.as_secs_f64(), window.length.as_secs_f64());
        let milliseconds = percentiles.max.as_secs_f64() * 1000.0;
        writeln!(self.out, "{at:.3},{length:.3},{milliseconds:.6},{}", histogram.as_str())
    }
}

impl<W: Write + Send> Sink for HdrLog<W> {
    fn record(&mut self, observation: &Observation) -> io::Result<()> {
        match observation {
            Observation::RunStarted(run) => self.head(run),
            Observation::Window(window) => {
                self.line(None, window, &window.e2e)?;
                self.line(Some(metric::SERVICE), window, &window.service)?;
                self.line(Some(metric::GENERATOR_LAG), window, &window.lag)?;
                self.line(Some(metric::ROUND_TRIP), window, &window.round_trip)?;
                self.out.flush()
            }
            _ => Ok(()),
        }
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.out.flush()
    }
}
