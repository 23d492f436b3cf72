//! wire against the codec of the broker, both ways.

use bytes::Bytes;
use proptest::prelude::*;
use protocol::{
    Decoder, Message, PacketId, PacketLimits, Property as P, QoS, ReasonCode, RetainHandling, Role, SubscribeFilter,
    SubscriptionOptions, TopicFilter, TopicName, UserProperty, Utf8String, Violation,
};
use wire::{
    Ack, Auth, Connack, Connect,
    Direction::{self, FromClient},
    Disconnect, Form, Kind, Options, Packet, Pingreq, Pingresp, Properties, Property, Publish, Suback, Subscribe,
    Unsuback, Unsubscribe, Value,
    Version::{self, V5},
    Will,
};

use crate::packets::{Sent, any_packet};

/// What the broker's codec makes of the bytes of one packet.
pub(crate) fn heard(
    version: Version,
    direction: Direction,
    bytes: &[u8],
) -> Result<Option<protocol::Packet>, Violation> {
    let role = if direction == FromClient { Role::Server } else { Role::Client };
    let mut decoder = Decoder::new(role, PacketLimits { mqtt_3_1: false, ..PacketLimits::default() });
    // A server learns the version from CONNECT, which it takes only then.
    if bytes.first().is_none_or(|first| first >> 4 != Kind::Connect.code()) {
        decoder.set_version(their(version));
    }
    let mut bytes = Bytes::copy_from_slice(bytes);
    decoder.decode(&mut bytes)
}

fn their(version: Version) -> protocol::Version {
    if version == V5 { protocol::Version::V5 } else { protocol::Version::V311 }
}

proptest! {
    #[test]
    fn what_wire_writes_the_broker_reads(sent in any_packet()) {
        let heard = heard(sent.version, sent.direction, &sent.encode());
        let heard = heard.map(|packet| meaning(sent.version, packet.expect("whole")));
        prop_assert_eq!(heard, Ok(without_form(sent.packet)));
    }

    #[test]
    fn what_the_broker_writes_wire_reads(sent in any_packet()) {
        let Sent { version, direction, packet } = sent;
        let mut bytes = Vec::new();
        said(version, &packet).encode(their(version), &mut bytes).expect("encodes");
        let parsed = Packet::parse(version, direction, &bytes).map(without_form);
        prop_assert_eq!(parsed, Ok(without_form(packet)));
    }
}

/// Which optional bytes are written is no meaning.
pub(crate) fn without_form(packet: Packet) -> Packet {
    match packet {
        Packet::Puback(ack) => ack.form(Form::Shortest).into(),
        Packet::Pubrec(ack) => ack.form(Form::Shortest).into(),
        Packet::Pubrel(ack) => ack.form(Form::Shortest).into(),
        Packet::Pubcomp(ack) => ack.form(Form::Shortest).into(),
        Packet::Disconnect(disconnect) => disconnect.form(Form::Shortest).into(),
        other => other,
    }
}

