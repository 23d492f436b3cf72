use bytes::Bytes;
use protocol::{
    ConnAck, Connect, Message, Packet, Properties, Property, QoS, ReasonCode,
    Role::{Client, Server},
    TopicName, UserProperty, Utf8String,
    Version::{V5, V311},
    Violation as V, Will,
};

use super::{Row, invalid, lenient, text, valid};

fn minimal(version: protocol::Version) -> Connect {
    Connect {
        version,
        clean_start: true,
        keep_alive: 60,
        client_id: text("a"),
        will: None,
        user_name: None,
        password: None,
        properties: Properties::EMPTY,
    }
}

fn full(version: protocol::Version, properties: Properties, will: Properties) -> Packet {
    Packet::Connect(Box::new(Connect {
        will: Some(Box::new(Will {
            message: Message {
                topic: TopicName::new("w/t").unwrap(),
                payload: Bytes::from_static(b"hi"),
                properties: will,
            },
            qos: QoS::AtLeastOnce,
            retain: true,
        })),
        user_name: Some(text("u")),
        password: Some(Bytes::from_static(b"p")),
        properties,
        ..minimal(version)
    }))
}

fn pair(name: &str, value: &str) -> Property {
    Property::UserProperty(UserProperty { name: text(name), value: text(value) })
}

fn connect_properties() -> Properties {
    Properties::from_iter([
        Property::SessionExpiryInterval(60),
        Property::ReceiveMaximum(10),
        Property::MaximumPacketSize(65_536),
        Property::TopicAliasMaximum(5),
        Property::RequestResponseInformation(true),
        Property::RequestProblemInformation(false),
        pair("k", "v"),
        Property::AuthenticationMethod(text("m")),
        Property::AuthenticationData(Bytes::from_static(&[1, 2])),
    ])
}

fn will_properties() -> Properties {
    Properties::from_iter([
        Property::WillDelayInterval(5),
        Property::PayloadFormatIndicator(true),
        Property::MessageExpiryInterval(10),
        Property::ContentType(text("text")),
        Property::ResponseTopic(TopicName::new("r").unwrap()),
        Property::CorrelationData(Bytes::from_static(&[0xFF])),
        pair("a", "b"),
    ])
}

fn connack_properties() -> Properties {
    Properties::from_iter([
        Property::SessionExpiryInterval(60),
        Property::ReceiveMaximum(10),
        Property::MaximumQos(QoS::AtLeastOnce),
        Property::RetainAvailable(false),
        Property::MaximumPacketSize(1024),
        Property::AssignedClientIdentifier(text("id")),
        Property::TopicAliasMaximum(7),
        Property::ReasonString(text("ok")),
        pair("k", "v"),
        Property::WildcardSubscriptionAvailable(true),
        Property::SubscriptionIdentifierAvailable(true),
        Property::SharedSubscriptionAvailable(false),
        Property::ServerKeepAlive(30),
        Property::ResponseInformation(text("ri")),
        Property::ServerReference(text("s")),
        Property::AuthenticationMethod(text("m")),
        Property::AuthenticationData(Bytes::from_static(&[9])),
    ])
}

fn connack(session_present: bool, reason: ReasonCode, properties: Properties) -> Packet {
    Packet::ConnAck(Box::new(ConnAck { session_present, reason, properties }))
}

