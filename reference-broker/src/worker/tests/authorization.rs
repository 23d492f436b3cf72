//! Topic rules on every way that a message takes, and the classes of flaws that brokers had there. A bystander, who may
//! do everything, is undisturbed in each.

use std::{sync::Arc, time::Duration};

use protocol::{Connect, Packet, Properties, QoS, ReasonCode, TopicName, Utf8String};

use super::bench::{Bench, PeerId, lasting, v5, with_will};
use crate::{
    Access, AllowAll, Attempt, Authenticate, Config, Decision, Identity, Refusal,
    access::{Deed, Effect, Groups, Rule, Rules, Topics, Who},
};

/// Believes everybody, and lets nobody have the session of another.
#[derive(Debug)]
struct Believer;

impl Authenticate for Believer {
    fn connect(&self, attempt: &Attempt<'_>) -> Decision<Result<Identity, Refusal>> {
        AllowAll.connect(attempt)
    }

    fn sessions_are_personal(&self) -> bool {
        true
    }
}

/// `allow publish a/+` and the like, for everybody; the user `bystander` may do everything, and nobody else anything more.
fn access(rules: &[&str]) -> Access {
    let everything = Rule {
        effect: Effect::Allow,
        who: vec![Who::User("bystander".into())],
        deed: Deed::All,
        topics: Topics::All,
        qos: None,
        retain: None,
    };
    let rules = rules.iter().map(|words| {
        let words: Vec<_> = words.split(' ').collect();
        let [effect, deed, topics] = words[..] else { panic!("{words:?}") };
        let deed = match deed {
            "publish" => Deed::Publish,
            "subscribe" => Deed::Subscribe,
            "receive" => Deed::Receive,
            _ => Deed::All,
        };
        let effect = if effect == "allow" { Effect::Allow } else { Effect::Deny };
        Rule {
            effect,
            who: Vec::new(),
            deed,
            topics: Topics::Matching(topics.parse().unwrap()),
            qos: None,
            retain: None,
        }
    });
    let rules = Rules::new([everything].into_iter().chain(rules).collect(), Groups::new(), Effect::Deny);
    Access::new(Arc::new(Believer), Arc::new(rules))
}

fn user(name: &str, connect: Connect) -> Connect {
    Connect { user_name: Some(Utf8String::new(name).unwrap()), ..connect }
}

/// A broker with these rules, and a bystander that subscribed to everything.
fn bench(workers: usize, rules: &[&str]) -> (Bench, PeerId) {
    let mut bench = Bench::seeded(0, Config { workers, access: access(rules), ..Config::default() });
    let bystander = bench.connect(0, user("bystander", v5("bystander")));
    assert_eq!(bench.subscribe(bystander, "#", QoS::AtLeastOnce), ReasonCode::GrantedQos1);
    (bench, bystander)
}

fn publish(bench: &mut Bench, peer: PeerId, topic: &str, payload: &str) -> ReasonCode {
    bench.publish(peer, topic, payload, QoS::AtLeastOnce);
    bench.run();
    loop {
        match bench.next(peer) {
            Some(Packet::PubAck(ack)) => return ack.reason,
            Some(Packet::Publish(_)) => {}
            other => panic!("no PUBACK: {other:?}"),
        }
    }
}

fn assert_undisturbed(bench: &mut Bench, bystander: PeerId) {
    bench.payloads(bystander);
    bench.publish(bystander, "check", "undisturbed", QoS::AtLeastOnce);
    bench.run();
    assert_eq!(bench.payloads(bystander), ["undisturbed"]);
}

const NO: ReasonCode = ReasonCode::NotAuthorized;
const YES: ReasonCode = ReasonCode::GrantedQos1;

/// CVE-2017-7650, NanoMQ #2344, CVE-2026-44838: names in rules are names, never wildcards, paths or expressions.
#[test]
fn a_name_in_a_rule_reaches_no_topic_of_another() {
    for hostile in ["+", "#", "victim/..", ".*", "[a-z]+", "%c", "$share", "victim\u{301}"] {
        let (mut bench, bystander) = bench(1, &["allow all home/%u/%c/#"]);
        let (victim, attacker) =
            (bench.connect(0, user("victim", v5("victim"))), bench.connect(0, user(hostile, v5(hostile))));
        assert_eq!(bench.subscribe(victim, "home/victim/victim/#", QoS::AtLeastOnce), YES);
        for filter in
            ["home/+/+/#", "home/#", "#", "home/victim/victim/#", "home/victim/+/x", "$share/g/home/victim/victim/#"]
        {
            assert_eq!(bench.subscribe(attacker, filter, QoS::AtLeastOnce), NO, "{hostile}: {filter}");
        }
        assert_eq!(publish(&mut bench, attacker, "home/victim/victim/door", "open"), NO);
        assert_eq!(publish(&mut bench, bystander, "home/victim/victim/door", "closed"), ReasonCode::Success);
        assert_eq!((bench.payloads(victim), bench.payloads(attacker).len()), (vec!["closed".to_owned()], 0));
        assert_undisturbed(&mut bench, bystander);
    }
}

