//! What every machine is to its owner.

use bytes::{Bytes, BytesMut};

use crate::Time;

/// A question of the peer that waits for the owner's answer. Unique within one machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub(crate) u64);

/// The owner's own name for something it asked a machine to do; handed back with the outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(pub u64);

/// One side of one connection, without input or output.
///
/// The owner calls [`receive`](Self::receive) with what arrived, [`handle_timeout`](Self::handle_timeout) when
/// [`poll_timeout`](Self::poll_timeout) has passed, and after either (or after giving an answer or a command) drains
/// [`poll_event`](Self::poll_event) and then [`poll_transmit`](Self::poll_transmit), and reads `poll_timeout` anew.
///
/// A machine never acknowledges by itself: each event that carries a [`Token`] waits for the owner's answer. Answers
/// may come in any order; the acknowledgements leave in the order that the standard demands (MQTT-4.6.0-1 to -4 in both).
pub trait Machine {
    /// What the peer asked or did.
    type Event;
    /// What the owner says to a token.
    type Answer;

    /// Takes what arrived. Payloads of events are slices of `bytes`.
    ///
    /// Nothing is decoded yet: [`poll_event`](Self::poll_event) decodes as the owner drains it, so that no queue of
    /// events stands between the two. A peer that breaks the standard is therefore reported there, as the close.
    fn receive(&mut self, now: Time, bytes: Bytes);

    /// Answers a token. An unknown or spent token is ignored: the connection may have ended meanwhile.
    fn answer(&mut self, now: Time, token: Token, answer: Self::Answer);

    /// Acts on every deadline that has passed.
    fn handle_timeout(&mut self, now: Time);

    /// Appends what must be sent to `out`; whether anything was appended.
    fn poll_transmit(&mut self, out: &mut Vec<u8>) -> bool;

    /// The next event, in the order in which the peer caused them; drained to `None` after each call of the others.
    ///
    /// When the peer broke the standard, what must still be sent (CONNACK or DISCONNECT with the Reason Code, where the
    /// version has one) is queued, the last event is the close with its `Violation`, and further bytes are ignored. The
    /// owner flushes and closes.
    fn poll_event(&mut self) -> Option<Self::Event>;

    /// When [`handle_timeout`](Self::handle_timeout) is due; `None` while no timer runs.
    fn poll_timeout(&self) -> Option<Time>;

    /// Whether the connection is over: what is left to transmit is flushed, then the transport closes.
    fn is_closed(&self) -> bool;
}

/// Puts what arrived behind what is still to be decoded. It is copied only if something is.
pub(crate) fn append(unread: &mut Bytes, arrived: Bytes) {
    if unread.is_empty() {
        *unread = arrived;
    } else {
        let mut joined = BytesMut::from(std::mem::take(unread));
        joined.extend_from_slice(&arrived);
        *unread = joined.freeze();
    }
}
