//! Packets: what a builder makes and what the strict parser found, in the same types.

mod ack;
mod auth;
mod connack;
mod connect;
mod disconnect;
mod publish;
mod request;
mod subscribe;
mod unsubscribe;

pub use ack::Ack;
pub use auth::Auth;
pub use connack::Connack;
pub use connect::{Connect, Will};
pub use disconnect::Disconnect;
pub use publish::Publish;
pub use subscribe::{Options, Suback, Subscribe};
pub use unsubscribe::{Unsuback, Unsubscribe};

use crate::{
    Breach, Direction, Kind, Property, Version,
    draft::{Draft, Draftable},
    number::{self, Decoded},
    reader::{Parsed, Reader, shortest},
    rule::{
        AUTH_FLAGS, DISCONNECT_FLAGS, DUP_AT_QOS_0, PUBLISH_QOS, PUBREL_FLAGS, RESERVED_FLAGS, Rule, SUBSCRIBE_FLAGS,
        UNSUBSCRIBE_FLAGS,
    },
    tables,
};

/// How much of what may be left out is left out: reason code and Property Length at the end of PUBACK, PUBREC, PUBREL, PUBCOMP,
/// DISCONNECT and AUTH of 5.0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// Everything that may be.
    #[default]
    Shortest,
    /// The Property Length only, if there are no properties.
    WithReason,
    /// Nothing.
    Full,
}

/// PINGREQ. No fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pingreq;

/// PINGRESP. No fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pingresp;

