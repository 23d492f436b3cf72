//! One milking: how much, how fast, how long. The flow is a curve whose integral is the yield.

use super::{
    dice::{Dice, mix},
    herd::Cow,
};

/// Kilograms in a litre of milk.
pub(super) const DENSITY: f64 = 1.03;

/// The longest milking in minutes: a stall is free for the next animal then.
pub(super) const LONGEST: f64 = 9.5;

/// The flow of milk from one udder: it rises, holds, and ebbs; in nearly half of the cows it dips within the first two
/// minutes, between the milk of the cistern and that of the alveoli.
///
/// ```text
///   peak      ┌──┐    ┌────────┐
///            ╱    ╲  ╱          ╲
///           ╱      ╲╱            ╲
///          ╱        dip           ╲
///   0 ────┘ rise         hold      ebb└───
/// ```
#[derive(Clone, Copy, Debug)]
pub(super) struct FlowCurve {
    /// Greatest flow, kg/min.
    pub(super) peak: f64,
    /// Whole length, minutes.
    pub(super) minutes: f64,
    /// From the first milk to the peak, minutes.
    pub(super) rise: f64,
    /// From the last of the peak to the end, minutes.
    pub(super) ebb: f64,
    /// Width of the dip, minutes; 0 for none.
    dip: f64,
}

/// What a cow gives in one session.
#[derive(Clone, Copy, Debug)]
pub(super) struct Milking {
    /// Milk given, kg.
    pub(super) kilograms: f64,
    pub(super) curve: FlowCurve,
    /// mS/cm at 25 degrees.
    pub(super) conductivity: f64,
    /// Degrees Celsius at the meter.
    pub(super) temperature: f64,
}

impl Milking {
    /// The milking of `cow` on `day`; `share` of the day's milk.
    pub(super) fn of(cow: &Cow, day: u32, share: f64, visit: u64) -> Self {
        let mut dice = Dice::new(mix(cow.seed, 2), visit);
        let kilograms = (cow.daily_yield(day) * share * (1.0 + 0.08 * dice.normal())).clamp(0.8, 30.0);
        let health = cow.health(day);
        let (mean, deviation) = health.conductivity();
        Self {
            kilograms,
            curve: FlowCurve::of(cow, kilograms, &mut dice),
            conductivity: (mean + deviation * dice.normal()).clamp(4.0, 10.0),
            temperature: 36.9 + 0.35 * dice.normal(),
        }
    }
}

impl FlowCurve {
    /// Yield, average and greatest flow are correlated normal variables (Holstein, LactoCorder, 181 cows: 2.52 +- 0.75 and
    /// 3.94 +- 1.30 kg/min; correlation with the yield 0.48 and 0.32). Most of the rest is the cow's own.
    fn of(cow: &Cow, kilograms: f64, dice: &mut Dice) -> Self {
        let plenty = (kilograms - 11.98) / 3.41;
        let ease = 0.9 * cow.ease + 0.436 * dice.normal();
        let average = (2.52 + 0.75 * (0.48 * plenty + 0.877 * ease)).clamp(0.6, 5.0).max(kilograms / LONGEST);
        let peak = 3.94 + 1.30 * (0.32 * plenty + 0.65 * ease + 0.69 * dice.normal());
        let peak = peak.clamp(1.0, 8.0).clamp(1.15 * average, 1.9 * average);
        let minutes = kilograms / average;
        // A dip to half the peak takes away a quarter of its width times the peak.
        let slack = 2.0 * minutes * (1.0 - average / peak);
        let dip = if Dice::new(cow.seed, 3).chance(0.47) { (slack * 0.5).min(0.6).min(minutes - slack) } else { 0.0 };
        let slopes = slack - dip / 2.0;
        let rise = (slopes * 0.2).min(0.25);
        Self { peak, minutes, rise, ebb: slopes - rise, dip }
    }

    /// Whether the flow dips early.
    pub(super) fn is_bimodal(&self) -> bool {
        self.dip > 0.0
    }

    /// Flow in kg/min, `minutes` after the first milk.
    #[cfg(test)]
    fn flow(&self, minutes: f64) -> f64 {
        let slopes = (minutes / self.rise).min((self.minutes - minutes) / self.ebb).clamp(0.0, 1.0);
        let from_dip = (minutes - self.rise - self.dip / 2.0).abs();
        let dip = if from_dip < self.dip / 2.0 { 0.5 + from_dip / self.dip } else { 1.0 };
        self.peak * slopes * dip
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::farm::herd::Herd;

    fn milkings() -> Vec<Milking> {
        let herd = Herd::new(11, 0, 1, 4000);
        (0..4000).map(|n| Milking::of(&herd.cow(n), 3, 0.5, u64::from(n))).collect()
    }

    #[test]
    fn the_integral_of_the_flow_is_the_yield() {
        for milking in milkings().iter().take(300) {
            let curve = milking.curve;
            let steps = 4000;
            let step = curve.minutes / f64::from(steps);
            let integral: f64 = (0..steps).map(|n| curve.flow((f64::from(n) + 0.5) * step) * step).sum();
            assert!((integral / milking.kilograms - 1.0).abs() < 0.005, "{integral} {milking:?}");
        }
    }

    #[test]
    fn flows_and_yields_are_those_of_holsteins() {
        let milkings = milkings();
        let stats = |of: &dyn Fn(&Milking) -> f64| {
            let mean = milkings.iter().map(of).sum::<f64>() / milkings.len() as f64;
            let variance = milkings.iter().map(|m| (of(m) - mean).powi(2)).sum::<f64>() / milkings.len() as f64;
            (mean, variance.sqrt())
        };
        let near = |(mean, deviation): (f64, f64), wanted: (f64, f64)| {
            assert!((mean / wanted.0 - 1.0).abs() < 0.08, "mean {mean}, wanted {}", wanted.0);
            assert!((deviation / wanted.1 - 1.0).abs() < 0.25, "deviation {deviation}, wanted {}", wanted.1);
        };
        near(stats(&|m| m.kilograms), (11.98, 3.41));
        near(stats(&|m| m.kilograms / m.curve.minutes), (2.52, 0.75));
        near(stats(&|m| m.curve.peak), (3.94, 1.30));
        let bimodal = milkings.iter().filter(|m| m.curve.is_bimodal()).count() as f64 / milkings.len() as f64;
        assert!((0.43..0.51).contains(&bimodal), "{bimodal}");
    }

    #[test]
    fn a_sick_udder_conducts_better_and_gives_less() {
        let herd = Herd::new(5, 0, 1, 5000);
        let sick = (0..5000).map(|n| herd.cow(n)).find(|c| c.health(10) == crate::farm::herd::Health::Clinical);
        let sick = sick.unwrap();
        let well_day = (0..120).find(|&day| sick.health(day) == crate::farm::herd::Health::Healthy).unwrap();
        let (ill, well) = (Milking::of(&sick, 10, 0.5, 1), Milking::of(&sick, well_day, 0.5, 1));
        assert!(ill.conductivity > 6.5 && well.conductivity < 5.9);
        assert!(ill.kilograms < well.kilograms);
    }
}
