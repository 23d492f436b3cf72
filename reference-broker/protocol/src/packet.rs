//! The fifteen packets of both versions in one set of types: one family per file.

mod ack;
mod connect;
mod control;
mod publish;
mod subscribe;

use std::num::NonZeroU16;

pub use self::{
    ack::Ack,
    connect::{ConnAck, Connect, Will},
    control::{Auth, Disconnect},
    publish::{Message, OutgoingPublish, Publish},
    subscribe::{RetainHandling, SubAck, Subscribe, SubscribeFilter, SubscriptionOptions, UnsubAck, Unsubscribe},
};
use crate::{
    EncodeError, Encoded, Role, Violation,
    codec::{Context, Familiar, Head, Reader, write_packet},
};

/// The protocol version that a connection speaks. Chosen by CONNECT, constant thereafter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// MQTT 3.1.1, Protocol Level 4.
    V311,
    /// MQTT 5.0, Protocol Version 5.
    V5,
}

/// The type of a packet: the high nibble of its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[expect(missing_docs, reason = "the names are the standard's")]
pub enum PacketType {
    Connect = 1,
    ConnAck = 2,
    Publish = 3,
    PubAck = 4,
    PubRec = 5,
    PubRel = 6,
    PubComp = 7,
    Subscribe = 8,
    SubAck = 9,
    Unsubscribe = 10,
    UnsubAck = 11,
    PingReq = 12,
    PingResp = 13,
    Disconnect = 14,
    Auth = 15,
}

/// A delivery guarantee.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum QoS {
    /// QoS 0: at most once.
    #[default]
    AtMostOnce = 0,
    /// QoS 1: at least once.
    AtLeastOnce = 1,
    /// QoS 2: exactly once.
    ExactlyOnce = 2,
}

/// A Packet Identifier: 1 to 65,535.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PacketId(pub NonZeroU16);

/// Any packet.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is named after its packet")]
pub enum Packet {
    Connect(Box<Connect>),
    ConnAck(Box<ConnAck>),
    Publish(Publish),
    PubAck(Ack),
    PubRec(Ack),
    PubRel(Ack),
    PubComp(Ack),
    Subscribe(Subscribe),
    SubAck(SubAck),
    Unsubscribe(Unsubscribe),
    UnsubAck(UnsubAck),
    PingReq,
    PingResp,
    Disconnect(Disconnect),
    Auth(Auth),
}

impl Packet {
    /// Its type.
    pub const fn packet_type(&self) -> PacketType {
        match self {
            Self::Connect(_) => PacketType::Connect,
            Self::ConnAck(_) => PacketType::ConnAck,
            Self::Publish(_) => PacketType::Publish,
            Self::PubAck(_) => PacketType::PubAck,
            Self::PubRec(_) => PacketType::PubRec,
            Self::PubRel(_) => PacketType::PubRel,
            Self::PubComp(_) => PacketType::PubComp,
            Self::Subscribe(_) => PacketType::Subscribe,
            Self::SubAck(_) => PacketType::SubAck,
            Self::Unsubscribe(_) => PacketType::Unsubscribe,
            Self::UnsubAck(_) => PacketType::UnsubAck,
            Self::PingReq => PacketType::PingReq,
            Self::PingResp => PacketType::PingResp,
            Self::Disconnect(_) => PacketType::Disconnect,
            Self::Auth(_) => PacketType::Auth,
        }
    }

    /// Appends the packet to `out` as `version` writes it. What the version does not have (properties, reasons) is left
    /// out. CONNECT is written in its own version.
    ///
    /// # Errors
    ///
    /// Why it cannot be encoded; `out` is then unchanged.
    pub fn encode(&self, version: Version, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.encode_within(version, crate::MAXIMUM_PACKET_SIZE, out).map(|_| ())
    }

