//! CONNECT and CONNACK (3.1, 3.2).

use bytes::Bytes;

use crate::{
    EncodeError, Message, PacketType, Properties, PropertyId, QoS, ReasonCode, Utf8String, Version, Violation,
    codec::{Body, Context, Keep, Reader, Writer, check_binary},
    property::Place,
};

const PROTOCOL_NAME: &str = "MQTT";

/// The Connect Flags (3.1.2.3).
mod flag {
    pub(super) const RESERVED: u8 = 0b0000_0001;
    pub(super) const CLEAN_START: u8 = 0b0000_0010;
    pub(super) const WILL: u8 = 0b0000_0100;
    pub(super) const WILL_QOS_SHIFT: u8 = 3;
    pub(super) const WILL_RETAIN: u8 = 0b0010_0000;
    pub(super) const PASSWORD: u8 = 0b0100_0000;
    pub(super) const USER_NAME: u8 = 0b1000_0000;
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
    /// What is published. Its properties keep the Will Delay Interval; the publisher removes it. At most 65,535 bytes of
    /// payload.
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

impl Connect {
    pub(super) fn decode(context: Context, mut reader: Reader) -> Result<Self, Violation> {
        let version = read_version(context, &mut reader)?;
        let mut flags = reader.u8()?;
        if context.mqtt_3_1 {
            flags = flags_of_3_1(flags);
        }
        check_flags(flags, version)?;
        let keep_alive = reader.u16()?;
        let properties = match version {
            Version::V311 => Properties::EMPTY,
            Version::V5 => Properties::decode(Place::Packet(PacketType::Connect), &mut reader)?,
        };
        // 3.1.2.11.10.
        if properties.contains(PropertyId::AuthenticationData) && !properties.contains(PropertyId::AuthenticationMethod)
        {
            return Err(Violation::AuthenticationDataWithoutMethod);
        }
        // MQTT-3.1.3-1 in both: the order of what follows. MQTT-3.1.3-3, MQTT-3.1.3-4 in both.
        let client_id = reader.text()?;
        let clean_start = flags & flag::CLEAN_START != 0;
        // MQTT-3.1.3-7, MQTT-3.1.3-8 in 3.1.1. In 5.0 the server assigns an identifier in any case.
        // MQTT 3.1 knows no empty identifier at all.
        if version == Version::V311 && client_id.is_empty() && (!clean_start || context.mqtt_3_1) {
            return Err(Violation::ClientIdentifierMissing);
        }
        // MQTT-3.1.2-9 in both.
        let will =
            if flags & flag::WILL != 0 { Some(Box::new(Will::decode(flags, version, &mut reader)?)) } else { None };
        // MQTT-3.1.2-17, MQTT-3.1.3-12 (MQTT-3.1.2-19, MQTT-3.1.3-11 in 3.1.1).
        // In MQTT 3.1 the Remaining Length counts for more than the flags.
        let given = |flag, reader: &Reader| flags & flag != 0 && !(context.mqtt_3_1 && reader.is_empty());
        let user_name = if given(flag::USER_NAME, &reader) { Some(reader.text()?) } else { None };
        // MQTT-3.1.2-19 (MQTT-3.1.2-21 in 3.1.1).
        let password = if given(flag::PASSWORD, &reader) { Some(reader.binary()?) } else { None };
        // MQTT-3.1.2-16, -18 (MQTT-3.1.2-18, -20 in 3.1.1): what no flag announces is not there.
        reader.finish()?;
        Ok(Self { version, clean_start, keep_alive, client_id, will, user_name, password, properties })
    }

