//! Writes packets, sized before they are written.

use super::{
    MAXIMUM_PACKET_SIZE,
    writer::{Writer, variable_len},
};
use crate::{Properties, Property, ReasonCode, Version};

/// Whether a packet was encoded as given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoded {
    /// As given.
    Whole,
    /// Without User Properties, and perhaps without Reason String, which would have exceeded the peer's Maximum Packet
    /// Size.
    Trimmed,
}

/// Why a packet cannot be encoded. Nothing was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// A binary field (password, Will payload, Correlation Data, Authentication Data) of more than 65,535 bytes.
    #[error("binary field of {length} bytes is longer than 65,535 bytes")]
    FieldTooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// A PUBLISH whose Packet Identifier does not go with its QoS: it has one exactly when the QoS is above 0
    /// (MQTT-2.2.1-2, MQTT-2.2.1-3).
    #[error("packet identifier does not go with the qos")]
    PacketIdentifier,
    /// The packet is larger than the peer accepts, even without what may be left out.
    #[error("packet of {size} bytes is larger than the maximum packet size of {maximum}")]
    TooLarge {
        /// Its smallest size in bytes.
        size: usize,
        /// What the peer accepts.
        maximum: u32,
    },
    /// AUTH does not exist in 3.1.1.
    #[error("packet does not exist in this version")]
    Version,
}

/// A packet without its fixed header.
pub(crate) trait Body {
    fn first_byte(&self) -> u8;

    /// Those of the packet itself.
    fn properties(&self) -> Option<&Properties> {
        None
    }

    /// Whether Reason String and User Properties may be left out for the sake of size.
    fn may_trim(&self) -> bool {
        false
    }

    /// What the types do not rule out.
    fn check(&self, _version: Version) -> Result<(), EncodeError> {
        Ok(())
    }

    /// Bytes of the body.
    fn len(&self, version: Version, keep: Keep) -> usize;

    fn write(&self, version: Version, keep: Keep, writer: &mut Writer<'_>);
}

/// Which properties are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    All,
    WithoutUserProperties,
    Essential,
}

impl Keep {
    fn keeps(self, property: &Property) -> bool {
        match (self, property) {
            (Self::All, _) => true,
            (_, Property::UserProperty(_)) | (Self::Essential, Property::ReasonString(_)) => false,
            _ => true,
        }
    }

    /// Bytes of the Property Length and the properties; none in 3.1.1.
    pub(crate) fn properties_len(self, version: Version, properties: &Properties) -> usize {
        match version {
            Version::V311 => 0,
            Version::V5 => properties.encoded_len(|property| self.keeps(property)),
        }
    }

    pub(crate) fn write_properties(self, version: Version, properties: &Properties, writer: &mut Writer<'_>) {
        if version == Version::V5 {
            properties.encode(|property| self.keeps(property), writer);
        }
    }

    /// Bytes of a reason and properties that a packet ends with, in their short form (3.4.2.1, 3.14.2.1, 3.15.2.1).
    pub(crate) fn reason_and_properties_len(self, reason: ReasonCode, properties: &Properties) -> usize {
        match properties.content_len(|property| self.keeps(property)) {
            0 if reason == ReasonCode::Success => 0,
            0 => 1,
            content => 1 + variable_len(content) + content,
        }
    }

    pub(crate) fn write_reason_and_properties(
        self,
        reason: ReasonCode,
        properties: &Properties,
        writer: &mut Writer<'_>,
    ) {
        let len = self.reason_and_properties_len(reason, properties);
        if len > 0 {
            writer.u8(reason.value());
        }
        if len > 1 {
            properties.encode(|property| self.keeps(property), writer);
        }
    }
}

/// Appends the packet to `out` in at most `maximum` bytes.
#[inline]
pub(crate) fn write_packet(
    body: &impl Body,
    version: Version,
    maximum: u32,
    out: &mut Vec<u8>,
) -> Result<Encoded, EncodeError> {
    body.check(version)?;
    if version == Version::V5 {
        body.properties().map_or(Ok(()), Properties::check_fields)?;
    }
    let maximum = maximum.min(MAXIMUM_PACKET_SIZE);
    let mut keep = Keep::All;
    let mut body_len = body.len(version, keep);
    while packet_len(body_len) > maximum as usize {
        keep = match keep {
            Keep::All if body.may_trim() => Keep::WithoutUserProperties,
            Keep::WithoutUserProperties => Keep::Essential,
            Keep::All | Keep::Essential => {
                return Err(EncodeError::TooLarge { size: packet_len(body_len), maximum });
            }
        };
        body_len = body.len(version, keep);
    }
    out.reserve(packet_len(body_len));
    let start = out.len();
    let mut writer = Writer::new(out);
    writer.u8(body.first_byte());
    writer.variable(body_len);
    body.write(version, keep, &mut writer);
    debug_assert_eq!(out.len() - start, packet_len(body_len), "the length was computed from the same fields");
    Ok(if keep == Keep::All { Encoded::Whole } else { Encoded::Trimmed })
}

/// Bytes of a packet whose body has `body_len`.
fn packet_len(body_len: usize) -> usize {
    1 + variable_len(body_len) + body_len
}

/// Binary Data has a length of two bytes (1.5.6).
pub(crate) fn check_binary(bytes: &[u8]) -> Result<(), EncodeError> {
    if bytes.len() > usize::from(u16::MAX) {
        return Err(EncodeError::FieldTooLong { length: bytes.len() });
    }
    Ok(())
}
