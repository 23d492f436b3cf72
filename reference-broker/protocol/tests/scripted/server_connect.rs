//! From the first byte to CONNACK, and keep alive.

use std::{sync::Arc, time::Duration};

use protocol::{
    ConnAck, Machine, Properties, Property, QoS, ReasonCode, Session, Time, Token, Utf8String, Violation,
    server::{Answer, Closed, Config, Event, Server},
};

use crate::{events, feed, sent};

/// 3.1.1, clean session, keep alive 10 s, client "a".
pub(crate) const CONNECT_V311: &str = "10 0d 0004 4d515454 04 02 000a 0001 61";
/// The same in 5.0.
pub(crate) const CONNECT_V5: &str = "10 0e 0004 4d515454 05 02 000a 00 0001 61";

pub(crate) fn server(config: Config) -> Server {
    Server::new(Arc::new(config), Time::ZERO)
}

pub(crate) fn asked(server: &mut Server, connect: &str) -> Token {
    match feed(server, Time::ZERO, connect).pop() {
        Some(Event::Connect { token, .. }) => token,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn accept(server: &mut Server, token: Token, session_present: bool, session: Box<Session>) {
    let connack = Box::new(ConnAck { session_present, reason: ReasonCode::Success, properties: Properties::default() });
    server.answer(Time::ZERO, token, Answer::Accept { connack, session });
}

/// A server that accepted `connect`; its CONNACK is taken.
pub(crate) fn accepted(config: Config, connect: &str) -> Server {
    let mut server = server(config);
    let token = asked(&mut server, connect);
    accept(&mut server, token, false, Box::default());
    sent(&mut server);
    server
}

pub(crate) fn closed(events: Vec<Event>) -> Closed {
    match events.into_iter().last() {
        Some(Event::Closed(closed)) => closed,
        other => panic!("{other:?}"),
    }
}

#[test]
fn connack_waits_for_the_answer() {
    // MQTT-3.1.4-4, MQTT-3.2.0-1, MQTT-3.2.2-1 in 3.1.1.
    let mut server = server(Config::default());
    let token = asked(&mut server, CONNECT_V311);
    assert_eq!(sent(&mut server), "");
    accept(&mut server, token, false, Box::default());
    assert_eq!(sent(&mut server), "20 02 00 00");
}

#[test]
fn session_present_is_told_in_both_versions() {
    // MQTT-3.2.2-2 in 3.1.1; MQTT-3.2.2-1, MQTT-3.2.2-3, MQTT-3.1.4-5: no other flag, and Success.
    for (connect, connack) in [
        ("10 0d 0004 4d515454 04 00 000a 0001 61", "20 02 01 00"),
        ("10 0e 0004 4d515454 05 00 000a 00 0001 61", "20 0e 01 00 0b 21 04 00 27 00 10 00 00 22 00 40"),
    ] {
        let mut server = server(Config::default());
        let token = asked(&mut server, connect);
        accept(&mut server, token, true, Box::default());
        assert_eq!(sent(&mut server), connack);
    }
}

#[test]
fn connack_announces_every_limit() {
    // MQTT-3.2.2-9 among them.
    let config = Config {
        maximum_qos: QoS::AtLeastOnce,
        retain_available: false,
        wildcard_available: false,
        subscription_ids_available: false,
        shared_available: false,
        server_keep_alive: Some(5),
        receive_maximum: 7,
        maximum_packet_size: 256,
        topic_alias_maximum: 2,
        ..Config::default()
    };
    let mut server = server(config);
    let token = asked(&mut server, CONNECT_V5);
    accept(&mut server, token, false, Box::default());
    assert_eq!(
        sent(&mut server),
        "20 1b 00 00 18 21 00 07 27 00 00 01 00 22 00 02 24 01 25 00 28 00 29 00 2a 00 13 00 05"
    );
}

#[test]
fn a_refusal_never_has_session_present_and_closes() {
    // MQTT-3.2.2-6 and MQTT-3.2.2-7 (MQTT-3.2.2-4 and MQTT-3.2.2-5 in 3.1.1).
    for (connect, connack) in [(CONNECT_V311, "20 02 00 05"), (CONNECT_V5, "20 03 00 87 00")] {
        let mut server = server(Config::default());
        let token = asked(&mut server, connect);
        let reason = ReasonCode::NotAuthorized;
        server.answer(Time::ZERO, token, Answer::Refuse { reason, properties: Properties::default() });
        assert_eq!(sent(&mut server), connack);
        assert!(server.is_closed());
        assert_eq!(closed(events(&mut server)), Closed::Refused(reason));
    }
}

#[test]
fn a_packet_before_connect_closes_in_silence() {
    // MQTT-3.1.0-1 in both: PINGREQ, SUBSCRIBE, PUBLISH.
    for packet in ["c0 00", "82 06 0001 0001 61 00", "30 03 0001 61"] {
        let mut server = server(Config::default());
        let events = feed(&mut server, Time::ZERO, packet);
        assert_eq!(closed(events), Closed::Violation(Violation::FirstPacketNotConnect));
        assert_eq!(sent(&mut server), "");
    }
}

#[test]
fn a_second_connect_closes() {
    // MQTT-3.1.0-2 in both.
    for (connect, answer) in [(CONNECT_V311, ""), (CONNECT_V5, "e0 01 82")] {
        let mut server = accepted(Config::default(), connect);
        let events = feed(&mut server, Time::ZERO, connect);
        assert_eq!(closed(events), Closed::Violation(Violation::ConnectRepeated));
        assert_eq!(sent(&mut server), answer);
    }
}

#[test]
fn an_unknown_version_is_told_so() {
    // MQTT-3.1.2-2 in both: level 3 reads 3.1.1, level 6 reads 5.0. A bridge of Mosquitto says 132 and falls back when
    // it hears 1.
    for (connect, connack) in [
        ("10 0d 0004 4d515454 84 02 000a 0001 61", "20 02 00 01"),
        ("10 0d 0004 4d515454 03 02 000a 0001 61", "20 02 00 01"),
        ("10 0e 0004 4d515454 06 02 000a 00 0001 61", "20 03 00 84 00"),
    ] {
        let mut server = server(Config::default());
        let events = feed(&mut server, Time::ZERO, connect);
        assert_eq!(closed(events), Closed::Violation(Violation::ProtocolVersionUnsupported));
        assert_eq!(sent(&mut server), connack);
    }
}

#[test]
fn a_malformed_connect_is_told_so_in_5_only() {
    // MQTT-3.1.4-1, MQTT-3.1.2-3 in both: the reserved flag.
    for (connect, connack) in [
        ("10 0d 0004 4d515454 04 03 000a 0001 61", ""),
        ("10 0e 0004 4d515454 05 03 000a 00 0001 61", "20 03 00 81 00"),
    ] {
        let mut server = server(Config::default());
        let events = feed(&mut server, Time::ZERO, connect);
        assert_eq!(closed(events), Closed::Violation(Violation::ConnectFlagsReserved));
        assert_eq!(sent(&mut server), connack);
    }
}

#[test]
fn an_empty_client_identifier_without_clean_session_is_return_code_2() {
    // MQTT-3.1.3-8 in 3.1.1.
    let mut server = server(Config::default());
    let events = feed(&mut server, Time::ZERO, "10 0c 0004 4d515454 04 00 000a 0000");
    assert_eq!(closed(events), Closed::Violation(Violation::ClientIdentifierMissing));
    assert_eq!(sent(&mut server), "20 02 00 02");
}

#[test]
fn no_connect_in_time_closes() {
    let mut server = server(Config::default());
    feed(&mut server, Time::ZERO, "10 0d 0004");
    let deadline = Time::from_secs(10);
    assert_eq!(server.poll_timeout(), Some(deadline));
    server.handle_timeout(Time::from_nanos(deadline.as_nanos() - 1));
    assert!(!server.is_closed());
    server.handle_timeout(deadline);
    assert_eq!(closed(events(&mut server)), Closed::ConnectTimeout);
}

#[test]
fn keep_alive_is_one_and_a_half_times_since_the_last_packet() {
    // MQTT-3.1.2-24 in 3.1.1, MQTT-3.1.2-22 and MQTT-3.2.2-22; MQTT-3.12.4-1 in both.
    for (connect, told) in [(CONNECT_V311, ""), (CONNECT_V5, "e0 01 8d")] {
        let mut server = accepted(Config::default(), connect);
        assert_eq!(server.poll_timeout(), Some(Time::from_secs(15)));
        feed(&mut server, Time::from_secs(4), "c0 00");
        assert_eq!(sent(&mut server), "d0 00");
        // Half a packet is no packet.
        feed(&mut server, Time::from_secs(8), "c0");
        let deadline = Time::from_secs(19);
        assert_eq!(server.poll_timeout(), Some(deadline));
        server.handle_timeout(Time::from_nanos(deadline.as_nanos() - 1));
        assert!(!server.is_closed());
        server.handle_timeout(deadline);
        assert_eq!(closed(events(&mut server)), Closed::KeepAlive);
        assert_eq!(sent(&mut server), told);
    }
}

#[test]
fn server_keep_alive_takes_the_place_of_the_clients() {
    // MQTT-3.2.2-21.
    let config = Config { server_keep_alive: Some(60), ..Config::default() };
    let server = accepted(config.clone(), CONNECT_V5);
    assert_eq!(server.poll_timeout(), Some(Time::ZERO.after(Duration::from_secs(90))));
    // 3.1.1 has no way to tell it, so its clients keep their own.
    let server = accepted(config, CONNECT_V311);
    assert_eq!(server.poll_timeout(), Some(Time::ZERO.after(Duration::from_secs(15))));
}

#[test]
fn packets_behind_connect_wait_for_the_answer() {
    let mut server = server(Config::default());
    let token = asked(&mut server, &format!("{CONNECT_V311} c0 00"));
    assert!(!server.wants_read());
    assert!(events(&mut server).is_empty());
    accept(&mut server, token, false, Box::default());
    events(&mut server);
    assert_eq!(sent(&mut server), "20 02 00 00 d0 00");
}

#[test]
fn a_will_beyond_the_configuration_is_refused() {
    // MQTT-3.2.2-12, MQTT-3.2.2-13: Will QoS 2; Will Retain.
    for (flags, connack) in [("16", "20 03 00 9b 00"), ("26", "20 03 00 9a 00")] {
        let config = Config { maximum_qos: QoS::AtLeastOnce, retain_available: false, ..Config::default() };
        let mut server = server(config);
        let connect = format!("10 15 0004 4d515454 05 {flags} 000a 00 0001 61 00 0001 77 0001 78");
        feed(&mut server, Time::ZERO, &connect);
        assert_eq!(sent(&mut server), connack);
        assert!(server.is_closed());
    }
}

/// 5.0 with Authentication Method "m".
const CONNECT_AUTH: &str = "10 12 0004 4d515454 05 02 000a 04 15 0001 6d 0001 61";

fn challenged() -> Server {
    let mut server = server(Config::default());
    let token = asked(&mut server, CONNECT_AUTH);
    let data = Property::AuthenticationData(bytes::Bytes::from_static(b"?"));
    server.answer(Time::ZERO, token, Answer::Challenge([data].into_iter().collect()));
    assert_eq!(sent(&mut server), "f0 0a 18 08 16 00 01 3f 15 00 01 6d");
    server
}

#[test]
fn authentication_goes_back_and_forth_before_connack() {
    // MQTT-4.12.0-2, MQTT-4.12.0-5, MQTT-3.2.0-1, MQTT-3.15.2-1: nothing but AUTH comes before CONNACK.
    let mut server = challenged();
    let answer = feed(&mut server, Time::ZERO, "f0 0a 18 08 15 0001 6d 16 0001 21").pop();
    let Some(Event::Auth { token, auth }) = answer else { panic!("{answer:?}") };
    assert_eq!(auth.properties.authentication_data().map(|data| &data[..]), Some(&b"!"[..]));
    accept(&mut server, token, false, Box::default());
    assert_eq!(sent(&mut server), "20 12 00 00 0f 21 04 00 27 00 10 00 00 22 00 40 15 00 01 6d");
}

#[test]
fn authentication_keeps_its_method_and_its_packets() {
    for (packet, violation) in [
        // MQTT-4.12.0-5.
        ("f0 06 18 04 15 0001 78", Violation::AuthenticationMethodChanged),
        // MQTT-3.1.2-30.
        ("c0 00", Violation::PacketDuringAuthentication),
    ] {
        let mut server = challenged();
        assert_eq!(closed(feed(&mut server, Time::ZERO, packet)), Closed::Violation(violation));
        assert_eq!(sent(&mut server), "20 03 00 82 00");
    }
}

#[test]
fn connect_is_answered_once_and_without_a_method_that_was_not_named() {
    // MQTT-3.2.0-2, MQTT-4.12.0-6.
    let mut server = server(Config { receive_maximum: u16::MAX, topic_alias_maximum: 0, ..Config::default() });
    let token = asked(&mut server, CONNECT_V5);
    for _ in 0..2 {
        let method = Property::AuthenticationMethod(Utf8String::new("m").unwrap());
        let mut connack = ConnAck::new(ReasonCode::Success);
        connack.properties.push(method);
        server.answer(Time::ZERO, token, Answer::Accept { connack: Box::new(connack), session: Box::default() });
    }
    let reason = ReasonCode::NotAuthorized;
    server.answer(Time::ZERO, token, Answer::Refuse { reason, properties: Properties::default() });
    assert_eq!(sent(&mut server), "20 08 00 00 05 27 00 10 00 00");
}

#[test]
fn an_unanswered_challenge_times_out() {
    let mut server = challenged();
    assert_eq!(server.poll_timeout(), Some(Time::from_secs(10)));
    server.handle_timeout(Time::from_secs(10));
    assert_eq!(closed(events(&mut server)), Closed::ConnectTimeout);
}

#[test]
fn reauthentication_ends_with_success_or_disconnect() {
    let method = Property::AuthenticationMethod(Utf8String::new("m").unwrap());
    for succeeds in [true, false] {
        let mut server = accepted(Config::default(), CONNECT_AUTH);
        // MQTT-4.12.1-1: AUTH with Re-authenticate.
        let event = feed(&mut server, Time::ZERO, "f0 06 19 04 15 0001 6d").pop();
        let Some(Event::Auth { token, auth }) = event else { panic!("{event:?}") };
        assert_eq!(auth.properties.iter().collect::<Vec<_>>(), [&method]);
        if succeeds {
            server.answer(Time::ZERO, token, Answer::Authenticated(Properties::default()));
            assert_eq!(sent(&mut server), "f0 06 00 04 15 00 01 6d");
            assert!(!server.is_closed());
        } else {
            // MQTT-4.12.1-2.
            let reason = ReasonCode::NotAuthorized;
            server.answer(Time::ZERO, token, Answer::Refuse { reason, properties: Properties::default() });
            assert_eq!(sent(&mut server), "e0 01 87");
            assert_eq!(closed(events(&mut server)), Closed::Server(reason));
        }
    }
}

#[test]
fn auth_without_a_method_in_connect_closes() {
    // MQTT-4.12.0-7.
    let mut server = accepted(Config::default(), CONNECT_V5);
    let events = feed(&mut server, Time::ZERO, "f0 06 19 04 15 0001 6d");
    assert_eq!(closed(events), Closed::Violation(Violation::AuthUnexpected));
    assert_eq!(sent(&mut server), "e0 01 82");
}

#[test]
fn a_keep_alive_above_the_bound_is_shortened() {
    // MQTT-3.2.2-21, and 3.1.2.10 of 3.1.1: who is inactive may be disconnected at any time. 10 s stay 10 s, none becomes 60.
    let config = || Config { maximum_keep_alive: 60, ..Config::default() };
    let shortened = Some(Time::ZERO.after(Duration::from_secs(90)));
    for version in ["04", "05"] {
        for (wished, due) in
            [("000a", Some(Time::ZERO.after(Duration::from_secs(15)))), ("0000", shortened), ("ffff", shortened)]
        {
            let properties = if version == "05" { "00" } else { "" };
            let length = if version == "05" { "0e" } else { "0d" };
            let connect = format!("10 {length} 0004 4d515454 {version} 02 {wished} {properties} 0001 61");
            let mut server = server(config());
            let token = asked(&mut server, &connect);
            accept(&mut server, token, false, Box::default());
            assert_eq!(server.poll_timeout(), due, "{version} {wished}");
            let told = version == "05" && wished != "000a";
            assert_eq!(sent(&mut server).ends_with("13 00 3c"), told, "{version} {wished}");
        }
    }
}
