//! The account as one would write it without a thought for memory: every message and every arrival in a map.

use std::collections::{BTreeMap, HashMap};

use super::*;

/// A message that never reached a reader.
type Lost = (ReaderId, StreamId, u32);

#[derive(Default)]
struct Message {
    stage: u16,
    written: bool,
    confirmed: bool,
    given_up: bool,
    refused: bool,
}

pub(super) struct Naive {
    audience: Audience,
    options: Options,
    streams: BTreeMap<StreamId, (QoS, Vec<Expected>)>,
    messages: BTreeMap<(StreamId, u32), Message>,
    arrivals: HashMap<(ReaderId, StreamId, u32), u64>,
    highest: HashMap<(ReaderId, ClientId, StreamId), u32>,
    rows: BTreeMap<RowKey, Counts>,
    pub(super) unexpected: u64,
}

impl Naive {
    pub(super) fn new(audience: Audience, options: Options) -> Self {
        Self {
            audience,
            options,
            streams: BTreeMap::new(),
            messages: BTreeMap::new(),
            arrivals: HashMap::new(),
            highest: HashMap::new(),
            rows: BTreeMap::new(),
            unexpected: 0,
        }
    }

    pub(super) fn open(&mut self, stream: StreamId, topic: &str, qos: QoS) {
        let readers = self.audience.readers_of(topic, qos, 0);
        self.streams.insert(stream, (qos, readers));
    }

    pub(super) fn intend(&mut self, stream: StreamId, sequence: u32, at: Duration) {
        let stage = self.options.stage_ends.iter().position(|end| at < *end).unwrap_or(2) as u16;
        self.messages.insert((stream, sequence), Message { stage, ..Message::default() });
        self.row(stream, stage).intended += 1;
    }

    pub(super) fn written(&mut self, stream: StreamId, sequence: u32) {
        let qos = self.streams[&stream].0;
        let message = self.messages.get_mut(&(stream, sequence)).unwrap();
        if message.given_up || message.written {
            return;
        }
        message.written = true;
        message.confirmed |= qos == QoS::AtMostOnce;
        let stage = message.stage;
        self.row(stream, stage).published += 1;
    }

    pub(super) fn confirmed(&mut self, stream: StreamId, sequence: u32) {
        self.written(stream, sequence);
        let message = self.messages.get_mut(&(stream, sequence)).unwrap();
        message.confirmed |= !message.given_up;
    }

    pub(super) fn refused(&mut self, stream: StreamId, sequence: u32) {
        self.written(stream, sequence);
        self.give_up(stream, sequence);
    }

    pub(super) fn dropped(&mut self, stream: StreamId, sequence: u32) {
        self.give_up(stream, sequence);
    }

    pub(super) fn received(&mut self, client: ClientId, stream: StreamId, sequence: u32) {
        let stage = self.messages[&(stream, sequence)].stage;
        let expected = &self.streams[&stream].1;
        let candidates: Vec<Expected> = self
            .audience
            .readers_with(client)
            .filter_map(|reader| expected.iter().find(|one| one.reader == reader).copied())
            .collect();
        let count = |reader| self.arrivals.get(&(reader, stream, sequence)).copied().unwrap_or(0);
        let open = candidates.iter().find(|one| count(one.reader) < u64::from(one.copies));
        let Some(one) = open.or(candidates.first()).copied() else {
            self.unexpected += 1;
            return;
        };
        let before = count(one.reader);
        *self.arrivals.entry((one.reader, stream, sequence)).or_default() += 1;
        let key = RowKey { stage, group: 0, qos: one.qos };
        if before == 0 {
            self.rows.entry(key).or_default().received += 1;
        } else if before >= u64::from(one.copies) {
            let row = self.rows.entry(key).or_default();
            row.received += 1;
            row.duplicated += 1;
            return;
        }
        let highest = self.highest.entry((one.reader, client, stream)).or_insert(sequence);
        if sequence < *highest && before == 0 {
            self.rows.entry(key).or_default().reordered += 1;
        }
        *highest = sequence.max(*highest);
    }

    pub(super) fn outstanding(&self) -> u64 {
        self.missing().count() as u64
    }

    pub(super) fn unresolved(&self) -> u64 {
        self.messages.values().filter(|message| !message.confirmed && !message.given_up).count() as u64
    }

    pub(super) fn close(mut self) -> (Vec<(RowKey, Counts)>, Vec<Lost>) {
        let missing: Vec<_> = self.missing().collect();
        let mut lost = Vec::new();
        for (key, reader, stream, sequence) in missing {
            self.rows.entry(key).or_default().lost += 1;
            lost.push((reader, stream, sequence));
        }
        for ((stream, _), message) in &self.messages {
            let key = RowKey { stage: message.stage, group: 0, qos: self.streams[stream].0 };
            let row = self.rows.entry(key).or_default();
            row.refused += u64::from(message.refused);
            let open = message.written && !message.confirmed && !message.given_up;
            row.unacknowledged += u64::from(open);
        }
        lost.sort_unstable();
        (self.rows.into_iter().filter(|(_, counts)| *counts != Counts::default()).collect(), lost)
    }

    fn missing(&self) -> impl Iterator<Item = (RowKey, ReaderId, StreamId, u32)> + '_ {
        self.messages.iter().filter(|(_, message)| message.confirmed).flat_map(move |((stream, sequence), message)| {
            let readers = self.streams[stream].1.iter();
            let missing = readers.filter(move |one| !self.arrivals.contains_key(&(one.reader, *stream, *sequence)));
            missing.map(move |one| {
                (RowKey { stage: message.stage, group: 0, qos: one.qos }, one.reader, *stream, *sequence)
            })
        })
    }

    fn give_up(&mut self, stream: StreamId, sequence: u32) {
        let message = self.messages.get_mut(&(stream, sequence)).unwrap();
        if !message.confirmed && !message.given_up {
            message.given_up = true;
            message.refused = message.written;
        }
    }

    fn row(&mut self, stream: StreamId, stage: u16) -> &mut Counts {
        let qos = self.streams[&stream].0;
        self.rows.entry(RowKey { stage, group: 0, qos }).or_default()
    }
}
