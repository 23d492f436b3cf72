//! How fast the target's memory and open files grow, and how sure that is.
//!
//! ```text
//!   a point per second ─▶ medians of up to 64 stretches ─▶ Theil-Sen slope ─▶ what it leaves over
//!                                                                ▲                   │ blocks of neighbours, drawn with replacement
//!                                                                └── 200 times ──────┘
//! ```
//!
//! Memory moves in steps and neighbouring samples resemble each other, so least squares with its usual interval sees leaks where
//! there are none. The median of all slopes between two points (Theil 1950, Sen 1968) is not moved by a few steps, and blocks of
//! neighbours (Künsch 1989) keep what they have in common. The same series gives the same interval: the draws are seeded.

use std::time::Duration;

use super::{Point, Summary};

/// Stretches that a series is reduced to, at most: each is one median.
const STRETCHES: usize = 64;
/// A series of fewer points, or of less time, tells nothing.
const FEWEST: usize = 30;
const SHORTEST: Duration = Duration::from_secs(60);
/// Series drawn for the interval.
const DRAWS: usize = 200;
const HOUR: f64 = 3600.0;

/// How much a figure grows in an hour.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Growth {
    /// The best estimate; negative when it shrinks.
    pub per_hour: f64,
    /// The lower end of its 95 % confidence interval.
    pub lower: f64,
    /// The upper end.
    pub upper: f64,
}

impl Summary {
    /// How many bytes the target's resident memory grows by in an hour of the measured stages. `None` for less than a minute, and
    /// for a target that is not watched.
    pub fn target_memory_growth(&self) -> Option<Growth> {
        self.growth(|point| point.target.rss_bytes.map(|bytes| bytes as f64))
    }

    /// The same of its open files.
    pub fn target_files_growth(&self) -> Option<Growth> {
        self.growth(|point| point.target.open_files.map(|files| files as f64))
    }

    fn growth(&self, pick: impl Fn(&Point) -> Option<f64>) -> Option<Growth> {
        let measured: Vec<&str> = self.measured_stages().map(|(name, _)| name).collect();
        let points = self.series().points().iter().filter(|point| measured.contains(&point.stage.as_str()));
        let series: Vec<(f64, f64)> =
            points.filter_map(|point| pick(point).map(|value| (point.to.as_secs_f64(), value))).collect();
        growth(&series)
    }
}

/// The growth of a series of instants, in seconds and in order, with their values.
fn growth(series: &[(f64, f64)]) -> Option<Growth> {
    let (first, last) = (series.first()?, series.last()?);
    if series.len() < FEWEST || last.0 - first.0 < SHORTEST.as_secs_f64() * 0.9 {
        return None;
    }
    let points = stretches(series);
    let slope = theil_sen(&points);
    let middle = median(points.iter().map(|(x, y)| y - slope * x).collect());
    let left: Vec<f64> = points.iter().map(|(x, y)| y - slope * x - middle).collect();
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let mut slopes: Vec<f64> = (0..DRAWS)
        .map(|_| {
            let noise = blocks(&left, &mut dice);
            let drawn: Vec<(f64, f64)> =
                points.iter().zip(noise).map(|((x, _), noise)| (*x, slope * x + noise)).collect();
            theil_sen(&drawn)
        })
        .collect();
    slopes.sort_by(f64::total_cmp);
    let at = |share: f64| slopes[((DRAWS - 1) as f64 * share).round() as usize] * HOUR;
    let per_hour = slope * HOUR;
    Some(Growth { per_hour, lower: at(0.025).min(per_hour), upper: at(0.975).max(per_hour) })
}

/// Stretches of equally many neighbours, each as its median instant and value.
fn stretches(series: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let length = series.len().div_ceil(STRETCHES);
    let one = |points: &[(f64, f64)]| {
        (median(points.iter().map(|point| point.0).collect()), median(points.iter().map(|point| point.1).collect()))
    };
    series.chunks(length).map(one).collect()
}

/// The median of the slopes between any two points.
fn theil_sen(points: &[(f64, f64)]) -> f64 {
    let pairs = points.iter().enumerate().flat_map(|(n, a)| points[n + 1..].iter().map(move |b| (a, b)));
    median(pairs.filter(|(a, b)| b.0 > a.0).map(|(a, b)| (b.1 - a.1) / (b.0 - a.0)).collect())
}

/// A series as long as `values`, of blocks of neighbours that begin anywhere in it.
fn blocks(values: &[f64], dice: &mut Dice) -> Vec<f64> {
    let length = block_length(values.len());
    let mut drawn = Vec::with_capacity(values.len() + length);
    while drawn.len() < values.len() {
        let from = dice.below(values.len() - length + 1);
        drawn.extend_from_slice(&values[from..from + length]);
    }
    drawn.truncate(values.len());
    drawn
}

/// Long enough for what neighbours have in common, short enough that there are several: the usual power of a third, doubled
/// because the slopes of slow drifts are what must not be mistaken for growth.
fn block_length(count: usize) -> usize {
    (2.0 * (count as f64).cbrt()).ceil() as usize
}

/// The lower of the two in the middle; 0 of nothing.
fn median(mut values: Vec<f64>) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let middle = (values.len() - 1) / 2;
    *values.select_nth_unstable_by(middle, f64::total_cmp).1
}

/// SplitMix64: enough for drawing blocks, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `seconds` samples that grow by `per_second`, with noise of which each second keeps `memory` of the last.
    fn drift(seed: u64, seconds: usize, per_second: f64, memory: f64) -> Vec<(f64, f64)> {
        let mut dice = Dice(seed.wrapping_mul(7919));
        let mut noise = 0.0;
        let mut sample = |second: usize| {
            // A sum of uniform numbers is close enough to normal.
            let shock: f64 = (0..4).map(|_| dice.next() as f64 / u64::MAX as f64 - 0.5).sum();
            noise = memory * noise + shock;
            (second as f64, 1e6 + per_second * second as f64 + 1000.0 * noise)
        };
        (0..seconds).map(&mut sample).collect()
    }

    #[test]
    fn a_steady_leak_is_found_whatever_steps_lie_on_it() {
        let mut series = drift(1, 600, 50.0, 0.5);
        for point in &mut series[100..105] {
            point.1 += 1e7;
        }
        let found = growth(&series).unwrap();
        assert!((found.per_hour / 180_000.0 - 1.0).abs() < 0.05, "{found:?}");
        assert!(found.lower > 150_000.0 && found.upper < 210_000.0, "{found:?}");
    }

    #[test]
    fn the_interval_of_what_does_not_grow_holds_nothing_even_where_neighbours_resemble_each_other() {
        let held = (0..40).filter(|seed| {
            let found = growth(&drift(*seed, 600, 0.0, 0.95)).unwrap();
            found.lower <= 0.0 && found.upper >= 0.0
        });
        let held = held.count();
        assert!(held >= 32, "{held} of 40 intervals hold 0");
    }

    #[test]
    fn what_stands_still_grows_by_nothing() {
        let still: Vec<(f64, f64)> = (0..120).map(|second| (f64::from(second), 4096.0)).collect();
        assert_eq!(growth(&still), Some(Growth { per_hour: 0.0, lower: 0.0, upper: 0.0 }));
    }

    #[test]
    fn a_minute_is_the_least_that_tells_something() {
        assert_eq!(growth(&drift(1, 50, 1.0, 0.0)), None);
        assert!(growth(&drift(1, 61, 1.0, 0.0)).is_some());
        assert_eq!(growth(&[]), None);
    }
}
