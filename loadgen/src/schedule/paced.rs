//! Starts at a rate that follows a curve, with constant or Poisson arrivals, one by one or in bursts.

use std::{fmt, time::Duration};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Exp1};

use super::Schedule;

/// A stretch of time in which the rate changes linearly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slope {
    /// Messages per second at its beginning.
    pub from: f64,
    /// Messages per second at its end.
    pub to: f64,
    /// How long it lasts.
    pub lasts: Duration,
}

impl Slope {
    /// A constant rate.
    pub const fn hold(rate: f64, lasts: Duration) -> Self {
        Self { from: rate, to: rate, lasts }
    }

    /// A rate that changes linearly.
    pub const fn ramp(from: f64, to: f64, lasts: Duration) -> Self {
        Self { from, to, lasts }
    }

    /// How many starts it holds on average: the area below it.
    pub fn starts(&self) -> f64 {
        (self.from + self.to) / 2.0 * self.lasts.as_secs_f64()
    }

    /// When the area below the slope reaches `area`, in seconds from its beginning.
    fn reached(&self, area: f64) -> f64 {
        let acceleration = (self.to - self.from) / self.lasts.as_secs_f64();
        // The root of `from·t + acceleration·t²/2 = area` in the form that is stable for small accelerations.
        let root = (self.from * self.from + 2.0 * acceleration * area).max(0.0).sqrt();
        if self.from + root == 0.0 { 0.0 } else { 2.0 * area / (self.from + root) }
    }
}

/// How arrivals spread around the rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// Evenly.
    Constant,
    /// Independently of each other, as many senders without a common clock do.
    Poisson {
        /// Of the random gaps.
        seed: u64,
    },
}

/// Starts at a rate that follows slopes one after another.
///
/// The arrivals are laid out on an axis that counts messages (0, 1, 2, ... or with exponential gaps) and mapped to time
/// through the area below the slopes. So no rounding error accumulates, and ramps need no special case. A burst is several
/// messages at the place of its first; the last burst is whole.
pub struct Paced {
    slopes: Box<dyn Iterator<Item = Slope> + Send>,
    slope: Option<Slope>,
    /// Where the present slope begins.
    begins: Duration,
    /// The area below all earlier slopes.
    passed: f64,
    position: f64,
    arrivals: Arrivals,
    /// How many starts come at once.
    burst: u32,
    /// How many of the present burst are left.
    left: u32,
}

#[derive(Debug)]
enum Arrivals {
    Constant { sent: u64 },
    Poisson { random: Box<ChaCha8Rng>, at: f64 },
}

impl Paced {
    /// Starts along `slopes`, `burst` of them at once; 0 counts as 1. Rates below zero count as zero.
    pub fn new<S>(slopes: S, arrival: Arrival, burst: u32) -> Self
    where
        S: IntoIterator<Item = Slope>,
        S::IntoIter: Send + 'static,
    {
        let burst = burst.max(1);
        let arrivals = match arrival {
            Arrival::Constant => Arrivals::Constant { sent: 0 },
            Arrival::Poisson { seed } => {
                let mut random = Box::new(ChaCha8Rng::seed_from_u64(seed));
                let gap: f64 = Exp1.sample(&mut random);
                Arrivals::Poisson { random, at: gap * f64::from(burst) }
            }
        };
        let positive = |slope: Slope| Slope { from: slope.from.max(0.0), to: slope.to.max(0.0), ..slope };
        let mut slopes = Box::new(slopes.into_iter().map(positive));
        let slope = slopes.next();
        let position = arrivals.position();
        Self { slopes, slope, begins: Duration::ZERO, passed: 0.0, position, arrivals, burst, left: burst }
    }
}

impl fmt::Debug for Paced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Paced").field("slope", &self.slope).field("arrivals", &self.arrivals).finish_non_exhaustive()
    }
}

impl Arrivals {
    fn position(&self) -> f64 {
        match self {
            Self::Constant { sent } => *sent as f64,
            Self::Poisson { at, .. } => *at,
        }
    }

    /// The next place, after `burst` messages at the present one.
    fn advance(&mut self, burst: u32) -> f64 {
        match self {
            Self::Constant { sent } => *sent += u64::from(burst),
            Self::Poisson { random, at } => {
                let gap: f64 = Exp1.sample(random);
                *at += gap * f64::from(burst);
            }
        }
        self.position()
    }
}

