//! Publications and requests on an accepted connection.

use std::sync::Arc;

use protocol::{
    Delivery, Fate, Machine, Properties, Property, QoS, ReasonCode, Session, Tag, Time, Token, Utf8String, Violation,
    server::{Answer, Closed, Config, Event, Server},
};

use crate::{
    events, feed, message, sent,
    server_connect::{CONNECT_V5, CONNECT_V311, accept, accepted, asked, closed, server},
};

fn tokens(events: Vec<Event>) -> Vec<Token> {
    let token = |event| match event {
        Event::Publish { token, .. } => token,
        other => panic!("{other:?}"),
    };
    events.into_iter().filter_map(token).collect()
}

pub(crate) fn answer(server: &mut Server, token: Token, reason: ReasonCode) {
    server.answer(Time::ZERO, token, Answer::Publish(reason, Properties::default()));
}

#[test]
fn pubacks_leave_in_the_order_of_the_publishes() {
    // MQTT-4.6.0-2, MQTT-3.3.4-1 in both; MQTT-4.3.2-4, MQTT-2.2.1-5 (MQTT-4.3.2-2, MQTT-2.3.1-6 in 3.1.1). QoS 1, ids 7,
    // 3, 9, answered last first.
    for (connect, head, tail) in [(CONNECT_V311, "32 05 0001 61", ""), (CONNECT_V5, "32 06 0001 61", "00")] {
        let mut server = accepted(Config::default(), connect);
        let publishes = ["0007", "0003", "0009"].map(|id| format!("{head} {id} {tail}")).concat();
        let tokens = tokens(feed(&mut server, Time::ZERO, &publishes));
        answer(&mut server, tokens[2], ReasonCode::Success);
        answer(&mut server, tokens[1], ReasonCode::Success);
        assert_eq!(sent(&mut server), "");
        answer(&mut server, tokens[0], ReasonCode::Success);
        assert_eq!(sent(&mut server), "40 02 00 07 40 02 00 03 40 02 00 09");
    }
}

#[test]
fn a_spent_token_is_ignored() {
    let mut server = accepted(Config::default(), CONNECT_V311);
    let tokens = tokens(feed(&mut server, Time::ZERO, "32 05 0001 61 0007"));
    answer(&mut server, tokens[0], ReasonCode::Success);
    answer(&mut server, tokens[0], ReasonCode::Success);
    assert_eq!(sent(&mut server), "40 02 00 07");
}

#[test]
fn pubrecs_do_not_wait_for_pubacks() {
    // MQTT-4.3.3-8; MQTT-3.3.4-1 in both; MQTT-2.3.1-6, MQTT-4.3.3-2 in 3.1.1. QoS 1 id 1 stays open; QoS 2 id 2 is
    // answered, and released.
    for (connect, publishes) in [
        (CONNECT_V311, "32 05 0001 61 0001 34 05 0001 61 0002"),
        (CONNECT_V5, "32 06 0001 61 0001 00 34 06 0001 61 0002 00"),
    ] {
        let mut server = accepted(Config::default(), connect);
        let tokens = tokens(feed(&mut server, Time::ZERO, publishes));
        answer(&mut server, tokens[1], ReasonCode::Success);
        assert_eq!(sent(&mut server), "50 02 00 02");
        feed(&mut server, Time::ZERO, "62 02 0002");
        assert_eq!(sent(&mut server), "70 02 00 02");
    }
}

#[test]
fn a_repeated_qos_2_publish_is_acknowledged_and_not_delivered() {
    // MQTT-4.3.3-10, with and without DUP, before and after the answer.
    let mut server = accepted(Config::default(), CONNECT_V5);
    let first = "34 06 0001 61 0005 00";
    let tokens = tokens(feed(&mut server, Time::ZERO, &format!("{first} 3c 06 0001 61 0005 00")));
    assert_eq!(tokens.len(), 1);
    answer(&mut server, tokens[0], ReasonCode::NoMatchingSubscribers);
    assert_eq!(sent(&mut server), "50 03 00 05 10 50 03 00 05 10");
    assert!(feed(&mut server, Time::ZERO, first).is_empty());
    assert_eq!(sent(&mut server), "50 03 00 05 10");
    // MQTT-4.3.3-11, MQTT-4.3.3-12.
    assert!(feed(&mut server, Time::ZERO, "62 02 0005").is_empty());
    assert_eq!(sent(&mut server), "70 02 00 05");
    assert_eq!(feed(&mut server, Time::ZERO, first).len(), 1);
}

