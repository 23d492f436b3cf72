//! Properties of 5.0: a list in the order of the wire, so that what was parsed is written again as it was.

use std::fmt;

use crate::{number, tables, text::prefixed};

/// One property: its identifier and its value. The constructors make correct ones, [`Property::raw`] any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    /// The identifier; 5.0 knows the 27 of [`tables::PROPERTIES`].
    pub identifier: u32,
    /// The value.
    pub value: Value,
}

/// The value of a property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// One byte.
    Byte(u8),
    /// Two Byte Integer.
    TwoByte(u16),
    /// Four Byte Integer.
    FourByte(u32),
    /// Variable Byte Integer.
    Variable(u32),
    /// UTF-8 Encoded String.
    Text(String),
    /// Binary Data.
    Binary(Vec<u8>),
    /// UTF-8 String Pair.
    Pair(String, String),
    /// These bytes behind the identifier; the parser never makes one.
    Raw(Vec<u8>),
}

impl Value {
    /// The bytes behind the identifier.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Byte(byte) => vec![*byte],
            Self::TwoByte(number) => number.to_be_bytes().to_vec(),
            Self::FourByte(number) => number.to_be_bytes().to_vec(),
            Self::Variable(number) => number::encode(*number),
            Self::Text(text) => prefixed(text),
            Self::Binary(bytes) => prefixed(bytes),
            Self::Pair(name, value) => [prefixed(name), prefixed(value)].concat(),
            Self::Raw(bytes) => bytes.clone(),
        }
    }
}

