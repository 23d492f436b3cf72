//! SUBSCRIBE and UNSUBSCRIBE that the machine judges itself, and how large a packet may be.

use protocol::{
    Machine, Properties, ReasonCode, Time, Violation,
    server::{Answer, Closed, Config, Event},
};

use crate::{
    events, feed, sent,
    server_connect::{CONNECT_V5, CONNECT_V311, accepted, closed, server},
};

const QOS_2_WITH_ID_5: &str = "34 06 0001 61 0005 00";

#[test]
fn an_identifier_in_use_is_told_so() {
    // 3.9.3, 3.11.3, MQTT-2.2.1-3: SUBSCRIBE of two filters and UNSUBSCRIBE with the id of an unfinished QoS 2 message,
    // then with that of an open SUBSCRIBE.
    for open in [QOS_2_WITH_ID_5, "82 07 0005 00 0001 61 00", "32 06 0001 61 0005 00"] {
        let mut server = accepted(Config::default(), CONNECT_V5);
        assert_eq!(feed(&mut server, Time::ZERO, open).len(), 1);
        assert!(feed(&mut server, Time::ZERO, "82 0b 0005 00 0001 61 01 0001 62 02").is_empty());
        assert_eq!(sent(&mut server), "90 05 00 05 00 91 91");
        assert!(feed(&mut server, Time::ZERO, "a2 06 0005 00 0001 61").is_empty());
        assert_eq!(sent(&mut server), "b0 04 00 05 00 91");
    }
}

#[test]
fn an_identifier_in_use_of_3_1_1_is_taken() {
    // 3.1.1 has no code for it, and the acknowledgements differ in kind.
    let mut server = accepted(Config::default(), CONNECT_V311);
    assert_eq!(feed(&mut server, Time::ZERO, "34 05 0001 61 0005 82 06 0005 0001 61 00").len(), 2);
}

#[test]
fn filters_that_are_not_offered_fail_alone_in_3_1_1() {
    // MQTT-3.8.3-2 in 3.1.1: a/#, b, $share/g/a, c at the positions 1 to 4.
    let config = Config { wildcard_available: false, shared_available: false, ..Config::default() };
    let mut server = accepted(config, CONNECT_V311);
    let subscribe = "82 1d 0007 0003 612f23 00 0001 62 01 000a 2473686172652f672f61 00 0001 63 00";
    let event = feed(&mut server, Time::ZERO, subscribe).pop();
    let Some(Event::Subscribe { token, subscribe }) = event else { panic!("{event:?}") };
    let asked: Vec<_> = subscribe.filters.iter().map(|filter| filter.filter.as_str()).collect();
    assert_eq!(asked, ["b", "c"]);
    let reasons = vec![ReasonCode::GrantedQos1, ReasonCode::NotAuthorized];
    server.answer(Time::ZERO, token, Answer::Subscribe(reasons, Properties::EMPTY));
    // MQTT-3.8.4-5, MQTT-3.9.3-1, MQTT-3.9.3-2, MQTT-3.8.4-2, MQTT-2.3.1-7 in 3.1.1.
    assert_eq!(sent(&mut server), "90 06 00 07 80 01 80 80");
    // Nothing is left to ask.
    assert!(feed(&mut server, Time::ZERO, "82 06 0008 0001 23 00").is_empty());
    assert_eq!(sent(&mut server), "90 03 00 08 80");
}

#[test]
fn a_broken_shared_filter_fails_alone_in_3_1_1() {
    // MQTT-4.8.2-1, MQTT-4.8.2-2 bind 5.0 only: the filter is legal in 3.1.1, and could never match.
    let mut server = accepted(Config::default(), CONNECT_V311);
    assert!(feed(&mut server, Time::ZERO, "82 0e 0007 0009 24736861 72652f2f61 00").is_empty());
    assert_eq!(sent(&mut server), "90 03 00 07 80");
    let event = feed(&mut server, Time::ZERO, "a2 0d 0008 0009 24736861 72652f2f61").pop();
    assert!(matches!(event, Some(Event::Unsubscribe { .. })), "{event:?}");
    // 5.0 is told.
    let mut server = accepted(Config::default(), CONNECT_V5);
    let events = feed(&mut server, Time::ZERO, "82 0f 0007 00 0009 24736861 72652f2f61 00");
    assert_eq!(closed(events), Closed::Violation(Violation::ShareNameInvalid));
    // 3.14.2.1: 0x8F is for filters that are "correctly formed".
    assert_eq!(sent(&mut server), "e0 01 81");
}

#[test]
fn filters_and_properties_of_one_packet_are_bounded() {
    let config = Config { maximum_filters: 2, maximum_properties: 1, ..Config::default() };
    for (packet, violation) in [
        ("82 0f 0007 00 0001 61 00 0001 62 00 0001 63 00", Violation::TooManyFilters),
        ("a2 0c 0007 00 0001 61 0001 62 0001 63", Violation::TooManyFilters),
        ("30 0e 0001 61 0a 26 0000 0000 26 0000 0000", Violation::TooManyProperties),
    ] {
        let mut server = accepted(config.clone(), CONNECT_V5);
        assert_eq!(closed(feed(&mut server, Time::ZERO, packet)), Closed::Violation(violation));
        assert_eq!(sent(&mut server), "e0 01 97");
    }
    // MQTT-4.8.0-2 in 3.1.1.
    let mut server = accepted(config.clone(), CONNECT_V311);
    let events = feed(&mut server, Time::ZERO, "82 0e 0007 0001 61 00 0001 62 00 0001 63 00");
    assert_eq!(closed(events), Closed::Violation(Violation::TooManyFilters));
    let mut server = accepted(config, CONNECT_V5);
    assert_eq!(feed(&mut server, Time::ZERO, "82 0b 0007 00 0001 61 00 0001 62 00").len(), 1);
    assert_eq!(feed(&mut server, Time::ZERO, "30 09 0001 61 05 26 0000 0000").len(), 1);
}

#[test]
fn a_connect_beyond_its_own_bound_closes_by_its_header() {
    let config = Config { maximum_connect_size: 100, ..Config::default() };
    let mut server = server(config.clone());
    assert!(feed(&mut server, Time::ZERO, "10 62").is_empty());
    let mut server = self::server(config.clone());
    assert_eq!(closed(feed(&mut server, Time::ZERO, "10 63")), Closed::Violation(Violation::PacketTooLarge));
    assert_eq!(sent(&mut server), "");
    // What follows may be as large as announced.
    let mut server = accepted(config, CONNECT_V311);
    assert!(feed(&mut server, Time::ZERO, "30 ff 7f").is_empty());
    assert!(!server.is_closed());
    assert!(events(&mut server).is_empty());
}
