//! Which device sends at each start.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Deals turns to devices in proportion to their weights, each device's turns evenly spaced (stride scheduling).
#[derive(Clone, Debug)]
pub struct Rota {
    lanes: Vec<Lane>,
    /// The front of each lane.
    fronts: BinaryHeap<Reverse<Front>>,
    now: u64,
    random: ChaCha8Rng,
}

/// Devices of one weight. Whoever had its turn goes to the end: its next turn is a stride away, and no other's is further.
#[derive(Clone, Debug)]
struct Lane {
    stride: u64,
    /// Ascending.
    turns: VecDeque<Turn>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    due: u64,
    device: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Front {
    turn: Turn,
    lane: usize,
}

// A device of weight 1 has its turn every 2^32 ticks; the sum of an hour's turns stays far below 2^64.
const STRIDE_OF_WEIGHT_ONE: f64 = (1_u64 << 32) as f64;

impl Rota {
    /// Deals to `devices` with their weights. The seed decides who comes first; weights at or below zero get no turn.
    pub fn new(seed: u64, devices: impl IntoIterator<Item = (u32, f64)>) -> Self {
        let random = ChaCha8Rng::seed_from_u64(seed);
        let mut rota = Self { lanes: Vec::new(), fronts: BinaryHeap::new(), now: 0, random };
        for (device, weight) in devices {
            rota.enter(device, weight);
        }
        rota.line_up();
        rota
    }

    /// Lets another device take part from now on.
    pub fn join(&mut self, device: u32, weight: f64) {
        self.enter(device, weight);
        self.line_up();
    }

    /// Whose turn it is; `None` when no device takes part.
    pub fn next_device(&mut self) -> Option<u32> {
        let mut next = self.fronts.peek_mut()?;
        let Turn { due, device } = next.0.turn;
        let Lane { stride, turns } = &mut self.lanes[next.0.lane];
        turns.pop_front();
        turns.push_back(Turn { due: due + *stride, device });
        next.0.turn = turns[0];
        self.now = due;
        Some(device)
    }

    fn enter(&mut self, device: u32, weight: f64) {
        if weight > 0.0 {
            let stride = (STRIDE_OF_WEIGHT_ONE / weight).clamp(1.0, (1_u64 << 52) as f64) as u64;
            let turn = Turn { due: self.now + self.random.random_range(0..stride), device };
            let lane = self.lanes.binary_search_by_key(&stride, |lane| lane.stride).unwrap_or_else(|place| {
                self.lanes.insert(place, Lane { stride, turns: VecDeque::new() });
                place
            });
            let turns = &mut self.lanes[lane].turns;
            turns.insert(turns.partition_point(|other| *other < turn), turn);
        }
    }

    fn line_up(&mut self) {
        let fronts = self.lanes.iter().enumerate();
        self.fronts = fronts.map(|(lane, Lane { turns, .. })| Reverse(Front { turn: turns[0], lane })).collect();
    }
}

#[cfg(test)]
mod tests {
    use proptest::{prop_assert_eq, proptest};

    use super::*;

    proptest! {
        /// Whoever joins when: each has its turn every stride, those that are due together by number.
        #[test]
        fn turns_come_in_the_order_in_which_they_are_due(
            seed: u64,
            first in proptest::collection::vec(0_u8..5, 0..12),
            joins in proptest::collection::vec((0_usize..40, 1_u8..5), 0..6),
        ) {
            let strides = |weight: u8| (STRIDE_OF_WEIGHT_ONE / f64::from(weight)) as u64;
            let (mut random, mut model, mut now) = (ChaCha8Rng::seed_from_u64(seed), Vec::new(), 0);
            let mut enter = |model: &mut Vec<(u64, u32, u64)>, now: u64, device: u32, weight: u8| {
                if weight > 0 {
                    let stride = strides(weight);
                    model.push((now + random.random_range(0..stride), device, stride));
                }
            };
            let devices = || (0..).zip(first.iter().copied());
            let mut rota = Rota::new(seed, devices().map(|(device, weight)| (device, f64::from(weight))));
            devices().for_each(|(device, weight)| enter(&mut model, now, device, weight));
            for ((turns, weight), device) in joins.into_iter().chain([(100, 1)]).zip(100..) {
                for _ in 0..turns {
                    let expected = model.iter_mut().min();
                    prop_assert_eq!(rota.next_device(), expected.as_ref().map(|turn| turn.1));
                    if let Some((due, _, stride)) = expected {
                        now = *due;
                        *due += *stride;
                    }
                }
                rota.join(device, f64::from(weight));
                enter(&mut model, now, device, weight);
            }
        }
    }

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