/// A packet of the broker's codec in wire's types.
pub(crate) fn meaning(version: Version, packet: protocol::Packet) -> Packet {
    use protocol::Packet as Theirs;
    let acked = |ack: Ack, theirs: protocol::Ack| {
        let mut ack = ack.reason(theirs.reason.value());
        ack.properties = listed(&theirs.properties);
        Packet::from(ack)
    };
    match packet {
        Theirs::Connect(connect) => connected(*connect).into(),
        Theirs::ConnAck(connack) => Connack {
            session_present: connack.session_present,
            reason: if version == V5 { connack.reason.value() } else { connack.reason.connect_return_code() },
            properties: listed(&connack.properties),
        }
        .into(),
        Theirs::Publish(publish) => Publish {
            dup: publish.dup,
            qos: publish.qos.value(),
            retain: publish.retain,
            topic: publish.topic.map_or(String::new(), |topic| topic.as_str().to_owned()),
            packet_identifier: publish.packet_id.map(PacketId::value),
            properties: listed(&publish.properties),
            payload: publish.payload.to_vec(),
        }
        .into(),
        Theirs::PubAck(ack) => acked(Ack::puback(ack.packet_id.value()), ack),
        Theirs::PubRec(ack) => acked(Ack::pubrec(ack.packet_id.value()), ack),
        Theirs::PubRel(ack) => acked(Ack::pubrel(ack.packet_id.value()), ack),
        Theirs::PubComp(ack) => acked(Ack::pubcomp(ack.packet_id.value()), ack),
        Theirs::Subscribe(subscribe) => Subscribe {
            packet_identifier: subscribe.packet_id.value(),
            properties: listed(&subscribe.properties),
            filters: subscribe.filters.iter().map(subscribed).collect(),
        }
        .into(),
        Theirs::SubAck(suback) => Suback {
            packet_identifier: suback.packet_id.value(),
            properties: listed(&suback.properties),
            reasons: suback.reasons.iter().map(|reason| reason.value()).collect(),
        }
        .into(),
        Theirs::Unsubscribe(unsubscribe) => Unsubscribe {
            packet_identifier: unsubscribe.packet_id.value(),
            properties: listed(&unsubscribe.properties),
            filters: unsubscribe.filters.iter().map(|filter| filter.as_str().to_owned()).collect(),
        }
        .into(),
        Theirs::UnsubAck(unsuback) => Unsuback {
            packet_identifier: unsuback.packet_id.value(),
            properties: listed(&unsuback.properties),
            reasons: unsuback.reasons.iter().map(|reason| reason.value()).collect(),
        }
        .into(),
        Theirs::PingReq => Pingreq.into(),
        Theirs::PingResp => Pingresp.into(),
        Theirs::Disconnect(disconnect) => Disconnect {
            reason: disconnect.reason.value(),
            properties: listed(&disconnect.properties),
            form: Form::Shortest,
        }
        .into(),
        Theirs::Auth(auth) => {
            Auth { reason: auth.reason.value(), properties: listed(&auth.properties), form: Form::Shortest }.into()
        }
    }
}

fn connected(connect: protocol::Connect) -> Connect {
    let will = |will: protocol::Will| Will {
        qos: will.qos.value(),
        retain: will.retain,
        properties: listed(&will.message.properties),
        topic: will.message.topic.as_str().to_owned(),
        payload: will.message.payload.to_vec(),
    };
    Connect {
        clean_start: connect.clean_start,
        keep_alive: connect.keep_alive,
        properties: listed(&connect.properties),
        client_identifier: connect.client_id.as_str().to_owned(),
        will: connect.will.map(|boxed| will(*boxed)),
        user_name: connect.user_name.map(|name| name.as_str().to_owned()),
        password: connect.password.map(|password| password.to_vec()),
    }
}

fn subscribed(filter: &SubscribeFilter) -> (String, Options) {
    let options = Options {
        qos: filter.options.qos.value(),
        no_local: filter.options.no_local,
        retain_as_published: filter.options.retain_as_published,
        retain_handling: filter.options.retain_handling as u8,
    };
    (filter.filter.as_str().to_owned(), options)
}

fn listed(properties: &protocol::Properties) -> Properties {
    Properties(properties.iter().map(property).collect())
}

fn property(property: &P) -> Property {
    let value = match property {
        P::PayloadFormatIndicator(flag)
        | P::RequestProblemInformation(flag)
        | P::RequestResponseInformation(flag)
        | P::RetainAvailable(flag)
        | P::WildcardSubscriptionAvailable(flag)
        | P::SubscriptionIdentifierAvailable(flag)
        | P::SharedSubscriptionAvailable(flag) => Value::Byte(u8::from(*flag)),
        P::MaximumQos(qos) => Value::Byte(qos.value()),
        P::ServerKeepAlive(number)
        | P::ReceiveMaximum(number)
        | P::TopicAliasMaximum(number)
        | P::TopicAlias(number) => Value::TwoByte(*number),
        P::MessageExpiryInterval(number)
        | P::SessionExpiryInterval(number)
        | P::WillDelayInterval(number)
        | P::MaximumPacketSize(number) => Value::FourByte(*number),
        P::SubscriptionIdentifier(number) => Value::Variable(*number),
        P::ContentType(text)
        | P::AssignedClientIdentifier(text)
        | P::AuthenticationMethod(text)
        | P::ResponseInformation(text)
        | P::ServerReference(text)
        | P::ReasonString(text) => Value::Text(text.as_str().to_owned()),
        P::ResponseTopic(topic) => Value::Text(topic.as_str().to_owned()),
        P::CorrelationData(bytes) | P::AuthenticationData(bytes) => Value::Binary(bytes.to_vec()),
        P::UserProperty(pair) => Value::Pair(pair.name.as_str().to_owned(), pair.value.as_str().to_owned()),
    };
    Property { identifier: u32::from(property.id().value()), value }
}

