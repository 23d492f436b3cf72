//! What `$SYS` shows, under virtual time.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use protocol::{Packet, QoS, ReasonCode};

use super::bench::{Bench, PeerId, lasting, v5};
use crate::{Access, Action, AllowAll, Authorize, Config, Counters, Decision, Identity, Refusal, Verdict};

const INTERVAL: Duration = Duration::from_secs(10);

fn bench(workers: usize) -> Bench {
    let mut bench = Bench::with_status(0, Config { workers, ..Config::default() });
    bench.advance(Duration::ZERO);
    bench
}

/// What `peer` received below `$SYS`, last value of each topic.
fn shown(bench: &mut Bench, peer: PeerId) -> BTreeMap<String, String> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    bench
        .publishes(peer)
        .into_iter()
        .map(|publish| (publish.topic.unwrap().as_str().to_owned(), text(&publish.payload)))
        .collect()
}

/// MQTT-4.7.2-1: a filter that begins with a wildcard does not match topics that begin with `$`.
#[test]
fn status_is_retained_and_hidden_from_leading_wildcards() {
    let mut bench = bench(1);
    let everything = bench.connect(0, v5("everything"));
    bench.subscribe(everything, "#", QoS::AtMostOnce);
    bench.subscribe(everything, "+/broker/#", QoS::AtMostOnce);
    let watcher = bench.connect(0, v5("watcher"));
    bench.subscribe(watcher, "$SYS/#", QoS::AtMostOnce);
    let first = shown(&mut bench, watcher);
    assert_eq!(first["$SYS/broker/version"], concat!("paddock version ", env!("CARGO_PKG_VERSION")));
    assert_eq!(first["$SYS/broker/clients/connected"], "0");
    assert_eq!(first["$SYS/broker/load/bytes/sent/15min"], "0.00");
    for (name, _) in Counters::ALL {
        assert!(first.contains_key(&format!("$SYS/broker/counters/{name}")), "{name} is not shown");
    }
    bench.advance(INTERVAL);
    assert_eq!(shown(&mut bench, watcher)["$SYS/broker/clients/connected"], "2");
    assert_eq!(bench.publishes(everything), []);
}

#[test]
fn numbers_are_what_was_done() {
    let mut bench = bench(2);
    let watcher = bench.connect(1, v5("watcher"));
    bench.subscribe(watcher, "$SYS/#", QoS::AtMostOnce);
    let away = bench.connect(0, lasting("away", 15));
    bench.subscribe(away, "t", QoS::AtLeastOnce);
    bench.subscribe(away, "$share/group/t", QoS::AtLeastOnce);
    bench.drop_socket(away);
    let slow = bench.connect(1, v5("slow"));
    bench.silence(slow);
    bench.subscribe(slow, "t", QoS::AtLeastOnce);
    let publisher = bench.connect(0, v5("publisher"));
    bench.publish_with(publisher, "t", "12345", QoS::AtLeastOnce, true, protocol::Properties::EMPTY);
    bench.run();
    bench.advance(INTERVAL);
    let now = shown(&mut bench, watcher);
    let expected = [
        ("uptime", "11 seconds"),
        ("clients/connected", "3"),
        ("clients/disconnected", "1"),
        ("clients/total", "4"),
        ("clients/maximum", "3"),
        ("connections/socket/count", "4"),
        ("messages/inflight", "1"),
        // One retained, two queued for whoever is away, one in flight.
        ("store/messages/count", "4"),
        ("publish/messages/received", "1"),
        ("publish/bytes/received", "5"),
        ("publish/messages/dropped", "0"),
        ("retained messages/count", "1"),
        ("subscriptions/count", "3"),
        ("shared_subscriptions/count", "1"),
        ("counters/takeovers", "0"),
        // Four since the last time, ten seconds ago: 24 per minute, of which a minute has seen a sixth.
        ("load/connections/1min", "3.68"),
    ];
    for (topic, value) in expected {
        assert_eq!(now[&format!("$SYS/broker/{topic}")], value, "{topic}");
    }
    let sent = |name: &str| now[&format!("$SYS/broker/{name}")].parse::<u64>().unwrap();
    // 4 CONNECT, 4 SUBSCRIBE, 1 PUBLISH.
    assert_eq!(sent("messages/received"), 9);
    assert!(sent("publish/messages/sent") > 50 && sent("messages/sent") > sent("publish/messages/sent"));
    assert!(sent("bytes/sent") > sent("publish/bytes/sent") && sent("publish/bytes/sent") > 50);
    bench.advance(INTERVAL);
    bench.advance(INTERVAL);
    let later = shown(&mut bench, watcher);
    assert_eq!(later["$SYS/broker/clients/expired"], "1");
    assert_eq!(later["$SYS/broker/clients/total"], "3");
    assert!(!later.contains_key("$SYS/broker/clients/maximum"), "only what has changed is published");
    assert!(!later.contains_key("$SYS/broker/version"));
}

