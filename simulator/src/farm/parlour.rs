//! A line of a milking parlour: one reader at the entrance, some stalls with a meter each, one sampler.
//!
//! The calendar of visits is a closed formula: visit number n is a day, a session, a round and a stall, so that any
//! caller can ask when the next one is. What was scanned and not yet milked is the only state. Readers and meters are
//! separate devices that publish at the caller's pace; whatever that pace is, the line keeps the order of the trade:
//!
//! ```text
//!   reader: scan(visit) ──▶ stall's queue ──▶ meter: milk(visit) ──▶ samples ──▶ analyser: sample(visit)
//! ```
//!
//! A meter whose queue is empty milks an animal that the reader missed; the milker enters its number by hand, and the
//! reader does not report that visit later.

use std::{collections::VecDeque, time::Duration};

use super::{
    clock::{DAY, Moment},
    dice::{Dice, mix},
    herd::{Cow, Herd},
    milking::Milking,
};

/// Rounds of one session: each fills every stall once.
const ROUNDS: u32 = 12;

/// Seconds from one round to the next: preparation, the longest milking and the walk out fit.
const ROUND: u64 = 720;

/// When the sessions of a day begin, in seconds, and their shares of the day's milk.
const SESSIONS: [(u64, f64); 2] = [(4 * 3600 + 1800, 0.53), (16 * 3600, 0.47)];

/// Visits that a stall may be behind its reader.
const BEHIND: usize = 4;

/// Samples that wait for the analyser; older ones are poured away.
const SAMPLES: usize = 32;

/// The share of animals that a reader misses (0.5 to 2 % in practice).
const MISSED: f64 = 0.01;

/// One animal in one stall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Visit {
    /// Counts the rounds of the line since the epoch.
    pub(super) round: u32,
    /// The stall, from 0.
    pub(super) stall: u32,
}

/// What a reader has to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scan {
    /// An animal has entered.
    Detected(Visit),
    /// The stalls are full; the last animal has left the antenna's field.
    Lost(Visit),
}

/// How a meter knows the animal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Identification {
    /// From the scan that the reader published before.
    Rfid,
    /// Entered by hand: the reader missed the animal, or there is none.
    Manual,
}

/// A line and its queues.
#[derive(Clone, Debug)]
pub(super) struct Line {
    seed: u64,
    herd: Herd,
    /// The first animal of the herd that is milked here.
    first_cow: u32,
    stalls: Vec<Stall>,
    /// Whether the stalls have meters that take the visits away.
    metered: bool,
    /// The next visit to scan, counting over rounds and stalls.
    next_scan: u64,
    last_scan: Visit,
    samples: VecDeque<Visit>,
}

#[derive(Clone, Debug, Default)]
struct Stall {
    /// Scanned, not yet milked.
    waiting: VecDeque<u32>,
    /// The round that the meter milks next.
    next: u32,
}

impl Line {
    /// A line with `meters` stalls; one without meters still has eight stalls for its reader.
    pub(super) fn new(barn_seed: u64, number: u32, meters: u32, herd: Herd, first_cow: u32) -> Self {
        let stalls = if meters == 0 { 8 } else { meters };
        Self {
            seed: mix(mix(barn_seed, 0x11), u64::from(number)),
            herd,
            first_cow,
            stalls: vec![Stall::default(); stalls as usize],
            metered: meters > 0,
            next_scan: 0,
            last_scan: Visit { round: 0, stall: 0 },
            samples: VecDeque::new(),
        }
    }

    /// Animals that a line with `meters` stalls milks in a session.
    pub(super) fn capacity(meters: u32) -> u32 {
        if meters == 0 { 8 * ROUNDS } else { meters.saturating_mul(ROUNDS) }
    }

    /// The animal of a visit. Animals come in a loose order that changes from session to session.
    pub(super) fn cow(&self, visit: Visit) -> Cow {
        let capacity = self.stall_count() * ROUNDS;
        let session = u64::from(visit.round / ROUNDS);
        let place = (visit.round % ROUNDS) * self.stall_count() + visit.stall;
        let shift = Dice::new(self.seed, session).below(capacity);
        self.herd.cow(self.first_cow + (place + shift) % capacity)
    }

    /// What the animal of a visit gives.
    pub(super) fn milking(&self, visit: Visit) -> Milking {
        let session = visit.round / ROUNDS;
        let (day, half) = (session / 2, (session % 2) as usize);
        Milking::of(&self.cow(visit), day, SESSIONS[half].1, u64::from(session))
    }