pub(super) fn rows() -> Vec<Row> {
    let packet = |connect| Packet::Connect(Box::new(connect));
    let mut rows = vec![
        valid(V311, Client, "a minimal CONNECT", "10 0D 0004 4D515454 04 02 003C 0001 61", packet(minimal(V311))),
        valid(V5, Client, "a minimal CONNECT", "10 0E 0004 4D515454 05 02 003C 00 0001 61", packet(minimal(V5))),
        valid(
            V311,
            Client,
            "an empty Client Identifier with Clean Session",
            "10 0C 0004 4D515454 04 02 0000 0000",
            packet(Connect { client_id: Utf8String::EMPTY, keep_alive: 0, ..minimal(V311) }),
        ),
        valid(
            V5,
            Client,
            "an empty Client Identifier without Clean Start",
            "10 0D 0004 4D515454 05 00 003C 00 0000",
            packet(Connect { client_id: Utf8String::EMPTY, clean_start: false, ..minimal(V5) }),
        ),
        valid(
            V5,
            Client,
            "a password without a user name",
            "10 11 0004 4D515454 05 42 003C 00 0001 61 0001 70",
            packet(Connect { password: Some(Bytes::from_static(b"p")), ..minimal(V5) }),
        ),
        lenient(
            V311,
            Client,
            "a Remaining Length longer than needed",
            "10 8D00 0004 4D515454 04 02 003C 0001 61",
            packet(minimal(V311)),
        ),
        lenient(
            V311,
            Client,
            "a CONNECT of MQTT 3.1",
            "10 0F 0006 4D5149736470 03 02 003C 0001 61",
            packet(minimal(V311)),
        ),
        valid(
            V311,
            Client,
            "every field of CONNECT (MQTT-3.1.3-1 in 3.1.1)",
            "10 1C 0004 4D515454 04 EE 003C 0001 61 0003 772F74 0002 6869 0001 75 0001 70",
            full(V311, Properties::EMPTY, Properties::EMPTY),
        ),
        valid(
            V5,
            Client,
            "every field and property of CONNECT (MQTT-3.1.3-1)",
            "10 64 0004 4D515454 05 EE 003C
             24 11 0000003C 21 000A 27 00010000 22 0005 19 01 17 00 26 0001 6B 0001 76 15 0001 6D 16 0002 0102
             0001 61
             22 18 00000005 01 01 02 0000000A 03 0004 74657874 08 0001 72 09 0001 FF 26 0001 61 0001 62
             0003 772F74 0002 6869 0001 75 0001 70",
            full(V5, connect_properties(), will_properties()),
        ),
        valid(V311, Server, "CONNACK accepts", "20 02 01 00", connack(true, ReasonCode::Success, Properties::EMPTY)),
        valid(V5, Server, "CONNACK accepts", "20 03 00 00 00", connack(false, ReasonCode::Success, Properties::EMPTY)),
        valid(
            V5,
            Server,
            "every property of CONNACK",
            "20 42 01 00 3F
             11 0000003C 21 000A 24 01 25 00 27 00000400 12 0002 6964 22 0007 1F 0002 6F6B 26 0001 6B 0001 76
             28 01 29 01 2A 00 13 001E 1A 0002 7269 1C 0001 73 15 0001 6D 16 0001 09",
            connack(true, ReasonCode::Success, connack_properties()),
        ),
        valid(
            V5,
            Server,
            "CONNACK refuses",
            "20 03 00 87 00",
            connack(false, ReasonCode::NotAuthorized, Properties::EMPTY),
        ),
    ];
    for (bytes, reason) in [
        ("20 02 00 01", ReasonCode::UnsupportedProtocolVersion),
        ("20 02 00 02", ReasonCode::ClientIdentifierNotValid),
        ("20 02 00 03", ReasonCode::ServerUnavailable),
        ("20 02 00 04", ReasonCode::BadUserNameOrPassword),
        ("20 02 00 05", ReasonCode::NotAuthorized),
    ] {
        rows.push(valid(V311, Server, "CONNACK refuses", bytes, connack(false, reason, Properties::EMPTY)));
    }
    rows.extend(broken_connects());
    rows.extend(broken_connacks());
    rows
}