impl Schedule for Paced {
    fn next_start(&mut self) -> Option<Duration> {
        loop {
            let slope = self.slope?;
            let area = slope.starts();
            let within = self.position - self.passed;
            // A millionth of a message absorbs the rounding at the border of two slopes.
            if within < area - 1e-6 {
                let offset = Duration::from_secs_f64(slope.reached(within.max(0.0)));
                self.left -= 1;
                if self.left == 0 {
                    self.left = self.burst;
                    self.position = self.arrivals.advance(self.burst);
                }
                return Some(self.begins + offset);
            }
            self.passed += area;
            self.begins += slope.lasts;
            self.slope = self.slopes.next();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starts(slopes: Vec<Slope>, arrival: Arrival) -> Vec<Duration> {
        bursts(slopes, arrival, 1)
    }

    fn bursts(slopes: Vec<Slope>, arrival: Arrival, burst: u32) -> Vec<Duration> {
        let mut paced = Paced::new(slopes, arrival, burst);
        std::iter::from_fn(|| paced.next_start()).collect()
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_constant_rate_is_exact_and_even() {
        let starts = starts(vec![Slope::hold(500.0, 10 * SECOND)], Arrival::Constant);
        assert_eq!(starts.len(), 5_000);
        assert_eq!(starts[0], Duration::ZERO);
        assert!(starts.iter().enumerate().all(|(n, at)| *at == Duration::from_millis(2 * n as u64)));
    }

    #[test]
    fn an_hour_does_not_drift() {
        let starts = starts(vec![Slope::hold(300.0, 3600 * SECOND)], Arrival::Constant);
        assert_eq!(starts.len(), 1_080_000);
        let last = 3600.0 - 1.0 / 300.0;
        assert!((starts[1_079_999].as_secs_f64() - last).abs() < 1e-6);
    }

    #[test]
    fn a_ramp_holds_the_area_below_it() {
        let starts = starts(vec![Slope::ramp(0.0, 1000.0, 10 * SECOND)], Arrival::Constant);
        assert_eq!(starts.len(), 5_000);
        let first_half = starts.iter().filter(|at| **at < 5 * SECOND).count();
        assert_eq!(first_half, 1_250);
        assert!(starts.is_sorted());
    }

    #[test]
    fn a_burst_comes_at_once_and_the_rate_stays() {
        let starts = bursts(vec![Slope::hold(100.0, 10 * SECOND)], Arrival::Constant, 50);
        assert_eq!(starts.len(), 1_000);
        assert!(starts.iter().enumerate().all(|(n, at)| *at == (n as u32 / 50) * SECOND / 2));
    }

    #[test]
    fn bursts_at_random_keep_the_mean() {
        let starts = bursts(vec![Slope::hold(1000.0, 100 * SECOND)], Arrival::Poisson { seed: 11 }, 20);
        assert!(starts.chunks(20).all(|burst| burst.len() == 20 && burst.iter().all(|at| at == &burst[0])));
        // 5,000 bursts, whose number varies by its root.
        assert!((starts.len() as f64 / 20.0 - 5_000.0).abs() < 5.0 * 5_000_f64.sqrt(), "{}", starts.len());
        let gaps: Vec<f64> = starts.chunks(20).map(|burst| burst[0].as_secs_f64()).collect();
        let gaps: Vec<f64> = gaps.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let spread = (gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64).sqrt();
        assert!((spread / mean - 1.0).abs() < 0.1, "{}", spread / mean);
    }

    #[test]
    fn stages_follow_each_other_without_a_gap() {
        let slopes = vec![
            Slope::hold(100.0, SECOND),
            Slope::ramp(100.0, 300.0, SECOND),
            Slope::hold(300.0, SECOND),
            Slope::ramp(300.0, 0.0, SECOND),
        ];
        let starts = starts(slopes, Arrival::Constant);
        assert_eq!(starts.len(), 100 + 200 + 300 + 150);
        assert!(starts.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn parts_of_a_message_add_up_over_slopes() {
        // Seven tenths of a message a hundred times: sums that end above and below a whole number.
        let starts = starts(vec![Slope::hold(0.7, SECOND); 100], Arrival::Constant);
        assert_eq!(starts.len(), 70);
        for (nth, at) in starts.iter().enumerate() {
            assert!((at.as_secs_f64() - nth as f64 / 0.7).abs() < 1e-6, "{nth}: {at:?}");
        }
    }

    #[test]
    fn rates_below_zero_count_as_zero() {
        for slope in [Slope::ramp(-100.0, 100.0, 2 * SECOND), Slope::ramp(100.0, -100.0, 2 * SECOND)] {
            assert_eq!(starts(vec![slope], Arrival::Constant).len(), 100, "{slope:?}");
        }
    }

    #[test]
    fn a_burst_of_none_is_one_of_one() {
        let hold = || vec![Slope::hold(5.0, SECOND)];
        assert_eq!(bursts(hold(), Arrival::Constant, 0), starts(hold(), Arrival::Constant));
    }

    #[test]
    fn the_first_burst_comes_after_a_gap_like_any_other() {
        let first = |seed| bursts(vec![Slope::hold(1000.0, SECOND)], Arrival::Poisson { seed }, 20)[0].as_secs_f64();
        let mean = (0..400).map(first).sum::<f64>() / 400.0;
        // 20 ms on average, and as much spread: 1 ms is one standard error of four hundred.
        assert!((0.016..0.024).contains(&mean), "{mean}");
    }

    #[test]
    fn silence_between_two_stages_is_silent() {
        let slopes = vec![Slope::hold(10.0, SECOND), Slope::hold(0.0, SECOND), Slope::hold(10.0, SECOND)];
        let starts = starts(slopes, Arrival::Constant);
        assert_eq!(starts.len(), 20);
        assert!(!starts.iter().any(|at| *at >= SECOND && *at < 2 * SECOND));
    }

    #[test]
    fn no_slopes_and_no_rates_mean_no_starts() {
        assert_eq!(starts(vec![], Arrival::Constant).len(), 0);
        assert_eq!(starts(vec![Slope::hold(0.0, SECOND)], Arrival::Poisson { seed: 1 }).len(), 0);
        assert_eq!(starts(vec![Slope::hold(5.0, Duration::ZERO)], Arrival::Constant).len(), 0);
    }

    #[test]
    fn poisson_gaps_have_the_mean_and_spread_of_their_rate() {
        let seed = 42;
        let starts = starts(vec![Slope::hold(1000.0, 100 * SECOND)], Arrival::Poisson { seed });
        let gaps: Vec<f64> = starts.windows(2).map(|pair| (pair[1] - pair[0]).as_secs_f64()).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        assert!((mean - 1e-3).abs() < 2e-5, "seed {seed}: mean {mean}");
        assert!((variance.sqrt() - 1e-3).abs() < 2e-5, "seed {seed}: deviation {}", variance.sqrt());
    }
}
