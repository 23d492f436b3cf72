//! What a server's packets begin with: their flags, and their Packet Identifiers.

use std::{collections::BTreeSet, sync::Arc};

use protocol::{
    Delivery, Fate, Machine, Properties, QoS, ReasonCode, Session, Time,
    server::{Answer, Config, Event, Server},
};

use crate::{
    feed, hex, message, sent,
    server_connect::{CONNECT_V5, CONNECT_V311, accepted},
    server_exchange::answer,
};

/// The first bytes and Packet Identifiers of the packets in `bytes`, none of which is longer than 127 bytes.
fn heads(bytes: &str) -> Vec<(u8, u16)> {
    let bytes = hex(bytes);
    let mut rest = &bytes[..];
    let mut heads = Vec::new();
    while let [first, length, body @ ..] = rest {
        let at = if first >> 4 == 3 { 2 + usize::from(body[1]) } else { 0 };
        heads.push((*first, body.get(at..at + 2).map_or(0, |id| u16::from_be_bytes([id[0], id[1]]))));
        rest = &body[usize::from(*length)..];
    }
    heads
}

fn answer_all(server: &mut Server, events: Vec<Event>) {
    for event in events {
        match event {
            Event::Publish { token: Some(token), .. } => answer(server, token, ReasonCode::Success),
            Event::Subscribe { token, .. } => {
                server.answer(Time::ZERO, token, Answer::Subscribe(vec![ReasonCode::Success], Properties::EMPTY));
            }
            Event::Unsubscribe { token, .. } => {
                server.answer(Time::ZERO, token, Answer::Unsubscribe(vec![ReasonCode::Success], Properties::EMPTY));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn every_packet_of_a_server_has_its_flags_and_the_id_of_its_exchange() {
    // MQTT-2.1.3-1, MQTT-2.2.1-5, MQTT-2.2.1-6 (MQTT-2.2.2-1, MQTT-2.3.1-6, MQTT-2.3.1-7 in 3.1.1); MQTT-3.6.1-1,
    // MQTT-3.8.4-2, MQTT-3.10.4-4, MQTT-3.10.4-5 in both. PUBLISH 5 and 6, SUBSCRIBE 7, UNSUBSCRIBE 8, PUBREL 6, PINGREQ.
    for (connect, packets) in [
        (CONNECT_V311, "32 05 0001 61 0005 34 05 0001 61 0006 82 06 0007 0001 61 00 a2 05 0008 0001 61"),
        (CONNECT_V5, "32 06 0001 61 0005 00 34 06 0001 61 0006 00 82 07 0007 00 0001 61 00 a2 06 0008 00 0001 61"),
    ] {
        let mut server = accepted(Config::default(), connect);
        let events = feed(&mut server, Time::ZERO, packets);
        answer_all(&mut server, events);
        feed(&mut server, Time::ZERO, "62 02 0006 c0 00");
        let told = heads(&sent(&mut server));
        assert_eq!(told, [(0x40, 5), (0x50, 6), (0x90, 7), (0xb0, 8), (0x70, 6), (0xd0, 0)]);
        server.deliver(Time::ZERO, Delivery::new(Arc::new(message("t", "x")), QoS::ExactlyOnce));
        feed(&mut server, Time::ZERO, "50 02 0001");
        assert_eq!(heads(&sent(&mut server)), [(0x34, 1), (0x62, 1)]);
    }
}

#[test]
fn identifiers_in_flight_are_not_used_again() {
    // MQTT-2.2.1-4, MQTT-4.3.2-1, MQTT-4.3.3-1 (MQTT-2.3.1-4, MQTT-2.3.1-1, MQTT-4.3.2-1, MQTT-4.3.3-1 in 3.1.1). All 65,535
    // are in flight but for those that were acknowledged, which come round again; 0 never does.
    for connect in [CONNECT_V311, CONNECT_V5] {
        let mut server = accepted(Config { maximum_inflight: u16::MAX, ..Config::default() }, connect);
        let message = Arc::new(message("t", "x"));
        let deliver = |server: &mut Server, qos| server.deliver(Time::ZERO, Delivery::new(message.clone(), qos));
        for _ in 0..u16::MAX {
            assert_eq!(deliver(&mut server, QoS::AtLeastOnce), Fate::Sent);
        }
        let ids: BTreeSet<_> = heads(&sent(&mut server)).into_iter().map(|(_, id)| id).collect();
        assert_eq!((ids.len(), ids.contains(&0)), (65_535, false));
        assert_eq!(deliver(&mut server, QoS::ExactlyOnce), Fate::Queued);
        feed(&mut server, Time::ZERO, "40 02 1234");
        assert_eq!(heads(&sent(&mut server)), [(0x34, 0x1234)]);
        // PUBREC frees nothing, PUBCOMP does (MQTT-2.3.1-3 in 3.1.1).
        assert_eq!(deliver(&mut server, QoS::AtLeastOnce), Fate::Queued);
        feed(&mut server, Time::ZERO, "50 02 1234");
        assert_eq!(sent(&mut server), "62 02 12 34");
        feed(&mut server, Time::ZERO, "70 02 1234");
        assert_eq!(heads(&sent(&mut server)), [(0x32, 0x1234)]);
        assert_eq!(server.session().map(Session::in_flight), Some(65_535));
    }
}
