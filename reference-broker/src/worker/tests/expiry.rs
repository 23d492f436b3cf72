//! What time does to messages and sessions.

use std::time::Duration;

use protocol::{Connect, Properties, Property, QoS};

use super::bench::{Bench, PeerId, lasting, v5, v311, with_will};

fn expiring(bench: &mut Bench, peer: PeerId, payload: &str, seconds: u32, retain: bool) {
    let properties: Properties = [Property::MessageExpiryInterval(seconds)].into_iter().collect();
    bench.publish_with(peer, "a", payload, QoS::AtLeastOnce, retain, properties);
    bench.run();
}

/// Payloads and what is left of their Message Expiry Interval.
fn left(bench: &mut Bench, peer: PeerId) -> Vec<(String, Option<u32>)> {
    let text = |payload: &[u8]| String::from_utf8(payload.to_vec()).unwrap();
    let got = bench.publishes(peer);
    got.iter().map(|it| (text(&it.payload), it.properties.message_expiry_interval())).collect()
}

#[test]
fn a_message_ages_in_the_queue_and_on_the_way_to_another_worker() {
    // MQTT-3.3.2-5, MQTT-3.3.2-6, MQTT-3.1.2-23: the session waits on one worker, is fetched by another, and waits again.
    let mut bench = Bench::new(2);
    let away = bench.connect(0, lasting("away", 3_600));
    bench.subscribe(away, "a", QoS::AtLeastOnce);
    bench.drop_socket(away);
    let publisher = bench.connect(1, v5("publisher"));
    expiring(&mut bench, publisher, "short", 10, false);
    expiring(&mut bench, publisher, "middle", 30, false);
    expiring(&mut bench, publisher, "long", 100, false);
    bench.advance(Duration::from_secs(10));
    let mut connect = lasting("away", 3_600);
    connect.properties.push(Property::ReceiveMaximum(1));
    let back = bench.dial(1, connect);
    bench.silence(back);
    bench.run();
    assert_eq!(left(&mut bench, back), [("middle".into(), Some(20))]);
    bench.drop_socket(back);
    bench.advance(Duration::from_secs(40));
    let (back, present) = bench.connect_present(0, lasting("away", 3_600));
    assert!(present);
    // Its delivery had begun, so it is finished (MQTT-4.3.3-7), with nothing left of its interval.
    assert_eq!(left(&mut bench, back), [("middle".into(), Some(0)), ("long".into(), Some(50))]);
    assert_eq!(bench.counters().dropped_expired, 1);
}

#[test]
fn a_retained_message_ages_and_goes() {
    // MQTT-3.3.2-5, MQTT-3.3.2-6; 3.3.1.3.
    let mut bench = Bench::new(2);
    let publisher = bench.connect(0, v5("publisher"));
    expiring(&mut bench, publisher, "kept", 60, true);
    for (seconds, expected) in [(0, Some(60)), (45, Some(15)), (14, Some(1)), (1, None), (100, None)] {
        bench.advance(Duration::from_secs(seconds));
        for worker in [0, 1] {
            let late = bench.connect(worker, v5("late"));
            bench.subscribe(late, "a", QoS::AtLeastOnce);
            let expected: Vec<_> = expected.into_iter().map(|left| ("kept".to_owned(), Some(left))).collect();
            assert_eq!(left(&mut bench, late), expected);
        }
    }
    assert_eq!(bench.shared.retained.size(), (0, 0), "it takes no room any more");
}

#[test]
fn a_client_of_3_1_1_is_spared_what_has_expired() {
    let mut bench = Bench::new(1);
    let away = bench.connect(0, v311("away", false));
    bench.subscribe(away, "a", QoS::AtLeastOnce);
    bench.drop_socket(away);
    let publisher = bench.connect(0, v5("publisher"));
    expiring(&mut bench, publisher, "short", 10, false);
    expiring(&mut bench, publisher, "long", 20, false);
    bench.advance(Duration::from_secs(10));
    let back = bench.connect(0, v311("away", false));
    assert_eq!(left(&mut bench, back), [("long".into(), None)]);
}

#[test]
fn the_interval_of_a_will_counts_from_its_publication() {
    // 3.1.3.2.4.
    let mut bench = Bench::new(1);
    let watcher = bench.connect(0, v5("watcher"));
    bench.subscribe(watcher, "will", QoS::AtLeastOnce);
    let mut connect = with_will(lasting("client", 100), "gone", 50, true);
    if let Some(will) = &mut connect.will {
        will.message.properties.push(Property::MessageExpiryInterval(10));
    }
    let client = bench.connect(0, connect);
    bench.drop_socket(client);
    bench.advance(Duration::from_secs(50));
    assert_eq!(left(&mut bench, watcher), [("gone".into(), Some(10))]);
    bench.advance(Duration::from_secs(10));
    let late = bench.connect(0, v5("late"));
    bench.subscribe(late, "will", QoS::AtLeastOnce);
    assert_eq!(left(&mut bench, late), []);
}

#[test]
fn a_session_expires_from_its_last_close_wherever_it_is() {
    // MQTT-4.1.0-2, MQTT-3.1.2-23, MQTT-4.1.0-1: taken over by another worker, its interval begins anew at the close there.
    let mut bench = Bench::new(2);
    let first = bench.connect(0, lasting("client", 60));
    bench.subscribe(first, "a", QoS::AtLeastOnce);
    bench.advance(Duration::from_secs(1_000));
    bench.drop_socket(first);
    bench.advance(Duration::from_secs(50));
    let (second, present) = bench.connect_present(1, lasting("client", 20));
    assert!(present);
    bench.advance(Duration::from_secs(1_000));
    let (third, present) = bench.connect_present(0, lasting("client", 20));
    assert!(present, "it was connected all the time");
    assert!(bench.is_closed(second));
    bench.drop_socket(third);
    bench.advance(Duration::from_secs(19));
    assert_eq!((bench.owners("client"), bench.shared.routes.is_bare()), (1, false));
    bench.advance(Duration::from_secs(1));
    assert_eq!((bench.owners("client"), bench.shared.routes.is_bare()), (0, true));
    assert!(!bench.connect_present(1, lasting("client", 20)).1);
}

#[test]
fn what_a_session_held_goes_with_it() {
    let mut bench = Bench::new(1);
    let client = bench.connect(0, lasting("client", 10));
    bench.subscribe(client, "a", QoS::AtLeastOnce);
    bench.drop_socket(client);
    let publisher = bench.connect(0, v5("publisher"));
    bench.publish(publisher, "a", "x", QoS::AtLeastOnce);
    bench.run();
    assert!(bench.held_bytes() > 0);
    bench.advance(Duration::from_secs(10));
    assert_eq!(bench.held_bytes(), 0);
    let (back, present) = bench.connect_present(0, Connect { clean_start: false, ..lasting("client", 10) });
    assert!(!present && bench.payloads(back).is_empty());
}
