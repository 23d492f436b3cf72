//! What reached the subscribers.

use std::time::Duration;

use protocol::{
    QoS, Time,
    client::{Arrival as Packet, Arrivals},
};
use reports::metric;
use simulator::farm::DeviceId;

use super::{super::replays::Replayed, Recorder};
use crate::{
    Stamp, StreamId,
    ledger::{Arrival, ClientId, Foreign},
    measure::Received,
};

/// A message that reached a client.
#[derive(Clone, Copy, Debug)]
pub(in crate::run) struct Delivered<'a> {
    pub(in crate::run) client: ClientId,
    /// Its subscriber group.
    pub(in crate::run) group: u16,
    /// In UTF-8.
    pub(in crate::run) topic: &'a [u8],
    pub(in crate::run) payload: &'a [u8],
    /// How the broker sent it.
    pub(in crate::run) qos: QoS,
    pub(in crate::run) retain: bool,
}

/// Messages of one stream that follow each other, to be booked together.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    first: Option<Stamp>,
    /// The intended start of each, in nanoseconds since the run's start.
    intended: Vec<u64>,
}

impl Gathered {
    /// Adds a message when it follows those that are here; whether it does.
    fn takes(&mut self, stamp: &Stamp) -> bool {
        let follows = self.first.is_some_and(|first| {
            stamp.stream == first.stream
                && u64::from(stamp.sequence) == u64::from(first.sequence) + self.intended.len() as u64
        });
        if follows {
            self.intended.push(stamp.intended);
        }
        follows
    }

    fn begin(&mut self, stamp: Stamp) {
        self.intended.clear();
        self.intended.push(stamp.intended);
        self.first = Some(stamp);
    }
}

impl Recorder {
    /// Messages that one read brought to `client` of `group`: all are booked with the time of that read.
    pub(in crate::run) fn arrived(&mut self, client: ClientId, group: u16, arrivals: &Arrivals, at: Time) {
        // What else wants to know of each message.
        let singly = self.owned.is_some() || self.replays.are_awaited() || self.absences.are_drained();
        for Packet { topic, payload, qos, retain, .. } in arrivals.iter() {
            if !singly
                && !retain
                && let Some(stamp) = Stamp::parse(payload).filter(|stamp| stamp.run == self.run)
            {
                if !self.gathered.takes(&stamp) {
                    self.book_gathered(client, group, at);
                    self.gathered.begin(stamp);
                }
                continue;
            }
            self.book_gathered(client, group, at);
            self.received(&Delivered { client, group, topic, payload, qos, retain }, at);
        }
        self.book_gathered(client, group, at);
    }

    fn book_gathered(&mut self, client: ClientId, group: u16, at: Time) {
        let Some(first) = self.gathered.first.take() else { return };
        let at = self.offset(at);
        let Self { ledger, meter, gathered, flood, .. } = self;
        let numbered = (first.stream, first.sequence);
        let tell = |row, intended, written: Option<Duration>, messages| {
            let end_to_end = at.saturating_sub(intended);
            let service = written.map(|written| at.saturating_sub(written));
            meter.received(Received { row, reader: group, end_to_end, service }, messages);
        };
        if ledger.received_run(client, numbered, &gathered.intended, at, tell) {
            if flood.is_on() && self.is_unacknowledged(first.stream) {
                let count = self.gathered.intended.len() as u32;
                self.flood.came_back(DeviceId(first.stream.device()), count, at);
            }
            return;
        }
        let intended = std::mem::take(&mut self.gathered.intended);
        for (sequence, intended) in (first.sequence..).zip(&intended) {
            self.one_received(client, group, &Stamp { sequence, intended: *intended, ..first }, at);
        }
        self.gathered.intended = intended;
    }

    pub(in crate::run) fn received(&mut self, from: &Delivered<'_>, at: Time) {
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
        self.one_received(client, group, &stamp, at);
    }

    fn one_received(&mut self, client: ClientId, group: u16, stamp: &Stamp, at: Duration) {
        match self.ledger.received(client, stamp, at) {
            Arrival::First { row, written } => {
                if self.flood.is_on() && self.is_unacknowledged(stamp.stream) {
                    self.flood.came_back(DeviceId(stamp.stream.device()), 1, at);
                }
                if let Some((took, all)) = self.absences.arrived(client, written, at) {
                    self.meter.reached(metric::DRAIN, group, at, took);
                    self.drained.extend(all.map(|all| (group, all)));
                }
                let service = written.map(|written| at.saturating_sub(written));
                let end_to_end = at.saturating_sub(stamp.intended_start());
                self.meter.received(Received { row, reader: group, end_to_end, service }, 1);
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
                let end_to_end = at.saturating_sub(intended);
                self.meter.received(Received { row, reader: from.group, end_to_end, service: None }, 1);
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
}
