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
    /// How many QoS 1 and 2 deliveries may be in flight to a client at most, whatever it announces. Default 1,024.
    pub maximum_inflight: u16,
    /// How many Topic Aliases to use toward a client that allows them: the first so many topics get one. 0 uses none.
    /// Default 0.
    pub outgoing_topic_alias_maximum: u16,
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
            maximum_qos: QoS::ExactlyOnce,
            retain_available: true,
            wildcard_available: true,
            subscription_ids_available: true,
            shared_available: true,
            server_keep_alive: None,
            maximum_inflight: 1024,
            outgoing_topic_alias_maximum: 0,
        }
    }
}
