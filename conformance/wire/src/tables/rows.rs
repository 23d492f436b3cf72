//! The rows. `conformance/statements/limits.tsv` has the same facts as people read them; a test at the root compares the two.

use super::{
    DataType::{self, Binary, Byte, FourByte, Pair, Text, TwoByte, Variable},
    PacketType,
    Place::{self, Packet, Will},
    PropertyType, Reason,
    Values::{self, Any, NotZero, TopicName, ZeroOrOne},
};
use crate::version::{
    Direction::{self, FromClient, FromServer},
    Kind::{self, *},
};

const CLIENT: &[Direction] = &[FromClient];
const SERVER: &[Direction] = &[FromServer];
const BOTH: &[Direction] = &[FromClient, FromServer];

/// Every type of packet, by code.
#[rustfmt::skip]
pub const PACKET_TYPES: [PacketType; 15] = [
    packet_type(Connect, "CONNECT", Some(0b0000), CLIENT, CLIENT),
    packet_type(Connack, "CONNACK", Some(0b0000), SERVER, SERVER),
    packet_type(Publish, "PUBLISH", None, BOTH, BOTH),
    packet_type(Puback, "PUBACK", Some(0b0000), BOTH, BOTH),
    packet_type(Pubrec, "PUBREC", Some(0b0000), BOTH, BOTH),
    packet_type(Pubrel, "PUBREL", Some(0b0010), BOTH, BOTH),
    packet_type(Pubcomp, "PUBCOMP", Some(0b0000), BOTH, BOTH),
    packet_type(Subscribe, "SUBSCRIBE", Some(0b0010), CLIENT, CLIENT),
    packet_type(Suback, "SUBACK", Some(0b0000), SERVER, SERVER),
    packet_type(Unsubscribe, "UNSUBSCRIBE", Some(0b0010), CLIENT, CLIENT),
    packet_type(Unsuback, "UNSUBACK", Some(0b0000), SERVER, SERVER),
    packet_type(Pingreq, "PINGREQ", Some(0b0000), CLIENT, CLIENT),
    packet_type(Pingresp, "PINGRESP", Some(0b0000), SERVER, SERVER),
    packet_type(Disconnect, "DISCONNECT", Some(0b0000), CLIENT, BOTH),
    packet_type(Auth, "AUTH", Some(0b0000), &[], BOTH),
];

