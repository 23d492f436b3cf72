//! A recorded run, read again: rendered as it was judged then, or judged anew.

use crate::csv::Csv;
use crate::hdr_log::HdrLog;
use crate::observation::Observation;
use crate::outputs::{Documents, Output};
use crate::reader::{ReadError, Reader};
use crate::run_folder::{file, replace};
use crate::sink::Sink;
use crate::summary::Summary;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Why a run cannot be rendered again.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// Its observations cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It is a conformance run.
    #[error("{} holds a conformance run; its reports are written by `paddock conformance`", path.display())]
    Suite {
        /// The folder.
        path: PathBuf,
    },
    /// An output cannot be written.
    #[error("cannot write the outputs to {}: {cause}", path.display())]
    Write {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
}

/// A run as its `observations.jsonl` tells it. What was measured is kept apart from what it was judged to be.
#[derive(Debug)]
pub struct Replay {
    figures: Summary,
    judgement: Vec<Observation>,
    log: Vec<u8>,
    table: Vec<u8>,
}

impl Replay {
    /// Reads the run in the folder `run`. One that was cut off is there as far as it went.
    ///
    /// # Errors
    /// When its observations cannot be read.
    pub fn read(run: &Path) -> Result<Self, RenderError> {
        let unwritable = |cause| RenderError::Write { path: run.to_owned(), cause };
        let mut log = HdrLog::new(Vec::new());
        let mut table = Csv::new(Vec::new());
        let (mut figures, mut judgement) = (Summary::new(), Vec::new());
        for observation in Reader::open(&run.join(file::OBSERVATIONS))? {
            let observation = observation?;
            log.record(&observation).and_then(|()| table.record(&observation)).map_err(unwritable)?;
            match observation {
                Observation::SuiteStarted(_) => return Err(RenderError::Suite { path: run.to_owned() }),
                Observation::Threshold(_) | Observation::RunEnded(_) => judgement.push(observation),
                _ => figures.apply(&observation),
            }
        }
        let (log, table) = log.into_inner().and_then(|log| Ok((log, table.into_inner()?))).map_err(unwritable)?;
        Ok(Self { figures, judgement, log, table })
    }

    /// What was measured, without any judgement.
    pub fn figures(&self) -> &Summary {
        &self.figures
    }

    /// The thresholds as they were judged, and the end of the run. Empty for a run that was cut off.
    pub fn judgement(&self) -> &[Observation] {
        &self.judgement
    }

    /// Judges anew: thresholds and end of run from now on.
    pub fn judge(&mut self, judgement: Vec<Observation>) {
        self.judgement = judgement;
    }

    /// Figures and judgement in one.
    pub fn summary(&self) -> Summary {
        let mut summary = self.figures.clone();
        self.judgement.iter().for_each(|observation| summary.apply(observation));
        summary
    }

    /// Writes the wanted outputs to a folder, made if it is missing, and replaces those that are there, each in one step.
    ///
    /// # Errors
    /// When one cannot be written; the others are.
    pub fn write(&self, folder: &Path, wanted: &[Output]) -> Result<(), RenderError> {
        let write = || -> io::Result<()> {
            fs::create_dir_all(folder)?;
            let streamed = [(Output::HdrLog, &self.log), (Output::Csv, &self.table)].map(|(output, text)| {
                if wanted.contains(&output) { replace(&folder.join(output.file_name()), text) } else { Ok(()) }
            });
            let documents = Documents::of(self.summary(), folder, wanted);
            Box::new(documents).finish()?;
            streamed.into_iter().collect()
        };
        write().map_err(|cause| RenderError::Write { path: folder.to_owned(), cause })
    }
}

/// Makes the wanted outputs of a recorded run again, from its `observations.jsonl` alone, replacing earlier ones. Returns
/// the summary. A run that was cut off is rendered as far as it went.
///
/// # Errors
/// When the observations cannot be read or an output cannot be written.
pub fn render(run: &Path, wanted: &[Output]) -> Result<Summary, RenderError> {
    let replay = Replay::read(run)?;
    replay.write(run, wanted)?;
    Ok(replay.summary())
}
