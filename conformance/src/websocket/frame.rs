//! Frames of RFC 6455, section 5.2, as they are: nothing is judged here.

/// What frames are for.
pub(crate) mod opcode {
    pub(crate) const CONTINUATION: u8 = 0x0;
    pub(crate) const TEXT: u8 = 0x1;
    pub(crate) const BINARY: u8 = 0x2;
    pub(crate) const CLOSE: u8 = 0x8;
    pub(crate) const PING: u8 = 0x9;
    pub(crate) const PONG: u8 = 0xA;
}

/// The longest payload that is taken, in bytes: more than any packet of a case.
const LONGEST: u64 = 8 << 20;
/// Any mask does where nobody tries to poison a proxy's cache.
const MASK: [u8; 4] = [0x5a, 0x17, 0xc3, 0x88];

/// One frame. Every field may lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Whether the message ends with it.
    pub last: bool,
    /// The three reserved bits, 0 to 7.
    pub reserved: u8,
    /// What it is for, 0 to 15.
    pub opcode: u8,
    /// Whether its payload is masked on the wire; a client's must be.
    pub masked: bool,
    /// Its payload, unmasked.
    pub payload: Vec<u8>,
}

impl Frame {
    /// As a client sends it: a whole message, masked.
    pub(crate) fn new(opcode: u8, payload: impl Into<Vec<u8>>) -> Self {
        Self { last: true, reserved: 0, opcode, masked: true, payload: payload.into() }
    }

    /// A whole message of MQTT's bytes.
    pub(crate) fn binary(payload: impl Into<Vec<u8>>) -> Self {
        Self::new(opcode::BINARY, payload)
    }

    /// The good-bye of a client, with this code.
    pub(crate) fn close(code: u16) -> Self {
        Self::new(opcode::CLOSE, code.to_be_bytes())
    }

    /// Whether it says something about the connection and carries no data.
    pub(crate) fn is_control(&self) -> bool {
        self.opcode & 0x8 != 0
    }

    /// On the wire, its length in the shortest form.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![u8::from(self.last) << 7 | (self.reserved & 0x7) << 4 | self.opcode & 0xf];
        let mask_bit = u8::from(self.masked) << 7;
        let length = self.payload.len();
        match (u8::try_from(length), u16::try_from(length)) {
            (Ok(short @ ..126), _) => bytes.push(mask_bit | short),
            (_, Ok(medium)) => {
                bytes.push(mask_bit | 126);
                bytes.extend_from_slice(&medium.to_be_bytes());
            }
            _ => {
                bytes.push(mask_bit | 127);
                bytes.extend_from_slice(&(length as u64).to_be_bytes());
            }
        }
        if self.masked {
            bytes.extend_from_slice(&MASK);
            bytes.extend(self.payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        } else {
            bytes.extend_from_slice(&self.payload);
        }
        bytes
    }

    /// In a line, for the evidence.
    pub(crate) fn line(&self) -> String {
        let name = match self.opcode {
            opcode::CONTINUATION => "continuation".to_owned(),
            opcode::TEXT => "text".to_owned(),
            opcode::BINARY => "binary".to_owned(),
            opcode::CLOSE => match self.payload.first_chunk() {
                Some(code) => format!("close {}", u16::from_be_bytes(*code)),
                None => "close".to_owned(),
            },
            opcode::PING => "ping".to_owned(),
            opcode::PONG => "pong".to_owned(),
            other => format!("opcode {other}"),
        };
        let more = if self.last { "" } else { ", more follows" };
        let reserved =
            if self.reserved == 0 { String::new() } else { format!(", reserved bits {:03b}", self.reserved) };
        format!("{name} frame of {} bytes{more}{reserved}", self.payload.len())
    }
}

/// A stream of bytes, cut into frames.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    buffer: Vec<u8>,
}

/// Why a stream can be cut no further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Uncut(pub(crate) String);

impl Frames {
    /// Adds what arrived.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole frame.
    ///
    /// # Errors
    ///
    /// When its length is not written in the shortest form (RFC 6455, 5.2), or beyond what is taken.
    pub(crate) fn take(&mut self) -> Result<Option<Frame>, Uncut> {
        let [first, second, rest @ ..] = self.buffer.as_slice() else { return Ok(None) };
        let (masked, short) = (second & 0x80 != 0, second & 0x7f);
        let (length, rest, least) = match short {
            126 => match rest.split_first_chunk() {
                Some((length, rest)) => (u64::from(u16::from_be_bytes(*length)), rest, 126),
                None => return Ok(None),
            },
            127 => match rest.split_first_chunk() {
                Some((length, rest)) => (u64::from_be_bytes(*length), rest, 1 << 16),
                None => return Ok(None),
            },
            short => (u64::from(short), rest, 0),
        };
        if length < least {
            return Err(Uncut(format!("a frame whose length {length} is not written in the shortest form")));
        }
        let size = usize::try_from(length).ok().filter(|_| length <= LONGEST);
        let Some(size) = size else { return Err(Uncut(format!("a frame of {length} bytes"))) };
        let (mask, rest) = match (masked, rest.split_first_chunk()) {
            (false, _) => ([0; 4], rest),
            (true, Some((mask, rest))) => (*mask, rest),
            (true, None) => return Ok(None),
        };
        let Some(payload) = rest.get(..size) else { return Ok(None) };
        let payload = payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
        let (last, reserved, opcode) = (first & 0x80 != 0, first >> 4 & 0x7, first & 0xf);
        let used = self.buffer.len() - rest.len() + size;
        self.buffer.drain(..used);
        Ok(Some(Frame { last, reserved, opcode, masked, payload }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6455, section 5.7.
    #[test]
    fn the_examples_of_the_rfc_are_read() {
        let mut frames = Frames::default();
        frames.push(&[0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58, 0x01, 0x03, 0x48, 0x65, 0x6c]);
        assert_eq!(frames.take(), Ok(Some(Frame::new(opcode::TEXT, "Hello"))));
        assert_eq!(frames.take(), Ok(Some(Frame { last: false, masked: false, ..Frame::new(opcode::TEXT, "Hel") })));
        assert_eq!((frames.take(), frames.buffer.len()), (Ok(None), 0));
    }

    #[test]
    fn what_is_written_is_read_back() {
        for length in [0, 1, 125, 126, 65_535, 65_536] {
            for masked in [false, true] {
                let frame = Frame { masked, reserved: 5, ..Frame::binary(vec![7; length]) };
                let mut frames = Frames::default();
                let bytes = frame.encode();
                frames.push(&bytes[..bytes.len() - 1]);
                let early = frames.take();
                frames.push(&bytes[bytes.len() - 1..]);
                assert_eq!((early, frames.take()), (Ok(None), Ok(Some(frame))), "{length}");
            }
        }
    }

    #[test]
    fn a_long_form_of_a_short_length_is_no_frame() {
        let mut frames = Frames::default();
        frames.push(&[0x82, 126, 0, 5, 1, 2, 3, 4, 5]);
        assert!(frames.take().is_err());
        let mut frames = Frames::default();
        frames.push(&[0x82, 127, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
        assert_eq!(frames.take(), Err(Uncut("a frame of 18446744069414584320 bytes".into())));
    }
}