macro_rules! properties {
    ($($(#[$doc:meta])* $name:ident($identifier:literal): $variant:ident, $given:ty => $made:expr, $seen:ty, $read:expr;)+) => {
        impl Property {
            $($(#[$doc])* pub fn $name(value: $given) -> Self {
                let make: fn($given) -> Value = $made;
                Self { identifier: $identifier, value: make(value) }
            })+
        }

        impl Properties {
            $($(#[$doc])* /// The first one, if there are several.
            pub fn $name(&self) -> Option<$seen> {
                self.0.iter().filter(|property| property.identifier == $identifier).find_map(|property| {
                    match &property.value {
                        Value::$variant(value) => Some($read(value)),
                        _ => None,
                    }
                })
            })+
        }
    };
}

fn copied<T: Copy>(value: &T) -> T {
    *value
}

properties! {
    /// 1: the payload is UTF-8.
    payload_format_indicator(0x01): Byte, u8 => Value::Byte, u8, copied;
    /// Seconds.
    message_expiry_interval(0x02): FourByte, u32 => Value::FourByte, u32, copied;
    /// The type of the payload.
    content_type(0x03): Text, &str => |text| Value::Text(text.to_owned()), &str, String::as_str;
    /// Where an answer goes.
    response_topic(0x08): Text, &str => |text| Value::Text(text.to_owned()), &str, String::as_str;
    /// What tells the asker which question an answer is for.
    correlation_data(0x09): Binary, &[u8] => |bytes| Value::Binary(bytes.to_vec()), &[u8], Vec::as_slice;
    /// 1 to 268435455.
    subscription_identifier(0x0b): Variable, u32 => Value::Variable, u32, copied;
    /// Seconds; 0xFFFFFFFF never ends.
    session_expiry_interval(0x11): FourByte, u32 => Value::FourByte, u32, copied;
    /// The identifier that the server gave.
    assigned_client_identifier(0x12): Text, &str => |text| Value::Text(text.to_owned()), &str, String::as_str;
    /// Seconds.
    server_keep_alive(0x13): TwoByte, u16 => Value::TwoByte, u16, copied;
    /// The name of the method of enhanced authentication.
    authentication_method(0x15): Text, &str => |text| Value::Text(text.to_owned()), &str, String::as_str;
    /// What the method says.
    authentication_data(0x16): Binary, &[u8] => |bytes| Value::Binary(bytes.to_vec()), &[u8], Vec::as_slice;
    /// 0 or 1.
    request_problem_information(0x17): Byte, u8 => Value::Byte, u8, copied;
    /// Seconds.
    will_delay_interval(0x18): FourByte, u32 => Value::FourByte, u32, copied;
    /// 0 or 1.
    request_response_information(0x19): Byte, u8 => Value::Byte, u8, copied;
    /// What response topics are made from.
    response_information(0x1a): Text, &str => |text| Value::Text(text.to_owned()), &str, String::as_str;
    /// Another server.
    server_reference(0x1c): Text, &str => |text| Value::Text(text.to_owned()), &str, String::as_str;
    /// A reason for people.
    reason_string(0x1f): Text, &str => |text| Value::Text(text.to_owned()), &str, String::as_str;
    /// 1 to 65535.
    receive_maximum(0x21): TwoByte, u16 => Value::TwoByte, u16, copied;
    /// 0 to 65535.
    topic_alias_maximum(0x22): TwoByte, u16 => Value::TwoByte, u16, copied;
    /// 1 to 65535.
    topic_alias(0x23): TwoByte, u16 => Value::TwoByte, u16, copied;
    /// 0 or 1.
    maximum_qos(0x24): Byte, u8 => Value::Byte, u8, copied;
    /// 0 or 1.
    retain_available(0x25): Byte, u8 => Value::Byte, u8, copied;
    /// Bytes, from 1.
    maximum_packet_size(0x27): FourByte, u32 => Value::FourByte, u32, copied;
    /// 0 or 1.
    wildcard_subscription_available(0x28): Byte, u8 => Value::Byte, u8, copied;
    /// 0 or 1.
    subscription_identifier_available(0x29): Byte, u8 => Value::Byte, u8, copied;
    /// 0 or 1.
    shared_subscription_available(0x2a): Byte, u8 => Value::Byte, u8, copied;
}

impl Property {
    /// A User Property: a name and a value.
    pub fn user(name: &str, value: &str) -> Self {
        Self { identifier: 0x26, value: Value::Pair(name.to_owned(), value.to_owned()) }
    }

    /// Any identifier with any bytes behind it.
    pub fn raw(identifier: u32, bytes: impl Into<Vec<u8>>) -> Self {
        Self { identifier, value: Value::Raw(bytes.into()) }
    }

    /// Identifier and value as bytes.
    pub fn encode(&self) -> Vec<u8> {
        [number::encode(self.identifier), self.value.encode()].concat()
    }

    /// The name as a field of a draft, `unknown_property` where 5.0 knows none.
    pub fn field(&self) -> &'static str {
        tables::property_type(self.identifier).map_or("unknown_property", |property| property.field)
    }

    /// The name as a field of a draft among the Will Properties.
    pub fn will_field(&self) -> &'static str {
        match self.field() {
            "payload_format_indicator" => "will_payload_format_indicator",
            "message_expiry_interval" => "will_message_expiry_interval",
            "content_type" => "will_content_type",
            "response_topic" => "will_response_topic",
            "correlation_data" => "will_correlation_data",
            "user_property" => "will_user_property",
            "unknown_property" => "will_unknown_property",
            // Will Delay Interval already says so; the others do not belong there.
            field => field,
        }
    }
}

/// The properties of one place, in the order of the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Properties(pub Vec<Property>);

impl Properties {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many have this identifier.
    pub fn count(&self, identifier: u32) -> usize {
        self.0.iter().filter(|property| property.identifier == identifier).count()
    }

    /// All User Properties, in order.
    pub fn user(&self) -> Vec<(&str, &str)> {
        let mut pairs = Vec::new();
        for property in self.0.iter().filter(|property| property.identifier == 0x26) {
            if let Value::Pair(name, value) = &property.value {
                pairs.push((name.as_str(), value.as_str()));
            }
        }
        pairs
    }

    /// All Subscription Identifiers, in order.
    pub fn subscription_identifiers(&self) -> Vec<u32> {
        let number = |property: &Property| match property.value {
            Value::Variable(number) if property.identifier == 0x0b => Some(number),
            _ => None,
        };
        self.0.iter().filter_map(number).collect()
    }
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field() {
            "unknown_property" => write!(f, "0x{:02x}=", self.identifier)?,
            field => write!(f, "{field}=")?,
        }
        match &self.value {
            Value::Byte(number) => write!(f, "{number}"),
            Value::TwoByte(number) => write!(f, "{number}"),
            Value::FourByte(number) | Value::Variable(number) => write!(f, "{number}"),
            Value::Text(text) => write!(f, "{text:?}"),
            Value::Binary(bytes) | Value::Raw(bytes) => write!(f, "{}", crate::hex::short(bytes)),
            Value::Pair(name, value) => write!(f, "{name:?}:{value:?}"),
        }
    }
}
