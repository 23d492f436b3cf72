//! What waits to be transmitted, and what the peer lets us write.

use std::mem;

use crate::{
    Ack, EncodeError, MAXIMUM_PACKET_SIZE, OutgoingPublish, Packet, PacketId, PacketType, Properties, Property,
    PropertyId, QoS, ReasonCode, Version,
    client::PlainPublish,
    codec::{Writer, variable_len},
};

/// What one connection received and sent since somebody last asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Whole packets decoded, of any type.
    pub packets_received: u32,
    /// Packets encoded, of any type.
    pub packets_sent: u32,
    /// PUBLISH packets encoded, repeated ones included.
    pub publishes_sent: u32,
    /// The bytes of their payloads.
    pub payload_bytes_sent: u64,
}

/// Encoded packets, and the peer's limits on them. Holds no memory while nothing waits.
#[derive(Debug)]
pub(crate) struct Outbox {
    bytes: Vec<u8>,
    /// How many KiB the last transmission took, if it was too much for the buffer of an idle connection. A buffer that has
    /// room for as much from the beginning need not grow in steps, each of which copies what is there.
    expected: u16,
    pub(crate) traffic: Traffic,
    pub(crate) version: Version,
    /// The peer's Maximum Packet Size.
    pub(crate) maximum_packet_size: u32,
    /// Whether the peer takes Reason Strings and User Properties on every packet (Request Problem Information).
    pub(crate) problem_information: bool,
}

/// A larger buffer is given back once it was transmitted.
const KEPT_WHEN_EMPTY: usize = 1024;
/// The most that is reserved before it is needed, in KiB.
const EXPECTED_AT_MOST: u16 = 256;

impl Outbox {
    pub(crate) const fn new(version: Version) -> Self {
        Self {
            bytes: Vec::new(),
            expected: 0,
            traffic: Traffic { packets_received: 0, packets_sent: 0, publishes_sent: 0, payload_bytes_sent: 0 },
            version,
            maximum_packet_size: MAXIMUM_PACKET_SIZE,
            problem_information: true,
        }
    }

    pub(crate) const fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Moves everything to the end of `out`; whether there was anything.
    pub(crate) fn drain_into(&mut self, out: &mut Vec<u8>) -> bool {
        if self.bytes.is_empty() {
            return false;
        }
        if self.bytes.capacity() <= KEPT_WHEN_EMPTY {
            out.extend_from_slice(&self.bytes);
            self.bytes.clear();
            return true;
        }
        let bytes = mem::take(&mut self.bytes);
        self.expected = if bytes.len() > KEPT_WHEN_EMPTY {
            u16::try_from(bytes.len().div_ceil(1024)).unwrap_or(u16::MAX).min(EXPECTED_AT_MOST)
        } else {
            0
        };
        if out.is_empty() {
            // Given away as it is.
            *out = bytes;
        } else {
            out.extend_from_slice(&bytes);
        }
        true
    }

    pub(crate) fn publish(&mut self, publish: &OutgoingPublish<'_>) -> Result<(), EncodeError> {
        if self.bytes.is_empty() && self.expected > 0 {
            self.bytes.reserve(usize::from(self.expected) * 1024);
        }
        let encoded = publish.encode(self.version, self.maximum_packet_size, &mut self.bytes);
        if self.bytes.is_empty() && self.bytes.capacity() > KEPT_WHEN_EMPTY {
            // Nothing will be transmitted, and so nothing given back.
            self.bytes = Vec::new();
        }
        encoded?;
        self.count_publish(publish.message.payload.len());
        Ok(())
    }

    /// Whether a PUBLISH without properties fits into what the peer takes.
    pub(crate) fn takes_plain(&self, publish: &PlainPublish<'_>) -> bool {
        let length = self.plain_length(publish);
        1 + variable_len(length) + length <= self.maximum_packet_size.min(MAXIMUM_PACKET_SIZE) as usize
    }

    /// Writes one; it has an identifier exactly when its QoS is above 0.
    pub(crate) fn plain_publish(&mut self, publish: &PlainPublish<'_>, packet_id: Option<PacketId>) {
        let PlainPublish { topic, payload, qos, retain, .. } = publish;
        if self.bytes.is_empty() && self.expected > 0 {
            self.bytes.reserve(usize::from(self.expected) * 1024);
        }
        let length = self.plain_length(publish);
        self.bytes.reserve(5 + length);
        let mut writer = Writer::new(&mut self.bytes);
        writer.u8(PacketType::Publish.first_byte() | qos.value() << 1 | u8::from(*retain));
        writer.variable(length);
        writer.text(topic.as_str());
        if let Some(packet_id) = packet_id {
            writer.u16(packet_id.value());
        }
        if self.version == Version::V5 {
            writer.u8(0);
        }
        writer.raw(payload);
        self.count_publish(payload.len());
    }

