//! What rules of the faults proxy ask of a frame. `None` wherever the bytes do not tell.

use super::Frame;
use crate::{
    Kind, Properties, Property, Value, Version,
    number::{self, Decoded},
    tables::{self, DataType},
};

/// Fields in a body, as far as they can be made out.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn two_bytes(&mut self) -> Option<u16> {
        self.take(2).map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    fn variable(&mut self) -> Option<u32> {
        match number::decode(self.0) {
            Decoded::Number { value, width } => self.take(width).map(|_| value),
            Decoded::Incomplete | Decoded::TooLong => None,
        }
    }

    fn prefixed(&mut self) -> Option<&'a [u8]> {
        let length = self.two_bytes()?;
        self.take(usize::from(length))
    }

    fn text(&mut self) -> Option<String> {
        self.prefixed().and_then(|bytes| String::from_utf8(bytes.to_vec()).ok())
    }

    /// The bytes of a list of properties; none in versions without.
    fn properties(&mut self, version: Version) -> Option<&'a [u8]> {
        if !version.has_properties() {
            return Some(&[]);
        }
        let length = self.variable()?;
        self.take(length as usize)
    }

    fn property(&mut self) -> Option<Property> {
        let identifier = self.variable()?;
        let value = match tables::property_type(identifier)?.data {
            DataType::Byte => Value::Byte(self.byte()?),
            DataType::TwoByte => Value::TwoByte(self.two_bytes()?),
            DataType::FourByte => {
                Value::FourByte(self.take(4).map(|bytes| u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))?)
            }
            DataType::Variable => Value::Variable(self.variable()?),
            DataType::Text => Value::Text(self.text()?),
            DataType::Binary => Value::Binary(self.prefixed()?.to_vec()),
            DataType::Pair => Value::Pair(self.text()?, self.text()?),
        };
        Some(Property { identifier, value })
    }
}

/// CONNECT.
impl Frame {
    /// The version that a CONNECT asks for.
    pub fn version(&self) -> Option<Version> {
        let mut cursor = self.fields_of(Kind::Connect)?;
        Version::of(cursor.prefixed()?, cursor.byte()?)
    }

    /// Clean Start, or Clean Session.
    pub fn clean_start(&self) -> Option<bool> {
        let mut cursor = self.fields_of(Kind::Connect)?;
        cursor.prefixed()?;
        cursor.byte()?;
        cursor.byte().map(|flags| flags & 2 != 0)
    }

    /// Keep Alive in seconds.
    pub fn keep_alive(&self) -> Option<u16> {
        let mut cursor = self.fields_of(Kind::Connect)?;
        cursor.prefixed()?;
        cursor.take(2)?;
        cursor.two_bytes()
    }

    /// The Client Identifier of a CONNECT.
    pub fn client_identifier(&self) -> Option<&str> {
        let version = self.version()?;
        let mut cursor = self.fields_of(Kind::Connect)?;
        cursor.prefixed()?;
        cursor.take(4)?;
        cursor.properties(version)?;
        std::str::from_utf8(cursor.prefixed()?).ok()
    }
}

/// PUBLISH.
impl Frame {
    /// The QoS bits, 0 to 3.
    pub fn qos(&self) -> Option<u8> {
        self.fields_of(Kind::Publish).and_then(|_| self.flags()).map(|flags| flags >> 1 & 3)
    }

    /// DUP.
    pub fn dup(&self) -> Option<bool> {
        self.fields_of(Kind::Publish).and_then(|_| self.flags()).map(|flags| flags & 8 != 0)
    }

    /// RETAIN.
    pub fn retain(&self) -> Option<bool> {
        self.fields_of(Kind::Publish).and_then(|_| self.flags()).map(|flags| flags & 1 != 0)
    }

    /// The Topic Name; empty if an alias stands for it.
    pub fn topic(&self) -> Option<&str> {
        std::str::from_utf8(self.fields_of(Kind::Publish)?.prefixed()?).ok()
    }

    /// The payload.
    pub fn payload(&self, version: Version) -> Option<&[u8]> {
        let mut cursor = self.behind_identifier()?;
        cursor.properties(version)?;
        Some(cursor.0)
    }
}

