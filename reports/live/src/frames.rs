//! From what is known of a run to what is sent: each at most once a second, whoever asks however often, and less often where making
//! it takes long. A large report on a slow machine would else cost the run processor time.

use crate::sink::Share;
use crate::stream::Frame;
use bytes::Bytes;
use reports::{html, open_metrics};
use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;
use tokio::time::Instant;

/// The least time between two frames of the same run.
pub(crate) const PACE: Duration = Duration::from_secs(1);
/// The part of a processor that making frames may take: one in so many.
const SHARE: u32 = 20;

/// One rendering, kept while it is fresh.
#[derive(Debug)]
struct Kept<T> {
    made: Option<Made<T>>,
}

#[derive(Debug)]
struct Made<T> {
    at: Instant,
    /// The processor time that it took.
    cost: Duration,
    version: u64,
    rendering: T,
}

impl<T: Clone> Kept<T> {
    /// The last one when nothing has happened since, or too little time has passed and the run goes on.
    fn fresh(&self, version: u64, complete: bool) -> Option<T> {
        let made = self.made.as_ref()?;
        let rest = PACE.max(made.cost * SHARE);
        (made.version == version || (!complete && made.at.elapsed() < rest)).then(|| made.rendering.clone())
    }

    /// Keeps what was made of `version` for `cost`.
    fn keep(&mut self, cost: Duration, version: u64, rendering: &T) {
        self.made = Some(Made { at: Instant::now(), cost, version, rendering: rendering.clone() });
    }
}

/// The processor time of this thread so far. Unlike the time that passes it says nothing of other programs.
fn processor_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
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
        let began = processor_time();
        let (summary, version) = {
            let shown = self.share.lock();
            if let Some(page) = self.report.fresh(shown.version, shown.complete) {
                return Ok(page);
            }
            (shown.summary.clone(), shown.version)
        };
        let page = html(&summary).map_err(|error| error.to_string())?;
        self.report.keep(processor_time().saturating_sub(began), version, &page);
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
        let began = processor_time();
        let page = self.report()?;
        let words = match (begun, complete, &which) {
            (_, true, None) => "The run has ended. This page is complete.",
            (_, true, Some(_)) => "All runs have ended; below is the last of them.",
            (false, false, _) => "Connecting. The load has not begun.",
            (true, false, None) => "The run goes on. This page follows.",
            (true, false, Some(which)) => which,
        };
        let event = Frame { page: &page, words, ended: complete, report }.event();
        self.event.keep(processor_time().saturating_sub(began), version, &event);
        Ok(event)
    }

    /// The metrics so far.
    pub(crate) fn metrics(&mut self) -> Result<Bytes, String> {
        let began = processor_time();
        let (summary, version) = {
            let shown = self.share.lock();
            if let Some(page) = self.metrics.fresh(shown.version, shown.complete) {
                return Ok(page);
            }
            (shown.summary.clone(), shown.version)
        };
        let page = Bytes::from(open_metrics(&summary).map_err(|error| error.to_string())?);
        self.metrics.keep(processor_time().saturating_sub(began), version, &page);
        Ok(page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    #[tokio::test(start_paused = true)]
    async fn what_took_long_is_made_less_often_and_the_end_at_once() {
        let mut kept = Kept { made: None };
        for (cost, rest) in [(0, 1000), (50, 1000), (200, 4000)] {
            kept.keep(Duration::from_millis(cost), 1, &cost);
            advance(Duration::from_millis(rest - 1)).await;
            assert_eq!(kept.fresh(2, false), Some(cost), "{rest} ms have not passed");
            assert_eq!(kept.fresh(2, true), None, "the end is not kept back");
            advance(Duration::from_millis(1)).await;
            assert_eq!((kept.fresh(2, false), kept.fresh(1, false)), (None, Some(cost)));
        }
    }
}