    /// The reader's next scan.
    pub(super) fn scan(&mut self, moment: Moment) -> Scan {
        let stalls = u64::from(self.stall_count());
        let begun = self.stalls.iter().map(|stall| u64::from(stall.next)).min().unwrap_or(0) * stalls;
        let due = self.number(self.first_visit(moment.at, |line, visit| line.scan_time(visit)));
        let mut number = self.next_scan.max(begun).max(due);
        loop {
            let visit = self.visit(number);
            let stall = &mut self.stalls[visit.stall as usize];
            let entered_by_hand = self.metered && visit.round < stall.next;
            if entered_by_hand || missed(self.seed, number) {
                number += 1;
                continue;
            }
            if self.metered {
                if stall.waiting.len() >= BEHIND {
                    return Scan::Lost(self.last_scan);
                }
                stall.waiting.push_back(visit.round);
            }
            self.next_scan = number + 1;
            self.last_scan = visit;
            return Scan::Detected(visit);
        }
    }

    /// The next milking at `stall`.
    pub(super) fn milk(&mut self, stall: u32, moment: Moment) -> (Visit, Identification) {
        let scanned = self.stalls[stall as usize].waiting.front().copied();
        let next = self.stalls[stall as usize].next;
        let by_hand = |round| missed(self.seed, self.number(Visit { round, stall }));
        let (round, identification) = match scanned {
            Some(round) if next == round || !by_hand(next) => (round, Identification::Rfid),
            Some(_) => (next, Identification::Manual),
            None => {
                let due = self.first_visit_at(stall, moment.at, |line, visit| line.milk_time(visit));
                (next.max(due.round), Identification::Manual)
            }
        };
        let place = &mut self.stalls[stall as usize];
        if identification == Identification::Rfid {
            place.waiting.pop_front();
        }
        place.next = round + 1;
        let visit = Visit { round, stall };
        if self.samples.len() == SAMPLES {
            self.samples.pop_front();
        }
        self.samples.push_back(visit);
        (visit, identification)
    }

    /// The oldest sample that waits to be analysed.
    pub(super) fn sample(&mut self) -> Option<Visit> {
        self.samples.pop_front()
    }

    /// When the reader scans next, after `after`.
    pub(super) fn next_scan_time(&self, after: Duration) -> Duration {
        let mut number = self.number(self.first_visit(after + TICK, |line, visit| line.scan_time(visit)));
        while missed(self.seed, number) {
            number += 1;
        }
        self.scan_time(self.visit(number))
    }

    /// When the meter at `stall` reports next, after `after`.
    pub(super) fn next_milk_time(&self, stall: u32, after: Duration) -> Duration {
        self.milk_time(self.first_visit_at(stall, after + TICK, |line, visit| line.milk_time(visit)))
    }

    /// When analyser number `turn` of `analysers` reports next, after `after`.
    pub(super) fn next_sample_time(&self, turn: u32, analysers: u32, after: Duration) -> Duration {
        let analysers = analysers.max(1);
        let own = (0..self.stall_count()).filter(|stall| stall % analysers == turn % analysers);
        let next = own.map(|stall| {
            let earlier = after.saturating_sub(ANALYSIS);
            self.milk_time(self.first_visit_at(stall, earlier + TICK, |line, visit| line.milk_time(visit))) + ANALYSIS
        });
        // More analysers than stalls: the idle ones speak with the first stall's.
        next.min().unwrap_or_else(|| self.next_milk_time(0, after) + ANALYSIS)
    }

    /// Rounds in a day.
    pub(super) const fn rounds_per_day() -> u32 {
        ROUNDS * SESSIONS.len() as u32
    }

    /// The number of stalls.
    pub(super) fn stall_count(&self) -> u32 {
        u32::try_from(self.stalls.len()).expect("stalls are counted in 32 bits")
    }

    fn number(&self, visit: Visit) -> u64 {
        u64::from(visit.round) * u64::from(self.stall_count()) + u64::from(visit.stall)
    }

    fn visit(&self, number: u64) -> Visit {
        let stalls = u64::from(self.stall_count());
        let narrow = |wide: u64| u32::try_from(wide).unwrap_or(u32::MAX - 1);
        Visit { round: narrow(number / stalls), stall: narrow(number % stalls) }
    }

    fn round_start(round: u32) -> Duration {
        let session = round / ROUNDS;
        let (day, half) = (u64::from(session / 2), (session % 2) as usize);
        Duration::from_secs(day * DAY + SESSIONS[half].0 + u64::from(round % ROUNDS) * ROUND)
    }

    /// When an animal walks past the reader: at most 8 s after the one before.
    fn scan_time(&self, visit: Visit) -> Duration {
        let spacing = (90_000 / u64::from(self.stall_count())).min(8_000);
        let wobble = Dice::new(self.seed, self.number(visit)).bits() % (spacing / 2 + 1);
        Self::round_start(visit.round) + Duration::from_millis(spacing * u64::from(visit.stall) + wobble)
    }

