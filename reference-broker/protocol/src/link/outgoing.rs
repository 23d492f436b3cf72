//! Our publications: sent within the quota, kept until acknowledged, sent again when a Session resumes.

use super::{Link, Note, Outbox, aliases::Alias};
use crate::{
    Ack, Delivery, DeliveryRef, DropCause, Fate, OutgoingPublish, PacketId, PacketType, Properties, QoS, ReasonCode,
    Tag, Time, Version, Violation, client::PlainPublish, session::Stage,
};

impl Link {
    /// Sends what the Session has in flight, in the order in which it was sent before (MQTT-4.6.0-1 in both), and then
    /// what waits.
    ///
    /// `taken` tells which Packet Identifiers are in use outside the Session, here and in every function below.
    pub(crate) fn resume(&mut self, now: Time, outbox: &mut Outbox, taken: &dyn Fn(PacketId) -> bool) {
        let in_order: Vec<PacketId> = self.session.in_flight.in_order().into_iter().map(|(id, _)| id).collect();
        // MQTT-3.3.4-10: a PUBREL does not wait behind a PUBLISH that waits for quota.
        for packet_id in in_order {
            if !self.resend.is_empty() && self.is_published(packet_id) || !self.send_again(now, outbox, packet_id) {
                self.resend.edit().push_back(packet_id);
            }
        }
        self.fill(now, outbox, taken);
    }

    /// The peer has no Session: what was in flight is given up (MQTT-3.2.2-5).
    pub(crate) fn lose_session(&mut self) {
        for tag in self.session.lose() {
            self.session.count_drop(DropCause::SessionLost);
            self.note(tag, |tag| Note::Dropped(tag, DropCause::SessionLost));
        }
    }

    /// Sends `delivery` now, or as soon as the quota allows.
    pub(crate) fn deliver(
        &mut self,
        now: Time,
        outbox: &mut Outbox,
        delivery: &DeliveryRef<'_>,
        taken: &dyn Fn(PacketId) -> bool,
    ) -> Fate {
        if let Some(cause) = self.obstacle(now, delivery) {
            return self.drop_delivery(delivery, cause);
        }
        if delivery.qos == QoS::AtMostOnce {
            if self.session.holds_qos0() {
                self.session.push(delivery.to_delivery());
                return Fate::Queued;
            }
            return self.send_qos0(now, outbox, delivery);
        }
        if !self.sends_at_once() {
            self.session.push(delivery.to_delivery());
            return Fate::Queued;
        }
        let Some(packet_id) = self.session.in_flight.free_packet_id(taken) else {
            self.session.push(delivery.to_delivery());
            return Fate::Queued;
        };
        // MQTT-4.3.2-2, MQTT-4.3.3-2: DUP 0, whatever it was when the message came (MQTT-3.3.1-3 in both).
        if !self.write(now, outbox, delivery, Some(packet_id), false) {
            return self.drop_delivery(delivery, DropCause::TooLarge);
        }
        self.begin(packet_id, delivery.to_delivery());
        Fate::Sent
    }

    /// Whether a QoS 1 or 2 delivery would not have to wait.
    pub(crate) fn sends_at_once(&self) -> bool {
        self.quota > 0 && self.session.queued() == 0 && self.resend.is_empty()
    }

    /// Sends a message at once that need not be kept; `None` when it must go the general way, with nothing done.
    pub(crate) fn deliver_plain(
        &mut self,
        outbox: &mut Outbox,
        publish: &PlainPublish<'_>,
        taken: &dyn Fn(PacketId) -> bool,
    ) -> Option<Fate> {
        let is_offered = publish.qos <= self.limits.maximum_qos && (!publish.retain || self.limits.retain_available);
        if !is_offered || self.outgoing_aliases.is_some() || !outbox.takes_plain(publish) {
            return None;
        }
        match publish.qos {
            QoS::AtMostOnce if self.session.holds_qos0() => return None,
            QoS::AtMostOnce => outbox.plain_publish(publish, None),
            QoS::AtLeastOnce if !self.sends_at_once() => return None,
            QoS::AtLeastOnce => {
                let packet_id = self.session.in_flight.free_packet_id(taken)?;
                // MQTT-4.3.2-2: DUP 0.
                outbox.plain_publish(publish, Some(packet_id));
                self.session.in_flight.insert_unkept(packet_id, publish.tag);
                self.quota -= 1;
            }
            QoS::ExactlyOnce => return None,
        }
        Some(Fate::Sent)
    }

