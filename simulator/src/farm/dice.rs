//! Seeded randomness that needs no memory: a draw is a function of a seed and a place in its stream.
//!
//! SplitMix64 (Steele, Lea, Flood 2014), written out so that the bytes of a seed never change with a library.

/// A stream of draws.
#[derive(Clone, Debug)]
pub(super) struct Dice(u64);

impl Dice {
    /// The stream number `stream` of `seed`.
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        Self(mix(seed, stream))
    }

    /// 64 uniform bits.
    pub(super) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        scramble(self.0)
    }

    /// Uniform in 0 (included) to 1 (excluded).
    pub(super) fn unit(&mut self) -> f64 {
        unit(self.bits())
    }

    /// Uniform between two bounds.
    pub(super) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Uniform in 0 to `bound - 1`; 0 when `bound` is 0.
    pub(super) fn below(&mut self, bound: u32) -> u32 {
        // Lemire's multiply and shift: the high half is below the bound.
        let product = (self.bits() >> 32) * u64::from(bound);
        u32::try_from(product >> 32).expect("the product of two 32-bit numbers has a 32-bit high half")
    }

    /// True with the given probability.
    pub(super) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Standard normal, near enough: the sum of four uniforms, so never beyond 3.47 standard deviations. Devices have no
    /// outliers by accident; those that they have are modelled.
    pub(super) fn normal(&mut self) -> f64 {
        let bits = self.bits();
        let sum: u64 = (0..4).map(|word| (bits >> (16 * word)) & 0xFFFF).sum();
        // The mean of the sum is 2 x 65,535; its variance is 4/12 of 65,536 squared.
        (sum as f64 - 131_070.0) / 65_536.0 * 3f64.sqrt()
    }
}

/// A seed for one of the things that share `seed`.
pub(super) fn mix(seed: u64, value: u64) -> u64 {
    scramble(seed ^ scramble(value.wrapping_add(GOLDEN)))
}

/// A seed for the thing called `name`.
pub(super) fn mix_name(seed: u64, name: &str) -> u64 {
    name.bytes().fold(mix(seed, name.len() as u64), |seed, byte| mix(seed, u64::from(byte)))
}

/// A smooth wander between -1 and 1 that takes about `period` seconds to change its mind.
pub(super) fn drift(seed: u64, seconds: f64, period: f64) -> f64 {
    let position = seconds / period;
    let knot = position.floor();
    let within = position - knot;
    let knot = knot as u64;
    let (from, to) = (unit(mix(seed, knot)), unit(mix(seed, knot.wrapping_add(1))));
    let eased = within * within * (3.0 - 2.0 * within);
    2.0 * (from + (to - from) * eased) - 1.0
}

fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1u64 << 53) as f64
}

fn scramble(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_match_the_published_generator() {
        // SplitMix64 seeded with 1234567: the first outputs of its reference implementation.
        let mut dice = Dice(1_234_567);
        assert_eq!([dice.bits(), dice.bits()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
    }

    #[test]
    fn normal_has_mean_0_and_deviation_1() {
        let mut dice = Dice::new(1, 2);
        let draws: Vec<f64> = (0..20_000).map(|_| dice.normal()).collect();
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / draws.len() as f64;
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.03, "mean {mean}, variance {variance}");
    }

    #[test]
    fn drift_is_continuous_and_bounded() {
        let mut previous = drift(7, 0.0, 600.0);
        for second in 1..10_000 {
            let now = drift(7, f64::from(second), 600.0);
            assert!((-1.0..=1.0).contains(&now) && (now - previous).abs() < 0.01);
            previous = now;
        }
    }
}
