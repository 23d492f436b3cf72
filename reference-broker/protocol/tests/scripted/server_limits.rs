//! Limits, both ways.

use std::{sync::Arc, time::Duration};

use protocol::{
    Delivery, DropCause, Fate, Machine, Properties, Property, QoS, ReasonCode, Tag, Time, Violation,
    server::{Answer, Closed, Config, Event, Server},
};

use crate::{
    events, feed, message, sent,
    server_connect::{CONNECT_V5, CONNECT_V311, accept, accepted, asked, closed, server},
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
    // MQTT-3.3.4-9, MQTT-4.9.0-1, MQTT-4.9.0-2: Receive Maximum 2.
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
    // MQTT-3.2.2-15.
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
    // MQTT-3.3.2-8, MQTT-3.3.2-9, MQTT-3.2.2-17: 0, above the maximum of 64, never set. MQTT-3.2.2-18: none is allowed.
    for (topic_alias_maximum, alias, violation, told) in [
        (64, "0000", Violation::TopicAliasInvalid, "e0 01 94"),
        (64, "0041", Violation::TopicAliasInvalid, "e0 01 94"),
        (64, "0040", Violation::TopicAliasUnknown, "e0 01 82"),
        (0, "0001", Violation::TopicAliasInvalid, "e0 01 94"),
    ] {
        let mut server = accepted(Config { topic_alias_maximum, ..Config::default() }, CONNECT_V5);
        let events = feed(&mut server, Time::ZERO, &format!("30 06 0000 03 23 {alias}"));
        assert_eq!(closed(events), Closed::Violation(violation));
        assert_eq!(sent(&mut server), told);
    }
}

#[test]
fn a_client_that_allows_no_alias_gets_none() {
    // MQTT-3.1.2-27.
    let config = Config { outgoing_topic_alias_maximum: 10, ..Config::default() };
    let mut server = accepted(config, CONNECT_V5);
    for _ in 0..2 {
        server.deliver(Time::ZERO, Delivery::new(Arc::new(message("t", "x")), QoS::AtMostOnce));
    }
    assert_eq!(sent(&mut server), "30 05 00 01 74 00 78 30 05 00 01 74 00 78");
}

#[test]
fn our_aliases_stay_within_the_clients_maximum() {
    // MQTT-3.1.2-26, MQTT-3.3.2-11: Topic Alias Maximum 1.
    let config = Config { outgoing_topic_alias_maximum: 10, ..Config::default() };
    let mut server = accepted(config, "10 11 0004 4d515454 05 02 000a 03 22 0001 0001 61");
    for topic in ["t", "u", "t"] {
        server.deliver(Time::ZERO, Delivery::new(Arc::new(message(topic, "x")), QoS::AtMostOnce));
    }
    assert_eq!(sent(&mut server), "30 08 00 01 74 03 23 00 01 78 30 05 00 01 75 00 78 30 07 00 00 03 23 00 01 78");
}

#[test]
fn an_alias_that_makes_a_packet_too_large_is_left_out() {
    // MQTT-3.1.2-24: Maximum Packet Size 9, Topic Alias Maximum 9. With its alias the first would have 12 bytes.
    let config = Config { outgoing_topic_alias_maximum: 10, ..Config::default() };
    let mut server = accepted(
        Config { maximum_packet_size: protocol::MAXIMUM_PACKET_SIZE, topic_alias_maximum: 0, ..config },
        "10 16 0004 4d515454 05 02 000a 08 22 0009 27 00000009 0001 61",
    );
    let delivery = |qos| Delivery::new(Arc::new(message("t", "x")), qos);
    assert_eq!(server.deliver(Time::ZERO, delivery(QoS::AtLeastOnce)), Fate::Sent);
    assert_eq!(sent(&mut server), "32 07 00 01 74 00 01 00 78");
    // An alias that was never sent stands for nothing.
    assert_eq!(server.deliver(Time::ZERO, delivery(QoS::AtMostOnce)), Fate::Sent);
    assert_eq!(sent(&mut server), "30 05 00 01 74 00 78");
}

#[test]
fn aliases_end_with_their_connection() {
    // MQTT-3.3.2-7, both ways: the Session resumes, the aliases do not.
    let connect = "10 16 0004 4d515454 05 00 000a 08 11 0000003c 22 0009 0001 61";
    let config = Config { outgoing_topic_alias_maximum: 10, ..Config::default() };
    let deliver = |server: &mut Server| {
        server.deliver(Time::ZERO, Delivery::new(Arc::new(message("t", "x")), QoS::AtMostOnce));
        sent(server)
    };
    let mut first = accepted(config.clone(), connect);
    assert_eq!(feed(&mut first, Time::ZERO, "30 07 0001 61 03 23 0001").len(), 1);
    assert_eq!(deliver(&mut first), "30 08 00 01 74 03 23 00 01 78");
    assert_eq!(deliver(&mut first), "30 07 00 00 03 23 00 01 78");
    first.transport_closed(Time::ZERO);

    let mut second = server(config);
    let token = asked(&mut second, connect);
    accept(&mut second, token, true, first.into_session().unwrap());
    sent(&mut second);
    assert_eq!(deliver(&mut second), "30 08 00 01 74 03 23 00 01 78");
    let events = feed(&mut second, Time::ZERO, "30 06 0000 03 23 0001");
    assert_eq!(closed(events), Closed::Violation(Violation::TopicAliasUnknown));
}