#[test]
fn a_refused_qos_2_publish_frees_its_id() {
    // MQTT-4.3.3-9.
    let mut server = accepted(Config::default(), CONNECT_V5);
    let first = "34 06 0001 61 0005 00";
    let tokens = tokens(feed(&mut server, Time::ZERO, first));
    answer(&mut server, tokens[0], ReasonCode::QuotaExceeded);
    assert_eq!(sent(&mut server), "50 03 00 05 97");
    assert_eq!(feed(&mut server, Time::ZERO, first).len(), 1);
}

#[test]
fn acknowledgements_of_3_1_1_are_always_positive() {
    // MQTT-3.3.5-2 in 3.1.1.
    let mut server = accepted(Config::default(), CONNECT_V311);
    for token in tokens(feed(&mut server, Time::ZERO, "32 05 0001 61 0001 34 05 0001 61 0002")) {
        answer(&mut server, token, ReasonCode::QuotaExceeded);
    }
    assert_eq!(sent(&mut server), "40 02 00 01 50 02 00 02");
}

#[test]
fn exchanges_with_unknown_ids_are_told_so() {
    // 3.6.2.1, 3.7.2.1: PUBREC 9 and PUBREL 9.
    // MQTT-3.6.2-1, MQTT-3.7.2-1.
    for (connect, told) in [(CONNECT_V311, "62 02 00 09 70 02 00 09"), (CONNECT_V5, "62 03 00 09 92 70 03 00 09 92")] {
        let mut server = accepted(Config::default(), connect);
        assert!(feed(&mut server, Time::ZERO, "50 02 0009 62 02 0009").is_empty());
        assert_eq!(sent(&mut server), told);
    }
}

#[test]
fn a_publish_with_the_id_of_an_unfinished_one_is_refused() {
    // 3.4.2.1, 3.5.2.1, MQTT-2.2.1-3: QoS 1 behind QoS 2, either behind QoS 1, told in the order of the PUBLISH packets.
    for (open, again, told) in [
        ("34", "32", "40 03 00 05 91 50 02 00 05"),
        ("32", "3a", "40 02 00 05 40 03 00 05 91"),
        ("32", "34", "50 03 00 05 91 40 02 00 05"),
    ] {
        let mut server = accepted(Config::default(), CONNECT_V5);
        let packets = format!("{open} 06 0001 61 0005 00 {again} 06 0001 61 0005 00");
        let tokens = tokens(feed(&mut server, Time::ZERO, &packets));
        assert_eq!(tokens.len(), 1, "{open} {again}");
        answer(&mut server, tokens[0], ReasonCode::Success);
        assert_eq!(sent(&mut server), told);
        // It is free again once it is acknowledged.
        let packets = if open == "34" { "62 02 0005 34 06 0001 61 0005 00" } else { "32 06 0001 61 0005 00" };
        assert_eq!(feed(&mut server, Time::ZERO, packets).len(), 1);
    }
    // 3.1.1 has no code for it: both are taken, and both acknowledged.
    let mut server = accepted(Config::default(), CONNECT_V311);
    assert_eq!(feed(&mut server, Time::ZERO, "32 05 0001 61 0005 32 05 0001 61 0005").len(), 2);
}

#[test]
fn acknowledgements_of_the_wrong_kind_close() {
    // PUBCOMP for a QoS 1 delivery; PUBREC for one; PUBACK for a QoS 2 delivery; PUBCOMP before PUBREC.
    for (qos, packet) in [
        (QoS::AtLeastOnce, "70 02 0001"),
        (QoS::AtLeastOnce, "50 02 0001"),
        (QoS::ExactlyOnce, "40 02 0001"),
        (QoS::ExactlyOnce, "70 02 0001"),
    ] {
        let mut server = accepted(Config::default(), CONNECT_V5);
        server.deliver(Time::ZERO, Delivery::new(Arc::new(message("t", "x")), qos));
        sent(&mut server);
        let events = feed(&mut server, Time::ZERO, packet);
        assert_eq!(closed(events), Closed::Violation(Violation::AcknowledgementUnexpected));
        assert_eq!(sent(&mut server), "e0 01 82");
    }
}