    /// As [`encode`](Self::encode), in at most `maximum` bytes. Where the standard says so, User Properties and then the
    /// Reason String are left out to that end (MQTT-3.2.2-19 and -20, MQTT-3.4.2-2 and -3, and so on per packet).
    ///
    /// # Errors
    ///
    /// Why it cannot be encoded; `out` is then unchanged.
    pub fn encode_within(&self, version: Version, maximum: u32, out: &mut Vec<u8>) -> Result<Encoded, EncodeError> {
        let packet_type = self.packet_type();
        match self {
            Self::Connect(connect) => write_packet(&**connect, connect.version, maximum, out),
            Self::ConnAck(connack) => write_packet(&**connack, version, maximum, out),
            Self::Publish(publish) => publish.encode(version, maximum, out).map(|()| Encoded::Whole),
            Self::PubAck(ack) | Self::PubRec(ack) | Self::PubRel(ack) | Self::PubComp(ack) => {
                write_packet(&ack.of_type(packet_type), version, maximum, out)
            }
            Self::Subscribe(subscribe) => write_packet(subscribe, version, maximum, out),
            Self::SubAck(suback) => write_packet(suback, version, maximum, out),
            Self::Unsubscribe(unsubscribe) => write_packet(unsubscribe, version, maximum, out),
            Self::UnsubAck(unsuback) => write_packet(unsuback, version, maximum, out),
            Self::PingReq | Self::PingResp => write_packet(&control::Ping(packet_type), version, maximum, out),
            Self::Disconnect(disconnect) => write_packet(disconnect, version, maximum, out),
            Self::Auth(auth) => write_packet(auth, version, maximum, out),
        }
    }

    pub(crate) fn decode(
        head: Head,
        context: Context,
        reader: Reader,
        familiar: &mut Option<Box<Familiar>>,
    ) -> Result<Self, Violation> {
        Ok(match head.packet_type {
            PacketType::Publish => {
                Self::Publish(Publish::decode(head.flags, context, reader, familiar.get_or_insert_default())?)
            }
            PacketType::PubAck => Self::PubAck(Ack::decode(PacketType::PubAck, context, reader)?),
            PacketType::PubRec => Self::PubRec(Ack::decode(PacketType::PubRec, context, reader)?),
            PacketType::PubRel => Self::PubRel(Ack::decode(PacketType::PubRel, context, reader)?),
            PacketType::PubComp => Self::PubComp(Ack::decode(PacketType::PubComp, context, reader)?),
            PacketType::Connect => Self::Connect(Box::new(Connect::decode(context, reader)?)),
            PacketType::ConnAck => Self::ConnAck(Box::new(ConnAck::decode(context, reader)?)),
            PacketType::Subscribe => Self::Subscribe(Subscribe::decode(context, reader)?),
            PacketType::SubAck => Self::SubAck(SubAck::decode(context, reader)?),
            PacketType::Unsubscribe => Self::Unsubscribe(Unsubscribe::decode(context, reader)?),
            PacketType::UnsubAck => Self::UnsubAck(UnsubAck::decode(context, reader)?),
            PacketType::PingReq => {
                reader.finish()?;
                Self::PingReq
            }
            PacketType::PingResp => {
                reader.finish()?;
                Self::PingResp
            }
            PacketType::Disconnect => Self::Disconnect(Disconnect::decode(context, reader)?),
            PacketType::Auth => Self::Auth(Auth::decode(context, reader)?),
        })
    }
}

impl PacketType {
    /// The type with this number, if `version` has it.
    pub(crate) const fn from_value(value: u8, version: Version) -> Option<Self> {
        Some(match value {
            1 => Self::Connect,
            2 => Self::ConnAck,
            3 => Self::Publish,
            4 => Self::PubAck,
            5 => Self::PubRec,
            6 => Self::PubRel,
            7 => Self::PubComp,
            8 => Self::Subscribe,
            9 => Self::SubAck,
            10 => Self::Unsubscribe,
            11 => Self::UnsubAck,
            12 => Self::PingReq,
            13 => Self::PingResp,
            14 => Self::Disconnect,
            15 if matches!(version, Version::V5) => Self::Auth,
            _ => return None,
        })
    }

