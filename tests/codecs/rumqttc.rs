//! wire against rumqttc's encoders of 3.1.1 and 5.0: every type of packet that they can be given, with every property.
//!
//! The properties of AUTH are no public type of rumqttc, so AUTH is left to MQTT.js.

use bytes::{Bytes, BytesMut};
use rumqttc::{
    mqttbytes::{self, v4},
    v5::mqttbytes::{self as mqttbytes5, v5},
};
use wire::{
    Ack, Connack, Connect,
    Direction::{self, *},
    Disconnect, Form, Options, Packet, Pingreq, Pingresp, Properties, Property, Publish, Suback, Subscribe, Unsuback,
    Unsubscribe,
    Version::{self, *},
    Will, hex,
};

#[test]
fn packets_of_3_1_1_mean_the_same() {
    use mqttbytes::QoS::{AtLeastOnce, AtMostOnce, ExactlyOnce};
    let mut connect = v4::Connect::new("me");
    (connect.keep_alive, connect.clean_session) = (300, false);
    connect.last_will = Some(v4::LastWill::new("w/é", "gone", ExactlyOnce, true));
    connect.set_login("u", "p");
    let mut publish = v4::Publish::new("a/b", ExactlyOnce, [0, 0xff]);
    (publish.pkid, publish.dup, publish.retain) = (0x1234, true, true);
    let filter = |path: &str, qos| v4::SubscribeFilter::new(path.to_owned(), qos);
    let filters = vec![filter("a/+", AtMostOnce), filter("#", ExactlyOnce)];
    let codes = vec![v4::SubscribeReasonCode::Success(AtLeastOnce), v4::SubscribeReasonCode::Failure];
    let will = Will::to("w/é").qos(2).retain(true).payload("gone");
    let ours: Vec<(Direction, v4::Packet, Packet)> = vec![
        (
            FromClient,
            v4::Packet::Connect(connect),
            Connect::as_("me").clean(false).keep_alive(300).will(will).user("u").password("p").into(),
        ),
        (FromClient, v4::Packet::Connect(v4::Connect::new("")), Connect::as_("").keep_alive(10).into()),
        (
            FromServer,
            v4::Packet::ConnAck(v4::ConnAck::new(v4::ConnectReturnCode::Success, true)),
            Connack::accepted().session_present(true).into(),
        ),
        (
            FromServer,
            v4::Packet::ConnAck(v4::ConnAck::new(v4::ConnectReturnCode::NotAuthorized, false)),
            Connack::refused(5).into(),
        ),
        (
            FromClient,
            v4::Packet::Publish(publish),
            Publish::to("a/b").qos(2).id(0x1234).dup(true).retain(true).payload([0, 0xff]).into(),
        ),
        (FromServer, v4::Packet::Publish(v4::Publish::new("a", AtMostOnce, [])), Publish::to("a").into()),
        (FromServer, v4::Packet::PubAck(v4::PubAck::new(1)), Ack::puback(1).into()),
        (FromServer, v4::Packet::PubRec(v4::PubRec::new(2)), Ack::pubrec(2).into()),
        (FromClient, v4::Packet::PubRel(v4::PubRel::new(3)), Ack::pubrel(3).into()),
        (FromServer, v4::Packet::PubComp(v4::PubComp::new(4)), Ack::pubcomp(4).into()),
        (
            FromClient,
            v4::Packet::Subscribe(v4::Subscribe { pkid: 5, filters }),
            Subscribe::new(5).filter("a/+", 0).filter("#", 2).into(),
        ),
        (FromServer, v4::Packet::SubAck(v4::SubAck::new(5, codes)), Suback::new(5).reason(1).reason(0x80).into()),
        (
            FromClient,
            v4::Packet::Unsubscribe(v4::Unsubscribe { pkid: 6, topics: vec!["a/+".into(), "#".into()] }),
            Unsubscribe::new(6).filter("a/+").filter("#").into(),
        ),
        (FromServer, v4::Packet::UnsubAck(v4::UnsubAck::new(6)), Unsuback::new(6).into()),
        (FromClient, v4::Packet::PingReq, Pingreq.into()),
        (FromServer, v4::Packet::PingResp, Pingresp.into()),
        (FromClient, v4::Packet::Disconnect, Disconnect::normal().into()),
    ];
    for (direction, theirs, ours) in ours {
        let mut bytes = BytesMut::new();
        theirs.write(&mut bytes, usize::MAX).unwrap();
        assert_eq!(Packet::parse(V3_1_1, direction, &bytes), Ok(ours.clone()));
        assert_eq!(hex::line(&ours.draft(V3_1_1).encode()), hex::line(&bytes), "{theirs:?}");
        let read = v4::Packet::read(&mut BytesMut::from(&ours.draft(V3_1_1).encode()[..]), usize::MAX);
        assert_eq!(read.unwrap(), theirs);
    }
}