    fn flags(&self) -> u8 {
        let mut flags = 0;
        if self.clean_start {
            flags |= flag::CLEAN_START;
        }
        if let Some(will) = &self.will {
            flags |= flag::WILL | will.qos.value() << flag::WILL_QOS_SHIFT;
            if will.retain {
                flags |= flag::WILL_RETAIN;
            }
        }
        if self.user_name.is_some() {
            flags |= flag::USER_NAME;
        }
        if self.password.is_some() {
            flags |= flag::PASSWORD;
        }
        flags
    }
}

fn read_version(context: Context, reader: &mut Reader) -> Result<Version, Violation> {
    let name = reader.binary()?;
    let level = reader.u8()?;
    match (&name[..], level) {
        (b"MQTT", 4) => Ok(Version::V311),
        (b"MQTT", 5) => Ok(Version::V5),
        (b"MQIsdp", 3) if context.mqtt_3_1 => Ok(Version::V311),
        // MQTT-3.1.2-2 in both.
        (b"MQTT", _) | (b"MQIsdp", 3) => Err(Violation::ProtocolVersionUnsupported),
        // MQTT-3.1.2-1 in both.
        _ => Err(Violation::ProtocolNameWrong),
    }
}

/// The Connect Flags of MQTT 3.1 as 3.1.1 would have them: what means nothing there need not be 0.
const fn flags_of_3_1(flags: u8) -> u8 {
    let flags = flags & !flag::RESERVED;
    if flags & flag::WILL != 0 { flags } else { flags & !(flag::WILL_RETAIN | 0b11 << flag::WILL_QOS_SHIFT) }
}

fn check_flags(flags: u8, version: Version) -> Result<(), Violation> {
    // MQTT-3.1.2-3 in both.
    if flags & flag::RESERVED != 0 {
        return Err(Violation::ConnectFlagsReserved);
    }
    let will_qos = QoS::from_value(flags >> flag::WILL_QOS_SHIFT & 0b11);
    // MQTT-3.1.2-12 (MQTT-3.1.2-14 in 3.1.1).
    let Some(will_qos) = will_qos else { return Err(Violation::WillQosReserved) };
    // MQTT-3.1.2-11 in 3.1.1: all three together, and no Will in the payload.
    if flags & flag::WILL == 0 {
        // MQTT-3.1.2-11 (MQTT-3.1.2-13 in 3.1.1).
        if will_qos != QoS::AtMostOnce {
            return Err(Violation::WillQosWithoutWill);
        }
        // MQTT-3.1.2-13 (MQTT-3.1.2-15 in 3.1.1).
        if flags & flag::WILL_RETAIN != 0 {
            return Err(Violation::WillRetainWithoutWill);
        }
    }
    // MQTT-3.1.2-22 in 3.1.1; 3.1.2.9 in 5.0 allows it.
    if version == Version::V311 && flags & (flag::PASSWORD | flag::USER_NAME) == flag::PASSWORD {
        return Err(Violation::PasswordWithoutUserName);
    }
    Ok(())
}

impl Body for Connect {
    fn first_byte(&self) -> u8 {
        PacketType::Connect.first_byte()
    }

    fn properties(&self) -> Option<&Properties> {
        Some(&self.properties)
    }

    fn check(&self, version: Version) -> Result<(), EncodeError> {
        if let Some(will) = &self.will {
            check_binary(&will.message.payload)?;
            if version == Version::V5 {
                will.message.properties.check_fields()?;
            }
        }
        self.password.as_deref().map_or(Ok(()), check_binary)
    }

    fn len(&self, version: Version, keep: Keep) -> usize {
        let head = 2 + PROTOCOL_NAME.len() + 1 + 1 + 2;
        let properties = keep.properties_len(version, &self.properties);
        let will = self.will.as_ref().map_or(0, |will| will.len(version));
        let user_name = self.user_name.as_ref().map_or(0, |name| 2 + name.len());
        let password = self.password.as_ref().map_or(0, |password| 2 + password.len());
        head + properties + 2 + self.client_id.len() + will + user_name + password
    }