#[test]
fn deliveries_go_out_at_each_qos() {
    // MQTT-4.3.1-1 in both; MQTT-2.2.1-2, MQTT-4.3.2-1, MQTT-4.3.2-2, MQTT-4.3.3-1, MQTT-4.3.3-2, MQTT-4.3.3-4, MQTT-2.2.1-5
    // (MQTT-2.3.1-5, MQTT-4.3.2-1, MQTT-4.3.3-1, MQTT-2.3.1-6 in 3.1.1).
    for (connect, publishes) in [
        (CONNECT_V311, "30 04 00 01 74 78 32 06 00 01 74 00 01 78 34 06 00 01 74 00 02 78"),
        (CONNECT_V5, "30 05 00 01 74 00 78 32 07 00 01 74 00 01 00 78 34 07 00 01 74 00 02 00 78"),
    ] {
        deliver_at_each_qos(connect, publishes);
    }
}

fn deliver_at_each_qos(connect: &str, publishes: &str) {
    let mut server = accepted(Config::default(), connect);
    let message = Arc::new(message("t", "x"));
    for qos in [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce] {
        let delivery = Delivery { tag: Some(Tag(qos as u64)), ..Delivery::new(Arc::clone(&message), qos) };
        assert_eq!(server.deliver(Time::ZERO, delivery), Fate::Sent);
    }
    assert_eq!(sent(&mut server), publishes);
    let ended = |events: Vec<Event>| -> Vec<u64> {
        events.into_iter().map(|event| if let Event::Delivered { tag, .. } = event { tag.0 } else { 99 }).collect()
    };
    assert_eq!(ended(events(&mut server)), [0]);
    assert_eq!(ended(feed(&mut server, Time::ZERO, "50 02 0002 40 02 0001")), [1]);
    assert_eq!(sent(&mut server), "62 02 00 02");
    assert_eq!(ended(feed(&mut server, Time::ZERO, "70 02 0002")), [2]);
    assert!(server.session().is_some_and(Session::is_empty));
}

#[test]
fn a_resumed_session_sends_again_with_dup_in_the_old_order() {
    // MQTT-4.4.0-1, MQTT-4.6.0-1, MQTT-3.3.1-1 in both; MQTT-4.3.2-3, MQTT-4.3.3-3, MQTT-4.3.3-5, MQTT-4.3.3-6 (MQTT-4.3.2-1,
    // MQTT-4.3.3-1, MQTT-2.3.1-4 in 3.1.1). Id 1 (QoS 2) is released before the cut, ids 2 and 3 are not.
    for (connect, again) in [
        ("10 0d 0004 4d515454 04 00 000a 0001 61", "3c 06 00 01 74 00 02 78 3a 06 00 01 74 00 03 78 62 02 00 01"),
        (
            "10 13 0004 4d515454 05 00 000a 05 11 0000003c 0001 61",
            "3c 07 00 01 74 00 02 00 78 3a 07 00 01 74 00 03 00 78 62 02 00 01",
        ),
    ] {
        resume_after_a_release(connect, again);
    }
}

fn resume_after_a_release(connect: &str, again: &str) {
    let mut first = accepted(Config::default(), connect);
    for qos in [QoS::ExactlyOnce, QoS::ExactlyOnce, QoS::AtLeastOnce] {
        first.deliver(Time::ZERO, Delivery::new(Arc::new(message("t", "x")), qos));
    }
    feed(&mut first, Time::ZERO, "50 02 0001");
    first.transport_closed(Time::ZERO);
    assert_eq!(closed(events(&mut first)), Closed::Transport);

    let mut second = server(Config::default());
    let token = asked(&mut second, connect);
    accept(&mut second, token, true, first.into_session().unwrap());
    let told = sent(&mut second);
    // MQTT-3.2.0-1 in both: CONNACK comes first.
    assert!(told.starts_with("20 ") && told.ends_with(again), "{told}");
    assert_eq!(told.matches(again).count(), 1);
}

