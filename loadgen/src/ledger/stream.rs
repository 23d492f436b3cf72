//! One stream and how far each of its readers has it.

use protocol::QoS;

use super::{
    Audience, ClientId, Expected, Ranges, ReaderId, RowKey, StreamInfo,
    under_way::{Entry, UnderWay},
};

#[derive(Debug)]
pub(super) struct Stream {
    pub(super) info: StreamInfo,
    /// The sequence number that the next message gets.
    pub(super) next: u32,
    pub(super) written: Ranges,
    /// Messages that every reader must receive.
    pub(super) confirmed: Ranges,
    /// Messages that nobody need receive: dropped or refused.
    pub(super) given_up: Ranges,
    /// By ascending reader.
    pub(super) tracks: Vec<Track>,
    pub(super) under_way: UnderWay,
    /// The first sequence number of each stage that has one, ascending.
    pub(super) stages: Vec<(u32, u16)>,
}

/// What one reader has of a stream.
#[derive(Debug)]
pub(super) struct Track {
    pub(super) reader: ReaderId,
    pub(super) qos: QoS,
    /// `layers[n]` holds what arrived more than n times; as many layers as arrivals are allowed.
    layers: Box<[Ranges]>,
    /// Messages that need not reach it and may: it came later, or was away. They count as received.
    excused: Ranges,
    /// How many of its clients are away so that it need not receive anything.
    pub(super) absent: u32,
    /// The highest sequence that each client of the reader has received. Mostly one client.
    highest: Vec<(ClientId, u32)>,
}

/// What an arrival was to its reader.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) reader: ReaderId,
    pub(super) qos: QoS,
    pub(super) first: bool,
    pub(super) copy: bool,
    pub(super) overtaken: bool,
}

impl Stream {
    pub(super) fn new(info: StreamInfo, expected: Vec<Expected>) -> Self {
        let tracks = expected.into_iter().map(Track::new).collect();
        Self {
            info,
            next: 0,
            written: Ranges::new(),
            confirmed: Ranges::new(),
            given_up: Ranges::new(),
            tracks,
            under_way: UnderWay::default(),
            stages: Vec::new(),
        }
    }

    /// The next `count` messages, all intended at `intended` and handed out `now`.
    pub(super) fn intend(&mut self, count: u32, intended: u64, now: u64, stage: u16) {
        let first = self.next;
        self.next = first.checked_add(count).expect("no stream sends 2^32 messages");
        if self.stages.last().is_none_or(|(_, last)| *last < stage) {
            self.stages.push((first, stage));
        }
        let entry = Entry::new(intended, now, self.tracks.len() as u32);
        if self.tracks.iter().all(|track| track.absent == 0) {
            return self.under_way.push_run(entry, count);
        }
        for sequence in first..self.next {
            let mut entry = entry;
            for track in self.tracks.iter_mut().filter(|track| track.absent > 0) {
                if track.excuse(sequence) {
                    entry.arrived();
                }
            }
            self.under_way.push(entry);
        }
    }

    /// How many readers must receive what is intended now.
    pub(super) fn awaiting(&self) -> usize {
        self.tracks.iter().filter(|track| track.absent == 0).count()
    }

    /// Whether the fate of `sequence` is still open to news from its publisher.
    pub(super) fn may_change(&self, sequence: u32) -> bool {
        sequence < self.next && !self.given_up.contains(sequence)
    }

    pub(super) fn stage_of(&self, sequence: u32) -> u16 {
        let after = self.stages.partition_point(|(first, _)| *first <= sequence);
        after.checked_sub(1).map_or(0, |at| self.stages[at].1)
    }

    /// The last sequence number of the stage that `sequence` lies in; `None` for the last stage.
    pub(super) fn stage_end(&self, sequence: u32) -> Option<u32> {
        self.stages.get(self.stages.partition_point(|(first, _)| *first <= sequence)).map(|(next, _)| next - 1)
    }

    pub(super) fn published_row(&self, stage: u16) -> RowKey {
        RowKey { group: self.info.group, qos: self.info.qos, stage }
    }

