//! The peer's publications: asked about once, acknowledged in order, QoS 2 ids remembered until PUBREL.

use super::{About, Link, Outbox, acks::Due};
use crate::{
    Ack, Message, PacketId, PacketType, Properties, PropertyId, Publish, QoS, ReasonCode, Token, Version, Violation,
    session::Verdict,
};

/// A publication that the owner has not seen.
#[derive(Debug)]
pub(crate) struct Arrived {
    /// Absent at QoS 0.
    pub(crate) token: Option<Token>,
    pub(crate) message: Message,
    pub(crate) qos: QoS,
    pub(crate) retain: bool,
    pub(crate) dup: bool,
}

impl Link {
    /// PUBLISH; what the owner must hear of it.
    pub(crate) fn publish(&mut self, outbox: &mut Outbox, publish: Publish) -> Result<Option<Arrived>, Violation> {
        let Publish { dup, qos, retain, topic, packet_id, mut properties, payload } = publish;
        let topic = match properties.topic_alias() {
            Some(alias) => {
                // An alias belongs to this connection and goes no further (MQTT-3.3.2-7).
                properties.remove(PropertyId::TopicAlias);
                self.incoming_aliases.get_or_insert_default().resolve(topic, alias, &self.limits)?
            }
            None => topic.ok_or(Violation::TopicMissing)?,
        };
        // MQTT-3.3.4-1 in both: no answer at QoS 0, PUBACK at 1, PUBREC at 2.
        let token = match packet_id {
            None => None,
            Some(packet_id) => match self.acknowledge_later(outbox, packet_id, qos)? {
                Some(token) => Some(token),
                None => return Ok(None),
            },
        };
        Ok(Some(Arrived { token, message: Message { topic, payload, properties }, qos, retain, dup }))
    }

    /// The owner's answer to a publication; false when the token is unknown or spent.
    pub(crate) fn answer(
        &mut self,
        outbox: Option<&mut Outbox>,
        token: Token,
        reason: ReasonCode,
        properties: Properties,
    ) -> bool {
        let (about, serial) = About::of(token);
        let mut outbox = outbox;
        // An owner that answers in order holds nothing up: no need to note what it said.
        if about == About::AtLeastOnce
            && let Some(outbox) = &mut outbox
            && let Some(packet_id) = self.at_least_once.take_first(serial)
        {
            self.puback_now(outbox, packet_id, reason, properties);
            if self.at_least_once.len() > 0 {
                self.flush(outbox);
            }
            return true;
        }
        let answered = match about {
            About::AtLeastOnce => self.at_least_once.answer(serial, reason, properties).is_some(),
            About::ExactlyOnce => match self.exactly_once.answer(serial, reason, properties) {
                Some(packet_id) => {
                    self.settle(packet_id, reason);
                    true
                }
                None => false,
            },
            About::Question => false,
        };
        if answered && let Some(outbox) = outbox {
            self.flush(outbox);
        }
        answered
    }

    /// PUBREL.
    pub(crate) fn pubrel(&mut self, outbox: &mut Outbox, ack: &Ack) -> Result<(), Violation> {
        let reason = match self.session.received.verdict(ack.packet_id) {
            Some(Verdict::Pending) => return Err(Violation::AcknowledgementUnexpected),
            Some(Verdict::Told(_)) => ReasonCode::Success,
            // MQTT-3.7.2-1, 3.7.2.1: the message is unknown, the exchange ends all the same.
            None => ReasonCode::PacketIdentifierNotFound,
        };
        // MQTT-4.3.3-11, MQTT-4.3.3-12; also for a message that expired meanwhile (MQTT-4.3.3-13).
        self.session.received.remove(ack.packet_id);
        outbox.ack(PacketType::PubComp, ack.packet_id, reason, Properties::EMPTY);
        self.unacknowledged = self.unacknowledged.saturating_sub(1);
        Ok(())
    }

    /// Whether a QoS 1 publication may be acknowledged before the next packet is looked at: nothing older waits for its answer, and
    /// no identifier is in use.
    pub(crate) fn answers_at_once(&self) -> bool {
        self.unacknowledged == 0 && self.at_least_once.len() == 0 && self.session.received.is_empty()
    }

    /// Whether a publication of the peer with this identifier is unfinished.
    pub(crate) fn has_open(&self, packet_id: PacketId) -> bool {
        self.session.received.verdict(packet_id).is_some() || self.at_least_once.holds(packet_id)
    }

