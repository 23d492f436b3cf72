//! Access rules that change while clients are connected.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use protocol::{Packet, Properties, QoS, ReasonCode};

use super::bench::{Bench, lasting, v5, with_will};
use crate::{Access, Action, Attempt, Authenticate, Authorize, Config, Decision, Identity, Origin, Refusal, Verdict};

/// What is allowed: topics and filters by their first letters.
#[derive(Clone, Debug, Default)]
struct Only {
    publish: &'static [&'static str],
    subscribe: &'static [&'static str],
    receive: Option<&'static [&'static str]>,
    /// A client that may stay no longer.
    banned: &'static str,
}

const EVERYTHING: Only = Only { publish: &[""], subscribe: &[""], receive: None, banned: "nobody" };

impl Authenticate for Only {
    fn connect(&self, attempt: &Attempt<'_>) -> Decision<Result<Identity, Refusal>> {
        let banned = *attempt.client_id == *self.banned;
        Decision::Now(if banned { Err(Refusal::Denied(ReasonCode::NotAuthorized)) } else { Ok(attempt.identity(None)) })
    }

    fn still_admits(&self, identity: &Identity, _: &Origin) -> bool {
        identity.client_id != *self.banned
    }
}

impl Authorize for Only {
    fn checks_receive(&self) -> bool {
        self.receive.is_some()
    }

    fn authorize(&self, who: &Arc<Identity>, action: Action<'_>) -> Decision<Verdict> {
        let (allowed, text) = match action {
            Action::Publish { topic, .. } => (self.publish, topic.as_str()),
            Action::Subscribe { filter, .. } => (self.subscribe, filter.as_str()),
            Action::Receive { topic } => (self.receive.unwrap_or(&[""]), topic.as_str()),
        };
        let allowed = who.client_id == *"bystander" || allowed.iter().any(|start| text.starts_with(start));
        Decision::Now(if allowed { Ok(()) } else { Err(Refusal::Denied(ReasonCode::NotAuthorized)) })
    }
}

fn access(only: Only) -> Access {
    Access::new(Arc::new(only.clone()), Arc::new(only))
}

fn bench(workers: usize) -> Bench {
    Bench::seeded(0, Config { workers, access: access(EVERYTHING), ..Config::default() })
}

#[test]
fn a_subscription_that_is_not_allowed_any_more_delivers_no_more() {
    let mut bench = bench(2);
    let bystander = bench.connect(1, v5("bystander"));
    bench.subscribe(bystander, "#", QoS::AtLeastOnce);
    let client = bench.connect(0, lasting("client", 60));
    for filter in ["a/1", "b/1", "$share/group/b/1"] {
        bench.subscribe(client, filter, QoS::AtLeastOnce);
    }
    let asleep = bench.connect(0, lasting("asleep", 60));
    bench.subscribe(asleep, "b/1", QoS::AtLeastOnce);
    bench.drop_socket(asleep);
    bench.set_access(access(Only { subscribe: &["a"], ..EVERYTHING }));
    for topic in ["a/1", "b/1"] {
        bench.publish(bystander, topic, topic, QoS::AtLeastOnce);
    }
    bench.run();
    assert_eq!(bench.payloads(client), ["a/1"]);
    assert_eq!(bench.payloads(bystander), ["a/1", "b/1"]);
    assert_eq!((bench.counters().subscriptions_revoked, bench.counters().subscriptions()), (3, 2));
    let (asleep, present) = bench.connect_present(1, lasting("asleep", 60));
    assert!(present && bench.payloads(asleep).is_empty());
    // Rights that come back bring back no subscription.
    bench.set_access(access(EVERYTHING));
    bench.publish(bystander, "b/1", "later", QoS::AtLeastOnce);
    bench.run();
    assert_eq!((bench.payloads(client).len(), bench.payloads(bystander).len()), (0, 1));
}

#[test]
fn what_its_publisher_may_not_publish_any_more_is_not_delivered_as_retained() {
    // The class of CVE-2018-12546.
    let mut bench = bench(2);
    let bystander = bench.connect(1, v5("bystander"));
    let client = bench.connect(0, v5("client"));
    for peer in [bystander, client] {
        let topic = if peer == client { "t/client" } else { "t/bystander" };
        bench.publish_with(peer, topic, topic, QoS::AtLeastOnce, true, Properties::EMPTY);
    }
    bench.run();
    bench.set_access(access(Only { publish: &["other"], ..EVERYTHING }));
    let reader = bench.connect(0, v5("reader"));
    bench.subscribe(reader, "t/+", QoS::AtLeastOnce);
    bench.run();
    assert_eq!(bench.payloads(reader), ["t/bystander"]);
    assert_eq!(bench.counters().dropped_denied, 1);
}

