//! What kept the generator from running: read from the kernel, at the beginning and the end of the load.
//!
//! | source | says |
//! |---|---|
//! | `/proc/thread-self/schedstat` | how long the load's thread was ready to run and waited for a processor |
//! | `/proc/stat` | the share of the processors' time that the host of a virtual machine took away (`steal`) |
//! | `cpu.stat` of the control group | how often its quota was used up, and for how long it stood still then |
//! | `/proc/net/tcp`, `tcp6` | bytes that wait in the send queues toward the target (what `SIOCOUTQ` says of each) |
//!
//! What cannot be read is not said.

use std::{fs, path::Path, time::Duration};

use protocol::Time;

use crate::judge::Machine;

/// Figures that only grow.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counters {
    at: Time,
    waited: Option<Duration>,
    stolen: Option<(u64, u64)>,
    throttled: Option<(u64, Duration)>,
}

impl Counters {
    /// As they are now. The thread that asks is the one whose waits are counted.
    pub(super) fn read(at: Time) -> Self {
        let text = |path: &str| fs::read_to_string(path).ok();
        Self {
            at,
            waited: text("/proc/thread-self/schedstat").as_deref().and_then(waited),
            stolen: text("/proc/stat").as_deref().and_then(stolen),
            throttled: text("/proc/self/cgroup").as_deref().and_then(throttled),
        }
    }

    /// What came to be since `before`.
    pub(super) fn since(&self, before: &Self, send_queue: Option<u64>) -> Machine {
        let stolen = self.stolen.zip(before.stolen).map(|((stolen, all), (stolen_before, all_before))| {
            stolen.saturating_sub(stolen_before) as f64 / all.saturating_sub(all_before).max(1) as f64
        });
        let throttled = self.throttled.zip(before.throttled);
        Machine {
            elapsed: self.at.since(before.at),
            waited: self.waited.zip(before.waited).map(|(now, then)| now.saturating_sub(then)),
            stolen,
            throttled: throttled.map(|(now, then)| (now.0.saturating_sub(then.0), now.1.saturating_sub(then.1))),
            send_queue,
        }
    }
}

/// Bytes that wait in the send queues of connections to `port`, acknowledged by nobody yet.
pub(super) fn send_queues(port: u16) -> Option<u64> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| fs::read_to_string(path).ok());
    tables.iter().flatten().map(|table| queued(table, port)).reduce(|a, b| a + b)
}

/// When the send queues are looked at. With thousands of connections the kernel takes milliseconds to list them, which the load
/// feels: so for one part in [`LOOKS`] of the time at most, and at once for a lag far worse than before.
#[derive(Debug, Default)]
pub(super) struct Looks {
    worst: Duration,
    /// When the next one is due.
    next: Time,
}

const LOOKS: u32 = 500;

impl Looks {
    /// Whether to look `now`, when messages were late by `lag`.
    pub(super) fn are_worth_it(&self, lag: Duration, now: Time) -> bool {
        now >= self.next || lag > self.worst * 2
    }

    /// A look for `lag` took from `began` to `ended`.
    pub(super) fn took(&mut self, lag: Duration, began: Time, ended: Time) {
        self.worst = self.worst.max(lag);
        self.next = ended.after(ended.since(began) * LOOKS);
    }
}

/// `schedstat`: time on a processor, time ready and waiting for one (ns), number of slices.
fn waited(text: &str) -> Option<Duration> {
    text.split_whitespace().nth(1)?.parse().ok().map(Duration::from_nanos)
}

/// The first line of `/proc/stat`: `cpu user nice system idle iowait irq softirq steal guest guest_nice`. The guests' time is in
/// the user's already.
fn stolen(text: &str) -> Option<(u64, u64)> {
    let line = text.lines().next()?.strip_prefix("cpu ")?;
    let ticks = line.split_whitespace().take(8).map(str::parse::<u64>).collect::<Result<Vec<_>, _>>().ok()?;
    Some((*ticks.get(7)?, ticks.iter().sum()))
}

fn throttled(groups: &str) -> Option<(u64, Duration)> {
    groups.lines().find_map(|line| {
        let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
        let folder = match controllers {
            "" => Path::new("/sys/fs/cgroup").to_owned(),
            _ if controllers.split(',').any(|one| one == "cpu") => Path::new("/sys/fs/cgroup").join(controllers),
            _ => return None,
        };
        quota(&fs::read_to_string(folder.join(path.trim_start_matches('/')).join("cpu.stat")).ok()?)
    })
}