/// What the broker says of itself is no client's message, takes no client's room and waits for nobody.
#[test]
fn status_takes_nothing_from_clients() {
    let limits = crate::Limits { retained_messages: 1, ..crate::Limits::default() };
    let mut bench = Bench::with_status(0, Config { workers: 1, limits, ..Config::default() });
    bench.advance(INTERVAL * 3);
    let away = bench.connect(0, lasting("away", 600));
    bench.subscribe(away, "$SYS/#", QoS::ExactlyOnce);
    assert!(shown(&mut bench, away).len() > 50);
    bench.publish_with(away, "mine", "1", QoS::AtLeastOnce, true, protocol::Properties::EMPTY);
    bench.run();
    bench.drop_socket(away);
    bench.advance(INTERVAL * 3);
    let counters = bench.counters();
    assert_eq!((counters.messages_received, counters.retained_refused), (1, 0));
    assert_eq!(bench.held_bytes(), 0);
}

#[test]
fn clients_may_not_publish_status() {
    let mut bench = bench(1);
    let client = bench.connect(0, v5("client"));
    bench.publish(client, "$SYS/broker/version", "mine", QoS::AtLeastOnce);
    bench.run();
    match bench.next(client) {
        Some(Packet::PubAck(ack)) => assert_eq!(ack.reason, ReasonCode::NotAuthorized),
        other => panic!("{other:?}"),
    }
    bench.subscribe(client, "$SYS/broker/version", QoS::AtMostOnce);
    assert_eq!(bench.payloads(client), [concat!("paddock version ", env!("CARGO_PKG_VERSION"))]);
}

#[derive(Debug)]
struct NoStatus;

impl Authorize for NoStatus {
    fn authorize(&self, _: &Arc<Identity>, action: Action<'_>) -> Decision<Verdict> {
        Decision::Now(match action {
            Action::Subscribe { filter, .. } if filter.as_str().starts_with("$SYS/") => {
                Err(Refusal::Denied(ReasonCode::NotAuthorized))
            }
            _ => Ok(()),
        })
    }
}

#[test]
fn access_rules_decide_who_may_look() {
    let config =
        Config { workers: 1, access: Access::new(Arc::new(AllowAll), Arc::new(NoStatus)), ..Config::default() };
    let mut bench = Bench::with_status(0, config);
    let client = bench.connect(0, v5("client"));
    assert_eq!(bench.subscribe(client, "$SYS/#", QoS::AtMostOnce), ReasonCode::NotAuthorized);
    bench.advance(INTERVAL * 2);
    assert_eq!(bench.publishes(client), []);
}

#[test]
fn an_interval_of_zero_publishes_nothing_until_it_is_changed() {
    let mut bench = Bench::with_status(0, Config { workers: 1, sys_interval: Duration::ZERO, ..Config::default() });
    let client = bench.connect(0, v5("client"));
    bench.subscribe(client, "$SYS/#", QoS::AtMostOnce);
    bench.advance(INTERVAL * 2);
    assert_eq!(bench.publishes(client), []);
    bench.set_sys_interval(Duration::from_secs(1));
    bench.advance(Duration::from_secs(1));
    let before = shown(&mut bench, client).len();
    assert!(before > 50);
    bench.advance(Duration::from_secs(1));
    assert!((1..before / 2).contains(&shown(&mut bench, client).len()), "only what has changed");
}

/// What is documented is what is published.
#[test]
fn the_list_of_topics_is_complete() {
    let mut bench = bench(1);
    let watcher = bench.connect(0, v5("watcher"));
    bench.subscribe(watcher, "$SYS/#", QoS::AtMostOnce);
    bench.advance(INTERVAL);
    let shown: Vec<_> = shown(&mut bench, watcher).into_keys().collect();
    let mut listed: Vec<_> = crate::sys_topics().map(|(topic, _)| topic).collect();
    listed.sort();
    assert_eq!(shown, listed);
}
