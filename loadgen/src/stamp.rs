//! The measurement stamp that travels as the last member of every measured message.
//!
//! ```text
//! {"yield_kg":12.4,"stamp":"RRRRRRRR-SSSSSSSS-NNNNNNNN-TTTTTTTTTTTTTTTT"}
//!                           run      stream   sequence intended start, ns since the run's start
//! ```
//!
//! All lower-case hexadecimal of fixed width, so that it is found from the end without parsing JSON.
//!
//! The bytes of a plain device have no last member. There the same figures stand in the last 24 bytes, big-endian:
//!
//! ```text
//!   TTTTTTTT SSSS NNNN RRRR  f5 'p' 'd' 'k'
//! ```

use std::{fmt, str::FromStr, time::Duration};

const PREFIX: &[u8; 9] = b"\"stamp\":\"";
const SUFFIX: &[u8; 2] = b"\"}";
const BODY: usize = 8 + 1 + 8 + 1 + 8 + 1 + 16;
const LENGTH: usize = PREFIX.len() + BODY + SUFFIX.len();
/// The end of a stamp in bytes. Never the end of a stamp in JSON.
const MAGIC: [u8; 4] = *b"\xf5pdk";
const BINARY: usize = 8 + 4 + 4 + 4 + MAGIC.len();

/// Which run a message belongs to: messages of other runs on a shared broker are told apart by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RunId(pub u32);

impl RunId {
    /// The id of a run that has its broker to itself: a function of the seed, so that equal seeds give equal bytes.
    pub const fn from_seed(seed: u64) -> Self {
        Self::mixed(seed)
    }

    /// The id of a run on a broker that others may use: also of `moment`, any number that differs from run to run.
    pub const fn unique(seed: u64, moment: u64) -> Self {
        Self::mixed(seed ^ moment.rotate_left(32) ^ moment)
    }

    // SplitMix64's finalizer: neighbouring seeds give unrelated ids.
    const fn mixed(seed: u64) -> Self {
        let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        Self(((z ^ (z >> 31)) >> 32) as u32)
    }
}

/// Reads eight hexadecimal digits.
impl FromStr for RunId {
    type Err = NotARunId;

    fn from_str(text: &str) -> Result<Self, NotARunId> {
        let plain = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = u32::from_str_radix(text, 16).ok().filter(|_| plain);
        number.map(Self).ok_or(NotARunId)
    }
}

/// Text that is no id of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the id of a run is eight hexadecimal digits, such as 5eed0042")]
pub struct NotARunId;

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

/// One series of messages that the standard keeps in order: one publisher, one topic, one QoS (4.6).
///
/// Made of the device and the number of the series within it, so that a load split over several processes names the
/// same series alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(u32);

impl StreamId {
    const SERIES_BITS: u32 = 10;
    /// How many series one device may have.
    pub const SERIES: u32 = 1 << Self::SERIES_BITS;
    /// How many devices a run may have.
    pub const DEVICES: u32 = 1 << (u32::BITS - Self::SERIES_BITS);

    /// Series `series` of device `device`; `None` when either is out of range.
    pub const fn new(device: u32, series: u32) -> Option<Self> {
        if device < Self::DEVICES && series < Self::SERIES {
            Some(Self(device << Self::SERIES_BITS | series))
        } else {
            None
        }
    }

    /// The device that publishes it.
    pub const fn device(self) -> u32 {
        self.0 >> Self::SERIES_BITS
    }

    /// Its number within the device.
    pub const fn series(self) -> u32 {
        self.0 & (Self::SERIES - 1)
    }

    /// The series of this number on the wire; every number is one.
    pub const fn from_value(value: u32) -> Self {
        Self(value)
    }

    /// The number on the wire.
    pub const fn value(self) -> u32 {
        self.0
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

/// What a measured message says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The run.
    pub run: RunId,
    /// The series.
    pub stream: StreamId,
    /// The place in the series, from 0.
    pub sequence: u32,
    /// When the message was meant to start, in nanoseconds since the run's start.
    pub intended: u64,
}

impl Stamp {
    /// The intended start as an offset from the run's start.
    pub const fn intended_start(&self) -> Duration {
        Duration::from_nanos(self.intended)
    }

    /// Appends the stamp to `payload` as the last member of its JSON object.
    ///
    /// # Errors
    ///
    /// [`NotAnObject`] when the payload does not end with `}`; it is then untouched.
    pub fn append(&self, payload: &mut Vec<u8>) -> Result<(), NotAnObject> {
        if payload.last() != Some(&b'}') {
            return Err(NotAnObject);
        }
        payload.pop();
        payload.reserve(LENGTH + 1);
        if payload.last() != Some(&b'{') {
            payload.push(b',');
        }
        payload.extend_from_slice(PREFIX);
        push_hex(payload, u64::from(self.run.0), 8);
        payload.push(b'-');
        push_hex(payload, u64::from(self.stream.0), 8);
        payload.push(b'-');
        push_hex(payload, u64::from(self.sequence), 8);
        payload.push(b'-');
        push_hex(payload, self.intended, 16);
        payload.extend_from_slice(SUFFIX);
        Ok(())
    }

    /// Writes the stamp over the last 24 bytes of `payload`.
    ///
    /// # Errors
    ///
    /// [`TooShort`] when the payload has fewer.
    pub fn overwrite(&self, payload: &mut [u8]) -> Result<(), TooShort> {
        let tail: &mut [u8; BINARY] = payload.last_chunk_mut().ok_or(TooShort)?;
        tail[..8].copy_from_slice(&self.intended.to_be_bytes());
        tail[8..12].copy_from_slice(&self.stream.0.to_be_bytes());
        tail[12..16].copy_from_slice(&self.sequence.to_be_bytes());
        tail[16..20].copy_from_slice(&self.run.0.to_be_bytes());
        tail[20..].copy_from_slice(&MAGIC);
        Ok(())
    }

