//! Bytes to packets and back.

mod decoder;
mod encode;
mod familiar;
mod reader;
mod writer;

pub(crate) use self::{
    decoder::{Context, Head},
    encode::{Body, Keep, check_binary, write_packet},
    familiar::Familiar,
    reader::Reader,
    writer::{Writer, variable_len},
};
pub use self::{
    decoder::{Decoder, PacketLimits},
    encode::{EncodeError, Encoded},
};

/// The largest Remaining Length: four bytes of seven bits.
pub const MAXIMUM_REMAINING_LENGTH: u32 = 268_435_455;

/// The largest packet: its first byte, four bytes of Remaining Length, and what those can count.
pub const MAXIMUM_PACKET_SIZE: u32 = MAXIMUM_REMAINING_LENGTH + 5;

/// Which side of a connection somebody is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The side that connects.
    Client,
    /// The side that is connected to.
    Server,
}

impl Role {
    /// The other side.
    #[must_use]
    pub const fn peer(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}
