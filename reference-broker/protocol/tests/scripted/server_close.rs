//! How a connection ends, and what is told.

use std::sync::Arc;

use protocol::{
    ConnAck, Delivery, Machine, Properties, QoS, ReasonCode, Time, Violation,
    server::{Answer, Closed, Config, Event},
};

use crate::{
    events, feed, message, sent,
    server_connect::{CONNECT_V5, CONNECT_V311, accept, accepted, asked, closed, server},
};

/// Announces nothing in CONNACK, so that its size is 5 bytes.
fn terse() -> Config {
    Config {
        receive_maximum: u16::MAX,
        maximum_packet_size: protocol::MAXIMUM_PACKET_SIZE,
        topic_alias_maximum: 0,
        ..Config::default()
    }
}

/// 5.0 with Maximum Packet Size `bytes`.
fn connect_taking(bytes: u32) -> String {
    format!("10 13 0004 4d515454 05 02 000a 05 27 {bytes:08x} 0001 61")
}

#[test]
fn a_disconnect_that_was_received_counts_although_the_transport_ended() {
    // MQTT-3.14.4-3 in both: the open QoS 1 question holds decoding up, DISCONNECT lies behind it.
    let mut server = accepted(Config { receive_maximum: 1, ..Config::default() }, CONNECT_V311);
    assert_eq!(feed(&mut server, Time::ZERO, "32 05 0001 61 0001 e0 00").len(), 1);
    assert!(!server.wants_read());
    server.transport_closed(Time::ZERO);
    let closed = closed(events(&mut server));
    assert!(!closed.publishes_will(), "{closed:?}");
}

#[test]
fn what_was_received_before_the_transport_ended_is_heard() {
    let mut server = accepted(Config::default(), CONNECT_V5);
    server.receive(Time::ZERO, bytes::Bytes::from(crate::hex("30 04 0001 61 00 30 04 0001 62 00 30")));
    server.transport_closed(Time::ZERO);
    let events = events(&mut server);
    assert!(matches!(&events[..], [Event::Publish { .. }, Event::Publish { .. }, Event::Closed(Closed::Transport)]));
}

#[test]
fn a_connect_whose_transport_ended_asks_nothing() {
    let mut server = server(Config::default());
    server.receive(Time::ZERO, bytes::Bytes::from(crate::hex(CONNECT_V5)));
    server.transport_closed(Time::ZERO);
    assert_eq!(closed(events(&mut server)), Closed::Transport);
}

#[test]
fn a_second_connect_is_a_protocol_error_whatever_it_holds() {
    // MQTT-3.1.0-2, MQTT-3.14.2-1: neither 0x84 nor 0x85 may stand in DISCONNECT. Level 6; the name of MQTT 3.1.
    for second in ["10 0e 0004 4d515454 06 02 000a 00 0001 61", "10 0f 0006 4d5149736470 03 02 000a 0001 61"] {
        let mut server = accepted(Config::default(), CONNECT_V5);
        let events = feed(&mut server, Time::ZERO, second);
        assert!(matches!(closed(events), Closed::Violation(_)));
        assert_eq!(sent(&mut server), "e0 01 82");
    }
}

#[test]
fn a_connack_that_the_client_cannot_take_is_a_refusal() {
    // MQTT-3.1.2-24, MQTT-3.14.0-1: no DISCONNECT stands in for it, and MQTT-3.1.2-8: no Will was accepted.
    for (bytes, told) in [(4, ""), (5, "20 03 00 95 00"), (15, "20 03 00 95 00")] {
        let mut server = server(Config::default());
        let token = asked(&mut server, &connect_taking(bytes));
        accept(&mut server, token, false, Box::default());
        assert_eq!(sent(&mut server), told, "{bytes}");
        let closed = closed(events(&mut server));
        assert_eq!(closed, Closed::Refused(ReasonCode::PacketTooLarge));
        assert!(!closed.publishes_will());
        assert!(server.into_session().is_some());
    }
}

#[test]
fn an_acknowledgement_that_the_client_cannot_take_closes() {
    // MQTT-3.1.2-24: a SUBACK of 7 bytes for a client that takes 6.
    let mut server = accepted(terse(), &connect_taking(6));
    let event = feed(&mut server, Time::ZERO, "82 0b 0007 00 0001 61 00 0001 62 00").pop();
    let Some(Event::Subscribe { token, .. }) = event else { panic!("{event:?}") };
    server.answer(Time::ZERO, token, Answer::Subscribe(vec![ReasonCode::Success; 2], Properties::EMPTY));
    assert_eq!(sent(&mut server), "e0 01 95");
    assert_eq!(closed(events(&mut server)), Closed::Server(ReasonCode::PacketTooLarge));
}

#[test]
fn a_failed_reauthentication_is_told_by_a_code_of_disconnect() {
    // MQTT-3.14.2-1, MQTT-4.12.1-2: 0x86 stands in CONNACK only.
    let mut server = accepted(Config::default(), "10 12 0004 4d515454 05 02 000a 04 15 0001 6d 0001 61");
    let event = feed(&mut server, Time::ZERO, "f0 06 19 04 15 0001 6d").pop();
    let Some(Event::Auth { token, .. }) = event else { panic!("{event:?}") };
    let reason = ReasonCode::BadUserNameOrPassword;
    server.answer(Time::ZERO, token, Answer::Refuse { reason, properties: Properties::EMPTY });
    assert_eq!(sent(&mut server), "e0 01 87");
    let closed = closed(events(&mut server));
    assert_eq!(closed, Closed::Server(ReasonCode::BadUserNameOrPassword));
    assert!(closed.publishes_will());
}