    /// Notes what must be acknowledged; a token when the owner decides how.
    fn acknowledge_later(
        &mut self,
        outbox: &mut Outbox,
        packet_id: PacketId,
        qos: QoS,
    ) -> Result<Option<Token>, Violation> {
        // MQTT-3.3.4-7, MQTT-3.3.4-9. Counted as the peer counts its quota (4.9).
        if self.enforces_receive_maximum() && self.unacknowledged >= self.limits.receive_maximum {
            return Err(Violation::ReceiveMaximumExceeded);
        }
        self.unacknowledged = self.unacknowledged.saturating_add(1);
        // 3.4.2.1, 3.5.2.1: an id that the client must not use yet (MQTT-2.2.1-3). 3.1.1 cannot say so and takes the message.
        let in_use = self.at_least_once.holds(packet_id)
            || qos == QoS::AtLeastOnce && self.session.received.verdict(packet_id).is_some();
        if in_use && self.limits.version == Version::V5 {
            let queue = if qos == QoS::AtLeastOnce { &mut self.at_least_once } else { &mut self.exactly_once };
            queue.push(packet_id, Due::Answered(ReasonCode::PacketIdentifierInUse, Properties::EMPTY));
            self.flush(outbox);
            return Ok(None);
        }
        if qos == QoS::AtLeastOnce {
            // MQTT-4.3.2-5 (MQTT-4.3.2-2 in 3.1.1): after its PUBACK the id is a new message's, with or without DUP.
            return Ok(Some(About::AtLeastOnce.token(self.at_least_once.push(packet_id, Due::Open))));
        }
        // MQTT-4.3.3-10 (MQTT-4.3.3-2 in 3.1.1): a repeat is acknowledged and not delivered, whether or not it has DUP.
        match self.session.received.verdict(packet_id) {
            None => {
                self.session.received.set(packet_id, Verdict::Pending);
                return Ok(Some(About::ExactlyOnce.token(self.exactly_once.push(packet_id, Due::Open))));
            }
            Some(Verdict::Pending) => self.exactly_once.push(packet_id, Due::Repeat),
            Some(Verdict::Told(reason)) => self.exactly_once.push(packet_id, Due::Answered(reason, Properties::EMPTY)),
        };
        self.flush(outbox);
        Ok(None)
    }

    /// Remembers the outcome of a QoS 2 message for its repeats.
    fn settle(&mut self, packet_id: PacketId, reason: ReasonCode) {
        match self.limits.version {
            // MQTT-4.3.3-9: the id denotes a new message from now on.
            Version::V5 if reason.is_failure() => {
                self.session.received.remove(packet_id);
                self.exactly_once.refuse_repeats(packet_id, reason);
            }
            Version::V5 => self.session.received.set(packet_id, Verdict::Told(reason)),
            // A PUBREC of 3.1.1 is always positive.
            Version::V311 => self.session.received.set(packet_id, Verdict::Told(ReasonCode::Success)),
        }
    }

    fn puback_now(&mut self, outbox: &mut Outbox, packet_id: PacketId, reason: ReasonCode, properties: Properties) {
        // MQTT-4.3.2-4, MQTT-2.2.1-5 (MQTT-2.3.1-6 in 3.1.1), whatever became of the message (MQTT-4.5.0-2 in both).
        outbox.ack(PacketType::PubAck, packet_id, reason, properties);
        self.unacknowledged = self.unacknowledged.saturating_sub(1);
    }

    /// Sends every acknowledgement that nothing older holds up.
    fn flush(&mut self, outbox: &mut Outbox) {
        while let Some((packet_id, due)) = self.at_least_once.pop() {
            let Due::Answered(reason, properties) = due else { continue };
            self.puback_now(outbox, packet_id, reason, properties);
        }
        while let Some((packet_id, due)) = self.exactly_once.pop() {
            let (reason, properties) = match due {
                Due::Answered(reason, properties) => (reason, properties),
                _ => match self.session.received.verdict(packet_id) {
                    Some(Verdict::Told(reason)) => (reason, Properties::EMPTY),
                    _ => (ReasonCode::Success, Properties::EMPTY),
                },
            };
            // MQTT-4.3.3-8.
            outbox.ack(PacketType::PubRec, packet_id, reason, properties);
            if reason.is_failure() {
                self.unacknowledged = self.unacknowledged.saturating_sub(1);
            }
        }
    }
}
