//! A rate that follows the farm's day.

use std::{sync::Arc, time::Duration};

use scenarios::model::Curve;

use super::NaturalTime;
use crate::schedule::Slope;

const DAY: Duration = Duration::from_secs(86_400);

/// The slopes of a rate that a curve multiplies: one between two points of the curve, however many days pass.
#[derive(Clone, Debug)]
pub(super) struct Slopes {
    pub(super) rate: f64,
    pub(super) curve: Arc<Curve>,
    pub(super) time: NaturalTime,
    /// Where the next slope begins, an offset from the run's start.
    pub(super) at: Duration,
    pub(super) ends: Duration,
}

impl Iterator for Slopes {
    type Item = Slope;

    fn next(&mut self) -> Option<Slope> {
        if self.at >= self.ends {
            return None;
        }
        let begins = self.time.farm(self.at);
        let past = Duration::from_nanos((begins.as_nanos() % DAY.as_nanos()) as u64);
        let until = |point: Duration| if point > past { point - past } else { point + DAY - past };
        let points = self.curve.points.iter().map(|(time, _)| until(time.since_midnight()));
        let next = points.min().map_or(self.ends, |until| self.time.run(begins + until));
        // The run's time is rounded, so that a point may seem to be where the slope begins.
        let ends = next.max(self.at + Duration::from_nanos(1)).min(self.ends);
        let level = |at: Duration| self.rate * self.curve.factor(self.time.farm(at));
        let slope = Slope::ramp(level(self.at), level(ends), ends - self.at);
        self.at = ends;
        Some(slope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Milking at five and at seventeen, half an hour in a second of the run.
    fn slopes(begins: Duration, seconds: u64) -> Slopes {
        let points = [("04:00", 0.0), ("05:00", 2.0), ("06:00", 0.0), ("16:00", 0.0), ("17:00", 1.0), ("18:00", 0.0)];
        let points = points.map(|(time, level)| (time.parse().unwrap(), level)).into();
        Slopes {
            rate: 100.0,
            curve: Arc::new(Curve { name: "milking".parse().unwrap(), points }),
            time: NaturalTime { begins, compression: 1800.0 },
            at: Duration::ZERO,
            ends: Duration::from_secs(seconds),
        }
    }

    #[test]
    fn the_rate_goes_from_point_to_point() {
        let hour = Duration::from_secs(3600);
        let seen: Vec<(f64, f64, u64)> = slopes(3 * hour, 8)
            .map(|slope| (slope.from.round(), slope.to.round(), slope.lasts.as_millis() as u64))
            .collect();
        assert_eq!(seen, [(0.0, 0.0, 2000), (0.0, 200.0, 2000), (200.0, 0.0, 2000), (0.0, 0.0, 2000)]);
    }

    #[test]
    fn every_day_is_like_the_first() {
        let area = |days: u64| slopes(Duration::ZERO, 48 * days).map(|slope| slope.starts()).sum::<f64>();
        // Two triangles of four seconds, 200 and 100 high.
        assert!((area(1) - 600.0).abs() < 1e-3, "{}", area(1));
        assert!((area(7) - 4200.0).abs() < 1e-2, "{}", area(7));
    }

    #[test]
    fn the_slopes_cover_the_time_without_a_gap() {
        for begins in [0, 1, 3599, 86_399] {
            let all: Vec<Slope> = slopes(Duration::from_secs(begins), 100).collect();
            assert_eq!(all.iter().map(|slope| slope.lasts).sum::<Duration>(), Duration::from_secs(100));
            assert!(all.windows(2).all(|pair| (pair[0].to - pair[1].from).abs() < 1e-6), "{all:?}");
        }
    }
}