    /// Does the same for `count` messages with consecutive tags, as far as they go at once; how many. `renew` makes of the
    /// payload of one that of the next.
    pub(crate) fn deliver_plain_run(
        &mut self,
        outbox: &mut Outbox,
        publish: &PlainPublish<'_>,
        count: u32,
        renew: &mut dyn FnMut(&mut [u8]),
        taken: &dyn Fn(PacketId) -> bool,
    ) -> u32 {
        if count == 0 || self.deliver_plain(outbox, publish, taken).is_none() {
            return 0;
        }
        for sent in 1..count {
            let mut packet_id = None;
            if publish.qos == QoS::AtLeastOnce {
                if self.quota == 0 {
                    return sent;
                }
                let Some(free) = self.session.in_flight.free_packet_id(taken) else { return sent };
                let tag = publish.tag.map(|first| Tag(first.0 + u64::from(sent)));
                self.session.in_flight.insert_unkept(free, tag);
                self.quota -= 1;
                packet_id = Some(free);
            }
            // MQTT-4.3.2-2: DUP 0, as it was.
            outbox.plain_publish_next(publish, packet_id, renew);
        }
        count
    }

    /// A PUBACK with success for a publication whose tag `suits`, which ends without a note; whether it does.
    pub(crate) fn plain_puback(&mut self, packet_id: PacketId, suits: impl FnOnce(Option<Tag>) -> bool) -> bool {
        let ended = self.session.in_flight.end_published(packet_id, suits);
        self.quota += u16::from(ended == Some(true));
        ended.is_some()
    }

    /// PUBACK.
    pub(crate) fn puback(&mut self, ack: &Ack) -> Result<(), Violation> {
        match self.session.in_flight.stage(ack.packet_id) {
            // Harmless: the Session may have been reset while it was under way.
            None => Ok(()),
            Some(Stage::Unkept(_)) => {
                self.end(ack.packet_id, ack.reason);
                Ok(())
            }
            Some(Stage::Published(delivery)) if delivery.qos == QoS::AtLeastOnce => {
                self.end(ack.packet_id, ack.reason);
                Ok(())
            }
            Some(_) => Err(Violation::AcknowledgementUnexpected),
        }
    }

    /// PUBREC.
    pub(crate) fn pubrec(&mut self, outbox: &mut Outbox, ack: &Ack) -> Result<(), Violation> {
        let mut reason = ReasonCode::Success;
        match self.session.in_flight.stage(ack.packet_id) {
            Some(Stage::Published(delivery)) if delivery.qos == QoS::ExactlyOnce => {
                // MQTT-4.4.0-2: a failure ends the exchange.
                if ack.reason.is_failure() {
                    self.end(ack.packet_id, ack.reason);
                    return Ok(());
                }
                self.session.in_flight.release(ack.packet_id);
            }
            Some(Stage::Published(_) | Stage::Unkept(_)) => return Err(Violation::AcknowledgementUnexpected),
            Some(Stage::Released(_)) => {}
            None if ack.reason.is_failure() => return Ok(()),
            // MQTT-3.6.2-1, 3.6.2.1.
            None => reason = ReasonCode::PacketIdentifierNotFound,
        }
        // MQTT-4.3.3-4, MQTT-2.2.1-5 (MQTT-2.3.1-6 in 3.1.1). PUBRELs follow the order of the PUBRECs (MQTT-4.6.0-4 in both).
        outbox.ack(PacketType::PubRel, ack.packet_id, reason, Properties::EMPTY);
        Ok(())
    }