/// Several packets.
impl Frame {
    /// The Packet Identifier of those that have one.
    pub fn packet_identifier(&self) -> Option<u16> {
        let mut cursor = Cursor(self.body());
        match self.kind()? {
            Kind::Publish if self.qos() != Some(0) => {
                cursor.prefixed()?;
                cursor.two_bytes()
            }
            kind if has_identifier(kind) => cursor.two_bytes(),
            _ => None,
        }
    }

    /// The code of CONNACK, PUBACK, PUBREC, PUBREL, PUBCOMP, DISCONNECT and AUTH, 0 where it is left out; the first code of SUBACK and
    /// UNSUBACK. Before 5.0 only CONNACK and SUBACK have one.
    pub fn reason(&self, version: Version) -> Option<u8> {
        let kind = self.kind()?;
        match kind {
            Kind::Connack => self.body().get(1).copied(),
            Kind::Suback | Kind::Unsuback => self.reasons(version)?.first().copied(),
            _ if !version.has_properties() => None,
            Kind::Puback | Kind::Pubrec | Kind::Pubrel | Kind::Pubcomp => match self.body() {
                [_, _] => Some(0),
                body => body.get(2).copied(),
            },
            Kind::Disconnect | Kind::Auth => Some(self.body().first().copied().unwrap_or(0)),
            _ => None,
        }
    }

    /// The codes of SUBACK and UNSUBACK.
    pub fn reasons(&self, version: Version) -> Option<&[u8]> {
        if !matches!(self.kind()?, Kind::Suback | Kind::Unsuback) {
            return None;
        }
        let mut cursor = Cursor(self.body());
        cursor.two_bytes()?;
        cursor.properties(version)?;
        Some(cursor.0)
    }

    /// Session Present of CONNACK.
    pub fn session_present(&self) -> Option<bool> {
        self.fields_of(Kind::Connack)?.byte().map(|flags| flags & 1 != 0)
    }

    /// The properties of the variable header, up to the first that cannot be made out; none before 5.0.
    pub fn properties(&self, version: Version) -> Option<Properties> {
        let mut cursor = Cursor(self.body());
        match self.kind()? {
            Kind::Connect => {
                cursor.prefixed()?;
                cursor.take(4)?;
            }
            Kind::Connack => {
                cursor.take(2)?;
            }
            Kind::Publish => cursor = self.behind_identifier()?,
            Kind::Puback | Kind::Pubrec | Kind::Pubrel | Kind::Pubcomp => {
                cursor.take(3)?;
            }
            Kind::Subscribe | Kind::Suback | Kind::Unsubscribe | Kind::Unsuback => {
                cursor.take(2)?;
            }
            Kind::Disconnect | Kind::Auth => {
                cursor.byte()?;
            }
            Kind::Pingreq | Kind::Pingresp => return None,
        }
        let mut list = Cursor(cursor.properties(version)?);
        let mut properties = Properties::default();
        while let Some(property) = list.property() {
            properties.0.push(property);
        }
        Some(properties)
    }

    /// The Topic Filters of SUBSCRIBE and UNSUBSCRIBE that can be made out.
    pub fn filters(&self, version: Version) -> Vec<&str> {
        let mut filters = Vec::new();
        let options = match self.kind() {
            Some(Kind::Subscribe) => 1,
            Some(Kind::Unsubscribe) => 0,
            _ => return filters,
        };
        let mut cursor = Cursor(self.body());
        if cursor.two_bytes().is_none() || cursor.properties(version).is_none() {
            return filters;
        }
        while let Some(filter) = cursor.prefixed().and_then(|bytes| std::str::from_utf8(bytes).ok()) {
            filters.push(filter);
            if cursor.take(options).is_none() {
                break;
            }
        }
        filters
    }

    fn fields_of(&self, kind: Kind) -> Option<Cursor<'_>> {
        (self.kind() == Some(kind)).then(|| Cursor(self.body()))
    }

    /// A PUBLISH behind its Packet Identifier.
    fn behind_identifier(&self) -> Option<Cursor<'_>> {
        let mut cursor = self.fields_of(Kind::Publish)?;
        cursor.prefixed()?;
        if self.qos() != Some(0) {
            cursor.two_bytes()?;
        }
        Some(cursor)
    }
}

fn has_identifier(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Puback
            | Kind::Pubrec
            | Kind::Pubrel
            | Kind::Pubcomp
            | Kind::Subscribe
            | Kind::Suback
            | Kind::Unsubscribe
            | Kind::Unsuback
    )
}
