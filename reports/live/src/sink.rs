//! The run's side: observations in, one summary that the pages are made from.

use reports::{Observation, Sink, Summary};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What is known of the run that is shown.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) summary: Summary,
    /// Changes with every observation.
    pub(crate) version: u64,
    /// Whether every output of the run is complete.
    pub(crate) complete: bool,
    /// `report.html` as it was written at the end.
    pub(crate) report: Option<Vec<u8>>,
    /// Which of several runs it is, when it is one of several.
    pub(crate) which: Option<String>,
}

impl Shown {
    fn nothing() -> Self {
        Self { summary: Summary::live(), version: 0, complete: false, report: None, which: None }
    }
}

/// Shared by the run, which folds, and the server, which copies. Neither holds it for long.
#[derive(Debug, Clone)]
pub(crate) struct Share(Arc<Mutex<Shown>>);

impl Share {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Shown::nothing())))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Shown> {
        // A fold that panicked has left a summary that can be shown.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Folds a run into what is shown.
#[derive(Debug)]
pub(crate) struct Fold {
    pub(crate) share: Share,
    /// Which of several runs it is; the only one, when it is absent, whose end is the end of all.
    pub(crate) which: Option<String>,
    pub(crate) report: Option<PathBuf>,
}

impl Share {
    /// Nothing more is to come. Whoever wrote the report says so when it could not be written.
    pub(crate) fn complete(&self, report: Option<&Path>) {
        let report = report.and_then(|path| fs::read(path).ok());
        let mut shown = self.lock();
        shown.report = report;
        shown.complete = true;
        shown.version += 1;
    }
}

impl Sink for Fold {
    fn record(&mut self, observation: &Observation) -> io::Result<()> {
        let mut shown = self.share.lock();
        if matches!(observation, Observation::RunStarted(_)) {
            // The next of several runs.
            let version = shown.version;
            *shown = Shown { version, which: self.which.clone(), ..Shown::nothing() };
        }
        shown.summary.apply(observation);
        shown.version += 1;
        Ok(())
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        if self.which.is_none() {
            self.share.complete(self.report.as_deref());
        }
        Ok(())
    }
}
