//! Publications and requests of a client.

use protocol::{
    Connect, Delivery, DropCause, Machine, Properties, Property, QoS, ReasonCode, SubscribeFilter, SubscriptionOptions,
    Tag, Time, TopicFilter, Version, Violation,
    client::{Answer, Client, Closed, Config, Event},
};

use crate::{
    client::{client, closed, connect, connected},
    events, feed, message, sent,
};

fn filter(text: &str) -> SubscribeFilter {
    SubscribeFilter { filter: TopicFilter::new(text).unwrap(), options: SubscriptionOptions::default() }
}

#[test]
fn what_is_asked_before_connack_leaves_after_it() {
    let mut client = client(connect(Version::V311));
    client.publish(Time::ZERO, Delivery::new(message("t", "x").into(), QoS::AtLeastOnce));
    client.subscribe(Time::ZERO, vec![filter("f")], Properties::default(), Tag(1));
    sent(&mut client);
    feed(&mut client, Time::ZERO, "20 02 00 00");
    // MQTT-2.3.1-2 in 3.1.1: two ids.
    assert_eq!(sent(&mut client), "82 06 00 01 00 01 66 00 32 06 00 01 74 00 02 78");
}

#[test]
fn requests_end_with_one_reason_per_filter() {
    let mut client = connected(connect(Version::V311), "20 02 00 00");
    client.subscribe(Time::ZERO, vec![filter("f"), filter("g")], Properties::default(), Tag(1));
    client.unsubscribe(Time::ZERO, vec![TopicFilter::new("f").unwrap()], Properties::default(), Tag(2));
    sent(&mut client);
    let events = feed(&mut client, Time::ZERO, "b0 02 0002 90 04 0001 00 80");
    assert!(
        matches!(&events[..], [
            Event::Unsubscribed { tag: Tag(2), reasons: unsubscribed },
            Event::Subscribed { tag: Tag(1), reasons: subscribed },
        ] if unsubscribed[..] == [ReasonCode::Success]
            && subscribed[..] == [ReasonCode::Success, ReasonCode::UnspecifiedError]),
        "{events:?}"
    );
}

#[test]
fn wrong_acknowledgements_of_requests_close() {
    // MQTT-3.8.4-5 in 3.1.1; an id that nobody used; UNSUBACK for a SUBSCRIBE.
    for (packet, violation) in [
        ("90 04 0001 00 00", Violation::ReasonCountMismatch),
        ("90 03 0002 00", Violation::AcknowledgementUnexpected),
        ("b0 02 0001", Violation::AcknowledgementUnexpected),
    ] {
        let mut client = connected(connect(Version::V311), "20 02 00 00");
        client.subscribe(Time::ZERO, vec![filter("f")], Properties::default(), Tag(1));
        assert_eq!(closed(feed(&mut client, Time::ZERO, packet)), Closed::Violation(violation));
    }
}

#[test]
fn acknowledgements_follow_the_order_of_the_publishes() {
    // MQTT-4.6.0-2, MQTT-4.6.0-3.
    let mut client = connected(connect(Version::V311), "20 02 00 00");
    let arrived = feed(&mut client, Time::ZERO, "34 05 0001 61 0009 32 05 0001 61 0007 34 05 0001 61 0003");
    let tokens: Vec<_> = arrived
        .into_iter()
        .map(|event| if let Event::Message { token: Some(token), .. } = event { token } else { panic!() })
        .collect();
    for token in tokens.into_iter().rev() {
        client.answer(Time::ZERO, token, Answer::Publish(ReasonCode::Success, Properties::default()));
    }
    assert_eq!(sent(&mut client), "40 02 00 07 50 02 00 09 50 02 00 03");
}

#[test]
fn pubrels_follow_the_order_of_the_pubrecs() {
    // MQTT-4.6.0-4, also when the Session resumes.
    let connect = Connect { clean_start: false, ..connect(Version::V311) };
    let mut first = connected(connect.clone(), "20 02 00 00");
    for _ in 0..3 {
        first.publish(Time::ZERO, Delivery::new(message("t", "x").into(), QoS::ExactlyOnce));
    }
    sent(&mut first);
    feed(&mut first, Time::ZERO, "50 02 0003 50 02 0001");
    assert_eq!(sent(&mut first), "62 02 00 03 62 02 00 01");

    let mut second = Client::new(Config::new(connect), first.into_session(), Time::ZERO);
    sent(&mut second);
    feed(&mut second, Time::ZERO, "20 02 01 00");
    assert_eq!(sent(&mut second), "3c 06 00 01 74 00 02 78 62 02 00 03 62 02 00 01");
}

