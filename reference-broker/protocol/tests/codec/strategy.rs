//! Any legal packet.

use bytes::Bytes;
use proptest::{collection::vec, option, prelude::*, sample::select};
use protocol::{
    Ack, Auth, ConnAck, Connect, Disconnect, Message, Packet, PacketId, PacketType, Properties, Property, PropertyId,
    Publish, QoS, ReasonCode, RetainHandling, Role, SubAck, Subscribe, SubscribeFilter, SubscriptionOptions,
    TopicFilter, TopicName, UnsubAck, Unsubscribe, UserProperty, Utf8String, Version, Will,
};

pub(crate) fn text() -> impl Strategy<Value = Utf8String> {
    "[^\u{0}]{0,12}".prop_map(|text| Utf8String::new(text).unwrap())
}

pub(crate) fn topic() -> impl Strategy<Value = TopicName> {
    "[a-c$/é]{1,12}".prop_map(|text| TopicName::new(text).unwrap())
}

pub(crate) fn filter() -> impl Strategy<Value = TopicFilter> {
    let level = prop_oneof![4 => "[a-c$]{0,2}", 2 => Just("+".to_owned())];
    let shared = option::of("[a-z]{1,4}");
    (shared, vec(level, 1..5), any::<bool>()).prop_filter_map("empty", |(share, mut levels, all)| {
        if all {
            levels.push("#".to_owned());
        }
        let filter = levels.join("/");
        TopicFilter::new(share.map_or(filter.clone(), |name| format!("$share/{name}/{filter}"))).ok()
    })
}

fn binary(most: usize) -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..most).prop_map(Bytes::from)
}

fn packet_id() -> impl Strategy<Value = PacketId> {
    any::<std::num::NonZeroU16>().prop_map(PacketId)
}

fn qos() -> impl Strategy<Value = QoS> {
    select(&[QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce][..])
}

fn property(id: PropertyId) -> BoxedStrategy<Property> {
    use PropertyId as P;
    match id {
        P::PayloadFormatIndicator => any::<bool>().prop_map(Property::PayloadFormatIndicator).boxed(),
        P::MessageExpiryInterval => any::<u32>().prop_map(Property::MessageExpiryInterval).boxed(),
        P::ContentType => text().prop_map(Property::ContentType).boxed(),
        P::ResponseTopic => topic().prop_map(Property::ResponseTopic).boxed(),
        P::CorrelationData => binary(20).prop_map(Property::CorrelationData).boxed(),
        P::SubscriptionIdentifier => (1..=268_435_455_u32).prop_map(Property::SubscriptionIdentifier).boxed(),
        P::SessionExpiryInterval => any::<u32>().prop_map(Property::SessionExpiryInterval).boxed(),
        P::AssignedClientIdentifier => text().prop_map(Property::AssignedClientIdentifier).boxed(),
        P::ServerKeepAlive => any::<u16>().prop_map(Property::ServerKeepAlive).boxed(),
        P::AuthenticationMethod => text().prop_map(Property::AuthenticationMethod).boxed(),
        P::AuthenticationData => binary(20).prop_map(Property::AuthenticationData).boxed(),
        P::RequestProblemInformation => any::<bool>().prop_map(Property::RequestProblemInformation).boxed(),
        P::WillDelayInterval => any::<u32>().prop_map(Property::WillDelayInterval).boxed(),
        P::RequestResponseInformation => any::<bool>().prop_map(Property::RequestResponseInformation).boxed(),
        P::ResponseInformation => text().prop_map(Property::ResponseInformation).boxed(),
        P::ServerReference => text().prop_map(Property::ServerReference).boxed(),
        P::ReasonString => text().prop_map(Property::ReasonString).boxed(),
        P::ReceiveMaximum => (1..=u16::MAX).prop_map(Property::ReceiveMaximum).boxed(),
        P::TopicAliasMaximum => any::<u16>().prop_map(Property::TopicAliasMaximum).boxed(),
        P::TopicAlias => (1..=u16::MAX).prop_map(Property::TopicAlias).boxed(),
        P::MaximumQos => select(&[QoS::AtMostOnce, QoS::AtLeastOnce][..]).prop_map(Property::MaximumQos).boxed(),
        P::RetainAvailable => any::<bool>().prop_map(Property::RetainAvailable).boxed(),
        P::UserProperty => {
            (text(), text()).prop_map(|(name, value)| Property::UserProperty(UserProperty { name, value })).boxed()
        }
        P::MaximumPacketSize => (1..=u32::MAX).prop_map(Property::MaximumPacketSize).boxed(),
        P::WildcardSubscriptionAvailable => any::<bool>().prop_map(Property::WildcardSubscriptionAvailable).boxed(),
        P::SubscriptionIdentifierAvailable => any::<bool>().prop_map(Property::SubscriptionIdentifierAvailable).boxed(),
        P::SharedSubscriptionAvailable => any::<bool>().prop_map(Property::SharedSubscriptionAvailable).boxed(),
    }
}

