//! Cuts a stream of bytes into packets.

use std::mem;

use bytes::{Buf, Bytes, BytesMut};

use super::{
    Familiar, MAXIMUM_PACKET_SIZE, Role,
    reader::{Reader, Variable},
};
use crate::{Ack, Packet, PacketId, PacketType, Publish, ReasonCode, Version, Violation};

/// Room made for a packet that has only begun to arrive; beyond it memory grows with what has arrived.
const FIRST_ROOM: usize = 4096;

/// What a [`Decoder`] accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketLimits {
    /// The largest packet, in bytes including its fixed header. Default [`MAXIMUM_PACKET_SIZE`].
    pub maximum_packet_size: u32,
    /// The largest CONNECT, in bytes including its fixed header, if that is less. Default [`MAXIMUM_PACKET_SIZE`].
    pub maximum_connect_size: u32,
    /// How many properties one list of a packet may have: in memory each takes many times the five bytes that it may
    /// take on the wire. Default 4,294,967,295.
    pub maximum_properties: u32,
    /// How many filters one SUBSCRIBE or UNSUBSCRIBE may have, for the same reason. Default 4,294,967,295.
    pub maximum_filters: u32,
    /// Whether a CONNECT of MQTT 3.1 (`MQIsdp`, level 3) is accepted; the connection then reads as 3.1.1, without the rules
    /// that 3.1.1 added. Default true.
    pub mqtt_3_1: bool,
}

impl Default for PacketLimits {
    fn default() -> Self {
        Self {
            maximum_packet_size: MAXIMUM_PACKET_SIZE,
            maximum_connect_size: MAXIMUM_PACKET_SIZE,
            maximum_properties: u32::MAX,
            maximum_filters: u32::MAX,
            mqtt_3_1: true,
        }
    }
}

/// Cuts a stream of bytes into packets, however the stream is cut into reads.
///
/// Packets that lie within one read are slices of it; only one that straddles reads is put together in memory of the
/// decoder, which grows with what arrived and not with what was announced.
#[derive(Debug)]
pub struct Decoder {
    role: Role,
    limits: PacketLimits,
    /// See [`Decoder::distrust`].
    stranger: bool,
    dialect: Option<Dialect>,
    /// See [`Decoder::refusal_version`].
    refusal_version: Option<Version>,
    /// From the first PUBLISH on.
    familiar: Option<Box<Familiar>>,
    partial: BytesMut,
}

impl Decoder {
    /// A decoder for a new connection of which `role` is **our** side: `Role::Server` decodes what clients send.
    ///
    /// A server learns the version from CONNECT and accepts nothing else first (MQTT-3.1.0-1 in both). A client calls
    /// [`set_version`](Self::set_version) with the version that it asked for; until then 3.1.1 is assumed.
    pub fn new(role: Role, limits: PacketLimits) -> Self {
        Self {
            role,
            limits,
            stranger: false,
            dialect: None,
            refusal_version: None,
            familiar: None,
            partial: BytesMut::new(),
        }
    }

    /// Whether every packet, and not only CONNECT, is bound by [`PacketLimits::maximum_connect_size`]: as long as the peer is
    /// a stranger.
    pub fn distrust(&mut self, stranger: bool) {
        self.stranger = stranger;
    }

    /// Fixes the version.
    pub fn set_version(&mut self, version: Version) {
        self.dialect = Some(Dialect::of(version));
    }

    /// The version, once known.
    pub fn version(&self) -> Option<Version> {
        self.dialect.map(Dialect::version)
    }

    /// Whether the version is MQTT 3.1, which is told as 3.1.1.
    pub fn speaks_mqtt_3_1(&self) -> bool {
        self.dialect == Some(Dialect::Mqtt31)
    }

    /// In which version a CONNECT that broke the standard can be told so; none when it did not get as far as its Protocol
    /// Level. That of the level, or 5.0 for a level above 5 and 3.1.1 for one below 4; the highest bit does not count.
    pub fn refusal_version(&self) -> Option<Version> {
        self.refusal_version
    }

    /// The largest packet that is accepted.
    pub(crate) const fn maximum_packet_size(&self) -> u32 {
        self.limits.maximum_packet_size
    }

    /// How many bytes of an unfinished packet are held.
    pub fn buffered(&self) -> usize {
        self.partial.len()
    }

