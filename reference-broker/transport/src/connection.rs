//! One connection of a pump: its stream and what waits to be written.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use bytes::BytesMut;
use tokio::io::AsyncWrite;
use tokio_util::io::poll_read_buf;

use crate::{Stream, ready::Token};

/// A write buffer larger than this is not kept for an idle connection.
const KEPT_CAPACITY: usize = 16 * 1024;

#[derive(Debug)]
pub(crate) struct Connection {
    stream: Stream,
    token: Arc<Token>,
    waker: Waker,
    /// What waits to be written starts at `written`.
    out: Vec<u8>,
    written: usize,
    /// Whether the stream below still has something of its own to write: encrypted records, a good-bye.
    flushing: bool,
    /// What the pump counts as unsent.
    pub(crate) counted: usize,
    /// Whether the pump's list of connections to flush names this one.
    pub(crate) dirty: bool,
    pub(crate) phase: Phase,
}

/// What a connection still does.
///
/// ```text
///  Open ⇄ Paused ──close()──▶ Closing ──all written──▶ Lingering ──peer closed, or time is up──▶ gone
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Reads and writes.
    Open,
    /// Writes only: the owner cannot take more for now.
    Paused,
    /// Writes what waits; the owner has forgotten it.
    Closing,
    /// Has said that nothing more comes and discards what still arrives, because closing a socket that holds unread
    /// bytes makes the kernel reset it, and the peer would lose our last packet.
    Lingering,
}

/// How far a write came.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Flushed {
    /// Nothing waits any more.
    All,
    /// The socket is full; the connection wakes when it is not.
    Some,
}

impl Connection {
    pub(crate) fn new(stream: Stream, token: Arc<Token>) -> Self {
        let waker = Waker::from(Arc::clone(&token));
        Self {
            stream,
            token,
            waker,
            out: Vec::new(),
            written: 0,
            flushing: false,
            counted: 0,
            dirty: false,
            phase: Phase::Open,
        }
    }

    pub(crate) fn token(&self) -> &Arc<Token> {
        &self.token
    }

    /// Reads once into `buffer`; `Ready(Ok(0))` is the end of the stream.
    pub(crate) fn poll_read(&mut self, buffer: &mut BytesMut) -> Poll<io::Result<usize>> {
        let mut cx = Context::from_waker(&self.waker);
        poll_read_buf(Pin::new(&mut self.stream), &mut cx, buffer)
    }

    /// Where to append what shall be written; an idle connection borrows a spare buffer.
    pub(crate) fn out(&mut self, spare: &mut Vec<Vec<u8>>) -> &mut Vec<u8> {
        if self.out.capacity() == 0
            && let Some(buffer) = spare.pop()
        {
            self.out = buffer;
        }
        &mut self.out
    }

    /// Bytes that wait to be written.
    pub(crate) fn unsent(&self) -> usize {
        self.out.len() - self.written
    }

    /// Whether it waits for the socket to take more.
    pub(crate) fn is_behind(&self) -> bool {
        self.flushing || self.unsent() > 0
    }

    /// Writes as much as the socket takes.
    pub(crate) fn flush(&mut self, spare: &mut Vec<Vec<u8>>) -> io::Result<Flushed> {
        let mut cx = Context::from_waker(&self.waker);
        while self.written < self.out.len() {
            match Pin::new(&mut self.stream).poll_write(&mut cx, &self.out[self.written..]) {
                Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(n)) => self.written += n,
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => {
                    self.compact();
                    return Ok(Flushed::Some);
                }
            }
        }
        self.written = 0;
        let mut buffer = std::mem::take(&mut self.out);
        if (1..=KEPT_CAPACITY).contains(&buffer.capacity()) {
            buffer.clear();
            spare.push(buffer);
        }
        let flushed = Pin::new(&mut self.stream).poll_flush(&mut cx)?;
        self.flushing = flushed.is_pending();
        Ok(if self.flushing { Flushed::Some } else { Flushed::All })
    }

    /// Says that nothing more comes; whether the socket took it. Errors do not matter any more.
    pub(crate) fn shut_down(&mut self) -> bool {
        let mut cx = Context::from_waker(&self.waker);
        self.flushing = Pin::new(&mut self.stream).poll_shutdown(&mut cx).is_pending();
        !self.flushing
    }

    /// Answers the good-bye of a peer, where that has a form of its own and if there is room for it.
    pub(crate) fn answer_end(&mut self) {
        if self.stream.says_goodbye() {
            self.shut_down();
        }
    }

    /// Forgets the written part once it outweighs the rest, so that a slow reader costs memory once, not twice.
    fn compact(&mut self) {
        if self.written > self.out.len() / 2 {
            self.out.drain(..self.written);
            self.written = 0;
        }
    }
}