#[test]
fn a_resumed_session_releases_without_waiting_for_quota() {
    // MQTT-3.3.4-10: Receive Maximum 1 lets one PUBLISH out, and holds no PUBREL back. Id 2 is released before the cut.
    let connect =
        |receive_maximum| format!("10 16 0004 4d515454 05 00 000a 08 11 0000003c 21 {receive_maximum} 0001 61");
    let mut first = accepted(Config::default(), &connect("000a"));
    for qos in [QoS::AtLeastOnce, QoS::ExactlyOnce, QoS::AtLeastOnce] {
        first.deliver(Time::ZERO, Delivery::new(Arc::new(message("t", "x")), qos));
    }
    feed(&mut first, Time::ZERO, "50 02 0002");
    first.transport_closed(Time::ZERO);

    let mut second = server(Config::default());
    let token = asked(&mut second, &connect("0001"));
    accept(&mut second, token, true, first.into_session().unwrap());
    let resent = sent(&mut second);
    assert!(resent.ends_with("3a 07 00 01 74 00 01 00 78 62 02 00 02"), "{resent}");
    // MQTT-4.4.0-1: the PUBREL is sent again once, and what waited follows as the quota returns.
    feed(&mut second, Time::ZERO, "40 02 0001");
    assert_eq!(sent(&mut second), "3a 07 00 01 74 00 03 00 78");
    feed(&mut second, Time::ZERO, "70 02 0002 40 02 0003");
    assert_eq!(sent(&mut second), "");
    assert!(second.session().is_some_and(Session::is_empty));
}

#[test]
fn what_is_acknowledged_before_it_is_sent_again_is_not_sent_again() {
    // Receive Maximum 1: id 2 waits for the quota while its PUBREC, due from the old connection, arrives.
    let connect = "10 16 0004 4d515454 05 00 000a 08 11 0000003c 21 0001 0001 61";
    let mut first = accepted(Config::default(), &connect.replace("21 0001", "21 000a"));
    for _ in 0..2 {
        first.deliver(Time::ZERO, Delivery::new(Arc::new(message("t", "x")), QoS::ExactlyOnce));
    }
    first.transport_closed(Time::ZERO);
    let mut second = server(Config::default());
    let token = asked(&mut second, connect);
    accept(&mut second, token, true, first.into_session().unwrap());
    sent(&mut second);
    feed(&mut second, Time::ZERO, "50 02 0002 50 02 0001 70 02 0001");
    assert_eq!(sent(&mut second), "62 02 00 02 62 02 00 01");
}

#[test]
fn subscribe_and_unsubscribe_are_answered_filter_by_filter() {
    let mut server = accepted(Config::default(), CONNECT_V5);
    let mut events = feed(&mut server, Time::ZERO, "82 0b 0007 00 0001 61 01 0001 62 02 a2 06 0008 00 0001 61");
    let Some(Event::Unsubscribe { token: unsubscribe, .. }) = events.pop() else { panic!() };
    let Some(Event::Subscribe { token: subscribe, .. }) = events.pop() else { panic!() };
    let reasons = vec![ReasonCode::NoSubscriptionExisted];
    server.answer(Time::ZERO, unsubscribe, Answer::Unsubscribe(reasons, Properties::default()));
    let reasons = vec![ReasonCode::GrantedQos1, ReasonCode::NotAuthorized];
    server.answer(Time::ZERO, subscribe, Answer::Subscribe(reasons, Properties::default()));
    assert_eq!(sent(&mut server), "b0 04 00 08 00 11 90 05 00 07 00 01 87");
}

#[test]
fn request_problem_information_0_keeps_reasons_short() {
    // MQTT-3.1.2-29: not in PUBACK, PUBREC, SUBACK and UNSUBACK.
    let mut server = accepted(Config::default(), "10 10 0004 4d515454 05 02 000a 02 17 00 0001 61");
    let reason_string = || -> Properties {
        let text = |text| Utf8String::new(text).unwrap();
        let mut properties: Properties = [Property::ReasonString(text("why"))].into_iter().collect();
        properties.push_user(text("name"), text("value"));
        properties
    };
    let packets = "32 06 0001 61 0005 00 34 06 0001 61 0006 00 82 07 0007 00 0001 61 00 a2 06 0008 00 0001 61";
    for event in feed(&mut server, Time::ZERO, packets) {
        let (token, answer) = match event {
            Event::Publish { token: Some(token), .. } => {
                (token, Answer::Publish(ReasonCode::QuotaExceeded, reason_string()))
            }
            Event::Subscribe { token, .. } => {
                (token, Answer::Subscribe(vec![ReasonCode::NotAuthorized], reason_string()))
            }
            Event::Unsubscribe { token, .. } => {
                (token, Answer::Unsubscribe(vec![ReasonCode::Success], reason_string()))
            }
            other => panic!("{other:?}"),
        };
        server.answer(Time::ZERO, token, answer);
    }
    assert_eq!(sent(&mut server), "40 03 00 05 97 50 03 00 06 97 90 04 00 07 00 87 b0 04 00 08 00 00");
    // DISCONNECT may tell all the same.
    server.close(Time::ZERO, ReasonCode::ServerShuttingDown, reason_string());
    assert_eq!(sent(&mut server), "e0 16 8b 14 1f 00 03 77 68 79 26 00 04 6e 61 6d 65 00 05 76 61 6c 75 65");
}

