//! Two cooperating senders: one sends what is not quite right, the other sees what the target makes of it.
//!
//! ```text
//!   mutator ──packets, some of them changed, split anywhere──▶ target ──▶ observer, who subscribes to everything of the two
//!      ▲                                                          │
//!      └────────────── what the observer publishes ◀──────────────┘
//! ```
//!
//! The target may answer the mutator as the standard allows, or close its connection. Whatever it sends, to either of them,
//! is a legal packet; the observer stays connected and gets its own messages; and the target goes on to accept clients.

use std::time::Duration;

use proptest::{
    collection::vec,
    prelude::{BoxedStrategy, Just, Strategy, any},
    prop_oneof,
    sample::{Index, select},
    strategy::ValueTree,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, timeout_at},
};
use transport::Stream;
use wire::{
    Ack, Connect, Direction, Disconnect, Frames, Options, Pingreq, Property, Publish, Subscribe, Unsubscribe, Version,
    Will,
};

use super::{
    Discrepancy, Outcome, Site,
    generate::runner,
    plain::{Flow, Plain, broken, malformed},
    record::{Line, Record},
    site::fresh_name,
};

/// What the mutator does.
#[derive(Clone, Debug)]
struct Script {
    /// Packets, by their place among the templates, with the changes made to each.
    packets: Vec<(Index, Vec<Change>)>,
    /// Whether the first packet is a CONNECT without a change.
    introduces: bool,
    /// Bytes instead of packets, if any.
    noise: Vec<u8>,
    /// Where the stream of bytes is cut.
    cuts: Vec<Index>,
}

/// A change to the bytes of a packet.
#[derive(Clone, Debug)]
enum Change {
    /// Another byte.
    Replace(Index, u8),
    /// One bit flipped.
    Flip(Index, u8),
    /// A byte more.
    Insert(Index, u8),
    /// A byte less.
    Remove(Index),
    /// The end is missing.
    Truncate(Index),
    /// A stretch twice.
    Repeat(Index, u8),
    /// A first byte, of any type and with any flags.
    First(u8),
    /// Another remaining length.
    Length(u8),
}

/// What one case came to, and what was sent.
pub(crate) struct Played {
    pub(crate) outcome: Outcome,
    /// What the mutator sent and got, and what the observer saw.
    pub(crate) transcript: Vec<Line>,
}

/// Plays the case of this seed and number.
pub(crate) async fn play(site: &Site, version: Version, seed: u64, number: u64) -> Played {
    perform(site, version, &script(seed, number)).await
}

/// Looks for a shorter script that breaks the same rule, with at most `attempts` plays: what it breaks, and every packet.
/// `None` if the whole script is the shortest.
pub(crate) async fn shrink(
    site: &Site,
    version: Version,
    seed: u64,
    number: u64,
    before: &Discrepancy,
    attempts: usize,
) -> Option<(Discrepancy, Vec<Line>)> {
    let (mut best, mut told, mut left) = (script(seed, number), None, attempts);
    'shorter: loop {
        for candidate in best.shorter() {
            if left == 0 {
                break 'shorter;
            }
            left -= 1;
            let played = perform(site, version, &candidate).await;
            if let Outcome::Broken(discrepancy) = played.outcome
                && discrepancy.rule == before.rule
            {
                (best, told) = (candidate, Some((discrepancy, played.transcript)));
                continue 'shorter;
            }
        }
        break;
    }
    told
}

async fn perform(site: &Site, version: Version, script: &Script) -> Played {
    let root = fresh_name();
    let mut record = Record::new(Instant::now(), &root);
    let outcome = act(site, version, &root, script, &mut record).await.err().unwrap_or(Outcome::Allowed);
    Played { outcome, transcript: record.into_lines() }
}

async fn act(site: &Site, version: Version, root: &str, script: &Script, record: &mut Record) -> Flow {
    let mut observer = Plain::connect_since(site, version, root, "observer", record.began()).await?;
    let watched = watch(site, version, root, script, &mut observer, record).await;
    record.join(observer.take_record());
    watched?;
    observer.disconnect().await;
    // Whoever comes next is served, and a session of the mutator is ended.
    let next = Plain::connect(site, version, root, "m").await?;
    next.disconnect().await;
    Ok(())
}

