//! One direction's way out: what waits for its time, in order.

use std::{collections::VecDeque, time::Duration};

use super::{Manner, Output};
use crate::Time;

/// The most bytes that one write carries.
const LARGEST_WRITE: usize = 64 * 1024;
/// A limited line is written to so often, as far as there is anything to write.
const STEP: Duration = Duration::from_millis(10);

/// Bytes and, at the end, a close, each with its time. Nothing overtakes.
#[derive(Debug, Default)]
pub(super) struct Line {
    queue: VecDeque<Item>,
    pending: usize,
    /// The line carries nothing before this time: it is stalled, or busy with what it carried last.
    free: Time,
    stalled: Time,
    /// Bytes per second.
    rate: Option<u64>,
    end: End,
}

/// How far the line is from its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum End {
    #[default]
    Open,
    /// The close waits in the queue.
    Decided,
    Closed,
}

#[derive(Debug)]
enum Item {
    /// `gap`: one byte at a time with this pause after each.
    Bytes {
        at: Time,
        bytes: Vec<u8>,
        sent: usize,
        gap: Option<Duration>,
    },
    Close {
        at: Time,
        manner: Manner,
    },
}

impl Item {
    fn at(&self) -> Time {
        match self {
            Self::Bytes { at, .. } | Self::Close { at, .. } => *at,
        }
    }
}

impl Line {
    /// Bytes that wait.
    pub(super) fn pending(&self) -> usize {
        self.pending
    }

    /// Whether it takes bytes.
    pub(super) fn is_open(&self) -> bool {
        self.end == End::Open
    }

    /// Whether its close has been handed out.
    pub(super) fn is_closed(&self) -> bool {
        self.end == End::Closed
    }

    /// Whether it is stalled, so that nothing more should be read for it.
    pub(super) fn is_stalled(&self, now: Time) -> bool {
        self.stalled > now
    }

    pub(super) fn push(&mut self, at: Time, bytes: Vec<u8>, gap: Option<Duration>) {
        if self.is_open() && !bytes.is_empty() {
            self.pending += bytes.len();
            self.queue.push_back(Item::Bytes { at, bytes, sent: 0, gap });
        }
    }

    /// As [`push`](Self::push), but what comes first waits for `window` and takes with it what has come by then.
    pub(super) fn gather(&mut self, now: Time, window: Duration, bytes: Vec<u8>) {
        let at = if self.queue.is_empty() { now.after(window) } else { now };
        self.push(at, bytes, None);
    }

    /// Nothing leaves until then.
    pub(super) fn stall(&mut self, until: Time) {
        self.stalled = self.stalled.max(until);
        self.free = self.free.max(until);
    }

    pub(super) fn limit(&mut self, rate: Option<u64>) {
        self.rate = rate;
    }

    /// The end comes after all that waits.
    pub(super) fn close(&mut self, now: Time, manner: Manner) {
        if self.is_open() {
            self.end = End::Decided;
            self.queue.push_back(Item::Close { at: now, manner });
        }
    }

    /// The end comes at once; what is not due is lost.
    pub(super) fn cut(&mut self, now: Time, manner: Manner) {
        if self.end == End::Closed {
            return;
        }
        let due = if self.free > now { 0 } else { self.queue.iter().take_while(|item| item.at() <= now).count() };
        self.queue.truncate(due);
        self.queue.retain(|item| matches!(item, Item::Bytes { gap: None, .. }));
        self.pending = self.queue.iter().map(Item::left).sum();
        (self.free, self.stalled, self.rate) = (Time::ZERO, Time::ZERO, None);
        self.end = End::Decided;
        self.queue.push_back(Item::Close { at: now, manner });
    }

    /// Nobody reads any more: what waits is lost.
    pub(super) fn abandon(&mut self) {
        self.queue.clear();
        self.pending = 0;
        self.end = End::Closed;
    }

    /// What is to be done now: bytes, appended to `out`, as one write; or the close.
    pub(super) fn poll(&mut self, now: Time, out: &mut Vec<u8>) -> Option<Output> {
        let start = out.len();
        while let Some(item) = self.queue.front_mut() {
            let due = item.at().max(self.free);
            if due > now {
                break;
            }
            let written = out.len() - start;
            match item {
                Item::Close { .. } if written > 0 => break,
                Item::Close { manner, .. } => {
                    let manner = *manner;
                    self.abandon();
                    return Some(Output::Close(manner));
                }
                Item::Bytes { gap: Some(_), .. } if written > 0 => break,
                Item::Bytes { bytes, sent, gap, .. } => {
                    let left = bytes.len() - *sent;
                    let take = match (*gap, self.rate) {
                        (Some(_), _) => 1,
                        (None, Some(rate)) => left.min(step(rate)),
                        (None, None) => left.min(LARGEST_WRITE),
                    };
                    out.extend_from_slice(&bytes[*sent..*sent + take]);
                    *sent += take;
                    self.pending -= take;
                    let busy = gap.unwrap_or_default() + self.rate.map_or(Duration::ZERO, |rate| carrying(take, rate));
                    let (paced, emptied) = (gap.is_some(), *sent == bytes.len());
                    if !busy.is_zero() {
                        self.free = due.after(busy);
                    }
                    if emptied {
                        self.queue.pop_front();
                    }
                    if paced || out.len() - start >= LARGEST_WRITE {
                        break;
                    }
                }
            }
        }
        (out.len() > start).then_some(Output::Bytes)
    }

