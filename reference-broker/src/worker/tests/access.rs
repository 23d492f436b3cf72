//! Decisions about access that take time.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use protocol::{
    Connect, Packet, PacketId, Properties, Property, QoS, ReasonCode, Subscribe, SubscribeFilter, SubscriptionOptions,
    TopicFilter, Utf8String,
};
use tokio::sync::oneshot;

use super::bench::{Bench, PeerId, lasting, v5, v311, with_will};
use crate::{Access, Action, Attempt, Authenticate, Authorize, Config, Decision, Identity, Refusal, Verdict};

/// Decides about User Names and about topics below `slow/` when the test says so, and lets everything else pass. What is
/// below `no/` is denied.
#[derive(Debug, Default)]
struct ByHand {
    open: Mutex<Vec<(String, oneshot::Sender<Verdict>)>>,
}

impl ByHand {
    fn ask(&self, what: String) -> oneshot::Receiver<Verdict> {
        let (sender, receiver) = oneshot::channel();
        self.open.lock().unwrap().push((what, sender));
        receiver
    }

    /// Answers the one question about `what`.
    fn answer(&self, what: &str, verdict: Verdict) {
        let mut open = self.open.lock().unwrap();
        let index = open.iter().position(|(asked, _)| asked == what).unwrap_or_else(|| panic!("{what} was not asked"));
        let (_, sender) = open.remove(index);
        let _ = sender.send(verdict);
    }

    fn asked(&self) -> usize {
        self.open.lock().unwrap().len()
    }
}

impl Authenticate for ByHand {
    fn connect(&self, attempt: &Attempt<'_>) -> Decision<Result<Identity, Refusal>> {
        let identity = attempt.identity(attempt.user_name);
        let Some(name) = attempt.user_name else { return Decision::Now(Ok(identity)) };
        let answer = self.ask(format!("connect {}", name.as_str()));
        Decision::later(async move { answer.await.unwrap_or(Err(Refusal::Failed)).map(|()| identity) })
    }
}

impl Authorize for ByHand {
    fn checks_receive(&self) -> bool {
        true
    }

    fn authorize(&self, _: &Arc<Identity>, action: Action<'_>) -> Decision<Verdict> {
        let (verb, topic) = match action {
            Action::Publish { will: true, topic, .. } => ("will", topic.as_str()),
            Action::Publish { topic, .. } => ("publish", topic.as_str()),
            Action::Subscribe { filter, .. } => ("subscribe", filter.as_str()),
            Action::Receive { topic } => ("receive", topic.as_str()),
        };
        if topic.starts_with("no/") {
            return Decision::Now(Err(Refusal::Denied(ReasonCode::NotAuthorized)));
        }
        if !topic.starts_with("slow/") || (verb == "receive" && topic != "slow/receive") {
            return Decision::Now(Ok(()));
        }
        let answer = self.ask(format!("{verb} {topic}"));
        Decision::later(async move { answer.await.unwrap_or(Err(Refusal::Failed)) })
    }
}

const DENIED: Verdict = Err(Refusal::Denied(ReasonCode::NotAuthorized));

fn by_hand(workers: usize) -> (Bench, Arc<ByHand>) {
    bounded(workers, |_| {})
}

fn bounded(workers: usize, bound: impl FnOnce(&mut Access)) -> (Bench, Arc<ByHand>) {
    let hand = Arc::new(ByHand::default());
    let mut access = Access::new(hand.clone(), hand.clone());
    bound(&mut access);
    (Bench::seeded(0, Config { workers, access, ..Config::default() }), hand)
}

fn named(connect: Connect) -> Connect {
    Connect { user_name: Some(Utf8String::new("name").unwrap()), ..connect }
}