/// Their order is each encoder's own choice.
fn sorted(properties: &Properties) -> Properties {
    let mut sorted = properties.clone();
    sorted.0.sort_by_key(|property| property.identifier);
    sorted
}

/// What rumqttc wrote, with its properties in order and without the form that it chose.
fn parsed(version: Version, direction: Direction, bytes: &[u8]) -> Packet {
    let parsed = Packet::parse(version, direction, bytes);
    let mut packet = parsed.unwrap_or_else(|breach| panic!("{breach}: {}", hex::line(bytes)));
    match &mut packet {
        Packet::Connect(connect) => {
            connect.properties = sorted(&connect.properties);
            if let Some(will) = &mut connect.will {
                will.properties = sorted(&will.properties);
            }
        }
        Packet::Connack(connack) => connack.properties = sorted(&connack.properties),
        Packet::Publish(publish) => publish.properties = sorted(&publish.properties),
        Packet::Puback(ack) | Packet::Pubrec(ack) | Packet::Pubrel(ack) | Packet::Pubcomp(ack) => {
            ack.properties = sorted(&ack.properties);
            ack.form = Form::Shortest;
        }
        Packet::Subscribe(subscribe) => subscribe.properties = sorted(&subscribe.properties),
        Packet::Disconnect(disconnect) => {
            disconnect.properties = sorted(&disconnect.properties);
            disconnect.form = Form::Shortest;
        }
        _ => {}
    }
    packet
}

fn user() -> Vec<(String, String)> {
    vec![("k".into(), "v".into()), ("k".into(), "ü".into())]
}

#[test]
fn packets_of_5_0_mean_the_same() {
    for (direction, theirs, ours) in packets() {
        let mut bytes = BytesMut::new();
        theirs.write(&mut bytes, None).unwrap();
        assert_eq!(parsed(V5, direction, &bytes), ours, "{}", hex::line(&bytes));
        // Its decoder knows no packet without Remaining Length but the pings.
        if !matches!(ours, Packet::Disconnect(_)) || bytes.len() > 2 {
            let read = v5::Packet::read(&mut BytesMut::from(&ours.draft(V5).encode()[..]), None);
            assert_eq!(read.unwrap(), theirs);
        }
    }
}

fn packets() -> Vec<(Direction, v5::Packet, Packet)> {
    [connects(), publishes(), acks(), others()].concat()
}

