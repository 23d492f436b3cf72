//! Every way in which a peer can break the standard.

use std::fmt;

use crate::{ReasonCode, TopicError, Version};

/// The place in a version of the standard that a rule comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Statement {
    /// The standard.
    pub version: Version,
    /// A numbered statement such as `MQTT-3.1.0-2`, or a section such as `3.1.2.11.3` where the rule has no number.
    pub id: &'static str,
}

impl Statement {
    /// Whether the rule has a number of its own.
    pub fn is_numbered(&self) -> bool {
        self.id.starts_with("MQTT-")
    }
}

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let standard = match self.version {
            Version::V311 => "3.1.1",
            Version::V5 => "5.0",
        };
        let section = if self.is_numbered() { "" } else { "section " };
        write!(f, "{section}{} of MQTT {standard}", self.id)
    }
}

macro_rules! violations {
    ($($(#[$doc:meta])* $name:ident: $text:literal, $v311:expr, $v5:expr, $reason:ident;)*) => {
        /// One crime of a peer.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
        pub enum Violation {
            $($(#[$doc])* #[error($text)] $name,)*
        }

        impl Violation {
            /// Every crime, in alphabetical order.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The Reason Code for the CONNACK or DISCONNECT that answers it.
            pub const fn reason_code(self) -> ReasonCode {
                match self {
                    $(Self::$name => ReasonCode::$reason,)*
                }
            }

            /// The rule that it breaks in `version`; none when that version has no such rule.
            pub const fn statement(self, version: Version) -> Option<Statement> {
                let (v311, v5): (Option<&'static str>, Option<&'static str>) = match self {
                    $(Self::$name => ($v311, $v5),)*
                };
                let id = match version {
                    Version::V311 => v311,
                    Version::V5 => v5,
                };
                match id {
                    Some(id) => Some(Statement { version, id }),
                    None => None,
                }
            }
        }
    };
}

violations! {
    /// An acknowledgement for a Packet Identifier that waits for none, or for another kind.
    AcknowledgementUnexpected: "acknowledgement of nothing in flight",
        Some("4.3"), Some("4.3"), ProtocolError;
    /// An Assigned Client Identifier although the client named itself.
    AssignedClientIdentifierUnwanted: "assigned client identifier for a client that has one",
        None, Some("3.2.2.3.7"), ProtocolError;
    /// AUTH on a connection whose CONNECT named no Authentication Method.
    AuthUnexpected: "auth packet without enhanced authentication",
        None, Some("MQTT-4.12.0-7"), ProtocolError;
    /// Authentication Data without an Authentication Method.
    AuthenticationDataWithoutMethod: "authentication data without a method",
        None, Some("3.1.2.11.10"), ProtocolError;
    /// An Authentication Method other than that of CONNECT.
    AuthenticationMethodChanged: "authentication method differs from that of connect",
        None, Some("MQTT-4.12.0-5"), ProtocolError;
    /// AUTH without an Authentication Method.
    AuthenticationMethodMissing: "auth packet without an authentication method",
        None, Some("3.15.2.2.2"), ProtocolError;
    /// An empty Client Identifier with Clean Session 0 (3.1.1 only).
    ClientIdentifierMissing: "empty client identifier without clean session",
        Some("MQTT-3.1.3-8"), None, ClientIdentifierNotValid;
    /// CONNACK flag bits 7 to 1 are not 0.
    ConnAckFlagsReserved: "reserved connack flags set",
        Some("3.2.2.1"), Some("MQTT-3.2.2-1"), MalformedPacket;
    /// A second CONNACK.
    ConnAckRepeated: "second connack",
        Some("MQTT-3.2.0-1"), Some("MQTT-3.2.0-2"), ProtocolError;
    /// The reserved CONNECT flag is not 0.
    ConnectFlagsReserved: "reserved connect flag set",
        Some("MQTT-3.1.2-3"), Some("MQTT-3.1.2-3"), MalformedPacket;
    /// A second CONNECT.
    ConnectRepeated: "second connect",
        Some("MQTT-3.1.0-2"), Some("MQTT-3.1.0-2"), ProtocolError;
    /// A Connect Return Code of 6 or above (3.1.1 only).
    ConnectReturnCodeReserved: "reserved connect return code",
        Some("3.2.2.3"), None, ProtocolError;
    /// DUP on a PUBLISH at QoS 0.
    DupAtQos0: "dup set at qos 0",
        Some("MQTT-3.3.1-2"), Some("MQTT-3.3.1-2"), MalformedPacket;
    /// The first packet of a client is not CONNECT.
    FirstPacketNotConnect: "first packet is not connect",
        Some("MQTT-3.1.0-1"), Some("MQTT-3.1.0-1"), ProtocolError;
    /// The flags of a fixed header differ from the constant of its packet type.
    FixedHeaderFlags: "wrong flags in the fixed header",
        Some("MQTT-2.2.2-2"), Some("MQTT-2.1.3-1"), MalformedPacket;
    /// A string that is not well-formed UTF-8.
    InvalidUtf8: "string is not well-formed utf-8",
        Some("MQTT-1.5.3-1"), Some("MQTT-1.5.4-1"), MalformedPacket;
    /// A Maximum Packet Size of 0.
    MaximumPacketSizeZero: "maximum packet size is 0",
        None, Some("3.1.2.11.4"), ProtocolError;
    // 0x8F and 0x90 are for filters and topics that are "correctly formed" and not accepted (3.14.2.1); these are not.
    /// `#` that does not fill the last level.
    MultiLevelWildcardMisplaced: "# is not alone in the last level of the filter",
        Some("MQTT-4.7.1-2"), Some("MQTT-4.7.1-1"), MalformedPacket;
    /// No Local on a shared subscription.
    NoLocalOnShared: "no local on a shared subscription",
        None, Some("MQTT-3.8.3-4"), ProtocolError;
    /// U+0000 in a string.
    NullInString: "string contains the null character",
        Some("MQTT-1.5.3-2"), Some("MQTT-1.5.4-2"), MalformedPacket;
    /// A server sent something other than CONNACK (or AUTH in 5.0) first.
    PacketBeforeConnAck: "packet before connack",
        Some("MQTT-3.2.0-1"), Some("MQTT-3.2.0-1"), ProtocolError;
    /// A client sent something other than AUTH or DISCONNECT while it authenticates.
    PacketDuringAuthentication: "packet other than auth or disconnect before connack",
        None, Some("MQTT-3.1.2-30"), ProtocolError;
    /// A packet that only the other side may send.
    PacketFromWrongSide: "packet that only the other side may send",
        Some("2.2.1"), Some("2.1.2"), ProtocolError;
    /// A Packet Identifier that still belongs to another exchange.
    PacketIdentifierInUse: "packet identifier in use",
        Some("MQTT-2.3.1-2"), Some("MQTT-2.2.1-3"), ProtocolError;
    /// Packet Identifier 0.
    PacketIdentifierZero: "packet identifier is 0",
        Some("MQTT-2.3.1-1"), Some("MQTT-2.2.1-3"), ProtocolError;
    /// A packet larger than the announced Maximum Packet Size.
    PacketTooLarge: "packet larger than the maximum packet size",
        None, Some("MQTT-3.2.2-15"), PacketTooLarge;
    /// A packet that ends within a field.
    PacketTooShort: "packet ends before its fields do",
        Some("MQTT-4.8.0-1"), Some("4.13.1"), MalformedPacket;
    /// Packet type 0, or 15 in 3.1.1.
    PacketTypeReserved: "reserved packet type",
        Some("2.2.1"), Some("2.1.2"), MalformedPacket;
    /// A password without a user name (3.1.1 only).
    PasswordWithoutUserName: "password without user name",
        Some("MQTT-3.1.2-22"), None, MalformedPacket;
    /// A Reason String or User Property on an acknowledgement although Request Problem Information was 0.
    ProblemInformationUnwanted: "reason string or user property that the client declined",
        None, Some("MQTT-3.1.2-29"), ProtocolError;
    /// The Property Length reaches past the end of the packet, or cuts a property short.
    PropertiesOverrun: "property length does not fit its properties or its packet",
        None, Some("2.2.2.1"), MalformedPacket;
    /// A property that may stand once stands twice.
    PropertyDuplicate: "property repeated",
        None, Some("2.2.2.2"), ProtocolError;
    /// A property whose packet is another one.
    PropertyNotAllowed: "property not allowed in this packet",
        None, Some("2.2.2.2"), MalformedPacket;
    /// A Byte property that may be 0 or 1 only.
    PropertyNotBoolean: "property is neither 0 nor 1",
        None, Some("2.2.2.2"), ProtocolError;
    /// A property that the standard does not define.
    PropertyUnknown: "unknown property",
        None, Some("2.2.2.2"), MalformedPacket;
    /// A Protocol Name other than `MQTT`.
    ProtocolNameWrong: "wrong protocol name",
        Some("MQTT-3.1.2-1"), Some("MQTT-3.1.2-1"), UnsupportedProtocolVersion;
    /// A protocol version other than 3.1.1 and 5.0, or MQTT 3.1 (`MQIsdp`, 3) where that is not accepted.
    ProtocolVersionUnsupported: "unsupported protocol version",
        Some("MQTT-3.1.2-2"), Some("MQTT-3.1.2-2"), UnsupportedProtocolVersion;
    /// A PUBLISH above the Maximum QoS of the server.
    QosAboveMaximum: "qos above the maximum of the server",
        None, Some("MQTT-3.2.2-11"), QosNotSupported;
    /// QoS 3.
    QosReserved: "qos 3",
        Some("MQTT-3.3.1-4"), Some("MQTT-3.3.1-4"), MalformedPacket;
    /// A Reason Code that the packet may not carry from this sender, or that the standard does not define.
    ReasonCodeNotAllowed: "reason code not allowed in this packet",
        Some("MQTT-3.9.3-2"), Some("2.4"), ProtocolError;
    /// SUBACK or UNSUBACK with more or fewer codes than there were filters.
    ReasonCountMismatch: "acknowledgement does not have one code per filter",
        Some("MQTT-3.8.4-5"), Some("MQTT-3.8.4-6"), ProtocolError;
    /// More unacknowledged QoS 1 and 2 PUBLISH packets than the Receive Maximum.
    ReceiveMaximumExceeded: "receive maximum exceeded",
        None, Some("MQTT-3.3.4-7"), ReceiveMaximumExceeded;
    /// A Receive Maximum of 0.
    ReceiveMaximumZero: "receive maximum is 0",
        None, Some("3.1.2.11.3"), ProtocolError;
    /// Response Information that the client did not ask for.
    ResponseInformationUnwanted: "response information that the client declined",
        None, Some("MQTT-3.1.2-28"), ProtocolError;
    /// Retain Handling 3.
    RetainHandlingReserved: "retain handling 3",
        None, Some("3.8.3.1"), ProtocolError;
    /// RETAIN although the server offers no retained messages.
    RetainUnavailable: "retain although it is not available",
        None, Some("MQTT-3.2.2-14"), RetainNotSupported;
    /// A Session Expiry Interval in a DISCONNECT from a server.
    SessionExpiryFromServer: "session expiry interval in a disconnect of the server",
        None, Some("MQTT-3.14.2-2"), ProtocolError;
    /// DISCONNECT sets a Session Expiry Interval after CONNECT had 0.
    SessionExpiryRevived: "session expiry interval set by disconnect after connect had 0",
        None, Some("3.14.2.2.2"), ProtocolError;
    /// Session Present in a CONNACK that refuses.
    SessionPresentOnRefusal: "session present in a refusing connack",
        Some("MQTT-3.2.2-4"), Some("MQTT-3.2.2-6"), ProtocolError;
    /// Session Present although the client has no Session.
    SessionPresentUnexpected: "session present without a session of the client",
        Some("MQTT-3.2.2-1"), Some("MQTT-3.2.2-4"), ProtocolError;
    /// A ShareName that is empty or holds a wildcard.
    ShareNameInvalid: "share name is empty or contains a wildcard",
        None, Some("MQTT-4.8.2-2"), MalformedPacket;
    /// `$share/name` without a filter behind it.
    SharedFilterMissing: "shared subscription without a filter",
        None, Some("MQTT-4.8.2-2"), MalformedPacket;
    /// A shared subscription although the server offers none.
    SharedUnavailable: "shared subscription although they are not available",
        None, Some("3.2.2.3.13"), SharedSubscriptionsNotSupported;
    /// `+` that does not fill its level.
    SingleLevelWildcardMisplaced: "+ is not alone in its level of the filter",
        Some("MQTT-4.7.1-3"), Some("MQTT-4.7.1-2"), MalformedPacket;
    /// A string of more than 65,535 bytes.
    StringTooLong: "string longer than 65,535 bytes",
        Some("MQTT-4.7.3-3"), Some("MQTT-4.7.3-3"), MalformedPacket;
    /// SUBSCRIBE without a filter.
    SubscribeEmpty: "subscribe without a filter",
        Some("MQTT-3.8.3-3"), Some("MQTT-3.8.3-2"), ProtocolError;
    /// A Subscription Identifier in a PUBLISH from a client.
    SubscriptionIdentifierFromClient: "subscription identifier in a publish of a client",
        None, Some("MQTT-3.3.4-6"), ProtocolError;
    /// A Subscription Identifier although the server offers none.
    SubscriptionIdentifierUnavailable: "subscription identifier although they are not available",
        None, Some("3.2.2.3.12"), SubscriptionIdentifiersNotSupported;
    /// Subscription Identifier 0.
    SubscriptionIdentifierZero: "subscription identifier is 0",
        None, Some("3.8.2.1.2"), ProtocolError;
    /// Reserved bits of the Subscription Options are set.
    SubscriptionOptionsReserved: "reserved subscription options set",
        Some("MQTT-3.8.3-4"), Some("MQTT-3.8.3-5"), MalformedPacket;
    /// QoS 3 in a SUBSCRIBE.
    SubscriptionQosReserved: "subscription at qos 3",
        Some("MQTT-3.8.3-4"), Some("3.8.3.1"), ProtocolError;
    /// More filters in one packet than this side takes.
    TooManyFilters: "more filters than one packet may have",
        Some("MQTT-4.8.0-2"), Some("4.13.2"), QuotaExceeded;
    /// More properties in one list than this side takes.
    TooManyProperties: "more properties than one packet may have",
        None, Some("4.13.2"), QuotaExceeded;
    /// A Topic Alias of 0, or above the announced maximum.
    TopicAliasInvalid: "topic alias is 0 or above the maximum",
        None, Some("MQTT-3.3.2-8"), TopicAliasInvalid;
    /// A Topic Alias that was never given a topic.
    TopicAliasUnknown: "topic alias stands for no topic",
        None, Some("3.3.4"), ProtocolError;
    /// Topic Aliases for more bytes of topics than this side keeps.
    TopicAliasesTooLong: "topic aliases stand for more bytes of topics than are kept",
        None, Some("4.13.2"), QuotaExceeded;
    /// A Topic Name or Topic Filter without a character.
    TopicEmpty: "topic is empty",
        Some("MQTT-4.7.3-1"), Some("MQTT-4.7.3-1"), MalformedPacket;
    /// A PUBLISH with neither Topic Name nor Topic Alias.
    TopicMissing: "publish with neither topic nor topic alias",
        Some("MQTT-4.7.3-1"), Some("3.3.2.1"), ProtocolError;
    /// A wildcard in a Topic Name.
    TopicNameWildcard: "topic name contains a wildcard",
        Some("MQTT-3.3.2-2"), Some("MQTT-3.3.2-2"), MalformedPacket;
    /// Bytes after the last field of a packet.
    TrailingBytes: "bytes after the last field of the packet",
        Some("MQTT-4.8.0-1"), Some("4.13.1"), MalformedPacket;
    /// UNSUBSCRIBE without a filter.
    UnsubscribeEmpty: "unsubscribe without a filter",
        Some("MQTT-3.10.3-2"), Some("MQTT-3.10.3-2"), ProtocolError;
    /// A Variable Byte Integer that is longer than needed.
    VariableByteIntegerNotMinimal: "variable byte integer longer than needed",
        None, Some("MQTT-1.5.5-1"), MalformedPacket;
    /// A Variable Byte Integer of more than four bytes.
    VariableByteIntegerTooLong: "variable byte integer of more than four bytes",
        Some("2.2.3"), Some("1.5.5"), MalformedPacket;
    /// A wildcard in a filter although the server offers none.
    WildcardUnavailable: "wildcard subscription although they are not available",
        None, Some("3.2.2.3.11"), WildcardSubscriptionsNotSupported;
    /// Will QoS 3.
    WillQosReserved: "will qos 3",
        Some("MQTT-3.1.2-14"), Some("MQTT-3.1.2-12"), MalformedPacket;
    /// Will QoS without the Will Flag.
    WillQosWithoutWill: "will qos without a will",
        Some("MQTT-3.1.2-13"), Some("MQTT-3.1.2-11"), MalformedPacket;
    /// Will Retain without the Will Flag.
    WillRetainWithoutWill: "will retain without a will",
        Some("MQTT-3.1.2-15"), Some("MQTT-3.1.2-13"), MalformedPacket;
}

impl From<TopicError> for Violation {
    fn from(error: TopicError) -> Self {
        match error {
            TopicError::Empty => Self::TopicEmpty,
            TopicError::MultiLevelWildcardMisplaced => Self::MultiLevelWildcardMisplaced,
            TopicError::NullCharacter => Self::NullInString,
            TopicError::ShareNameInvalid => Self::ShareNameInvalid,
            TopicError::SharedFilterMissing => Self::SharedFilterMissing,
            TopicError::SingleLevelWildcardMisplaced => Self::SingleLevelWildcardMisplaced,
            TopicError::TooLong => Self::StringTooLong,
            TopicError::Wildcard => Self::TopicNameWildcard,
        }
    }
}
