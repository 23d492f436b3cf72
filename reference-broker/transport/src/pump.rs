//! Many connections on one thread, in turns.
//!
//! A turn reads from every connection that is ready, lets the owner act on all of it, and then writes once per
//! connection. Packets that many peers caused for one receiver leave in one system call, and a buffer serves the reads
//! of all connections, so that an idle one costs next to nothing.
//!
//! ```text
//!   loop (inside one task, on a current-thread runtime)
//!     while let Some(event) = pump.next(cx) { owner.take(event) }     reads
//!     for key in owner.changed() { owner.encode_into(pump.out(key)) }   encodes
//!     pump.flush(cx)                                                  writes
//!     Pending, unless pump.has_more()
//! ```

use std::{
    collections::VecDeque,
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use slab::Slab;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::{
    Stream,
    connection::{Connection, Flushed, Phase},
    ready::{ReadyList, Token},
};

/// The buffer that all reads of a turn share.
const READ_BUFFER: usize = 256 * 1024;
/// The least room for one read; below it the buffer is renewed.
const READ_ROOM: usize = 16 * 1024;
/// How many connections one turn reads from at most, so that answers to the first do not wait for the last.
const READS_PER_TURN: usize = 64;
/// How many write buffers are kept for connections that become busy.
const SPARE_BUFFERS: usize = 256;
/// How long a closing connection waits for its peer to close too.
const LINGER: Duration = Duration::from_secs(1);

/// Names one connection of one [`Pump`]; never used again for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    index: u32,
    generation: u32,
}

impl Key {
    /// A small number that no other open connection of the pump has: fit to index a table.
    pub const fn index(self) -> usize {
        self.index as usize
    }
}

/// What happened on a connection.
#[derive(Debug)]
pub enum Event {
    /// Bytes arrived: a slice of a buffer that other connections share. Keep it short, or copy it.
    Received(Key, Bytes),
    /// The connection is over and its key is spent: the peer closed it (`Ok`), or reading or writing failed.
    Closed(Key, io::Result<()>),
}

/// Many connections on one thread. See the module's text.
#[derive(Debug)]
pub struct Pump {
    connections: Slab<(u32, Connection)>,
    generation: u32,
    ready: Arc<ReadyList>,
    /// What this turn still reads from.
    turn: VecDeque<Arc<Token>>,
    fresh: Vec<Arc<Token>>,
    /// Those that were read from and may have more: asked again after everybody else.
    again: Vec<Arc<Token>>,
    reads_left: usize,
    dirty: Vec<usize>,
    /// What all connections hold unsent, as of their last writes.
    unsent: usize,
    /// Ends found while writing, reported by the next turn.
    ended: VecDeque<(Key, io::Error)>,
    lingering: VecDeque<(Instant, Key)>,
    linger_timer: Option<Pin<Box<Sleep>>>,
    buffer: BytesMut,
    spare: Vec<Vec<u8>>,
}

impl Default for Pump {
    fn default() -> Self {
        Self::new()
    }
}

impl Pump {
    /// A pump without connections.
    pub fn new() -> Self {
        Self {
            connections: Slab::new(),
            generation: 0,
            ready: Arc::default(),
            turn: VecDeque::new(),
            fresh: Vec::new(),
            again: Vec::new(),
            reads_left: READS_PER_TURN,
            dirty: Vec::new(),
            unsent: 0,
            ended: VecDeque::new(),
            lingering: VecDeque::new(),
            linger_timer: None,
            buffer: BytesMut::new(),
            spare: Vec::new(),
        }
    }

    /// Takes over `stream`; the next turn reads from it. The stream must belong to the runtime that polls the pump.
    pub fn insert(&mut self, stream: Stream) -> Key {
        self.generation = self.generation.wrapping_add(1);
        let entry = self.connections.vacant_entry();
        let index = entry.key();
        let token = self.ready.token(index);
        entry.insert((self.generation, Connection::new(stream, Arc::clone(&token))));
        std::task::Wake::wake(token);
        Key { index: u32::try_from(index).expect("file descriptors run out first"), generation: self.generation }
    }

    /// How many connections there are, those that are closing included.
    pub fn len(&self) -> usize {
        self.connections.len()
    }

    /// Whether there is no connection.
    pub fn is_empty(&self) -> bool {
        self.connections.is_empty()
    }

