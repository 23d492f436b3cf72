//! A byte stream in the binary frames of a WebSocket.
//!
//! The framing is written here because a broker holds many idle connections: a carrier that keeps no buffers costs an idle
//! connection nothing, payload is unmasked where it was read, and what a server writes goes out from where it is. The tests
//! hold it against an independent implementation.

mod frame;
#[cfg(test)]
mod tests;
mod upgrade;

use std::{
    hash::{BuildHasher, RandomState},
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use self::frame::{End, FrameReader, Opcode, Signals};
pub use self::upgrade::{UpgradeError, WebSocketOptions};
pub(crate) use self::upgrade::{accept, request};

/// The longest frame that a server writes: one for each write, unless that is huge.
const LONGEST_FRAME: usize = 1 << 20;
/// The longest frame that a client writes: it has to be copied to be masked.
const LONGEST_MASKED: usize = 64 * 1024;
/// A write buffer larger than this is not kept for an idle connection.
const KEPT_CAPACITY: usize = 1024;
/// How many reads without payload one call makes, so that a flood of empty frames holds up nobody else.
const READS_PER_CALL: usize = 16;
/// The status code of a Close frame that says good-bye.
const NORMAL_CLOSURE: u16 = 1000;

/// Which side of the WebSocket this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Its frames are masked.
    Client,
    /// Its frames are not.
    Server,
}

/// The payload of binary frames over `S` as one byte stream, both ways.
#[derive(Debug)]
pub(crate) struct WebSocket<S> {
    io: S,
    role: Role,
    reader: FrameReader,
    /// What had already been read when the upgrade was done.
    early: Vec<u8>,
    end: Option<End>,
    /// The payload of a Ping that waits for its answer.
    ping: Option<Vec<u8>>,
    /// Whether the Close frame of this side is under way; nothing follows it.
    closing: bool,
    /// The head of the data frame that has begun, as far as it has to be written yet.
    head: [u8; 10],
    head_from: u8,
    head_to: u8,
    /// How many more bytes of the caller the data frame that has begun takes.
    frame_left: usize,
    /// Whole frames that wait to be written, from `out_from` on.
    out: Vec<u8>,
    out_from: usize,
    /// Where masks come from.
    masks: RandomState,
    masked: u64,
}

impl<S> WebSocket<S> {
    /// A WebSocket over `io`, which has been upgraded; `early` came behind the upgrade already.
    pub(crate) fn new(io: S, role: Role, early: Vec<u8>) -> Self {
        Self {
            io,
            role,
            reader: FrameReader::new(role),
            early,
            end: None,
            ping: None,
            closing: false,
            head: [0; 10],
            head_from: 0,
            head_to: 0,
            frame_left: 0,
            out: Vec::new(),
            out_from: 0,
            masks: RandomState::new(),
            masked: 0,
        }
    }

    /// Appends a whole frame to what waits.
    fn put(&mut self, opcode: Opcode, payload: &[u8]) {
        let mask = match self.role {
            Role::Server => None,
            Role::Client => {
                self.masked = self.masked.wrapping_add(1);
                // Hard to guess (RFC 6455, section 10.3): a keyed hash of a counter.
                let [a, b, c, d, ..] = self.masks.hash_one(self.masked).to_ne_bytes();
                Some([a, b, c, d])
            }
        };
        frame::put(&mut self.out, opcode, mask, payload);
    }

    /// Whether the next byte written begins a frame.
    const fn is_between_frames(&self) -> bool {
        self.frame_left == 0 && self.head_from == self.head_to
    }

    /// Answers what the other side said, as soon as no frame is under way.
    fn answer(&mut self) {
        if !self.is_between_frames() || self.closing {
            return;
        }
        // One answer waits at a time: whoever reads none gets no more of them.
        if self.out.is_empty()
            && let Some(payload) = self.ping.take()
        {
            self.put(Opcode::Pong, &payload);
        }
        let code = match self.end {
            None => return,
            Some(End::Closed(code)) => code,
            Some(End::Violated(violation)) => Some(violation.code()),
        };
        self.close(code);
    }

    fn close(&mut self, code: Option<u16>) {
        self.closing = true;
        match code {
            Some(code) => self.put(Opcode::Close, &code.to_be_bytes()),
            None => self.put(Opcode::Close, &[]),
        }
    }