async fn watch(
    site: &Site,
    version: Version,
    root: &str,
    script: &Script,
    observer: &mut Plain<'_>,
    record: &mut Record,
) -> Flow {
    observer.subscribe(&[&format!("{root}/#")], 2).await?;
    let mut mutator = Mutator::connect(site, version, script.introduces, record).await?;
    let chunks = script.chunks(version, root);
    for (place, chunk) in chunks.iter().enumerate() {
        mutator.send(chunk).await;
        if place == chunks.len() / 2 {
            // The mutator has to acknowledge some of these.
            observer.publish(&format!("{root}/t"), "from the observer").await?;
        }
        mutator.listen(Duration::from_millis(0)).await?;
    }
    mutator.end(site.patience).await?;
    observer.publish(&format!("{root}/end"), "end").await?;
    if !observer.until(|inbox| inbox.iter().any(|publish| publish.payload == b"end")).await? {
        let what = "the observer did not get its own message after the mutator was gone".to_owned();
        // MQTT-4.5.0-1 in both.
        return Err(broken(version, Some("4.5.0-1"), "one client's faults do not disturb another", what));
    }
    observer.ping().await
}

/// The mutator's connection.
struct Mutator<'a> {
    stream: Stream,
    frames: Frames,
    version: Version,
    /// The versions that the target may take it to speak, this one first.
    versions: Vec<Version>,
    /// The target takes no more bytes; what it sent is read all the same.
    is_refused: bool,
    closed: bool,
    record: &'a mut Record,
}

impl<'a> Mutator<'a> {
    async fn connect(site: &Site, version: Version, introduces: bool, record: &'a mut Record) -> Flow<Self> {
        let stream = site.dial(version).await.map_err(|error| Outcome::Unreachable(error.to_string()))?;
        // A server that was told another version may answer in that one.
        let others = [Version::V5, Version::V3_1_1, Version::V3_1].into_iter().filter(|_| !introduces);
        let versions = std::iter::once(version).chain(others).collect();
        let frames = Frames::up_to(1 << 20);
        Ok(Self { stream, frames, version, versions, is_refused: false, closed: false, record })
    }

    async fn send(&mut self, bytes: &[u8]) {
        if self.closed || self.is_refused {
            return;
        }
        self.record.raw("mutator", bytes);
        let write = tokio::time::timeout(Duration::from_secs(5), self.stream.write_all(bytes));
        self.is_refused = !matches!(write.await, Ok(Ok(())));
        // Let the pieces arrive as pieces.
        tokio::task::yield_now().await;
    }

    /// Reads what comes within `time`; every packet must be legal.
    async fn listen(&mut self, time: Duration) -> Flow {
        let deadline = Instant::now() + time;
        let mut buffer = [0; 4096];
        while !self.closed {
            match timeout_at(deadline, self.stream.read(&mut buffer)).await {
                Ok(Ok(0) | Err(_)) => {
                    self.record.closed("mutator");
                    self.closed = true;
                }
                Ok(Ok(length)) => self.frames.push(&buffer[..length]),
                Err(_) => return Ok(()),
            }
            while let Some(frame) = self.frames.next() {
                self.judge(&frame)?;
            }
        }
        Ok(())
    }

    fn judge(&mut self, frame: &wire::Frame) -> Flow {
        self.record.received("mutator", self.version, frame.bytes());
        let parse = |version: &Version| frame.parse(*version, Direction::FromServer);
        let first = match parse(&self.version) {
            Err(breach) if self.versions.iter().all(|version| parse(version).is_err()) => breach,
            _ => return Ok(()),
        };
        let what = format!("the mutator got {}", frame.line(self.version, Direction::FromServer));
        Err(malformed(self.version, first, what))
    }

    /// Closes, and waits for the target to do so too.
    async fn end(&mut self, patience: Duration) -> Flow {
        let _ = self.stream.shutdown().await;
        self.listen(patience).await?;
        if self.closed {
            return Ok(());
        }
        let what = format!("the target did not close within {patience:?} after the mutator did");
        Err(broken(self.version, None, "a connection that its client closed is closed", what))
    }
}