    /// Whether `role` may send it (3.1.1: table 2.1, 5.0: table 2-1).
    pub(crate) const fn sent_by(self, role: Role, version: Version) -> bool {
        match self {
            Self::Connect | Self::Subscribe | Self::Unsubscribe | Self::PingReq => matches!(role, Role::Client),
            Self::ConnAck | Self::SubAck | Self::UnsubAck | Self::PingResp => matches!(role, Role::Server),
            Self::Disconnect => matches!((role, version), (Role::Client, _) | (Role::Server, Version::V5)),
            Self::Publish | Self::PubAck | Self::PubRec | Self::PubRel | Self::PubComp | Self::Auth => true,
        }
    }

    /// The flags of its fixed header (tables 2.2 and 2-2; MQTT-2.1.3-1; MQTT-2.2.2-1 in 3.1.1); those of PUBLISH vary.
    pub(crate) const fn flags(self) -> u8 {
        match self {
            Self::PubRel | Self::Subscribe | Self::Unsubscribe => 0b0010,
            _ => 0,
        }
    }

    /// `flags` of a packet of MQTT 3.1 as 3.1.1 would have them: there DUP and QoS stood in more packets, the rest was unused,
    /// and DUP at QoS 0 meant nothing.
    pub(crate) const fn flags_of_3_1(self, flags: u8) -> u8 {
        match self {
            Self::Publish if flags & 0b0110 == 0 => flags & 0b0111,
            Self::Publish => flags,
            _ => self.flags(),
        }
    }

    /// The first byte of every packet of this type but PUBLISH.
    pub(crate) const fn first_byte(self) -> u8 {
        (self as u8) << 4 | self.flags()
    }
}

impl QoS {
    /// The QoS with this number; none for 3, which is reserved, and above.
    pub const fn from_value(value: u8) -> Option<Self> {
        match value {
            0 => Some(Self::AtMostOnce),
            1 => Some(Self::AtLeastOnce),
            2 => Some(Self::ExactlyOnce),
            _ => None,
        }
    }

    /// 0, 1 or 2.
    pub const fn value(self) -> u8 {
        self as u8
    }
}

impl PacketId {
    /// The identifier with this value; none for 0.
    pub const fn new(value: u16) -> Option<Self> {
        match NonZeroU16::new(value) {
            Some(value) => Some(Self(value)),
            None => None,
        }
    }

    /// 1 to 65,535.
    pub const fn value(self) -> u16 {
        self.0.get()
    }
}

/// The Reason Codes that the standard allows in `packet`, ascending; none for packets without one.
pub(crate) const fn reason_codes_of(packet: PacketType) -> &'static [u8] {
    match packet {
        PacketType::ConnAck => &[
            0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x8C, 0x90, 0x95, 0x97, 0x99, 0x9A,
            0x9B, 0x9C, 0x9D, 0x9F,
        ],
        PacketType::PubAck | PacketType::PubRec => &[0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99],
        PacketType::PubRel | PacketType::PubComp => &[0x00, 0x92],
        PacketType::SubAck => &[0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2],
        PacketType::UnsubAck => &[0x00, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91],
        // 0x8C stands in the summary table 2-6 and is missing in table 3-10, which would name its sender; it is accepted
        // from both, since either side may end a re-authentication (4.12.1).
        PacketType::Disconnect => &[
            0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8B, 0x8C, 0x8D, 0x8E, 0x8F, 0x90, 0x93, 0x94, 0x95, 0x96,
            0x97, 0x98, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9E, 0x9F, 0xA0, 0xA1, 0xA2,
        ],
        PacketType::Auth => &[0x00, 0x18, 0x19],
        _ => &[],
    }
}

/// Whether only one side may send `reason` in `packet`, and which (3.4.2.1, 3.5.2.1, table 3-10, table 3-11).
pub(crate) const fn only_sender(packet: PacketType, reason: u8) -> Option<Role> {
    match (packet, reason) {
        (PacketType::PubAck | PacketType::PubRec, 0x10) => Some(Role::Server),
        (PacketType::Disconnect, 0x04) => Some(Role::Client),
        (PacketType::Disconnect, 0x87 | 0x89 | 0x8B | 0x8D..=0x8F | 0x9A..=0xA2) => Some(Role::Server),
        (PacketType::Auth, 0x00) => Some(Role::Server),
        (PacketType::Auth, 0x19) => Some(Role::Client),
        _ => None,
    }
}
