//! CONNECT, CONNACK, keep alive, authentication and the close of a client.

use bytes::Bytes;
use protocol::{
    Connect, Disconnect, DropCause, Machine, Message, Properties, Property, QoS, ReasonCode, Time, Utf8String, Version,
    Violation, Will,
    client::{Answer, Client, Closed, Config, Event},
};

use crate::{events, feed, message, sent};

pub(crate) fn connect(version: Version) -> Connect {
    Connect {
        version,
        clean_start: true,
        keep_alive: 10,
        client_id: Utf8String::new("a").unwrap(),
        will: None,
        user_name: None,
        password: None,
        properties: Properties::default(),
    }
}

pub(crate) fn client(connect: Connect) -> Client {
    Client::new(Config::new(connect), Box::default(), Time::ZERO)
}

/// A client whose CONNECT was answered by `connack`.
pub(crate) fn connected(connect: Connect, connack: &str) -> Client {
    let mut client = client(connect);
    sent(&mut client);
    let event = feed(&mut client, Time::ZERO, connack).pop();
    assert!(matches!(event, Some(Event::Connected(_))), "{event:?}");
    client
}

pub(crate) fn closed(events: Vec<Event>) -> Closed {
    match events.into_iter().last() {
        Some(Event::Closed(closed)) => closed,
        other => panic!("{other:?}"),
    }
}

#[test]
fn connect_is_the_first_packet() {
    // MQTT-3.1.0-1, MQTT-3.1.3-1.
    let will = Will { message: message("w", "x"), qos: QoS::AtLeastOnce, retain: true };
    let connect = Connect {
        will: Some(Box::new(will)),
        user_name: Some(Utf8String::new("u").unwrap()),
        password: Some(Bytes::from_static(b"p")),
        ..connect(Version::V311)
    };
    assert_eq!(
        sent(&mut client(connect)),
        "10 19 00 04 4d 51 54 54 04 ee 00 0a 00 01 61 00 01 77 00 01 78 00 01 75 00 01 70"
    );
}

#[test]
fn an_idle_client_pings_and_gives_up_without_an_answer() {
    // MQTT-3.1.2-20 (MQTT-3.1.2-23 in 3.1.1).
    let mut client = connected(connect(Version::V311), "20 02 00 00");
    assert_eq!(client.poll_timeout(), Some(Time::from_secs(10)));
    client.handle_timeout(Time::from_millis(9_999));
    assert_eq!(sent(&mut client), "");
    client.handle_timeout(Time::from_secs(10));
    assert_eq!(sent(&mut client), "c0 00");
    feed(&mut client, Time::from_secs(11), "d0 00");
    assert_eq!(client.poll_timeout(), Some(Time::from_secs(20)));
    client.handle_timeout(Time::from_secs(20));
    assert_eq!(sent(&mut client), "c0 00");
    client.handle_timeout(Time::from_secs(30));
    assert_eq!(closed(events(&mut client)), Closed::PingTimeout);
}

#[test]
fn server_keep_alive_replaces_the_clients() {
    // MQTT-3.1.2-21, MQTT-3.2.2-21.
    let client = connected(connect(Version::V5), "20 06 00 00 03 13 0003");
    assert_eq!(client.poll_timeout(), Some(Time::from_secs(3)));
}

#[test]
fn keep_alive_counts_from_connect_however_late_connack_comes() {
    // MQTT-3.1.2-20 (MQTT-3.1.2-23 in 3.1.1).
    let mut client = client(connect(Version::V311));
    sent(&mut client);
    feed(&mut client, Time::from_secs(9), "20 02 00 00");
    assert_eq!(client.poll_timeout(), Some(Time::from_secs(10)));
}

#[test]
fn what_was_received_before_the_transport_ended_is_heard() {
    // A QoS 1 message, and why the server went.
    let properties = [Property::ReceiveMaximum(1)].into_iter().collect();
    let mut client = connected(Connect { properties, ..connect(Version::V5) }, "20 03 00 00 00");
    client.receive(Time::ZERO, Bytes::from(crate::hex("32 06 0001 61 0001 00 e0 01 8b")));
    client.transport_closed(Time::ZERO);
    let mut heard = events(&mut client);
    assert!(matches!(heard.pop(), Some(Event::Closed(Closed::Server(_)))));
    assert!(matches!(heard.pop(), Some(Event::Message { .. })));
    // A refusal that came just before the end.
    let mut client = self::client(connect(Version::V311));
    client.receive(Time::ZERO, Bytes::from(crate::hex("20 02 00 05")));
    client.transport_closed(Time::ZERO);
    assert_eq!(closed(events(&mut client)), Closed::Refused(ReasonCode::NotAuthorized));
}

#[test]
fn no_connack_in_time_closes() {
    let mut client = client(connect(Version::V5));
    client.handle_timeout(Time::from_secs(10));
    assert_eq!(closed(events(&mut client)), Closed::ConnackTimeout);
}

#[test]
fn a_refusal_is_reported_and_closes() {
    let mut client = client(connect(Version::V311));
    let mut events = feed(&mut client, Time::ZERO, "20 02 00 05").into_iter();
    assert!(matches!(events.next(), Some(Event::Refused(connack)) if connack.reason == ReasonCode::NotAuthorized));
    assert!(matches!(events.next(), Some(Event::Closed(Closed::Refused(ReasonCode::NotAuthorized)))));
}