    /// Where to append what shall be written by the next [`Pump::flush`]; `None` when the connection is over.
    pub fn out(&mut self, key: Key) -> Option<&mut Vec<u8>> {
        let (generation, connection) = self.connections.get_mut(key.index())?;
        if *generation != key.generation || !matches!(connection.phase, Phase::Open | Phase::Paused) {
            return None;
        }
        if !connection.dirty {
            connection.dirty = true;
            self.dirty.push(key.index());
        }
        Some(connection.out(&mut self.spare))
    }

    /// Whether [`Pump::flush`] would write something.
    pub fn has_output(&self) -> bool {
        !self.dirty.is_empty()
    }

    /// Bytes that wait because the peer does not read; 0 when the connection is over.
    pub fn unsent(&self, key: Key) -> usize {
        self.get(key).map_or(0, Connection::unsent)
    }

    /// Bytes that wait on all connections together because their peers do not read, as of the last [`Pump::flush`].
    pub const fn unsent_in_all(&self) -> usize {
        self.unsent
    }

    /// Stops reading from a connection. What the kernel holds already stays there, and the peer is slowed by TCP.
    pub fn pause(&mut self, key: Key) {
        if let Some(connection) = self.get_mut(key)
            && connection.phase == Phase::Open
        {
            connection.phase = Phase::Paused;
        }
    }

    /// Reads again from a paused connection.
    pub fn resume(&mut self, key: Key) {
        if let Some(connection) = self.get_mut(key)
            && connection.phase == Phase::Paused
        {
            connection.phase = Phase::Open;
            std::task::Wake::wake_by_ref(connection.token());
        }
    }

    /// Writes what waits, then closes. No event follows for this key.
    pub fn close(&mut self, key: Key) {
        let Some(connection) = self.get_mut(key) else { return };
        if matches!(connection.phase, Phase::Closing | Phase::Lingering) {
            return;
        }
        connection.phase = Phase::Closing;
        if !connection.dirty {
            connection.dirty = true;
            self.dirty.push(key.index());
        }
        // A peer that reads nothing must not hold the connection for ever.
        self.lingering.push_back((Instant::now() + LINGER, key));
    }

    /// Drops the connection at once, unsent bytes included. No event follows for this key.
    pub fn abort(&mut self, key: Key) {
        if self.get(key).is_some() {
            self.remove(key.index());
        }
    }

    /// The next thing that happened in this turn; `None` when the turn has nothing more to read.
    ///
    /// An owner may stop asking before `None`, but not skip [`Pump::flush`], which wakes its task for the rest.
    pub fn next(&mut self, cx: &mut Context<'_>) -> Option<Event> {
        loop {
            if let Some((key, error)) = self.ended.pop_front() {
                if self.get(key).is_none() {
                    continue;
                }
                // What the peer sent before is still there, its good-bye perhaps.
                if let Some(bytes) = self.read_rest(key) {
                    self.ended.push_front((key, error));
                    return Some(Event::Received(key, bytes));
                }
                self.remove(key.index());
                return Some(Event::Closed(key, Err(error)));
            }
            if self.turn.is_empty() {
                if self.ready.take(cx, &mut self.fresh) {
                    self.turn.extend(self.fresh.drain(..));
                }
                self.turn.extend(self.again.drain(..));
            }
            if self.reads_left == 0 {
                return None;
            }
            let token = self.turn.pop_front()?;
            self.reads_left -= 1;
            if let Some(event) = self.attend(&token) {
                return Some(event);
            }
        }
    }

    /// Writes what waits on every connection that [`Pump::out`] or [`Pump::close`] touched, and ends the turn.
    ///
    /// The owner's task is woken when there is more to do: it returns `Pending` afterwards.
    pub fn flush(&mut self, cx: &mut Context<'_>) {
        let mut dirty = std::mem::take(&mut self.dirty);
        for index in dirty.drain(..) {
            self.write(index);
        }
        self.dirty = dirty;
        self.spare.truncate(SPARE_BUFFERS);
        self.reads_left = READS_PER_TURN;
        self.end_lingering(cx);
        if !self.turn.is_empty() || !self.again.is_empty() || !self.ended.is_empty() {
            cx.waker().wake_by_ref();
        }
    }