/// Every property, by identifier.
#[rustfmt::skip]
pub const PROPERTIES: [PropertyType; 27] = [
    property(0x01, "Payload Format Indicator", "payload_format_indicator", Byte, ZeroOrOne, &[Packet(Publish), Will], &[], "3.3.2.3.2"),
    property(0x02, "Message Expiry Interval", "message_expiry_interval", FourByte, Any, &[Packet(Publish), Will], &[], "3.3.2.3.3"),
    property(0x03, "Content Type", "content_type", Text, Any, &[Packet(Publish), Will], &[], "3.3.2.3.9"),
    property(0x08, "Response Topic", "response_topic", Text, TopicName, &[Packet(Publish), Will], &[], "3.3.2.3.5"),
    property(0x09, "Correlation Data", "correlation_data", Binary, Any, &[Packet(Publish), Will], &[], "3.3.2.3.6"),
    property(0x0b, "Subscription Identifier", "subscription_identifier", Variable, NotZero, &[Packet(Publish), Packet(Subscribe)], &[Packet(Publish)], "3.8.2.1.2"),
    property(0x11, "Session Expiry Interval", "session_expiry_interval", FourByte, Any, &[Packet(Connect), Packet(Connack), Packet(Disconnect)], &[], "3.1.2.11.2"),
    property(0x12, "Assigned Client Identifier", "assigned_client_identifier", Text, Any, &[Packet(Connack)], &[], "3.2.2.3.7"),
    property(0x13, "Server Keep Alive", "server_keep_alive", TwoByte, Any, &[Packet(Connack)], &[], "3.2.2.3.14"),
    property(0x15, "Authentication Method", "authentication_method", Text, Any, &[Packet(Connect), Packet(Connack), Packet(Auth)], &[], "3.1.2.11.9"),
    property(0x16, "Authentication Data", "authentication_data", Binary, Any, &[Packet(Connect), Packet(Connack), Packet(Auth)], &[], "3.1.2.11.10"),
    property(0x17, "Request Problem Information", "request_problem_information", Byte, ZeroOrOne, &[Packet(Connect)], &[], "3.1.2.11.7"),
    property(0x18, "Will Delay Interval", "will_delay_interval", FourByte, Any, &[Will], &[], "3.1.3.2.2"),
    property(0x19, "Request Response Information", "request_response_information", Byte, ZeroOrOne, &[Packet(Connect)], &[], "3.1.2.11.6"),
    property(0x1a, "Response Information", "response_information", Text, Any, &[Packet(Connack)], &[], "3.2.2.3.15"),
    property(0x1c, "Server Reference", "server_reference", Text, Any, &[Packet(Connack), Packet(Disconnect)], &[], "3.2.2.3.16"),
    property(0x1f, "Reason String", "reason_string", Text, Any, &[Packet(Connack), Packet(Puback), Packet(Pubrec), Packet(Pubrel), Packet(Pubcomp), Packet(Suback), Packet(Unsuback), Packet(Disconnect), Packet(Auth)], &[], "3.2.2.3.9"),
    property(0x21, "Receive Maximum", "receive_maximum", TwoByte, NotZero, &[Packet(Connect), Packet(Connack)], &[], "3.1.2.11.3"),
    property(0x22, "Topic Alias Maximum", "topic_alias_maximum", TwoByte, Any, &[Packet(Connect), Packet(Connack)], &[], "3.1.2.11.5"),
    property(0x23, "Topic Alias", "topic_alias", TwoByte, NotZero, &[Packet(Publish)], &[], "3.3.2.3.4"),
    property(0x24, "Maximum QoS", "maximum_qos", Byte, ZeroOrOne, &[Packet(Connack)], &[], "3.2.2.3.4"),
    property(0x25, "Retain Available", "retain_available", Byte, ZeroOrOne, &[Packet(Connack)], &[], "3.2.2.3.5"),
    property(0x26, "User Property", "user_property", Pair, Any, EVERYWHERE, EVERYWHERE, "3.1.2.11.8"),
    property(0x27, "Maximum Packet Size", "maximum_packet_size", FourByte, NotZero, &[Packet(Connect), Packet(Connack)], &[], "3.1.2.11.4"),
    property(0x28, "Wildcard Subscription Available", "wildcard_subscription_available", Byte, ZeroOrOne, &[Packet(Connack)], &[], "3.2.2.3.11"),
    property(0x29, "Subscription Identifier Available", "subscription_identifier_available", Byte, ZeroOrOne, &[Packet(Connack)], &[], "3.2.2.3.12"),
    property(0x2a, "Shared Subscription Available", "shared_subscription_available", Byte, ZeroOrOne, &[Packet(Connack)], &[], "3.2.2.3.13"),
];

