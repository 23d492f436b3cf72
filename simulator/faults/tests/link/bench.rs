//! A link under virtual time, with everything that came out of it.

use std::time::Duration;

use faults::{Entry, Link, Manner, Output, Rules, Shared, Time};
use wire::{
    Connack, Connect, Direction,
    Direction::{FromClient, FromServer},
    Draftable, Frames, Version, line,
};

/// Milliseconds.
pub(crate) fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// What came out, in which direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Out {
    Write(Vec<u8>),
    Close(Manner),
}

/// One connection.
pub(crate) struct Bench {
    pub(crate) link: Link,
    pub(crate) shared: Shared,
    pub(crate) now: Time,
    version: Version,
    /// Time, direction, what.
    pub(crate) out: Vec<(Time, Direction, Out)>,
}

impl Bench {
    pub(crate) fn new(rules: impl Into<Rules>) -> Self {
        Self::seeded(rules, 1)
    }

    pub(crate) fn seeded(rules: impl Into<Rules>, seed: u64) -> Self {
        Self::among(&Shared::default(), 1, &rules.into(), seed)
    }

    /// One of several connections of a proxy.
    pub(crate) fn among(shared: &Shared, number: u64, rules: &Rules, seed: u64) -> Self {
        let link = Link::new(number, seed, rules, shared, Time::ZERO);
        let (shared, version) = (shared.clone(), Version::V3_1_1);
        let mut bench = Self { link, shared, now: Time::ZERO, version, out: Vec::new() };
        bench.flush();
        bench
    }

    /// One that has said CONNECT and heard CONNACK; neither is in what came out.
    pub(crate) fn connected(rules: impl Into<Rules>, version: Version) -> Self {
        let mut bench = Self::new(rules);
        bench.connect("one", version);
        bench
    }

    pub(crate) fn connect(&mut self, id: &str, version: Version) {
        self.version = version;
        self.client(Connect::as_(id));
        self.server(Connack::accepted());
        self.out.clear();
    }

    /// The client sends.
    pub(crate) fn client(&mut self, packet: impl Draftable) {
        self.bytes(FromClient, &packet.into_draft(self.version).encode());
    }

    /// The server sends.
    pub(crate) fn server(&mut self, packet: impl Draftable) {
        self.bytes(FromServer, &packet.into_draft(self.version).encode());
    }

    pub(crate) fn bytes(&mut self, from: Direction, bytes: &[u8]) {
        self.link.receive(self.now, from, bytes);
        self.flush();
    }

    pub(crate) fn close(&mut self, from: Direction, manner: Manner) {
        self.link.closed(self.now, from, manner);
        self.flush();
    }

    /// Lets so much time pass.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now.after(time);
        while let Some(next) = self.link.poll_timeout(self.now).filter(|next| *next <= end) {
            self.now = self.now.max(next);
            self.flush();
        }
        self.now = end;
        self.flush();
    }

    /// What the receiver of this direction got, packet by packet, in words; closes as `FIN` and `RST`. Each is told once.
    pub(crate) fn got(&mut self, direction: Direction) -> Vec<String> {
        let (mut frames, mut words) = (Frames::new(), Vec::new());
        for (_, _, out) in self.out.extract_if(.., |(_, way, _)| *way == direction) {
            match out {
                Out::Write(bytes) => frames.push(&bytes),
                Out::Close(manner) => {
                    words.extend(frames.by_ref().map(|frame| line(self.version, direction, frame.bytes())));
                    words.push(manner.to_string());
                }
            }
        }
        words.extend(frames.by_ref().map(|frame| line(self.version, direction, frame.bytes())));
        assert!(frames.pending().is_empty(), "a packet is not whole: {:?}", frames.pending());
        words
    }

    pub(crate) fn client_got(&mut self) -> Vec<String> {
        self.got(FromServer)
    }

    pub(crate) fn server_got(&mut self) -> Vec<String> {
        self.got(FromClient)
    }

    /// Every write to the receiver of this direction, with its time in milliseconds.
    pub(crate) fn writes(&self, direction: Direction) -> Vec<(u128, Vec<u8>)> {
        let this_way = self.out.iter().filter(|(_, way, _)| *way == direction);
        let writes = this_way.filter_map(|(at, _, out)| match out {
            Out::Write(bytes) => Some((at.since_the_beginning().as_millis(), bytes.clone())),
            Out::Close(_) => None,
        });
        writes.collect()
    }

    /// All bytes to the receiver of this direction.
    pub(crate) fn stream(&self, direction: Direction) -> Vec<u8> {
        self.writes(direction).into_iter().flat_map(|(_, bytes)| bytes).collect()
    }

    pub(crate) fn log(&self) -> Vec<Entry> {
        self.shared.log()
    }

    fn flush(&mut self) {
        self.link.handle_timeout(self.now);
        for direction in [FromClient, FromServer] {
            let mut bytes = Vec::new();
            while let Some(output) = self.link.poll_output(self.now, direction, &mut bytes) {
                let out = match output {
                    Output::Bytes => Out::Write(std::mem::take(&mut bytes)),
                    Output::Close(manner) => Out::Close(manner),
                };
                self.out.push((self.now, direction, out));
            }
        }
    }
}