impl Script {
    /// Scripts with something less, those first that lack most.
    fn shorter(&self) -> Vec<Self> {
        let mut shorter = Vec::new();
        if !self.noise.is_empty() {
            shorter.push(Self { noise: Vec::new(), ..self.clone() });
        }
        for place in 0..self.packets.len() {
            let mut less = self.clone();
            less.packets.remove(place);
            shorter.push(less);
        }
        if !self.cuts.is_empty() {
            shorter.push(Self { cuts: Vec::new(), ..self.clone() });
        }
        for (place, (_, changes)) in self.packets.iter().enumerate() {
            for change in 0..changes.len() {
                let mut less = self.clone();
                less.packets[place].1.remove(change);
                shorter.push(less);
            }
        }
        shorter
    }

    /// The bytes as they are written, piece by piece.
    fn chunks(&self, version: Version, root: &str) -> Vec<Vec<u8>> {
        let templates = templates(version, root);
        let mut bytes = Vec::new();
        if self.introduces {
            bytes.extend(&templates[0]);
        }
        for (place, changes) in &self.packets {
            let mut packet = place.get(&templates).clone();
            for change in changes {
                change.apply(&mut packet);
            }
            bytes.extend(packet);
        }
        bytes.extend(&self.noise);
        let mut cuts: Vec<usize> = self.cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.sort_unstable();
        let mut chunks = Vec::new();
        let mut start = 0;
        for cut in cuts.into_iter().chain([bytes.len()]).filter(|cut| *cut > 0) {
            if cut > start {
                chunks.push(bytes[start..cut].to_vec());
                start = cut;
            }
        }
        chunks
    }
}

impl Change {
    fn apply(&self, packet: &mut Vec<u8>) {
        let size = packet.len();
        if size == 0 {
            return;
        }
        match self {
            Self::Replace(at, byte) => packet[at.index(size)] = *byte,
            Self::Flip(at, bit) => packet[at.index(size)] ^= 1 << (bit % 8),
            Self::Insert(at, byte) => packet.insert(at.index(size), *byte),
            Self::Remove(at) => {
                packet.remove(at.index(size));
            }
            Self::Truncate(at) => packet.truncate(at.index(size)),
            Self::Repeat(at, length) => {
                let start = at.index(size);
                let end = (start + usize::from(*length)).min(size);
                let stretch = packet[start..end].to_vec();
                packet.splice(end..end, stretch);
            }
            Self::First(byte) => packet[0] = *byte,
            Self::Length(length) if size > 1 => packet[1] = *length,
            Self::Length(_) => {}
        }
    }
}

/// The script of this seed and number.
fn script(seed: u64, number: u64) -> Script {
    scripts().new_tree(&mut runner(seed, number)).expect("these strategies reject nothing").current()
}

fn scripts() -> impl Strategy<Value = Script> {
    let packet = (any::<Index>(), prop_oneof![2 => Just(Vec::new()).boxed(), 3 => vec(change(), 1..=3).boxed()]);
    let noise = prop_oneof![4 => Just(Vec::new()).boxed(), 1 => vec(any::<u8>(), 1..64).boxed()];
    let introduces = prop_oneof![4 => Just(true), 1 => Just(false)];
    (vec(packet, 0..=6), introduces, noise, vec(any::<Index>(), 0..=5))
        .prop_map(|(packets, introduces, noise, cuts)| Script { packets, introduces, noise, cuts })
}

fn change() -> BoxedStrategy<Change> {
    let at = || any::<Index>();
    // The values at which encodings turn.
    let byte = || prop_oneof![1 => any::<u8>(), 2 => select(vec![0, 1, 2, 3, 4, 0x7f, 0x80, 0xc0, 0xff])];
    prop_oneof![
        3 => (at(), byte()).prop_map(|(at, byte)| Change::Replace(at, byte)),
        3 => (at(), any::<u8>()).prop_map(|(at, bit)| Change::Flip(at, bit)),
        2 => (at(), byte()).prop_map(|(at, byte)| Change::Insert(at, byte)),
        2 => at().prop_map(Change::Remove),
        1 => at().prop_map(Change::Truncate),
        1 => (at(), 1..20_u8).prop_map(|(at, length)| Change::Repeat(at, length)),
        1 => any::<u8>().prop_map(Change::First),
        1 => byte().prop_map(Change::Length),
    ]
    .boxed()
}