fn broken_connects() -> Vec<Row> {
    let both = [
        ("MQTT-3.1.2-1 in both", "10 0D 0004 4D515458 04 02 003C 0001 61", V::ProtocolNameWrong),
        ("MQTT-3.1.2-1 in both is case-sensitive", "10 0D 0004 6D717474 04 02 003C 0001 61", V::ProtocolNameWrong),
        ("MQTT-3.1.2-2 in both", "10 0D 0004 4D515454 06 02 003C 0001 61", V::ProtocolVersionUnsupported),
        ("MQTT-3.1.2-2 in both: no MQTT 3.1", "10 0F 0006 4D5149736470 04 02 003C 0001 61", V::ProtocolNameWrong),
        ("MQTT-3.1.4-1 in both: no Client Identifier", "10 0A 0004 4D515454 04 02 003C", V::PacketTooShort),
        ("MQTT-3.1.4-1 in both: nothing at all", "10 00", V::PacketTooShort),
    ];
    let mut rows: Vec<Row> = both
        .into_iter()
        .flat_map(|(statement, bytes, violation)| {
            [V311, V5].map(|version| invalid(version, Client, statement, bytes, violation))
        })
        .collect();
    rows.extend([
        invalid(
            V311,
            Client,
            "MQTT-3.1.2-3 in 3.1.1",
            "10 0D 0004 4D515454 04 03 003C 0001 61",
            V::ConnectFlagsReserved,
        ),
        invalid(V5, Client, "MQTT-3.1.2-3", "10 0E 0004 4D515454 05 03 003C 00 0001 61", V::ConnectFlagsReserved),
        invalid(
            V311,
            Client,
            "MQTT-3.1.2-13 in 3.1.1",
            "10 0D 0004 4D515454 04 0A 003C 0001 61",
            V::WillQosWithoutWill,
        ),
        invalid(V5, Client, "MQTT-3.1.2-11", "10 0E 0004 4D515454 05 12 003C 00 0001 61", V::WillQosWithoutWill),
        invalid(V311, Client, "MQTT-3.1.2-14 in 3.1.1", "10 0D 0004 4D515454 04 1E 003C 0001 61", V::WillQosReserved),
        invalid(V5, Client, "MQTT-3.1.2-12", "10 0E 0004 4D515454 05 1E 003C 00 0001 61", V::WillQosReserved),
        invalid(
            V311,
            Client,
            "MQTT-3.1.2-15 in 3.1.1",
            "10 0D 0004 4D515454 04 22 003C 0001 61",
            V::WillRetainWithoutWill,
        ),
        invalid(V5, Client, "MQTT-3.1.2-13", "10 0E 0004 4D515454 05 22 003C 00 0001 61", V::WillRetainWithoutWill),
        invalid(
            V311,
            Client,
            "MQTT-3.1.2-22 in 3.1.1",
            "10 10 0004 4D515454 04 42 003C 0001 61 0001 70",
            V::PasswordWithoutUserName,
        ),
        invalid(V311, Client, "MQTT-3.1.2-9 in 3.1.1", "10 0D 0004 4D515454 04 06 003C 0001 61", V::PacketTooShort),
        invalid(V5, Client, "MQTT-3.1.2-9", "10 0F 0004 4D515454 05 06 003C 00 0001 61 00", V::PacketTooShort),
        invalid(V311, Client, "MQTT-3.1.2-19 in 3.1.1", "10 0D 0004 4D515454 04 82 003C 0001 61", V::PacketTooShort),
        invalid(V5, Client, "MQTT-3.1.2-17", "10 0E 0004 4D515454 05 82 003C 00 0001 61", V::PacketTooShort),
        invalid(
            V311,
            Client,
            "MQTT-3.1.2-21 in 3.1.1",
            "10 10 0004 4D515454 04 C2 003C 0001 61 0001 75",
            V::PacketTooShort,
        ),
        invalid(V5, Client, "MQTT-3.1.2-19", "10 0E 0004 4D515454 05 42 003C 00 0001 61", V::PacketTooShort),
        invalid(
            V311,
            Client,
            "MQTT-3.1.2-18 in 3.1.1",
            "10 10 0004 4D515454 04 02 003C 0001 61 0001 75",
            V::TrailingBytes,
        ),
        invalid(
            V311,
            Client,
            "MQTT-3.1.2-20 in 3.1.1",
            "10 13 0004 4D515454 04 82 003C 0001 61 0001 75 0001 70",
            V::TrailingBytes,
        ),
        invalid(
            V311,
            Client,
            "MQTT-3.1.2-11 in 3.1.1",
            "10 13 0004 4D515454 04 02 003C 0001 61 0001 77 0001 78",
            V::TrailingBytes,
        ),
        invalid(V5, Client, "MQTT-3.1.2-18", "10 11 0004 4D515454 05 02 003C 00 0001 61 0001 70", V::TrailingBytes),
        invalid(V5, Client, "MQTT-3.1.2-16", "10 11 0004 4D515454 05 02 003C 00 0001 61 0001 75", V::TrailingBytes),
        invalid(V311, Client, "MQTT-3.1.3-3 in 3.1.1", "10 0A 0004 4D515454 04 02 003C", V::PacketTooShort),
        invalid(V5, Client, "MQTT-3.1.3-3", "10 0B 0004 4D515454 05 02 003C 00", V::PacketTooShort),
        invalid(
            V311,
            Client,
            "MQTT-3.1.3-11 in 3.1.1",
            "10 10 0004 4D515454 04 82 003C 0001 61 0001 FF",
            V::InvalidUtf8,
        ),
        invalid(V5, Client, "MQTT-3.1.3-12", "10 11 0004 4D515454 05 82 003C 00 0001 61 0001 FF", V::InvalidUtf8),
        invalid(
            V5,
            Client,
            "MQTT-3.1.3-11",
            "10 14 0004 4D515454 05 06 003C 00 0001 61 00 0001 FF 0000",
            V::InvalidUtf8,
        ),
        invalid(
            V311,
            Client,
            "MQTT-3.1.3-7 in 3.1.1",
            "10 0C 0004 4D515454 04 00 003C 0000",
            V::ClientIdentifierMissing,
        ),
        invalid(
            V311,
            Client,
            "MQTT-3.1.3-8 in 3.1.1",
            "10 0C 0004 4D515454 04 00 003C 0000",
            V::ClientIdentifierMissing,
        ),
        invalid(V311, Client, "MQTT-3.1.3-4 in 3.1.1", "10 0D 0004 4D515454 04 02 003C 0001 FF", V::InvalidUtf8),
        invalid(V5, Client, "MQTT-3.1.3-4", "10 0E 0004 4D515454 05 02 003C 00 0001 FF", V::InvalidUtf8),
        invalid(
            V311,
            Client,
            "MQTT-1.5.3-1 in 3.1.1: a surrogate",
            "10 0F 0004 4D515454 04 02 003C 0003 EDA080",
            V::InvalidUtf8,
        ),
        invalid(
            V5,
            Client,
            "MQTT-1.5.4-1: a surrogate",
            "10 10 0004 4D515454 05 02 003C 00 0003 EDA080",
            V::InvalidUtf8,
        ),
        invalid(V311, Client, "MQTT-1.5.3-2 in 3.1.1", "10 0D 0004 4D515454 04 02 003C 0001 00", V::NullInString),
        invalid(V5, Client, "MQTT-1.5.4-2", "10 0E 0004 4D515454 05 02 003C 00 0001 00", V::NullInString),
        invalid(
            V311,
            Client,
            "MQTT-3.1.3-10 in 3.1.1",
            "10 13 0004 4D515454 04 06 003C 0001 61 0002 C328 0000",
            V::InvalidUtf8,
        ),
        invalid(
            V311,
            Client,
            "MQTT-4.7.1-1 in 3.1.1",
            "10 12 0004 4D515454 04 06 003C 0001 61 0001 23 0000",
            V::TopicNameWildcard,
        ),
        invalid(V5, Client, "MQTT-4.7.3-1", "10 13 0004 4D515454 05 06 003C 00 0001 61 00 0000 0000", V::TopicEmpty),
        invalid(
            V5,
            Client,
            "MQTT-1.5.5-1",
            "10 8E00 0004 4D515454 05 02 003C 00 0001 61",
            V::VariableByteIntegerNotMinimal,
        ),
        invalid(V5, Client, "3.1.2.11.3", "10 11 0004 4D515454 05 02 003C 03 21 0000 0001 61", V::ReceiveMaximumZero),
        invalid(
            V5,
            Client,
            "3.1.2.11.4",
            "10 13 0004 4D515454 05 02 003C 05 27 00000000 0001 61",
            V::MaximumPacketSizeZero,
        ),
        invalid(V5, Client, "3.1.2.11.6", "10 10 0004 4D515454 05 02 003C 02 19 02 0001 61", V::PropertyNotBoolean),
        invalid(V5, Client, "3.1.2.11.7", "10 10 0004 4D515454 05 02 003C 02 17 02 0001 61", V::PropertyNotBoolean),
        invalid(
            V5,
            Client,
            "3.1.2.11.10",
            "10 12 0004 4D515454 05 02 003C 04 16 0001 09 0001 61",
            V::AuthenticationDataWithoutMethod,
        ),
        invalid(V5, Client, "2.2.2.2: unknown", "10 10 0004 4D515454 05 02 003C 02 7F 00 0001 61", V::PropertyUnknown),
        invalid(
            V5,
            Client,
            "2.2.2.1: beyond the packet",
            "10 0E 0004 4D515454 05 02 003C 7F 0001 61",
            V::PropertiesOverrun,
        ),
        invalid(
            V5,
            Client,
            "2.2.2.1: within a property",
            "10 10 0004 4D515454 05 02 003C 02 21 00 0001 61",
            V::PropertiesOverrun,
        ),
        invalid(
            V5,
            Client,
            "MQTT-1.5.7-1",
            "10 15 0004 4D515454 05 02 003C 07 26 0001 6B 0001 FF 0001 61",
            V::InvalidUtf8,
        ),
    ]);
    rows
}