    /// Books an arrival with the reader that it belongs to; `None` when the client is none.
    pub(super) fn arrive(&mut self, audience: &Audience, client: ClientId, sequence: u32) -> Option<Seen> {
        let mut full = None;
        for reader in audience.readers_with(client) {
            let Ok(at) = self.tracks.binary_search_by_key(&reader, |track| track.reader) else { continue };
            let track = &mut self.tracks[at];
            if track.excused.contains(sequence) {
                let (reader, qos) = (track.reader, track.qos);
                return Some(Seen { reader, qos, first: false, copy: true, overtaken: false });
            }
            if let Some(layer) = track.layers.iter_mut().position(|layer| layer.insert(sequence)) {
                let overtaken = track.overtaken(client, sequence);
                let (reader, qos) = (track.reader, track.qos);
                return Some(Seen { reader, qos, first: layer == 0, copy: layer > 0, overtaken });
            }
            full.get_or_insert(at);
        }
        let track = &self.tracks[full?];
        Some(Seen { reader: track.reader, qos: track.qos, first: false, copy: false, overtaken: false })
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let ranges = self.written.heap_bytes() + self.confirmed.heap_bytes() + self.given_up.heap_bytes();
        let tracks: usize = self.tracks.iter().map(Track::heap_bytes).sum();
        ranges + tracks + self.under_way.heap_bytes()
    }
}

impl Track {
    fn new(expected: Expected) -> Self {
        let layers = vec![Ranges::new(); usize::from(expected.copies.max(1))].into();
        Self {
            reader: expected.reader,
            qos: expected.qos,
            layers,
            excused: Ranges::new(),
            absent: 0,
            highest: Vec::new(),
        }
    }

    /// Of a reader that came when `next` was the next message.
    pub(super) fn since(expected: Expected, next: u32) -> Self {
        let mut track = Self { excused: Ranges::up_to(next), ..Self::new(expected) };
        track.layers[0] = track.excused.clone();
        track
    }

    /// Lets a message count as received that never arrived; whether it had not.
    pub(super) fn excuse(&mut self, sequence: u32) -> bool {
        self.layers[0].insert(sequence) && self.excused.insert(sequence)
    }

    /// The messages before `next` that have not arrived and that nothing overtook on its way to `client`.
    pub(super) fn under_way_to(&self, client: ClientId, next: u32) -> Vec<u32> {
        let seen = self.highest.iter().find(|(member, _)| *member == client);
        let after = seen.map_or(0, |(_, highest)| highest + 1);
        Ranges::up_to(next).without(&self.layers[0]).flatten().filter(|sequence| *sequence >= after).collect()
    }

    /// What arrived at least once.
    pub(super) fn received(&self) -> &Ranges {
        &self.layers[0]
    }

    pub(super) fn received_mut(&mut self) -> &mut Ranges {
        &mut self.layers[0]
    }

    /// Whether nothing from `first` on has reached the reader, and nothing of it is excused: whoever is excused counts as received.
    pub(super) fn takes_run(&self, first: u32) -> bool {
        self.layers[0].ends_before(first)
    }

    /// Messages that it [`takes`](Self::takes_run) reached `client`, in order.
    pub(super) fn take_run(&mut self, client: ClientId, first: u32, last: u32) {
        self.layers[0].append(first, last);
        match self.highest.iter_mut().find(|(member, _)| *member == client) {
            Some((_, highest)) => *highest = last,
            None => self.highest.push((client, last)),
        }
    }

    /// Whether a later message reached `client` before this one.
    fn overtaken(&mut self, client: ClientId, sequence: u32) -> bool {
        match self.highest.iter_mut().find(|(member, _)| *member == client) {
            Some((_, highest)) if sequence < *highest => true,
            Some((_, highest)) => {
                *highest = sequence;
                false
            }
            None => {
                self.highest.push((client, sequence));
                false
            }
        }
    }

    fn heap_bytes(&self) -> usize {
        let layers: usize = self.layers.iter().map(|layer| size_of::<Ranges>() + layer.heap_bytes()).sum();
        size_of::<Self>() + layers + self.excused.heap_bytes() + self.highest.capacity() * size_of::<(ClientId, u32)>()
    }
}
