//! Which device sends at each start.

use std::{cmp::Reverse, collections::BinaryHeap};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Deals turns to devices in proportion to their weights, each device's turns evenly spaced (stride scheduling).
#[derive(Clone, Debug)]
pub struct Rota {
    turns: BinaryHeap<Reverse<Turn>>,
    now: u64,
    random: ChaCha8Rng,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    due: u64,
    device: u32,
    stride: u64,
}

// A device of weight 1 has its turn every 2^32 ticks; the sum of an hour's turns stays far below 2^64.
const STRIDE_OF_WEIGHT_ONE: f64 = (1_u64 << 32) as f64;

impl Rota {
    /// Deals to `devices` with their weights. The seed decides who comes first; weights at or below zero get no turn.
    pub fn new(seed: u64, devices: impl IntoIterator<Item = (u32, f64)>) -> Self {
        let mut rota = Self { turns: BinaryHeap::new(), now: 0, random: ChaCha8Rng::seed_from_u64(seed) };
        for (device, weight) in devices {
            rota.join(device, weight);
        }
        rota
    }

    /// Lets another device take part from now on.
    pub fn join(&mut self, device: u32, weight: f64) {
        if weight > 0.0 {
            let stride = (STRIDE_OF_WEIGHT_ONE / weight).clamp(1.0, (1_u64 << 52) as f64) as u64;
            let due = self.now + self.random.random_range(0..stride);
            self.turns.push(Reverse(Turn { due, device, stride }));
        }
    }

    /// Whose turn it is; `None` when no device takes part.
    pub fn next_device(&mut self) -> Option<u32> {
        let mut next = self.turns.peek_mut()?;
        let Turn { due, device, stride } = next.0;
        next.0.due = due + stride;
        self.now = due;
        Some(device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_follow_the_weights() {
        let mut rota = Rota::new(1, [(0, 1.0), (1, 2.0), (2, 0.5), (3, 0.0)]);
        let mut turns = [0_i64; 4];
        for _ in 0..3_500 {
            turns[rota.next_device().unwrap() as usize] += 1;
        }
        for (device, expected) in [1_000, 2_000, 500, 0].into_iter().enumerate() {
            assert!((turns[device] - expected).abs() <= 1, "{turns:?}");
        }
    }

    #[test]
    fn equal_devices_take_turns() {
        let mut rota = Rota::new(9, (0..5).map(|device| (device, 1.0)));
        let first: Vec<u32> = (0..5).map(|_| rota.next_device().unwrap()).collect();
        let second: Vec<u32> = (0..5).map(|_| rota.next_device().unwrap()).collect();
        assert_eq!(first, second);
        let mut sorted = first;
        sorted.sort_unstable();
        assert_eq!(sorted, [0, 1, 2, 3, 4]);
    }

    #[test]
    fn a_latecomer_gets_its_share_and_no_more() {
        let mut rota = Rota::new(3, [(0, 1.0)]);
        for _ in 0..1_000 {
            rota.next_device();
        }
        rota.join(1, 1.0);
        let late = (0..100).filter(|_| rota.next_device() == Some(1)).count();
        assert!((49..=51).contains(&late), "{late}");
    }

    #[test]
    fn the_seed_decides_who_comes_first() {
        let first = |seed| Rota::new(seed, (0..100).map(|device| (device, 1.0))).next_device().unwrap();
        assert!((1..10).any(|seed| first(seed) != first(0)));
    }

    #[test]
    fn no_weight_is_too_great_or_too_small() {
        let mut rota = Rota::new(5, [(0, 1e300), (1, 1e-300), (2, f64::INFINITY)]);
        let turns: Vec<Option<u32>> = (0..100).map(|_| rota.next_device()).collect();
        assert!(turns.iter().all(|turn| matches!(turn, Some(0 | 2))), "{turns:?}");
        assert!(Rota::new(5, [(1, 1e-300)]).next_device().is_some());
    }

    #[test]
    fn nobody_means_no_turn() {
        assert_eq!(Rota::new(0, [(0, 0.0), (1, -1.0)]).next_device(), None);
        assert_eq!(Rota::new(0, []).next_device(), None);
    }
}
