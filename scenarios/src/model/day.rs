//! A day on the farm, and how fast it passes.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Serialize, Serializer};

use super::{Factor, Name, QuantityError};

/// How a run's time maps to the farm's day, for stages with natural load.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Day {
    /// Seconds of the farm's time that pass in one second of the run: at 60, an hour takes a minute. Natural intervals shrink
    /// by this factor; keep alive, time-outs and session expiry do not.
    pub compress: Factor,
    /// The farm's time of day when the first stage begins.
    pub start: TimeOfDay,
    /// The curves that device groups may follow.
    pub curves: Vec<Curve>,
}

impl Day {
    /// The farm's time since its midnight, `elapsed` after the first stage began.
    #[must_use]
    pub fn farm_time(&self, elapsed: Duration) -> Duration {
        self.start.since_midnight() + elapsed.mul_f64(self.compress.value())
    }
}

/// Factors over 24 hours that multiply a device group's natural rate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Curve {
    /// Its name.
    pub name: Name,
    /// Ascending in time, at least one. Between two points the factor changes linearly, around midnight too. Factors are at
    /// least 0, one of them is above 0.
    pub points: Vec<(TimeOfDay, f64)>,
}

impl Curve {
    /// The factor at a time since any midnight.
    #[must_use]
    pub fn factor(&self, farm_time: Duration) -> f64 {
        const DAY: f64 = 86_400.0;
        let now = farm_time.as_secs_f64() % DAY;
        let seconds = |point: &(TimeOfDay, f64)| point.0.since_midnight().as_secs_f64();
        let next = self.points.iter().position(|point| seconds(point) > now);
        let (before, after) = match next {
            Some(0) | None => (self.points.last(), self.points.first()),
            Some(index) => (self.points.get(index - 1), self.points.get(index)),
        };
        let (Some(before), Some(after)) = (before, after) else { return 1.0 };
        let width = (seconds(after) - seconds(before)).rem_euclid(DAY);
        if width == 0.0 {
            return before.1;
        }
        let along = (now - seconds(before)).rem_euclid(DAY) / width;
        before.1 + (after.1 - before.1) * along
    }
}

/// A time of day with minutes, `00:00` to `23:59`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeOfDay {
    minutes: u16,
}

impl TimeOfDay {
    /// Time since midnight.
    #[must_use]
    pub fn since_midnight(self) -> Duration {
        Duration::from_secs(u64::from(self.minutes) * 60)
    }
}

impl FromStr for TimeOfDay {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let bad = || QuantityError(format!("`{text}` is not a time of day: 00:00 to 23:59"));
        let (hours, minutes) = text.split_once(':').ok_or_else(bad)?;
        let part = |part: &str, limit: u16| {
            (part.len() == 2).then(|| part.parse().ok()).flatten().filter(|&value: &u16| value < limit)
        };
        let hours = part(hours, 24).ok_or_else(bad)?;
        let minutes = part(minutes, 60).ok_or_else(bad)?;
        Ok(Self { minutes: hours * 60 + minutes })
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.minutes / 60, self.minutes % 60)
    }
}

impl Serialize for TimeOfDay {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