/// Any properties with these identifiers, once each, and User Properties among them.
fn properties(version: Version, ids: Vec<PropertyId>) -> BoxedStrategy<Properties> {
    if version == Version::V311 {
        return Just(Properties::EMPTY).boxed();
    }
    let single: Vec<_> = ids.into_iter().filter(|id| *id != PropertyId::UserProperty).collect();
    let most = single.len();
    (proptest::sample::subsequence(single, 0..=most), vec(property(PropertyId::UserProperty), 0..3))
        .prop_flat_map(|(ids, users)| (ids.into_iter().map(property).collect::<Vec<_>>(), Just(users)))
        .prop_map(|(single, users)| single.into_iter().chain(users).collect())
        .boxed()
}

fn of_packet(version: Version, sender: Role, packet: PacketType) -> BoxedStrategy<Properties> {
    let foreign = |id: &&PropertyId| {
        matches!(
            (packet, sender, id),
            (PacketType::Publish, Role::Client, PropertyId::SubscriptionIdentifier)
                | (PacketType::Disconnect, Role::Client, PropertyId::ServerReference)
                | (PacketType::Disconnect, Role::Server, PropertyId::SessionExpiryInterval)
                | (PacketType::Connect, _, PropertyId::AuthenticationData)
        )
    };
    let ids = PropertyId::ALL.iter().filter(|id| id.allowed_in(packet)).filter(|id| !foreign(id)).copied().collect();
    properties(version, ids)
}

fn reason(version: Version, packet: PacketType, foreign: &'static [ReasonCode]) -> BoxedStrategy<ReasonCode> {
    if version == Version::V311 {
        return Just(ReasonCode::Success).boxed();
    }
    let legal: Vec<_> =
        ReasonCode::ALL.iter().copied().filter(|code| code.allowed_in(packet) && !foreign.contains(code)).collect();
    select(legal).boxed()
}

fn connect(version: Version) -> BoxedStrategy<Packet> {
    let will_ids = PropertyId::ALL.iter().copied().filter(|id| id.allowed_in_will()).collect();
    let will = (topic(), binary(40), properties(version, will_ids), qos(), any::<bool>()).prop_map(
        |(topic, payload, properties, qos, retain)| {
            Box::new(Will { message: Message { topic, payload, properties }, qos, retain })
        },
    );
    let properties = of_packet(version, Role::Client, PacketType::Connect);
    (any::<bool>(), any::<u16>(), text(), option::of(will), option::of(text()), option::of(binary(40)), properties)
        .prop_map(move |(clean, keep_alive, client_id, will, user_name, password, properties)| {
            let v311 = version == Version::V311;
            Packet::Connect(Box::new(Connect {
                version,
                clean_start: clean || (v311 && client_id.is_empty()),
                keep_alive,
                client_id,
                will,
                password: password.filter(|_| !v311 || user_name.is_some()),
                user_name,
                properties,
            }))
        })
        .boxed()
}

fn connack(version: Version) -> BoxedStrategy<Packet> {
    let reason = match version {
        Version::V311 => (0..6_u8).prop_map(|code| ReasonCode::from_connect_return_code(code).unwrap()).boxed(),
        Version::V5 => reason(version, PacketType::ConnAck, &[]),
    };
    (any::<bool>(), reason, of_packet(version, Role::Server, PacketType::ConnAck))
        .prop_map(|(present, reason, properties)| {
            let session_present = present && reason == ReasonCode::Success;
            Packet::ConnAck(Box::new(ConnAck { session_present, reason, properties }))
        })
        .boxed()
}

pub(crate) fn publish(version: Version, sender: Role) -> impl Strategy<Value = Publish> {
    let properties = of_packet(version, sender, PacketType::Publish);
    (any::<bool>(), qos(), any::<bool>(), option::of(topic()), packet_id(), properties, binary(300)).prop_map(
        move |(dup, qos, retain, topic, id, properties, payload)| {
            let has_alias = properties.topic_alias().is_some();
            Publish {
                dup: dup && qos != QoS::AtMostOnce,
                qos,
                retain,
                topic: topic.or_else(|| (!has_alias).then(|| TopicName::new("t").unwrap())),
                packet_id: (qos != QoS::AtMostOnce).then_some(id),
                properties,
                payload,
            }
        },
    )
}

fn ack(version: Version, sender: Role, packet: PacketType, wrap: fn(Ack) -> Packet) -> BoxedStrategy<Packet> {
    let foreign: &[_] = if sender == Role::Client { &[ReasonCode::NoMatchingSubscribers] } else { &[] };
    (packet_id(), reason(version, packet, foreign), of_packet(version, sender, packet))
        .prop_map(move |(packet_id, reason, properties)| wrap(Ack { packet_id, reason, properties }))
        .boxed()
}

