//! WebSocket frames (RFC 6455, section 5), read in place and without waiting for a whole one.

use super::Role;

/// The longest head of a frame: two bytes, a length of eight, a mask of four.
const LONGEST_HEAD: usize = 14;
/// The longest payload of a control frame.
const LONGEST_CONTROL: u8 = 125;
/// The longest payload of a data frame: more than any MQTT packet has. Nothing is kept of a frame, so this guards no
/// memory; but whoever announces more does not speak MQTT.
const LONGEST_DATA: u64 = 256 * 1024 * 1024 + 16;

const CONTINUATION: u8 = 0x0;
const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xA;

/// How the other side broke the rules of WebSocket, or MQTT's on top of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Violation {
    #[error("a text frame, but MQTT uses binary frames only")]
    Text,
    #[error("a reserved bit or opcode is set")]
    Reserved,
    #[error("a client must mask its frames")]
    Unmasked,
    #[error("a server must not mask its frames")]
    Masked,
    #[error("the length of a frame is not written in the shortest way")]
    LongLength,
    #[error("a frame of {0} bytes")]
    TooLong(u64),
    #[error("a control frame is fragmented or longer than 125 bytes")]
    Control,
    #[error("a message begins or continues inside or outside of another")]
    Fragments,
    #[error("a close frame without a proper code and reason")]
    Close,
}

impl Violation {
    /// The status code of the Close frame that answers it (RFC 6455, section 7.4.1).
    pub(crate) const fn code(self) -> u16 {
        match self {
            Self::Text => 1003,
            Self::TooLong(_) => 1009,
            _ => 1002,
        }
    }
}

/// Why no more payload comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The other side said Close, with this status code if with any.
    Closed(Option<u16>),
    /// The other side broke the rules.
    Violated(Violation),
}

/// What frames say beside their payload.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Signals {
    /// The payload of the last Ping, to be sent back.
    pub(crate) ping: Option<Vec<u8>>,
    /// No more payload comes.
    pub(crate) end: Option<End>,
}

/// Takes frames apart, however they are cut.
///
/// ```text
///   Head ──┬── length > 0 ──▶ Data or Control ── all of it ──▶ Head
///          └── length = 0 ─────────────────────────────────────▶ Head
///   a Close frame or a violation ──▶ Ended
/// ```
#[derive(Debug)]
pub(crate) struct FrameReader {
    role: Role,
    state: State,
    head: [u8; LONGEST_HEAD],
    head_length: usize,
    /// Whether a message has begun whose last frame has not.
    in_message: bool,
    /// The payload of the control frame so far.
    control: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Head,
    Data { left: u64, mask: Mask },
    Control { opcode: u8, left: u8, mask: Mask },
    Ended,
}

impl FrameReader {
    /// A reader for the frames that the other side of `role` sends.
    pub(crate) const fn new(role: Role) -> Self {
        Self {
            role,
            state: State::Head,
            head: [0; LONGEST_HEAD],
            head_length: 0,
            in_message: false,
            control: Vec::new(),
        }
    }

