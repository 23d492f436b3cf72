//! The facts of the standard as data: packet types, properties, reason codes.

mod rows;

pub use rows::{PACKET_TYPES, PROPERTIES, REASONS, RETURN_CODES};

use crate::version::{
    Direction,
    Kind::{self, Suback},
    Version,
};

/// One type of packet.
#[derive(Debug)]
pub struct PacketType {
    /// Its type.
    pub kind: Kind,
    /// Its name.
    pub name: &'static str,
    /// The lower four bits of the first byte; `None` where they mean something (PUBLISH).
    pub flags: Option<u8>,
    /// Who may send it in 3.1 and 3.1.1; nobody where it does not exist.
    pub senders_of_3: &'static [Direction],
    /// Who may send it in 5.0.
    pub senders_of_5: &'static [Direction],
}

impl PacketType {
    /// Who may send it in `version`.
    pub fn senders(&self, version: Version) -> &'static [Direction] {
        if version.has_properties() { self.senders_of_5 } else { self.senders_of_3 }
    }
}

/// What a property's value is made of (5.0, section 2.2.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataType {
    /// One byte.
    Byte,
    /// Two Byte Integer.
    TwoByte,
    /// Four Byte Integer.
    FourByte,
    /// Variable Byte Integer.
    Variable,
    /// UTF-8 Encoded String.
    Text,
    /// Binary Data.
    Binary,
    /// UTF-8 String Pair.
    Pair,
}

/// Which values a property may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Values {
    /// All of its type.
    Any,
    /// 0 or 1.
    ZeroOrOne,
    /// All but 0.
    NotZero,
    /// A Topic Name: not empty, no wildcards.
    TopicName,
}

/// Where properties stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the variable header of a packet.
    Packet(Kind),
    /// Among the Will Properties of CONNECT.
    Will,
}

/// One property of 5.0.
#[derive(Debug)]
pub struct PropertyType {
    /// Its identifier.
    pub identifier: u32,
    /// The standard's name.
    pub name: &'static str,
    /// The name as a field of a draft.
    pub field: &'static str,
    /// What its value is made of.
    pub data: DataType,
    /// Which values are allowed.
    pub values: Values,
    /// The places where it may stand.
    pub places: &'static [Place],
    /// The places where it may stand more than once.
    pub repeats: &'static [Place],
    /// The section of 5.0 that defines it first.
    pub section: &'static str,
}

/// One reason code. In 3.1 and 3.1.1 these are the return codes of CONNACK and SUBACK.
#[derive(Debug)]
pub struct Reason {
    /// Its value.
    pub code: u8,
    /// The standard's name.
    pub name: &'static str,
    /// The packets that may carry it.
    pub packets: &'static [Kind],
    /// Packets in which only one side may send it.
    pub only: &'static [(Kind, Direction)],
}

/// The row of a type of packet.
pub fn packet_type(kind: Kind) -> &'static PacketType {
    &PACKET_TYPES[usize::from(kind.code() - 1)]
}

/// The row of a property, if there is one with this identifier.
pub fn property_type(identifier: u32) -> Option<&'static PropertyType> {
    PROPERTIES.iter().find(|property| property.identifier == identifier)
}

/// The codes that `kind` may carry in `version`.
pub fn reasons(version: Version, kind: Kind) -> impl Iterator<Item = &'static Reason> {
    let rows: &[Reason] = if version.has_properties() { &REASONS } else { &RETURN_CODES };
    // Section 3.9 of 3.1 knows granted levels only.
    let lacks = move |reason: &Reason| version == Version::V3_1 && kind == Suback && reason.code == 0x80;
    rows.iter().filter(move |reason| reason.packets.contains(&kind) && !lacks(reason))
}

/// The row of `code` in `kind`, if `kind` may carry it.
pub fn reason(version: Version, kind: Kind, code: u8) -> Option<&'static Reason> {
    reasons(version, kind).find(|reason| reason.code == code)
}