/// CVE-2018-12550: rules that are there and say nothing allow nothing.
#[test]
fn without_a_rule_that_allows_it_nothing_is_allowed() {
    let (mut bench, bystander) = bench(1, &[]);
    let client = bench.connect(0, v5("client"));
    assert_eq!(publish(&mut bench, client, "t", "x"), NO);
    assert_eq!(bench.subscribe(client, "t", QoS::AtLeastOnce), NO);
    let will = bench.dial(0, with_will(v5("will"), "x", 0, true));
    bench.run();
    assert!(matches!(bench.next(will), Some(Packet::ConnAck(connack)) if connack.reason == NO));
    assert!(bench.payloads(bystander).is_empty() && bench.shared.retained.size().0 == 0);
    assert_undisturbed(&mut bench, bystander);
}

/// CVE-2026-33217: topics that begin with `$` are no way around the rules, and wildcards do not open them.
#[test]
fn dollar_topics_are_ruled_too() {
    let (mut bench, bystander) = bench(1, &["allow all #"]);
    let client = bench.connect(0, v5("client"));
    for filter in ["$SYS/#", "$SYS/broker/uptime", "$MQTT/x", "$share/g/$SYS/#"] {
        assert_eq!(bench.subscribe(client, filter, QoS::AtLeastOnce), NO, "{filter}");
    }
    assert_eq!(publish(&mut bench, client, "$SYS/broker/uptime", "x"), NO);
    assert_eq!(bench.subscribe(client, "#", QoS::AtLeastOnce), YES);
    assert_undisturbed(&mut bench, bystander);
}

/// NATS 2026-18: a shared subscription is a subscription to its filter.
#[test]
fn a_shared_subscription_is_no_way_around_a_denial() {
    let (mut bench, bystander) = bench(2, &["deny all secret/#", "allow all #"]);
    let client = bench.connect(1, v5("client"));
    for filter in ["$share/g/secret/x", "$share/g/#", "$share/secret/+/x", "$share/g/+/x"] {
        assert_eq!(bench.subscribe(client, filter, QoS::AtLeastOnce), NO, "{filter}");
    }
    assert_eq!(bench.subscribe(client, "$share/secret/open/#", QoS::AtLeastOnce), YES);
    publish(&mut bench, bystander, "secret/x", "secret");
    publish(&mut bench, bystander, "open/x", "open");
    assert_eq!(bench.payloads(client), ["open"]);
    assert_undisturbed(&mut bench, bystander);
}

/// NATS 2026-26 and the rest of that class: what may not be received arrives on no path.
#[test]
fn what_may_not_be_received_arrives_neither_live_retained_queued_shared_nor_as_a_will() {
    let (mut bench, bystander) = bench(2, &["deny receive +/secret", "allow all #"]);
    bench.publish_with(bystander, "retained/secret", "no", QoS::AtLeastOnce, true, Properties::EMPTY);
    bench.publish_with(bystander, "retained/open", "retained", QoS::AtLeastOnce, true, Properties::EMPTY);
    bench.run();
    let client = bench.connect(1, lasting("client", 60));
    for filter in ["retained/+", "live/+", "will/#"] {
        assert_eq!(bench.subscribe(client, filter, QoS::AtLeastOnce), YES);
    }
    let member = bench.connect(0, v5("member"));
    bench.subscribe(member, "$share/g/shared/#", QoS::AtLeastOnce);
    for topic in ["live/secret", "live/open", "shared/secret", "shared/open"] {
        publish(&mut bench, bystander, topic, topic);
    }
    let mut connect = with_will(v5("dying"), "no", 0, false);
    if let Some(will) = &mut connect.will {
        will.message.topic = TopicName::new("will/secret").unwrap();
    }
    let dying = bench.connect(0, connect);
    bench.drop_socket(dying);
    bench.run();
    assert_eq!(bench.payloads(client), ["retained", "live/open"]);
    assert_eq!(bench.payloads(member), ["shared/open"]);
    bench.drop_socket(client);
    for topic in ["live/secret", "live/open"] {
        publish(&mut bench, bystander, topic, "queued");
    }
    let (client, present) = bench.connect_present(0, lasting("client", 60));
    assert!(present);
    assert_eq!(bench.payloads(client), ["queued"]);
    assert_undisturbed(&mut bench, bystander);
}

