//! Who is on the other side of an accepted connection, as far as the transport knows.

use std::{net::SocketAddr, sync::Arc};

use crate::Scheme;

/// The other side of an accepted connection. Small: a broker keeps it as long as the connection lasts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Where it connects from; behind a proxy that speaks the PROXY protocol, the true source. `None` over a Unix socket,
    /// and when the proxy does not say.
    pub address: Option<SocketAddr>,
    /// What is spoken below MQTT.
    pub scheme: Scheme,
    /// Its certificate, verified. `None` without TLS, and when it showed none.
    pub certificate: Option<Arc<PeerCertificate>>,
    /// The name that it asked for in TLS (Server Name Indication).
    pub server_name: Option<Box<str>>,
}

impl Peer {
    /// A peer that only has an address.
    pub const fn new(address: Option<SocketAddr>, scheme: Scheme) -> Self {
        Self { address, scheme, certificate: None, server_name: None }
    }
}

/// A client certificate that TLS has verified against the listener's CA.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerCertificate {
    /// The last Common Name of its subject.
    pub common_name: Option<Box<str>>,
    /// Its Subject Alternative Names, as `DNS:barn`, `IP:192.0.2.1`, `URI:urn:device:7`, `email:vet@barn`.
    pub alternative_names: Box<[Box<str>]>,
    /// The whole certificate, DER.
    pub der: Box<[u8]>,
}
