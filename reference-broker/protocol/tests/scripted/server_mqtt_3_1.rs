//! Clients of MQTT 3.1 (`MQIsdp`, level 3), who are older than the rules of 3.1.1.

use protocol::{
    Machine, Properties, QoS, ReasonCode, Time, Version, Violation,
    server::{Answer, Closed, Config, Event, Server},
};

use crate::{
    events, feed, sent,
    server_connect::{accept, accepted, asked, closed, server},
};

/// Clean session, keep alive 10 s, client "a".
const CONNECT: &str = "10 0f 0006 4d5149736470 03 02 000a 0001 61";

fn subscribed(server: &mut Server, packet: &str, reasons: Vec<ReasonCode>) -> String {
    let event = feed(server, Time::ZERO, packet).pop();
    let Some(Event::Subscribe { token, .. }) = event else { panic!("{event:?}") };
    server.answer(Time::ZERO, token, Answer::Subscribe(reasons, Properties::EMPTY));
    sent(server)
}

#[test]
fn mqtt_3_1_is_accepted_or_refused_by_configuration() {
    let mut server = accepted(Config::default(), CONNECT);
    assert_eq!((server.version(), server.speaks_mqtt_3_1()), (Some(Version::V311), true));
    feed(&mut server, Time::ZERO, "c0 00");
    assert_eq!(sent(&mut server), "d0 00");
    assert_eq!(server.poll_timeout(), Some(Time::from_secs(15)));
    // MQTT-3.1.2-2 in both: return code 1.
    let mut server = self::server(Config { mqtt_3_1: false, ..Config::default() });
    let events = feed(&mut server, Time::ZERO, CONNECT);
    assert_eq!(closed(events), Closed::Violation(Violation::ProtocolVersionUnsupported));
    assert_eq!(sent(&mut server), "20 02 00 01");
}

#[test]
fn only_the_name_and_the_level_together_are_mqtt_3_1() {
    for (connect, told) in [
        ("10 0f 0006 4d5149736470 04 02 000a 0001 61", ""),
        ("10 0f 0006 4d5149736470 83 02 000a 0001 61", ""),
        ("10 0d 0004 4d515454 03 02 000a 0001 61", "20 02 00 01"),
    ] {
        let mut server = server(Config::default());
        assert!(matches!(closed(feed(&mut server, Time::ZERO, connect)), Closed::Violation(_)));
        assert_eq!(sent(&mut server), told);
        assert!(!server.speaks_mqtt_3_1());
    }
}

#[test]
fn connack_of_mqtt_3_1_has_no_session_present() {
    let mut server = server(Config::default());
    let token = asked(&mut server, "10 0f 0006 4d5149736470 03 00 000a 0001 61");
    accept(&mut server, token, true, Box::default());
    assert_eq!(sent(&mut server), "20 02 00 00");
}

#[test]
fn a_client_identifier_of_mqtt_3_1_may_be_long_and_not_empty() {
    let mut server = server(Config::default());
    asked(&mut server, &format!("10 2c 0006 4d5149736470 03 02 000a 001e {}", "61".repeat(30)));
    let mut server = self::server(Config::default());
    let events = feed(&mut server, Time::ZERO, "10 0e 0006 4d5149736470 03 02 000a 0000");
    assert_eq!(closed(events), Closed::Violation(Violation::ClientIdentifierMissing));
    assert_eq!(sent(&mut server), "20 02 00 02");
}

#[test]
fn suback_of_mqtt_3_1_is_positive() {
    let mut server = accepted(Config { wildcard_available: false, ..Config::default() }, CONNECT);
    let reasons = vec![ReasonCode::NotAuthorized, ReasonCode::GrantedQos1];
    assert_eq!(subscribed(&mut server, "82 0a 0007 0001 61 02 0001 62 01", reasons), "90 04 00 07 00 01");
    // Not offered, and nothing is left to ask.
    assert!(feed(&mut server, Time::ZERO, "82 06 0008 0001 23 01").is_empty());
    assert_eq!(sent(&mut server), "90 03 00 08 00");
}

#[test]
fn rules_that_3_1_1_added_do_not_bind_mqtt_3_1() {
    // SUBSCRIBE, PUBREL and UNSUBSCRIBE may be repeated with DUP; unused bits count for nothing; DUP at QoS 0 neither.
    let mut server = accepted(Config::default(), CONNECT);
    assert_eq!(subscribed(&mut server, "8a 06 0007 0001 61 00", vec![ReasonCode::Success]), "90 03 00 07 00");
    assert_eq!(feed(&mut server, Time::ZERO, "aa 05 0008 0001 61").len(), 1);
    feed(&mut server, Time::ZERO, "6a 02 0009 c1 00");
    assert_eq!(sent(&mut server), "70 02 00 09 d0 00");
    let event = feed(&mut server, Time::ZERO, "38 03 0001 61").pop();
    assert!(matches!(event, Some(Event::Publish { qos: QoS::AtMostOnce, dup: false, .. })), "{event:?}");
    let event = feed(&mut server, Time::ZERO, "3a 05 0001 61 0001").pop();
    assert!(matches!(event, Some(Event::Publish { qos: QoS::AtLeastOnce, dup: true, .. })), "{event:?}");
    // Will QoS and Will Retain without a Will; the reserved bit; a User Name that is announced and missing.
    for flags in ["3b", "03", "82"] {
        let mut server = self::server(Config::default());
        let token = asked(&mut server, &format!("10 0f 0006 4d5149736470 03 {flags} 000a 0001 61"));
        accept(&mut server, token, false, Box::default());
        assert_eq!(sent(&mut server), "20 02 00 00");
    }
}

#[test]
fn what_is_malformed_in_mqtt_3_1_too_closes() {
    // QoS 3; a wildcard in a Topic Name; a password without a User Name.
    for packet in ["36 05 0001 61 0001", "30 03 0001 23"] {
        let mut server = accepted(Config::default(), CONNECT);
        assert!(matches!(closed(feed(&mut server, Time::ZERO, packet)), Closed::Violation(_)));
        assert_eq!(sent(&mut server), "");
    }
    let mut server = server(Config::default());
    let events = feed(&mut server, Time::ZERO, "10 12 0006 4d5149736470 03 42 000a 0001 61 0001 62");
    assert_eq!(closed(events), Closed::Violation(Violation::PasswordWithoutUserName));
    assert!(self::events(&mut server).is_empty());
}