/// `cpu.stat` of either version of control groups.
fn quota(text: &str) -> Option<(u64, Duration)> {
    let field = |name: &str| {
        text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse::<u64>().ok())
    };
    let stood = field("throttled_usec").map(Duration::from_micros);
    Some((field("nr_throttled")?, stood.or_else(|| field("throttled_time").map(Duration::from_nanos))?))
}

/// Lines of `sl local_address rem_address st tx_queue:rx_queue ...`, numbers in hexadecimal.
fn queued(table: &str, port: u16) -> u64 {
    /// An established connection.
    const ESTABLISHED: &str = "01";
    let of_line = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().take(5).collect();
        let [_, _, remote, state, queues] = fields[..] else { return None };
        let there = u16::from_str_radix(remote.rsplit(':').next()?, 16).ok()?;
        let waiting = u64::from_str_radix(queues.split(':').next()?, 16).ok()?;
        (there == port && state == ESTABLISHED).then_some(waiting)
    };
    table.lines().filter_map(of_line).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_that_take_long_are_rare_unless_it_gets_far_worse() {
        let milli = Duration::from_millis(1);
        let at = |millis: u32| Time::ZERO.after(milli * millis);
        let mut looks = Looks::default();
        assert!(looks.are_worth_it(Duration::ZERO, at(0)));
        looks.took(2 * milli, at(0), at(10));
        assert!(!looks.are_worth_it(4 * milli, at(5009)));
        assert!(looks.are_worth_it(4 * milli, at(5010)));
        assert!(looks.are_worth_it(5 * milli, at(1000)));
        looks.took(5 * milli, at(1000), at(1001));
        assert!(
            !looks.are_worth_it(6 * milli, at(1500)) && looks.are_worth_it(milli, at(2000)),
            "short looks are cheap"
        );
        looks.took(milli, at(2000), at(2010));
        assert!(!looks.are_worth_it(9 * milli, at(2011)), "it was as bad before");
    }

    #[test]
    fn only_the_send_queues_of_open_connections_to_the_port_count() {
        let table = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:9C40 0100007F:075B 01 00000100:00000000 00:00000000 00000000     0        0 1 1 0 20 4 30 10 -1
   1: 0100007F:9C41 0100007F:075B 01 0000000A:00000007 00:00000000 00000000     0        0 2 1 0 20 4 30 10 -1
   2: 0100007F:9C42 0100007F:075B 06 00000400:00000000 00:00000000 00000000     0        0 3 1 0 20 4 30 10 -1
   3: 0100007F:075B 0100007F:9C40 01 00000800:00000000 00:00000000 00000000     0        0 4 1 0 20 4 30 10 -1
   4: truncated";
        assert_eq!(queued(table, 1883), 266);
        assert_eq!(queued(table, 1884), 0);
    }

    #[test]
    fn both_versions_of_control_groups_are_understood() {
        let second = "usage_usec 5\nnr_periods 10\nnr_throttled 4\nthrottled_usec 250000\n";
        assert_eq!(quota(second), Some((4, Duration::from_millis(250))));
        assert_eq!(quota("nr_periods 10\nnr_throttled 4\nthrottled_time 250000000\n"), quota(second));
        assert_eq!(quota("usage_usec 5\n"), None);
    }

    #[test]
    fn figures_are_differences() {
        let stat = |steal: u64, idle: u64| {
            // The guests' time has grown, too.
            stolen(&format!("cpu  100 0 50 {idle} 0 0 0 {steal} {idle} {steal}\ncpu0 1")).unwrap()
        };
        let stood = |times, millis| Some((times, Duration::from_millis(millis)));
        let before = Counters {
            stolen: Some(stat(10, 1000)),
            waited: waited("5 1000000 7"),
            throttled: stood(4, 100),
            ..Counters::default()
        };
        let now = Counters {
            at: Time::ZERO.after(Duration::from_secs(2)),
            stolen: Some(stat(35, 1075)),
            waited: waited("9 3000000 9"),
            throttled: stood(7, 350),
        };
        let machine = now.since(&before, None);
        assert_eq!((machine.stolen, machine.waited), (Some(0.25), Some(Duration::from_millis(2))));
        assert_eq!((machine.elapsed, machine.throttled), (Duration::from_secs(2), stood(3, 250)));
        assert_eq!(now.since(&Counters::default(), None).throttled, None, "nobody knows what it was before");
    }
}