    /// Writes what [`plain_publish`](Self::plain_publish) or this wrote last once more, as the next message: with another identifier,
    /// and with the payload that `renew` makes of the last one.
    pub(crate) fn plain_publish_next(
        &mut self,
        publish: &PlainPublish<'_>,
        packet_id: Option<PacketId>,
        renew: &mut dyn FnMut(&mut [u8]),
    ) {
        let length = self.plain_length(publish);
        let last = self.bytes.len() - (1 + variable_len(length) + length);
        self.bytes.extend_from_within(last..);
        let payload = self.bytes.len() - publish.payload.len();
        if let Some(packet_id) = packet_id {
            let place = payload - usize::from(self.version == Version::V5) - 2;
            self.bytes[place..place + 2].copy_from_slice(&packet_id.value().to_be_bytes());
        }
        renew(&mut self.bytes[payload..]);
        self.count_publish(publish.payload.len());
    }

    fn count_publish(&mut self, payload: usize) {
        self.traffic.packets_sent += 1;
        self.traffic.publishes_sent += 1;
        self.traffic.payload_bytes_sent += payload as u64;
    }

    fn plain_length(&self, publish: &PlainPublish<'_>) -> usize {
        let packet_id = if publish.qos == QoS::AtMostOnce { 0 } else { 2 };
        let properties = usize::from(self.version == Version::V5);
        2 + publish.topic.as_str().len() + packet_id + properties + publish.payload.len()
    }

    /// Writes a PUBACK with success.
    pub(crate) fn plain_puback(&mut self, packet_id: PacketId) {
        let [high, low] = packet_id.0.get().to_be_bytes();
        self.bytes.extend_from_slice(&[PacketType::PubAck.first_byte(), 2, high, low]);
        self.traffic.packets_sent += 1;
    }

    /// Writes PUBACK, PUBREC, PUBREL or PUBCOMP.
    pub(crate) fn ack(
        &mut self,
        packet_type: PacketType,
        packet_id: PacketId,
        reason: ReasonCode,
        properties: Properties,
    ) {
        debug_assert!(reason.allowed_in(packet_type), "{reason} in {packet_type:?}");
        // In 3.1.1 an acknowledgement is always positive (MQTT-3.3.5-2 in 3.1.1).
        if self.version == Version::V311 || (reason == ReasonCode::Success && properties.is_empty()) {
            // MQTT-3.6.1-1 in both.
            let flags = if packet_type == PacketType::PubRel { 0b0010 } else { 0 };
            let [high, low] = packet_id.0.get().to_be_bytes();
            self.bytes.extend_from_slice(&[(packet_type as u8) << 4 | flags, 2, high, low]);
            self.traffic.packets_sent += 1;
            return;
        }
        let ack = Ack { packet_id, reason, properties };
        let packet = match packet_type {
            PacketType::PubAck => Packet::PubAck(ack),
            PacketType::PubRec => Packet::PubRec(ack),
            PacketType::PubRel => Packet::PubRel(ack),
            _ => Packet::PubComp(ack),
        };
        // Five bytes without properties: a peer whose maximum is below that cannot be told anything.
        let _ = self.packet(packet);
    }

    /// Writes any other packet, without what the peer declined or cannot take.
    pub(crate) fn packet(&mut self, mut packet: Packet) -> Result<(), EncodeError> {
        if !self.problem_information
            && let Some(properties) = declinable(&mut packet)
        {
            properties.retain(|property| {
                !matches!(property, Property::UserProperty(_)) && property.id() != PropertyId::ReasonString
            });
        }
        packet.encode_within(self.version, self.maximum_packet_size, &mut self.bytes)?;
        self.traffic.packets_sent += 1;
        Ok(())
    }
}

/// The properties that Request Problem Information 0 bears on: not those of CONNACK, PUBLISH and DISCONNECT
/// (MQTT-3.1.2-29), nor those of a client's own requests.
const fn declinable(packet: &mut Packet) -> Option<&mut Properties> {
    match packet {
        Packet::PubAck(ack) | Packet::PubRec(ack) | Packet::PubRel(ack) | Packet::PubComp(ack) => {
            Some(&mut ack.properties)
        }
        Packet::SubAck(ack) => Some(&mut ack.properties),
        Packet::UnsubAck(ack) => Some(&mut ack.properties),
        Packet::Auth(auth) => Some(&mut auth.properties),
        _ => None,
    }
}
