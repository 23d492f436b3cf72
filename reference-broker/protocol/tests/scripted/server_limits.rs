//! Limits, both ways.

use std::{sync::Arc, time::Duration};

use protocol::{
    Delivery, DropCause, Fate, Machine, Properties, Property, QoS, ReasonCode, Tag, Time, Violation,
    server::{Closed, Config, Event},
};

use crate::{
    events, feed, message, sent,
    server_connect::{CONNECT_V5, CONNECT_V311, accepted, closed},
    server_exchange::answer,
};

#[test]
fn more_than_the_receive_maximum_closes() {
    // MQTT-3.3.4-7: an open QoS 1 answer and an unreleased QoS 2 message both count.
    let mut server = accepted(Config { receive_maximum: 2, ..Config::default() }, CONNECT_V5);
    for event in feed(&mut server, Time::ZERO, "34 06 0001 61 0001 00") {
        let Event::Publish { token: Some(token), .. } = event else { panic!() };
        answer(&mut server, token, ReasonCode::Success);
    }
    assert_eq!(feed(&mut server, Time::ZERO, "32 06 0001 61 0002 00").len(), 1);
    sent(&mut server);
    let events = feed(&mut server, Time::ZERO, "32 06 0001 61 0003 00");
    assert_eq!(closed(events), Closed::Violation(Violation::ReceiveMaximumExceeded));
    assert_eq!(sent(&mut server), "e0 01 93");
}

#[test]
fn pubcomp_gives_receive_maximum_back() {
    let mut server = accepted(Config { receive_maximum: 1, ..Config::default() }, CONNECT_V5);
    for _ in 0..3 {
        for event in feed(&mut server, Time::ZERO, "34 06 0001 61 0001 00") {
            let Event::Publish { token: Some(token), .. } = event else { panic!("{event:?}") };
            answer(&mut server, token, ReasonCode::Success);
        }
        assert!(feed(&mut server, Time::ZERO, "62 02 0001").is_empty());
    }
}

#[test]
fn a_client_of_3_1_1_waits_instead() {
    let mut server = accepted(Config { receive_maximum: 2, ..Config::default() }, CONNECT_V311);
    let publish = "32 05 0001 61 0001";
    let first = feed(&mut server, Time::ZERO, &format!("{publish} {publish} {publish}"));
    assert_eq!(first.len(), 2);
    assert!(!server.wants_read());
    for event in first {
        let Event::Publish { token: Some(token), .. } = event else { panic!() };
        answer(&mut server, token, ReasonCode::Success);
    }
    assert!(server.wants_read());
    assert_eq!(events(&mut server).len(), 1);
}

#[test]
fn open_subscribe_questions_pause_decoding() {
    let mut server = accepted(Config::default(), CONNECT_V311);
    let subscribe = "82 06 0001 0001 61 00 ".repeat(40);
    assert_eq!(feed(&mut server, Time::ZERO, &subscribe).len(), 16);
    assert!(!server.wants_read());
    // The silence is ours while they wait unread.
    let deadline = server.poll_timeout().unwrap();
    server.handle_timeout(deadline);
    assert!(!server.is_closed());
}

#[test]
fn deliveries_beyond_the_clients_receive_maximum_wait() {
    // MQTT-3.3.4-9: Receive Maximum 2.
    let mut server = accepted(Config::default(), "10 11 0004 4d515454 05 02 000a 03 21 0002 0001 61");
    let message = Arc::new(message("t", "x"));
    let fates: Vec<Fate> =
        (0..4).map(|_| server.deliver(Time::ZERO, Delivery::new(Arc::clone(&message), QoS::AtLeastOnce))).collect();
    assert_eq!(fates, [Fate::Sent, Fate::Sent, Fate::Queued, Fate::Queued]);
    assert_eq!(server.session().unwrap().queued_bytes(), 4);
    sent(&mut server);
    // QoS 0 passes by (MQTT-3.3.4-10).
    assert_eq!(server.deliver(Time::ZERO, Delivery::new(message, QoS::AtMostOnce)), Fate::Sent);
    assert_eq!(sent(&mut server), "30 05 00 01 74 00 78");
    feed(&mut server, Time::ZERO, "40 02 0001");
    assert_eq!(sent(&mut server), "32 07 00 01 74 00 03 00 78");
    assert_eq!(server.session().unwrap().queued(), 1);
}