#[test]
fn a_wrong_connack_closes() {
    for (version, connack, violation) in [
        // MQTT-3.2.2-1 in 3.1.1, MQTT-3.2.2-4: Session Present after Clean Start.
        (Version::V311, "20 02 01 00", Violation::SessionPresentUnexpected),
        (Version::V5, "20 03 01 00 00", Violation::SessionPresentUnexpected),
        // MQTT-3.2.2-6.
        (Version::V5, "20 03 01 87 00", Violation::SessionPresentOnRefusal),
        // 3.2.2.3.7.
        (Version::V5, "20 07 00 00 04 12 0001 62", Violation::AssignedClientIdentifierUnwanted),
        // MQTT-3.1.2-28.
        (Version::V5, "20 07 00 00 04 1a 0001 62", Violation::ResponseInformationUnwanted),
        // MQTT-4.12.0-6.
        (Version::V5, "20 07 00 00 04 15 0001 6d", Violation::AuthenticationMethodChanged),
        // MQTT-3.2.0-1.
        (Version::V5, "d0 00", Violation::PacketBeforeConnAck),
    ] {
        let mut client = client(connect(version));
        sent(&mut client);
        assert_eq!(closed(feed(&mut client, Time::ZERO, connack)), Closed::Violation(violation));
        assert_eq!(sent(&mut client), if version == Version::V5 { "e0 01 82" } else { "" });
    }
}

#[test]
fn a_second_connack_closes() {
    // MQTT-3.2.0-2.
    let mut client = connected(connect(Version::V5), "20 03 00 00 00");
    let events = feed(&mut client, Time::ZERO, "20 03 00 00 00");
    assert_eq!(closed(events), Closed::Violation(Violation::ConnAckRepeated));
}

#[test]
fn disconnect_is_the_last_packet() {
    // MQTT-3.14.4-1 (MQTT-3.14.4-2 in 3.1.1).
    let mut client = connected(connect(Version::V5), "20 03 00 00 00");
    let reason = ReasonCode::DisconnectWithWillMessage;
    client.disconnect(Time::ZERO, Disconnect { reason, properties: Properties::default() });
    client.publish(Time::ZERO, protocol::Delivery::new(message("t", "x").into(), QoS::AtMostOnce));
    assert_eq!(sent(&mut client), "e0 01 04");
    assert_eq!(closed(events(&mut client)), Closed::Client);
}

#[test]
fn a_disconnect_of_the_server_is_reported() {
    let mut client = connected(connect(Version::V5), "20 03 00 00 00");
    let closed = closed(feed(&mut client, Time::ZERO, "e0 01 8b"));
    assert!(matches!(closed, Closed::Server(disconnect) if disconnect.reason == ReasonCode::ServerShuttingDown));
}

#[test]
fn a_connect_that_cannot_be_encoded_closes() {
    let password = Some(Bytes::from(vec![0; 70_000]));
    let mut client =
        client(Connect { user_name: Some(Utf8String::new("u").unwrap()), password, ..connect(Version::V5) });
    assert!(matches!(closed(events(&mut client)), Closed::Unsendable(_)));
    assert_eq!(sent(&mut client), "");
}

#[test]
fn authentication_answers_with_the_same_method() {
    // MQTT-4.12.0-3, MQTT-4.12.0-5.
    let method = Property::AuthenticationMethod(Utf8String::new("m").unwrap());
    let connect = Connect { properties: [method].into_iter().collect(), ..connect(Version::V5) };
    let mut client = client(connect);
    sent(&mut client);
    let event = feed(&mut client, Time::ZERO, "f0 06 18 04 15 0001 6d").pop();
    let Some(Event::Auth { token, .. }) = event else { panic!("{event:?}") };
    let data = Property::AuthenticationData(Bytes::from_static(b"!"));
    client.answer(Time::ZERO, token, Answer::Auth([data].into_iter().collect()));
    assert_eq!(sent(&mut client), "f0 0a 18 08 16 00 01 21 15 00 01 6d");
    feed(&mut client, Time::ZERO, "20 07 00 00 04 15 0001 6d");
    client.reauthenticate(Time::ZERO, Properties::default());
    assert_eq!(sent(&mut client), "f0 06 19 04 15 00 01 6d");
    let event = feed(&mut client, Time::ZERO, "f0 06 00 04 15 0001 6d").pop();
    assert!(matches!(event, Some(Event::Authenticated(_))), "{event:?}");
    // Nobody asked.
    let events = feed(&mut client, Time::ZERO, "f0 06 18 04 15 0001 6d");
    assert_eq!(closed(events), Closed::Violation(Violation::AuthUnexpected));
}

#[test]
fn a_client_does_not_publish_what_the_server_does_not_offer() {
    // MQTT-3.2.2-11, MQTT-3.2.2-14: Maximum QoS 0, Retain Available 0; known only after the publications were queued.
    let mut client = client(connect(Version::V5));
    let plain: std::sync::Arc<Message> = message("t", "x").into();
    for (qos, retain) in [(QoS::AtLeastOnce, false), (QoS::AtMostOnce, true), (QoS::AtMostOnce, false)] {
        let tag = Some(protocol::Tag(1));
        client.publish(Time::ZERO, protocol::Delivery { retain, tag, ..protocol::Delivery::new(plain.clone(), qos) });
    }
    sent(&mut client);
    let events = feed(&mut client, Time::ZERO, "20 07 00 00 04 24 00 25 00");
    let dropped = |event: &&Event| matches!(event, Event::Dropped { cause: DropCause::NotOffered, .. });
    assert_eq!(events.iter().filter(dropped).count(), 2);
    assert_eq!(sent(&mut client), "30 05 00 01 74 00 78");
}
