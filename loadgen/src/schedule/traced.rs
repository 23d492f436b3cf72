//! Starts that a file names.

use std::{sync::Arc, time::Duration};

use scenarios::model::TraceStart;

use super::{Calendar, Rota, Start};

/// The starts of a trace, once or again and again, each dealt to a device of its group.
#[derive(Debug)]
pub struct Traced {
    starts: Arc<[TraceStart]>,
    repeat: Option<Duration>,
    begins: Duration,
    ends: Duration,
    /// Whose turn it is where a line names no group.
    all: Rota,
    /// By group.
    groups: Vec<Rota>,
    /// When the present round began.
    round: Duration,
    line: usize,
    /// How many of the present line have started.
    of_line: u32,
}

impl Traced {
    /// `starts`, ascending, count from `begins`; nothing starts at `ends` or later. Above the last of them, `repeat` says
    /// when they come anew. `all` deals the lines without a group, and `groups` the others, by the number of the group.
    pub fn new(
        starts: Arc<[TraceStart]>,
        repeat: Option<Duration>,
        (begins, ends): (Duration, Duration),
        all: Rota,
        groups: Vec<Rota>,
    ) -> Self {
        Self { starts, repeat, begins, ends, all, groups, round: begins, line: 0, of_line: 0 }
    }
}

impl Calendar for Traced {
    fn next_start(&mut self) -> Option<Start> {
        loop {
            let Some(line) = self.starts.get(self.line) else {
                self.round += self.repeat.filter(|_| !self.starts.is_empty())?;
                self.line = 0;
                continue;
            };
            let at = self.round + line.at;
            if at >= self.ends {
                return None;
            }
            if self.of_line >= line.count {
                self.line += 1;
                self.of_line = 0;
                continue;
            }
            self.of_line += 1;
            let rota = match line.group {
                Some(group) => self.groups.get_mut(usize::from(group.0)),
                None => Some(&mut self.all),
            };
            // A group that does not take part has nobody to send.
            if let Some(device) = rota.and_then(Rota::next_device) {
                debug_assert!(at >= self.begins);
                return Some(Start { at, device });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use scenarios::model::GroupId;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn line(at: u32, group: Option<u16>, count: u32) -> TraceStart {
        TraceStart { at: at * SECOND, group: group.map(GroupId), count }
    }

    /// Devices 0 and 1 are group 0, device 2 is group 1; group 2 is not there.
    fn drained(lines: &[TraceStart], repeat: Option<Duration>, span: (Duration, Duration)) -> Vec<(u64, u32)> {
        let rota = |devices: &[u32]| Rota::new(5, devices.iter().map(|device| (*device, 1.0)));
        let groups = vec![rota(&[0, 1]), rota(&[2]), rota(&[])];
        let mut traced = Traced::new(lines.into(), repeat, span, rota(&[0, 1, 2]), groups);
        std::iter::from_fn(|| traced.next_start()).map(|start| (start.at.as_secs(), start.device)).collect()
    }

    #[test]
    fn a_line_starts_as_many_messages_of_its_group_as_it_says() {
        let starts = drained(&[line(0, Some(0), 4), line(1, Some(1), 2)], None, (10 * SECOND, 20 * SECOND));
        assert_eq!(starts.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [10, 10, 10, 10, 11, 11]);
        for (device, expected) in [(0, 2), (1, 2), (2, 2)] {
            assert_eq!(starts.iter().filter(|(_, who)| *who == device).count(), expected, "{starts:?}");
        }
    }

    #[test]
    fn a_line_without_a_group_is_everybodys() {
        let starts = drained(&[line(0, None, 6)], None, (SECOND, 2 * SECOND));
        for device in 0..3 {
            assert_eq!(starts.iter().filter(|(_, who)| *who == device).count(), 2, "{starts:?}");
        }
    }

    #[test]
    fn it_comes_anew_until_the_stage_is_over() {
        let lines = [line(0, Some(1), 1), line(2, Some(1), 1)];
        let times =
            |repeat| drained(&lines, repeat, (SECOND, 8 * SECOND)).iter().map(|(at, _)| *at).collect::<Vec<_>>();
        assert_eq!(times(None), [1, 3]);
        assert_eq!(times(Some(3 * SECOND)), [1, 3, 4, 6, 7]);
    }

    #[test]
    fn what_starts_after_the_end_does_not_start() {
        assert_eq!(drained(&[line(0, None, 1), line(5, None, 9)], None, (SECOND, 6 * SECOND)).len(), 1);
    }

    #[test]
    fn a_group_that_is_not_there_sends_nothing() {
        assert_eq!(drained(&[line(0, Some(2), 3), line(1, Some(1), 1)], None, (SECOND, 6 * SECOND)), [(2, 2)]);
    }
}