#[test]
fn a_failed_pubrec_gives_quota_back() {
    // MQTT-4.4.0-2, 4.9: Receive Maximum 1.
    let mut server = accepted(Config::default(), "10 11 0004 4d515454 05 02 000a 03 21 0001 0001 61");
    let message = Arc::new(message("t", "x"));
    for tag in 0..2 {
        let delivery = Delivery { tag: Some(Tag(tag)), ..Delivery::new(Arc::clone(&message), QoS::ExactlyOnce) };
        server.deliver(Time::ZERO, delivery);
    }
    sent(&mut server);
    let event = feed(&mut server, Time::ZERO, "50 03 0001 97").pop();
    assert!(matches!(event, Some(Event::Delivered { tag: Tag(0), reason: ReasonCode::QuotaExceeded })), "{event:?}");
    assert_eq!(sent(&mut server), "34 07 00 01 74 00 02 00 78");
}

#[test]
fn what_is_too_large_for_the_client_counts_as_delivered() {
    // MQTT-3.1.2-24, MQTT-3.1.2-25: Maximum Packet Size 9.
    let mut server = accepted(
        Config { maximum_packet_size: protocol::MAXIMUM_PACKET_SIZE, topic_alias_maximum: 0, ..Config::default() },
        "10 13 0004 4d515454 05 02 000a 05 27 00000009 0001 61",
    );
    let large = Delivery { tag: Some(Tag(1)), ..Delivery::new(Arc::new(message("t", "xy")), QoS::AtLeastOnce) };
    assert_eq!(server.deliver(Time::ZERO, large), Fate::Dropped(DropCause::TooLarge));
    let event = server.poll_event();
    assert!(matches!(event, Some(Event::Dropped { tag: Tag(1), cause: DropCause::TooLarge })), "{event:?}");
    let fits = Delivery::new(Arc::new(message("t", "x")), QoS::AtLeastOnce);
    assert_eq!(server.deliver(Time::ZERO, fits), Fate::Sent);
    assert_eq!(server.session().unwrap().dropped().too_large, 1);
    assert_eq!(server.session().unwrap().in_flight(), 1);
}

#[test]
fn what_is_too_large_for_the_server_closes() {
    let mut server = accepted(Config { maximum_packet_size: 32, ..Config::default() }, CONNECT_V5);
    let events = feed(&mut server, Time::ZERO, "30 1f");
    assert_eq!(closed(events), Closed::Violation(Violation::PacketTooLarge));
    assert_eq!(sent(&mut server), "e0 01 95");
}

#[test]
fn aliases_of_the_client_stand_for_their_topics() {
    let mut server = accepted(Config::default(), CONNECT_V5);
    let events = feed(&mut server, Time::ZERO, "30 07 0001 61 03 23 0001 30 06 0000 03 23 0001");
    for event in &events {
        let Event::Publish { message, .. } = event else { panic!("{event:?}") };
        assert_eq!(message.topic.as_str(), "a");
        assert!(message.properties.is_empty());
    }
    assert_eq!(events.len(), 2);
}

#[test]
fn wrong_aliases_close() {
    // MQTT-3.3.2-8, MQTT-3.3.2-9: 0, above the maximum of 64, never set.
    for (alias, violation, told) in [
        ("0000", Violation::TopicAliasInvalid, "e0 01 94"),
        ("0041", Violation::TopicAliasInvalid, "e0 01 94"),
        ("0040", Violation::TopicAliasUnknown, "e0 01 82"),
    ] {
        let mut server = accepted(Config::default(), CONNECT_V5);
        let events = feed(&mut server, Time::ZERO, &format!("30 06 0000 03 23 {alias}"));
        assert_eq!(closed(events), Closed::Violation(violation));
        assert_eq!(sent(&mut server), told);
    }
}

