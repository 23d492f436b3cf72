//! The strict parser's way through a packet: every field by name, every breach with its place.

use crate::{
    Direction, Kind, Properties, Property, Value, Version,
    breach::Breach,
    number::{self, Decoded},
    rule::{
        CLIENT_SUBSCRIPTION_IDENTIFIER, DISCONNECT_EXPIRY, NOT_EMPTY, PROPERTY_LENGTH, RESPONSE_TOPIC_WILDCARD, Rule,
        SHORTEST_INTEGER, TOPIC_ALIAS_0, WELL_FORMED_PAIR,
    },
    tables::{self, DataType, Place, PropertyType, Values},
    text, topic,
};

/// A packet being read.
pub(crate) struct Reader<'a> {
    pub(crate) version: Version,
    pub(crate) direction: Direction,
    pub(crate) kind: Kind,
    bytes: &'a [u8],
    at: usize,
}

pub(crate) type Parsed<T> = Result<T, Breach>;

impl<'a> Reader<'a> {
    /// Reads `bytes` from behind the fixed header.
    pub(crate) fn new(version: Version, direction: Direction, kind: Kind, bytes: &'a [u8], at: usize) -> Self {
        Self { version, direction, kind, bytes, at }
    }

    /// A second reader at the same place.
    pub(crate) fn fork(&self) -> Self {
        Reader { ..*self }
    }

    /// Where the reader is.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// How many bytes are left.
    pub(crate) fn left(&self) -> usize {
        self.bytes.len().saturating_sub(self.at)
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.left() == 0
    }

    /// The first byte of the packet.
    pub(crate) fn first_byte(&self) -> u8 {
        self.bytes.first().copied().unwrap_or(0)
    }

    /// A breach of `rule` at `at`.
    pub(crate) fn breach(&self, rule: Rule, at: usize, what: impl Into<String>) -> Breach {
        Breach { statement: rule.id(self.version), what: what.into(), at }
    }

    /// A breach of a rule without a number; `what` ends with the section.
    pub(crate) fn unnumbered(&self, at: usize, what: impl Into<String>) -> Breach {
        Breach { statement: None, what: what.into(), at }
    }

    /// `section_of_3` in 3.1.1 and `section_of_5` in 5.0, to end a sentence with.
    pub(crate) fn section(&self, section_of_3: &str, section_of_5: &str) -> String {
        match self.version {
            Version::V3_1 => "(MQTT 3.1)".to_owned(),
            Version::V3_1_1 => format!("(section {section_of_3} of 3.1.1)"),
            Version::V5 => format!("(section {section_of_5} of 5.0)"),
        }
    }

