//! MQTT 3.1.1 and 5.0 without input or output; clients of 3.1 are read as of 3.1.1.
//!
//! What this crate is: the packets of both versions in one set of types, a strict incremental codec, and one state
//! machine per connection for either role. What it is not: it opens no socket, reads no clock, draws no random number
//! and holds no subscription or retained message; those belong to the owner.
//!
//! Where to start reading:
//!
//! * [`Packet`] and its families in `packet/`: what goes over the wire.
//! * [`Decoder`] and [`Packet::encode`]: bytes to packets and back.
//! * [`Violation`]: every way a peer can break the standard, with its statement and its Reason Code.
//! * [`Machine`], [`server::Server`], [`client::Client`]: the pump that an owner drives.
//! * [`Session`]: the delivery state that outlives a connection.
//!
//! ```text
//!            bytes            events                 answers
//!   socket ─────────▶ Machine ───────▶ owner (broker, ─────────▶ Machine
//!          ◀───────── poll_transmit    client)         publish
//! ```

pub mod client;
mod codec;
mod link;
mod machine;
mod packet;
mod property;
mod queue;
mod reason;
pub mod server;
mod session;
mod string;
mod time;
mod topic;
mod violation;

pub use codec::{Decoder, EncodeError, Encoded, MAXIMUM_PACKET_SIZE, MAXIMUM_REMAINING_LENGTH, PacketLimits, Role};
pub use link::Traffic;
pub use machine::{Machine, Tag, Token};
pub use packet::{
    Ack, Auth, ConnAck, Connect, Disconnect, Message, OutgoingPublish, Packet, PacketId, PacketType, Publish, QoS,
    RetainHandling, SubAck, Subscribe, SubscribeFilter, SubscriptionOptions, UnsubAck, Unsubscribe, Version, Will,
};
pub use property::{Properties, Property, PropertyId, UserProperty};
pub use reason::ReasonCode;
pub use session::{Delivery, DeliveryRef, DropCause, Dropped, Fate, InFlight, Scale, Session};
pub use string::Utf8String;
pub use time::Time;
pub use topic::{TopicError, TopicFilter, TopicName};
pub use violation::{Statement, Violation};
