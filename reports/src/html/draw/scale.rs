//! From values to places, and the values worth naming.

/// How values are laid out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::html) enum Scale {
    /// From zero to `top`, ticks every `step`.
    Linear { top: f64, step: f64 },
    /// From `bottom` to `top`, both powers of ten.
    Log { bottom: f64, top: f64 },
}

impl Scale {
    /// From zero to a round number above every value, with about four ticks.
    pub(in crate::html) fn linear(values: impl Iterator<Item = f64>) -> Self {
        Self::stepped(values, 4.0)
    }

    /// The same with about so many ticks: the more, the closer its end lies to the highest value.
    pub(in crate::html) fn stepped(values: impl Iterator<Item = f64>, ticks: f64) -> Self {
        let highest = values.filter(|value| value.is_finite()).fold(0.0, f64::max);
        let highest = if highest > 0.0 { highest * 1.05 } else { 1.0 };
        let step = round_step(highest / ticks);
        Self::Linear { top: (highest / step).ceil() * step, step }
    }

    /// Whole decades around every positive value.
    pub(in crate::html) fn log(values: impl Iterator<Item = f64>) -> Self {
        let positive = values.filter(|value| value.is_finite() && *value > 0.0);
        let (low, high) = positive.fold((f64::MAX, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
        if high <= 0.0 {
            return Self::Log { bottom: 1.0, top: 10.0 };
        }
        let bottom = 10_f64.powf(low.log10().floor());
        let top = 10_f64.powf((high * 1.02).log10().ceil());
        Self::Log { bottom, top: top.max(bottom * 10.0) }
    }

    /// Where a value lies, 0 at the bottom and 1 at the top.
    pub(in crate::html) fn place(self, value: f64) -> f64 {
        let place = match self {
            Self::Linear { top, .. } => value / top,
            Self::Log { bottom, top } => (value.max(bottom) / bottom).log10() / (top / bottom).log10(),
        };
        place.clamp(0.0, 1.0)
    }

    /// Values to name, in order.
    pub(in crate::html) fn ticks(self) -> Vec<f64> {
        let bounded = |first: f64, next: &dyn Fn(f64) -> f64, top: f64| {
            std::iter::successors(Some(first), |value| Some(next(*value)))
                .take_while(|v| *v <= top * 1.001)
                .take(24)
                .collect()
        };
        match self {
            Self::Linear { top, step } => bounded(0.0, &|value| value + step, top),
            Self::Log { bottom, top } => bounded(bottom, &|value| value * 10.0, top),
        }
    }
}

/// 1, 2 or 5 times a power of ten, at least `rough`.
fn round_step(rough: f64) -> f64 {
    let power = 10_f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().find(|factor| factor * power >= rough * 0.999);
    factor.unwrap_or(10.0) * power
}

/// Moments worth naming on an axis of that many seconds: a step a clock would use, about `wanted` of them.
pub(in crate::html) fn moments(seconds: f64, wanted: f64) -> Vec<f64> {
    const STEPS: [f64; 17] = [
        0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0, 21_600.0,
        86_400.0,
    ];
    let step = STEPS.into_iter().find(|step| seconds / step <= wanted).unwrap_or(seconds.max(1.0) / wanted);
    std::iter::successors(Some(0.0), |at| Some(at + step)).take_while(|at| *at <= seconds * 1.0001).take(64).collect()
}

/// A moment on an axis of that many seconds: `40 s`, `2:30`, `1:05:00`.
pub(in crate::html) fn moment(at: f64, seconds: f64) -> String {
    let whole = at.round().max(0.0) as u64;
    match seconds {
        _ if seconds <= 5.0 => format!("{at:.1} s"),
        _ if seconds < 120.0 => format!("{whole} s"),
        _ if seconds < 3600.0 => format!("{}:{:02}", whole / 60, whole % 60),
        _ => format!("{}:{:02}:{:02}", whole / 3600, whole % 3600 / 60, whole % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linear_scales_begin_at_zero_and_end_round() {
        assert_eq!(Scale::linear([480.0, 500.0].into_iter()), Scale::Linear { top: 600.0, step: 200.0 });
        assert_eq!(Scale::linear(std::iter::empty()).place(0.0), 0.0);
        assert_eq!(Scale::linear([f64::NAN, f64::INFINITY].into_iter()), Scale::linear(std::iter::empty()));
    }

    #[test]
    fn log_scales_span_whole_decades() {
        let scale = Scale::log([0.0, 3e5, 4e7].into_iter());
        assert_eq!(scale.ticks().len(), 4);
        assert!((scale.place(1e6) - 1.0 / 3.0).abs() < 1e-9);
        assert_eq!(scale.place(0.0), 0.0);
    }

    #[test]
    fn moments_are_what_a_clock_would_use() {
        assert_eq!(moments(60.0, 8.0), [0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0]);
        assert_eq!([moment(40.0, 60.0), moment(150.0, 600.0), moment(3900.0, 7200.0)], ["40 s", "2:30", "1:05:00"]);
    }
}
