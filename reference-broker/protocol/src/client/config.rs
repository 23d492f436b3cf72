//! How a client behaves.

use std::time::Duration;

use crate::Connect;

/// How this client behaves on one connection.
#[derive(Clone, Debug)]
pub struct Config {
    /// The CONNECT to send. Its properties announce Receive Maximum, Maximum Packet Size and Topic Alias Maximum, which
    /// the machine then enforces on the server.
    pub connect: Connect,
    /// How long CONNACK may take. Default 10 s.
    pub connack_timeout: Duration,
    /// How long PINGRESP may take before the connection counts as dead. Default 10 s.
    pub ping_timeout: Duration,
    /// How many own publications may be in flight at most, whatever the server allows. Default 65,535.
    pub maximum_inflight: u16,
    /// Whether to use Topic Aliases for repeated topics when the server allows them. Default false.
    pub use_topic_aliases: bool,
}

impl Config {
    /// The defaults around `connect`.
    pub fn new(connect: Connect) -> Self {
        Self {
            connect,
            connack_timeout: Duration::from_secs(10),
            ping_timeout: Duration::from_secs(10),
            maximum_inflight: u16::MAX,
            use_topic_aliases: false,
        }
    }
}
