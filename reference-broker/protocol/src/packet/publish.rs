//! PUBLISH (3.3).

use bytes::Bytes;

use crate::{
    EncodeError, PacketId, PacketType, Properties, Property, PropertyId, QoS, Role, TopicName, Utf8String, Version,
    Violation,
    codec::{Body, Context, Familiar, Keep, Reader, Writer, variable_len, write_packet},
    property::Place,
};

const RETAIN: u8 = 0b0001;
const DUP: u8 = 0b1000;

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

impl Message {
    /// The bytes that it takes in memory: topic, payload and properties.
    pub fn weight(&self) -> usize {
        self.topic.as_str().len() + self.payload.len() + self.properties.weight()
    }
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
    /// Subscription Identifiers to add, each 1 to 268,435,455.
    pub subscription_ids: &'a [u32],
    /// A Topic Alias to add, 1 to 65,535.
    pub topic_alias: Option<u16>,
    /// Whether the alias stands for the topic, so that the Topic Name stays empty. Ignored without an alias and in 3.1.1.
    pub topic_omitted: bool,
}

impl Message {
    /// The same message in memory of its own, so that a small one does not pin a large read buffer.
    #[must_use]
    pub fn detached(&self) -> Self {
        Self {
            topic: self.topic.detached(),
            payload: Bytes::copy_from_slice(&self.payload),
            properties: self.properties.detached(),
        }
    }
}

impl Publish {
    /// What the first byte says: DUP, QoS, RETAIN.
    fn flags(first: u8) -> Result<(bool, QoS, bool), Violation> {
        // MQTT-3.3.1-4 in both.
        let qos = QoS::from_value(first >> 1 & 0b11).ok_or(Violation::QosReserved)?;
        let dup = first & DUP != 0;
        // MQTT-3.3.1-2 in both.
        if dup && qos == QoS::AtMostOnce {
            return Err(Violation::DupAtQos0);
        }
        Ok((dup, qos, first & RETAIN != 0))
    }

    /// Judges the flags before the rest has arrived.
    pub(crate) fn check_flags(first: u8) -> Result<(), Violation> {
        Self::flags(first).map(|_| ())
    }

    pub(super) fn decode(
        flags: u8,
        context: Context,
        mut reader: Reader,
        familiar: &mut Familiar,
    ) -> Result<Self, Violation> {
        let (dup, qos, retain) = Self::flags(flags)?;
        // MQTT-3.3.2-1 in both. A topic that was a Topic Name before still is one.
        let known = familiar.read(&mut reader);
        let text = if known.is_some() { Utf8String::EMPTY } else { reader.text()? };
        // MQTT-2.2.1-2 (MQTT-2.3.1-5 in 3.1.1).
        let packet_id = if qos == QoS::AtMostOnce { None } else { Some(reader.packet_id()?) };
        let properties = match context.version {
            Version::V311 => Properties::EMPTY,
            Version::V5 => Properties::decode(Place::Packet(PacketType::Publish), &mut reader)?,
        };
        if !properties.is_empty() {
            // MQTT-3.3.4-6.
            if context.sender == Role::Client && properties.contains(PropertyId::SubscriptionIdentifier) {
                return Err(Violation::SubscriptionIdentifierFromClient);
            }
        }
        let topic = if known.is_some() {
            known
        } else if text.is_empty() && context.version == Version::V5 {
            // 3.3.2.1.
            if !properties.contains(PropertyId::TopicAlias) {
                return Err(Violation::TopicMissing);
            }
            None
        } else {
            // MQTT-3.3.2-2, MQTT-4.7.3-1 in both.
            let topic = TopicName::from_text(text)?;
            familiar.meet(&topic);
            Some(topic)
        };
        Ok(Self { dup, qos, retain, topic, packet_id, properties, payload: reader.rest() })
    }

