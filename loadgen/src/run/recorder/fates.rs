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
        let (mut unread, mut held) = (0, 0);
        let mut book = |written: Written, messages: u32| {
            let Written { row, intended, handed, readers } = written;
            let lag = at.saturating_sub(intended);
            let held_up = handed < batch;
            let own = if held_up { handed.saturating_sub(intended) } else { lag };
            held += if held_up { u64::from(messages) } else { 0 };
            unread += if readers == 0 && row.qos == QoS::AtMostOnce { messages } else { 0 };
            meter.sent(Sent { row, lag, own, readers }, messages);
        };
        if !ledger.written_run(Run { stream, first, count }, at, &mut book) {
            let each = first..first.saturating_add(count);
            each.filter_map(|sequence| ledger.written(stream, sequence, at)).for_each(|written| book(written, 1));
        }
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
            let together = ledger.confirmed_run(Run { stream, first, count }, |row, written, messages| {
                meter.acknowledged(Acknowledged { row, after: Some(at.saturating_sub(written)) }, messages);
            });
            if together {
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
