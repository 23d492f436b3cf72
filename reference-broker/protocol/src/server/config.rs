//! What a server offers and bounds.

use std::time::Duration;

use crate::QoS;

/// What this server offers and bounds on every connection.
#[derive(Clone, Debug)]
pub struct Config {
    /// How long a peer may take from the first moment to a whole CONNECT. Default 10 s.
    pub connect_timeout: Duration,
    /// The largest packet accepted, in bytes including its fixed header. Default 1 MiB. Announced when below the limit
    /// of the standard (268,435,460).
    pub maximum_packet_size: u32,
    /// The largest CONNECT accepted, in bytes including its fixed header: what a stranger can make the server hold.
    /// Default 64 KiB. Clients with a larger Will or password need more; the standard allows 256 KiB and properties.
    pub maximum_connect_size: u32,
    /// How many properties one list of a packet may have; more close the connection with Quota exceeded. Default 1,024.
    pub maximum_properties: u32,
    /// How many filters one SUBSCRIBE or UNSUBSCRIBE may have; more close the connection with Quota exceeded. Default
    /// 4,096.
    pub maximum_filters: u32,
    /// Whether clients that speak MQTT 3.1 (`MQIsdp`, level 3) are accepted; otherwise they are refused with return code 1.
    /// Default true: devices that are older than 3.1.1 are still in use, and the other brokers take them.
    pub mqtt_3_1: bool,
    /// How many QoS 1 and 2 publications the client may have in flight, 1 to 65,535. Default 1,024.
    pub receive_maximum: u16,
    /// The highest Topic Alias accepted; 0 accepts none. Default 64.
    pub topic_alias_maximum: u16,
    /// Bytes of topics that the aliases of one connection may stand for, each way. A client that sets more is disconnected
    /// with Quota exceeded; toward it no further aliases are used. Default 65,536: a topic of any length gets an alias.
    pub topic_alias_bytes: usize,
    /// The highest QoS offered. Default 2.
    pub maximum_qos: QoS,
    /// Whether retained messages are offered. Default true.
    pub retain_available: bool,
    /// Whether wildcard subscriptions are offered. Default true.
    pub wildcard_available: bool,
    /// Whether Subscription Identifiers are offered. Default true.
    pub subscription_ids_available: bool,
    /// Whether shared subscriptions are offered. Default true.
    pub shared_available: bool,
    /// A Keep Alive that replaces the client's, in seconds. Default none.
    pub server_keep_alive: Option<u16>,
    /// The longest Keep Alive, in seconds, in place of a longer one or of none (0); 0 for no such bound. A 5.0 client is told
    /// by Server Keep Alive. A 3.1.1 client cannot be told, but may be disconnected as inactive at any time, whatever it
    /// asked for (3.1.2.10). Default 0.
    pub maximum_keep_alive: u16,
    /// How many QoS 1 and 2 deliveries may be in flight to a client at most, whatever it announces. Default 1,024.
    pub maximum_inflight: u16,
    /// How many Topic Aliases to use toward a client that allows them: the first so many topics get one. 0 uses none.
    /// Default 0.
    pub outgoing_topic_alias_maximum: u16,
}

impl Config {
    /// What [`Config::maximum_keep_alive`] makes of a Keep Alive of `wished` seconds; 0 is none.
    pub const fn bound_keep_alive(&self, wished: u16) -> u16 {
        let maximum = self.maximum_keep_alive;
        if maximum > 0 && (wished == 0 || wished > maximum) { maximum } else { wished }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            maximum_packet_size: 1024 * 1024,
            maximum_connect_size: 64 * 1024,
            maximum_properties: 1024,
            maximum_filters: 4096,
            mqtt_3_1: true,
            receive_maximum: 1024,
            topic_alias_maximum: 64,
            topic_alias_bytes: 64 * 1024,
            maximum_qos: QoS::ExactlyOnce,
            retain_available: true,
            wildcard_available: true,
            subscription_ids_available: true,
            shared_available: true,
            server_keep_alive: None,
            maximum_keep_alive: 0,
            maximum_inflight: 1024,
            outgoing_topic_alias_maximum: 0,
        }
    }
}