fn connects() -> Vec<(Direction, v5::Packet, Packet)> {
    let connect = v5::Connect {
        keep_alive: 300,
        client_id: "me".into(),
        clean_start: false,
        properties: Some(v5::ConnectProperties {
            session_expiry_interval: Some(1),
            receive_maximum: Some(2),
            max_packet_size: Some(3),
            topic_alias_max: Some(4),
            request_response_info: Some(1),
            request_problem_info: Some(0),
            user_properties: user(),
            authentication_method: Some("m".into()),
            authentication_data: Some(Bytes::from_static(b"d")),
        }),
    };
    let will = v5::LastWill {
        topic: Bytes::from_static(b"w"),
        message: Bytes::from_static(b"gone"),
        qos: mqttbytes5::QoS::AtLeastOnce,
        retain: true,
        properties: Some(v5::LastWillProperties {
            delay_interval: Some(7),
            payload_format_indicator: Some(1),
            message_expiry_interval: Some(8),
            content_type: Some("c".into()),
            response_topic: Some("r".into()),
            correlation_data: Some(Bytes::from_static(b"\x00")),
            user_properties: user(),
        }),
    };
    let login = v5::Login { username: "u".into(), password: "p".into() };
    let our_will = Will::to("w")
        .qos(1)
        .retain(true)
        .payload("gone")
        .with(Property::payload_format_indicator(1))
        .with(Property::message_expiry_interval(8))
        .with(Property::content_type("c"))
        .with(Property::response_topic("r"))
        .with(Property::correlation_data(b"\x00"))
        .with(Property::will_delay_interval(7))
        .with(Property::user("k", "v"))
        .with(Property::user("k", "ü"));
    let ours = Connect::as_("me")
        .clean(false)
        .keep_alive(300)
        .user("u")
        .password("p")
        .will(our_will)
        .with(Property::session_expiry_interval(1))
        .with(Property::authentication_method("m"))
        .with(Property::authentication_data(b"d"))
        .with(Property::request_problem_information(0))
        .with(Property::request_response_information(1))
        .with(Property::receive_maximum(2))
        .with(Property::topic_alias_maximum(4))
        .with(Property::user("k", "v"))
        .with(Property::user("k", "ü"))
        .with(Property::maximum_packet_size(3));
    let connack = v5::ConnAck {
        session_present: true,
        code: v5::ConnectReturnCode::Success,
        properties: Some(v5::ConnAckProperties {
            session_expiry_interval: Some(1),
            receive_max: Some(2),
            max_qos: Some(1),
            retain_available: Some(0),
            max_packet_size: Some(3),
            assigned_client_identifier: Some("a".into()),
            topic_alias_max: Some(4),
            reason_string: Some("r".into()),
            user_properties: user(),
            wildcard_subscription_available: Some(1),
            subscription_identifiers_available: Some(0),
            shared_subscription_available: Some(1),
            server_keep_alive: Some(5),
            response_information: Some("i".into()),
            server_reference: Some("s".into()),
            authentication_method: Some("m".into()),
            authentication_data: Some(Bytes::from_static(b"d")),
        }),
    };
    let our_connack = Connack::accepted()
        .session_present(true)
        .with(Property::session_expiry_interval(1))
        .with(Property::assigned_client_identifier("a"))
        .with(Property::server_keep_alive(5))
        .with(Property::authentication_method("m"))
        .with(Property::authentication_data(b"d"))
        .with(Property::response_information("i"))
        .with(Property::server_reference("s"))
        .with(Property::reason_string("r"))
        .with(Property::receive_maximum(2))
        .with(Property::topic_alias_maximum(4))
        .with(Property::maximum_qos(1))
        .with(Property::retain_available(0))
        .with(Property::user("k", "v"))
        .with(Property::user("k", "ü"))
        .with(Property::maximum_packet_size(3))
        .with(Property::wildcard_subscription_available(1))
        .with(Property::subscription_identifier_available(0))
        .with(Property::shared_subscription_available(1));
    vec![
        (FromClient, v5::Packet::Connect(connect, Some(will), Some(login)), ours.into()),
        (FromServer, v5::Packet::ConnAck(connack), our_connack.into()),
    ]
}

fn publishes() -> Vec<(Direction, v5::Packet, Packet)> {
    let properties = v5::PublishProperties {
        payload_format_indicator: Some(1),
        message_expiry_interval: Some(1),
        topic_alias: Some(2),
        response_topic: Some("r".into()),
        correlation_data: Some(Bytes::from_static(b"\xff")),
        user_properties: user(),
        subscription_identifiers: vec![300, 1],
        content_type: Some("c".into()),
    };
    let publish = v5::Publish {
        dup: true,
        qos: mqttbytes5::QoS::AtLeastOnce,
        retain: false,
        topic: Bytes::from_static(b"a/b"),
        pkid: 7,
        payload: Bytes::from_static(b"x"),
        properties: Some(properties),
    };
    let ours = Publish::to("a/b")
        .dup(true)
        .qos(1)
        .id(7)
        .payload("x")
        .with(Property::payload_format_indicator(1))
        .with(Property::message_expiry_interval(1))
        .with(Property::content_type("c"))
        .with(Property::response_topic("r"))
        .with(Property::correlation_data(b"\xff"))
        .with(Property::subscription_identifier(300))
        .with(Property::subscription_identifier(1))
        .with(Property::topic_alias(2))
        .with(Property::user("k", "v"))
        .with(Property::user("k", "ü"));
    vec![(FromServer, v5::Packet::Publish(publish), ours.into())]
}

