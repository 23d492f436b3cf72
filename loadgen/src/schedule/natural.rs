//! Each device at its own interval.

use std::{cmp::Reverse, collections::BinaryHeap, fmt, time::Duration};

use super::{Calendar, Start};

/// Every device at its natural interval, merged in the order of time.
pub struct Natural<F> {
    next: BinaryHeap<Reverse<Start>>,
    interval: F,
    ends: Duration,
}

impl<F: FnMut(u32, Duration) -> Option<Duration> + Send> Natural<F> {
    /// Merges `devices`, each with its first start, until `ends`. After each start `interval` is asked, with the device
    /// and that start, how long until its next one; `None` ends the device. Intervals below a microsecond count as one.
    pub fn new(devices: impl IntoIterator<Item = (u32, Duration)>, ends: Duration, interval: F) -> Self {
        let next = devices.into_iter().map(|(device, at)| Reverse(Start { at, device })).collect();
        Self { next, interval, ends }
    }
}

impl<F: FnMut(u32, Duration) -> Option<Duration> + Send> Calendar for Natural<F> {
    fn next_start(&mut self) -> Option<Start> {
        let Reverse(start) = self.next.pop()?;
        if start.at >= self.ends {
            // The heap's least is over, so all are.
            return None;
        }
        if let Some(interval) = (self.interval)(start.device, start.at) {
            self.next.push(Reverse(Start { at: start.at + interval.max(Duration::from_micros(1)), ..start }));
        }
        Some(start)
    }
}

impl<F> fmt::Debug for Natural<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Natural").field("devices", &self.next.len()).field("ends", &self.ends).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_keep_their_own_intervals() {
        let second = Duration::from_secs(1);
        let mut natural =
            Natural::new([(0, Duration::ZERO), (1, second / 2)], 10 * second, |device, _| Some(second * (device + 1)));
        let starts: Vec<Start> = std::iter::from_fn(|| natural.next_start()).collect();
        assert!(starts.is_sorted());
        assert_eq!(starts.iter().filter(|start| start.device == 0).count(), 10);
        assert_eq!(starts.iter().filter(|start| start.device == 1).count(), 5);
    }

    #[test]
    fn a_device_without_a_pause_gets_on() {
        let mut natural = Natural::new([(0, Duration::ZERO)], Duration::from_micros(5), |_, _| Some(Duration::ZERO));
        assert_eq!(std::iter::from_fn(|| natural.next_start()).count(), 5);
    }

    #[test]
    fn nothing_starts_at_the_end_or_after_it() {
        let second = Duration::from_secs(1);
        let late = [(0, 2 * second), (1, 3 * second), (2, second)];
        let mut natural = Natural::new(late, 2 * second, |_, _| Some(second));
        assert_eq!(natural.next_start(), Some(Start { at: second, device: 2 }));
        assert_eq!([natural.next_start(), natural.next_start()], [None, None]);
    }

    #[test]
    fn a_device_without_an_interval_sends_once() {
        let mut natural = Natural::new([(4, Duration::ZERO)], Duration::from_secs(1), |_, _| None);
        assert_eq!(natural.next_start(), Some(Start { at: Duration::ZERO, device: 4 }));
        assert_eq!(natural.next_start(), None);
    }
}
