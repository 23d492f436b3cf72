//! What a broker must offer, or be known to lack, so that a case can decide anything there.

use std::{fmt, str::FromStr};

macro_rules! capabilities {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// Something that a broker offers, or is known to lack. What 5.0 announces in CONNACK is asked there; the rest stands
        /// in the descriptor of the target.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Capability {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Capability {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Its name in descriptors: `no-retain`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// What it means, in one sentence.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc,)+).trim_ascii(),)+ }
            }
        }
    };
}

capabilities! {
    /// Messages may be retained.
    Retain = "retain",
    /// Messages may not be retained (Retain Available 0).
    NoRetain = "no-retain",
    /// Publications of QoS 1 are taken.
    Qos1 = "qos-1",
    /// Publications of QoS 2 are taken.
    Qos2 = "qos-2",
    /// Publications above QoS 0 or 1 are not taken (Maximum QoS).
    LimitedQos = "limited-qos",
    /// Subscriptions may have wildcards.
    Wildcards = "wildcards",
    /// Subscriptions may not have wildcards.
    NoWildcards = "no-wildcards",
    /// Subscriptions may have identifiers.
    SubscriptionIdentifiers = "subscription-identifiers",
    /// Subscriptions may not have identifiers.
    NoSubscriptionIdentifiers = "no-subscription-identifiers",
    /// Subscriptions may be shared.
    SharedSubscriptions = "shared-subscriptions",
    /// Subscriptions may not be shared.
    NoSharedSubscriptions = "no-shared-subscriptions",
    /// Clients may use Topic Aliases (Topic Alias Maximum above 0).
    TopicAliases = "topic-aliases",
    /// Clients may not use Topic Aliases.
    NoTopicAliases = "no-topic-aliases",
    /// The server uses Topic Aliases toward clients that allow them.
    OutgoingTopicAliases = "outgoing-topic-aliases",
    /// The server announces a Maximum Packet Size of at most 1 MiB.
    PacketLimit = "packet-limit",
    /// The server takes packets of 2 MiB and a little more.
    LargePackets = "large-packets",
    /// The server announces a Receive Maximum of at most 2,000.
    ReceiveLimit = "receive-limit",
    /// The server replaces the Keep Alive of clients (Server Keep Alive).
    ServerKeepAlive = "server-keep-alive",
    /// The server tells clients what their response topics begin with, if they ask.
    ResponseInformation = "response-information",
    /// Sessions outlive their connections, and Session Present tells so.
    Sessions = "sessions",
    /// Clients without a Client Identifier are given one.
    EmptyClientId = "empty-client-id",
    /// There is a Client Identifier that the server refuses; the descriptor names it.
    RefusedClientId = "refused-client-id",
    /// Clients need a User Name and Password; the descriptor names right ones.
    Users = "users",
    /// There is a topic that clients may not publish to; the descriptor names it.
    ForbiddenTopic = "forbidden-topic",
    /// There is a filter that clients may not subscribe to; the descriptor names it.
    ForbiddenFilter = "forbidden-filter",
    /// Enhanced authentication by SCRAM-SHA-256; the descriptor names a user and its password.
    Scram = "scram",
    /// MQTT over TLS.
    Tls = "tls",
    /// MQTT over TLS, where clients need a certificate; the target is reached with a right one.
    ClientCertificates = "client-certificates",
    /// MQTT over WebSocket, with TLS below it or without.
    WebSocket = "websocket",
    /// MQTT over WebSocket over TLS.
    SecureWebSocket = "secure-websocket",
    /// MQTT over a Unix socket.
    Unix = "unix",
    /// Several addresses that are one cluster.
    Cluster = "cluster",
    /// A cluster of which one node can be stopped.
    StoppableNodes = "stoppable-nodes",
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Capability {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().copied().find(|capability| capability.name() == text);
        found.ok_or_else(|| {
            format!(
                "`{text}` is no capability; there are {}",
                Self::ALL.iter().map(|c| c.name()).collect::<Vec<_>>().join(", ")
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_and_mean_something() {
        for capability in Capability::ALL {
            assert_eq!(capability.name().parse(), Ok(*capability));
            assert!(capability.meaning().ends_with('.'), "{capability}");
        }
        assert!("retained".parse::<Capability>().unwrap_err().contains("no-retain"));
    }
}
