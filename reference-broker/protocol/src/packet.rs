//! The fifteen packets of both versions in one set of types.

use std::num::NonZeroU16;

use bytes::Bytes;

use crate::{EncodeError, Encoded, Properties, ReasonCode, TopicFilter, TopicName, Utf8String};

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
    pub fn packet_type(&self) -> PacketType {
        todo!()
    }

    /// Appends the packet to `out` as `version` writes it. What the version does not have (properties, reasons) is left
    /// out.
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
        let _ = (version, maximum, out);
        todo!()
    }
}

/// A PUBLISH about to be written, in borrowed parts: what a broker fans out without building a [`Publish`] each time.
#[derive(Clone, Copy, Debug)]
pub struct OutgoingPublish<'a> {
    /// Topic, payload and properties. In 3.1.1 properties are left out.
    pub message: &'a Message,
    /// DUP.
    pub dup: bool,
    /// The delivery guarantee.
    pub qos: QoS,
    /// RETAIN.
    pub retain: bool,
    /// Present exactly when the QoS is above 0.
    pub packet_id: Option<PacketId>,
    /// What is left of the Message Expiry Interval, in seconds; takes the place of that of the message.
    pub message_expiry_interval: Option<u32>,
    /// Subscription Identifiers to add.
    pub subscription_ids: &'a [u32],
    /// A Topic Alias to add.
    pub topic_alias: Option<u16>,
    /// Whether the alias stands for the topic, so that the Topic Name stays empty. Ignored without an alias.
    pub topic_omitted: bool,
}

impl<'a> OutgoingPublish<'a> {
    /// A first delivery of `message` without anything added.
    pub fn new(message: &'a Message, qos: QoS, packet_id: Option<PacketId>) -> Self {
        Self {
            message,
            dup: false,
            qos,
            retain: false,
            packet_id,
            message_expiry_interval: None,
            subscription_ids: &[],
            topic_alias: None,
            topic_omitted: false,
        }
    }

    /// Appends the PUBLISH to `out`, in at most `maximum` bytes.
    ///
    /// # Errors
    ///
    /// Why it cannot be encoded; `out` is then unchanged. A server treats a message that is too large as delivered
    /// (MQTT-3.1.2-25).
    pub fn encode(&self, version: Version, maximum: u32, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let _ = (version, maximum, out);
        todo!()
    }
}

/// CONNECT (3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connect {
    /// The version that the client asks for and that the connection then speaks.
    pub version: Version,
    /// Clean Start (5.0) or Clean Session (3.1.1).
    pub clean_start: bool,
    /// Keep Alive in seconds; 0 turns it off.
    pub keep_alive: u16,
    /// The Client Identifier; empty asks the server to assign one.
    pub client_id: Utf8String,
    /// The Will Message, if any.
    pub will: Option<Box<Will>>,
    /// The User Name, if any.
    pub user_name: Option<Utf8String>,
    /// The Password, if any: any bytes up to 65,535.
    pub password: Option<Bytes>,
    /// Properties of a 5.0 CONNECT; empty in 3.1.1.
    pub properties: Properties,
}

/// The Will Message of a CONNECT, with its Will Properties (Will Delay Interval among them).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Will {
    /// What is published. Its properties keep the Will Delay Interval; the publisher removes it.
    pub message: Message,
    /// Will QoS.
    pub qos: QoS,
    /// Will Retain.
    pub retain: bool,
}

/// CONNACK (3.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnAck {
    /// Session Present.
    pub session_present: bool,
    /// The outcome; in 3.1.1 the codec maps it to a Connect Return Code.
    pub reason: ReasonCode,
    /// Properties of a 5.0 CONNACK; empty in 3.1.1.
    pub properties: Properties,
}

/// An Application Message: what travels, without how it is delivered on one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Where it is published.
    pub topic: TopicName,
    /// What is published: a slice of the read buffer when it came off the wire.
    pub payload: Bytes,
    /// The properties that a server forwards unaltered (MQTT-3.3.2-4, -15, -16, -17, -18, -20) and Message Expiry Interval.
    pub properties: Properties,
}

