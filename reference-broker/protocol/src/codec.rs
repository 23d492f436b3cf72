//! Bytes to packets and back.

mod reader;
mod writer;

use bytes::{Bytes, BytesMut};

pub(crate) use self::{
    reader::{Reader, Variable, variable_len},
    writer::Writer,
};
use crate::{Packet, Version, Violation};

/// The largest Remaining Length: four bytes of seven bits.
pub const MAXIMUM_REMAINING_LENGTH: u32 = 268_435_455;

/// The largest packet: its type, four bytes of Remaining Length, and what those can count.
pub const MAXIMUM_PACKET_SIZE: u32 = MAXIMUM_REMAINING_LENGTH + 5;

/// Which side of a connection somebody is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The side that connects.
    Client,
    /// The side that is connected to.
    Server,
}

/// What a [`Decoder`] accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketLimits {
    /// The largest packet, in bytes including its fixed header. Default [`MAXIMUM_PACKET_SIZE`].
    pub maximum_packet_size: u32,
}

impl Default for PacketLimits {
    fn default() -> Self {
        Self { maximum_packet_size: MAXIMUM_PACKET_SIZE }
    }
}

/// Cuts a stream of bytes into packets, however the stream is cut into reads.
///
/// Packets that lie within one read are slices of it; only one that straddles reads is put together in memory of the
/// decoder, which grows with what arrived and not with what was announced.
#[derive(Debug)]
pub struct Decoder {
    role: Role,
    limits: PacketLimits,
    version: Option<Version>,
    partial: BytesMut,
}

impl Decoder {
    /// A decoder for a new connection of which `role` is **our** side: `Role::Server` decodes what clients send.
    ///
    /// A server learns the version from CONNECT and accepts nothing else first (MQTT-3.1.0-1). A client calls
    /// [`set_version`](Self::set_version) with the version that it asked for; until then 3.1.1 is assumed.
    pub fn new(role: Role, limits: PacketLimits) -> Self {
        Self { role, limits, version: None, partial: BytesMut::new() }
    }

    /// Fixes the version.
    pub fn set_version(&mut self, version: Version) {
        self.version = Some(version);
    }

    /// The version, once known.
    pub fn version(&self) -> Option<Version> {
        self.version
    }

    /// How many bytes of an unfinished packet are held.
    pub fn buffered(&self) -> usize {
        self.partial.len()
    }

    /// Takes the next packet off the front of `bytes`. `Ok(None)` means that `bytes` is now empty, and that what is left
    /// of the stream is kept until the next call.
    ///
    /// # Errors
    ///
    /// How the peer broke the standard. The stream is then of no further use.
    pub fn decode(&mut self, bytes: &mut Bytes) -> Result<Option<Packet>, Violation> {
        let _ = (bytes, self.role, self.limits, Variable::read, Reader::new, Reader::rest, Reader::len, Reader::finish);
        todo!()
    }
}

/// Whether a packet was encoded as given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoded {
    /// As given.
    Whole,
    /// Without User Properties, and perhaps without Reason String, which would have exceeded the peer's Maximum Packet
    /// Size.
    Trimmed,
}

/// Why a packet cannot be encoded. Nothing was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// A binary field (password, Will payload, Correlation Data, Authentication Data) of more than 65,535 bytes.
    #[error("binary field of {length} bytes is longer than 65,535 bytes")]
    FieldTooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// A PUBLISH whose Packet Identifier does not go with its QoS: it has one exactly when the QoS is above 0
    /// (MQTT-2.2.1-2, MQTT-2.2.1-3).
    #[error("packet identifier does not go with the qos")]
    PacketIdentifier,
    /// The packet is larger than the peer accepts, even without what may be left out.
    #[error("packet of {size} bytes is larger than the maximum packet size of {maximum}")]
    TooLarge {
        /// Its smallest size in bytes.
        size: usize,
        /// What the peer accepts.
        maximum: u32,
    },
    /// The packet does not exist in this version: AUTH, or DISCONNECT of a server, in 3.1.1.
    #[error("packet does not exist in this version")]
    Version,
}
