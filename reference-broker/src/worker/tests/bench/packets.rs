//! CONNECT packets to begin with, and what a polite client answers.

use protocol::{
    Ack, Connect, Message, Packet, Properties, Property, QoS, ReasonCode, TopicName, Utf8String, Version, Will,
};

/// What `packet` asks for.
pub(super) fn acknowledgement(packet: &Packet) -> Option<Packet> {
    let ack = |packet_id| Ack { packet_id, reason: ReasonCode::Success, properties: Properties::EMPTY };
    match packet {
        Packet::Publish(publish) => match (publish.qos, publish.packet_id) {
            (QoS::AtLeastOnce, Some(id)) => Some(Packet::PubAck(ack(id))),
            (QoS::ExactlyOnce, Some(id)) => Some(Packet::PubRec(ack(id))),
            _ => None,
        },
        Packet::PubRec(rec) if !rec.reason.is_failure() => Some(Packet::PubRel(ack(rec.packet_id))),
        Packet::PubRel(rel) => Some(Packet::PubComp(ack(rel.packet_id))),
        _ => None,
    }
}

/// A 5.0 CONNECT with Clean Start and without Keep Alive.
pub(crate) fn v5(client_id: &str) -> Connect {
    Connect {
        version: Version::V5,
        clean_start: true,
        keep_alive: 0,
        client_id: Utf8String::new(client_id).unwrap(),
        will: None,
        user_name: None,
        password: None,
        properties: Properties::EMPTY,
    }
}

/// A 3.1.1 CONNECT.
pub(crate) fn v311(client_id: &str, clean_start: bool) -> Connect {
    Connect { version: Version::V311, clean_start, ..v5(client_id) }
}

/// A 5.0 CONNECT that resumes and leaves a session of `seconds`.
pub(crate) fn lasting(client_id: &str, seconds: u32) -> Connect {
    let properties = [Property::SessionExpiryInterval(seconds)].into_iter().collect();
    Connect { clean_start: false, properties, ..v5(client_id) }
}

/// `connect` with a Will `payload` on `will`, published `delay` seconds after the close.
pub(crate) fn with_will(connect: Connect, payload: &'static str, delay: u32, retain: bool) -> Connect {
    let mut properties = Properties::EMPTY;
    if delay > 0 {
        properties.push(Property::WillDelayInterval(delay));
    }
    let message = Message { topic: TopicName::new("will").unwrap(), payload: payload.into(), properties };
    Connect { will: Some(Box::new(Will { message, qos: QoS::AtLeastOnce, retain })), ..connect }
}