/// Packets of every type that clients send, CONNECT first, with the properties that they may have.
fn templates(version: Version, root: &str) -> Vec<Vec<u8>> {
    let new = version == Version::V5;
    let topic = format!("{root}/t");
    let property = |packet: Publish, property: Property| if new { packet.with(property) } else { packet };
    let mut connect = Connect::as_(format!("{root}m")).keep_alive(60);
    let mut will = Will::to(format!("{root}/w")).qos(1).payload("will");
    let mut subscribe = Subscribe::new(1).filter(format!("{root}/#"), Options::qos(2)).filter(&topic, Options::qos(1));
    if new {
        connect = connect.with(Property::session_expiry_interval(0)).with(Property::receive_maximum(10));
        will = will.with(Property::will_delay_interval(0)).with(Property::content_type("text/plain"));
        subscribe = subscribe.with(Property::subscription_identifier(7));
    }
    let plain = Publish::to(&topic).qos(1).id(2).payload("one");
    let rich = property(Publish::to(&topic).qos(2).id(3).payload("two"), Property::user("name", "value"));
    let rich = property(rich, Property::response_topic("answer/here"));
    let rich = property(rich, Property::correlation_data(b"question"));
    let rich = property(property(rich, Property::payload_format_indicator(1)), Property::message_expiry_interval(100));
    let subscribe = subscribe.draft(version);
    let drafts = vec![
        connect.clone().draft(version),
        connect.will(will).draft(version),
        subscribe.clone(),
        subscribe,
        plain.draft(version),
        rich.draft(version),
        Publish::to(&topic).payload("zero").draft(version),
        property(Publish::to(&topic).payload("aliased"), Property::topic_alias(1)).draft(version),
        Publish::to(&topic).retain(true).draft(version),
        Unsubscribe::new(4).filter(&topic).draft(version),
        Ack::puback(1).draft(version),
        Ack::pubrec(1).draft(version),
        Ack::pubrel(3).draft(version),
        Ack::pubcomp(1).draft(version),
        Pingreq.draft(version),
        Disconnect::normal().draft(version),
        Disconnect::because(4).draft(version),
    ];
    drafts.iter().map(wire::Draft::encode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Most scripts have something wrong in them, and all of them reach the target in pieces that make them up.
    #[test]
    fn scripts_are_seldom_right() {
        let mut wrong = 0;
        for number in 0..300 {
            let script = script(5, number);
            let bytes = script.chunks(Version::V5, "root").concat();
            let whole = Script { cuts: Vec::new(), ..script.clone() };
            assert_eq!(whole.chunks(Version::V5, "root").concat(), bytes);
            let mut frames = Frames::new();
            frames.push(&bytes);
            let breaks = frames.by_ref().any(|frame| frame.parse(Version::V5, Direction::FromClient).is_err());
            wrong += usize::from(breaks || !frames.pending().is_empty());
        }
        assert!((150..295).contains(&wrong), "{wrong} of 300");
    }

    /// What shrinking tries is always less, so that it ends, and the least is nothing at all.
    #[test]
    fn a_script_becomes_shorter_until_nothing_is_left() {
        let size = |script: &Script| {
            let changes: usize = script.packets.iter().map(|(_, changes)| 1 + changes.len()).sum();
            changes + script.noise.len() + script.cuts.len()
        };
        for number in 0..50 {
            let mut script = script(5, number);
            while let Some(shorter) = script.shorter().pop() {
                assert!(size(&shorter) < size(&script));
                script = shorter;
            }
            assert_eq!(size(&script), 0);
        }
    }

    #[test]
    fn templates_are_right() {
        for version in [Version::V3_1_1, Version::V5] {
            for bytes in templates(version, "root") {
                wire::Packet::parse(version, Direction::FromClient, &bytes).unwrap();
            }
        }
    }
}
