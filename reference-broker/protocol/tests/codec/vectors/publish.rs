use bytes::Bytes;
use protocol::{
    Packet, PacketId, Properties, Property, Publish, QoS,
    Role::{Client, Server},
    TopicName, UserProperty,
    Version::{V5, V311},
    Violation as V,
};

use super::{Row, invalid, lenient, text, valid};

fn publish() -> Publish {
    Publish {
        dup: false,
        qos: QoS::AtMostOnce,
        retain: false,
        topic: Some(TopicName::new("a/b").unwrap()),
        packet_id: None,
        properties: Properties::EMPTY,
        payload: Bytes::from_static(b"hi"),
    }
}

fn properties() -> Properties {
    Properties::from_iter([
        Property::PayloadFormatIndicator(false),
        Property::MessageExpiryInterval(120),
        Property::ContentType(text("t")),
        Property::ResponseTopic(TopicName::new("r/s").unwrap()),
        Property::CorrelationData(Bytes::from_static(&[0, 1])),
        Property::TopicAlias(9),
        Property::UserProperty(UserProperty { name: text("n"), value: text("1") }),
        Property::UserProperty(UserProperty { name: text("n"), value: text("2") }),
    ])
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for (sender, what) in [(Client, "PUBLISH of a client"), (Server, "PUBLISH of a server")] {
        let id = PacketId::new(10);
        let at = |qos, dup, retain| Publish { qos, dup, retain, packet_id: id, ..publish() };
        rows.extend([
            valid(V311, sender, what, "30 07 0003 612F62 6869", Packet::Publish(publish())),
            valid(V5, sender, what, "30 08 0003 612F62 00 6869", Packet::Publish(publish())),
            valid(
                V311,
                sender,
                what,
                "33 09 0003 612F62 000A 6869",
                Packet::Publish(at(QoS::AtLeastOnce, false, true)),
            ),
            valid(V311, sender, what, "3C 09 0003 612F62 000A 6869", Packet::Publish(at(QoS::ExactlyOnce, true, false))),
            valid(
                V5,
                sender,
                what,
                "3B 0A 0003 612F62 000A 00 6869",
                Packet::Publish(at(QoS::AtLeastOnce, true, true)),
            ),
            valid(
                V311,
                sender,
                "an empty payload",
                "30 05 0003 612F62",
                Packet::Publish(Publish { payload: Bytes::new(), ..publish() }),
            ),
            valid(
                V5,
                sender,
                "every property of PUBLISH",
                "30 2F 0003 612F62
                 27 01 00 02 00000078 03 0001 74 08 0003 722F73 09 0002 0001 23 0009 26 0001 6E 0001 31 26 0001 6E 0001 32
                 6869",
                Packet::Publish(Publish { properties: properties(), ..publish() }),
            ),
            valid(
                V5,
                sender,
                "an alias in place of the topic",
                "30 08 0000 03 23 0001 6869",
                Packet::Publish(Publish {
                    topic: None,
                    properties: Properties::from_iter([Property::TopicAlias(1)]),
                    ..publish()
                }),
            ),
            valid(
                V311,
                sender,
                "MQTT-1.5.3-3 in 3.1.1: U+FEFF stays",
                "30 05 0003 EFBBBF",
                Packet::Publish(Publish {
                    topic: Some(TopicName::new("\u{FEFF}").unwrap()),
                    payload: Bytes::new(),
                    ..publish()
                }),
            ),
            lenient(V311, sender, "a Remaining Length longer than needed", "30 8700 0003 612F62 6869", Packet::Publish(publish())),
        ]);
    }
    rows.push(valid(
        V5,
        Server,
        "several Subscription Identifiers",
        "30 0D 0003 612F62 05 0B 01 0B 8001 6869",
        Packet::Publish(Publish {
            properties: Properties::from_iter([
                Property::SubscriptionIdentifier(1),
                Property::SubscriptionIdentifier(128),
            ]),
            ..publish()
        }),
    ));
    for sender in [Client, Server] {
        rows.extend([
            invalid(V311, sender, "MQTT-3.3.1-2 in 3.1.1", "38 07 0003 612F62 6869", V::DupAtQos0),
            invalid(V5, sender, "MQTT-3.3.1-2", "39 08 0003 612F62 00 6869", V::DupAtQos0),
            invalid(V311, sender, "MQTT-3.3.1-4 in 3.1.1", "36 07 0003 612F62 6869", V::QosReserved),
            invalid(V5, sender, "MQTT-3.3.1-4", "3F 08 0003 612F62 00 6869", V::QosReserved),
            invalid(V311, sender, "MQTT-2.3.1-1 in 3.1.1", "32 09 0003 612F62 0000 6869", V::PacketIdentifierZero),
            invalid(V5, sender, "MQTT-2.2.1-3", "34 0A 0003 612F62 0000 00 6869", V::PacketIdentifierZero),
            invalid(V311, sender, "MQTT-3.3.2-1 in 3.1.1", "30 04 0002 C328", V::InvalidUtf8),
            invalid(V5, sender, "MQTT-3.3.2-1", "30 05 0002 C328 00", V::InvalidUtf8),
            invalid(V311, sender, "MQTT-1.5.3-2 in 3.1.1", "30 05 0003 610062", V::NullInString),
            invalid(V5, sender, "MQTT-1.5.4-2", "30 06 0003 610062 00", V::NullInString),
            invalid(V311, sender, "MQTT-3.3.2-2 in 3.1.1", "30 05 0003 612F23", V::TopicNameWildcard),
            invalid(V5, sender, "MQTT-3.3.2-2", "30 06 0003 2B2F61 00", V::TopicNameWildcard),
            invalid(V311, sender, "MQTT-4.7.3-1 in 3.1.1", "30 02 0000", V::TopicEmpty),
            invalid(V5, sender, "3.3.2.1", "30 03 0000 00", V::TopicMissing),
            invalid(V5, sender, "MQTT-3.3.2-8", "30 09 0003 612F62 03 23 0000", V::TopicAliasInvalid),
            invalid(V5, sender, "MQTT-3.3.2-14", "30 0A 0003 612F62 04 08 0001 23", V::TopicNameWildcard),
            invalid(V5, sender, "MQTT-3.3.2-13", "30 0A 0003 612F62 04 08 0001 FF", V::InvalidUtf8),
            invalid(V5, sender, "MQTT-3.3.2-19", "30 0A 0003 612F62 04 03 0001 00", V::NullInString),
            invalid(V5, sender, "3.3.2.3.2", "30 08 0003 612F62 02 01 02", V::PropertyNotBoolean),
            invalid(V5, sender, "MQTT-1.5.5-1", "30 0A 0003 612F62 8300 23 0001", V::VariableByteIntegerNotMinimal),
            invalid(V5, sender, "2.2.2.1", "30 06 0003 612F62 01", V::PropertiesOverrun),
            invalid(V311, sender, "4.8: within the topic", "30 04 0003 612F", V::PacketTooShort),
            invalid(V311, sender, "4.8: without an identifier", "32 06 0003 612F62 00", V::PacketTooShort),
            invalid(V5, sender, "MQTT-2.2.2-1: no Property Length", "30 05 0003 612F62", V::PacketTooShort),
        ]);
    }
    rows.extend([
        invalid(V5, Client, "MQTT-3.3.4-6", "30 08 0003 612F62 02 0B 01", V::SubscriptionIdentifierFromClient),
        invalid(V5, Server, "3.3.2.3.8: 0", "30 08 0003 612F62 02 0B 00", V::SubscriptionIdentifierZero),
        invalid(V5, Server, "1.5.5", "30 0B 0003 612F62 05 0B FFFFFFFF", V::VariableByteIntegerTooLong),
    ]);
    rows
}