    /// When there is something to do next, or reading may go on.
    pub(super) fn timeout(&self, now: Time) -> Option<Time> {
        let next = self.queue.front().map(|item| item.at().max(self.free));
        let resumes = (self.stalled > now).then_some(self.stalled);
        next.into_iter().chain(resumes).min().filter(|time| *time < Time::NEVER)
    }
}

impl Item {
    fn left(&self) -> usize {
        match self {
            Self::Bytes { bytes, sent, .. } => bytes.len() - sent,
            Self::Close { .. } => 0,
        }
    }
}

/// The bytes that a limited line carries at a time.
fn step(rate: u64) -> usize {
    let bytes = u128::from(rate) * STEP.as_nanos() / 1_000_000_000;
    usize::try_from(bytes).unwrap_or(usize::MAX).clamp(1, LARGEST_WRITE)
}

/// How long a line is busy with so many bytes.
fn carrying(bytes: usize, rate: u64) -> Duration {
    Duration::from_secs_f64(bytes as f64 / rate.max(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn at(ms: u32) -> Time {
        Time::ZERO.after(MS * ms)
    }

    /// Every write until `end`, with its time in milliseconds.
    fn writes(line: &mut Line, end: Time) -> Vec<(u128, Vec<u8>)> {
        let mut now = Time::ZERO;
        let mut all = Vec::new();
        loop {
            let mut out = Vec::new();
            while let Some(Output::Bytes) = line.poll(now, &mut out) {
                all.push((now.since_the_beginning().as_millis(), std::mem::take(&mut out)));
            }
            match line.timeout(now).filter(|next| *next <= end) {
                Some(next) => now = now.max(next),
                None => return all,
            }
        }
    }

    #[test]
    fn what_is_delayed_keeps_its_place() {
        let mut line = Line::default();
        line.push(at(5), vec![1], None);
        line.push(at(0), vec![2], None);
        assert_eq!(writes(&mut line, at(9)), [(5, vec![1, 2])]);
    }

    #[test]
    fn trickled_bytes_leave_one_by_one() {
        let mut line = Line::default();
        line.push(at(0), vec![1, 2, 3], Some(MS));
        line.push(at(0), vec![4, 5], None);
        assert_eq!(writes(&mut line, at(9)), [(0, vec![1]), (1, vec![2]), (2, vec![3]), (3, vec![4, 5])]);
    }

    #[test]
    fn trickled_without_a_pause_each_byte_is_a_write() {
        let mut line = Line::default();
        line.push(at(0), vec![1, 2], Some(Duration::ZERO));
        line.push(at(0), vec![3, 4], None);
        assert_eq!(writes(&mut line, at(0)), [(0, vec![1]), (0, vec![2]), (0, vec![3, 4])]);
    }

    #[test]
    fn a_limited_line_takes_its_time() {
        let mut line = Line::default();
        line.limit(Some(1000));
        line.push(at(0), vec![0; 25], None);
        let writes: Vec<_> = writes(&mut line, at(99)).into_iter().map(|(at, bytes)| (at, bytes.len())).collect();
        assert_eq!(writes, [(0, 10), (10, 10), (20, 5)]);
    }

    #[test]
    fn a_stalled_line_wakes_up() {
        let mut line = Line::default();
        line.stall(at(7));
        line.push(at(0), vec![1], None);
        assert!(line.is_stalled(at(6)) && !line.is_stalled(at(7)));
        assert_eq!(writes(&mut line, at(9)), [(7, vec![1])]);
    }

    #[test]
    fn what_is_gathered_leaves_together() {
        let mut line = Line::default();
        line.gather(at(0), MS * 3, vec![1]);
        line.gather(at(2), MS * 3, vec![2]);
        assert_eq!(writes(&mut line, at(9)), [(3, vec![1, 2])]);
    }

    #[test]
    fn a_cut_loses_what_is_not_due() {
        let mut line = Line::default();
        line.push(at(0), vec![1], None);
        line.push(at(5), vec![2], None);
        line.cut(at(1), Manner::Reset);
        let mut out = Vec::new();
        assert_eq!(line.poll(at(1), &mut out), Some(Output::Bytes));
        assert_eq!(out, [1]);
        assert_eq!(line.poll(at(1), &mut out), Some(Output::Close(Manner::Reset)));
        assert!(line.is_closed() && line.poll(at(9), &mut out).is_none());
    }
}