    /// Replaces the place in the series that a stamp in the last 24 bytes of `payload` names.
    pub fn renumber(payload: &mut [u8], sequence: u32) {
        if let Some(tail) = payload.last_chunk_mut::<BINARY>() {
            tail[12..16].copy_from_slice(&sequence.to_be_bytes());
        }
    }

    /// Reads the stamp from the end of `payload`; `None` when there is none.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        if payload.ends_with(&MAGIC) {
            return Self::parse_bytes(payload);
        }
        let tail: &[u8; LENGTH] = payload.last_chunk()?;
        let body = tail.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
        let run = body.get(..8)?;
        let (stream, sequence, intended) = (body.get(9..17)?, body.get(18..26)?, body.get(27..)?);
        if body[8] != b'-' || body[17] != b'-' || body[26] != b'-' {
            return None;
        }
        Some(Self {
            run: RunId(hex(run)? as u32),
            stream: StreamId(hex(stream)? as u32),
            sequence: hex(sequence)? as u32,
            intended: hex(intended)?,
        })
    }

    fn parse_bytes(payload: &[u8]) -> Option<Self> {
        let tail: &[u8; BINARY] = payload.last_chunk()?;
        let word = |at: usize| u32::from_be_bytes([tail[at], tail[at + 1], tail[at + 2], tail[at + 3]]);
        Some(Self {
            run: RunId(word(16)),
            stream: StreamId(word(8)),
            sequence: word(12),
            intended: u64::from(word(0)) << 32 | u64::from(word(4)),
        })
    }
}

/// A payload too short for a stamp in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("payload has fewer than {BINARY} bytes, so it cannot carry a measurement stamp")]
pub struct TooShort;

/// A payload that cannot carry a stamp: it is no JSON object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("payload is no JSON object, so it cannot carry a measurement stamp")]
pub struct NotAnObject;

fn push_hex(out: &mut Vec<u8>, value: u64, digits: u32) {
    for digit in (0..digits).rev() {
        out.push(b"0123456789abcdef"[(value >> (4 * digit) & 0xF) as usize]);
    }
}

fn hex(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |value, digit| {
        let nibble = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(value << 4 | u64::from(nibble))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stamp() -> Stamp {
        Stamp {
            run: RunId(0xDEAD_BEEF),
            stream: StreamId::new(1, 2).unwrap(),
            sequence: 3,
            intended: 0x0123_4567_89AB_CDEF,
        }
    }

    #[test]
    fn an_id_is_read_as_it_is_written() {
        assert_eq!("5eed0042".parse(), Ok(RunId(0x5EED_0042)));
        for text in ["", "5eed004", "5eed00420", "+eed0042", "5eed004x"] {
            assert_eq!(text.parse::<RunId>(), Err(NotARunId), "{text}");
        }
    }

    #[test]
    fn stamp_is_the_last_member() {
        let mut payload = br#"{"a":1}"#.to_vec();
        stamp().append(&mut payload).unwrap();
        let expected = r#"{"a":1,"stamp":"deadbeef-00000402-00000003-0123456789abcdef"}"#;
        assert_eq!(String::from_utf8(payload).unwrap(), expected);
    }

    #[test]
    fn empty_object_gets_no_comma() {
        let mut payload = b"{}".to_vec();
        stamp().append(&mut payload).unwrap();
        assert!(payload.starts_with(br#"{"stamp":"#));
        assert_eq!(Stamp::parse(&payload), Some(stamp()));
    }

    #[test]
    fn other_payloads_are_refused_untouched() {
        let mut payload = b"21.5".to_vec();
        assert_eq!(stamp().append(&mut payload), Err(NotAnObject));
        assert_eq!(payload, b"21.5");
    }

    #[test]
    fn damaged_stamps_are_no_stamps() {
        let mut payload = b"{}".to_vec();
        stamp().append(&mut payload).unwrap();
        for at in 1..payload.len() {
            let mut damaged = payload.clone();
            damaged[at] = b'X';
            assert_eq!(Stamp::parse(&damaged), None, "byte {at}");
        }
        assert_eq!(Stamp::parse(&payload[..payload.len() - 1]), None);
    }

    proptest! {
        #[test]
        fn parse_undoes_append(run: u32, stream: u32, sequence: u32, intended: u64) {
            let stamp = Stamp { run: RunId(run), stream: StreamId(stream), sequence, intended };
            let mut payload = br#"{"k":[1]}"#.to_vec();
            stamp.append(&mut payload).unwrap();
            prop_assert_eq!(Stamp::parse(&payload), Some(stamp));
        }

        #[test]
        fn parse_undoes_overwrite(run: u32, stream: u32, sequence: u32, intended: u64, mut payload: Vec<u8>) {
            let stamp = Stamp { run: RunId(run), stream: StreamId(stream), sequence, intended };
            let before = payload.clone();
            prop_assert_eq!(stamp.overwrite(&mut payload), if before.len() < 24 { Err(TooShort) } else { Ok(()) });
            prop_assert_eq!(Stamp::parse(&payload), (before.len() >= 24).then_some(stamp));
            let next = sequence.wrapping_add(1);
            Stamp::renumber(&mut payload, next);
            prop_assert_eq!(Stamp::parse(&payload), (before.len() >= 24).then_some(Stamp { sequence: next, ..stamp }));
            prop_assert_eq!(&payload[..before.len().saturating_sub(24)], &before[..before.len().saturating_sub(24)]);
        }

        #[test]
        fn parse_takes_any_bytes(payload: Vec<u8>) {
            let _ = Stamp::parse(&payload);
        }
    }
}