fn acks() -> Vec<(Direction, v5::Packet, Packet)> {
    let reason_string = || Some("r".to_owned());
    let with =
        |ack: Ack| ack.with(Property::reason_string("r")).with(Property::user("k", "v")).with(Property::user("k", "ü"));
    let puback = v5::PubAck {
        pkid: 1,
        reason: v5::PubAckReason::NoMatchingSubscribers,
        properties: Some(v5::PubAckProperties { reason_string: reason_string(), user_properties: user() }),
    };
    let pubrec = v5::PubRec {
        pkid: 2,
        reason: v5::PubRecReason::QuotaExceeded,
        properties: Some(v5::PubRecProperties { reason_string: reason_string(), user_properties: user() }),
    };
    let pubrel = v5::PubRel {
        pkid: 3,
        reason: v5::PubRelReason::PacketIdentifierNotFound,
        properties: Some(v5::PubRelProperties { reason_string: reason_string(), user_properties: user() }),
    };
    let pubcomp = v5::PubComp {
        pkid: 4,
        reason: v5::PubCompReason::PacketIdentifierNotFound,
        properties: Some(v5::PubCompProperties { reason_string: reason_string(), user_properties: user() }),
    };
    vec![
        (FromServer, v5::Packet::PubAck(v5::PubAck::new(1, None)), Ack::puback(1).into()),
        (FromServer, v5::Packet::PubRec(v5::PubRec::new(2, None)), Ack::pubrec(2).into()),
        (FromClient, v5::Packet::PubRel(v5::PubRel::new(3, None)), Ack::pubrel(3).into()),
        (FromServer, v5::Packet::PubComp(v5::PubComp::new(4, None)), Ack::pubcomp(4).into()),
        (FromServer, v5::Packet::PubAck(puback), with(Ack::puback(1).reason(0x10)).into()),
        (FromServer, v5::Packet::PubRec(pubrec), with(Ack::pubrec(2).reason(0x97)).into()),
        (FromClient, v5::Packet::PubRel(pubrel), with(Ack::pubrel(3).reason(0x92)).into()),
        (FromServer, v5::Packet::PubComp(pubcomp), with(Ack::pubcomp(4).reason(0x92)).into()),
    ]
}

fn others() -> Vec<(Direction, v5::Packet, Packet)> {
    use mqttbytes5::QoS::{AtLeastOnce, ExactlyOnce};
    // Each of the two flags by itself.
    let mut filter = v5::Filter::new("a/+", ExactlyOnce);
    filter.nolocal = true;
    filter.retain_forward_rule = v5::RetainForwardRule::Never;
    let mut shared = v5::Filter::new("$share/g/#", AtLeastOnce);
    shared.preserve_retain = true;
    let subscribe = v5::Subscribe {
        pkid: 5,
        filters: vec![filter, shared],
        properties: Some(v5::SubscribeProperties { id: Some(9), user_properties: user() }),
    };
    let our_subscribe = Subscribe::new(5)
        .filter("a/+", Options::qos(2).no_local().retain_handling(2))
        .filter("$share/g/#", Options::qos(1).retain_as_published())
        .with(Property::subscription_identifier(9))
        .with(Property::user("k", "v"))
        .with(Property::user("k", "ü"));
    let suback = v5::SubAck {
        pkid: 5,
        return_codes: vec![v5::SubscribeReasonCode::Success(ExactlyOnce), v5::SubscribeReasonCode::NotAuthorized],
        properties: None,
    };
    let unsubscribe = v5::Unsubscribe { pkid: 6, filters: vec!["a/+".into()], properties: None };
    let unsuback = v5::UnsubAck {
        pkid: 6,
        reasons: vec![v5::UnsubAckReason::NoSubscriptionExisted, v5::UnsubAckReason::Success],
        properties: None,
    };
    let disconnect = v5::Disconnect {
        reason_code: v5::DisconnectReasonCode::UseAnotherServer,
        properties: Some(v5::DisconnectProperties {
            session_expiry_interval: None,
            reason_string: Some("r".into()),
            user_properties: user(),
            server_reference: Some("s".into()),
        }),
    };
    let our_disconnect = Disconnect::because(0x9c)
        .with(Property::server_reference("s"))
        .with(Property::reason_string("r"))
        .with(Property::user("k", "v"))
        .with(Property::user("k", "ü"));
    vec![
        (FromClient, v5::Packet::Subscribe(subscribe), our_subscribe.into()),
        (FromServer, v5::Packet::SubAck(suback), Suback::new(5).reason(2).reason(0x87).into()),
        (FromClient, v5::Packet::Unsubscribe(unsubscribe), Unsubscribe::new(6).filter("a/+").into()),
        (FromServer, v5::Packet::UnsubAck(unsuback), Unsuback::new(6).reason(0x11).reason(0).into()),
        (FromServer, v5::Packet::Disconnect(disconnect), our_disconnect.into()),
        (FromClient, v5::Packet::PingReq(v5::PingReq), Pingreq.into()),
        (FromServer, v5::Packet::PingResp(v5::PingResp), Pingresp.into()),
    ]
}
