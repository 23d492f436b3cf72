//! Reason Codes of MQTT 5.0 (section 2.4) and their 3.1.1 counterparts.

use std::fmt;

use crate::{PacketType, Version};

macro_rules! reason_codes {
    ($($(#[$doc:meta])* $name:ident = $value:literal, $text:literal;)*) => {
        /// The outcome of an operation. Values of 0x80 and above mean failure.
        ///
        /// The same codes describe MQTT 3.1.1 outcomes inside this crate; the codec maps them to the Connect Return
        /// Codes and SUBACK return codes of that version where they go over the wire.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum ReasonCode {
            $($(#[$doc])* $name = $value,)*
        }

        impl ReasonCode {
            /// Every code, ascending.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The code with this value, if the standard defines one.
            pub const fn from_value(value: u8) -> Option<Self> {
                match value {
                    $($value => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// The standard's name of the code.
            pub const fn text(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

reason_codes! {
    /// Success / Normal disconnection / Granted QoS 0: CONNACK, PUBACK, PUBREC, PUBREL, PUBCOMP, UNSUBACK, AUTH, DISCONNECT, SUBACK.
    Success = 0x00, "Success / Normal disconnection / Granted QoS 0";
    /// Granted QoS 1: SUBACK.
    GrantedQos1 = 0x01, "Granted QoS 1";
    /// Granted QoS 2: SUBACK.
    GrantedQos2 = 0x02, "Granted QoS 2";
    /// Disconnect with Will Message: DISCONNECT.
    DisconnectWithWillMessage = 0x04, "Disconnect with Will Message";
    /// No matching subscribers: PUBACK, PUBREC.
    NoMatchingSubscribers = 0x10, "No matching subscribers";
    /// No subscription existed: UNSUBACK.
    NoSubscriptionExisted = 0x11, "No subscription existed";
    /// Continue authentication: AUTH.
    ContinueAuthentication = 0x18, "Continue authentication";
    /// Re-authenticate: AUTH.
    ReAuthenticate = 0x19, "Re-authenticate";
    /// Unspecified error: CONNACK, PUBACK, PUBREC, SUBACK, UNSUBACK, DISCONNECT.
    UnspecifiedError = 0x80, "Unspecified error";
    /// Malformed Packet: CONNACK, DISCONNECT.
    MalformedPacket = 0x81, "Malformed Packet";
    /// Protocol Error: CONNACK, DISCONNECT.
    ProtocolError = 0x82, "Protocol Error";
    /// Implementation specific error: CONNACK, PUBACK, PUBREC, SUBACK, UNSUBACK, DISCONNECT.
    ImplementationSpecificError = 0x83, "Implementation specific error";
    /// Unsupported Protocol Version: CONNACK.
    UnsupportedProtocolVersion = 0x84, "Unsupported Protocol Version";
    /// Client Identifier not valid: CONNACK.
    ClientIdentifierNotValid = 0x85, "Client Identifier not valid";
    /// Bad User Name or Password: CONNACK.
    BadUserNameOrPassword = 0x86, "Bad User Name or Password";
    /// Not authorized: CONNACK, PUBACK, PUBREC, SUBACK, UNSUBACK, DISCONNECT.
    NotAuthorized = 0x87, "Not authorized";
    /// Server unavailable: CONNACK.
    ServerUnavailable = 0x88, "Server unavailable";
    /// Server busy: CONNACK, DISCONNECT.
    ServerBusy = 0x89, "Server busy";
    /// Banned: CONNACK.
    Banned = 0x8A, "Banned";
    /// Server shutting down: DISCONNECT.
    ServerShuttingDown = 0x8B, "Server shutting down";
    /// Bad authentication method: CONNACK, DISCONNECT.
    BadAuthenticationMethod = 0x8C, "Bad authentication method";
    /// Keep Alive timeout: DISCONNECT.
    KeepAliveTimeout = 0x8D, "Keep Alive timeout";
    /// Session taken over: DISCONNECT.
    SessionTakenOver = 0x8E, "Session taken over";
    /// Topic Filter invalid: SUBACK, UNSUBACK, DISCONNECT.
    TopicFilterInvalid = 0x8F, "Topic Filter invalid";
    /// Topic Name invalid: CONNACK, PUBACK, PUBREC, DISCONNECT.
    TopicNameInvalid = 0x90, "Topic Name invalid";
    /// Packet Identifier in use: PUBACK, PUBREC, SUBACK, UNSUBACK.
    PacketIdentifierInUse = 0x91, "Packet Identifier in use";
    /// Packet Identifier not found: PUBREL, PUBCOMP.
    PacketIdentifierNotFound = 0x92, "Packet Identifier not found";
    /// Receive Maximum exceeded: DISCONNECT.
    ReceiveMaximumExceeded = 0x93, "Receive Maximum exceeded";
    /// Topic Alias invalid: DISCONNECT.
    TopicAliasInvalid = 0x94, "Topic Alias invalid";
    /// Packet too large: CONNACK, DISCONNECT.
    PacketTooLarge = 0x95, "Packet too large";
    /// Message rate too high: DISCONNECT.
    MessageRateTooHigh = 0x96, "Message rate too high";
    /// Quota exceeded: CONNACK, PUBACK, PUBREC, SUBACK, DISCONNECT.
    QuotaExceeded = 0x97, "Quota exceeded";
    /// Administrative action: DISCONNECT.
    AdministrativeAction = 0x98, "Administrative action";
    /// Payload format invalid: CONNACK, PUBACK, PUBREC, DISCONNECT.
    PayloadFormatInvalid = 0x99, "Payload format invalid";
    /// Retain not supported: CONNACK, DISCONNECT.
    RetainNotSupported = 0x9A, "Retain not supported";
    /// QoS not supported: CONNACK, DISCONNECT.
    QosNotSupported = 0x9B, "QoS not supported";
    /// Use another server: CONNACK, DISCONNECT.
    UseAnotherServer = 0x9C, "Use another server";
    /// Server moved: CONNACK, DISCONNECT.
    ServerMoved = 0x9D, "Server moved";
    /// Shared Subscriptions not supported: SUBACK, DISCONNECT.
    SharedSubscriptionsNotSupported = 0x9E, "Shared Subscriptions not supported";
    /// Connection rate exceeded: CONNACK, DISCONNECT.
    ConnectionRateExceeded = 0x9F, "Connection rate exceeded";
    /// Maximum connect time: DISCONNECT.
    MaximumConnectTime = 0xA0, "Maximum connect time";
    /// Subscription Identifiers not supported: SUBACK, DISCONNECT.
    SubscriptionIdentifiersNotSupported = 0xA1, "Subscription Identifiers not supported";
    /// Wildcard Subscriptions not supported: SUBACK, DISCONNECT.
    WildcardSubscriptionsNotSupported = 0xA2, "Wildcard Subscriptions not supported";
}

impl ReasonCode {
    /// The byte on the wire.
    pub const fn value(self) -> u8 {
        self as u8
    }

    /// Whether the operation failed.
    pub const fn is_failure(self) -> bool {
        self.value() >= 0x80
    }

    /// Whether the standard allows this code in `packet` (limits of section 2.4 and of each packet's own table).
    pub fn allowed_in(self, packet: PacketType) -> bool {
        crate::packet::reason_codes_of(packet).contains(&self.value())
    }

    /// The Connect Return Code of MQTT 3.1.1 nearest to this outcome (table 3.1 of that standard).
    pub const fn connect_return_code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::UnsupportedProtocolVersion => 1,
            Self::ClientIdentifierNotValid => 2,
            Self::BadUserNameOrPassword | Self::BadAuthenticationMethod => 4,
            Self::NotAuthorized | Self::Banned => 5,
            _ => 3,
        }
    }

    /// The outcome that a 3.1.1 Connect Return Code stands for; none for the reserved values 6 to 255.
    pub const fn from_connect_return_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Success),
            1 => Some(Self::UnsupportedProtocolVersion),
            2 => Some(Self::ClientIdentifierNotValid),
            3 => Some(Self::ServerUnavailable),
            4 => Some(Self::BadUserNameOrPassword),
            5 => Some(Self::NotAuthorized),
            _ => None,
        }
    }

    /// The byte of this outcome in a SUBACK of `version`.
    pub const fn suback_value(self, version: Version) -> u8 {
        match version {
            Version::V5 => self.value(),
            // MQTT-3.9.3-2 in both: every failure is 0x80 in 3.1.1.
            Version::V311 => {
                if self.is_failure() {
                    0x80
                } else {
                    self.value()
                }
            }
        }
    }
}

impl fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:02X} {}", self.value(), self.text())
    }
}