    /// Takes `bytes` in and moves the payload of data frames to their front; says how much that is.
    pub(crate) fn decode(&mut self, bytes: &mut [u8], signals: &mut Signals) -> usize {
        // MQTT-6.0.0-2 in both: the payloads of frames are one stream, wherever packets begin and end.
        let (mut from, mut to) = (0, 0);
        while from < bytes.len() {
            match &mut self.state {
                State::Head => {
                    self.head[self.head_length] = bytes[from];
                    self.head_length += 1;
                    from += 1;
                    match self.begin() {
                        Ok(()) => {}
                        Err(violation) => self.end(End::Violated(violation), signals),
                    }
                }
                State::Data { left, mask } => {
                    let length = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len() - from);
                    mask.apply(&mut bytes[from..from + length]);
                    bytes.copy_within(from..from + length, to);
                    from += length;
                    to += length;
                    *left -= length as u64;
                }
                State::Control { left, mask, .. } => {
                    let length = usize::from(*left).min(bytes.len() - from);
                    let payload = &mut bytes[from..from + length];
                    mask.apply(payload);
                    self.control.extend_from_slice(payload);
                    from += length;
                    *left -= u8::try_from(length).expect("at most what was left");
                }
                State::Ended => break,
            }
            self.finish(signals);
        }
        to
    }

    /// Goes on to the payload once the head is complete.
    fn begin(&mut self) -> Result<(), Violation> {
        let Some(head) = Head::parse(&self.head[..self.head_length], self.role)? else { return Ok(()) };
        self.head_length = 0;
        let Head { last, opcode, length, mask } = head;
        self.state = match opcode {
            CLOSE | PING | PONG => {
                let left = u8::try_from(length).map_err(|_| Violation::Control)?;
                State::Control { opcode, left, mask }
            }
            _ => {
                // A message that begins is not a continuation, and the other way round.
                if (opcode == CONTINUATION) != self.in_message {
                    return Err(Violation::Fragments);
                }
                self.in_message = !last;
                State::Data { left: length, mask }
            }
        };
        Ok(())
    }

    /// Goes back to the next head once the payload is complete.
    fn finish(&mut self, signals: &mut Signals) {
        match self.state {
            State::Data { left: 0, .. } => self.state = State::Head,
            State::Control { left: 0, opcode, .. } => {
                self.state = State::Head;
                let payload = std::mem::take(&mut self.control);
                match opcode {
                    // Only the last one needs an answer (RFC 6455, section 5.5.3).
                    PING => signals.ping = Some(payload),
                    CLOSE => self.end(close(&payload).map_or_else(End::Violated, End::Closed), signals),
                    _ => {}
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, end: End, signals: &mut Signals) {
        self.state = State::Ended;
        signals.end = Some(end);
    }
}

/// The head of a frame.
struct Head {
    /// Whether the message ends with this frame.
    last: bool,
    opcode: u8,
    length: u64,
    mask: Mask,
}

impl Head {
    /// `None` while more bytes of it are to come.
    fn parse(bytes: &[u8], role: Role) -> Result<Option<Self>, Violation> {
        let [first, second, rest @ ..] = bytes else { return Ok(None) };
        let (last, opcode, masked) = (first & 0x80 != 0, first & 0x0F, second & 0x80 != 0);
        if first & 0x70 != 0 {
            return Err(Violation::Reserved);
        }
        match (role, masked) {
            (Role::Server, false) => return Err(Violation::Unmasked),
            (Role::Client, true) => return Err(Violation::Masked),
            _ => {}
        }
        let short = second & 0x7F;
        match opcode {
            CONTINUATION | BINARY => {}
            // MQTT-6.0.0-1 in both.
            TEXT => return Err(Violation::Text),
            CLOSE | PING | PONG if last && short <= LONGEST_CONTROL => {}
            CLOSE | PING | PONG => return Err(Violation::Control),
            _ => return Err(Violation::Reserved),
        }
        let (length, rest) = match short {
            126 => match rest {
                [a, b, rest @ ..] => (u64::from(u16::from_be_bytes([*a, *b])), rest),
                _ => return Ok(None),
            },
            127 => match rest.split_first_chunk() {
                Some((length, rest)) => (u64::from_be_bytes(*length), rest),
                None => return Ok(None),
            },
            short => (u64::from(short), rest),
        };
        if (short == 126 && length < 126) || (short == 127 && length <= u64::from(u16::MAX)) {
            return Err(Violation::LongLength);
        }
        if length > LONGEST_DATA {
            return Err(Violation::TooLong(length));
        }
        let mask = match (masked, rest) {
            (false, _) => Mask::NONE,
            (true, [a, b, c, d]) => Mask([*a, *b, *c, *d]),
            (true, _) => return Ok(None),
        };
        Ok(Some(Self { last, opcode, length, mask }))
    }
}

/// What a Close frame says: nothing, or a code and a reason.
fn close(payload: &[u8]) -> Result<Option<u16>, Violation> {
    let Some((code, reason)) = payload.split_first_chunk() else {
        return if payload.is_empty() { Ok(None) } else { Err(Violation::Close) };
    };
    let code = u16::from_be_bytes(*code);
    // RFC 6455, section 7.4: others are never sent.
    let known = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
    if known && std::str::from_utf8(reason).is_ok() { Ok(Some(code)) } else { Err(Violation::Close) }
}

/// What a payload is combined with; the first of its bytes belongs to the next byte of the payload.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mask([u8; 4]);

impl Mask {
    const NONE: Self = Self([0; 4]);

    /// Masks or unmasks the next bytes.
    pub(crate) fn apply(&mut self, bytes: &mut [u8]) {
        if self.0 == [0; 4] {
            return;
        }
        let wide = (u64::from(u32::from_ne_bytes(self.0)) << 32) | u64::from(u32::from_ne_bytes(self.0));
        let mut words = bytes.chunks_exact_mut(8);
        for word in &mut words {
            let word: &mut [u8; 8] = word.try_into().expect("chunks of eight");
            *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
        }
        let rest = words.into_remainder();
        for (byte, mask) in rest.iter_mut().zip(self.0.into_iter().cycle()) {
            *byte ^= mask;
        }
        self.0.rotate_left(rest.len() % 4);
    }
}

/// The head of a data frame that a server sends, and its length.
pub(crate) fn data_head(length: usize) -> ([u8; 10], usize) {
    let mut head = [0; 10];
    head[0] = 0x80 | BINARY;
    let size = put_length(&mut head[1..], length);
    (head, 1 + size)
}

/// Appends a whole frame; a client masks it with `mask`.
pub(crate) fn put(out: &mut Vec<u8>, opcode: Opcode, mask: Option<[u8; 4]>, payload: &[u8]) {
    let mut length = [0; 9];
    let size = put_length(&mut length, payload.len());
    if mask.is_some() {
        length[0] |= 0x80;
    }
    out.reserve(1 + size + 4 + payload.len());
    out.push(0x80 | opcode as u8);
    out.extend_from_slice(&length[..size]);
    if let Some(mask) = mask {
        out.extend_from_slice(&mask);
    }
    let start = out.len();
    out.extend_from_slice(payload);
    if let Some(mask) = mask {
        Mask(mask).apply(&mut out[start..]);
    }
}

/// The frames that this side sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opcode {
    Binary = BINARY as isize,
    Close = CLOSE as isize,
    Pong = PONG as isize,
}

/// Writes `length` in the shortest way; says in how many bytes.
fn put_length(into: &mut [u8], length: usize) -> usize {
    if let Ok(short) = u8::try_from(length)
        && short < 126
    {
        into[0] = short;
        1
    } else if let Ok(medium) = u16::try_from(length) {
        into[0] = 126;
        into[1..3].copy_from_slice(&medium.to_be_bytes());
        3
    } else {
        into[0] = 127;
        into[1..9].copy_from_slice(&(length as u64).to_be_bytes());
        9
    }
}
