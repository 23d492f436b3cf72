//! One second of several processes as one window.

use super::MergeError;
use crate::observation::{EncodedHistogram, Kept, Percentiles, ProcessUsage, Window, house_histogram};
use crate::summary::add;
use hdrhistogram::Histogram;

/// A window that others are added to.
pub(super) struct Joined {
    window: Window,
    /// End to end, service, lag, round trips; decoded once there is a second window.
    samples: Option<[Histogram<u64>; 4]>,
}

impl Joined {
    pub(super) fn new(window: Window) -> Self {
        Self { window, samples: None }
    }

    /// Adds the window of another process; `name` names it in errors.
    pub(super) fn add(&mut self, name: &str, other: Window) -> Result<(), MergeError> {
        let mine = &mut self.window;
        let samples = match &mut self.samples {
            Some(samples) => samples,
            None => self.samples.insert(decoded(name, mine)?),
        };
        for (sum, more) in samples.iter_mut().zip(&decoded(name, &other)?) {
            add(sum, more);
        }
        mine.length = mine.length.max(other.length);
        mine.total += other.total;
        for (mine, theirs) in mine.qos.iter_mut().zip(other.qos) {
            *mine += theirs;
        }
        for (group, flow) in other.groups {
            *mine.groups.entry(group).or_default() += flow;
        }
        mine.connections = mine.connections.saturating_add(other.connections);
        for (selection, kept) in other.kept {
            join(name, mine.kept.entry(selection).or_default(), kept)?;
        }
        // All see one broker; of processes of ours each is another.
        mine.target = mine.target.or(other.target);
        mine.generator = both(mine.generator, other.generator);
        Ok(())
    }

    /// What it amounts to.
    pub(super) fn window(self) -> Window {
        let Some([e2e, service, lag, round_trip]) = self.samples else { return self.window };
        Window {
            e2e: Percentiles::of(&e2e),
            service: Percentiles::of(&service),
            lag: Percentiles::of(&lag),
            round_trip: Percentiles::of(&round_trip),
            ..self.window
        }
    }
}

fn decoded(name: &str, window: &Window) -> Result<[Histogram<u64>; 4], MergeError> {
    let decode = |percentiles: &Percentiles| match &percentiles.histogram {
        Some(encoded) => encoded.decode().map_err(|cause| MergeError::Histogram { name: name.to_owned(), cause }),
        None if percentiles.count == 0 => Ok(house_histogram()),
        None => Err(MergeError::Percentiles { name: name.to_owned() }),
    };
    Ok([decode(&window.e2e)?, decode(&window.service)?, decode(&window.lag)?, decode(&window.round_trip)?])
}

fn join(name: &str, mine: &mut Kept, other: Kept) -> Result<(), MergeError> {
    mine.flow += other.flow;
    mine.connections = match (mine.connections, other.connections) {
        (Some(a), Some(b)) => Some(a.saturating_add(b)),
        (a, b) => a.or(b),
    };
    mine.samples = match (mine.samples.take(), other.samples) {
        (Some(a), Some(b)) => {
            let decode = |encoded: &EncodedHistogram| {
                encoded.decode().map_err(|cause| MergeError::Histogram { name: name.to_owned(), cause })
            };
            let mut sum = decode(&a)?;
            add(&mut sum, &decode(&b)?);
            Some(EncodedHistogram::of(&sum))
        }
        (a, b) => a.or(b),
    };
    Ok(())
}

fn both(mine: Option<ProcessUsage>, other: Option<ProcessUsage>) -> Option<ProcessUsage> {
    let (Some(a), Some(b)) = (mine, other) else { return mine.or(other) };
    let sum = |a: Option<u64>, b: Option<u64>| Some(a?.saturating_add(b?));
    Some(ProcessUsage {
        cpu: a.cpu.zip(b.cpu).map(|(a, b)| a + b),
        rss_bytes: sum(a.rss_bytes, b.rss_bytes),
        open_files: sum(a.open_files, b.open_files),
    })
}
