//! Stamps what goes out, recognizes what comes in, and books both.

use std::{collections::BTreeSet, time::Duration};

use bytestring::ByteString;
use protocol::{QoS, ReasonCode, Tag, Time};
use reports::metric;
use simulator::{
    Clock, Stamper,
    farm::{DeviceId, Kind, Publication},
};

use super::{
    Plan,
    absence::{Absences, Drained},
    flood::{Flood, Return},
    readers::quality,
    replays::{Replayed, Replays},
};
use crate::{
    RunId, Stamp, StreamId,
    ledger::{Arrival, ClientId, Foreign, Ledger, StreamInfo},
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

/// A message that reached a client.
#[derive(Clone, Copy, Debug)]
pub(super) struct Delivered<'a> {
    pub(super) client: ClientId,
    /// Its subscriber group.
    pub(super) group: u16,
    /// In UTF-8.
    pub(super) topic: &'a [u8],
    pub(super) payload: &'a [u8],
    /// How the broker sent it.
    pub(super) qos: QoS,
    pub(super) retain: bool,
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
        self.meter.intended(row);
        self.meter.not_offered(row);
    }

    pub(super) fn offset(&self, time: Time) -> Duration {
        time.since(self.start)
    }

    pub(super) fn written(&mut self, tag: Tag, count: u32, at: Time) {
        let Some((stream, first)) = unpacked(tag) else { return };
        let (at, batch) = (self.offset(at), self.offset(self.batch));
        for sequence in first..first.saturating_add(count) {
            let Some(written) = self.ledger.written(stream, sequence, at) else { continue };
            let lag = at.saturating_sub(written.intended);
            let held_up = written.handed < batch;
            self.odd.held_up += u64::from(held_up);
            let own = if held_up { written.handed.saturating_sub(written.intended) } else { lag };
            self.meter.sent(written.row, lag, own, written.readers);
            if written.readers == 0 && written.row.qos == QoS::AtMostOnce {
                self.flood.came_back(DeviceId(stream.device()), 1, at);
            }
        }
    }

    pub(super) fn published(&mut self, tag: Tag, count: u32, reason: ReasonCode, at: Time) {
        let Some((stream, first)) = unpacked(tag) else { return };
        let at = self.offset(at);
        if self.ledger.stream(stream).is_none_or(|info| info.qos == QoS::AtMostOnce) {
            return;
        }
        self.flood.came_back(DeviceId(stream.device()), count, at);
        for sequence in first..first.saturating_add(count) {
            self.one_published(stream, sequence, reason, at);
        }
    }

    fn one_published(&mut self, stream: StreamId, sequence: u32, reason: ReasonCode, at_offset: Duration) {
        // Only PUBCOMP says of a publication that its Packet Identifier is not found: after a lost connection PUBREL came again, and
        // the broker had the message already (section 3.7.2.1).
        if reason.is_failure() && reason != ReasonCode::PacketIdentifierNotFound {
            self.odd.refused += 1;
            self.ledger.refused(stream, sequence, at_offset);
        } else if let Some((row, written)) = self.ledger.confirmed(stream, sequence, at_offset) {
            self.meter.acknowledged(row, written.map(|written| at_offset.saturating_sub(written)));
            self.replays.acknowledged(stream, sequence, &self.ledger);
        }
    }

    pub(super) fn dropped(&mut self, tag: Tag) {
        if let Some((stream, sequence)) = unpacked(tag) {
            self.ledger.dropped(stream, sequence);
            self.flood.came_back(DeviceId(stream.device()), 1, self.offset(self.clock.now()));
        }
    }

    pub(super) fn received(&mut self, from: &Delivered<'_>, at: Time) {
        let Delivered { client, group, payload, retain, .. } = *from;
        let Some(stamp) = Stamp::parse(payload).filter(|stamp| stamp.run == self.run) else {
            self.odd.foreign += 1;
            return;
        };
        let at = self.offset(at);
        if retain {
            self.odd.replayed += 1;
            let replayed = self.replays.arrived(client, stamp.stream, stamp.sequence, at, &mut self.ledger);
            if let Replayed::Owed { done: Some(took) } = replayed {
                self.meter.reached(metric::RETAINED, group, at, took);
            }
            return;
        }
        if let Some(took) = self.replays.delivered(client, &stamp, at) {
            self.meter.reached(metric::RETAINED, group, at, took);
        }
        if self.owned.as_ref().is_some_and(|owned| owned.get(stamp.stream.device() as usize) == Some(&false)) {
            self.received_from_abroad(from, &stamp, at);
            return;
        }
        match self.ledger.received(client, &stamp, at) {
            Arrival::First { row, written } => {
                if self.flood.is_on() && self.is_unacknowledged(stamp.stream) {
                    self.flood.came_back(DeviceId(stamp.stream.device()), 1, at);
                }
                if let Some((took, all)) = self.absences.arrived(client, written, at) {
                    self.meter.reached(metric::DRAIN, group, at, took);
                    self.drained.extend(all.map(|all| (group, all)));
                }
                let service = written.map(|written| at.saturating_sub(written));
                self.meter.received(row, group, at.saturating_sub(stamp.intended_start()), service);
            }
            Arrival::Duplicate(row) => self.meter.repeated(row),
            Arrival::Copy | Arrival::Unexpected => {}
        }
    }

    /// When it was written is known to its sender only, so what the broker took of the time is not.
    fn received_from_abroad(&mut self, from: &Delivered<'_>, stamp: &Stamp, at: Duration) {
        let Some(known) = self.devices.get(stamp.stream.device() as usize) else { return };
        let Ok(topic) = std::str::from_utf8(from.topic) else { return };
        let foreign = Foreign { topic, qos: from.qos, group: known.group, aged: self.agreed };
        match self.ledger.received_from_abroad(from.client, stamp, &foreign, at) {
            Arrival::First { row, .. } if self.agreed => {
                let intended = stamp.intended_start();
                if intended > at {
                    let (count, most) = self.odd.early;
                    self.odd.early = (count + 1, most.max(intended - at));
                }
                self.meter.received(row, from.group, at.saturating_sub(intended), None);
            }
            Arrival::First { row, .. } => {
                self.odd.unmeasured += 1;
                self.meter.repeated(row);
            }
            Arrival::Duplicate(row) => self.meter.repeated(row),
            Arrival::Copy | Arrival::Unexpected => {}
        }
    }

    /// Whether its messages come back by arriving: at QoS 0 nothing else says so.
    fn is_unacknowledged(&self, stream: StreamId) -> bool {
        self.ledger.stream(stream).is_some_and(|info| info.qos == QoS::AtMostOnce)
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
        let place = known.series.iter().position(|(topic, other)| *topic == publication.topic && *other == qos);
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
        let intended = self.offset(due);
        // What is handed out together was handed out when the batch began: a batch takes a fraction of a millisecond.
        let now = self.offset(self.batch);
        let sequence = self.ledger.intend(stream, intended, now);
        if publication.retain {
            self.replays.retains(stream);
        }
        let stamp = Stamp { run: self.run, stream, sequence, intended: intended.as_nanos() as u64 };
        if plain {
            stamp.overwrite(&mut publication.payload).expect("plain payloads have room for a stamp");
        } else {
            stamp.append(&mut publication.payload).expect("checked to be an object");
        }
        if let Some(row) = self.ledger.row_of(stream, sequence) {
            self.meter.intended(row);
        }
        if self.flood.is_on() {
            let back = match publication.qos {
                QoS::AtMostOnce => Return::Received(self.ledger.readers(stream) as u32),
                QoS::AtLeastOnce | QoS::ExactlyOnce => Return::Acknowledged,
            };
            self.flood.sent(device, back, now);
        }
        Some(packed(stream, sequence))
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
