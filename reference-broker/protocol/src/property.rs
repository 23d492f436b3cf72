//! Properties of MQTT 5.0 (2.2.2): one table says what each is, where it may stand and how often.

mod list;
mod wire;

use bytes::Bytes;

pub use self::list::Properties;
use self::wire::Wire;
use crate::{
    PacketType, QoS, TopicName, Utf8String, Violation,
    codec::{Reader, Writer},
};

/// Where a property list stands: a packet, or the Will of a CONNECT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Packet(PacketType),
    Will,
}

impl Place {
    /// Packet type 0 is reserved, so its bit is free for the Will.
    const fn bit(self) -> u16 {
        match self {
            Self::Packet(packet) => 1 << packet as u16,
            Self::Will => 1,
        }
    }
}

macro_rules! places {
    (Will) => {
        Place::Will.bit()
    };
    ($packet:ident) => {
        Place::Packet(PacketType::$packet).bit()
    };
}

macro_rules! accessor {
    (value $(#[$doc:meta])* $name:ident, $accessor:ident, $type:ty) => {
        $(#[$doc])*
        pub fn $accessor(&self) -> Option<$type> {
            self.iter().find_map(|property| match property {
                Property::$name(value) => Some(*value),
                _ => None,
            })
        }
    };
    (shared $(#[$doc:meta])* $name:ident, $accessor:ident, $type:ty) => {
        $(#[$doc])*
        pub fn $accessor(&self) -> Option<&$type> {
            self.iter().find_map(|property| match property {
                Property::$name(value) => Some(value),
                _ => None,
            })
        }
    };
    (repeated $(#[$doc:meta])* $name:ident, $accessor:ident, $type:ty) => {
        $(#[$doc])*
        pub fn $accessor(&self) -> impl Iterator<Item = &$type> {
            self.iter().filter_map(|property| match property {
                Property::$name(value) => Some(value),
                _ => None,
            })
        }
    };
}

macro_rules! properties {
    ($(
        $(#[$doc:meta])*
        $id:literal $name:ident($type:ty) as $wire:ident, $kind:ident $accessor:ident, in $($place:ident)+;
    )*) => {
        /// A property with its value.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Property {
            $($(#[$doc])* $name($type),)*
        }

        /// The Identifier of a property.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum PropertyId {
            $($(#[$doc])* $name = $id,)*
        }

        impl PropertyId {
            /// Every property, ascending.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            const fn from_value(value: u32) -> Option<Self> {
                match value {
                    $($id => Some(Self::$name),)*
                    _ => None,
                }
            }

            const fn places(self) -> u16 {
                match self {
                    $(Self::$name => $(places!($place))|+,)*
                }
            }
        }

        impl Property {
            /// Which property it is.
            pub const fn id(&self) -> PropertyId {
                match self {
                    $(Self::$name(_) => PropertyId::$name,)*
                }
            }

            fn read(id: PropertyId, reader: &mut Reader) -> Result<Self, Violation> {
                Ok(match id {
                    $(PropertyId::$name => Self::$name(wire::$wire::read(reader)?),)*
                })
            }

            fn value_len(&self) -> usize {
                match self {
                    $(Self::$name(value) => wire::$wire::len(value),)*
                }
            }

            fn write(&self, writer: &mut Writer<'_>) {
                writer.u8(self.id() as u8);
                match self {
                    $(Self::$name(value) => wire::$wire::write(value, writer),)*
                }
            }
        }

        impl Properties {
            $(accessor!($kind $(#[$doc])* $name, $accessor, $type);)*
        }
    };
}

properties! {
    /// Payload Format Indicator: whether the payload is UTF-8 text.
    0x01 PayloadFormatIndicator(bool) as Flag, value payload_format_indicator, in Publish Will;
    /// Message Expiry Interval in seconds.
    0x02 MessageExpiryInterval(u32) as FourBytes, value message_expiry_interval, in Publish Will;
    /// Content Type.
    0x03 ContentType(Utf8String) as Text, shared content_type, in Publish Will;
    /// Response Topic.
    0x08 ResponseTopic(TopicName) as Topic, shared response_topic, in Publish Will;
    /// Correlation Data: at most 65,535 bytes.
    0x09 CorrelationData(Bytes) as Binary, shared correlation_data, in Publish Will;
    /// Subscription Identifier: 1 to 268,435,455. May repeat in a PUBLISH of a server.
    0x0B SubscriptionIdentifier(u32) as Variable, repeated subscription_ids, in Publish Subscribe;
    /// Session Expiry Interval in seconds; 0xFFFF_FFFF never expires.
    0x11 SessionExpiryInterval(u32) as FourBytes, value session_expiry_interval, in Connect ConnAck Disconnect;
    /// Assigned Client Identifier.
    0x12 AssignedClientIdentifier(Utf8String) as Text, shared assigned_client_identifier, in ConnAck;
    /// Server Keep Alive in seconds.
    0x13 ServerKeepAlive(u16) as TwoBytes, value server_keep_alive, in ConnAck;
    /// Authentication Method.
    0x15 AuthenticationMethod(Utf8String) as Text, shared authentication_method, in Connect ConnAck Auth;
    /// Authentication Data: at most 65,535 bytes.
    0x16 AuthenticationData(Bytes) as Binary, shared authentication_data, in Connect ConnAck Auth;
    /// Request Problem Information; absent means true.
    0x17 RequestProblemInformation(bool) as Flag, value request_problem_information, in Connect;
    /// Will Delay Interval in seconds.
    0x18 WillDelayInterval(u32) as FourBytes, value will_delay_interval, in Will;
    /// Request Response Information; absent means false.
    0x19 RequestResponseInformation(bool) as Flag, value request_response_information, in Connect;
    /// Response Information.
    0x1A ResponseInformation(Utf8String) as Text, shared response_information, in ConnAck;
    /// Server Reference.
    0x1C ServerReference(Utf8String) as Text, shared server_reference, in ConnAck Disconnect;
    /// Reason String.
    0x1F ReasonString(Utf8String) as Text, shared reason_string,
        in ConnAck PubAck PubRec PubRel PubComp SubAck UnsubAck Disconnect Auth;
    /// Receive Maximum: 1 to 65,535; absent means 65,535.
    0x21 ReceiveMaximum(u16) as TwoBytes, value receive_maximum, in Connect ConnAck;
    /// Topic Alias Maximum; absent means 0.
    0x22 TopicAliasMaximum(u16) as TwoBytes, value topic_alias_maximum, in Connect ConnAck;
    /// Topic Alias: 1 to 65,535.
    0x23 TopicAlias(u16) as TwoBytes, value topic_alias, in Publish;
    /// Maximum QoS: 0 or 1; absent means 2.
    0x24 MaximumQos(QoS) as LowQos, value maximum_qos, in ConnAck;
    /// Retain Available; absent means true.
    0x25 RetainAvailable(bool) as Flag, value retain_available, in ConnAck;
    /// User Property. May repeat; order matters.
    0x26 UserProperty(UserProperty) as Pair, repeated user_properties,
        in Connect ConnAck Publish Will PubAck PubRec PubRel PubComp Subscribe SubAck Unsubscribe UnsubAck Disconnect Auth;
    /// Maximum Packet Size in bytes, fixed header included: 1 or more; absent means no limit.
    0x27 MaximumPacketSize(u32) as FourBytes, value maximum_packet_size, in Connect ConnAck;
    /// Wildcard Subscription Available; absent means true.
    0x28 WildcardSubscriptionAvailable(bool) as Flag, value wildcard_subscription_available, in ConnAck;
    /// Subscription Identifiers Available; absent means true.
    0x29 SubscriptionIdentifierAvailable(bool) as Flag, value subscription_identifier_available, in ConnAck;
    /// Shared Subscription Available; absent means true.
    0x2A SharedSubscriptionAvailable(bool) as Flag, value shared_subscription_available, in ConnAck;
}

/// The name and value of a User Property; the standard gives them no meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserProperty {
    /// The name; may repeat within a packet.
    pub name: Utf8String,
    /// The value.
    pub value: Utf8String,
}

impl PropertyId {
    /// The byte on the wire.
    pub const fn value(self) -> u8 {
        self as u8
    }

    /// Whether the standard allows this property in `packet` (2.2.2.2), from one side at least.
    pub const fn allowed_in(self, packet: PacketType) -> bool {
        self.stands_in(Place::Packet(packet))
    }

    /// Whether the standard allows this property in the Will Properties of a CONNECT (3.1.3.2).
    pub const fn allowed_in_will(self) -> bool {
        self.stands_in(Place::Will)
    }

    const fn stands_in(self, place: Place) -> bool {
        self.places() & place.bit() != 0
    }

    const fn repeats_in(self, place: Place) -> bool {
        match self {
            Self::UserProperty => true,
            // 3.3.2.3.8; once only in SUBSCRIBE (3.8.2.1.2).
            Self::SubscriptionIdentifier => matches!(place, Place::Packet(PacketType::Publish)),
            _ => false,
        }
    }
}

impl Property {
    /// Bytes on the wire, identifier included.
    pub(crate) fn len(&self) -> usize {
        1 + self.value_len()
    }

    /// The values that the standard forbids although they fit the type.
    fn check_range(&self) -> Result<(), Violation> {
        match self {
            // 3.1.2.11.3, 3.2.2.3.3.
            Self::ReceiveMaximum(0) => Err(Violation::ReceiveMaximumZero),
            // 3.1.2.11.4, 3.2.2.3.6.
            Self::MaximumPacketSize(0) => Err(Violation::MaximumPacketSizeZero),
            // 3.8.2.1.2, 3.3.2.3.8.
            Self::SubscriptionIdentifier(0) => Err(Violation::SubscriptionIdentifierZero),
            // MQTT-3.3.2-8.
            Self::TopicAlias(0) => Err(Violation::TopicAliasInvalid),
            _ => Ok(()),
        }
    }
}

impl Property {
    fn detached(&self) -> Self {
        match self {
            Self::ContentType(text) => Self::ContentType(text.detached()),
            Self::ResponseTopic(topic) => Self::ResponseTopic(topic.detached()),
            Self::CorrelationData(data) => Self::CorrelationData(Bytes::copy_from_slice(data)),
            Self::AssignedClientIdentifier(text) => Self::AssignedClientIdentifier(text.detached()),
            Self::AuthenticationMethod(text) => Self::AuthenticationMethod(text.detached()),
            Self::AuthenticationData(data) => Self::AuthenticationData(Bytes::copy_from_slice(data)),
            Self::ResponseInformation(text) => Self::ResponseInformation(text.detached()),
            Self::ServerReference(text) => Self::ServerReference(text.detached()),
            Self::ReasonString(text) => Self::ReasonString(text.detached()),
            Self::UserProperty(UserProperty { name, value }) => {
                Self::UserProperty(UserProperty { name: name.detached(), value: value.detached() })
            }
            number => number.clone(),
        }
    }
}