    fn hear(&mut self, signals: Signals) {
        if signals.ping.is_some() {
            self.ping = signals.ping;
        }
        if signals.end.is_some() {
            self.end = signals.end;
        }
    }
}

impl<S: AsyncWrite + Unpin> WebSocket<S> {
    /// Writes the frames that wait.
    fn poll_out(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.out_from < self.out.len() {
            match ready!(Pin::new(&mut self.io).poll_write(cx, &self.out[self.out_from..]))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                n => self.out_from += n,
            }
        }
        self.out_from = 0;
        self.out.clear();
        if self.out.capacity() > KEPT_CAPACITY {
            self.out = Vec::new();
        }
        Poll::Ready(Ok(()))
    }

    /// Writes answers and the frames that wait; stops short of a data frame that has begun.
    fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.answer();
        if self.out.is_empty() {
            return Poll::Ready(Ok(()));
        }
        ready!(self.poll_out(cx))?;
        Pin::new(&mut self.io).poll_flush(cx)
    }

    /// Writes from `bytes` into the frame that has begun.
    fn poll_frame(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let bytes = &bytes[..bytes.len().min(self.frame_left)];
        loop {
            let head = &self.head[usize::from(self.head_from)..usize::from(self.head_to)];
            let in_head = head.len();
            let written = if in_head == 0 {
                ready!(Pin::new(&mut self.io).poll_write(cx, bytes))?
            } else {
                let both = [IoSlice::new(head), IoSlice::new(bytes)];
                ready!(Pin::new(&mut self.io).poll_write_vectored(cx, &both))?
            };
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.head_from += u8::try_from(written.min(in_head)).expect("a head has ten bytes");
            let of_bytes = written.saturating_sub(in_head);
            self.frame_left -= of_bytes;
            if of_bytes > 0 {
                return Poll::Ready(Ok(of_bytes));
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for WebSocket<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        for _ in 0..READS_PER_CALL {
            // An answer that finds no room goes with the next read or write; nobody waits for it here.
            let _later = this.poll_answer(cx);
            match this.end {
                None => {}
                Some(End::Closed(_)) => return Poll::Ready(Ok(())),
                Some(End::Violated(violation)) => {
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, violation)));
                }
            }
            let before = buf.filled().len();
            if this.early.is_empty() {
                ready!(Pin::new(&mut this.io).poll_read(cx, buf))?;
                if buf.filled().len() == before {
                    return Poll::Ready(Ok(()));
                }
            } else {
                let length = this.early.len().min(buf.remaining());
                buf.put_slice(&this.early[..length]);
                this.early.drain(..length);
            }
            let mut signals = Signals::default();
            let payload = this.reader.decode(&mut buf.filled_mut()[before..], &mut signals);
            buf.set_filled(before + payload);
            this.hear(signals);
            if payload > 0 {
                return Poll::Ready(Ok(()));
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WebSocket<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        if this.is_between_frames() {
            ready!(this.poll_answer(cx))?;
            if this.closing {
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            }
            match this.role {
                Role::Client => {
                    let length = bytes.len().min(LONGEST_MASKED);
                    this.put(Opcode::Binary, &bytes[..length]);
                    // The rest of it goes with the next write or flush.
                    if let Poll::Ready(Err(error)) = this.poll_out(cx) {
                        return Poll::Ready(Err(error));
                    }
                    return Poll::Ready(Ok(length));
                }
                Role::Server => {
                    this.frame_left = bytes.len().min(LONGEST_FRAME);
                    let (head, length) = frame::data_head(this.frame_left);
                    this.head = head;
                    this.head_from = 0;
                    this.head_to = u8::try_from(length).expect("a head has ten bytes");
                }
            }
        }
        this.poll_frame(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        ready!(this.poll_answer(cx))?;
        Pin::new(&mut this.io).poll_flush(cx)
    }

    /// Says Close, which a frame that has begun and does not end makes impossible, and ends the stream below.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if !this.closing && this.is_between_frames() {
            this.answer();
            if !this.closing {
                this.close(Some(NORMAL_CLOSURE));
            }
        }
        ready!(this.poll_out(cx))?;
        Pin::new(&mut this.io).poll_shutdown(cx)
    }
}