    fn take(&mut self, field: &str, length: usize) -> Parsed<&'a [u8]> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let Some(taken) = rest.get(..length) else {
            return Err(self.unnumbered(self.at, format!("{field} needs {length} bytes, {} are left", rest.len())));
        };
        self.at += length;
        Ok(taken)
    }

    pub(crate) fn byte(&mut self, field: &str) -> Parsed<u8> {
        self.take(field, 1).map(|bytes| bytes[0])
    }

    pub(crate) fn two_bytes(&mut self, field: &str) -> Parsed<u16> {
        self.take(field, 2).map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    fn four_bytes(&mut self, field: &str) -> Parsed<u32> {
        self.take(field, 4).map(|bytes| u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    /// A Variable Byte Integer.
    pub(crate) fn variable(&mut self, field: &str) -> Parsed<u32> {
        let start = self.at;
        match number::decode(self.bytes.get(start..).unwrap_or_default()) {
            Decoded::Number { value, width } => {
                self.at += width;
                shortest(self.version, field, start, value, width)?;
                Ok(value)
            }
            Decoded::Incomplete => Err(self.unnumbered(start, format!("{field} ends in the middle"))),
            Decoded::TooLong => {
                Err(self.unnumbered(start, format!("{field} has more than four bytes (section 1.5.5 of 5.0)")))
            }
        }
    }

    /// Binary Data.
    pub(crate) fn binary(&mut self, field: &str) -> Parsed<Vec<u8>> {
        let length = self.two_bytes(&format!("the length of {field}"))?;
        self.take(field, usize::from(length)).map(<[u8]>::to_vec)
    }

    /// A UTF-8 Encoded String.
    pub(crate) fn text(&mut self, field: &str) -> Parsed<String> {
        self.text_under(field, None)
    }

    fn text_under(&mut self, field: &str, rule: Option<Rule>) -> Parsed<String> {
        let bytes = self.binary(field)?;
        let start = self.at - bytes.len();
        text::check(&bytes).map(str::to_owned).map_err(|fault| {
            self.breach(rule.unwrap_or(fault.rule), start + fault.at, format!("{field} {}", fault.what))
        })
    }

    /// A string that is a Topic Name.
    pub(crate) fn topic_name(&mut self, field: &str, wildcard: Rule) -> Parsed<String> {
        let start = self.at + 2;
        let name = self.text(field)?;
        self.check_name(field, &name, start, wildcard)?;
        Ok(name)
    }

    fn check_name(&self, field: &str, name: &str, start: usize, wildcard: Rule) -> Parsed<()> {
        topic::check_name(name).map_err(|fault| {
            let rule = if name.is_empty() { NOT_EMPTY } else { wildcard };
            self.breach(rule, start + fault.at, format!("{field} {}", fault.what))
        })
    }

    /// A string that is a Topic Filter.
    pub(crate) fn topic_filter(&mut self, field: &str) -> Parsed<String> {
        let start = self.at + 2;
        let filter = self.text(field)?;
        topic::check_filter(self.version, &filter)
            .map_err(|fault| self.breach(fault.rule, start + fault.at, format!("{field} {}", fault.what)))?;
        Ok(filter)
    }

    /// A Packet Identifier, whose absence of value breaks `rule`.
    pub(crate) fn packet_identifier(&mut self, rule: Rule) -> Parsed<u16> {
        let start = self.at;
        match self.two_bytes("packet_identifier")? {
            0 => Err(self.breach(rule, start, "packet_identifier is 0")),
            identifier => Ok(identifier),
        }
    }

    /// All that is left.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let rest = self.bytes.get(self.at..).unwrap_or_default().to_vec();
        self.at = self.bytes.len();
        rest
    }

    /// The packet ends here.
    pub(crate) fn end(&self) -> Parsed<()> {
        match self.left() {
            0 => Ok(()),
            left => Err(self.unnumbered(self.at, format!("{left} bytes behind the last field of {}", self.kind))),
        }
    }

    /// The properties of `place`; none in versions without.
    pub(crate) fn properties(&mut self, place: Place) -> Parsed<Properties> {
        let mut properties = Properties::default();
        if !self.version.has_properties() {
            return Ok(properties);
        }
        let field = if place == Place::Will { "will_properties_length" } else { "properties_length" };
        if self.is_at_end() {
            return Err(self.breach(PROPERTY_LENGTH, self.at, format!("{field} is missing")));
        }
        let length = self.variable(field)? as usize;
        if length > self.left() {
            return Err(self.unnumbered(self.at, format!("{field} is {length}, but {} bytes are left", self.left())));
        }
        let end = self.at + length;
        let mut inner = Reader { bytes: self.bytes.get(..end).unwrap_or_default(), ..*self };
        while !inner.is_at_end() {
            let property = inner.property(place, &properties)?;
            properties.0.push(property);
        }
        self.at = end;
        Ok(properties)
    }

    fn property(&mut self, place: Place, before: &Properties) -> Parsed<Property> {
        let start = self.at;
        let identifier = self.variable("property identifier")?;
        let Some(row) = tables::property_type(identifier) else {
            return Err(
                self.unnumbered(start, format!("no property has the identifier {identifier} (section 2.2.2.2 of 5.0)"))
            );
        };
        if !row.places.contains(&place) {
            let of = match place {
                Place::Packet(kind) => kind.to_string(),
                Place::Will => "the Will Properties".to_owned(),
            };
            return Err(self.unnumbered(start, format!("{} is no property of {of} (section 2.2.2.2 of 5.0)", row.name)));
        }
        if before.count(identifier) > 0 && !row.repeats.contains(&place) {
            return Err(self.unnumbered(start, format!("{} stands twice (section {} of 5.0)", row.name, row.section)));
        }
        self.one_side_only(row, place, start)?;
        let value_at = self.at;
        let value = self.value(row)?;
        self.check_value(row, &value, value_at)?;
        Ok(Property { identifier, value })
    }

    /// Properties that one side may not send in packets of both.
    fn one_side_only(&self, row: &PropertyType, place: Place, at: usize) -> Parsed<()> {
        match (row.identifier, place, self.direction) {
            (0x0b, Place::Packet(Kind::Publish), Direction::FromClient) => Err(self.breach(
                CLIENT_SUBSCRIPTION_IDENTIFIER,
                at,
                "a client sends a Subscription Identifier in PUBLISH",
            )),
            (0x11, Place::Packet(Kind::Disconnect), Direction::FromServer) => {
                Err(self.breach(DISCONNECT_EXPIRY, at, "a server sends a Session Expiry Interval in DISCONNECT"))
            }
            (0x1c, Place::Packet(Kind::Disconnect), Direction::FromClient) => {
                Err(self.unnumbered(at, "a client sends a Server Reference (section 3.14.2.2.5 of 5.0)"))
            }
            _ => Ok(()),
        }
    }

    fn value(&mut self, row: &PropertyType) -> Parsed<Value> {
        let field = row.name;
        Ok(match row.data {
            DataType::Byte => Value::Byte(self.byte(field)?),
            DataType::TwoByte => Value::TwoByte(self.two_bytes(field)?),
            DataType::FourByte => Value::FourByte(self.four_bytes(field)?),
            DataType::Variable => Value::Variable(self.variable(field)?),
            DataType::Text => Value::Text(self.text(field)?),
            DataType::Binary => Value::Binary(self.binary(field)?),
            DataType::Pair => {
                let pair = Some(WELL_FORMED_PAIR);
                Value::Pair(
                    self.text_under(&format!("the name of {field}"), pair)?,
                    self.text_under(&format!("the value of {field}"), pair)?,
                )
            }
        })
    }

    fn check_value(&self, row: &PropertyType, value: &Value, at: usize) -> Parsed<()> {
        let number = match value {
            Value::Byte(number) => Some(u32::from(*number)),
            Value::TwoByte(number) => Some(u32::from(*number)),
            Value::FourByte(number) | Value::Variable(number) => Some(*number),
            _ => None,
        };
        let wrong = match (row.values, number) {
            (Values::ZeroOrOne, Some(number)) => number > 1,
            (Values::NotZero, Some(number)) => number == 0,
            _ => false,
        };
        if wrong {
            let what = format!("{} is {} (section {} of 5.0)", row.name, number.unwrap_or(0), row.section);
            // Only this one has a number.
            return Err(if row.identifier == 0x23 {
                self.breach(TOPIC_ALIAS_0, at, what)
            } else {
                self.unnumbered(at, what)
            });
        }
        match value {
            Value::Text(name) if row.values == Values::TopicName => {
                self.check_name(row.name, name, at + 2, RESPONSE_TOPIC_WILDCARD)
            }
            _ => Ok(()),
        }
    }
}

/// Refuses a number in more bytes than it needs. 3.1.1 does not say that they may not be.
pub(crate) fn shortest(version: Version, field: &str, at: usize, value: u32, width: usize) -> Parsed<()> {
    if version == Version::V5 && width > number::encode(value).len() {
        let what = format!("{field} {value} takes {width} bytes, {} do", number::encode(value).len());
        return Err(Breach { statement: SHORTEST_INTEGER.id(version), what, at });
    }
    Ok(())
}