    /// PUBCOMP.
    pub(crate) fn pubcomp(&mut self, ack: &Ack) -> Result<(), Violation> {
        match self.session.in_flight.stage(ack.packet_id) {
            None => Ok(()),
            Some(Stage::Released(_)) => {
                self.end(ack.packet_id, ack.reason);
                Ok(())
            }
            Some(Stage::Published(_) | Stage::Unkept(_)) => Err(Violation::AcknowledgementUnexpected),
        }
    }

    /// Sends again what is owed and then what waits, as far as the quota reaches.
    pub(crate) fn fill(&mut self, now: Time, outbox: &mut Outbox, taken: &dyn Fn(PacketId) -> bool) {
        while let Some(packet_id) = self.resend.front().copied() {
            // What was acknowledged meanwhile had its answer then (MQTT-4.4.0-1 in both).
            if self.is_published(packet_id) && !self.send_again(now, outbox, packet_id) {
                return;
            }
            self.resend.pop_front();
        }
        while let Some(next) = self.session.next_waiting() {
            // MQTT-4.9.0-2, MQTT-3.3.4-7, MQTT-3.3.4-9. QoS 0 needs no quota (MQTT-4.9.0-3, MQTT-3.3.4-8, MQTT-3.3.4-10).
            let needs_id = next.qos != QoS::AtMostOnce;
            let packet_id = if needs_id {
                if self.quota == 0 {
                    return;
                }
                let Some(packet_id) = self.session.in_flight.free_packet_id(taken) else { return };
                Some(packet_id)
            } else {
                None
            };
            let Some(delivery) = self.session.drop_oldest() else { return };
            if let Some(cause) = self.obstacle(now, &delivery.borrowed()) {
                self.drop_delivery(&delivery.borrowed(), cause);
                continue;
            }
            match packet_id {
                None => {
                    self.send_qos0(now, outbox, &delivery.borrowed());
                }
                Some(packet_id) if self.write(now, outbox, &delivery.borrowed(), Some(packet_id), false) => {
                    self.begin(packet_id, delivery);
                }
                Some(_) => {
                    self.drop_delivery(&delivery.borrowed(), DropCause::TooLarge);
                }
            }
        }
    }

    fn is_published(&self, packet_id: PacketId) -> bool {
        matches!(self.session.in_flight.stage(packet_id), Some(Stage::Published(_) | Stage::Unkept(_)))
    }

    /// Sends one packet of a resumed Session; false while the quota forbids it.
    fn send_again(&mut self, now: Time, outbox: &mut Outbox, packet_id: PacketId) -> bool {
        match self.session.in_flight.stage(packet_id) {
            None => {}
            // 4.9: PUBREL needs no quota.
            Some(Stage::Released(_)) => {
                outbox.ack(PacketType::PubRel, packet_id, ReasonCode::Success, Properties::EMPTY);
            }
            Some(Stage::Unkept(tag)) => {
                let tag = *tag;
                self.session.in_flight.remove(packet_id);
                self.session.count_drop(DropCause::SessionLost);
                self.note(tag, |tag| Note::Dropped(tag, DropCause::SessionLost));
            }
            Some(Stage::Published(_)) if self.quota == 0 => return false,
            Some(Stage::Published(delivery)) => {
                let delivery = delivery.clone();
                // MQTT-3.3.1-1, MQTT-4.4.0-1 in both. Whether it expired does not matter any more (MQTT-4.3.3-7).
                if self.write(now, outbox, &delivery.borrowed(), Some(packet_id), true) {
                    self.session.in_flight.count(packet_id);
                    self.quota -= 1;
                } else {
                    self.session.in_flight.remove(packet_id);
                    self.drop_delivery(&delivery.borrowed(), DropCause::TooLarge);
                }
            }
        }
        true
    }

