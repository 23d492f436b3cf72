//! WebSocket (RFC 6455) for cases that speak it themselves: a client that hears strictly and may lie, and what a lying relay
//! between it and a broker does.
//!
//! * [`Head`]: a request or an answer of HTTP/1.1, to be read and changed.
//! * [`Frame`]: a frame, to be read and changed.
//! * `client`: the verbs of the cases.
//! * `relay`: [`Mutant`](crate::Mutant)s below MQTT.

mod client;
mod frame;
mod head;
mod relay;

pub(crate) use client::{Answered, Socket};
pub use frame::Frame;
pub(crate) use frame::{Frames, opcode};
pub use head::Head;
pub(crate) use head::{accept, key};
pub(crate) use relay::Relay;
pub use relay::{Fate, Lie, Piece};
