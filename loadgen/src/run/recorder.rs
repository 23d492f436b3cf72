//! Stamps what goes out, recognizes what comes in, and books both.

pub(super) mod arrivals;
mod fates;

use std::{collections::BTreeSet, time::Duration};

use bytestring::ByteString;
use protocol::{QoS, Tag, Time};
use simulator::{
    Clock, Stamper,
    farm::{DeviceId, Kind, Publication},
};

use arrivals::Gathered;

use super::{
    Plan,
    absence::{Absences, Drained},
    flood::{Flood, Return},
    readers::quality,
    replays::Replays,
};
use crate::{
    RunId, Stamp, StreamId,
    ledger::{Intended, Ledger, StreamInfo},
    measure::Meter,
};

/// The books of a run, open.
pub(super) struct Recorder {
    pub(super) ledger: Ledger,
    pub(super) meter: Meter,
    pub(super) odd: Odd,
    /// Topics on which something retained was published, without the prefix of the run.
    pub(super) retained: BTreeSet<ByteString>,
    run: RunId,
    prefix: Box<str>,
    clock: Clock,
    start: Time,
    /// What was handed out before was written at once or is held up by the target.
    batch: Time,
    devices: Vec<Device>,
    /// In a split run, which devices are this process's.
    owned: Option<Vec<bool>>,
    /// Whether the run's start is the same moment for all segments.
    agreed: bool,
    pub(super) flood: Flood,
    /// What late subscribers are owed.
    pub(super) replays: Replays,
    /// What subscribers find that were away.
    pub(super) absences: Absences,
    /// Queues of groups that are drained, by group, for the owner to tell.
    pub(super) drained: Vec<(u16, Drained)>,
    gathered: Gathered,
}

/// Counts of what fits no row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Odd {
    /// Arrivals without a stamp, or with the stamp of another run: births, heartbeats, other users of the broker.
    pub(super) foreign: u64,
    /// Arrivals that the broker had retained.
    pub(super) replayed: u64,
    /// Publications that the broker refused.
    pub(super) refused: u64,
    /// Publications that could not be stamped; they are sent and not accounted for.
    pub(super) unstamped: u64,
    /// Messages that waited because their connection could not take them.
    pub(super) held_up: u64,
    /// Arrivals from other segments whose age cannot be told.
    pub(super) unmeasured: u64,
    /// Arrivals from other segments before they were intended, and by how much at most: their clock is ahead.
    pub(super) early: (u64, Duration),
}

struct Device {
    group: u16,
    /// What its group asks for.
    qos: QoS,
    series: Vec<(ByteString, QoS)>,
}

const SEQUENCE_BITS: u32 = 31;

impl Recorder {
    /// `groups` holds the group of each device.
    pub(super) fn new(ledger: Ledger, meter: Meter, plan: &Plan, clock: Clock, groups: Vec<u16>) -> Self {
        let now = clock.now();
        let qos = |group: u16| plan.scenario.devices[usize::from(group)].qos.map_or(QoS::AtMostOnce, quality);
        Self {
            ledger,
            meter,
            odd: Odd::default(),
            retained: BTreeSet::new(),
            run: plan.run_id,
            prefix: plan.target.prefix.as_str().into(),
            clock,
            start: now,
            batch: now,
            flood: Flood::new(groups.len()),
            devices: groups.into_iter().map(|group| Device { group, qos: qos(group), series: Vec::new() }).collect(),
            owned: None,
            agreed: plan.start_at.is_some(),
            replays: Replays::default(),
            absences: Absences::default(),
            drained: Vec::new(),
            gathered: Gathered::default(),
        }
    }

    /// Other processes drive the devices that are not `owned`.
    pub(super) fn split(&mut self, owned: Vec<bool>) {
        self.owned = Some(owned);
    }

    /// The run starts: offsets count from here.
    pub(super) fn start(&mut self, start: Time) {
        self.start = start;
        self.batch = start;
    }

    /// What is handed out from now on is this generator's to get written, until [`end_batch`](Self::end_batch).
    pub(super) fn begin_batch(&mut self, now: Time) {
        self.batch = now;
    }

    /// The engine had its turn. Whatever of the batch was not written then waits for the target: its flow control, its
    /// socket, its connection.
    pub(super) fn end_batch(&mut self) {
        self.batch = self.clock.now();
    }

    /// A start that this generator never came to.
    pub(super) fn not_offered(&mut self, device: DeviceId, at: Duration) {
        let Some(known) = self.devices.get(device.0 as usize) else { return };
        // Which topic's turn it would have been is unknown; a device's topics mostly share one QoS.
        let qos = known.series.first().map_or(known.qos, |(_, qos)| *qos);
        let row = self.ledger.not_offered(known.group, qos, at);
        self.meter.intended(row, 1);
        self.meter.not_offered(row);
    }

    pub(super) fn offset(&self, time: Time) -> Duration {
        time.since(self.start)
    }

