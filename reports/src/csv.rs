//! `windows.csv`: one row per window, for spreadsheets and data frames.
//!
//! RFC 4180 with a header: commas, line breaks of CR LF, quotes only where a cell needs them. Numbers have a point and no
//! thousands separators; a cell is empty where nothing was measured. Times are seconds (`_s`) and milliseconds (`_ms`), memory
//! is bytes, processor time is in cores. The columns are listed in this crate's README; new ones are added at the end.

use crate::observation::{Observation, Percentiles, ProcessUsage, Window};
use crate::run_folder::{RunFolder, file};
use crate::sink::Sink;
use csv::{Terminator, Writer, WriterBuilder};
use std::fs::File;
use std::io::{self, Write};
use std::time::Duration;

/// The header, one name per cell of a row.
pub const COLUMNS: [&str; 35] = [
    "offset_s",
    "length_s",
    "stage",
    "intended",
    "sent",
    "acknowledged",
    "expected",
    "received",
    "connections",
    "e2e_count",
    "e2e_p50_ms",
    "e2e_p95_ms",
    "e2e_p99_ms",
    "e2e_max_ms",
    "service_count",
    "service_p50_ms",
    "service_p95_ms",
    "service_p99_ms",
    "service_max_ms",
    "lag_count",
    "lag_p50_ms",
    "lag_p95_ms",
    "lag_p99_ms",
    "lag_max_ms",
    "broker_cpu_cores",
    "broker_rss_bytes",
    "broker_open_files",
    "generator_cpu_cores",
    "generator_rss_bytes",
    "generator_open_files",
    "round_trip_count",
    "round_trip_p50_ms",
    "round_trip_p95_ms",
    "round_trip_p99_ms",
    "round_trip_max_ms",
];

/// Writes a row per window.
#[derive(Debug)]
pub struct Csv<W: Write> {
    out: Writer<W>,
    begun: bool,
}

impl Csv<File> {
    /// Into the run folder.
    ///
    /// # Errors
    /// When the file cannot be created.
    pub fn create(folder: &RunFolder) -> io::Result<Self> {
        Ok(Self::new(File::create(folder.path().join(file::WINDOWS))?))
    }
}

impl<W: Write> Csv<W> {
    /// Into any writer.
    pub fn new(out: W) -> Self {
        Self { out: WriterBuilder::new().terminator(Terminator::CRLF).from_writer(out), begun: false }
    }

    /// What was written so far.
    ///
    /// # Errors
    /// When the writer fails to take it.
    pub fn into_inner(mut self) -> io::Result<W> {
        self.begin()?;
        self.out.into_inner().map_err(|error| io::Error::new(error.error().kind(), error.to_string()))
    }

    /// The header, once: also of a run without a single window.
    fn begin(&mut self) -> io::Result<()> {
        if !self.begun {
            self.begun = true;
            self.out.write_record(COLUMNS)?;
        }
        Ok(())
    }
}

impl<W: Write + Send> Sink for Csv<W> {
    fn record(&mut self, observation: &Observation) -> io::Result<()> {
        self.begin()?;
        if let Observation::Window(window) = observation {
            self.out.write_record(row(window))?;
            self.out.flush()?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.begin()?;
        self.out.flush()
    }
}

fn row(window: &Window) -> Vec<String> {
    let seconds = |duration: Duration| format!("{:.3}", duration.as_secs_f64());
    let total = &window.total;
    let mut row = vec![seconds(window.at), seconds(window.length), harmless(&window.stage)];
    let counts = [total.intended, total.sent, total.acknowledged, total.expected, total.received, window.connections];
    row.extend(counts.map(|count| count.to_string()));
    for percentiles in [&window.e2e, &window.service, &window.lag] {
        row.extend(times(percentiles));
    }
    for usage in [window.target, window.generator] {
        row.extend(resources(usage.unwrap_or_default()));
    }
    row.extend(times(&window.round_trip));
    row
}

fn times(percentiles: &Percentiles) -> [String; 5] {
    let measured = percentiles.count > 0;
    let milliseconds =
        |value: Duration| if measured { format!("{:.6}", value.as_secs_f64() * 1e3) } else { String::new() };
    [
        percentiles.count.to_string(),
        milliseconds(percentiles.p50),
        milliseconds(percentiles.p95),
        milliseconds(percentiles.p99),
        milliseconds(percentiles.max),
    ]
}

fn resources(usage: ProcessUsage) -> [String; 3] {
    let whole = |value: Option<u64>| value.map_or_else(String::new, |value| value.to_string());
    [usage.cpu.map_or_else(String::new, |cores| format!("{cores:.4}")), whole(usage.rss_bytes), whole(usage.open_files)]
}

/// Spreadsheets take a cell that begins like a formula for one, in ASCII and in full width; an apostrophe in front makes it text.
fn harmless(text: &str) -> String {
    const BEGINS_A_FORMULA: [char; 10] = ['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'];
    if text.starts_with(BEGINS_A_FORMULA) { format!("'{text}") } else { text.to_owned() }
}