#[test]
fn every_alias_up_to_the_announced_maximum_is_taken_and_may_change() {
    // MQTT-3.3.2-12, 3.3.4: 1, 64, and 64 for another topic.
    let mut server = accepted(Config::default(), CONNECT_V5);
    let packets = "30 07 0001 61 03 23 0001 30 07 0001 62 03 23 0040 30 07 0001 63 03 23 0040 30 06 0000 03 23 0040";
    let topics: Vec<_> = feed(&mut server, Time::ZERO, packets)
        .into_iter()
        .map(|event| if let Event::Publish { message, .. } = event { message.topic } else { panic!("{event:?}") })
        .collect();
    assert_eq!(topics.iter().map(protocol::TopicName::as_str).collect::<Vec<_>>(), ["a", "b", "c", "c"]);
}

#[test]
fn a_client_without_quota_left_is_answered_all_the_same() {
    // MQTT-4.9.0-3, MQTT-3.3.4-10: Receive Maximum 1, and one delivery is in flight.
    let mut server = accepted(Config::default(), "10 11 0004 4d515454 05 02 000a 03 21 0001 0001 61");
    for _ in 0..2 {
        server.deliver(Time::ZERO, Delivery::new(Arc::new(message("t", "x")), QoS::AtLeastOnce));
    }
    sent(&mut server);
    for event in feed(&mut server, Time::ZERO, "c0 00 32 06 0001 61 0001 00 82 07 0002 00 0001 61 01") {
        match event {
            Event::Publish { token: Some(token), .. } => answer(&mut server, token, ReasonCode::Success),
            Event::Subscribe { token, .. } => {
                let reasons = vec![ReasonCode::GrantedQos1];
                server.answer(Time::ZERO, token, Answer::Subscribe(reasons, Properties::EMPTY));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(sent(&mut server), "d0 00 40 02 00 01 90 04 00 02 00 01");
}

#[test]
fn a_queue_is_searched_only_when_something_in_it_has_expired() {
    let mut session = protocol::Session::new();
    let message = Arc::new(message("t", "x"));
    for seconds in [None, Some(30), Some(10)] {
        let expires_at = seconds.map(Time::from_secs);
        session.push(Delivery { expires_at, ..Delivery::new(Arc::clone(&message), QoS::AtLeastOnce) });
    }
    assert_eq!(session.purge_expired(Time::from_secs(9)), 0);
    assert_eq!(session.purge_expired(Time::from_secs(10)), 1);
    assert_eq!(session.purge_expired(Time::from_secs(29)), 0);
    assert_eq!(session.purge_expired(Time::from_secs(30)), 1);
    assert_eq!((session.queued(), session.dropped().expired), (1, 2));
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
    let size = size_of::<Server>() + size_of::<protocol::Session>();
    assert!(size <= 768, "{size} bytes");
}

#[test]
fn aliases_for_more_bytes_of_topics_than_are_kept_close() {
    // 4.13.2: Quota exceeded. A topic that takes the place of another is no more than itself.
    let config = Config { topic_alias_bytes: 3, ..Config::default() };
    let mut server = accepted(config, CONNECT_V5);
    feed(&mut server, Time::ZERO, "30 08 0002 6161 03 23 0001 30 08 0002 6262 03 23 0001 30 07 0001 61 03 23 0002");
    assert!(!server.is_closed());
    let events = feed(&mut server, Time::ZERO, "30 07 0001 61 03 23 0003");
    assert_eq!(closed(events), Closed::Violation(Violation::TopicAliasesTooLong));
    assert_eq!(sent(&mut server), "e0 01 97");
}

#[test]
fn topics_beyond_the_bytes_of_aliases_go_out_as_text() {
    let config = Config { outgoing_topic_alias_maximum: 10, topic_alias_bytes: 3, ..Config::default() };
    let mut server = accepted(config, "10 11 0004 4d515454 05 02 000a 03 22 0009 0001 61");
    for topic in ["tt", "uu", "v"] {
        server.deliver(Time::ZERO, Delivery::new(Arc::new(message(topic, "")), QoS::AtMostOnce));
    }
    assert_eq!(sent(&mut server), "30 08 00 02 74 74 03 23 00 01 30 05 00 02 75 75 00 30 07 00 01 76 03 23 00 02");
}

#[test]
fn what_a_stranger_says_before_connack_is_bound_like_its_connect() {
    // AUTH comes before it is known who sends it (MQTT-3.1.2-24 holds from CONNACK on).
    let config = Config { maximum_connect_size: 64, ..Config::default() };
    for accepted in [false, true] {
        let mut server = Server::new(Arc::new(config.clone()), Time::ZERO);
        let connect = "10 14 00044d515454 05 02 0000 06 15 0003 534352 0001 61";
        let Some(Event::Connect { token, .. }) = feed(&mut server, Time::ZERO, connect).pop() else { panic!() };
        server.answer(Time::ZERO, token, Answer::Challenge(Properties::EMPTY));
        sent(&mut server);
        if accepted {
            let auth = "f0 08 18 06 15 0003 534352";
            let Some(Event::Auth { token, .. }) = feed(&mut server, Time::ZERO, auth).pop() else { panic!() };
            accept(&mut server, token, false, Box::default());
            sent(&mut server);
        }
        let events = feed(&mut server, Time::ZERO, "f0 7f 18");
        if accepted {
            assert!(events.is_empty(), "it may go on");
        } else {
            assert_eq!(closed(events), Closed::Violation(Violation::PacketTooLarge));
        }
    }
}