fn broken_connacks() -> Vec<Row> {
    vec![
        invalid(V311, Server, "3.2.2.1", "20 02 02 00", V::ConnAckFlagsReserved),
        invalid(V5, Server, "MQTT-3.2.2-1", "20 03 80 00 00", V::ConnAckFlagsReserved),
        invalid(V311, Server, "3.2.2.3", "20 02 00 06", V::ConnectReturnCodeReserved),
        invalid(V5, Server, "MQTT-3.2.2-8", "20 03 00 01 00", V::ReasonCodeNotAllowed),
        invalid(V5, Server, "2.4: undefined", "20 03 00 FF 00", V::ReasonCodeNotAllowed),
        invalid(V311, Server, "MQTT-3.2.2-4 in 3.1.1", "20 02 01 05", V::SessionPresentOnRefusal),
        invalid(V5, Server, "MQTT-3.2.2-6", "20 03 01 87 00", V::SessionPresentOnRefusal),
        invalid(V5, Server, "3.2.2.3.4", "20 05 00 00 02 24 02", V::PropertyNotBoolean),
        invalid(V5, Server, "3.2.2.3.5", "20 05 00 00 02 25 02", V::PropertyNotBoolean),
        invalid(V311, Server, "4.8: longer than its fields", "20 03 00 00 00", V::TrailingBytes),
        invalid(V5, Server, "4.13: longer than its fields", "20 04 00 00 00 00", V::TrailingBytes),
        invalid(V311, Server, "4.8: shorter than its fields", "20 01 00", V::PacketTooShort),
        invalid(V5, Server, "MQTT-2.2.2-1: no Property Length", "20 02 00 00", V::PacketTooShort),
    ]
}
