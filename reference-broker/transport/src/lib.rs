//! Dialling and accepting, and moving bytes for many connections at once.
//!
//! What this crate is: the only place that touches sockets. What it is not: it knows nothing of MQTT packets.
//!
//! Where to start reading:
//!
//! * [`Endpoint`]: an address as people write it, `mqtt://user@host:1883`, `wss://host/mqtt`, `unix:/run/broker.sock`.
//! * [`dial`] and [`Listener`]: how a [`Stream`] comes about.
//! * [`Acceptor`]: the PROXY header ([`proxy`]), TLS ([`ServerTls`]) and WebSocket that come before MQTT.
//! * [`Pump`]: reads from every ready stream, then writes what was queued, in turns.
//! * [`certificates`]: making them, for TLS.
//! * [`Alarm`]: one deadline, finer than the millisecond of tokio's timer.
//! * [`reserve_descriptors`]: room for many sockets before they come.

mod acceptor;
mod address;
mod alarm;
pub mod certificates;
mod client_tls;
mod connection;
mod descriptors;
mod dial;
mod endpoint;
mod handshake;
mod listener;
mod peer;
pub mod proxy;
mod pump;
mod ready;
mod socket;
mod sources;
mod stream;
mod sync;
mod tls;
mod unix;
mod websocket;

pub use acceptor::{AcceptError, Acceptor};
pub use address::{Address, AddressError};
pub use alarm::Alarm;
pub use client_tls::{ClientTls, ClientTlsFiles, TlsFailure, TlsFilesError};
pub use descriptors::reserve_descriptors;
pub use dial::{DialError, DialOptions, dial};
pub use endpoint::{Endpoint, EndpointError, Scheme};
pub use handshake::HandshakeError;
pub use listener::{Listener, Options};
pub use peer::{Peer, PeerCertificate};
pub use proxy::ProxyError;
pub use pump::{Event, Key, Pump};
pub use sources::{NoSources, Sources};
pub use stream::Stream;
pub use tls::{ClientCertificates, ServerTls, ServerTlsOptions, TlsError, TlsVersions};
pub use websocket::{UpgradeError, WebSocketOptions};