    fn write(&self, version: Version, keep: Keep, writer: &mut Writer<'_>) {
        writer.text(PROTOCOL_NAME);
        writer.u8(match version {
            Version::V311 => 4,
            Version::V5 => 5,
        });
        writer.u8(self.flags());
        writer.u16(self.keep_alive);
        keep.write_properties(version, &self.properties, writer);
        writer.text(&self.client_id);
        if let Some(will) = &self.will {
            will.write(version, writer);
        }
        if let Some(user_name) = &self.user_name {
            writer.text(user_name);
        }
        if let Some(password) = &self.password {
            writer.binary(password);
        }
    }
}

impl Will {
    fn decode(flags: u8, version: Version, reader: &mut Reader) -> Result<Self, Violation> {
        let properties = match version {
            Version::V311 => Properties::EMPTY,
            Version::V5 => Properties::decode(Place::Will, reader)?,
        };
        // MQTT-3.1.3-11 (MQTT-3.1.3-10 in 3.1.1).
        let topic = reader.topic()?;
        let payload = reader.binary()?;
        let qos = QoS::from_value(flags >> flag::WILL_QOS_SHIFT & 0b11).ok_or(Violation::WillQosReserved)?;
        let retain = flags & flag::WILL_RETAIN != 0;
        Ok(Self { message: Message { topic, payload, properties }, qos, retain })
    }

    fn len(&self, version: Version) -> usize {
        let Message { topic, payload, properties } = &self.message;
        Keep::All.properties_len(version, properties) + 2 + topic.as_str().len() + 2 + payload.len()
    }

    fn write(&self, version: Version, writer: &mut Writer<'_>) {
        let Message { topic, payload, properties } = &self.message;
        Keep::All.write_properties(version, properties, writer);
        writer.text(topic.as_str());
        writer.binary(payload);
    }
}

impl ConnAck {
    /// A CONNACK with this outcome, no Session and no properties.
    pub const fn new(reason: ReasonCode) -> Self {
        Self { session_present: false, reason, properties: Properties::EMPTY }
    }

    pub(super) fn decode(context: Context, mut reader: Reader) -> Result<Self, Violation> {
        // MQTT-3.2.2-1 (3.2.2.1 in 3.1.1).
        let session_present = match reader.u8()? {
            0 => false,
            1 => true,
            _ => return Err(Violation::ConnAckFlagsReserved),
        };
        let (reason, properties) = match context.version {
            Version::V311 => {
                let code = reader.u8()?;
                // 3.1.1: table 3.1.
                let reason = ReasonCode::from_connect_return_code(code).ok_or(Violation::ConnectReturnCodeReserved)?;
                (reason, Properties::EMPTY)
            }
            // MQTT-3.2.2-8.
            Version::V5 => (
                reader.reason(PacketType::ConnAck, context.sender)?,
                Properties::decode(Place::Packet(PacketType::ConnAck), &mut reader)?,
            ),
        };
        reader.finish()?;
        // MQTT-3.2.2-6 (MQTT-3.2.2-4 in 3.1.1).
        if session_present && reason != ReasonCode::Success {
            return Err(Violation::SessionPresentOnRefusal);
        }
        Ok(Self { session_present, reason, properties })
    }
}

impl Body for ConnAck {
    fn first_byte(&self) -> u8 {
        PacketType::ConnAck.first_byte()
    }

    fn properties(&self) -> Option<&Properties> {
        Some(&self.properties)
    }

    // MQTT-3.2.2-19, MQTT-3.2.2-20.
    fn may_trim(&self) -> bool {
        true
    }

    fn len(&self, version: Version, keep: Keep) -> usize {
        2 + keep.properties_len(version, &self.properties)
    }

    fn write(&self, version: Version, keep: Keep, writer: &mut Writer<'_>) {
        writer.u8(u8::from(self.session_present));
        writer.u8(match version {
            Version::V311 => self.reason.connect_return_code(),
            Version::V5 => self.reason.value(),
        });
        keep.write_properties(version, &self.properties, writer);
    }
}
