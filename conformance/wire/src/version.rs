//! Who speaks, in which version of the standard, and the types of packet.

use std::fmt;

use crate::tables;

/// A version of the standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// MQTT 3.1, whose protocol name is `MQIsdp`. Its statements have no numbers.
    V3_1,
    /// MQTT 3.1.1, the OASIS standard of 2014.
    V3_1_1,
    /// MQTT 5.0, the OASIS standard of 2019.
    V5,
}

impl Version {
    /// All of them, oldest first.
    pub const ALL: [Self; 3] = [Self::V3_1, Self::V3_1_1, Self::V5];

    /// The protocol level (5.0: protocol version) in CONNECT.
    pub fn level(self) -> u8 {
        match self {
            Self::V3_1 => 3,
            Self::V3_1_1 => 4,
            Self::V5 => 5,
        }
    }

    /// The protocol name in CONNECT.
    pub fn protocol_name(self) -> &'static str {
        match self {
            Self::V3_1 => "MQIsdp",
            Self::V3_1_1 | Self::V5 => "MQTT",
        }
    }

    /// The version with this name and level in CONNECT.
    pub fn of(protocol_name: &[u8], level: u8) -> Option<Self> {
        let fits = |version: &Self| version.protocol_name().as_bytes() == protocol_name && version.level() == level;
        Self::ALL.into_iter().find(fits)
    }

    /// Whether packets carry properties and reason codes.
    pub fn has_properties(self) -> bool {
        self == Self::V5
    }
}

/// `3.1`, `3.1.1` or `5.0`.
impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V3_1 => "3.1",
            Self::V3_1_1 => "3.1.1",
            Self::V5 => "5.0",
        })
    }
}

/// Which end of the connection sent a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// The client sent it.
    FromClient,
    /// The server sent it.
    FromServer,
}

impl Direction {
    /// The other end.
    pub fn reverse(self) -> Self {
        match self {
            Self::FromClient => Self::FromServer,
            Self::FromServer => Self::FromClient,
        }
    }
}

/// `client` or `server`: the sender.
impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FromClient => "client",
            Self::FromServer => "server",
        })
    }
}

/// A type of packet: the upper four bits of the first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the standard's names say it all")]
#[repr(u8)]
pub enum Kind {
    Connect = 1,
    Connack = 2,
    Publish = 3,
    Puback = 4,
    Pubrec = 5,
    Pubrel = 6,
    Pubcomp = 7,
    Subscribe = 8,
    Suback = 9,
    Unsubscribe = 10,
    Unsuback = 11,
    Pingreq = 12,
    Pingresp = 13,
    Disconnect = 14,
    /// Only in 5.0.
    Auth = 15,
}

impl Kind {
    /// All of them, in the order of their codes.
    pub const ALL: [Self; 15] = [
        Self::Connect,
        Self::Connack,
        Self::Publish,
        Self::Puback,
        Self::Pubrec,
        Self::Pubrel,
        Self::Pubcomp,
        Self::Subscribe,
        Self::Suback,
        Self::Unsubscribe,
        Self::Unsuback,
        Self::Pingreq,
        Self::Pingresp,
        Self::Disconnect,
        Self::Auth,
    ];

    /// The code, 1 to 15.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The type with this code; there is none for 0 and above 15.
    pub fn of(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// The first byte with the flags that the standard gives it (PUBLISH: QoS 0, no DUP, no RETAIN).
    pub fn first_byte(self) -> u8 {
        self.code() << 4 | tables::packet_type(self).flags.unwrap_or(0)
    }
}

/// The standard's name, such as `PUBLISH`.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(tables::packet_type(*self).name)
    }
}