    /// Takes the next packet off the front of `bytes`. `Ok(None)` means that `bytes` is now empty, and that what is left
    /// of the stream is kept until the next call.
    ///
    /// # Errors
    ///
    /// How the peer broke the standard. The stream is then of no further use.
    pub fn decode(&mut self, bytes: &mut Bytes) -> Result<Option<Packet>, Violation> {
        if !self.partial.is_empty() {
            return self.decode_straddling(bytes);
        }
        if let Some(ack) = self.short_ack(bytes) {
            return Ok(Some(ack));
        }
        match self.frame(bytes)? {
            Some(frame) if frame.total() <= bytes.len() => {
                let mut body = bytes.split_to(frame.total());
                body.advance(frame.header_len);
                self.decode_body(frame, body).map(Some)
            }
            frame => {
                if !bytes.is_empty() {
                    let total = frame.map_or(0, |frame| frame.total());
                    self.partial.reserve(total.min(FIRST_ROOM).max(bytes.len()));
                    self.partial.extend_from_slice(bytes);
                    bytes.clear();
                }
                Ok(None)
            }
        }
    }

    /// An acknowledgement in the form that nearly all have, taken off `bytes` in one step; none for whatever needs a closer
    /// look.
    fn short_ack(&self, bytes: &mut Bytes) -> Option<Packet> {
        let [first, 2, high, low] = *bytes.first_chunk()? else { return None };
        if self.dialect.is_none() || self.stranger || self.limits.maximum_packet_size < 4 {
            return None;
        }
        // With the flags that they must have (MQTT-2.1.3-1; MQTT-2.2.2-2 in 3.1.1; MQTT-3.6.1-1 in both).
        let packet: fn(Ack) -> Packet = match first {
            0x40 => Packet::PubAck,
            0x50 => Packet::PubRec,
            0x62 => Packet::PubRel,
            0x70 => Packet::PubComp,
            _ => return None,
        };
        // 3.4.2.1 and the like: a Remaining Length of 2 means Success.
        let ack = Ack::new(PacketId::new(u16::from_be_bytes([high, low]))?, ReasonCode::Success);
        bytes.advance(4);
        Some(packet(ack))
    }

    fn decode_straddling(&mut self, bytes: &mut Bytes) -> Result<Option<Packet>, Violation> {
        let frame = loop {
            if let Some(frame) = self.frame(&self.partial)? {
                break frame;
            }
            // The header itself straddles: it is at most five bytes.
            let Some(byte) = bytes.first() else { return Ok(None) };
            self.partial.extend_from_slice(&[*byte]);
            bytes.advance(1);
        };
        let missing = frame.total() - self.partial.len();
        let arrived = bytes.split_to(missing.min(bytes.len()));
        self.partial.extend_from_slice(&arrived);
        if arrived.len() < missing {
            return Ok(None);
        }
        // Taken whole: an idle connection holds no memory for the next one.
        let mut body = mem::take(&mut self.partial).freeze();
        body.advance(frame.header_len);
        self.decode_body(frame, body).map(Some)
    }

    /// The fixed header at the front of `bytes`; none when more bytes are needed. Everything that it says is judged here,
    /// before the rest of the packet arrives or takes memory.
    fn frame(&self, bytes: &[u8]) -> Result<Option<Frame>, Violation> {
        let Some((first, rest)) = bytes.split_first() else { return Ok(None) };
        let head = self.head(*first)?;
        let Some(length) = Variable::read(rest)? else { return Ok(None) };
        // MQTT-1.5.5-1 binds 5.0 only: 3.1.1 (2.2.3) asks for no shortest form.
        if self.dialect == Some(Dialect::Mqtt5) && !length.is_minimal() {
            return Err(Violation::VariableByteIntegerNotMinimal);
        }
        let frame = Frame {
            head,
            header_len: 1 + length.len,
            body_len: length.value as usize,
            length_is_minimal: length.is_minimal(),
        };
        let mut maximum = self.limits.maximum_packet_size;
        if self.stranger || frame.head.packet_type == PacketType::Connect {
            maximum = maximum.min(self.limits.maximum_connect_size);
        }
        // MQTT-3.1.2-24, MQTT-3.2.2-15.
        if frame.total() > maximum as usize {
            return Err(Violation::PacketTooLarge);
        }
        Ok(Some(frame))
    }