/// The reason codes of 5.0. 0x00 has three rows, as its name depends on the packet.
#[rustfmt::skip]
pub const REASONS: [Reason; 45] = [
    reason(0x00, "Success", &[Connack, Puback, Pubrec, Pubrel, Pubcomp, Unsuback, Auth], &[(Auth, FromServer)]),
    reason(0x00, "Normal disconnection", &[Disconnect], &[]),
    reason(0x00, "Granted QoS 0", &[Suback], &[]),
    reason(0x01, "Granted QoS 1", &[Suback], &[]),
    reason(0x02, "Granted QoS 2", &[Suback], &[]),
    reason(0x04, "Disconnect with Will Message", &[Disconnect], &[(Disconnect, FromClient)]),
    reason(0x10, "No matching subscribers", &[Puback, Pubrec], &[(Puback, FromServer), (Pubrec, FromServer)]),
    reason(0x11, "No subscription existed", &[Unsuback], &[]),
    reason(0x18, "Continue authentication", &[Auth], &[]),
    reason(0x19, "Re-authenticate", &[Auth], &[(Auth, FromClient)]),
    reason(0x80, "Unspecified error", &[Connack, Puback, Pubrec, Suback, Unsuback, Disconnect], &[]),
    reason(0x81, "Malformed Packet", &[Connack, Disconnect], &[]),
    reason(0x82, "Protocol Error", &[Connack, Disconnect], &[]),
    reason(0x83, "Implementation specific error", &[Connack, Puback, Pubrec, Suback, Unsuback, Disconnect], &[]),
    reason(0x84, "Unsupported Protocol Version", &[Connack], &[]),
    reason(0x85, "Client Identifier not valid", &[Connack], &[]),
    reason(0x86, "Bad User Name or Password", &[Connack], &[]),
    reason(0x87, "Not authorized", &[Connack, Puback, Pubrec, Suback, Unsuback, Disconnect], &[(Disconnect, FromServer)]),
    reason(0x88, "Server unavailable", &[Connack], &[]),
    reason(0x89, "Server busy", &[Connack, Disconnect], &[(Disconnect, FromServer)]),
    reason(0x8a, "Banned", &[Connack], &[]),
    reason(0x8b, "Server shutting down", &[Disconnect], &[(Disconnect, FromServer)]),
    reason(0x8c, "Bad authentication method", &[Connack, Disconnect], &[]),
    reason(0x8d, "Keep Alive timeout", &[Disconnect], &[(Disconnect, FromServer)]),
    reason(0x8e, "Session taken over", &[Disconnect], &[(Disconnect, FromServer)]),
    reason(0x8f, "Topic Filter invalid", &[Suback, Unsuback, Disconnect], &[(Disconnect, FromServer)]),
    reason(0x90, "Topic Name invalid", &[Connack, Puback, Pubrec, Disconnect], &[]),
    reason(0x91, "Packet Identifier in use", &[Puback, Pubrec, Suback, Unsuback], &[]),
    reason(0x92, "Packet Identifier not found", &[Pubrel, Pubcomp], &[]),
    reason(0x93, "Receive Maximum exceeded", &[Disconnect], &[]),
    reason(0x94, "Topic Alias invalid", &[Disconnect], &[]),
    reason(0x95, "Packet too large", &[Connack, Disconnect], &[]),
    reason(0x96, "Message rate too high", &[Disconnect], &[]),
    reason(0x97, "Quota exceeded", &[Connack, Puback, Pubrec, Suback, Disconnect], &[]),
    reason(0x98, "Administrative action", &[Disconnect], &[]),
    reason(0x99, "Payload format invalid", &[Connack, Puback, Pubrec, Disconnect], &[]),
    reason(0x9a, "Retain not supported", &[Connack, Disconnect], &[(Disconnect, FromServer)]),
    reason(0x9b, "QoS not supported", &[Connack, Disconnect], &[(Disconnect, FromServer)]),
    reason(0x9c, "Use another server", &[Connack, Disconnect], &[(Disconnect, FromServer)]),
    reason(0x9d, "Server moved", &[Connack, Disconnect], &[(Disconnect, FromServer)]),
    reason(0x9e, "Shared Subscriptions not supported", &[Suback, Disconnect], &[(Disconnect, FromServer)]),
    reason(0x9f, "Connection rate exceeded", &[Connack, Disconnect], &[(Disconnect, FromServer)]),
    reason(0xa0, "Maximum connect time", &[Disconnect], &[(Disconnect, FromServer)]),
    reason(0xa1, "Subscription Identifiers not supported", &[Suback, Disconnect], &[(Disconnect, FromServer)]),
    reason(0xa2, "Wildcard Subscriptions not supported", &[Suback, Disconnect], &[(Disconnect, FromServer)]),
];

/// The return codes of 3.1 and 3.1.1. 3.1 has no failure in SUBACK; `reasons` knows.
#[rustfmt::skip]
pub const RETURN_CODES: [Reason; 10] = [
    reason(0x00, "accepted", &[Connack], &[]),
    reason(0x01, "unacceptable protocol level", &[Connack], &[]),
    reason(0x02, "identifier rejected", &[Connack], &[]),
    reason(0x03, "server unavailable", &[Connack], &[]),
    reason(0x04, "bad user name or password", &[Connack], &[]),
    reason(0x05, "not authorized", &[Connack], &[]),
    reason(0x00, "granted QoS 0", &[Suback], &[]),
    reason(0x01, "granted QoS 1", &[Suback], &[]),
    reason(0x02, "granted QoS 2", &[Suback], &[]),
    reason(0x80, "failure", &[Suback], &[]),
];

const EVERYWHERE: &[Place] = &[
    Packet(Connect),
    Packet(Connack),
    Packet(Publish),
    Will,
    Packet(Puback),
    Packet(Pubrec),
    Packet(Pubrel),
    Packet(Pubcomp),
    Packet(Subscribe),
    Packet(Suback),
    Packet(Unsubscribe),
    Packet(Unsuback),
    Packet(Disconnect),
    Packet(Auth),
];

const fn packet_type(
    kind: Kind,
    name: &'static str,
    flags: Option<u8>,
    senders_of_3: &'static [Direction],
    senders_of_5: &'static [Direction],
) -> PacketType {
    PacketType { kind, name, flags, senders_of_3, senders_of_5 }
}

#[expect(clippy::too_many_arguments, reason = "the columns of a table")]
const fn property(
    identifier: u32,
    name: &'static str,
    field: &'static str,
    data: DataType,
    values: Values,
    places: &'static [Place],
    repeats: &'static [Place],
    section: &'static str,
) -> PropertyType {
    PropertyType { identifier, name, field, data, values, places, repeats, section }
}

const fn reason(code: u8, name: &'static str, packets: &'static [Kind], only: &'static [(Kind, Direction)]) -> Reason {
    Reason { code, name, packets, only }
}