    fn send_qos0(&mut self, now: Time, outbox: &mut Outbox, delivery: &DeliveryRef<'_>) -> Fate {
        // MQTT-4.3.1-1 in both.
        if !self.write(now, outbox, delivery, None, false) {
            return self.drop_delivery(delivery, DropCause::TooLarge);
        }
        self.note(delivery.tag, |tag| Note::Ended(tag, ReasonCode::Success));
        Fate::Sent
    }

    /// Writes the PUBLISH; false when it is larger than the peer takes (MQTT-3.1.2-24, MQTT-3.2.2-15).
    fn write(
        &mut self,
        now: Time,
        outbox: &mut Outbox,
        delivery: &DeliveryRef<'_>,
        packet_id: Option<PacketId>,
        dup: bool,
    ) -> bool {
        let topic = &delivery.message.topic;
        let mut alias = self.outgoing_aliases.as_ref().map_or(Alias::None, |aliases| aliases.alias(topic));
        let mut publish = OutgoingPublish {
            message: delivery.message,
            dup,
            qos: delivery.qos,
            retain: delivery.retain,
            packet_id,
            message_expiry_interval: delivery.expires_at.map(|at| seconds_left(now, at)),
            subscription_ids: delivery.subscription_ids,
            topic_alias: match alias {
                Alias::None => None,
                Alias::Sets(alias) | Alias::Uses(alias) => Some(alias.get()),
            },
            topic_omitted: matches!(alias, Alias::Uses(_)),
        };
        if outbox.publish(&publish).is_err() {
            if !matches!(alias, Alias::Sets(_)) {
                return false;
            }
            // The alias itself may be what makes it too large.
            alias = Alias::None;
            publish.topic_alias = None;
            if outbox.publish(&publish).is_err() {
                return false;
            }
        }
        if let (Alias::Sets(alias), Some(aliases)) = (alias, &mut self.outgoing_aliases) {
            aliases.set(topic, alias);
        }
        true
    }

    fn begin(&mut self, packet_id: PacketId, delivery: Delivery) {
        self.session.in_flight.insert(packet_id, delivery);
        self.quota -= 1;
    }

    fn end(&mut self, packet_id: PacketId, reason: ReasonCode) {
        let Some((stage, counted)) = self.session.in_flight.remove(packet_id) else { return };
        if counted {
            self.quota += 1;
        }
        self.note(stage.tag(), |tag| Note::Ended(tag, reason));
    }

    /// Why `delivery` must not be sent at all.
    fn obstacle(&self, now: Time, delivery: &DeliveryRef<'_>) -> Option<DropCause> {
        // MQTT-3.3.2-5.
        if delivery.expires_at.is_some_and(|at| at <= now) {
            return Some(DropCause::Expired);
        }
        // MQTT-3.2.2-11, MQTT-3.2.2-14.
        if delivery.qos > self.limits.maximum_qos || (delivery.retain && !self.limits.retain_available) {
            return Some(DropCause::NotOffered);
        }
        None
    }

    fn drop_delivery(&mut self, delivery: &DeliveryRef<'_>, cause: DropCause) -> Fate {
        self.session.count_drop(cause);
        self.note(delivery.tag, |tag| Note::Dropped(tag, cause));
        Fate::Dropped(cause)
    }

    /// 5.0 only: 3.1.1 knows no limits.
    pub(super) fn enforces_receive_maximum(&self) -> bool {
        self.limits.version == Version::V5
    }
}

/// What is left of a Message Expiry Interval, in whole seconds rounded up (MQTT-3.3.2-6). 0 for a message that expired
/// after its delivery began and must be finished all the same (MQTT-4.3.3-7).
fn seconds_left(now: Time, expires_at: Time) -> u32 {
    u32::try_from(expires_at.since(now).as_nanos().div_ceil(1_000_000_000)).unwrap_or(u32::MAX)
}
