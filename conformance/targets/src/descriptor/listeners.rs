//! Where a broker listens.

use super::Version;

/// URLs of one node, as texts or as the patterns of such.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listeners<T> {
    /// TCP, for every version that has no address of its own: `mqtt://HOST:PORT`. Absent while it is to be the first address.
    pub mqtt: Option<T>,
    /// TCP for 5.0, where that is another address.
    pub mqtt_5: Option<T>,
    /// TLS: `mqtts://HOST:PORT`.
    pub tls: Option<T>,
    /// WebSocket: `ws://HOST:PORT/PATH`.
    pub websocket: Option<T>,
    /// WebSocket over TLS: `wss://HOST:PORT/PATH`.
    pub secure_websocket: Option<T>,
    /// A Unix socket: `unix:PATH`.
    pub unix: Option<T>,
    /// The file with the certificate authority of its certificates.
    pub ca: Option<T>,
    /// The file with the certificate that clients show it, and its chain; `key` belongs to it.
    pub cert: Option<T>,
    /// The file with the private key of `cert`.
    pub key: Option<T>,
}

impl<T> Default for Listeners<T> {
    fn default() -> Self {
        Self {
            mqtt: None,
            mqtt_5: None,
            tls: None,
            websocket: None,
            secure_websocket: None,
            unix: None,
            ca: None,
            cert: None,
            key: None,
        }
    }
}

impl<T> Listeners<T> {
    /// The same with every text made into another.
    pub fn map<U>(&self, mut change: impl FnMut(&T) -> U) -> Listeners<U> {
        Listeners {
            mqtt: self.mqtt.as_ref().map(&mut change),
            mqtt_5: self.mqtt_5.as_ref().map(&mut change),
            tls: self.tls.as_ref().map(&mut change),
            websocket: self.websocket.as_ref().map(&mut change),
            secure_websocket: self.secure_websocket.as_ref().map(&mut change),
            unix: self.unix.as_ref().map(&mut change),
            ca: self.ca.as_ref().map(&mut change),
            cert: self.cert.as_ref().map(&mut change),
            key: self.key.as_ref().map(&mut change),
        }
    }

    /// Where `version` is spoken over TCP.
    pub fn plain(&self, version: Version) -> Option<&T> {
        let own = self.mqtt_5.as_ref().filter(|_| version == Version::V5);
        own.or(self.mqtt.as_ref())
    }
}
