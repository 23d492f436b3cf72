use protocol::{
    Packet, PacketId, Properties, Property, QoS, ReasonCode, RetainHandling,
    Role::{Client, Server},
    SubAck, Subscribe, SubscribeFilter, SubscriptionOptions, TopicFilter, UnsubAck, Unsubscribe, UserProperty,
    Version::{V5, V311},
    Violation as V,
};

use super::{Row, invalid, text, valid};

fn id() -> PacketId {
    PacketId::new(10).unwrap()
}

fn filter(text: &str) -> TopicFilter {
    TopicFilter::new(text).unwrap()
}

fn at(qos: QoS) -> SubscriptionOptions {
    SubscriptionOptions { qos, ..SubscriptionOptions::default() }
}

fn subscribe(properties: Properties, filters: &[(&str, SubscriptionOptions)]) -> Packet {
    let filters =
        filters.iter().map(|(text, options)| SubscribeFilter { filter: filter(text), options: *options }).collect();
    Packet::Subscribe(Subscribe { packet_id: id(), properties, filters })
}

fn unsubscribe(filters: &[&str]) -> Packet {
    Packet::Unsubscribe(Unsubscribe {
        packet_id: id(),
        properties: Properties::EMPTY,
        filters: filters.iter().map(|text| filter(text)).collect(),
    })
}

fn suback(properties: Properties, reasons: &[ReasonCode]) -> Packet {
    Packet::SubAck(SubAck { packet_id: id(), properties, reasons: reasons.to_vec() })
}

fn unsuback(properties: Properties, reasons: &[ReasonCode]) -> Packet {
    Packet::UnsubAck(UnsubAck { packet_id: id(), properties, reasons: reasons.to_vec() })
}

fn explained() -> Properties {
    Properties::from_iter([
        Property::ReasonString(text("no")),
        Property::UserProperty(UserProperty { name: text("k"), value: text("v") }),
    ])
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = vec![
        valid(
            V311,
            Client,
            "SUBSCRIBE",
            "82 0E 000A 0003 612F62 01 0003 632F23 02",
            subscribe(Properties::EMPTY, &[("a/b", at(QoS::AtLeastOnce)), ("c/#", at(QoS::ExactlyOnce))]),
        ),
        valid(
            V5,
            Client,
            "SUBSCRIBE with all options",
            "82 17 000A 09 0B 8001 26 0001 6B 0000 0003 612F62 2E 0002 2F2B 10",
            subscribe(
                Properties::from_iter([
                    Property::SubscriptionIdentifier(128),
                    Property::UserProperty(UserProperty { name: text("k"), value: text("") }),
                ]),
                &[
                    (
                        "a/b",
                        SubscriptionOptions {
                            qos: QoS::ExactlyOnce,
                            no_local: true,
                            retain_as_published: true,
                            retain_handling: RetainHandling::Never,
                        },
                    ),
                    (
                        "/+",
                        SubscriptionOptions {
                            retain_handling: RetainHandling::IfNew,
                            ..SubscriptionOptions::default()
                        },
                    ),
                ],
            ),
        ),
        valid(
            V5,
            Client,
            "SUBSCRIBE to a shared filter",
            "82 10 000A 00 000A 24736861 72652F672F61 01",
            subscribe(Properties::EMPTY, &[("$share/g/a", at(QoS::AtLeastOnce))]),
        ),
        valid(
            V311,
            Server,
            "SUBACK",
            "90 06 000A 00 01 02 80",
            suback(
                Properties::EMPTY,
                &[ReasonCode::Success, ReasonCode::GrantedQos1, ReasonCode::GrantedQos2, ReasonCode::UnspecifiedError],
            ),
        ),
        valid(
            V5,
            Server,
            "SUBACK",
            "90 11 000A 0C 1F 0002 6E6F 26 0001 6B 0001 76 01 87",
            suback(explained(), &[ReasonCode::GrantedQos1, ReasonCode::NotAuthorized]),
        ),
        valid(V311, Client, "UNSUBSCRIBE", "A2 0A 000A 0003 612F62 0001 2B", unsubscribe(&["a/b", "+"])),
        valid(V5, Client, "UNSUBSCRIBE", "A2 0B 000A 00 0003 612F62 0001 2B", unsubscribe(&["a/b", "+"])),
        valid(V311, Server, "UNSUBACK", "B0 02 000A", unsuback(Properties::EMPTY, &[])),
        valid(
            V5,
            Server,
            "UNSUBACK",
            "B0 11 000A 0C 1F 0002 6E6F 26 0001 6B 0001 76 00 11",
            unsuback(explained(), &[ReasonCode::Success, ReasonCode::NoSubscriptionExisted]),
        ),
    ];
    rows.extend(broken_requests());
    rows.extend([
        invalid(V311, Server, "MQTT-3.9.3-2 in 3.1.1", "90 03 000A 03", V::ReasonCodeNotAllowed),
        invalid(V311, Server, "MQTT-3.9.3-2 in 3.1.1", "90 03 000A 87", V::ReasonCodeNotAllowed),
        invalid(V5, Server, "MQTT-3.9.3-2", "90 04 000A 00 11", V::ReasonCodeNotAllowed),
        invalid(V311, Server, "MQTT-3.8.4-5 in 3.1.1", "90 02 000A", V::ReasonCountMismatch),
        invalid(V5, Server, "MQTT-3.8.4-6", "90 03 000A 00", V::ReasonCountMismatch),
        invalid(V5, Server, "MQTT-3.11.3-2", "B0 04 000A 00 01", V::ReasonCodeNotAllowed),
        invalid(V5, Server, "MQTT-3.11.3-2: none", "B0 03 000A 00", V::ReasonCountMismatch),
        invalid(V311, Server, "4.8: too long", "B0 03 000A 00", V::TrailingBytes),
        invalid(V311, Server, "MQTT-2.3.1-1 in 3.1.1", "B0 02 0000", V::PacketIdentifierZero),
        invalid(V5, Server, "2.2.2.2: foreign", "90 06 000A 02 0B 01 00", V::PropertyNotAllowed),
    ]);
    rows
}

