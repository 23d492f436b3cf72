//! From distributions of nanoseconds to histograms of seconds.

use super::families::Pairs;
use crate::Labels;
use crate::labels::label;
use crate::observation::metric;
use crate::summary::Summary;
use hdrhistogram::Histogram;
use std::collections::BTreeMap;

/// Upper bounds in nanoseconds: 1, 2.5 and 5 of each decade from 50 µs to 1 min. What took longer is in `+Inf`. A bound is as
/// exact as the distribution: to three digits.
const BOUNDS: [u64; 19] = [
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    2_500_000_000,
    5_000_000_000,
    10_000_000_000,
    30_000_000_000,
    60_000_000_000,
];

/// Samples by bucket.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Buckets {
    /// Of each bucket alone; the last takes what lies beyond all bounds.
    counts: [u64; BOUNDS.len() + 1],
    nanoseconds: f64,
}

impl Buckets {
    fn add(&mut self, histogram: &Histogram<u64>) {
        for recorded in histogram.iter_recorded() {
            let (value, count) = (recorded.value_iterated_to(), recorded.count_at_value());
            let least = histogram.lowest_equivalent(value);
            let bucket = BOUNDS.iter().position(|bound| least <= *bound).unwrap_or(BOUNDS.len());
            self.counts[bucket] = self.counts[bucket].saturating_add(count);
            self.nanoseconds += histogram.median_equivalent(value) as f64 * count as f64;
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// In seconds.
    pub(super) fn sum(&self) -> f64 {
        self.nanoseconds / 1e9
    }

    /// Upper bound in seconds, and the samples of that bucket alone.
    pub(super) fn bounded(&self) -> Vec<(f64, u64)> {
        let bounds = BOUNDS.iter().map(|bound| *bound as f64 / 1e9).chain([f64::INFINITY]);
        bounds.zip(self.counts).collect()
    }
}

/// What a label may be called; files of others may hold more, which are summed over.
const LABELS: [&str; 4] = [label::STAGE, label::GROUP, label::QOS, label::SUBSCRIBER];

/// Every distribution by metric and labels, each set of labels once.
pub(super) fn distributions(summary: &Summary) -> BTreeMap<String, BTreeMap<Pairs, Buckets>> {
    let mut all: BTreeMap<String, BTreeMap<Pairs, Buckets>> = BTreeMap::new();
    let mut add = |name: &str, labels: Pairs, histogram: &Histogram<u64>| {
        all.entry(name.to_owned()).or_default().entry(labels).or_default().add(histogram);
    };
    for (name, labels) in summary.histogram_keys().filter(|(name, _)| is_plain(name)) {
        let Some(histogram) = summary.exact_histogram(name, labels) else { continue };
        let kept = LABELS.iter().filter_map(|known| Some(((*known).to_owned(), labels.value(known)?.to_owned())));
        add(name, kept.collect(), &histogram);
    }
    for name in [metric::E2E, metric::SERVICE, metric::GENERATOR_LAG, metric::ROUND_TRIP] {
        if summary.histogram_keys().any(|(final_one, _)| final_one == name) {
            continue;
        }
        for stage in summary.stages().keys() {
            if let Some(histogram) = summary.histogram(name, &Labels::none().with(label::STAGE, stage)) {
                add(name, vec![(label::STAGE.to_owned(), stage.clone())], &histogram);
            }
        }
    }
    all
}

/// A name that OpenMetrics takes as part of its own.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::house_histogram;

    #[test]
    fn a_sample_lies_in_the_first_bucket_whose_bound_it_does_not_exceed() {
        let mut histogram = house_histogram();
        for nanoseconds in [1, 100_000, 101_000, 60_000_000_000, 61_000_000_000] {
            histogram.record(nanoseconds).unwrap();
        }
        let mut buckets = Buckets::default();
        buckets.add(&histogram);
        let filled: Vec<(f64, u64)> = buckets.bounded().into_iter().filter(|(_, count)| *count > 0).collect();
        assert_eq!(filled, [(0.000_05, 1), (0.000_1, 1), (0.000_25, 1), (60.0, 1), (f64::INFINITY, 1)]);
        assert_eq!(buckets.count(), 5);
        assert!((buckets.sum() - 121.000_201).abs() < 0.1, "{}", buckets.sum());
    }
}