    /// When the milking of a visit is over: a minute of preparation, then the flow.
    fn milk_time(&self, visit: Visit) -> Duration {
        self.scan_time(visit) + Duration::from_secs_f64(55.0 + 60.0 * self.milking(visit).curve.minutes)
    }

    /// The first visit whose `time` is not before `from`.
    fn first_visit(&self, from: Duration, time: impl Fn(&Self, Visit) -> Duration) -> Visit {
        let mut number = u64::from(round_before(from)) * u64::from(self.stall_count());
        while time(self, self.visit(number)) < from {
            number += 1;
        }
        self.visit(number)
    }

    /// The first visit at one stall whose `time` is not before `from`.
    fn first_visit_at(&self, stall: u32, from: Duration, time: impl Fn(&Self, Visit) -> Duration) -> Visit {
        let mut visit = Visit { round: round_before(from), stall };
        while time(self, visit) < from {
            visit.round += 1;
        }
        visit
    }
}

/// The least step of time between two reports of one device.
const TICK: Duration = Duration::from_millis(1);

/// A sample takes half a minute.
const ANALYSIS: Duration = Duration::from_secs(30);

/// A round that is surely not later than the one in which something happens at `instant`.
fn round_before(instant: Duration) -> u32 {
    let day = u32::try_from(instant.as_secs() / DAY).unwrap_or(u32::MAX / 100);
    let second = instant.as_secs() % DAY;
    let rounds: u64 =
        SESSIONS.iter().map(|(start, _)| (second.saturating_sub(*start) / ROUND).min(u64::from(ROUNDS))).sum();
    (day * Line::rounds_per_day() + u32::try_from(rounds).expect("a day has few rounds")).saturating_sub(1)
}

fn missed(line_seed: u64, number: u64) -> bool {
    Dice::new(mix(line_seed, 1), number).chance(MISSED)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn line(seed: u64, meters: u32) -> Line {
        let herd = Herd::new(seed, 0, 1, Line::capacity(meters));
        Line::new(seed, 0, meters, herd, 0)
    }

    fn moment(seconds: u64) -> Moment {
        Moment::new(0, Duration::from_secs(seconds))
    }

    proptest! {
        #[test]
        fn a_scan_precedes_the_milk_of_its_visit_at_any_pace(
            seed: u64, meters in 1u32..10, calls in proptest::collection::vec((0u32..12, 0u64..400), 1..400)
        ) {
            let mut line = line(seed, meters);
            let mut scanned = HashSet::new();
            let mut milked = HashSet::new();
            let mut now = 0;
            for (who, pause) in calls {
                now += pause;
                if who >= meters {
                    if let Scan::Detected(visit) = line.scan(moment(now)) {
                        prop_assert!(scanned.insert((visit.round, visit.stall)), "scanned twice");
                        prop_assert!(!milked.contains(&(visit.round, visit.stall)), "scanned after the milk");
                    }
                } else {
                    let (visit, identification) = line.milk(who, moment(now));
                    prop_assert!(milked.insert((visit.round, visit.stall)), "milked twice");
                    let known = scanned.contains(&(visit.round, visit.stall));
                    prop_assert_eq!(known, identification == Identification::Rfid);
                }
            }
        }

        #[test]
        fn the_next_times_lie_ahead(seed: u64, meters in 1u32..20, after in 0u64..400_000) {
            let line = line(seed, meters);
            let after = Duration::from_millis(after * 1000 + seed % 1000);
            prop_assert!(line.next_scan_time(after) > after);
            prop_assert!(line.next_milk_time(meters - 1, after) > after);
            prop_assert!(line.next_sample_time(0, 2, after) > after);
        }
    }

    #[test]
    fn every_animal_is_milked_once_a_session() {
        let line = line(3, 8);
        let cows: HashSet<String> = (0..ROUNDS)
            .flat_map(|round| (0..8).map(move |stall| Visit { round, stall }))
            .map(|visit| line.cow(visit).tag.to_string())
            .collect();
        assert_eq!(cows.len(), 96);
    }

    #[test]
    fn a_round_is_over_before_the_next_begins() {
        for meters in [1, 8, 40] {
            let line = line(5, meters);
            for number in 0..u64::from(meters) * 200 {
                let visit = line.visit(number);
                let next = Visit { round: visit.round + 1, ..visit };
                assert!(line.milk_time(visit) <= line.scan_time(next), "{visit:?}");
            }
        }
    }

    #[test]
    fn a_line_without_reader_milks_by_hand_and_one_without_meters_scans_on() {
        let mut unread = line(1, 2);
        assert!((0..100).all(|_| unread.milk(0, moment(0)).1 == Identification::Manual));
        let mut unmetered = line(1, 0);
        assert!((0..1000).all(|_| matches!(unmetered.scan(moment(0)), Scan::Detected(_))));
    }
}