    /// Appends the PUBLISH to `out`, in at most `maximum` bytes.
    ///
    /// # Errors
    ///
    /// Why it cannot be encoded; `out` is then unchanged.
    pub fn encode(&self, version: Version, maximum: u32, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let parts = Parts {
            dup: self.dup,
            qos: self.qos,
            retain: self.retain,
            topic: self.topic.as_ref().map_or("", TopicName::as_str),
            packet_id: self.packet_id,
            properties: &self.properties,
            message_expiry_interval: None,
            subscription_ids: &[],
            topic_alias: None,
            payload: &self.payload,
        };
        write_packet(&parts, version, maximum, out).map(|_| ())
    }
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
        let omit = self.topic_omitted && self.topic_alias.is_some() && version == Version::V5;
        let parts = Parts {
            dup: self.dup,
            qos: self.qos,
            retain: self.retain,
            topic: if omit { "" } else { self.message.topic.as_str() },
            packet_id: self.packet_id,
            properties: &self.message.properties,
            message_expiry_interval: self.message_expiry_interval,
            subscription_ids: self.subscription_ids,
            topic_alias: self.topic_alias,
            payload: &self.message.payload,
        };
        write_packet(&parts, version, maximum, out).map(|_| ())
    }
}

/// What both kinds of PUBLISH come down to.
struct Parts<'a> {
    dup: bool,
    qos: QoS,
    retain: bool,
    topic: &'a str,
    packet_id: Option<PacketId>,
    properties: &'a Properties,
    message_expiry_interval: Option<u32>,
    subscription_ids: &'a [u32],
    topic_alias: Option<u16>,
    payload: &'a [u8],
}

impl Parts<'_> {
    fn keeps(&self, property: &Property) -> bool {
        self.message_expiry_interval.is_none() || property.id() != PropertyId::MessageExpiryInterval
    }

    fn properties_len(&self) -> usize {
        let expiry = if self.message_expiry_interval.is_some() { 5 } else { 0 };
        let alias = if self.topic_alias.is_some() { 3 } else { 0 };
        let ids: usize = self.subscription_ids.iter().map(|id| 1 + variable_len(*id as usize)).sum();
        expiry + alias + ids + self.properties.content_len(|property| self.keeps(property))
    }

    fn write_properties(&self, writer: &mut Writer<'_>) {
        writer.variable(self.properties_len());
        if let Some(seconds) = self.message_expiry_interval {
            writer.u8(PropertyId::MessageExpiryInterval.value());
            writer.u32(seconds);
        }
        if let Some(alias) = self.topic_alias {
            writer.u8(PropertyId::TopicAlias.value());
            writer.u16(alias);
        }
        for id in self.subscription_ids {
            writer.u8(PropertyId::SubscriptionIdentifier.value());
            writer.variable(*id as usize);
        }
        // MQTT-3.3.2-4, -15, -16, -17, -20: as they came. MQTT-3.3.2-18: in their order.
        self.properties.encode_content(|property| self.keeps(property), writer);
    }
}

impl Body for Parts<'_> {
    fn first_byte(&self) -> u8 {
        let dup = if self.dup { DUP } else { 0 };
        let retain = if self.retain { RETAIN } else { 0 };
        PacketType::Publish.first_byte() | dup | self.qos.value() << 1 | retain
    }

    fn properties(&self) -> Option<&Properties> {
        Some(self.properties)
    }

    fn check(&self, _version: Version) -> Result<(), EncodeError> {
        if (self.qos == QoS::AtMostOnce) == self.packet_id.is_none() {
            Ok(())
        } else {
            Err(EncodeError::PacketIdentifier)
        }
    }

    fn len(&self, version: Version, _keep: Keep) -> usize {
        let packet_id = if self.packet_id.is_some() { 2 } else { 0 };
        let properties = match version {
            Version::V311 => 0,
            Version::V5 => {
                let content = self.properties_len();
                variable_len(content) + content
            }
        };
        2 + self.topic.len() + packet_id + properties + self.payload.len()
    }

    fn write(&self, version: Version, _keep: Keep, writer: &mut Writer<'_>) {
        writer.text(self.topic);
        if let Some(packet_id) = self.packet_id {
            writer.u16(packet_id.value());
        }
        if version == Version::V5 {
            self.write_properties(writer);
        }
        writer.raw(self.payload);
    }
}
