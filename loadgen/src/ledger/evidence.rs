//! What one process of a split run hands over, so that the account of all of them can be closed.

use std::{mem, ops::RangeInclusive};

use protocol::QoS;
use reports::observation::{ArrivalEvidence, Evidence, Qos, Spans, StreamEvidence, SubscriptionEvidence};

use super::{Ledger, Ranges, Subscription, stream::Stream};
use crate::StreamId;

/// One record holds about so many ranges, so that no line of a file grows long.
const RANGES: usize = 16_384;

impl Ledger {
    /// All that is known of streams: what was sent, and what arrived from wherever. `clients` are the names of devices.
    pub fn evidence(&self, clients: &[String], record: impl FnMut(Evidence)) {
        let mut records = Records { record, present: Evidence::default(), ranges: 0 };
        for (id, stream) in self.own_streams() {
            let client = clients.get(id.device() as usize).cloned().unwrap_or_default();
            for (confirmed, ranges) in pieces(&stream.confirmed) {
                records.present.streams.push(sent(id, stream, &client, confirmed));
                records.grow(ranges + 1);
            }
        }
        for (id, stream) in self.own_streams().chain(self.abroad.streams()) {
            let received = stream.tracks.iter().filter(|track| !track.received().is_empty());
            for track in received {
                for (received, ranges) in pieces(track.received()) {
                    records.arrived(id, track.reader.0, received);
                    records.grow(ranges + 1);
                }
            }
        }
        records.end();
    }

    fn own_streams(&self) -> impl Iterator<Item = (StreamId, &Stream)> {
        let numbered = self.devices.iter().zip(0..);
        numbered.flat_map(|(series, device)| {
            series
                .iter()
                .zip(0..)
                .filter_map(move |(stream, place)| Some((StreamId::new(device, place)?, stream.as_deref()?)))
        })
    }
}

/// Records that are cut before they grow long.
struct Records<F: FnMut(Evidence)> {
    record: F,
    present: Evidence,
    ranges: usize,
}

impl<F: FnMut(Evidence)> Records<F> {
    fn arrived(&mut self, stream: StreamId, reader: u32, received: Spans) {
        match self.present.arrivals.last_mut().filter(|last| last.stream == stream.value()) {
            Some(last) => last.readers.push((reader, received)),
            None => {
                let readers = vec![(reader, received)];
                self.present.arrivals.push(ArrivalEvidence { stream: stream.value(), readers });
            }
        }
    }

    fn grow(&mut self, ranges: usize) {
        self.ranges += ranges;
        if self.ranges >= RANGES {
            self.end();
        }
    }

    fn end(&mut self) {
        if self.ranges > 0 {
            (self.record)(mem::take(&mut self.present));
            self.ranges = 0;
        }
    }
}

fn sent(id: StreamId, stream: &Stream, client: &str, confirmed: Spans) -> StreamEvidence {
    StreamEvidence {
        stream: id.value(),
        topic: stream.info.topic.to_string(),
        client: client.to_owned(),
        qos: quality(stream.info.qos),
        group: stream.info.group,
        intended: stream.next,
        stages: stream.stages.clone(),
        confirmed,
    }
}

/// A set in pieces of bounded size, at least one, each with its number of ranges.
fn pieces(set: &Ranges) -> impl Iterator<Item = (Spans, usize)> {
    let spans: Vec<(u32, u32)> = set.iter().map(RangeInclusive::into_inner).collect();
    let mut pieces: Vec<Vec<(u32, u32)>> = spans.chunks(RANGES).map(<[_]>::to_vec).collect();
    if pieces.is_empty() {
        pieces.push(Vec::new());
    }
    pieces.into_iter().map(|piece| {
        let count = piece.len();
        (Spans::new(piece).expect("a part of ascending ranges"), count)
    })
}

impl From<Subscription> for SubscriptionEvidence {
    fn from(one: Subscription) -> Self {
        Self {
            share: one.share.map(Into::into),
            filter: one.filter.into(),
            qos: quality(one.qos),
            groups: one.groups.map(|groups| groups.to_vec()),
        }
    }
}

/// The same as reports have it.
pub(crate) fn quality(qos: QoS) -> Qos {
    Qos::ALL[qos as usize]
}