#[test]
fn nothing_follows_a_refusal() {
    // MQTT-3.1.4-6 (MQTT-3.1.4-5 in 3.1.1): a pipelined PUBLISH is never heard.
    for connect in [CONNECT_V311, CONNECT_V5] {
        let mut server = server(Config::default());
        let token = asked(&mut server, &format!("{connect} 30 04 0001 61 00"));
        let reason = ReasonCode::NotAuthorized;
        server.answer(Time::ZERO, token, Answer::Refuse { reason, properties: Properties::EMPTY });
        assert!(feed(&mut server, Time::ZERO, "30 04 0001 61 00").iter().all(|it| matches!(it, Event::Closed(_))));
    }
}

#[test]
fn nothing_is_sent_behind_a_disconnect() {
    // MQTT-3.14.4-1, MQTT-3.14.4-2.
    let mut server = accepted(Config::default(), CONNECT_V5);
    server.close(Time::ZERO, ReasonCode::AdministrativeAction, Properties::EMPTY);
    server.deliver(Time::ZERO, Delivery::new(Arc::new(message("t", "x")), QoS::AtMostOnce));
    server.deliver(Time::ZERO, Delivery::new(Arc::new(message("t", "x")), QoS::AtLeastOnce));
    assert_eq!(sent(&mut server), "e0 01 98");
    assert!(server.is_closed());
}

#[test]
fn wrong_flags_of_disconnect_close_and_do_not_count_as_good_bye() {
    // MQTT-3.14.1-1 in both; MQTT-4.13.1-1 (MQTT-4.8.0-1 in 3.1.1).
    for (connect, told) in [(CONNECT_V311, ""), (CONNECT_V5, "e0 01 81")] {
        let mut server = accepted(Config::default(), connect);
        let closed = closed(feed(&mut server, Time::ZERO, "e1 00"));
        assert_eq!(closed, Closed::Violation(Violation::FixedHeaderFlags));
        assert!(closed.publishes_will());
        assert_eq!(sent(&mut server), told);
    }
}

fn explained() -> Properties {
    let text = |text| protocol::Utf8String::new(text).unwrap();
    let mut properties = Properties::EMPTY;
    properties.push(protocol::Property::ReasonString(text("because")));
    properties.push_user(text("name"), text("value"));
    properties
}

#[test]
fn a_disconnect_is_trimmed_to_what_the_client_takes() {
    // MQTT-3.14.2-3, MQTT-3.14.2-4.
    let mut server = accepted(terse(), &connect_taking(8));
    server.close(Time::ZERO, ReasonCode::AdministrativeAction, explained());
    assert_eq!(sent(&mut server), "e0 01 98");
}

#[test]
fn a_connack_is_trimmed_to_what_the_client_takes() {
    // MQTT-3.2.2-19, MQTT-3.2.2-20, accepting and refusing.
    let connack = ConnAck { session_present: false, reason: ReasonCode::Success, properties: explained() };
    let mut server = server(terse());
    let token = asked(&mut server, &connect_taking(8));
    server.answer(Time::ZERO, token, Answer::Accept { connack: Box::new(connack), session: Box::default() });
    assert_eq!(sent(&mut server), "20 03 00 00 00");
    let mut server = self::server(terse());
    let token = asked(&mut server, &connect_taking(8));
    server.answer(Time::ZERO, token, Answer::Refuse { reason: ReasonCode::Banned, properties: explained() });
    assert_eq!(sent(&mut server), "20 03 00 8a 00");
}

/// 5.0 with Maximum Packet Size 8 and Authentication Method "m".
const CONNECT_AUTH_TAKING_8: &str = "10 17 0004 4d515454 05 02 000a 09 27 00000008 15 0001 6d 0001 61";

#[test]
fn an_auth_is_trimmed_to_what_the_client_takes() {
    // MQTT-3.15.2-2, MQTT-3.15.2-3.
    let mut server = server(terse());
    let token = asked(&mut server, CONNECT_AUTH_TAKING_8);
    server.answer(Time::ZERO, token, Answer::Challenge(explained()));
    assert_eq!(sent(&mut server), "f0 06 18 04 15 00 01 6d");
}

#[test]
fn a_refusal_amid_the_authentication_closes() {
    // MQTT-4.12.0-4, MQTT-4.13.2-1.
    let mut server = server(terse());
    let token = asked(&mut server, CONNECT_AUTH_TAKING_8);
    server.answer(Time::ZERO, token, Answer::Challenge(Properties::EMPTY));
    sent(&mut server);
    let event = feed(&mut server, Time::ZERO, "f0 06 18 04 15 0001 6d").pop();
    let Some(Event::Auth { token, .. }) = event else { panic!("{event:?}") };
    let reason = ReasonCode::NotAuthorized;
    server.answer(Time::ZERO, token, Answer::Refuse { reason, properties: Properties::EMPTY });
    assert_eq!(sent(&mut server), "20 03 00 87 00");
    assert_eq!(closed(events(&mut server)), Closed::Refused(reason));
}