    /// Acts on one woken connection: writes if something waits, then reads once.
    fn attend(&mut self, token: &Arc<Token>) -> Option<Event> {
        token.unlist();
        let index = token.index();
        match self.connections.get(index) {
            // The slot may have a new tenant since this token was listed.
            Some((_, connection)) if Arc::ptr_eq(connection.token(), token) => {
                if connection.is_behind() {
                    self.write(index);
                }
            }
            _ => return None,
        }
        let (generation, connection) = self.connections.get_mut(index)?;
        let key = Key { index: u32::try_from(index).expect("checked at insert"), generation: *generation };
        match connection.phase {
            Phase::Open => {}
            Phase::Paused | Phase::Closing => return None,
            Phase::Lingering => {
                self.discard(key);
                return None;
            }
        }
        if self.buffer.capacity() - self.buffer.len() < READ_ROOM {
            self.buffer.reserve(READ_BUFFER);
        }
        match connection.poll_read(&mut self.buffer) {
            Poll::Pending => None,
            Poll::Ready(Ok(0)) => {
                connection.answer_end();
                self.remove(index);
                Some(Event::Closed(key, Ok(())))
            }
            Poll::Ready(Ok(_)) => {
                // Waking it would have the runtime poll this task once more, for nothing.
                if token.keep() {
                    self.again.push(Arc::clone(token));
                }
                Some(Event::Received(key, self.buffer.split().freeze()))
            }
            Poll::Ready(Err(error)) => {
                self.remove(index);
                Some(Event::Closed(key, Err(error)))
            }
        }
    }

    /// What a connection that cannot be written any more still has to read.
    fn read_rest(&mut self, key: Key) -> Option<Bytes> {
        let (_, connection) = self.connections.get_mut(key.index())?;
        if !matches!(connection.phase, Phase::Open | Phase::Paused) {
            return None;
        }
        self.buffer.reserve(READ_ROOM);
        match connection.poll_read(&mut self.buffer) {
            Poll::Ready(Ok(length)) if length > 0 => Some(self.buffer.split().freeze()),
            _ => None,
        }
    }

    fn write(&mut self, index: usize) {
        let Some((generation, connection)) = self.connections.get_mut(index) else { return };
        let key = Key { index: u32::try_from(index).expect("checked at insert"), generation: *generation };
        connection.dirty = false;
        let flushed = connection.flush(&mut self.spare);
        let unsent = connection.unsent();
        self.unsent = self.unsent - std::mem::replace(&mut connection.counted, unsent) + unsent;
        match (flushed, connection.phase) {
            (Ok(Flushed::Some), _) | (Ok(Flushed::All), Phase::Open | Phase::Paused | Phase::Lingering) => {}
            (Ok(Flushed::All), Phase::Closing) if !connection.shut_down() => {}
            (Ok(Flushed::All), Phase::Closing) => {
                connection.phase = Phase::Lingering;
                std::task::Wake::wake_by_ref(connection.token());
            }
            // The owner has forgotten it already.
            (Err(_), Phase::Closing | Phase::Lingering) => {
                self.remove(index);
            }
            (Err(error), Phase::Open | Phase::Paused) => self.ended.push_back((key, error)),
        }
    }

    /// Throws away what a peer still sends to a connection that we closed, until the peer closes too.
    fn discard(&mut self, key: Key) {
        let Some((_, connection)) = self.connections.get_mut(key.index()) else { return };
        self.buffer.reserve(READ_ROOM);
        match connection.poll_read(&mut self.buffer) {
            Poll::Pending => {}
            Poll::Ready(Ok(n)) if n > 0 => {
                self.buffer.clear();
                std::task::Wake::wake_by_ref(connection.token());
            }
            Poll::Ready(_) => {
                self.remove(key.index());
            }
        }
    }

    fn end_lingering(&mut self, cx: &mut Context<'_>) {
        loop {
            match self.lingering.front() {
                None => {
                    self.linger_timer = None;
                    return;
                }
                Some((deadline, key)) => {
                    let (deadline, key) = (*deadline, *key);
                    if self.get(key).is_some() && Instant::now() < deadline {
                        let timer = self.linger_timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
                        if timer.deadline() != deadline {
                            timer.as_mut().reset(deadline);
                        }
                        if timer.as_mut().poll(cx).is_pending() {
                            return;
                        }
                        continue;
                    }
                    self.lingering.pop_front();
                    self.abort(key);
                }
            }
        }
    }

    fn remove(&mut self, index: usize) {
        let (_, connection) = self.connections.remove(index);
        self.unsent -= connection.counted;
    }

    fn get(&self, key: Key) -> Option<&Connection> {
        self.connections.get(key.index()).filter(|(generation, _)| *generation == key.generation).map(|(_, c)| c)
    }

    fn get_mut(&mut self, key: Key) -> Option<&mut Connection> {
        self.connections.get_mut(key.index()).filter(|(generation, _)| *generation == key.generation).map(|(_, c)| c)
    }
}