#[test]
fn disconnect_tells_whether_the_will_is_published() {
    // MQTT-3.14.4-3 in both.
    for (connect, packet, publishes) in [
        (CONNECT_V311, "e0 00", false),
        (CONNECT_V5, "e0 00", false),
        (CONNECT_V5, "e0 01 00", false),
        (CONNECT_V5, "e0 01 04", true),
    ] {
        let mut server = accepted(Config::default(), connect);
        assert_eq!(closed(feed(&mut server, Time::ZERO, packet)).publishes_will(), publishes);
        assert_eq!(sent(&mut server), "");
    }
}

#[test]
fn disconnect_cannot_revive_a_session() {
    // 3.14.2.2.2: Session Expiry Interval 1 after none.
    let mut server = accepted(Config::default(), CONNECT_V5);
    let events = feed(&mut server, Time::ZERO, "e0 07 00 05 11 00000001");
    assert_eq!(closed(events), Closed::Violation(Violation::SessionExpiryRevived));
    assert_eq!(sent(&mut server), "e0 01 82");
}

#[test]
fn nothing_is_heard_after_the_close() {
    let mut server = accepted(Config::default(), CONNECT_V5);
    let events = feed(&mut server, Time::ZERO, "e0 00 30 04 0001 61 00");
    assert_eq!(events.len(), 1);
    assert!(feed(&mut server, Time::ZERO, "30 04 0001 61 00").is_empty());
}

#[test]
fn an_answer_after_the_close_settles_the_message() {
    let mut server = accepted(Config::default(), "10 0e 0004 4d515454 05 00 000a 00 0001 61");
    let tokens = tokens(feed(&mut server, Time::ZERO, "34 06 0001 61 0005 00 34 06 0001 61 0006 00"));
    server.transport_closed(Time::ZERO);
    answer(&mut server, tokens[0], ReasonCode::Success);
    let session = server.into_session().unwrap();
    assert_eq!(session.incoming().map(|(id, _)| id.0.get()).collect::<Vec<_>>(), [5]);
}

#[test]
fn repeats_of_a_refused_qos_2_publish_are_refused_with_it() {
    // MQTT-4.3.3-9. Both copies came before the answer; an open QoS 2 message holds their PUBRECs back.
    let mut server = accepted(Config::default(), CONNECT_V5);
    let copy = "34 06 0001 61 0005 00";
    let tokens = tokens(feed(&mut server, Time::ZERO, &format!("34 06 0001 61 0004 00 {copy} {copy}")));
    assert_eq!(tokens.len(), 2);
    answer(&mut server, tokens[1], ReasonCode::QuotaExceeded);
    assert_eq!(sent(&mut server), "");
    answer(&mut server, tokens[0], ReasonCode::Success);
    assert_eq!(sent(&mut server), "50 02 00 04 50 03 00 05 97 50 03 00 05 97");
}

#[test]
fn a_code_that_a_packet_does_not_have_is_not_sent_in_it() {
    // MQTT-3.4.2-1, MQTT-3.5.2-1, MQTT-3.9.3-2, MQTT-3.11.3-2: Banned stands in CONNACK only, Granted QoS 1 in SUBACK only.
    let mut server = accepted(Config::default(), CONNECT_V5);
    let packets = "32 06 0001 61 0005 00 34 06 0001 61 0006 00 82 07 0007 00 0001 61 00 a2 06 0008 00 0001 61";
    for event in feed(&mut server, Time::ZERO, packets) {
        let (token, answer) = match event {
            Event::Publish { token: Some(token), .. } => {
                (token, Answer::Publish(ReasonCode::Banned, Properties::EMPTY))
            }
            Event::Subscribe { token, .. } => (token, Answer::Subscribe(vec![ReasonCode::Banned], Properties::EMPTY)),
            Event::Unsubscribe { token, .. } => {
                (token, Answer::Unsubscribe(vec![ReasonCode::GrantedQos1], Properties::EMPTY))
            }
            other => panic!("{other:?}"),
        };
        server.answer(Time::ZERO, token, answer);
    }
    assert_eq!(sent(&mut server), "40 03 00 05 80 50 03 00 06 80 90 04 00 07 00 80 b0 04 00 08 00 00");
}
