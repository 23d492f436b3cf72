//! What a broker offers beyond what it says in CONNACK.

use std::time::Duration;

/// What a broker offers. What is absent is what it announces in a CONNACK of 5.0, or else what the standard says of a server
/// that announces nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Whether messages may be retained.
    pub retain: Option<bool>,
    /// The highest QoS of a publication: 0 to 2.
    pub qos: Option<u8>,
    /// Whether subscriptions may have wildcards.
    pub wildcards: Option<bool>,
    /// Whether subscriptions may have identifiers.
    pub subscription_identifiers: Option<bool>,
    /// Whether subscriptions may be shared, as `$share/NAME/FILTER`; of 3.1.1, where no standard has them, too.
    pub shared_subscriptions: Option<bool>,
    /// Topic Aliases that clients may use.
    pub topic_aliases: Option<u16>,
    /// Whether it uses Topic Aliases toward clients that allow them.
    pub outgoing_topic_aliases: bool,
    /// Whether it tells clients what their response topics begin with, if they ask.
    pub response_information: bool,
    /// Whether sessions outlive their connections.
    pub sessions: bool,
    /// The longest that a session outlives its connection, if that is bounded.
    pub session_expiry: Option<Duration>,
    /// Whether it gives a Client Identifier to clients that have none.
    pub empty_client_id: bool,
    /// Whether clients may connect without a user name.
    pub anonymous: bool,
    /// A Client Identifier that it refuses.
    pub refused_client_id: Option<String>,
    /// A topic that nobody may publish to.
    pub forbidden_topic: Option<String>,
    /// A filter that nobody may subscribe to.
    pub forbidden_filter: Option<String>,
    /// How many cases it stands side by side: 1 to 1000; as many as there are when absent.
    pub jobs: Option<usize>,
    /// How late it may act on what has run out: Keep Alive, Session and Message Expiry, Will Delay.
    pub tolerance: Duration,
}

impl Default for Capabilities {
    /// Of a broker about which nothing is said.
    fn default() -> Self {
        Self {
            retain: None,
            qos: None,
            wildcards: None,
            subscription_identifiers: None,
            shared_subscriptions: None,
            topic_aliases: None,
            outgoing_topic_aliases: false,
            response_information: false,
            sessions: true,
            session_expiry: None,
            empty_client_id: true,
            anonymous: true,
            refused_client_id: None,
            forbidden_topic: None,
            forbidden_filter: None,
            jobs: None,
            tolerance: Self::TOLERANCE,
        }
    }
}

impl Capabilities {
    /// How late brokers may act when nothing is said.
    pub(crate) const TOLERANCE: Duration = Duration::from_secs(1);
}

/// Somebody who may connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The User Name.
    pub name: String,
    /// The Password. It guards a broker under test, and is no secret.
    pub password: String,
    /// Whether the same name and password do for enhanced authentication by SCRAM-SHA-256.
    pub scram: bool,
}
