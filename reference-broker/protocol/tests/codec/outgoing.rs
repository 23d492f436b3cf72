//! The fan-out path writes what a whole PUBLISH would.

use bytes::Bytes;
use proptest::prelude::*;
use protocol::{
    Ack, EncodeError, Message, OutgoingPublish, Packet, PacketId, Properties, Property, PropertyId, Publish, QoS,
    ReasonCode, Role, SubAck, TopicName, UnsubAck, UserProperty, Utf8String, Version,
};

use crate::strategy::publish;

/// What `outgoing` says, put into a whole packet.
fn whole(outgoing: &OutgoingPublish<'_>, version: Version) -> Publish {
    let mut properties = Properties::EMPTY;
    if let Some(seconds) = outgoing.message_expiry_interval {
        properties.push(Property::MessageExpiryInterval(seconds));
    }
    if let Some(alias) = outgoing.topic_alias {
        properties.push(Property::TopicAlias(alias));
    }
    properties.extend(outgoing.subscription_ids.iter().map(|id| Property::SubscriptionIdentifier(*id)));
    let kept = outgoing.message.properties.iter().filter(|property| {
        outgoing.message_expiry_interval.is_none() || property.id() != PropertyId::MessageExpiryInterval
    });
    properties.extend(kept.cloned());
    let omitted = outgoing.topic_omitted && outgoing.topic_alias.is_some() && version == Version::V5;
    Publish {
        dup: outgoing.dup,
        qos: outgoing.qos,
        retain: outgoing.retain,
        topic: (!omitted).then(|| outgoing.message.topic.clone()),
        packet_id: outgoing.packet_id,
        properties,
        payload: outgoing.message.payload.clone(),
    }
}

proptest! {
    #[test]
    fn parts_are_written_as_the_whole(
        published in publish(Version::V5, Role::Client),
        expiry in proptest::option::of(any::<u32>()),
        ids in proptest::collection::vec(1..=268_435_455_u32, 0..3),
        alias in proptest::option::of(1..=u16::MAX),
        topic_omitted in any::<bool>(),
        old in any::<bool>(),
    ) {
        let mut properties = published.properties;
        properties.remove(PropertyId::TopicAlias);
        let topic = published.topic.unwrap_or_else(|| TopicName::new("t").unwrap());
        let message = Message { topic, payload: published.payload, properties };
        let outgoing = OutgoingPublish {
            message: &message,
            dup: published.dup,
            qos: published.qos,
            retain: published.retain,
            packet_id: published.packet_id,
            message_expiry_interval: expiry,
            subscription_ids: &ids,
            topic_alias: alias,
            topic_omitted,
        };
        let version = if old { Version::V311 } else { Version::V5 };
        let (mut parts, mut packet) = (Vec::new(), Vec::new());
        outgoing.encode(version, u32::MAX, &mut parts).unwrap();
        whole(&outgoing, version).encode(version, u32::MAX, &mut packet).unwrap();
        prop_assert_eq!(parts, packet);
    }
}

#[test]
fn too_large_a_message_leaves_nothing_behind() {
    let message = Message {
        topic: TopicName::new("t").unwrap(),
        payload: Bytes::from(vec![0; 100]),
        properties: Properties::EMPTY,
    };
    let mut out = Vec::new();
    let result = OutgoingPublish::new(&message, QoS::AtMostOnce, None).encode(Version::V311, 104, &mut out);
    assert_eq!(result, Err(EncodeError::TooLarge { size: 105, maximum: 104 }));
    assert!(out.is_empty());
    OutgoingPublish::new(&message, QoS::AtMostOnce, None).encode(Version::V311, 105, &mut out).unwrap();
    assert_eq!(out.len(), 105);
}

#[test]
fn packet_identifier_goes_with_the_qos() {
    let message = Message { topic: TopicName::new("t").unwrap(), payload: Bytes::new(), properties: Properties::EMPTY };
    for (qos, id) in [(QoS::AtMostOnce, PacketId::new(1)), (QoS::AtLeastOnce, None), (QoS::ExactlyOnce, None)] {
        let result = OutgoingPublish::new(&message, qos, id).encode(Version::V311, u32::MAX, &mut Vec::new());
        assert_eq!(result, Err(EncodeError::PacketIdentifier));
    }
}

#[test]
fn each_acknowledgement_leaves_out_what_makes_it_too_large() {
    // MQTT-3.4.2-2, -3; MQTT-3.5.2-2, -3; MQTT-3.6.2-2, -3; MQTT-3.7.2-2, -3; MQTT-3.9.2-1, -2; MQTT-3.11.2-1, -2.
    let text = |text: &str| Utf8String::new(text).unwrap();
    let properties = Properties::from_iter([
        Property::ReasonString(text("why")),
        Property::UserProperty(UserProperty { name: text("k"), value: text("v") }),
    ]);
    let packet_id = PacketId::new(1).unwrap();
    let ack = |reason| Ack { packet_id, reason, properties: properties.clone() };
    let reasons = vec![ReasonCode::NotAuthorized];
    // The packet; its length with everything, with the Reason String alone, and with neither.
    for (packet, lengths) in [
        (Packet::PubAck(ack(ReasonCode::NotAuthorized)), [19, 12, 5]),
        (Packet::PubRec(ack(ReasonCode::NotAuthorized)), [19, 12, 5]),
        (Packet::PubRel(ack(ReasonCode::PacketIdentifierNotFound)), [19, 12, 5]),
        (Packet::PubComp(ack(ReasonCode::PacketIdentifierNotFound)), [19, 12, 5]),
        (Packet::SubAck(SubAck { packet_id, properties: properties.clone(), reasons: reasons.clone() }), [19, 12, 6]),
        (Packet::UnsubAck(UnsubAck { packet_id, properties: properties.clone(), reasons }), [19, 12, 6]),
    ] {
        let [whole, told, least] = lengths;
        for (maximum, length) in [(whole, whole), (whole - 1, told), (told, told), (told - 1, least), (least, least)] {
            let mut out = Vec::new();
            packet.encode_within(Version::V5, u32::try_from(maximum).unwrap(), &mut out).unwrap();
            assert_eq!(out.len(), length, "{packet:?} in {maximum}");
        }
        let maximum = u32::try_from(least - 1).unwrap();
        assert!(packet.encode_within(Version::V5, maximum, &mut Vec::new()).is_err());
    }
}
