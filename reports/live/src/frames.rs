//! From what is known of a run to what is sent: each at most once a second, whoever asks however often.

use crate::sink::Share;
use crate::stream::Frame;
use bytes::Bytes;
use reports::{html, open_metrics};
use std::time::Duration;
use tokio::time::Instant;

/// The least time between two frames of the same run.
pub(crate) const PACE: Duration = Duration::from_secs(1);

/// One rendering, kept while it is fresh.
#[derive(Debug, Default)]
struct Kept<T> {
    made: Option<(Instant, u64, T)>,
}

impl<T: Clone> Kept<T> {
    /// The last one when nothing has happened since, or too little time has passed and the run goes on.
    fn fresh(&self, version: u64, complete: bool) -> Option<T> {
        let (at, of, made) = self.made.as_ref()?;
        (*of == version || (!complete && at.elapsed() < PACE)).then(|| made.clone())
    }
}

/// The renderings of one run. Belongs to one task at a time.
#[derive(Debug)]
pub(crate) struct Frames {
    share: Share,
    report: Kept<String>,
    event: Kept<Bytes>,
    metrics: Kept<Bytes>,
}

impl Frames {
    pub(crate) fn new(share: Share) -> Self {
        Self { share, report: Kept { made: None }, event: Kept { made: None }, metrics: Kept { made: None } }
    }

    /// The report so far.
    pub(crate) fn report(&mut self) -> Result<String, String> {
        let (summary, version) = {
            let shown = self.share.lock();
            if let Some(page) = self.report.fresh(shown.version, shown.complete) {
                return Ok(page);
            }
            (shown.summary.clone(), shown.version)
        };
        let page = html(&summary).map_err(|error| error.to_string())?;
        self.report.made = Some((Instant::now(), version, page.clone()));
        Ok(page)
    }

    /// The report so far as an event.
    pub(crate) fn event(&mut self) -> Result<Bytes, String> {
        let (version, complete, report, begun, which) = {
            let shown = self.share.lock();
            let begun = shown.summary.run().is_some();
            (shown.version, shown.complete, shown.report.is_some(), begun, shown.which.clone())
        };
        if let Some(event) = self.event.fresh(version, complete) {
            return Ok(event);
        }
        let page = self.report()?;
        let words = match (begun, complete, &which) {
            (_, true, None) => "The run has ended. This page is complete.",
            (_, true, Some(_)) => "All runs have ended; below is the last of them.",
            (false, false, _) => "Connecting. The load has not begun.",
            (true, false, None) => "The run goes on. This page follows.",
            (true, false, Some(which)) => which,
        };
        let event = Frame { page: &page, words, ended: complete, report }.event();
        self.event.made = Some((Instant::now(), version, event.clone()));
        Ok(event)
    }

    /// The metrics so far.
    pub(crate) fn metrics(&mut self) -> Result<Bytes, String> {
        let (summary, version) = {
            let shown = self.share.lock();
            if let Some(page) = self.metrics.fresh(shown.version, shown.complete) {
                return Ok(page);
            }
            (shown.summary.clone(), shown.version)
        };
        let page = Bytes::from(open_metrics(&summary).map_err(|error| error.to_string())?);
        self.metrics.made = Some((Instant::now(), version, page.clone()));
        Ok(page)
    }
}
