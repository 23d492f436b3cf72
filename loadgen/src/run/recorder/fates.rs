//! What became of messages on their way to the broker.

use std::time::Duration;

use protocol::{QoS, ReasonCode, Tag, Time};
use simulator::farm::DeviceId;

use super::{Recorder, unpacked};
use crate::{
    StreamId,
    ledger::{Run, Written},
    measure::{Acknowledged, Sent},
};

impl Recorder {
    pub(in crate::run) fn written(&mut self, tag: Tag, count: u32, at: Time) {
        let Some((stream, first)) = unpacked(tag) else { return };
        let (at, batch) = (self.offset(at), self.offset(self.batch));
        let Self { ledger, meter, odd, flood, .. } = self;
        let mut equals = Equals::default();
        let (mut unread, mut held) = (0, 0);
        let mut book = |written: Written| {
            let lag = at.saturating_sub(written.intended);
            let held_up = written.handed < batch;
            held += u64::from(held_up);
            let own = if held_up { written.handed.saturating_sub(written.intended) } else { lag };
            let sent = Sent { row: written.row, lag, own, readers: written.readers };
            unread += u32::from(sent.readers == 0 && sent.row.qos == QoS::AtMostOnce);
            equals.add(sent, |sent, messages| meter.sent(sent, messages));
        };
        if !ledger.written_run(Run { stream, first, count }, at, &mut book) {
            let each = first..first.saturating_add(count);
            each.filter_map(|sequence| ledger.written(stream, sequence, at)).for_each(&mut book);
        }
        equals.end(|sent, messages| meter.sent(sent, messages));
        odd.held_up += held;
        if unread > 0 {
            flood.came_back(DeviceId(stream.device()), unread, at);
        }
    }

    pub(in crate::run) fn published(&mut self, tag: Tag, count: u32, reason: ReasonCode, at: Time) {
        let Some((stream, first)) = unpacked(tag) else { return };
        let at = self.offset(at);
        if self.ledger.stream(stream).is_none_or(|info| info.qos == QoS::AtMostOnce) {
            return;
        }
        self.flood.came_back(DeviceId(stream.device()), count, at);
        if reason == ReasonCode::Success && !self.replays.follows(stream) {
            let Self { ledger, meter, .. } = self;
            let mut equals = Equals::default();
            let together = ledger.confirmed_run(Run { stream, first, count }, |row, written| {
                let acknowledged = Acknowledged { row, after: Some(at.saturating_sub(written)) };
                equals.add(acknowledged, |acknowledged, messages| meter.acknowledged(acknowledged, messages));
            });
            if together {
                equals.end(|acknowledged, messages| meter.acknowledged(acknowledged, messages));
                return;
            }
        }
        for sequence in first..first.saturating_add(count) {
            self.one_published(stream, sequence, reason, at);
        }
    }

    fn one_published(&mut self, stream: StreamId, sequence: u32, reason: ReasonCode, at: Duration) {
        // Only PUBCOMP says of a publication that its Packet Identifier is not found: after a lost connection PUBREL came again, and
        // the broker had the message already (section 3.7.2.1).
        if reason.is_failure() && reason != ReasonCode::PacketIdentifierNotFound {
            self.odd.refused += 1;
            self.ledger.refused(stream, sequence, at);
        } else if let Some((row, written)) = self.ledger.confirmed(stream, sequence, at) {
            let after = written.map(|written| at.saturating_sub(written));
            self.meter.acknowledged(Acknowledged { row, after }, 1);
            self.replays.acknowledged(stream, sequence, &self.ledger);
        }
    }

    pub(in crate::run) fn dropped(&mut self, tag: Tag) {
        if let Some((stream, sequence)) = unpacked(tag) {
            self.ledger.dropped(stream, sequence);
            self.flood.came_back(DeviceId(stream.device()), 1, self.offset(self.clock.now()));
        }
    }
}

/// Counts equal neighbours, so that they are measured at one step.
#[derive(Debug)]
pub(super) struct Equals<T>(Option<(T, u32)>);

impl<T> Default for Equals<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Copy + PartialEq> Equals<T> {
    /// Adds the next; `tell` gets those before it and how many they are, when it differs.
    pub(super) fn add(&mut self, next: T, tell: impl FnOnce(T, u32)) {
        match &mut self.0 {
            Some((same, count)) if *same == next => *count += 1,
            latest => {
                if let Some((before, count)) = latest.replace((next, 1)) {
                    tell(before, count);
                }
            }
        }
    }

    /// Tells the last of them.
    pub(super) fn end(self, tell: impl FnOnce(T, u32)) {
        if let Some((last, count)) = self.0 {
            tell(last, count);
        }
    }
}
