//! When each message is meant to start, and which device sends it.
//!
//! A schedule never looks at a clock: it says intended starts as offsets from the run's start, so that a target that
//! stalls cannot slow it down (coordinated omission).
//!
//! ```text
//!   Slope, Slope, ...   rate over time            Rota       which device is next
//!          │                                        │
//!   Paced (constant or Poisson, in bursts) ────▶ Assigned ─┐
//!   Natural (each device's own interval) ──────────────────┼──▶ dyn Calendar ──▶ Segment i/n
//!   Traced (what a file says) ─────────────────────────────┘
//! ```

mod natural;
mod paced;
mod rota;
mod traced;

use std::{fmt, str::FromStr, time::Duration};

pub use natural::Natural;
pub use paced::{Arrival, Paced, Slope};
pub use rota::Rota;
pub use traced::Traced;

/// Intended starts, ascending, as offsets from the run's start.
pub trait Schedule: Send {
    /// The next intended start; `None` when there are no more.
    fn next_start(&mut self) -> Option<Duration>;
}

/// One intended start with its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Start {
    /// Offset from the run's start.
    pub at: Duration,
    /// The device that sends.
    pub device: u32,
}

/// Intended starts with their senders, ascending in time.
pub trait Calendar: Send {
    /// The next start; `None` when there are no more.
    fn next_start(&mut self) -> Option<Start>;
}

/// A schedule whose starts are dealt to devices by a rota.
#[derive(Debug)]
pub struct Assigned<S> {
    schedule: S,
    rota: Rota,
}

impl<S: Schedule> Assigned<S> {
    /// Deals the starts of `schedule` to the devices of `rota`.
    pub const fn new(schedule: S, rota: Rota) -> Self {
        Self { schedule, rota }
    }
}

impl<S: Schedule> Calendar for Assigned<S> {
    fn next_start(&mut self) -> Option<Start> {
        let at = self.schedule.next_start()?;
        Some(Start { at, device: self.rota.next_device()? })
    }
}

/// A share of a load that is split over several processes: whatever has the number `index` modulo `count`.
///
/// Of the devices that is the number of their [bond](simulator::farm::Farm::bond): devices that share the visits of a milking
/// line stay together. Of the subscribers it is their place among all of them. Every process draws the whole schedule and
/// keeps its share, so the union of all segments is the whole, byte for byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    index: u32,
    count: u32,
}

impl Segment {
    /// Everything.
    pub const WHOLE: Self = Self { index: 0, count: 1 };

    /// Share `index` (from 1) of `count`, as in `--segment 2/4`; `None` unless 1 ≤ index ≤ count.
    pub const fn new(index: u32, count: u32) -> Option<Self> {
        if index >= 1 && index <= count { Some(Self { index: index - 1, count }) } else { None }
    }

    /// Whether number `number` belongs to this share.
    pub const fn owns(self, number: u32) -> bool {
        number % self.count == self.index
    }

    /// Whether this share is everything.
    pub const fn is_whole(self) -> bool {
        self.count == 1
    }

    /// Which share it is, from 1.
    pub const fn index(self) -> u32 {
        self.index + 1
    }

    /// Of how many.
    pub const fn count(self) -> u32 {
        self.count
    }
}

impl Default for Segment {
    fn default() -> Self {
        Self::WHOLE
    }
}

/// Reads `2/4`.
impl FromStr for Segment {
    type Err = NotASegment;

    fn from_str(text: &str) -> Result<Self, NotASegment> {
        let (index, count) = text.split_once('/').ok_or(NotASegment)?;
        let number = |digits: &str| digits.parse().map_err(|_| NotASegment);
        Self::new(number(index)?, number(count)?).ok_or(NotASegment)
    }
}

/// Text that names no share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a segment is its number, from 1, and how many there are, such as 2/4")]
pub struct NotASegment;

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index + 1, self.count)
    }
}

/// The share of a calendar that belongs to some devices.
#[derive(Debug)]
pub struct Share<C> {
    calendar: C,
    owned: Vec<bool>,
}

impl<C: Calendar> Share<C> {
    /// The starts of `calendar` whose devices are `owned`, by the number of the device.
    pub const fn new(calendar: C, owned: Vec<bool>) -> Self {
        Self { calendar, owned }
    }
}

impl<C: Calendar> Calendar for Share<C> {
    fn next_start(&mut self) -> Option<Start> {
        loop {
            let start = self.calendar.next_start()?;
            if self.owned.get(start.device as usize) == Some(&true) {
                return Some(start);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(seed: u64) -> impl Calendar {
        let slopes = vec![Slope::ramp(0.0, 200.0, Duration::from_secs(2)), Slope::hold(200.0, Duration::from_secs(3))];
        Assigned::new(Paced::new(slopes, Arrival::Poisson { seed }, 1), Rota::new(seed, (0..17).map(|d| (d, 1.0))))
    }

    /// Seventeen devices in seven units.
    fn owned(index: u32, count: u32) -> Vec<bool> {
        let segment = Segment::new(index, count).unwrap();
        (0..17).map(|device| segment.owns(device % 7)).collect()
    }

    fn drained(mut calendar: impl Calendar) -> Vec<Start> {
        std::iter::from_fn(|| calendar.next_start()).collect()
    }

    #[test]
    fn the_union_of_all_segments_is_the_whole() {
        let mut union: Vec<Start> = (1..=4).flat_map(|index| drained(Share::new(whole(7), owned(index, 4)))).collect();
        union.sort();
        let mut all = drained(whole(7));
        all.sort();
        assert_eq!(union, all);
    }

    #[test]
    fn whom_nobody_gave_away_belongs_to_nobody() {
        let some = drained(Share::new(whole(7), vec![true, false]));
        assert!(!some.is_empty() && some.iter().all(|start| start.device == 0));
    }

    #[test]
    fn equal_seeds_give_equal_calendars() {
        assert_eq!(drained(whole(42)), drained(whole(42)));
        assert_ne!(drained(whole(42)), drained(whole(43)));
    }

    #[test]
    fn segments_outside_their_count_do_not_exist() {
        assert_eq!(Segment::new(0, 4), None);
        assert_eq!(Segment::new(5, 4), None);
        assert_eq!(Segment::new(1, 0), None);
        assert_eq!(Segment::new(2, 4).unwrap().to_string(), "2/4");
    }

    #[test]
    fn a_segment_is_read_as_it_is_written() {
        assert_eq!("2/4".parse(), Ok(Segment::new(2, 4).unwrap()));
        for text in ["", "2", "/", "2/", "0/4", "5/4", "1/0", "-1/4", "2/4/4", "2 / 4", "4294967296/4294967297"] {
            assert_eq!(text.parse::<Segment>(), Err(NotASegment), "{text}");
        }
    }
}
