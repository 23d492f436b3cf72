//! PUBACK, PUBREC, PUBREL and PUBCOMP (3.4 to 3.7).

use crate::{
    PacketId, PacketType, Properties, ReasonCode, Version, Violation,
    codec::{Body, Context, Keep, Reader, Writer},
    property::Place,
};

/// PUBACK, PUBREC, PUBREL or PUBCOMP (3.4 to 3.7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ack {
    /// The exchange it belongs to.
    pub packet_id: PacketId,
    /// The outcome; always Success in 3.1.1.
    pub reason: ReasonCode,
    /// Reason String and User Properties (5.0).
    pub properties: Properties,
}

impl Ack {
    /// An acknowledgement with this outcome and nothing more to say.
    pub const fn new(packet_id: PacketId, reason: ReasonCode) -> Self {
        Self { packet_id, reason, properties: Properties::EMPTY }
    }

    pub(super) fn decode(packet_type: PacketType, context: Context, mut reader: Reader) -> Result<Self, Violation> {
        let packet_id = reader.packet_id()?;
        // 3.4.2.1: a Remaining Length of 2 means Success, one below 4 means no properties.
        if context.version == Version::V311 || reader.is_empty() {
            reader.finish()?;
            return Ok(Self::new(packet_id, ReasonCode::Success));
        }
        let reason = reader.reason(packet_type, context.sender)?;
        let properties = reader.trailing_properties(Place::Packet(packet_type))?;
        reader.finish()?;
        Ok(Self { packet_id, reason, properties })
    }

    pub(super) const fn of_type(&self, packet_type: PacketType) -> TypedAck<'_> {
        TypedAck { packet_type, ack: self }
    }
}

/// An acknowledgement that knows which one it is.
pub(super) struct TypedAck<'a> {
    packet_type: PacketType,
    ack: &'a Ack,
}

impl Body for TypedAck<'_> {
    fn first_byte(&self) -> u8 {
        self.packet_type.first_byte()
    }

    fn properties(&self) -> Option<&Properties> {
        Some(&self.ack.properties)
    }

    // MQTT-3.4.2-2, -3; MQTT-3.5.2-2, -3; MQTT-3.6.2-2, -3; MQTT-3.7.2-2, -3.
    fn may_trim(&self) -> bool {
        true
    }

    fn len(&self, version: Version, keep: Keep) -> usize {
        let explained = match version {
            Version::V311 => 0,
            Version::V5 => keep.reason_and_properties_len(self.ack.reason, &self.ack.properties),
        };
        2 + explained
    }

    fn write(&self, version: Version, keep: Keep, writer: &mut Writer<'_>) {
        writer.u16(self.ack.packet_id.value());
        if version == Version::V5 {
            keep.write_reason_and_properties(self.ack.reason, &self.ack.properties, writer);
        }
    }
}
