//! `observations.jsonl`: the run itself.

use crate::observation::Observation;
use crate::run_folder::RunFolder;
use crate::sink::Sink;
use std::fs::File;
use std::io::{self, BufWriter, Write};

/// Writes one JSON object per line. Flushed after everything that is not part of a burst, so that a run that is killed
/// leaves all but its last second.
#[derive(Debug)]
pub struct JsonLines<W: Write> {
    out: BufWriter<W>,
}

impl JsonLines<File> {
    /// Into the run folder.
    ///
    /// # Errors
    /// When the file cannot be created.
    pub fn create(folder: &RunFolder) -> io::Result<Self> {
        Ok(Self::new(folder.observations()?))
    }
}

impl<W: Write> JsonLines<W> {
    /// Into any writer.
    pub fn new(out: W) -> Self {
        Self { out: BufWriter::with_capacity(1 << 16, out) }
    }
}

impl<W: Write + Send> Sink for JsonLines<W> {
    fn record(&mut self, observation: &Observation) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, observation)?;
        self.out.write_all(b"\n")?;
        match observation {
            Observation::Event(_) | Observation::Witness(_) | Observation::Evidence(_) | Observation::Histogram(_) => {
                Ok(())
            }
            _ => self.out.flush(),
        }
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.out.flush()
    }
}