    /// From now on each device of the groups that `publishes` picks may have `in_flight` messages under way.
    pub(super) fn begin_flood(&mut self, in_flight: u32, publishes: impl Fn(u16) -> bool) {
        let Self { flood, devices, .. } = self;
        flood.set(in_flight, |device| devices.get(device.0 as usize).is_some_and(|known| publishes(known.group)));
    }

    pub(super) fn end_flood(&mut self) {
        self.flood.set(0, |_| false);
    }

    /// Lets devices of a flood go on whose QoS 0 messages the broker dropped.
    pub(super) fn revive(&mut self, now: Duration) {
        let Self { flood, devices, .. } = self;
        let unacknowledged = |device: DeviceId| {
            devices
                .get(device.0 as usize)
                .is_some_and(|known| known.series.iter().all(|(_, qos)| *qos == QoS::AtMostOnce))
        };
        flood.revive(now, unacknowledged);
    }

    fn series(&mut self, device: DeviceId, publication: &Publication) -> Option<StreamId> {
        let known = self.devices.get_mut(device.0 as usize)?;
        let qos = publication.qos;
        // The farm's topics share their bytes, so most often one word tells.
        let is_same = |topic: &ByteString| {
            let other = &publication.topic;
            (topic.as_ptr() == other.as_ptr() && topic.len() == other.len()) || topic == other
        };
        let place = known.series.iter().position(|(topic, other)| *other == qos && is_same(topic));
        if let Some(place) = place {
            return StreamId::new(device.0, place as u32);
        }
        let stream = StreamId::new(device.0, known.series.len() as u32)?;
        known.series.push((publication.topic.clone(), qos));
        let info = StreamInfo { topic: prefixed(&self.prefix, &publication.topic), qos, group: known.group };
        self.ledger.open(stream, info);
        Some(stream)
    }
}

impl Recorder {
    /// Books `count` messages of a series that are due together; the stamp of the first.
    fn intend(&mut self, device: DeviceId, stream: StreamId, due: Time, count: u32) -> Stamp {
        let intended = self.offset(due);
        // What is handed out together was handed out when the batch began: a batch takes a fraction of a millisecond.
        let now = self.offset(self.batch);
        let Intended { sequence, row, readers } = self.ledger.intend_run(stream, count, intended, now);
        self.meter.intended(row, count);
        if self.flood.is_on() {
            let back = match row.qos {
                QoS::AtMostOnce => Return::Received(readers as u32),
                QoS::AtLeastOnce | QoS::ExactlyOnce => Return::Acknowledged,
            };
            self.flood.sent(device, count, back, now);
        }
        Stamp { run: self.run, stream, sequence, intended: intended.as_nanos() as u64 }
    }
}

impl Stamper for Recorder {
    fn stamp(&mut self, device: DeviceId, due: Time, publication: &mut Publication) -> Option<Tag> {
        if publication.retain && !self.retained.contains(&publication.topic) {
            self.retained.insert(publication.topic.clone());
        }
        let plain = publication.kind == Kind::Plain;
        let stampable = plain || publication.payload.last() == Some(&b'}');
        let Some(stream) = stampable.then(|| self.series(device, publication)).flatten() else {
            self.odd.unstamped += 1;
            return None;
        };
        if publication.retain {
            self.replays.retains(stream);
        }
        let stamp = self.intend(device, stream, due, 1);
        if plain {
            stamp.overwrite(&mut publication.payload).expect("plain payloads have room for a stamp");
        } else {
            stamp.append(&mut publication.payload).expect("checked to be an object");
        }
        Some(packed(stream, stamp.sequence))
    }

    fn stamp_all(&mut self, device: DeviceId, due: Time, publication: &mut Publication, count: u32) -> Option<Tag> {
        if publication.kind != Kind::Plain || publication.retain {
            return None;
        }
        let stream = self.series(device, publication)?;
        let stamp = self.intend(device, stream, due, count);
        stamp.overwrite(&mut publication.payload).expect("plain payloads have room for a stamp");
        Some(packed(stream, stamp.sequence))
    }

    fn stamp_anew(&self, payload: &mut [u8], tag: Tag) {
        if let Some((_, sequence)) = unpacked(tag) {
            Stamp::renumber(payload, sequence);
        }
    }
}

fn packed(stream: StreamId, sequence: u32) -> Tag {
    Tag(u64::from(stream.value()) << SEQUENCE_BITS | u64::from(sequence))
}

fn unpacked(tag: Tag) -> Option<(StreamId, u32)> {
    let stream = u32::try_from(tag.0 >> SEQUENCE_BITS).ok()?;
    Some((StreamId::from_value(stream), (tag.0 & ((1 << SEQUENCE_BITS) - 1)) as u32))
}

fn prefixed(prefix: &str, topic: &str) -> Box<str> {
    if topic.starts_with(prefix) { topic.into() } else { format!("{prefix}{topic}").into() }
}

#[cfg(test)]
mod tests;
