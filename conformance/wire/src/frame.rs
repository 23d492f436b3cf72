//! Cutting a stream into packets without judging them.

mod lenient;

use crate::{
    Breach, Direction, Kind, Packet, Version,
    number::{self, Decoded},
};

/// The bytes of one packet, whatever they say. Its readers give what can be made out and never fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    bytes: Vec<u8>,
    /// How long the fixed header is; `None` where no packet could be made out.
    header: Option<usize>,
}

impl Frame {
    /// Takes `bytes` for one packet. If their Remaining Length is not theirs, the body is what follows it.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        let header = match number::decode(bytes.get(1..).unwrap_or_default()) {
            Decoded::Number { width, .. } => Some(1 + width),
            Decoded::Incomplete | Decoded::TooLong => None,
        };
        Self { bytes, header }
    }

    /// All of its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// All of its bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Whether no packet could be made out: the stream is not MQTT, or not any more. Such bytes come as they arrive.
    pub fn is_opaque(&self) -> bool {
        self.header.is_none()
    }

    /// What the first byte says; none for type 0 and for opaque bytes.
    pub fn kind(&self) -> Option<Kind> {
        self.header.and_then(|_| Kind::of(self.first_byte()? >> 4))
    }

    /// The first byte, if there is any.
    pub fn first_byte(&self) -> Option<u8> {
        self.bytes.first().copied()
    }

    /// The lower four bits of the first byte.
    pub fn flags(&self) -> Option<u8> {
        self.first_byte().map(|byte| byte & 0x0f)
    }

    /// What the fixed header says.
    pub fn remaining_length(&self) -> Option<u32> {
        match number::decode(self.bytes.get(1..)?) {
            Decoded::Number { value, .. } => Some(value),
            Decoded::Incomplete | Decoded::TooLong => None,
        }
    }

    /// What follows the fixed header; nothing of opaque bytes.
    pub fn body(&self) -> &[u8] {
        self.header.and_then(|header| self.bytes.get(header..)).unwrap_or_default()
    }

    /// Judges it: see [`Packet::parse`].
    ///
    /// # Errors
    /// The first thing that the standard does not allow.
    pub fn parse(&self, version: Version, direction: Direction) -> Result<Packet, Breach> {
        Packet::parse(version, direction, &self.bytes)
    }
}

/// A stream of bytes, cut into frames. Keeps no more than what was pushed and not yet taken.
#[derive(Debug)]
pub struct Frames {
    buffer: Vec<u8>,
    /// Where what was not taken yet starts.
    start: usize,
    longest: usize,
    opaque: bool,
}

impl Default for Frames {
    fn default() -> Self {
        Self::new()
    }
}

impl Frames {
    /// Takes packets of every length that the standard allows.
    pub fn new() -> Self {
        Self::up_to(1 + 4 + number::LARGEST as usize)
    }

    /// Takes packets up to `longest` bytes. After a longer one is announced the stream is opaque.
    pub fn up_to(longest: usize) -> Self {
        Self { buffer: Vec::new(), start: 0, longest, opaque: false }
    }

    /// Adds what arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        // Once per arrival and not once per packet.
        self.buffer.drain(..self.start);
        self.start = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// What has arrived and is no whole packet yet.
    pub fn pending(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    /// Whether the stream can be cut no further: a length of more than four bytes, or beyond what is allowed.
    pub fn is_opaque(&self) -> bool {
        self.opaque
    }

    fn next_length(&mut self) -> Option<usize> {
        let arrived = self.pending().len();
        if self.opaque {
            return Some(arrived).filter(|length| *length > 0);
        }
        match number::decode(self.pending().get(1..)?) {
            Decoded::Number { value, width } if 1 + width + value as usize <= self.longest => {
                Some(1 + width + value as usize).filter(|length| *length <= arrived)
            }
            Decoded::Incomplete => None,
            Decoded::Number { .. } | Decoded::TooLong => {
                self.opaque = true;
                Some(arrived)
            }
        }
    }
}

/// The next whole packet, or what arrived of an opaque stream.
impl Iterator for Frames {
    type Item = Frame;

    fn next(&mut self) -> Option<Frame> {
        let length = self.next_length()?;
        let bytes = self.pending().get(..length)?.to_vec();
        self.start += length;
        Some(if self.opaque { Frame { bytes, header: None } } else { Frame::new(bytes) })
    }
}
