//! The oracle's codec: what the conformance suite and the faults proxy say and hear.
//!
//! What this crate is: MQTT 3.1, 3.1.1 and 5.0 on the wire, written from the standard alone. What it is not: the codec of the
//! broker under test. It has no dependencies, and it may not be used by what it judges.
//!
//! Where to start reading, from the wire upwards:
//! - [`Frames`] cuts a stream into [`Frame`]s without judging them; rules of the proxy ask a frame for its fields.
//! - [`Packet::parse`] judges one: it gives the packet, or the first [`Breach`] with the statement that it breaks.
//! - The same types build packets: [`Connect`], [`Publish`], [`Subscribe`] and so on. `draft(version)` turns one into a [`Draft`], a list
//!   of named fields, in which anything may be made wrong before it is encoded.
//! - [`tables`] has the facts of the standard as data, [`topic`] a naive matcher, [`line()`] and [`hex`] what people read.
//!
//! A lie: a PUBLISH whose first byte says QoS 3.
//!
//! ```
//! use wire::{Publish, Version::V5};
//! let lie = Publish::to("barn").qos(1).id(7).payload("milk").draft(V5).first_byte(0x36);
//! assert_eq!(lie.encode(), b"\x36\x0d\x00\x04barn\x00\x07\x00milk");
//! ```
//!
//! A parse that cites: the same bytes from a server.
//!
//! ```
//! use wire::{Direction::FromServer, Packet, Version::V5};
//! let breach = Packet::parse(V5, FromServer, b"\x36\x0d\x00\x04barn\x00\x07\x00milk").unwrap_err();
//! assert_eq!(breach.statement, Some("MQTT-3.3.1-4"));
//! assert_eq!(breach.to_string(), "byte 0: PUBLISH has QoS 3 [MQTT-3.3.1-4]");
//! ```

mod breach;
mod draft;
mod frame;
pub mod hex;
pub mod number;
mod packet;
mod print;
mod property;
mod reader;
pub mod rule;
pub mod tables;
mod text;
pub mod topic;
mod version;

pub use breach::Breach;
pub use draft::{Draft, Draftable, Raw};
pub use frame::{Frame, Frames};
pub use packet::{
    Ack, Auth, Connack, Connect, Disconnect, Form, Options, Packet, Pingreq, Pingresp, Publish, Suback, Subscribe,
    Unsuback, Unsubscribe, Will,
};
pub use print::line;
pub use property::{Properties, Property, Value};
pub use text::prefixed;
pub use version::{Direction, Kind, Version};