/// PUBLISH (3.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publish {
    /// DUP.
    pub dup: bool,
    /// The delivery guarantee.
    pub qos: QoS,
    /// RETAIN.
    pub retain: bool,
    /// The topic; absent when a Topic Alias alone stands for it (5.0).
    pub topic: Option<TopicName>,
    /// Present exactly when the QoS is above 0 (MQTT-2.2.1-2, MQTT-2.2.1-3).
    pub packet_id: Option<PacketId>,
    /// Properties of a 5.0 PUBLISH, Topic Alias and Subscription Identifiers among them.
    pub properties: Properties,
    /// The payload: a slice of the read buffer.
    pub payload: Bytes,
}

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

/// SUBSCRIBE (3.8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscribe {
    /// The exchange.
    pub packet_id: PacketId,
    /// Subscription Identifier and User Properties (5.0).
    pub properties: Properties,
    /// At least one filter (MQTT-3.8.3-2, MQTT-3.8.3-3).
    pub filters: Vec<SubscribeFilter>,
}

/// One filter of a SUBSCRIBE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscribeFilter {
    /// The Topic Filter, valid by 4.7 and 4.8.2: one that breaks those rules makes the packet malformed.
    pub filter: TopicFilter,
    /// How matches are delivered.
    pub options: SubscriptionOptions,
}

/// Subscription Options (3.8.3.1); in 3.1.1 only the QoS exists and the rest are the defaults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SubscriptionOptions {
    /// Maximum QoS.
    pub qos: QoS,
    /// No Local.
    pub no_local: bool,
    /// Retain As Published.
    pub retain_as_published: bool,
    /// Retain Handling.
    pub retain_handling: RetainHandling,
}

/// When retained messages are sent for a subscription.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum RetainHandling {
    /// 0: at every SUBSCRIBE.
    #[default]
    Always = 0,
    /// 1: only when the subscription did not exist.
    IfNew = 1,
    /// 2: never.
    Never = 2,
}

/// SUBACK (3.9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubAck {
    /// The exchange.
    pub packet_id: PacketId,
    /// Reason String and User Properties (5.0).
    pub properties: Properties,
    /// One outcome per filter, in order (MQTT-3.8.4-6 / MQTT-3.9.3-1).
    pub reasons: Vec<ReasonCode>,
}

/// UNSUBSCRIBE (3.10).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsubscribe {
    /// The exchange.
    pub packet_id: PacketId,
    /// User Properties (5.0).
    pub properties: Properties,
    /// At least one filter.
    pub filters: Vec<TopicFilter>,
}

/// UNSUBACK (3.11).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsubAck {
    /// The exchange.
    pub packet_id: PacketId,
    /// Reason String and User Properties (5.0).
    pub properties: Properties,
    /// One outcome per filter, in order (5.0); empty in 3.1.1.
    pub reasons: Vec<ReasonCode>,
}

/// DISCONNECT (3.14).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disconnect {
    /// Why; always Normal disconnection in 3.1.1.
    pub reason: ReasonCode,
    /// Properties (5.0).
    pub properties: Properties,
}

/// AUTH (3.15), 5.0 only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Auth {
    /// Success, Continue authentication or Re-authenticate.
    pub reason: ReasonCode,
    /// Authentication Method and Data, Reason String, User Properties.
    pub properties: Properties,
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
        // 0x8C stands in the summary table 2-6 and is missing in table 3-10; it is accepted.
        PacketType::Disconnect => &[
            0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8B, 0x8C, 0x8D, 0x8E, 0x8F, 0x90, 0x93, 0x94, 0x95, 0x96,
            0x97, 0x98, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9E, 0x9F, 0xA0, 0xA1, 0xA2,
        ],
        PacketType::Auth => &[0x00, 0x18, 0x19],
        _ => &[],
    }
}
