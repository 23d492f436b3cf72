//! Samples that are not in their histograms yet.

use hdrhistogram::Histogram;
use reports::observation::house_histogram;

/// Samples of one metric, in the order in which they came; equal neighbours are one.
#[derive(Debug, Default)]
pub(super) struct Pending(Vec<Sample>);

#[derive(Clone, Copy, Debug)]
struct Sample {
    nanos: u64,
    /// The distribution that it belongs to besides the window's; [`NONE`] when it is not measured.
    place: u32,
    count: u32,
}

const NONE: u32 = u32::MAX;
/// So many wait at most: 8 KiB for each metric.
const LIMIT: usize = 512;

impl Pending {
    /// Adds `count` equal samples; whether it is time to [`fold`](Self::fold).
    pub(super) fn push(&mut self, place: Option<usize>, nanos: u64, count: u32) -> bool {
        let place = place.map_or(NONE, |place| u32::try_from(place).expect("distributions are fewer than 2^32"));
        if let Some(last) = self.0.last_mut()
            && (last.place, last.nanos) == (place, nanos)
            && let Some(sum) = last.count.checked_add(count)
        {
            last.count = sum;
            return false;
        }
        self.0.push(Sample { nanos, place, count });
        self.0.len() >= LIMIT
    }

    /// The measured ones that wait: place, nanoseconds, how many.
    pub(super) fn measured(&self) -> impl Iterator<Item = (usize, u64, u64)> + '_ {
        let measured = self.0.iter().filter(|sample| sample.place != NONE);
        measured.map(|sample| (sample.place as usize, sample.nanos, u64::from(sample.count)))
    }

    /// Records what waits: all in `window`, when there is one, the measured ones also in the distribution of their place.
    pub(super) fn fold(
        &mut self,
        window: Option<&mut Histogram<u64>>,
        distributions: &mut [Option<Box<Histogram<u64>>>],
    ) {
        if let Some(window) = window {
            for sample in &self.0 {
                window.saturating_record_n(sample.nanos, u64::from(sample.count));
            }
        }
        for sample in self.0.drain(..).filter(|sample| sample.place != NONE) {
            let distribution = distributions[sample.place as usize].get_or_insert_with(|| Box::new(house_histogram()));
            distribution.saturating_record_n(sample.nanos, u64::from(sample.count));
        }
    }
}
