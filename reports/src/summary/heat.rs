//! How latencies were spread over time, at a resolution that keeps memory and pages small.

use hdrhistogram::Histogram;
use std::collections::BTreeMap;
use std::time::Duration;

/// Most columns before neighbours are joined.
const COLUMNS: u64 = 240;
const SECOND: u64 = 1_000_000_000;
/// Bands per power of ten: each reaches a third further than the one below it.
const BANDS: f64 = 8.0;

/// Counts of latencies by time and by size: one column per second of the run; in a run longer than 240 s one per 2 s, then
/// 4 s, and so on, and eight bands for each power of ten. At most 240 times 102 cells, however long the run.
///
/// Columns lie on a grid fixed to the run's start and counts add up, so that it does not matter how the run was cut into
/// pieces or spread over machines.
#[derive(Debug, Clone, PartialEq)]
pub struct Heat {
    width: u64,
    columns: BTreeMap<u64, BTreeMap<u8, u64>>,
}

/// What one column of the grid saw.
#[derive(Debug, Clone, Copy)]
pub struct HeatColumn<'a> {
    /// Offset of its beginning.
    pub from: Duration,
    /// Offset of its end.
    pub to: Duration,
    bands: &'a BTreeMap<u8, u64>,
}

impl Default for Heat {
    fn default() -> Self {
        Self { width: SECOND, columns: BTreeMap::new() }
    }
}

impl Heat {
    /// The columns in which something was measured, in order of time.
    pub fn columns(&self) -> impl Iterator<Item = HeatColumn<'_>> {
        let at = |cell: u64| Duration::from_nanos(cell.saturating_mul(self.width));
        self.columns.iter().map(move |(cell, bands)| HeatColumn { from: at(*cell), to: at(cell + 1), bands })
    }

    pub(super) fn push(&mut self, at: Duration, histogram: &Histogram<u64>) {
        let mut bands = BTreeMap::new();
        for value in histogram.iter_recorded() {
            let count: &mut u64 = bands.entry(band(value.value_iterated_to())).or_default();
            *count = count.saturating_add(value.count_at_value());
        }
        if !bands.is_empty() {
            self.insert(u64::try_from(at.as_nanos()).unwrap_or(u64::MAX), bands);
        }
    }

    pub(super) fn merge(&mut self, later: &Self) {
        while self.width < later.width {
            self.coarsen();
        }
        for (cell, bands) in &later.columns {
            self.insert(cell.saturating_mul(later.width), bands.clone());
        }
    }

    fn insert(&mut self, nanos: u64, bands: BTreeMap<u8, u64>) {
        while nanos / self.width >= COLUMNS {
            self.coarsen();
        }
        join(self.columns.entry(nanos / self.width).or_default(), bands);
    }

    fn coarsen(&mut self) {
        self.width = self.width.saturating_mul(2);
        for (cell, bands) in std::mem::take(&mut self.columns) {
            join(self.columns.entry(cell / 2).or_default(), bands);
        }
    }
}

impl HeatColumn<'_> {
    /// The bands with anything in them, from fast to slow: from (nanoseconds), below (nanoseconds), count.
    pub fn bands(&self) -> impl Iterator<Item = (f64, f64, u64)> {
        self.bands.iter().map(|(band, count)| (edge(*band), edge(band.saturating_add(1)), *count))
    }

    /// Latencies measured.
    pub fn count(&self) -> u64 {
        self.bands.values().fold(0, |sum, count| sum.saturating_add(*count))
    }
}

fn join(mine: &mut BTreeMap<u8, u64>, others: BTreeMap<u8, u64>) {
    for (band, count) in others {
        let sum = mine.entry(band).or_default();
        *sum = sum.saturating_add(count);
    }
}

fn band(nanoseconds: u64) -> u8 {
    // The longest duration of a histogram, one hour, lies in band 100.
    ((nanoseconds.max(1) as f64).log10() * BANDS).floor() as u8
}

fn edge(band: u8) -> f64 {
    10_f64.powf(f64::from(band) / BANDS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::house_histogram;

    fn one(nanoseconds: u64) -> Histogram<u64> {
        let mut histogram = house_histogram();
        histogram.saturating_record(nanoseconds);
        histogram
    }

    #[test]
    fn a_latency_lies_between_the_edges_of_its_band() {
        for nanoseconds in [1, 999, 1_000, 1_334, 2_500_000, 3_600_000_000_000] {
            let band = band(nanoseconds);
            assert!(edge(band) * 0.9999 <= nanoseconds as f64 && (nanoseconds as f64) < edge(band + 1) * 1.0001);
        }
    }

    #[test]
    fn a_day_is_folded_into_few_columns_and_loses_nothing() {
        let mut heat = Heat::default();
        for second in 0..86_400 {
            heat.push(Duration::from_secs(second), &one(1_000 + second));
        }
        assert!(heat.columns().count() <= 240);
        assert_eq!(heat.columns().map(|column| column.count()).sum::<u64>(), 86_400);
        let last = heat.columns().last().map(|column| (column.from, column.to));
        assert_eq!(last, Some((Duration::from_secs(86_016), Duration::from_secs(86_528))));
    }
}