/// One of wire's packets in the types of the broker's codec.
fn said(version: Version, packet: &Packet) -> protocol::Packet {
    use protocol::Packet as Theirs;
    let acked = |ack: &Ack| protocol::Ack {
        packet_id: identifier(ack.packet_identifier),
        reason: reason(ack.reason),
        properties: list(&ack.properties),
    };
    match packet {
        Packet::Connect(connect) => Theirs::Connect(Box::new(connecting(version, connect))),
        Packet::Connack(connack) => {
            let code = if version == V5 {
                reason(connack.reason)
            } else {
                ReasonCode::from_connect_return_code(connack.reason).unwrap()
            };
            let session_present = connack.session_present;
            Theirs::ConnAck(Box::new(protocol::ConnAck {
                session_present,
                reason: code,
                properties: list(&connack.properties),
            }))
        }
        Packet::Publish(publish) => Theirs::Publish(protocol::Publish {
            dup: publish.dup,
            qos: qos(publish.qos),
            retain: publish.retain,
            topic: Some(&publish.topic).filter(|topic| !topic.is_empty()).map(|topic| TopicName::new(topic).unwrap()),
            packet_id: publish.packet_identifier.map(identifier),
            properties: list(&publish.properties),
            payload: Bytes::copy_from_slice(&publish.payload),
        }),
        Packet::Puback(ack) => Theirs::PubAck(acked(ack)),
        Packet::Pubrec(ack) => Theirs::PubRec(acked(ack)),
        Packet::Pubrel(ack) => Theirs::PubRel(acked(ack)),
        Packet::Pubcomp(ack) => Theirs::PubComp(acked(ack)),
        Packet::Subscribe(subscribe) => Theirs::Subscribe(protocol::Subscribe {
            packet_id: identifier(subscribe.packet_identifier),
            properties: list(&subscribe.properties),
            filters: subscribe.filters.iter().map(|(filter, options)| subscribing(filter, options)).collect(),
        }),
        Packet::Suback(suback) => Theirs::SubAck(protocol::SubAck {
            packet_id: identifier(suback.packet_identifier),
            properties: list(&suback.properties),
            reasons: suback.reasons.iter().map(|code| reason(*code)).collect(),
        }),
        Packet::Unsubscribe(unsubscribe) => Theirs::Unsubscribe(protocol::Unsubscribe {
            packet_id: identifier(unsubscribe.packet_identifier),
            properties: list(&unsubscribe.properties),
            filters: unsubscribe.filters.iter().map(|filter| TopicFilter::new(filter).unwrap()).collect(),
        }),
        Packet::Unsuback(unsuback) => Theirs::UnsubAck(protocol::UnsubAck {
            packet_id: identifier(unsuback.packet_identifier),
            properties: list(&unsuback.properties),
            reasons: unsuback.reasons.iter().map(|code| reason(*code)).collect(),
        }),
        Packet::Pingreq(_) => Theirs::PingReq,
        Packet::Pingresp(_) => Theirs::PingResp,
        Packet::Disconnect(disconnect) => Theirs::Disconnect(protocol::Disconnect {
            reason: reason(disconnect.reason),
            properties: list(&disconnect.properties),
        }),
        Packet::Auth(auth) => {
            Theirs::Auth(protocol::Auth { reason: reason(auth.reason), properties: list(&auth.properties) })
        }
    }
}

fn connecting(version: Version, connect: &Connect) -> protocol::Connect {
    let will = |will: &Will| protocol::Will {
        message: Message {
            topic: TopicName::new(&will.topic).unwrap(),
            payload: Bytes::copy_from_slice(&will.payload),
            properties: list(&will.properties),
        },
        qos: qos(will.qos),
        retain: will.retain,
    };
    protocol::Connect {
        version: their(version),
        clean_start: connect.clean_start,
        keep_alive: connect.keep_alive,
        client_id: utf8(&connect.client_identifier),
        will: connect.will.as_ref().map(|message| Box::new(will(message))),
        user_name: connect.user_name.as_deref().map(utf8),
        password: connect.password.as_deref().map(Bytes::copy_from_slice),
        properties: list(&connect.properties),
    }
}