fn broken_requests() -> Vec<Row> {
    vec![
        invalid(V311, Client, "MQTT-2.3.1-1 in 3.1.1", "82 06 0000 0001 61 00", V::PacketIdentifierZero),
        invalid(V5, Client, "MQTT-2.2.1-3", "82 07 0000 00 0001 61 00", V::PacketIdentifierZero),
        invalid(V311, Client, "MQTT-3.8.3-3 in 3.1.1", "82 02 000A", V::SubscribeEmpty),
        invalid(V5, Client, "MQTT-3.8.3-2", "82 03 000A 00", V::SubscribeEmpty),
        invalid(V311, Client, "MQTT-3.8.3-4 in 3.1.1", "82 06 000A 0001 61 04", V::SubscriptionOptionsReserved),
        invalid(V311, Client, "MQTT-3.8.3-4 in 3.1.1: QoS 3", "82 06 000A 0001 61 03", V::SubscriptionQosReserved),
        invalid(V5, Client, "MQTT-3.8.3-5", "82 07 000A 00 0001 61 40", V::SubscriptionOptionsReserved),
        invalid(V5, Client, "3.8.3.1: QoS 3", "82 07 000A 00 0001 61 03", V::SubscriptionQosReserved),
        invalid(V5, Client, "3.8.3.1: Retain Handling 3", "82 07 000A 00 0001 61 30", V::RetainHandlingReserved),
        invalid(V5, Client, "MQTT-3.8.3-4", "82 10 000A 00 000A 24736861 72652F672F61 05", V::NoLocalOnShared),
        invalid(V311, Client, "MQTT-3.8.3-1 in 3.1.1", "82 06 000A 0001 FF 00", V::InvalidUtf8),
        invalid(V5, Client, "MQTT-3.8.3-1", "82 07 000A 00 0001 FF 00", V::InvalidUtf8),
        invalid(V311, Client, "MQTT-4.7.3-1 in 3.1.1", "82 05 000A 0000 00", V::TopicEmpty),
        invalid(V5, Client, "MQTT-4.7.3-1", "82 06 000A 00 0000 00", V::TopicEmpty),
        invalid(V311, Client, "MQTT-4.7.1-2 in 3.1.1", "82 07 000A 0002 6123 00", V::MultiLevelWildcardMisplaced),
        invalid(V5, Client, "MQTT-4.7.1-1", "82 09 000A 00 0003 232F61 00", V::MultiLevelWildcardMisplaced),
        invalid(V311, Client, "MQTT-4.7.1-3 in 3.1.1", "82 07 000A 0002 2B61 00", V::SingleLevelWildcardMisplaced),
        invalid(V5, Client, "MQTT-4.7.1-2", "82 08 000A 00 0002 612B 00", V::SingleLevelWildcardMisplaced),
        invalid(V5, Client, "MQTT-4.8.2-1", "82 0F 000A 00 0009 24736861 72652F2F61 00", V::ShareNameInvalid),
        invalid(V5, Client, "MQTT-4.8.2-2", "82 10 000A 00 000A 24736861 72652F2B2F61 00", V::ShareNameInvalid),
        invalid(
            V5,
            Client,
            "MQTT-4.8.2-2: no filter",
            "82 0F 000A 00 0009 24736861 72652F672F 00",
            V::SharedFilterMissing,
        ),
        invalid(V5, Client, "3.8.2.1.2: 0", "82 09 000A 02 0B 00 0001 61 00", V::SubscriptionIdentifierZero),
        invalid(V5, Client, "3.8.2.1.2: twice", "82 0B 000A 04 0B 01 0B 02 0001 61 00", V::PropertyDuplicate),
        invalid(V311, Client, "4.8: no options", "82 05 000A 0001 61", V::PacketTooShort),
        invalid(V5, Client, "4.13: no options", "82 06 000A 00 0001 61", V::PacketTooShort),
        invalid(V311, Client, "MQTT-3.10.3-2 in 3.1.1", "A2 02 000A", V::UnsubscribeEmpty),
        invalid(V5, Client, "MQTT-3.10.3-2", "A2 03 000A 00", V::UnsubscribeEmpty),
        invalid(V311, Client, "MQTT-3.10.3-1 in 3.1.1", "A2 05 000A 0001 FF", V::InvalidUtf8),
        invalid(V311, Client, "MQTT-2.3.1-1 in 3.1.1", "A2 05 0000 0001 61", V::PacketIdentifierZero),
        invalid(V5, Client, "MQTT-2.2.1-3", "A2 06 0000 00 0001 61", V::PacketIdentifierZero),
        invalid(V5, Client, "2.2.2.2: foreign", "A2 08 000A 02 0B 01 0001 61", V::PropertyNotAllowed),
    ]
}
