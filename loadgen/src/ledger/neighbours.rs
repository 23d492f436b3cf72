//! Many messages of one stream at one step: neighbours mostly share their fate, and what is done once for all of them is not done
//! for each.
//!
//! A step is taken for all or for none. Whatever is out of the ordinary (a gap, a repetition, a message that was forgotten) is
//! left to the way of single messages, so that there is one judge of it.

use std::time::Duration;

use protocol::QoS;

use super::{
    ClientId, Ledger, RowKey, Written, find_mut, nanos,
    stream::Stream,
    under_way::{Entry, State},
};
use crate::StreamId;

#[cfg(test)]
mod tests;

/// Messages of one stream with consecutive sequence numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// The stream.
    pub stream: StreamId,
    /// The sequence number of the first.
    pub first: u32,
    /// How many, at least 1.
    pub count: u32,
}

impl Run {
    fn last(&self) -> Option<u32> {
        self.first.checked_add(self.count.checked_sub(1)?)
    }
}

impl Ledger {
    /// As [`written`](Self::written) for each of `run`, all of which were handed to their connection at `at`; `tell` gets what that
    /// gives, in order, equal neighbours as one with their number. `false` when they must go one by one, which is all that happened
    /// then.
    pub fn written_run(&mut self, run: Run, at: Duration, mut tell: impl FnMut(Written, u32)) -> bool {
        let Some((found, last)) = ordinary(&mut self.devices, run) else { return false };
        let row = found.published_row(found.stage_of(run.first));
        let readers = found.awaiting();
        // At QoS 0 nothing more will be heard of them.
        let resolved = found.info.qos == QoS::AtMostOnce;
        if !found.written.ends_before(run.first) || (resolved && !found.confirmed.ends_before(run.first)) {
            return false;
        }
        let Some(entries) = found.under_way.run_mut(run, |entry| entry.state() == State::Intended) else {
            return false;
        };
        let mut tell = |(intended, handed), messages| {
            let (intended, handed) = (Duration::from_nanos(intended), Duration::from_nanos(handed));
            tell(Written { row, intended, handed, readers }, messages);
        };
        let (at, mut alike) = (nanos(at), Alike::default());
        let (mut outstanding, mut settled) = (0, false);
        for entry in entries {
            alike.add((entry.intended, entry.moment()), &mut tell);
            entry.set_moment(at);
            outstanding += u64::from(if resolved { entry.missing() } else { 0 });
            settled |= resolved && entry.missing() == 0;
            entry.set_state(match (resolved, entry.missing()) {
                (false, _) => State::Written,
                (true, 0) => State::Settled,
                (true, _) => State::Confirmed,
            });
        }
        alike.end(&mut tell);
        if settled {
            found.under_way.trim();
        }
        found.written.append(run.first, last);
        if resolved {
            found.confirmed.append(run.first, last);
            self.unresolved -= u64::from(run.count);
        }
        self.outstanding += outstanding;
        self.rows.at(row).published += u64::from(run.count);
        true
    }

    /// As [`confirmed`](Self::confirmed) for each of `run`: `tell` gets the row and when it was written, in order, equal neighbours as
    /// one with their number. `false` when they must go one by one, which is all that happened then.
    pub fn confirmed_run(&mut self, run: Run, mut tell: impl FnMut(RowKey, Duration, u32)) -> bool {
        let Some((found, last)) = ordinary(&mut self.devices, run) else { return false };
        if !found.confirmed.ends_before(run.first) {
            return false;
        }
        let row = found.published_row(found.stage_of(run.first));
        let Some(entries) = found.under_way.run_mut(run, |entry| entry.state() == State::Written) else { return false };
        let mut tell = |written, messages| tell(row, Duration::from_nanos(written), messages);
        let (mut outstanding, mut settled, mut alike) = (0, false, Alike::default());
        for entry in entries {
            alike.add(entry.moment(), &mut tell);
            outstanding += u64::from(entry.missing());
            settled |= entry.missing() == 0;
            entry.set_state(if entry.missing() > 0 { State::Confirmed } else { State::Settled });
        }
        alike.end(&mut tell);
        if settled {
            found.under_way.trim();
        }
        found.confirmed.append(run.first, last);
        self.unresolved -= u64::from(run.count);
        self.outstanding += outstanding;
        true
    }

