//! Takes fields off the front of a packet.

use bytes::{Buf, Bytes};

use super::{Role, writer::variable_len};
use crate::{
    PacketId, PacketType, Properties, ReasonCode, TopicFilter, TopicName, Utf8String, Version, Violation,
    packet::only_sender, property::Place,
};

/// What is left of a packet. Strings and binary fields are slices of it.
#[derive(Debug)]
pub(crate) struct Reader {
    left: Bytes,
    /// How many properties one list may have.
    maximum_properties: u32,
}

impl Reader {
    pub(crate) fn new(left: Bytes, maximum_properties: u32) -> Self {
        Self { left, maximum_properties }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.left.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.left.len()
    }

    /// Everything that is left.
    pub(crate) fn rest(self) -> Bytes {
        self.left
    }

    /// The next `length` bytes as a reader of their own; none when there are fewer.
    pub(crate) fn split(&mut self, length: usize) -> Option<Self> {
        let Self { left, maximum_properties } = self;
        (length <= left.len()).then(|| Self::new(left.split_to(length), *maximum_properties))
    }

    /// How many properties one list may have.
    pub(crate) fn maximum_properties(&self) -> usize {
        self.maximum_properties as usize
    }

    /// The end of the packet.
    pub(crate) fn finish(self) -> Result<(), Violation> {
        if self.is_empty() { Ok(()) } else { Err(Violation::TrailingBytes) }
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Violation> {
        self.array().map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Violation> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Violation> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn variable(&mut self) -> Result<u32, Violation> {
        let variable = Variable::read(&self.left)?.ok_or(Violation::PacketTooShort)?;
        // MQTT-1.5.5-1.
        if !variable.is_minimal() {
            return Err(Violation::VariableByteIntegerNotMinimal);
        }
        self.left.advance(variable.len);
        Ok(variable.value)
    }

    pub(crate) fn packet_id(&mut self) -> Result<PacketId, Violation> {
        // MQTT-2.2.1-3 (MQTT-2.3.1-1 in 3.1.1).
        PacketId::new(self.u16()?).ok_or(Violation::PacketIdentifierZero)
    }

    pub(crate) fn binary(&mut self) -> Result<Bytes, Violation> {
        let length = usize::from(self.u16()?);
        if length > self.left.len() {
            return Err(Violation::PacketTooShort);
        }
        Ok(self.left.split_to(length))
    }

    /// Skips a string that is `text`; whether it was there.
    pub(crate) fn skip_text(&mut self, text: &str) -> bool {
        let found = self.left.split_first_chunk().is_some_and(|(length, rest)| {
            usize::from(u16::from_be_bytes(*length)) == text.len() && rest.starts_with(text.as_bytes())
        });
        if found {
            self.left.advance(2 + text.len());
        }
        found
    }

    pub(crate) fn text(&mut self) -> Result<Utf8String, Violation> {
        Utf8String::from_wire(self.binary()?)
    }

    pub(crate) fn topic(&mut self) -> Result<TopicName, Violation> {
        Ok(TopicName::from_text(self.text()?)?)
    }

    pub(crate) fn filter(&mut self, version: Version) -> Result<TopicFilter, Violation> {
        let text = self.text()?;
        Ok(match version {
            Version::V311 => TopicFilter::from_text_v311(text)?,
            Version::V5 => TopicFilter::from_text(text)?,
        })
    }

    /// A Reason Code that `sender` may put into `packet`.
    pub(crate) fn reason(&mut self, packet: PacketType, sender: Role) -> Result<ReasonCode, Violation> {
        let value = self.u8()?;
        // 2.4 and MQTT-3.2.2-8, MQTT-3.4.2-1, MQTT-3.5.2-1, MQTT-3.6.2-1, MQTT-3.7.2-1, MQTT-3.9.3-2, MQTT-3.11.3-2,
        // MQTT-3.14.2-1, MQTT-3.15.2-1.
        ReasonCode::from_value(value)
            .filter(|reason| reason.allowed_in(packet))
            .filter(|_| only_sender(packet, value).is_none_or(|only| only == sender))
            .ok_or(Violation::ReasonCodeNotAllowed)
    }

    /// Properties at the end of a packet that may leave them out altogether.
    pub(crate) fn trailing_properties(&mut self, place: Place) -> Result<Properties, Violation> {
        if self.is_empty() { Ok(Properties::EMPTY) } else { Properties::decode(place, self) }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Violation> {
        let array = *self.left.first_chunk().ok_or(Violation::PacketTooShort)?;
        self.left.advance(N);
        Ok(array)
    }
}

/// A Variable Byte Integer as it was written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Variable {
    pub(crate) value: u32,
    pub(crate) len: usize,
}

impl Variable {
    /// Reads from the front of `bytes`; none when more bytes are needed.
    pub(crate) fn read(bytes: &[u8]) -> Result<Option<Self>, Violation> {
        let mut value = 0;
        for (index, byte) in bytes.iter().take(4).enumerate() {
            value |= u32::from(byte & 0x7F) << (7 * index);
            if byte & 0x80 == 0 {
                return Ok(Some(Self { value, len: index + 1 }));
            }
        }
        // 3.1.1: 2.2.3, 5.0: 1.5.5.
        if bytes.len() >= 4 { Err(Violation::VariableByteIntegerTooLong) } else { Ok(None) }
    }

    pub(crate) fn is_minimal(self) -> bool {
        self.len == variable_len(self.value as usize)
    }
}