macro_rules! packets {
    ($($(#[$doc:meta])* $variant:ident($content:ty);)+) => {
        /// A packet of any type.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Packet {
            $($(#[$doc])* $variant($content),)+
        }

        impl Packet {
            /// Its type.
            pub fn kind(&self) -> Kind {
                match self {
                    $(Self::$variant(_) => Kind::$variant,)+
                }
            }

            /// As a draft of `version`.
            pub fn draft(&self, version: Version) -> Draft {
                match self {
                    $(Self::$variant(packet) => packet.draft(version),)+
                }
            }
        }
    };
}

packets! {
    /// CONNECT.
    Connect(Connect);
    /// CONNACK.
    Connack(Connack);
    /// PUBLISH.
    Publish(Publish);
    /// PUBACK.
    Puback(Ack);
    /// PUBREC.
    Pubrec(Ack);
    /// PUBREL.
    Pubrel(Ack);
    /// PUBCOMP.
    Pubcomp(Ack);
    /// SUBSCRIBE.
    Subscribe(Subscribe);
    /// SUBACK.
    Suback(Suback);
    /// UNSUBSCRIBE.
    Unsubscribe(Unsubscribe);
    /// UNSUBACK.
    Unsuback(Unsuback);
    /// PINGREQ.
    Pingreq(Pingreq);
    /// PINGRESP.
    Pingresp(Pingresp);
    /// DISCONNECT.
    Disconnect(Disconnect);
    /// AUTH.
    Auth(Auth);
}

macro_rules! draftable {
    ($($packet:ident)+) => {
        $(impl Draftable for $packet {
            fn into_draft(self, version: Version) -> Draft {
                self.draft(version)
            }
        }

        impl Draftable for &$packet {
            fn into_draft(self, version: Version) -> Draft {
                self.draft(version)
            }
        })+
    };
}

draftable! { Packet Connect Connack Publish Ack Subscribe Suback Unsubscribe Unsuback Pingreq Pingresp Disconnect Auth }

macro_rules! into_packet {
    ($($packet:ident)+) => {
        $(impl From<$packet> for Packet {
            fn from(packet: $packet) -> Self {
                Self::$packet(packet)
            }
        })+
    };
}

into_packet! { Connect Connack Publish Subscribe Suback Unsubscribe Unsuback Pingreq Pingresp Disconnect Auth }

macro_rules! with_properties {
    ($($packet:ident)+) => {
        $(impl $packet {
            /// One more property.
            #[must_use]
            pub fn with(mut self, property: Property) -> Self {
                self.properties.0.push(property);
                self
            }
        })+
    };
}

with_properties! { Connect Will Connack Publish Ack Subscribe Suback Unsubscribe Unsuback Disconnect Auth }

macro_rules! with_form {
    ($($packet:ident)+) => {
        $(impl $packet {
            /// What is left out.
            #[must_use]
            pub fn form(mut self, form: Form) -> Self {
                self.form = form;
                self
            }
        })+
    };
}

with_form! { Ack Disconnect Auth }

impl Pingreq {
    /// As a draft. Fields: none.
    pub fn draft(&self, version: Version) -> Draft {
        Draft::new(version, Kind::Pingreq.first_byte())
    }
}

impl Pingresp {
    /// As a draft. Fields: none.
    pub fn draft(&self, version: Version) -> Draft {
        Draft::new(version, Kind::Pingresp.first_byte())
    }
}

impl Packet {
    /// Reads one whole packet, from its first byte to its last, as a peer of `version` must have meant it.
    ///
    /// # Errors
    /// The first thing that the standard does not allow, also what it leaves to the receiver's mercy.
    pub fn parse(version: Version, direction: Direction, bytes: &[u8]) -> Result<Self, Breach> {
        let mut reader = open(version, direction, bytes)?;
        let packet = match reader.kind {
            Kind::Connect => Self::Connect(Connect::parse(&mut reader)?),
            Kind::Connack => Self::Connack(Connack::parse(&mut reader)?),
            Kind::Publish => Self::Publish(Publish::parse(&mut reader)?),
            Kind::Puback => Self::Puback(Ack::parse(&mut reader)?),
            Kind::Pubrec => Self::Pubrec(Ack::parse(&mut reader)?),
            Kind::Pubrel => Self::Pubrel(Ack::parse(&mut reader)?),
            Kind::Pubcomp => Self::Pubcomp(Ack::parse(&mut reader)?),
            Kind::Subscribe => Self::Subscribe(Subscribe::parse(&mut reader)?),
            Kind::Suback => Self::Suback(Suback::parse(&mut reader)?),
            Kind::Unsubscribe => Self::Unsubscribe(Unsubscribe::parse(&mut reader)?),
            Kind::Unsuback => Self::Unsuback(Unsuback::parse(&mut reader)?),
            Kind::Pingreq => Self::Pingreq(Pingreq),
            Kind::Pingresp => Self::Pingresp(Pingresp),
            Kind::Disconnect => Self::Disconnect(Disconnect::parse(&mut reader)?),
            Kind::Auth => Self::Auth(Auth::parse(&mut reader)?),
        };
        reader.end()?;
        Ok(packet)
    }
}

/// Reads the fixed header.
fn open(version: Version, direction: Direction, bytes: &[u8]) -> Parsed<Reader<'_>> {
    let breach = |at, what: String| Breach { statement: None, what, at };
    let Some(&first) = bytes.first() else {
        return Err(breach(0, "no bytes".to_owned()));
    };
    let kind = Kind::of(first >> 4).filter(|kind| !tables::packet_type(*kind).senders(version).is_empty());
    let Some(kind) = kind else {
        return Err(breach(0, format!("packet type {} is reserved in {version} (table of packet types)", first >> 4)));
    };
    let start = Reader::new(version, direction, kind, bytes, 0);
    if !tables::packet_type(kind).senders(version).contains(&direction) {
        return Err(start.unnumbered(0, format!("a {direction} sends {kind} {}", start.section("2.2.1", "2.1.2"))));
    }
    flags(&start, first & 0x0f)?;
    let (length, width) = match number::decode(&bytes[1..]) {
        Decoded::Number { value, width } => (value, width),
        Decoded::Incomplete => return Err(start.unnumbered(1, "Remaining Length ends in the middle")),
        Decoded::TooLong => {
            let section = start.section("2.2.3", "2.1.4");
            return Err(start.unnumbered(1, format!("Remaining Length has more than four bytes {section}")));
        }
    };
    shortest(version, "Remaining Length", 1, length, width)?;
    let body = bytes.len() - 1 - width;
    if body != length as usize {
        return Err(start.unnumbered(1, format!("Remaining Length is {length}, but {body} bytes follow")));
    }
    Ok(Reader::new(version, direction, kind, bytes, 1 + width))
}

/// The lower four bits of the first byte.
fn flags(reader: &Reader<'_>, flags: u8) -> Parsed<()> {
    let Some(expected) = tables::packet_type(reader.kind).flags else {
        return publish_flags(reader, flags);
    };
    let wrong = match reader.version {
        // 3.1 calls DUP, QoS and RETAIN unused where they mean nothing; PUBREL, SUBSCRIBE and UNSUBSCRIBE use QoS 1, and DUP.
        Version::V3_1 => expected != 0 && flags & 0b0110 != expected,
        Version::V3_1_1 | Version::V5 => flags != expected,
    };
    if !wrong {
        return Ok(());
    }
    let rule: Rule = match reader.kind {
        Kind::Pubrel => PUBREL_FLAGS,
        Kind::Subscribe => SUBSCRIBE_FLAGS,
        Kind::Unsubscribe => UNSUBSCRIBE_FLAGS,
        Kind::Disconnect => DISCONNECT_FLAGS,
        Kind::Auth => AUTH_FLAGS,
        _ => RESERVED_FLAGS,
    };
    Err(reader.breach(rule, 0, format!("the flags of {} are {flags:04b}, not {expected:04b}", reader.kind)))
}

fn publish_flags(reader: &Reader<'_>, flags: u8) -> Parsed<()> {
    match flags >> 1 & 3 {
        3 => Err(reader.breach(PUBLISH_QOS, 0, "PUBLISH has QoS 3")),
        // 3.1 does not forbid it.
        0 if flags & 8 != 0 && reader.version != Version::V3_1 => {
            Err(reader.breach(DUP_AT_QOS_0, 0, "PUBLISH has DUP at QoS 0"))
        }
        _ => Ok(()),
    }
}