/// CVE-2021-34434 and NATS 2026-26: after a right is taken back, neither what waits nor what was sent before arrives.
#[test]
fn what_was_queued_or_in_flight_when_a_right_was_taken_back_is_not_sent_again() {
    for (before, after) in [
        (&["allow all #"][..], &["deny subscribe secret", "allow all #"][..]),
        (&["allow all #"], &["deny receive secret", "allow all #"]),
    ] {
        for worker in [0, 1] {
            let (mut bench, bystander) = bench(2, before);
            let receive_maximum = protocol::Property::ReceiveMaximum(3);
            let mut connect = lasting("client", 60);
            connect.properties.push(receive_maximum);
            let client = bench.connect(0, connect.clone());
            bench.silence(client);
            bench.subscribe(client, "secret", QoS::ExactlyOnce);
            bench.subscribe(client, "open", QoS::ExactlyOnce);
            for (topic, qos) in [
                ("open", QoS::ExactlyOnce),
                ("secret", QoS::ExactlyOnce),
                ("secret", QoS::AtLeastOnce),
                ("secret", QoS::ExactlyOnce),
                ("open", QoS::AtLeastOnce),
            ] {
                bench.publish(bystander, topic, topic, qos);
                bench.run();
            }
            assert_eq!(bench.payloads(client), ["open", "secret", "secret"], "three in flight, two wait");
            bench.set_access(access(after));
            bench.drop_socket(client);
            let (client, present) = bench.connect_present(worker, connect);
            assert!(present);
            bench.run();
            assert_eq!(bench.payloads(client), ["open", "open"], "on worker {worker}");
            assert_eq!(bench.counters().dropped_denied, 3);
            // The identifiers are free again, and everything else goes on.
            for number in 0..10 {
                bench.publish(bystander, "open", &number.to_string(), QoS::ExactlyOnce);
                bench.run();
            }
            assert_eq!(bench.payloads(client).len(), 10);
            assert_undisturbed(&mut bench, bystander);
        }
    }
}

/// CVE-2026-33215, CVE-2026-6564: who knows a Client Identifier has neither its session nor a way to end it.
#[test]
fn a_session_can_neither_be_taken_over_nor_ended_by_another_user() {
    for worker in [0, 1] {
        for online in [true, false] {
            let (mut bench, bystander) = bench(2, &["allow all #"]);
            let mut victim = bench.connect(0, user("victim", with_will(lasting("same", 60), "gone", 0, false)));
            bench.subscribe(victim, "t", QoS::AtLeastOnce);
            if !online {
                bench.drop_socket(victim);
                bench.run();
                assert_eq!(bench.payloads(bystander), ["gone"]);
            }
            for stranger in [
                user("stranger", v5("same")),
                user("stranger", lasting("same", 60)),
                lasting("same", 60),
                with_will(v5("same"), "stranger's", 0, false),
            ] {
                let stranger = bench.dial(worker, stranger);
                bench.run();
                assert!(matches!(bench.next(stranger), Some(Packet::ConnAck(connack)) if connack.reason == NO));
                assert!(bench.is_closed(stranger));
            }
            assert_eq!(bench.is_closed(victim), !online);
            publish(&mut bench, bystander, "t", "mine");
            if !online {
                let (back, present) = bench.connect_present(worker, user("victim", lasting("same", 60)));
                assert!(present);
                victim = back;
            }
            assert_eq!(bench.payloads(victim), ["mine"]);
            bench.advance(Duration::from_secs(1));
            assert!(bench.payloads(bystander).is_empty(), "no Will of anybody");
            assert_undisturbed(&mut bench, bystander);
        }
    }
}

/// Moquette #689: what its publisher may not retain is not retained, whatever else is allowed.
#[test]
fn a_right_to_publish_may_exclude_retain() {
    let rule =
        |effect, retain| Rule { effect, who: Vec::new(), deed: Deed::Publish, topics: Topics::All, qos: None, retain };
    let rules = vec![rule(Effect::Deny, Some(true)), rule(Effect::Allow, None)];
    let access = Access::new(Arc::new(AllowAll), Arc::new(Rules::new(rules, Groups::new(), Effect::Deny)));
    let mut bench = Bench::seeded(0, Config { workers: 1, access, ..Config::default() });
    let client = bench.connect(0, v5("client"));
    bench.publish_with(client, "t", "x", QoS::AtLeastOnce, true, Properties::EMPTY);
    bench.publish_with(client, "t", "x", QoS::AtLeastOnce, false, Properties::EMPTY);
    bench.run();
    let reasons = [bench.next(client), bench.next(client)].map(|packet| match packet {
        Some(Packet::PubAck(ack)) => ack.reason,
        other => panic!("{other:?}"),
    });
    assert_eq!(reasons, [NO, ReasonCode::NoMatchingSubscribers]);
    assert_eq!(bench.shared.retained.size().0, 0);
    let will = bench.dial(0, with_will(v5("will"), "x", 0, true));
    bench.run();
    assert!(matches!(bench.next(will), Some(Packet::ConnAck(connack)) if connack.reason == NO));
}
