//! What other processes of a split run sent, as far as it arrives here.

use std::{collections::HashMap, time::Duration};

use protocol::QoS;

use super::{Arrival, Books, ClientId, Ledger, RowKey, StreamInfo, stream::Stream};
use crate::{Stamp, StreamId};

/// What is known here of a message that another process sent.
#[derive(Clone, Copy, Debug)]
pub struct Foreign<'a> {
    /// The topic that it arrived on.
    pub topic: &'a str,
    /// The QoS that the broker delivered it with.
    pub qos: QoS,
    /// The group of its publisher.
    pub group: u16,
    /// Whether the run's start is the same moment for its sender, so that its age can be told.
    pub aged: bool,
}

/// Streams of other processes, opened by what arrives.
#[derive(Debug, Default)]
pub(super) struct Abroad {
    streams: HashMap<StreamId, Box<Stream>>,
    arrivals: u64,
    heap_bytes: usize,
    /// Arrivals that there was no room to keep.
    untold: u64,
}

/// Arrivals name their stream themselves, so nobody knows how many a broker may make up: so many series of a device are kept.
const SERIES: u32 = 64;
/// So many bytes of ranges are kept: room for some ten million gaps.
const HEAP_LIMIT: usize = 256 << 20;
/// The heap is measured once in so many arrivals.
const MEASURED_EVERY: u64 = 8192;

impl Abroad {
    pub(super) fn find(&self, stream: StreamId) -> Option<&Stream> {
        self.streams.get(&stream).map(|stream| &**stream)
    }

    /// The streams, in no order.
    pub(super) fn streams(&self) -> impl Iterator<Item = (StreamId, &Stream)> {
        self.streams.iter().map(|(id, stream)| (*id, &**stream))
    }

    fn has_room(&mut self) -> bool {
        if self.arrivals.is_multiple_of(MEASURED_EVERY) {
            self.heap_bytes = self.streams.values().map(|stream| size_of::<Stream>() + stream.heap_bytes()).sum();
        }
        self.arrivals += 1;
        self.heap_bytes < HEAP_LIMIT
    }
}

impl Ledger {
    /// A stamped message of another process reached `client` at `at`, an offset from the run's start.
    pub fn received_from_abroad(
        &mut self,
        client: ClientId,
        stamp: &Stamp,
        foreign: &Foreign<'_>,
        at: Duration,
    ) -> Arrival {
        if stamp.stream.series() >= SERIES || !self.abroad.has_room() {
            self.abroad.untold += 1;
            return Arrival::Unexpected;
        }
        let stage = self.stage_of(stamp.intended_start());
        let audience = &self.audience;
        let found = self.abroad.streams.entry(stamp.stream).or_insert_with(|| {
            // What it was published with is its sender's to know: at most what it arrives with counts.
            let mut readers = audience.readers_of(foreign.topic, QoS::ExactlyOnce, foreign.group);
            readers.retain(|one| !audience.is_elsewhere(one.reader));
            let info = StreamInfo { topic: foreign.topic.into(), qos: foreign.qos, group: foreign.group };
            Box::new(Stream::new(info, readers))
        });
        let Some(seen) = found.arrive(audience, client, stamp.sequence) else {
            self.unexpected += 1;
            return Arrival::Unexpected;
        };
        let key = RowKey { group: foreign.group, qos: seen.qos.min(foreign.qos), stage };
        let late_after = self.options.late_after.filter(|_| foreign.aged);
        let books = Books { rows: &mut self.rows, witnesses: &mut self.witnesses, late_after };
        books.enter(key, seen, stamp, at).unwrap_or(Arrival::First { row: key, written: None })
    }

    /// How many arrivals from other processes there was no room to keep.
    pub const fn untold(&self) -> u64 {
        self.abroad.untold
    }
}