fn options(version: Version) -> impl Strategy<Value = SubscriptionOptions> {
    let handling = select(&[RetainHandling::Always, RetainHandling::IfNew, RetainHandling::Never][..]);
    (qos(), any::<bool>(), any::<bool>(), handling).prop_map(move |(qos, no_local, retain_as_published, handling)| {
        match version {
            Version::V311 => SubscriptionOptions { qos, ..SubscriptionOptions::default() },
            Version::V5 => SubscriptionOptions { qos, no_local, retain_as_published, retain_handling: handling },
        }
    })
}

fn subscribe(version: Version) -> BoxedStrategy<Packet> {
    let one = (filter(), options(version)).prop_map(|(filter, mut options)| {
        options.no_local &= filter.share_name().is_none();
        SubscribeFilter { filter, options }
    });
    (packet_id(), of_packet(version, Role::Client, PacketType::Subscribe), vec(one, 1..5))
        .prop_map(|(packet_id, properties, filters)| Packet::Subscribe(Subscribe { packet_id, properties, filters }))
        .boxed()
}

fn suback(version: Version) -> BoxedStrategy<Packet> {
    use ReasonCode as R;
    let one = match version {
        Version::V311 => select(&[R::Success, R::GrantedQos1, R::GrantedQos2, R::UnspecifiedError][..]).boxed(),
        Version::V5 => reason(version, PacketType::SubAck, &[]),
    };
    (packet_id(), of_packet(version, Role::Server, PacketType::SubAck), vec(one, 1..5))
        .prop_map(|(packet_id, properties, reasons)| Packet::SubAck(SubAck { packet_id, properties, reasons }))
        .boxed()
}

fn unsubscribe(version: Version) -> BoxedStrategy<Packet> {
    (packet_id(), of_packet(version, Role::Client, PacketType::Unsubscribe), vec(filter(), 1..5))
        .prop_map(|(packet_id, properties, filters)| {
            Packet::Unsubscribe(Unsubscribe { packet_id, properties, filters })
        })
        .boxed()
}

fn unsuback(version: Version) -> BoxedStrategy<Packet> {
    let count = if version == Version::V311 { 0..=0 } else { 1..=4 };
    let reasons = vec(reason(version, PacketType::UnsubAck, &[]), count);
    (packet_id(), of_packet(version, Role::Server, PacketType::UnsubAck), reasons)
        .prop_map(|(packet_id, properties, reasons)| Packet::UnsubAck(UnsubAck { packet_id, properties, reasons }))
        .boxed()
}

fn disconnect(version: Version, sender: Role) -> BoxedStrategy<Packet> {
    use ReasonCode as R;
    let reasons = match (version, sender) {
        (Version::V311, _) => vec![R::Success],
        (Version::V5, Role::Client) => {
            vec![R::Success, R::DisconnectWithWillMessage, R::MalformedPacket, R::QuotaExceeded]
        }
        (Version::V5, Role::Server) => vec![R::Success, R::SessionTakenOver, R::KeepAliveTimeout, R::ServerMoved],
    };
    (select(reasons), of_packet(version, sender, PacketType::Disconnect))
        .prop_map(|(reason, properties)| Packet::Disconnect(Disconnect { reason, properties }))
        .boxed()
}

fn auth(sender: Role) -> BoxedStrategy<Packet> {
    let foreign: &[_] = if sender == Role::Client { &[ReasonCode::Success] } else { &[ReasonCode::ReAuthenticate] };
    (reason(Version::V5, PacketType::Auth, foreign), of_packet(Version::V5, sender, PacketType::Auth), text())
        .prop_map(|(reason, mut properties, method)| {
            properties.set(Property::AuthenticationMethod(method));
            Packet::Auth(Auth { reason, properties })
        })
        .boxed()
}

/// Any packet that `sender` may send in `version`, as decoding gives it.
pub(crate) fn packet(version: Version, sender: Role) -> BoxedStrategy<Packet> {
    let mut packets = vec![
        publish(version, sender).prop_map(Packet::Publish).boxed(),
        ack(version, sender, PacketType::PubAck, Packet::PubAck),
        ack(version, sender, PacketType::PubRec, Packet::PubRec),
        ack(version, sender, PacketType::PubRel, Packet::PubRel),
        ack(version, sender, PacketType::PubComp, Packet::PubComp),
    ];
    match sender {
        Role::Client => packets.extend([
            connect(version),
            subscribe(version),
            unsubscribe(version),
            Just(Packet::PingReq).boxed(),
            disconnect(version, sender),
        ]),
        Role::Server => {
            packets.extend([connack(version), suback(version), unsuback(version), Just(Packet::PingResp).boxed()])
        }
    }
    if version == Version::V5 {
        packets.extend([auth(sender), disconnect(version, sender)]);
    }
    proptest::strategy::Union::new(packets).boxed()
}

/// A version and a sender.
pub(crate) fn connection() -> impl Strategy<Value = (Version, Role)> {
    (select(&[Version::V311, Version::V5][..]), select(&[Role::Client, Role::Server][..]))
}