#[test]
fn to_ask_about_what_is_retained_counts_toward_the_turn() {
    let mut bench = bench(1);
    let client = bench.connect(0, v5("client"));
    for number in 0..2000 {
        bench.publish_with(client, &format!("t/{number}"), "x", QoS::AtMostOnce, true, Properties::EMPTY);
    }
    bench.run();
    bench.set_access(access(Only { publish: &["other"], ..EVERYTHING }));
    let reader = bench.connect(0, v5("reader"));
    for _ in 0..8 {
        bench.subscribe_quietly(reader, "#", QoS::AtLeastOnce);
    }
    let mut shared = false;
    while bench.step() {
        shared |= bench.has_stalled(0);
    }
    assert!(shared, "one client had a turn for itself");
    assert_eq!((bench.payloads(reader).len(), bench.counters().dropped_denied), (0, 16_000));
}

#[test]
fn a_will_that_its_client_may_not_publish_any_more_is_not_published() {
    let mut bench = bench(1);
    let bystander = bench.connect(0, v5("bystander"));
    bench.subscribe(bystander, "#", QoS::AtLeastOnce);
    let delayed = bench.connect(0, with_will(lasting("delayed", 60), "delayed", 10, true));
    let online = bench.connect(0, with_will(v5("online"), "online", 0, false));
    bench.drop_socket(delayed);
    bench.set_access(access(Only { publish: &["other"], ..EVERYTHING }));
    bench.drop_socket(online);
    bench.advance(Duration::from_secs(60));
    assert!(bench.payloads(bystander).is_empty());
    assert_eq!((bench.counters().dropped_denied, bench.shared.retained.size().0), (2, 0));
}

#[test]
fn a_client_that_may_not_stay_is_told_so_and_the_others_stay() {
    let mut bench = bench(1);
    let (client, bystander) = (bench.connect(0, v5("client")), bench.connect(0, v5("bystander")));
    bench.set_access(access(Only { banned: "client", ..EVERYTHING }));
    let Some(Packet::Disconnect(disconnect)) = bench.next(client) else { panic!("no DISCONNECT") };
    assert_eq!(disconnect.reason, ReasonCode::NotAuthorized);
    assert!(bench.is_closed(client) && !bench.is_closed(bystander));
    assert_eq!(bench.counters().connections_revoked, 1);
}

#[test]
fn a_client_whose_session_is_on_its_way_may_not_stay_either() {
    for steps in 0..12 {
        let mut bench = bench(2);
        let before = bench.connect(0, lasting("client", 60));
        bench.drop_socket(before);
        bench.run();
        let client = bench.dial(1, lasting("client", 60));
        for _ in 0..steps {
            bench.step();
        }
        bench.set_access(access(Only { banned: "client", ..EVERYTHING }));
        assert!(bench.is_closed(client), "after {steps} steps");
    }
}

#[test]
fn what_a_lost_subscription_brought_is_found_without_comparing_all_with_all() {
    const MANY: usize = 4_000;
    let mut bench = bench(1);
    let bystander = bench.connect(0, v5("bystander"));
    let client = bench.connect(0, lasting("client", 60));
    for number in 0..MANY {
        bench.subscribe(client, &format!("a/{number}"), QoS::AtLeastOnce);
    }
    bench.subscribe(client, "b/#", QoS::AtLeastOnce);
    bench.drop_socket(client);
    for number in 0..MANY {
        bench.publish(bystander, &format!("b/{number}"), "x", QoS::AtLeastOnce);
        bench.run();
    }
    bench.publish(bystander, "a/7", "mine", QoS::AtLeastOnce);
    bench.run();
    let start = Instant::now();
    bench.set_access(access(Only { subscribe: &["a"], ..EVERYTHING }));
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    let (client, _) = bench.connect_present(0, lasting("client", 60));
    bench.run();
    assert_eq!((bench.payloads(client), bench.counters().dropped_denied), (vec!["mine".to_owned()], MANY as u64));
}

#[test]
fn decisions_of_the_old_rules_are_forgotten() {
    let mut bench = bench(1);
    let client = bench.connect(0, v5("client"));
    for (publish, expected) in [(&[""][..], ReasonCode::NoMatchingSubscribers), (&["b"], ReasonCode::NotAuthorized)] {
        bench.set_access(access(Only { publish, ..EVERYTHING }));
        bench.publish(client, "a", "x", QoS::AtLeastOnce);
        bench.run();
        let Some(Packet::PubAck(ack)) = bench.next(client) else { panic!("no PUBACK") };
        assert_eq!(ack.reason, expected);
    }
}