    fn head(&self, first: u8) -> Result<Head, Violation> {
        let version = self.version().unwrap_or(Version::V311);
        // 3.1.1: 2.2.1, 5.0: 2.1.2.
        let packet_type = PacketType::from_value(first >> 4, version).ok_or(Violation::PacketTypeReserved)?;
        if !packet_type.sent_by(self.role.peer(), version) {
            return Err(Violation::PacketFromWrongSide);
        }
        // MQTT-3.1.0-1 in both.
        if self.role == Role::Server && self.dialect.is_none() && packet_type != PacketType::Connect {
            return Err(Violation::FirstPacketNotConnect);
        }
        let mut flags = first & 0x0F;
        if self.speaks_mqtt_3_1() {
            flags = PacketType::flags_of_3_1(packet_type, flags);
        }
        if packet_type == PacketType::Publish {
            Publish::check_flags(flags)?;
        } else if flags != packet_type.flags() {
            // MQTT-2.1.3-1, MQTT-3.14.1-1, MQTT-3.15.1-1 (MQTT-2.2.2-2, MQTT-3.14.1-1 in 3.1.1).
            // MQTT-3.6.1-1, MQTT-3.8.1-1, MQTT-3.10.1-1 in both.
            return Err(Violation::FixedHeaderFlags);
        }
        Ok(Head { packet_type, flags })
    }

    fn decode_body(&mut self, frame: Frame, body: Bytes) -> Result<Packet, Violation> {
        let PacketLimits { maximum_filters, maximum_properties, .. } = self.limits;
        let version = self.version().unwrap_or(Version::V311);
        let is_connect = frame.head.packet_type == PacketType::Connect;
        let mqtt_3_1 = is_connect && body.starts_with(MQTT_3_1);
        let context =
            Context { version, sender: self.role.peer(), maximum_filters, mqtt_3_1: mqtt_3_1 && self.limits.mqtt_3_1 };
        if is_connect && self.refusal_version.is_none() {
            self.refusal_version = refusal_version(&body);
        }
        let reader = Reader::new(body, maximum_properties);
        let packet = Packet::decode(frame.head, context, reader, &mut self.familiar)?;
        if let Packet::Connect(connect) = &packet {
            // MQTT-1.5.5-1: judged now that the version is known.
            if connect.version == Version::V5 && !frame.length_is_minimal {
                return Err(Violation::VariableByteIntegerNotMinimal);
            }
            if self.dialect.is_none() {
                self.dialect = Some(if mqtt_3_1 { Dialect::Mqtt31 } else { Dialect::of(connect.version) });
            }
        }
        Ok(packet)
    }
}

/// A version, and MQTT 3.1, which is told as 3.1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialect {
    Mqtt31,
    Mqtt311,
    Mqtt5,
}

impl Dialect {
    const fn of(version: Version) -> Self {
        match version {
            Version::V311 => Self::Mqtt311,
            Version::V5 => Self::Mqtt5,
        }
    }

    const fn version(self) -> Version {
        match self {
            Self::Mqtt31 | Self::Mqtt311 => Version::V311,
            Self::Mqtt5 => Version::V5,
        }
    }
}

/// What the Protocol Name and Protocol Level at the front of a CONNECT say.
fn refusal_version(body: &[u8]) -> Option<Version> {
    let (length, rest) = body.split_first_chunk::<2>()?;
    let level = *rest.get(usize::from(u16::from_be_bytes(*length)))?;
    // Bridges of Mosquitto set the highest bit and fall back when they are refused in the version that they speak.
    Some(if level & 0x7F > 4 { Version::V5 } else { Version::V311 })
}

/// What a body is read by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context {
    pub(crate) version: Version,
    pub(crate) sender: Role,
    /// See [`PacketLimits::maximum_filters`].
    pub(crate) maximum_filters: u32,
    /// Whether it is a CONNECT of MQTT 3.1, and those are accepted.
    pub(crate) mqtt_3_1: bool,
}

/// How a CONNECT of MQTT 3.1 begins: Protocol Name and Protocol Level.
const MQTT_3_1: &[u8] = b"\0\x06MQIsdp\x03";

impl Context {
    /// Whether a packet with `filters` may have one more; without room for it the connection closes (MQTT-4.8.0-2 in 3.1.1).
    pub(crate) fn check_room(self, filters: usize) -> Result<(), Violation> {
        if filters < self.maximum_filters as usize { Ok(()) } else { Err(Violation::TooManyFilters) }
    }
}

/// The first byte of a packet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    pub(crate) packet_type: PacketType,
    pub(crate) flags: u8,
}

/// A fixed header.
#[derive(Clone, Copy, Debug)]
struct Frame {
    head: Head,
    header_len: usize,
    body_len: usize,
    length_is_minimal: bool,
}

impl Frame {
    fn total(&self) -> usize {
        self.header_len + self.body_len
    }
}