fn reason(bench: &mut Bench, peer: PeerId) -> Option<ReasonCode> {
    match bench.next(peer)? {
        Packet::ConnAck(connack) => Some(connack.reason),
        Packet::PubAck(ack) => Some(ack.reason),
        Packet::SubAck(suback) => Some(suback.reasons[0]),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_connection_that_waits_keeps_its_order_and_holds_up_nobody() {
    let (mut bench, hand) = by_hand(2);
    let watcher = bench.connect(1, v5("watcher"));
    bench.subscribe(watcher, "#", QoS::AtLeastOnce);
    let bystander = bench.connect(0, v5("bystander"));
    let client = bench.connect(0, v5("client"));
    bench.publish(client, "slow/1", "first", QoS::AtLeastOnce);
    bench.publish(client, "fast", "second", QoS::AtLeastOnce);
    bench.publish(client, "slow/2", "third", QoS::AtMostOnce);
    bench.publish(client, "fast", "fourth", QoS::AtMostOnce);
    bench.run();
    bench.publish(bystander, "fast", "undisturbed", QoS::AtLeastOnce);
    bench.run();
    assert_eq!(bench.payloads(watcher), ["undisturbed"]);
    assert_eq!((hand.asked(), bench.open_questions()), (1, 1), "one question at a time");
    hand.answer("publish slow/1", Ok(()));
    bench.run();
    assert_eq!(bench.payloads(watcher), ["first", "second"]);
    hand.answer("publish slow/2", DENIED);
    bench.run();
    assert_eq!(bench.payloads(watcher), ["fourth"]);
    assert_eq!(bench.counters().dropped_denied, 1);
}

#[test]
fn a_connect_that_waits_touches_no_session_and_no_will_until_it_is_let_in() {
    for (verdict, late) in [(DENIED, false), (Err(Refusal::Failed), false), (Ok(()), true)] {
        let (mut bench, hand) = by_hand(2);
        let watcher = bench.connect(0, v5("watcher"));
        bench.subscribe(watcher, "will", QoS::AtMostOnce);
        let client = bench.connect(0, with_will(lasting("same", 60), "old", 0, false));
        bench.subscribe(client, "a", QoS::AtLeastOnce);
        let stranger = bench.dial(1, named(with_will(v5("same"), "stranger's", 0, false)));
        bench.run();
        bench.publish(watcher, "a", "still here", QoS::AtLeastOnce);
        bench.run();
        assert_eq!(bench.payloads(client), ["still here"]);
        if late {
            bench.advance(Duration::from_secs(5));
        }
        hand.answer("connect name", verdict);
        bench.run();
        let expected = if verdict == DENIED { ReasonCode::NotAuthorized } else { ReasonCode::ServerUnavailable };
        assert_eq!(reason(&mut bench, stranger), Some(expected));
        assert!(bench.is_closed(stranger) && !bench.is_closed(client));
        assert!(bench.payloads(watcher).is_empty(), "no Will of either");
    }
}

#[test]
fn a_connect_that_was_let_in_takes_over_and_what_it_sent_meanwhile_follows() {
    for worker in [0, 1] {
        let (mut bench, hand) = by_hand(2);
        let watcher = bench.connect(0, v5("watcher"));
        bench.subscribe(watcher, "t", QoS::AtMostOnce);
        let old = bench.connect(0, lasting("same", 60));
        let new = bench.dial(worker, named(lasting("same", 60)));
        bench.publish(new, "t", "early", QoS::AtMostOnce);
        bench.run();
        assert!(!bench.is_closed(old) && bench.payloads(watcher).is_empty());
        hand.answer("connect name", Ok(()));
        bench.run();
        assert_eq!(reason(&mut bench, new), Some(ReasonCode::Success));
        assert!(bench.is_closed(old));
        assert_eq!(bench.payloads(watcher), ["early"]);
    }
}

#[test]
fn whoever_closes_or_is_taken_over_while_it_waits_drops_its_question() {
    let (mut bench, hand) = by_hand(2);
    let watcher = bench.connect(0, v5("watcher"));
    bench.subscribe(watcher, "#", QoS::AtLeastOnce);
    // While its CONNECT waits.
    let stranger = bench.dial(0, named(v5("stranger")));
    bench.run();
    bench.drop_socket(stranger);
    assert_eq!(bench.open_questions(), 0);
    // While its PUBLISH waits; by its socket, and by a takeover from either worker.
    for how in 0..3 {
        let client = bench.connect(0, v5("client"));
        bench.publish(client, "slow/1", "never", QoS::ExactlyOnce);
        bench.publish(client, "fast", "behind it", QoS::AtMostOnce);
        bench.run();
        assert_eq!(bench.open_questions(), 1);
        match how {
            0 => bench.drop_socket(client),
            _ => drop(bench.connect(how - 1, v5("client"))),
        }
        bench.run();
        assert_eq!((bench.open_questions(), bench.is_closed(client)), (0, true));
        hand.answer("publish slow/1", Ok(()));
        bench.run();
    }
    assert_eq!(bench.payloads(watcher), ["behind it"], "received before the socket ended");
    assert_eq!(bench.counters().dropped_denied, 3);
}

#[test]
fn a_disconnect_behind_a_packet_that_waits_is_heard_when_the_socket_ends() {
    let (mut bench, _hand) = by_hand(1);
    let watcher = bench.connect(0, v5("watcher"));
    bench.subscribe(watcher, "#", QoS::AtLeastOnce);
    let client = bench.connect(0, with_will(v5("client"), "never", 0, false));
    for topic in ["slow/1", "slow/2"] {
        bench.publish(client, topic, "undecided", QoS::AtMostOnce);
    }
    bench.disconnect(client, ReasonCode::Success);
    bench.run();
    bench.drop_socket(client);
    bench.run();
    assert_eq!((bench.payloads(watcher).len(), bench.open_questions()), (0, 0), "MQTT-3.1.2-10, MQTT-3.14.4-3");
    assert_eq!(bench.counters().sessions(), 1);
}

#[test]
fn an_answer_that_is_late_is_a_refusal_and_counted() {
    let (mut bench, hand) = by_hand(1);
    let bystander = bench.connect(0, v5("bystander"));
    let (stranger, old) = (bench.dial(0, named(v5("stranger"))), bench.dial(0, named(v311("old", true))));
    let publisher = bench.connect(0, v5("publisher"));
    bench.publish(publisher, "slow/1", "late", QoS::AtLeastOnce);
    let subscriber = bench.connect(0, v5("subscriber"));
    bench.subscribe_quietly(subscriber, "slow/2", QoS::AtLeastOnce);
    bench.run();
    bench.advance(Duration::from_millis(4999));
    for peer in [stranger, old, publisher, subscriber] {
        assert_eq!(bench.next(peer), None);
    }
    bench.advance(Duration::from_millis(1));
    // 3.1.1 has return code 3 for it.
    assert_eq!(reason(&mut bench, stranger), Some(ReasonCode::ServerUnavailable));
    assert_eq!(reason(&mut bench, old), Some(ReasonCode::ServerUnavailable));
    assert_eq!(reason(&mut bench, publisher), Some(ReasonCode::NotAuthorized));
    assert_eq!(reason(&mut bench, subscriber), Some(ReasonCode::NotAuthorized));
    assert_eq!((bench.counters().access_late, bench.open_questions()), (4, 0));
    // Nothing of that is remembered.
    bench.publish(publisher, "slow/1", "again", QoS::AtLeastOnce);
    bench.run();
    hand.answer("publish slow/1", Ok(()));
    hand.answer("publish slow/1", Ok(()));
    bench.run();
    assert_eq!(reason(&mut bench, publisher), Some(ReasonCode::NoMatchingSubscribers));
    bench.publish(bystander, "fast", "x", QoS::AtLeastOnce);
    bench.run();
    assert_eq!(reason(&mut bench, bystander), Some(ReasonCode::NoMatchingSubscribers));
}

#[test]
fn whoever_would_need_one_question_too_many_is_refused_and_counted() {
    let (mut bench, hand) = bounded(1, |access| access.open_questions = 2);
    let bystander = bench.connect(0, v5("bystander"));
    let strangers: Vec<_> = (0..4).map(|number| bench.dial(0, named(v5(&format!("stranger-{number}"))))).collect();
    bench.run();
    assert_eq!(bench.open_questions(), 2);
    let refused = strangers.iter().filter(|peer| reason(&mut bench, **peer) == Some(ReasonCode::ServerUnavailable));
    assert_eq!(refused.count(), 2);
    assert_eq!(bench.counters().access_busy, 2);
    bench.publish(bystander, "slow/1", "x", QoS::AtLeastOnce);
    bench.publish(bystander, "fast", "x", QoS::AtLeastOnce);
    bench.run();
    assert_eq!(reason(&mut bench, bystander), Some(ReasonCode::NotAuthorized));
    assert_eq!(reason(&mut bench, bystander), Some(ReasonCode::NoMatchingSubscribers));
    hand.answer("connect name", Ok(()));
    bench.run();
    bench.publish(bystander, "slow/1", "x", QoS::AtLeastOnce);
    bench.run();
    assert_eq!(bench.open_questions(), 2, "there is a place again");
}

#[test]
fn a_decision_is_asked_for_once_and_again_when_it_has_expired() {
    let (mut bench, hand) = by_hand(1);
    let client = bench.connect(0, v5("client"));
    for (seconds, asks) in [(0, true), (59, false), (1, true)] {
        bench.advance(Duration::from_secs(seconds));
        bench.publish(client, "slow/1", "x", QoS::AtLeastOnce);
        bench.run();
        if asks {
            hand.answer("publish slow/1", Ok(()));
            bench.run();
        }
        assert_eq!(reason(&mut bench, client), Some(ReasonCode::NoMatchingSubscribers));
    }
    assert_eq!((bench.counters().access_asked, bench.counters().access_remembered), (2, 1));
}

#[test]
fn each_filter_of_a_subscribe_has_its_own_outcome() {
    let (mut bench, hand) = by_hand(1);
    let client = bench.connect(0, v5("client"));
    let wish = |filter| SubscribeFilter {
        filter: TopicFilter::new(filter).unwrap(),
        options: SubscriptionOptions { qos: QoS::AtLeastOnce, ..SubscriptionOptions::default() },
    };
    let filters = ["fast", "slow/yes", "no/never", "slow/no"].map(wish).into();
    let packet_id = PacketId::new(9).unwrap();
    bench.send(client, &Packet::Subscribe(Subscribe { packet_id, filters, properties: Properties::EMPTY }));
    bench.run();
    hand.answer("subscribe slow/no", DENIED);
    bench.run();
    assert_eq!(bench.next(client), None);
    hand.answer("subscribe slow/yes", Ok(()));
    bench.run();
    let Some(Packet::SubAck(suback)) = bench.next(client) else { panic!("no SUBACK") };
    let (yes, no) = (ReasonCode::GrantedQos1, ReasonCode::NotAuthorized);
    assert_eq!((suback.packet_id, suback.reasons), (packet_id, vec![yes, yes, no, no]));
    assert_eq!(bench.counters().subscriptions(), 2);
}

#[test]
fn the_silence_of_a_client_that_is_not_heard_does_not_count() {
    // MQTT-3.1.2-22 (MQTT-3.1.2-24 in 3.1.1).
    let (mut bench, hand) = by_hand(1);
    let client = bench.connect(0, Connect { keep_alive: 2, ..v5("client") });
    bench.publish(client, "slow/1", "x", QoS::AtLeastOnce);
    bench.run();
    bench.advance(Duration::from_millis(4900));
    hand.answer("publish slow/1", Ok(()));
    bench.run();
    assert_eq!(reason(&mut bench, client), Some(ReasonCode::NoMatchingSubscribers));
    bench.advance(Duration::from_millis(2900));
    assert!(!bench.is_closed(client));
    bench.advance(Duration::from_millis(200));
    assert!(bench.is_closed(client));
}

#[test]
fn a_will_is_asked_about_when_its_client_connects_and_again_when_it_is_due() {
    let slow = |mut connect: Connect| {
        if let Some(will) = &mut connect.will {
            will.message.topic = protocol::TopicName::new("slow/will").unwrap();
        }
        connect
    };
    for (verdict, expected) in [(Some(Ok(())), 1), (Some(DENIED), 0), (None, 0)] {
        let (mut bench, hand) = bounded(1, |access| access.remembered = 0);
        let watcher = bench.connect(0, v5("watcher"));
        bench.subscribe(watcher, "#", QoS::AtMostOnce);
        let client = bench.dial(0, slow(with_will(v5("client"), "gone", 0, true)));
        bench.run();
        assert_eq!(bench.next(client), None);
        hand.answer("will slow/will", Ok(()));
        bench.run();
        assert_eq!(reason(&mut bench, client), Some(ReasonCode::Success));
        bench.drop_socket(client);
        bench.run();
        assert!(bench.payloads(watcher).is_empty());
        if let Some(verdict) = verdict {
            hand.answer("will slow/will", verdict);
            bench.run();
        }
        bench.advance(Duration::from_secs(5));
        assert_eq!(bench.payloads(watcher).len(), expected);
        assert_eq!(bench.shared.retained.size().0, expected);
        assert_eq!((bench.open_questions(), bench.counters().access_late), (0, u64::from(verdict.is_none())));
    }
}

#[test]
fn a_will_that_is_not_allowed_refuses_its_connect() {
    let (mut bench, _hand) = by_hand(1);
    let mut connect = with_will(v5("client"), "never", 0, false);
    if let Some(will) = &mut connect.will {
        will.message.topic = protocol::TopicName::new("no/will").unwrap();
    }
    let client = bench.dial(0, connect);
    bench.run();
    assert_eq!(reason(&mut bench, client), Some(ReasonCode::NotAuthorized));
    assert!(bench.is_closed(client) && bench.counters().sessions() == 0);
}

#[test]
fn what_may_not_be_received_is_not_delivered_and_what_is_undecided_neither() {
    let (mut bench, hand) = by_hand(2);
    let publisher = bench.connect(0, v5("publisher"));
    let client = bench.connect(1, v5("client"));
    bench.subscribe(client, "+/receive", QoS::AtLeastOnce);
    for payload in ["1", "2"] {
        bench.publish(publisher, "fast/receive", payload, QoS::AtLeastOnce);
        bench.publish(publisher, "slow/receive", payload, QoS::AtLeastOnce);
        bench.run();
        if payload == "1" {
            hand.answer("publish slow/receive", Ok(()));
            bench.run();
            assert_eq!(bench.open_questions(), 1, "about the next message");
            hand.answer("receive slow/receive", Ok(()));
            bench.run();
        }
    }
    assert_eq!(bench.payloads(client), ["1", "2", "2"]);
    assert_eq!(bench.counters().dropped_denied, 1);
}

#[test]
fn a_method_that_is_not_offered_is_refused() {
    // MQTT-4.12.0-1.
    let (mut bench, _hand) = by_hand(1);
    let mut connect = v5("client");
    connect.properties.push(Property::AuthenticationMethod(Utf8String::new("nonsense").unwrap()));
    let client = bench.dial(0, connect);
    bench.run();
    assert_eq!(reason(&mut bench, client), Some(ReasonCode::BadAuthenticationMethod));
    assert!(bench.is_closed(client));
}

#[test]
fn what_waits_when_the_rules_change_is_decided_by_the_new_ones() {
    let (mut bench, hand) = by_hand(1);
    let bystander = bench.connect(0, v5("bystander"));
    bench.subscribe(bystander, "#", QoS::AtLeastOnce);
    let client = bench.connect(0, v5("client"));
    bench.publish(client, "slow/1", "x", QoS::AtLeastOnce);
    let stranger = bench.dial(0, named(v5("stranger")));
    bench.run();
    let newer = Arc::new(ByHand::default());
    bench.set_access(Access::new(newer.clone(), newer.clone()));
    hand.answer("publish slow/1", Ok(()));
    hand.answer("connect name", Ok(()));
    bench.run();
    assert_eq!((bench.payloads(bystander).len(), bench.next(client), bench.next(stranger)), (0, None, None));
    newer.answer("publish slow/1", DENIED);
    newer.answer("connect name", DENIED);
    bench.run();
    for peer in [client, stranger] {
        assert_eq!(reason(&mut bench, peer), Some(ReasonCode::NotAuthorized));
    }
    assert!(bench.payloads(bystander).is_empty());
}
