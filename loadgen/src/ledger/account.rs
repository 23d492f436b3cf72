//! Rows of counts, and how a stream's end is counted.

use std::{iter, ops::RangeInclusive, time::Duration};

use protocol::QoS;

use super::{Fault, Ledger, Ranges, ReaderId, Witness, stream::Stream};
use crate::StreamId;

/// What sets the messages of one row apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowKey {
    /// The stage of the intended start: an index into [`Options::stage_ends`](super::Options::stage_ends).
    pub stage: u16,
    /// The group of the publisher.
    pub group: u16,
    /// The QoS: of the publication for what was published, of the delivery for what was delivered.
    pub qos: QoS,
}

/// The account of one row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages that the schedule asked for.
    pub intended: u64,
    /// Messages that were handed to a connection.
    pub published: u64,
    /// Published messages that the broker refused.
    pub refused: u64,
    /// Published messages of QoS 1 and 2 whose acknowledgement never came. Their fate is unknown.
    pub unacknowledged: u64,
    /// First arrivals plus duplicates. Copies that overlapping filters allow are not counted.
    pub received: u64,
    /// Expected deliveries that never arrived.
    pub lost: u64,
    /// Arrivals beyond the allowed ones.
    pub duplicated: u64,
    /// First arrivals after a later message of their stream.
    pub reordered: u64,
    /// First arrivals after [`Options::late_after`](super::Options::late_after).
    pub late: u64,
}

impl Counts {
    /// Messages that the schedule asked for and no connection got.
    pub const fn not_sent(&self) -> u64 {
        self.intended - self.published
    }

    /// Deliveries that were due: those that came and those that did not.
    pub const fn expected(&self) -> u64 {
        self.received - self.duplicated + self.lost
    }
}

/// One row of a closed account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Which.
    pub key: RowKey,
    /// What.
    pub counts: Counts,
}

/// A closed account.
#[derive(Clone, Debug)]
pub struct Account {
    /// Every row with a count, ascending.
    pub rows: Vec<Row>,
    /// Evidence, bounded per fault; lost messages in the order of their streams.
    pub witnesses: Vec<Witness>,
    /// Arrivals of this run that no subscription explains.
    pub unexpected: u64,
}

impl Account {
    /// The sum of the rows that `select` picks.
    pub fn sum(&self, select: impl Fn(&RowKey) -> bool) -> Counts {
        let mut sum = Counts::default();
        for Row { counts, .. } in self.rows.iter().filter(|row| select(&row.key)) {
            sum.intended += counts.intended;
            sum.published += counts.published;
            sum.refused += counts.refused;
            sum.unacknowledged += counts.unacknowledged;
            sum.received += counts.received;
            sum.lost += counts.lost;
            sum.duplicated += counts.duplicated;
            sum.reordered += counts.reordered;
            sum.late += counts.late;
        }
        sum
    }
}

/// All rows, dense, so that a count is one addition.
#[derive(Debug)]
pub(super) struct Rows {
    counts: Vec<Counts>,
    groups: usize,
}

const QOS: [QoS; 3] = [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce];

impl Rows {
    pub(super) fn new(stages: usize, groups: usize) -> Self {
        Self { counts: vec![Counts::default(); stages * groups * QOS.len()], groups }
    }

    pub(super) fn at(&mut self, key: RowKey) -> &mut Counts {
        let place = self.place(key);
        &mut self.counts[place]
    }

    pub(super) fn get(&self, key: RowKey) -> Counts {
        self.counts.get(self.place(key)).copied().unwrap_or_default()
    }

    pub(super) fn into_rows(self) -> Vec<Row> {
        let groups = self.groups;
        let key = |place: usize| RowKey {
            stage: (place / QOS.len() / groups) as u16,
            group: (place / QOS.len() % groups) as u16,
            qos: QOS[place % QOS.len()],
        };
        let rows = self.counts.into_iter().enumerate().filter(|(_, counts)| *counts != Counts::default());
        rows.map(|(place, counts)| Row { key: key(place), counts }).collect()
    }

    fn place(&self, key: RowKey) -> usize {
        (usize::from(key.stage) * self.groups + usize::from(key.group)) * QOS.len() + key.qos as usize
    }
}

impl Ledger {
    /// Counts what is missing of one stream.
    pub(super) fn close_stream(&mut self, id: StreamId, stream: &Stream) {
        let group = stream.info.group;
        // What may have reached a client of another process is not lost as far as is known here.
        let seen: Vec<_> = stream.tracks.iter().filter(|track| self.audience.is_here(track.reader)).collect();
        for track in seen {
            for (stage, range) in by_stage(stream, stream.confirmed.without(track.received())) {
                self.rows.at(RowKey { stage, group, qos: track.qos }).lost += count(&range);
                self.witness_all(Fault::Lost, id, stream, range, Some(track.reader));
            }
        }
        for (stage, range) in by_stage(stream, unacknowledged(stream).iter()) {
            self.rows.at(stream.published_row(stage)).unacknowledged += count(&range);
            self.witness_all(Fault::Unacknowledged, id, stream, range, None);
        }
        let unwritten: Vec<u32> = stream.under_way.sequences().filter(|it| !stream.written.contains(*it)).collect();
        for sequence in unwritten {
            self.witness_all(Fault::NotSent, id, stream, sequence..=sequence, None);
        }
    }

    fn witness_all(
        &mut self,
        fault: Fault,
        stream_id: StreamId,
        stream: &Stream,
        range: RangeInclusive<u32>,
        reader: Option<ReaderId>,
    ) {
        for sequence in range {
            if !self.witnesses.has_room(fault) {
                return;
            }
            let known = stream.under_way.get(sequence).map(|entry| entry.intended);
            let intended =
                known.or_else(|| self.forgotten.get(&(stream_id, sequence)).copied()).map(Duration::from_nanos);
            self.witnesses.keep(Witness { fault, stream: stream_id, sequence, reader, intended, received: None });
        }
    }
}

/// Written at QoS 1 or 2, neither acknowledged nor refused.
fn unacknowledged(stream: &Stream) -> Ranges {
    let mut open = Ranges::new();
    for sequence in stream.written.without(&stream.confirmed).flatten() {
        if !stream.given_up.contains(sequence) {
            open.insert(sequence);
        }
    }
    open
}

/// Cuts ranges where a new stage begins.
pub(super) fn by_stage(
    stream: &Stream,
    ranges: impl Iterator<Item = RangeInclusive<u32>>,
) -> impl Iterator<Item = (u16, RangeInclusive<u32>)> {
    ranges.flat_map(move |range| {
        let (mut from, last) = range.into_inner();
        let mut done = false;
        iter::from_fn(move || {
            if done {
                return None;
            }
            let stage = stream.stage_of(from);
            let until = stream.stage_end(from).map_or(last, |end| end.min(last));
            let piece = from..=until;
            done = until == last;
            from = until.saturating_add(1);
            Some((stage, piece))
        })
    })
}

pub(super) fn count(range: &RangeInclusive<u32>) -> u64 {
    u64::from(range.end() - range.start()) + 1
}
