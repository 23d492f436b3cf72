//! From bytes to packets, without judging them.

use wire::{
    Frame,
    number::{self, Decoded},
};

/// A packet larger than this is not held: it passes as garbage.
pub(super) const LARGEST_HELD: usize = 1024 * 1024;

/// Splits one direction's bytes. It holds less than one packet between calls.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    held: Vec<u8>,
    read: usize,
    /// What is left of a packet that is too large to hold.
    oversize: usize,
    lost: bool,
}

/// What comes out.
#[derive(Debug)]
pub(super) enum Piece {
    Frame(Frame),
    Garbage(Vec<u8>),
}

impl Splitter {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.held.drain(..self.read);
        self.read = 0;
        self.held.extend_from_slice(bytes);
    }

    pub(super) fn next(&mut self) -> Option<Piece> {
        let waiting = &self.held[self.read..];
        if waiting.is_empty() {
            return None;
        }
        if !self.lost && self.oversize == 0 {
            match length(waiting) {
                Length::Unknown => return None,
                Length::Malformed => self.lost = true,
                Length::Of(length) if length > LARGEST_HELD => self.oversize = length,
                Length::Of(length) if length > waiting.len() => return None,
                Length::Of(length) => {
                    let frame = Frame::new(&waiting[..length]);
                    self.read += length;
                    return Some(Piece::Frame(frame));
                }
            }
        }
        let take = if self.lost { waiting.len() } else { waiting.len().min(self.oversize) };
        self.oversize -= take.min(self.oversize);
        self.take(take)
    }

    /// What is left of a packet that never became whole.
    pub(super) fn rest(&mut self) -> Option<Piece> {
        self.take(self.held.len() - self.read)
    }

    /// Whether the limits of packets are no longer known.
    pub(super) fn is_lost(&self) -> bool {
        self.lost
    }

    /// The next bytes begin a packet again.
    pub(super) fn find_again(&mut self) {
        self.lost = false;
    }

    fn take(&mut self, length: usize) -> Option<Piece> {
        let bytes = self.held[self.read..][..length].to_vec();
        self.read += length;
        (length > 0).then_some(Piece::Garbage(bytes))
    }
}

impl Piece {
    /// One packet or else garbage.
    pub(super) fn of(bytes: Vec<u8>) -> Self {
        match length(&bytes) {
            Length::Of(length) if length == bytes.len() => Self::Frame(Frame::new(bytes)),
            _ => Self::Garbage(bytes),
        }
    }
}

/// How long the packet is that begins here, fixed header and all.
enum Length {
    Unknown,
    Of(usize),
    Malformed,
}

fn length(bytes: &[u8]) -> Length {
    match number::decode(bytes.get(1..).unwrap_or_default()) {
        Decoded::Number { value, width } => Length::Of(1 + width + value as usize),
        Decoded::Incomplete => Length::Unknown,
        Decoded::TooLong => Length::Malformed,
    }
}
