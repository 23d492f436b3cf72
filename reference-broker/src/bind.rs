//! The listeners of a broker.

use std::sync::Arc;

use transport::{Address, Listener, Peer};

/// One listener of a broker, and what holds for the connections it accepts.
#[derive(Debug)]
pub struct Bind {
    /// Where connections come from, ready for MQTT.
    pub listener: Listener,
    /// What logs and counters call it. Default: its address.
    pub name: String,
    /// Open connections of this listener; one more is closed at once. Default: only [`crate::Limits::connections`] bounds
    /// them, which holds for all listeners together.
    pub connections: Option<usize>,
    /// How many workers accept on it (and so serve its connections), at least 1. Default: all.
    pub acceptors: Option<usize>,
    /// Whether its clients may connect without saying who they are. Default: only where nobody but this machine reaches it.
    pub anonymous: bool,
    /// Whether the Common Name of a client certificate is the user name of whoever shows it. Default false.
    pub certificate_user: bool,
}

impl Bind {
    /// A listener with the defaults.
    pub fn new(listener: Listener) -> Self {
        let address = listener.address();
        Self {
            name: address.to_string(),
            connections: None,
            acceptors: None,
            anonymous: address.is_local(),
            certificate_user: false,
            listener,
        }
    }
}

impl From<Listener> for Bind {
    fn from(listener: Listener) -> Self {
        Self::new(listener)
    }
}

/// What is known of a running listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entrance {
    /// See [`Bind::name`].
    pub name: String,
    /// Where it listens, with the port that was picked.
    pub address: Address,
    /// How clients write it: `mqtts://127.0.0.1:8883`, `ws://[::1]:8083/mqtt`, `unix:/run/broker.sock`.
    pub url: String,
    /// See [`Bind::anonymous`].
    pub anonymous: bool,
    /// See [`Bind::certificate_user`].
    pub certificate_user: bool,
}

/// Where a connection comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The listener that accepted it.
    pub entrance: Arc<Entrance>,
    /// The other side.
    pub peer: Peer,
}
