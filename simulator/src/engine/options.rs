//! How one client connects.

use std::{net::IpAddr, num::NonZeroU16, time::Duration};

use protocol::{Utf8String, Version, Will};
use transport::{ClientTls, Endpoint};

use super::EngineKind;
use crate::Credentials;

/// How one client connects, now and at every reconnect.
#[derive(Clone, Debug)]
pub struct ConnectOptions {
    /// Where to.
    pub endpoint: Endpoint,
    /// How to trust the broker and what to show it, for `mqtts` and `wss`. Default none.
    pub tls: Option<ClientTls>,
    /// The address of this machine that it connects from; the native engine only. Default the system's choice.
    pub source: Option<IpAddr>,
    /// Which of both engines of an [`Engine`](super::Engine) runs the client; an engine that is alone runs it anyway.
    /// Default native.
    pub engine: EngineKind,
    /// The Client Identifier.
    pub client_id: Utf8String,
    /// The protocol version. Default 5.0.
    pub version: Version,
    /// Clean Start (5.0) or Clean Session (3.1.1). Default true.
    pub clean_start: bool,
    /// Session Expiry Interval in seconds (5.0 only); `u32::MAX` never expires. Default 0.
    pub session_expiry: u32,
    /// Keep Alive in seconds; 0 turns it off. Default 60.
    pub keep_alive: u16,
    /// User name and password, if any.
    pub credentials: Option<Credentials>,
    /// The Will Message, if any.
    pub will: Option<Box<Will>>,
    /// How many QoS 1 and 2 publications the broker may have in flight to this client (5.0 only). Default: the
    /// standard's, 65,535.
    pub receive_maximum: Option<NonZeroU16>,
    /// The largest packet accepted from the broker, in bytes. Default 1 MiB.
    pub maximum_packet_size: u32,
    /// How many own QoS 1 and 2 publications may be in flight, whatever the broker allows. Default 1,024.
    pub maximum_inflight: NonZeroU16,
    /// How many messages may wait to be written; more are refused with [`Unsent::Full`](super::Unsent::Full).
    /// Default 10,000.
    pub queue_limit: usize,
    /// Whether plain messages that came with one read are reported together, as
    /// [`ClientEvent::Arrived`](super::ClientEvent::Arrived), by an engine that can (native). Default false.
    pub bunches: bool,
    /// How long resolving the name, connecting, TLS and WebSocket may take together. Default 10 s.
    pub connect_timeout: Duration,
    /// How long CONNACK may take after that. Default 10 s.
    pub connack_timeout: Duration,
    /// How long PINGRESP may take. Default 10 s.
    pub ping_timeout: Duration,
}

impl ConnectOptions {
    /// The defaults above, for this endpoint and Client Identifier.
    pub fn new(endpoint: Endpoint, client_id: Utf8String) -> Self {
        Self {
            endpoint,
            tls: None,
            source: None,
            engine: EngineKind::default(),
            client_id,
            version: Version::V5,
            clean_start: true,
            session_expiry: 0,
            keep_alive: 60,
            credentials: None,
            will: None,
            receive_maximum: None,
            maximum_packet_size: 1 << 20,
            maximum_inflight: NonZeroU16::new(1024).expect("1,024 is not 0"),
            queue_limit: 10_000,
            bunches: false,
            connect_timeout: Duration::from_secs(10),
            connack_timeout: Duration::from_secs(10),
            ping_timeout: Duration::from_secs(10),
        }
    }
}