    /// As [`received`](Self::received) for the messages of a stream from number `first` on, whose stamps name these starts in
    /// nanoseconds, all of which reached `client` at `at` and are the first for their reader: `tell` gets the row, the intended start
    /// and when it was written, in order, equal neighbours as one with their number. `false` when they must go one by one, which is
    /// all that happened then.
    pub fn received_run(
        &mut self,
        client: ClientId,
        (stream, first): (StreamId, u32),
        intended: &[u64],
        at: Duration,
        mut tell: impl FnMut(RowKey, Duration, Option<Duration>, u32),
    ) -> bool {
        let Ok(count) = u32::try_from(intended.len()) else { return false };
        let run = Run { stream, first, count };
        let late_after = self.options.late_after.map_or(u64::MAX, nanos);
        let Some((found, last)) = ordinary(&mut self.devices, run) else { return false };
        let mut readers = self.audience.readers_with(client);
        let (Some(reader), None) = (readers.next(), readers.next()) else { return false };
        let stage = found.stage_of(run.first);
        let Stream { tracks, under_way, info, .. } = found;
        let Ok(place) = tracks.binary_search_by_key(&reader, |track| track.reader) else { return false };
        let track = &mut tracks[place];
        if !track.takes_run(run.first) {
            return false;
        }
        let at = nanos(at);
        let is_fit = |entry: &Entry| {
            let late = at.saturating_sub(entry.intended) > late_after;
            entry.state() != State::Settled && entry.missing() > 0 && !late
        };
        let Some(entries) = under_way.run_mut(run, is_fit) else { return false };
        let row = RowKey { group: info.group, qos: track.qos, stage };
        let mut tell = |(intended, written): (u64, Option<u64>), messages| {
            tell(row, Duration::from_nanos(intended), written.map(Duration::from_nanos), messages);
        };
        let (mut outstanding, mut settled, mut alike) = (0, false, Alike::default());
        for (entry, intended) in entries.iter_mut().zip(intended) {
            let written = entry.state() != State::Intended;
            alike.add((*intended, written.then(|| entry.moment())), &mut tell);
            entry.arrived();
            if entry.state() == State::Confirmed {
                outstanding += 1;
                if entry.missing() == 0 {
                    entry.set_state(State::Settled);
                    settled = true;
                }
            }
        }
        alike.end(&mut tell);
        if settled {
            under_way.trim();
        }
        track.take_run(client, run.first, last);
        self.outstanding -= outstanding;
        self.rows.at(row).received += u64::from(run.count);
        true
    }
}

/// Counts equal neighbours.
#[derive(Debug)]
struct Alike<T>(Option<(T, u32)>);

impl<T> Default for Alike<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Copy + PartialEq> Alike<T> {
    /// Adds the next; `tell` gets those before it and how many they are, when it differs.
    fn add(&mut self, next: T, tell: &mut impl FnMut(T, u32)) {
        match &mut self.0 {
            Some((same, count)) if *same == next => *count += 1,
            latest => {
                if let Some((before, count)) = latest.replace((next, 1)) {
                    tell(before, count);
                }
            }
        }
    }

    /// Tells the last of them.
    fn end(self, tell: &mut impl FnMut(T, u32)) {
        if let Some((last, count)) = self.0 {
            tell(last, count);
        }
    }
}

/// The stream of `run`, and its last number, when all of it was intended in one stage. What was given up is not under way any more,
/// which stops the run later.
fn ordinary(devices: &mut [Vec<Option<Box<Stream>>>], run: Run) -> Option<(&mut Stream, u32)> {
    let last = run.last()?;
    let found = find_mut(devices, run.stream)?;
    let whole = last < found.next && found.stage_end(run.first).is_none_or(|end| last <= end);
    whole.then_some((found, last))
}