#[test]
fn a_lost_session_is_not_resent() {
    // MQTT-3.2.2-5.
    let connect = Connect { clean_start: false, ..connect(Version::V311) };
    let mut first = connected(connect.clone(), "20 02 00 00");
    let tagged = Delivery { tag: Some(Tag(4)), ..Delivery::new(message("t", "x").into(), QoS::AtLeastOnce) };
    first.publish(Time::ZERO, tagged);

    let mut second = Client::new(Config::new(connect), first.into_session(), Time::ZERO);
    sent(&mut second);
    let events = feed(&mut second, Time::ZERO, "20 02 00 00");
    let lost = |event: &Event| matches!(event, Event::Dropped { tag: Tag(4), cause: DropCause::SessionLost });
    assert!(events.iter().any(lost), "{events:?}");
    assert_eq!(sent(&mut second), "");
    assert_eq!(second.session().in_flight(), 0);
}

#[test]
fn aliases_are_used_when_wanted_and_allowed() {
    // MQTT-3.2.2-17: Topic Alias Maximum 1.
    let config = Config { use_topic_aliases: true, ..Config::new(connect(Version::V5)) };
    let mut client = Client::new(config, Box::default(), Time::ZERO);
    sent(&mut client);
    feed(&mut client, Time::ZERO, "20 06 00 00 03 22 0001");
    for topic in ["t", "t", "u"] {
        client.publish(Time::ZERO, Delivery::new(message(topic, "x").into(), QoS::AtMostOnce));
    }
    assert_eq!(sent(&mut client), "30 08 00 01 74 03 23 00 01 78 30 07 00 00 03 23 00 01 78 30 05 00 01 75 00 78");
}

#[test]
fn the_limits_that_connect_announced_are_enforced() {
    let properties =
        [Property::ReceiveMaximum(1), Property::TopicAliasMaximum(1), Property::MaximumPacketSize(20)].into_iter();
    let connect = Connect { properties: properties.collect(), ..connect(Version::V5) };
    for (packets, violation, told) in [
        // MQTT-3.3.4-9.
        ("32 06 0001 61 0001 00 32 06 0001 61 0002 00", Violation::ReceiveMaximumExceeded, "e0 01 93"),
        // MQTT-3.3.2-11.
        ("30 07 0001 61 03 23 0002", Violation::TopicAliasInvalid, "e0 01 94"),
        // MQTT-3.1.2-24.
        ("30 13", Violation::PacketTooLarge, "e0 01 95"),
    ] {
        let mut client = connected(connect.clone(), "20 03 00 00 00");
        assert_eq!(closed(feed(&mut client, Time::ZERO, packets)), Closed::Violation(violation));
        assert_eq!(sent(&mut client), told);
    }
}

#[test]
fn declined_problem_information_closes() {
    // MQTT-3.1.2-29: PUBACK with a Reason String.
    let properties = [Property::RequestProblemInformation(false)].into_iter().collect();
    let mut client = connected(Connect { properties, ..connect(Version::V5) }, "20 03 00 00 00");
    client.publish(Time::ZERO, Delivery::new(message("t", "x").into(), QoS::AtLeastOnce));
    let events = feed(&mut client, Time::ZERO, "40 08 0001 97 04 1f 0001 78");
    assert_eq!(closed(events), Closed::Violation(Violation::ProblemInformationUnwanted));
}

#[test]
fn a_request_too_large_for_the_server_fails_at_once() {
    // MQTT-3.2.2-15: Maximum Packet Size 8.
    let mut client = connected(connect(Version::V5), "20 08 00 00 05 27 00000008");
    client.subscribe(Time::ZERO, vec![filter("f")], Properties::default(), Tag(1));
    let event = events(&mut client).pop();
    assert!(
        matches!(&event, Some(Event::Subscribed { tag: Tag(1), reasons }) if reasons[..] == [ReasonCode::PacketTooLarge])
    );
    assert_eq!(sent(&mut client), "");
}

#[test]
fn a_client_without_quota_left_sends_everything_else() {
    // MQTT-3.3.4-7, MQTT-3.3.4-8, MQTT-4.9.0-2, MQTT-4.9.0-3: Receive Maximum 1.
    let mut client = connected(connect(Version::V5), "20 06 00 00 03 21 0001");
    for qos in [QoS::AtLeastOnce, QoS::ExactlyOnce, QoS::AtMostOnce] {
        client.publish(Time::ZERO, Delivery::new(message("t", "x").into(), qos));
    }
    assert_eq!(sent(&mut client), "32 07 00 01 74 00 01 00 78 30 05 00 01 74 00 78");
    client.subscribe(Time::ZERO, vec![filter("f")], Properties::default(), Tag(1));
    let event = feed(&mut client, Time::ZERO, "32 06 0001 61 0007 00").pop();
    let Some(Event::Message { token: Some(token), .. }) = event else { panic!("{event:?}") };
    client.answer(Time::ZERO, token, Answer::Publish(ReasonCode::Success, Properties::default()));
    // MQTT-4.5.0-2.
    assert_eq!(sent(&mut client), "82 07 00 02 00 00 01 66 00 40 02 00 07");
    // MQTT-2.2.1-5, and the quota returns with PUBACK.
    feed(&mut client, Time::ZERO, "40 02 0001");
    assert_eq!(sent(&mut client), "34 07 00 01 74 00 03 00 78");
}