fn subscribing(filter: &str, options: &Options) -> SubscribeFilter {
    let retain_handling = [RetainHandling::Always, RetainHandling::IfNew, RetainHandling::Never]
        .into_iter()
        .find(|handling| *handling as u8 == options.retain_handling);
    SubscribeFilter {
        filter: TopicFilter::new(filter).unwrap(),
        options: SubscriptionOptions {
            qos: qos(options.qos),
            no_local: options.no_local,
            retain_as_published: options.retain_as_published,
            retain_handling: retain_handling.unwrap(),
        },
    }
}

fn identifier(identifier: u16) -> PacketId {
    PacketId::new(identifier).unwrap()
}

fn qos(qos: u8) -> QoS {
    QoS::from_value(qos).unwrap()
}

fn reason(code: u8) -> ReasonCode {
    ReasonCode::from_value(code).unwrap()
}

fn utf8(text: &str) -> Utf8String {
    Utf8String::new(text).unwrap()
}

fn list(properties: &Properties) -> protocol::Properties {
    let mut list = protocol::Properties::new();
    properties.0.iter().for_each(|property| list.push(theirs(property)));
    list
}

fn theirs(property: &Property) -> P {
    match (property.identifier, &property.value) {
        (0x01, Value::Byte(flag)) => P::PayloadFormatIndicator(*flag == 1),
        (0x02, Value::FourByte(number)) => P::MessageExpiryInterval(*number),
        (0x03, Value::Text(text)) => P::ContentType(utf8(text)),
        (0x08, Value::Text(text)) => P::ResponseTopic(TopicName::new(text).unwrap()),
        (0x09, Value::Binary(bytes)) => P::CorrelationData(Bytes::copy_from_slice(bytes)),
        (0x0b, Value::Variable(number)) => P::SubscriptionIdentifier(*number),
        (0x11, Value::FourByte(number)) => P::SessionExpiryInterval(*number),
        (0x12, Value::Text(text)) => P::AssignedClientIdentifier(utf8(text)),
        (0x13, Value::TwoByte(number)) => P::ServerKeepAlive(*number),
        (0x15, Value::Text(text)) => P::AuthenticationMethod(utf8(text)),
        (0x16, Value::Binary(bytes)) => P::AuthenticationData(Bytes::copy_from_slice(bytes)),
        (0x17, Value::Byte(flag)) => P::RequestProblemInformation(*flag == 1),
        (0x18, Value::FourByte(number)) => P::WillDelayInterval(*number),
        (0x19, Value::Byte(flag)) => P::RequestResponseInformation(*flag == 1),
        (0x1a, Value::Text(text)) => P::ResponseInformation(utf8(text)),
        (0x1c, Value::Text(text)) => P::ServerReference(utf8(text)),
        (0x1f, Value::Text(text)) => P::ReasonString(utf8(text)),
        (0x21, Value::TwoByte(number)) => P::ReceiveMaximum(*number),
        (0x22, Value::TwoByte(number)) => P::TopicAliasMaximum(*number),
        (0x23, Value::TwoByte(number)) => P::TopicAlias(*number),
        (0x24, Value::Byte(number)) => P::MaximumQos(qos(*number)),
        (0x25, Value::Byte(flag)) => P::RetainAvailable(*flag == 1),
        (0x26, Value::Pair(name, value)) => P::UserProperty(UserProperty { name: utf8(name), value: utf8(value) }),
        (0x27, Value::FourByte(number)) => P::MaximumPacketSize(*number),
        (0x28, Value::Byte(flag)) => P::WildcardSubscriptionAvailable(*flag == 1),
        (0x29, Value::Byte(flag)) => P::SubscriptionIdentifierAvailable(*flag == 1),
        (0x2a, Value::Byte(flag)) => P::SharedSubscriptionAvailable(*flag == 1),
        _ => panic!("{property}"),
    }
}
