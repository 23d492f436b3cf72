//! PUBLISH (section 3.3).

use super::connect::payload_format;
use crate::{
    Direction, Kind, Properties, Version,
    draft::Draft,
    reader::{Parsed, Reader},
    rule::{CLIENT_PACKET_IDENTIFIER, NOT_EMPTY, PUBLISH_WILDCARD, SERVER_PACKET_IDENTIFIER, TOPIC_NAME_FIRST},
    tables::Place,
};

/// PUBLISH.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publish {
    /// DUP.
    pub dup: bool,
    /// 0 to 2; a 3 is a lie.
    pub qos: u8,
    /// RETAIN.
    pub retain: bool,
    /// The Topic Name; in 5.0 empty if an alias stands for it.
    pub topic: String,
    /// `None` at QoS 0.
    pub packet_identifier: Option<u16>,
    /// Only in 5.0.
    pub properties: Properties,
    /// The payload.
    pub payload: Vec<u8>,
}

impl Publish {
    /// An empty one to this Topic Name, at QoS 0.
    pub fn to(topic: impl Into<String>) -> Self {
        Self {
            dup: false,
            qos: 0,
            retain: false,
            topic: topic.into(),
            packet_identifier: None,
            properties: Properties::default(),
            payload: Vec::new(),
        }
    }

    /// DUP.
    #[must_use]
    pub fn dup(self, dup: bool) -> Self {
        Self { dup, ..self }
    }

    /// The two QoS bits; above 0 the packet has an identifier, 1 unless another is given.
    #[must_use]
    pub fn qos(self, qos: u8) -> Self {
        Self { qos, ..self }
    }

    /// RETAIN.
    #[must_use]
    pub fn retain(self, retain: bool) -> Self {
        Self { retain, ..self }
    }

    /// The Packet Identifier, written above QoS 0 only.
    #[must_use]
    pub fn id(self, packet_identifier: u16) -> Self {
        Self { packet_identifier: Some(packet_identifier), ..self }
    }

    /// The payload.
    #[must_use]
    pub fn payload(self, payload: impl Into<Vec<u8>>) -> Self {
        Self { payload: payload.into(), ..self }
    }

    /// As a draft. Fields: `topic_name`, `packet_identifier` (above QoS 0), `properties_length` and properties, `payload`.
    pub fn draft(&self, version: Version) -> Draft {
        let flags = u8::from(self.dup) << 3 | (self.qos & 3) << 1 | u8::from(self.retain);
        let mut draft = Draft::new(version, Kind::Publish.first_byte() | flags).field_text("topic_name", &self.topic);
        if self.qos != 0 {
            draft = draft.field("packet_identifier", self.packet_identifier.unwrap_or(1).to_be_bytes());
        }
        draft.properties(&self.properties).field("payload", self.payload.clone())
    }

    pub(crate) fn parse(reader: &mut Reader<'_>) -> Parsed<Self> {
        let flags = reader.first_byte();
        let qos = flags >> 1 & 3;
        if reader.is_at_end() {
            return Err(reader.breach(TOPIC_NAME_FIRST, reader.at(), "topic_name is missing"));
        }
        let topic_at = reader.at();
        let topic = topic(reader)?;
        let rule = match reader.direction {
            Direction::FromClient => CLIENT_PACKET_IDENTIFIER,
            Direction::FromServer => SERVER_PACKET_IDENTIFIER,
        };
        let packet_identifier = if qos == 0 { None } else { Some(reader.packet_identifier(rule)?) };
        let properties = reader.properties(Place::Packet(Kind::Publish))?;
        if topic.is_empty() && properties.topic_alias().is_none() {
            let section = reader.section("3.3.2.1", "3.3.2.1");
            return Err(reader.breach(NOT_EMPTY, topic_at, format!("topic_name is empty {section}")));
        }
        let at = reader.at();
        let payload = reader.rest();
        payload_format(reader, &properties, &payload, at)?;
        let (dup, retain) = (flags & 8 != 0, flags & 1 != 0);
        Ok(Self { dup, qos, retain, topic, packet_identifier, properties, payload })
    }
}

/// A Topic Name, or none: whether an alias stands for it is seen later.
fn topic(reader: &mut Reader<'_>) -> Parsed<String> {
    let mut ahead = reader.fork();
    if ahead.two_bytes("the length of topic_name")? == 0 {
        *reader = ahead;
        return Ok(String::new());
    }
    reader.topic_name("topic_name", PUBLISH_WILDCARD)
}
