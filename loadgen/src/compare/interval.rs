//! How far apart two sides are, and how sure that is.
//!
//! The interval is a percentile bootstrap of means with two corrections for few runs, without which five runs a side would
//! claim 95 % and hold 85 %: deviations are stretched by √(n/(n-1)), and the percentiles lie as far out as Student's
//! distribution is wider than the normal one, with Welch's degrees of freedom (the "expanded percentile interval" of
//! T. Hesterberg, What Teachers Should Know About the Bootstrap, The American Statistician 69, 2015, section 5.3).

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use reports::comparison::Interval;
use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

/// Resamples behind each interval.
pub const RESAMPLES: u32 = 10_000;

/// New less base, in the unit of the values. `None` for fewer than two values on a side.
pub fn difference(base: &[f64], new: &[f64], confidence: f64, seed: u64) -> Option<Interval> {
    interval(base, new, confidence, seed, |base, new| new - base)
}

/// New less base as a share of the base. `None` for fewer than two values on a side, and when the base is 0 or may well be.
pub fn change(base: &[f64], new: &[f64], confidence: f64, seed: u64) -> Option<Interval> {
    // The share of something that may be nothing is no number.
    let least = base.iter().copied().fold(f64::INFINITY, f64::min);
    let spread = deviation(base) / mean(base);
    (least > 0.0 && spread < 0.5).then(|| interval(base, new, confidence, seed, |base, new| new / base - 1.0)).flatten()
}

/// The arithmetic mean; NaN of nothing.
pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn deviation(values: &[f64]) -> f64 {
    let mean = mean(values);
    (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (values.len() as f64 - 1.0)).sqrt()
}

fn interval(
    base: &[f64],
    new: &[f64],
    confidence: f64,
    seed: u64,
    of_means: impl Fn(f64, f64) -> f64,
) -> Option<Interval> {
    if base.len() < 2 || new.len() < 2 {
        return None;
    }
    let estimate = of_means(mean(base), mean(new));
    let Some(freedom) = freedom(base, new) else {
        // All runs of both sides agree to the last digit.
        return Some(Interval { estimate, low: estimate, high: estimate });
    };
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut resampled: Vec<f64> =
        (0..RESAMPLES).map(|_| of_means(resample(base, &mut random), resample(new, &mut random))).collect();
    resampled.sort_by(f64::total_cmp);
    let tail = tail(confidence, freedom);
    let place = (tail * f64::from(RESAMPLES)).floor() as usize;
    let last = resampled.len() - 1;
    Some(Interval { estimate, low: resampled[place.min(last)], high: resampled[last - place.min(last)] })
}

/// The mean of as many values drawn from `values`, its deviation from theirs stretched.
fn resample(values: &[f64], random: &mut ChaCha8Rng) -> f64 {
    let count = values.len();
    let drawn: f64 = (0..count).map(|_| values[random.random_range(0..count)]).sum::<f64>() / count as f64;
    let center = mean(values);
    center + (drawn - center) * (count as f64 / (count as f64 - 1.0)).sqrt()
}

/// Welch's degrees of freedom; `None` when nothing varies.
fn freedom(base: &[f64], new: &[f64]) -> Option<f64> {
    let part = |values: &[f64]| deviation(values).powi(2) / values.len() as f64;
    let (a, b) = (part(base), part(new));
    let below = a * a / (base.len() as f64 - 1.0) + b * b / (new.len() as f64 - 1.0);
    (below > 0.0).then(|| (a + b).powi(2) / below)
}

/// The share of resamples beyond each end.
fn tail(confidence: f64, freedom: f64) -> f64 {
    let beyond = 1.0 - (1.0 - confidence) / 2.0;
    let student = StudentsT::new(0.0, 1.0, freedom).map_or(0.0, |student| student.inverse_cdf(beyond));
    Normal::standard().cdf(-student)
}