#[test]
fn our_aliases_stay_within_the_clients_maximum() {
    // MQTT-3.1.2-26: Topic Alias Maximum 1.
    let config = Config { outgoing_topic_alias_maximum: 10, ..Config::default() };
    let mut server = accepted(config, "10 11 0004 4d515454 05 02 000a 03 22 0001 0001 61");
    for topic in ["t", "u", "t"] {
        server.deliver(Time::ZERO, Delivery::new(Arc::new(message(topic, "x")), QoS::AtMostOnce));
    }
    assert_eq!(sent(&mut server), "30 08 00 01 74 03 23 00 01 78 30 05 00 01 75 00 78 30 07 00 00 03 23 00 01 78");
}

#[test]
fn expiry_counts_down_and_drops() {
    // MQTT-3.3.2-5, MQTT-3.3.2-6. Receive Maximum 1 holds the second and third back.
    let mut server = accepted(Config::default(), "10 11 0004 4d515454 05 02 000a 03 21 0001 0001 61");
    let mut expiring = message("t", "x");
    expiring.properties = [Property::MessageExpiryInterval(60)].into_iter().collect::<Properties>();
    let expiring = Arc::new(expiring);
    for seconds in [60, 5, 60] {
        let expires_at = Some(Time::from_secs(seconds));
        server.deliver(Time::ZERO, Delivery { expires_at, ..Delivery::new(Arc::clone(&expiring), QoS::AtLeastOnce) });
    }
    assert_eq!(sent(&mut server), "32 0c 00 01 74 00 01 05 02 00 00 00 3c 78");
    let later = Time::ZERO.after(Duration::from_millis(10_500));
    feed(&mut server, later, "40 02 0001");
    // The second is gone; of the third 49.5 s are left. Ids are not reused at once, so its id is 3.
    assert_eq!(sent(&mut server), "32 0c 00 01 74 00 03 05 02 00 00 00 32 78");
    assert_eq!(server.session().unwrap().dropped().expired, 1);
}

#[test]
fn what_the_configuration_does_not_offer_closes() {
    let config = Config {
        maximum_qos: QoS::AtLeastOnce,
        retain_available: false,
        wildcard_available: false,
        subscription_ids_available: false,
        shared_available: false,
        ..Config::default()
    };
    for (packet, violation, told) in [
        ("34 06 0001 61 0001 00", Violation::QosAboveMaximum, "e0 01 9b"),
        ("31 04 0001 61 00", Violation::RetainUnavailable, "e0 01 9a"),
        ("82 07 0001 00 0001 23 00", Violation::WildcardUnavailable, "e0 01 a2"),
        ("82 09 0001 02 0b 01 0001 61 00", Violation::SubscriptionIdentifierUnavailable, "e0 01 a1"),
        ("82 10 0001 00 000a 2473 6861 7265 2f67 2f61 00", Violation::SharedUnavailable, "e0 01 9e"),
    ] {
        let mut server = accepted(config.clone(), CONNECT_V5);
        assert_eq!(closed(feed(&mut server, Time::ZERO, packet)), Closed::Violation(violation));
        assert_eq!(sent(&mut server), told);
    }
}

#[test]
fn no_local_on_a_shared_subscription_closes() {
    // MQTT-3.8.3-4.
    let mut server = accepted(Config::default(), CONNECT_V5);
    let events = feed(&mut server, Time::ZERO, "82 10 0001 00 000a 2473 6861 7265 2f67 2f61 04");
    assert_eq!(closed(events), Closed::Violation(Violation::NoLocalOnShared));
    assert_eq!(sent(&mut server), "e0 01 82");
}

#[test]
fn an_idle_machine_is_small() {
    let size = size_of::<protocol::server::Server>() + size_of::<protocol::Session>();
    assert!(size <= 768, "{size} bytes");
}
