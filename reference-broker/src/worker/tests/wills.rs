//! When a Will is published, and when not.

use std::time::Duration;

use protocol::{Packet, QoS, ReasonCode};

use super::bench::{Bench, PeerId, lasting, v5, v311, with_will};

fn watched(workers: usize) -> (Bench, PeerId) {
    let mut bench = Bench::new(workers);
    let watcher = bench.connect(workers - 1, v5("watcher"));
    bench.subscribe(watcher, "will", QoS::AtLeastOnce);
    (bench, watcher)
}

#[test]
fn a_lost_connection_publishes_the_will() {
    for workers in [1, 2] {
        let (mut bench, watcher) = watched(workers);
        let client = bench.connect(0, with_will(v311("client", true), "gone", 0, false));
        bench.drop_socket(client);
        bench.run();
        assert_eq!(bench.payloads(watcher), ["gone"], "MQTT-3.1.2-8");
        assert_eq!(bench.counters().wills_published, 1);
    }
}

#[test]
fn a_good_bye_discards_the_will() {
    let (mut bench, watcher) = watched(1);
    let client = bench.connect(0, with_will(lasting("client", 60), "gone", 10, false));
    bench.disconnect(client, ReasonCode::Success);
    bench.run();
    bench.advance(Duration::from_secs(100));
    assert!(bench.payloads(watcher).is_empty(), "MQTT-3.1.2-10");
}

#[test]
fn a_good_bye_may_ask_for_the_will() {
    let (mut bench, watcher) = watched(1);
    let client = bench.connect(0, with_will(v5("client"), "gone", 0, false));
    bench.disconnect(client, ReasonCode::DisconnectWithWillMessage);
    bench.run();
    assert_eq!(bench.payloads(watcher), ["gone"]);
}

#[test]
fn a_violation_and_silence_publish_the_will() {
    let (mut bench, watcher) = watched(1);
    let bad = bench.connect(0, with_will(v5("bad"), "bad", 0, false));
    bench.send_raw(bad, &[0x00, 0x00]);
    bench.run();
    assert_eq!(bench.payloads(watcher), ["bad"]);
    let mut connect = with_will(v5("silent"), "silent", 0, false);
    connect.keep_alive = 1;
    bench.connect(0, connect);
    bench.advance(Duration::from_secs(2));
    assert_eq!(bench.payloads(watcher), ["silent"]);
}

#[test]
fn a_takeover_publishes_the_will_of_the_old_connection() {
    for other in [0, 1] {
        let (mut bench, watcher) = watched(2);
        bench.connect(0, with_will(lasting("client", 60), "old", 0, false));
        bench.connect(other, with_will(lasting("client", 60), "new", 0, false));
        assert_eq!(bench.payloads(watcher), ["old"]);
    }
}

#[test]
fn a_delayed_will_waits_and_is_cancelled_by_the_return() {
    for other in [0, 1] {
        let (mut bench, watcher) = watched(2);
        let client = bench.connect(0, with_will(lasting("client", 60), "gone", 10, false));
        bench.drop_socket(client);
        bench.advance(Duration::from_secs(9));
        assert!(bench.payloads(watcher).is_empty());
        let back = bench.connect(other, with_will(lasting("client", 60), "gone", 10, false));
        bench.advance(Duration::from_secs(100));
        assert!(bench.payloads(watcher).is_empty(), "MQTT-3.1.3-9");
        bench.drop_socket(back);
        bench.advance(Duration::from_secs(10));
        assert_eq!(bench.payloads(watcher), ["gone"]);
    }
}

#[test]
fn a_delayed_will_does_not_outlive_its_session() {
    let (mut bench, watcher) = watched(1);
    let client = bench.connect(0, with_will(lasting("client", 5), "gone", 100, false));
    bench.drop_socket(client);
    bench.advance(Duration::from_secs(5));
    assert_eq!(bench.payloads(watcher), ["gone"]);
    assert_eq!(bench.counters().sessions(), 1);
}

#[test]
fn clean_start_ends_the_delay() {
    for other in [0, 1] {
        let (mut bench, watcher) = watched(2);
        let client = bench.connect(0, with_will(lasting("client", 60), "gone", 30, false));
        bench.drop_socket(client);
        bench.connect(other, v5("client"));
        assert_eq!(bench.payloads(watcher), ["gone"], "the session ended");
    }
}

#[test]
fn a_refused_connect_publishes_no_will() {
    let (mut bench, watcher) = watched(1);
    let mut connect = with_will(v311("", false), "gone", 0, false);
    connect.client_id = protocol::Utf8String::EMPTY;
    let client = bench.dial(0, connect);
    bench.run();
    assert!(matches!(bench.next(client), Some(Packet::ConnAck(_))));
    bench.drop_socket(client);
    bench.run();
    assert!(bench.payloads(watcher).is_empty());
}

#[test]
fn a_will_is_not_retained_unasked() {
    // MQTT-3.1.2-14 (MQTT-3.1.2-16 in 3.1.1).
    for connect in [v5("client"), v311("client", true)] {
        let (mut bench, watcher) = watched(1);
        let client = bench.connect(0, with_will(connect, "gone", 0, false));
        bench.drop_socket(client);
        bench.run();
        assert_eq!(bench.payloads(watcher), ["gone"]);
        let late = bench.connect(0, v5("late"));
        bench.subscribe(late, "will", QoS::AtMostOnce);
        assert!(bench.publishes(late).is_empty());
    }
}

#[test]
fn a_will_may_be_retained() {
    let (mut bench, _) = watched(1);
    let client = bench.connect(0, with_will(v5("client"), "gone", 0, true));
    bench.drop_socket(client);
    bench.run();
    let late = bench.connect(0, v5("late"));
    bench.subscribe(late, "will", QoS::AtMostOnce);
    let got = bench.publishes(late);
    assert_eq!((got.len(), got[0].retain), (1, true), "MQTT-3.1.2-15");
}

#[test]
fn the_properties_of_a_will_are_published_in_their_order() {
    // MQTT-3.1.3-10, MQTT-3.3.2-18; the Will Delay Interval is the broker's alone.
    let (mut bench, watcher) = watched(1);
    let mut connect = with_will(lasting("client", 60), "gone", 1, false);
    let names = ["b", "a", "b"].map(|name| protocol::Utf8String::new(name).unwrap());
    if let Some(will) = &mut connect.will {
        for name in &names {
            will.message.properties.push_user(name.clone(), name.clone());
        }
    }
    let client = bench.connect(0, connect);
    bench.drop_socket(client);
    bench.advance(Duration::from_secs(1));
    let got = bench.publishes(watcher);
    let seen: Vec<_> = got[0].properties.user_properties().map(|pair| pair.name.clone()).collect();
    assert_eq!(seen, names);
    assert_eq!(got[0].properties.len(), 3);
}

#[test]
fn a_takeover_within_the_delay_suppresses_the_will() {
    // MQTT-3.1.3-9; 3.1.4: unless the new CONNECT ends the session.
    for other in [0, 1] {
        for (taker, published) in [(lasting("client", 60), vec![]), (v5("client"), vec!["old"])] {
            let (mut bench, watcher) = watched(2);
            let old = bench.connect(0, with_will(lasting("client", 60), "old", 10, false));
            bench.connect(other, taker);
            assert!(bench.is_closed(old));
            bench.advance(Duration::from_secs(1_000));
            assert_eq!(bench.payloads(watcher), published);
        }
    }
}
