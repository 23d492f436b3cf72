//! The trie against a matcher that is too simple to be wrong.

use std::{collections::BTreeMap, num::NonZeroU32, sync::Arc};

use proptest::prelude::*;
use protocol::QoS;

use super::{Matches, Presence, Routes, SessionKey, Subscription, Target, View};

#[derive(Clone, Debug)]
enum Step {
    Subscribe { session: u32, filter: String, qos: u8, id: u32, no_local: bool },
    Unsubscribe { session: u32, filter: String },
    Publish { publisher: Option<u32>, topic: String },
}

fn target(session: u32) -> Target {
    Target { session: SessionKey { index: session, generation: 1 }, ..Target::default() }
}

fn qos(value: u8) -> QoS {
    [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce][usize::from(value)]
}

/// Whether `filter` matches `topic` by 4.7, level by level (MQTT-3.3.2-3, MQTT-4.7.2-1, MQTT-4.7.3-4).
fn matches_naively(filter: &str, topic: &str) -> bool {
    if topic.starts_with('$') && (filter.starts_with('+') || filter.starts_with('#')) {
        return false;
    }
    let filter: Vec<_> = filter.split('/').collect();
    let topic: Vec<_> = topic.split('/').collect();
    for (at, level) in filter.iter().enumerate() {
        if *level == "#" {
            return true;
        }
        match topic.get(at) {
            Some(name) if *level == "+" || level == name => {}
            _ => return false,
        }
    }
    filter.len() == topic.len()
}

/// Few levels and few names, so that filters overlap; one name has enough siblings for the map to change its shape.
fn level() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => prop::sample::select(vec!["a", "b", "", "$x"]).prop_map(str::to_owned),
        1 => (0..30u32).prop_map(|number| number.to_string()),
    ]
}

fn topic() -> impl Strategy<Value = String> {
    prop::collection::vec(level(), 1..5)
        .prop_map(|levels| levels.join("/"))
        .prop_filter("a topic has a character", |topic| !topic.is_empty())
}

fn filter() -> impl Strategy<Value = String> {
    let level = prop_oneof![3 => level(), 1 => Just("+".to_owned())];
    (prop::collection::vec(level, 1..5), any::<bool>())
        .prop_map(|(mut levels, multi)| {
            if multi {
                levels.push("#".into());
            }
            levels.join("/")
        })
        .prop_filter("a filter has a character", |filter| !filter.is_empty())
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..40u32, filter(), 0..3u8, 0..3u32, any::<bool>()).prop_map(|(session, filter, qos, id, no_local)| {
            Step::Subscribe { session, filter, qos, id, no_local }
        }),
        2 => (0..40u32, filter()).prop_map(|(session, filter)| Step::Unsubscribe { session, filter }),
        3 => (prop::option::of(0..40u32), topic()).prop_map(|(publisher, topic)| Step::Publish { publisher, topic }),
    ]
}

type Known = BTreeMap<(u32, String), (u8, u32, bool)>;

/// Session to highest QoS and sorted identifiers.
fn expected(known: &Known, topic: &str, publisher: Option<u32>) -> BTreeMap<u32, (u8, Vec<u32>)> {
    let mut hits = BTreeMap::<u32, (u8, Vec<u32>)>::new();
    for ((session, filter), (qos, id, no_local)) in known {
        if matches_naively(filter, topic) && !(*no_local && publisher == Some(*session)) {
            let hit = hits.entry(*session).or_default();
            hit.0 = hit.0.max(*qos);
            hit.1.extend((*id > 0).then_some(*id));
        }
    }
    hits.values_mut().for_each(|(_, ids)| ids.sort_unstable());
    hits
}

fn found(view: &View, matches: &mut Matches, topic: &str, publisher: Option<u32>) -> BTreeMap<u32, (u8, Vec<u32>)> {
    view.route(topic, publisher.map(target), matches);
    let hits = matches.hits().iter().map(|hit| {
        let mut ids = hit.identifiers.to_vec();
        ids.sort_unstable();
        (hit.target.session.index, (hit.qos as u8, ids))
    });
    let all: Vec<_> = hits.collect();
    let merged: BTreeMap<_, _> = all.iter().cloned().collect();
    assert_eq!(merged.len(), all.len(), "one delivery for each session");
    merged
}

proptest! {
    #[test]
    fn the_trie_agrees_with_a_naive_matcher(steps in prop::collection::vec(step(), 1..200)) {
        let routes = Routes::default();
        let (mut writer, mut reader, mut matches) = (View::default(), View::default(), Matches::default());
        let presence = Arc::new(Presence::default());
        let mut known = Known::new();
        for step in steps {
            match step {
                Step::Subscribe { session, filter, qos: level, id, no_local } => {
                    let subscription = Subscription {
                        qos: qos(level), no_local, retain_as_published: false, identifier: NonZeroU32::new(id),
                    };
                    let is_new = routes.change(&mut writer, |routes| {
                        routes.subscribe(&filter, target(session), subscription, &presence)
                    });
                    let was = known.insert((session, filter), (level, id, no_local));
                    prop_assert_eq!(is_new, was.is_none());
                }
                Step::Unsubscribe { session, filter } => {
                    let there = routes.change(&mut writer, |routes| routes.unsubscribe(&filter, target(session)));
                    prop_assert_eq!(there, known.remove(&(session, filter)).is_some());
                }
                Step::Publish { publisher, topic } => {
                    let wanted = expected(&known, &topic, publisher);
                    routes.refresh(&mut reader);
                    prop_assert_eq!(found(&reader, &mut matches, &topic, publisher), wanted);
                }
            }
        }
        routes.change(&mut writer, |routes| {
            for (session, filter) in known.keys() {
                assert!(routes.unsubscribe(filter, target(*session)));
            }
        });
        prop_assert!(routes.is_bare(), "nothing is left of removed subscriptions");
    }

    #[test]
    fn a_snapshot_does_not_change(before in prop::collection::vec((0..40u32, filter()), 1..40),
                                  after in prop::collection::vec((0..40u32, filter()), 1..40), topic in topic()) {
        let routes = Routes::default();
        let (mut writer, mut reader, mut matches) = (View::default(), View::default(), Matches::default());
        let presence = Arc::new(Presence::default());
        let subscription = Subscription {
            qos: QoS::AtMostOnce, no_local: false, retain_as_published: false, identifier: None,
        };
        for (session, filter) in &before {
            routes.change(&mut writer, |routes| routes.subscribe(filter, target(*session), subscription, &presence));
        }
        routes.refresh(&mut reader);
        let wanted = found(&reader, &mut matches, &topic, None);
        for (session, filter) in &after {
            routes.change(&mut writer, |routes| routes.subscribe(filter, target(session + 100), subscription, &presence));
            routes.change(&mut writer, |routes| routes.unsubscribe(filter, target(*session)));
        }
        prop_assert_eq!(found(&reader, &mut matches, &topic, None), wanted);
    }
}

fn join(routes: &Routes, view: &mut View, filter: &str, session: u32, online: bool) -> Arc<Presence> {
    let presence = Arc::new(Presence::default());
    presence.set(online);
    let subscription =
        Subscription { qos: QoS::AtLeastOnce, no_local: false, retain_as_published: false, identifier: None };
    routes.change(view, |routes| routes.subscribe(filter, target(session), subscription, &presence));
    presence
}

fn sessions(view: &View, matches: &mut Matches, topic: &str) -> Vec<u32> {
    view.route(topic, None, matches);
    matches.hits().iter().map(|hit| hit.target.session.index).collect()
}

#[test]
fn members_of_a_group_take_turns() {
    let (routes, mut view, mut matches) = (Routes::default(), View::default(), Matches::default());
    for session in 0..3 {
        join(&routes, &mut view, "$share/g/a/+", session, true);
    }
    let turns: Vec<_> = (0..6).flat_map(|_| sessions(&view, &mut matches, "a/b")).collect();
    assert_eq!(turns, [0, 1, 2, 0, 1, 2]);
}

#[test]
fn two_groups_do_not_share_their_turns() {
    let (routes, mut view, mut matches) = (Routes::default(), View::default(), Matches::default());
    for session in 0..2 {
        join(&routes, &mut view, "$share/g/a", session, true);
        join(&routes, &mut view, "$share/h/a", session + 10, true);
    }
    let turns: Vec<_> = (0..4).flat_map(|_| sessions(&view, &mut matches, "a")).collect();
    assert_eq!(turns, [0, 10, 1, 11, 0, 10, 1, 11]);
}

#[test]
fn members_that_are_connected_go_first() {
    let (routes, mut view, mut matches) = (Routes::default(), View::default(), Matches::default());
    join(&routes, &mut view, "$share/g/a", 0, false);
    let one = join(&routes, &mut view, "$share/g/a", 1, true);
    assert_eq!([sessions(&view, &mut matches, "a"), sessions(&view, &mut matches, "a")], [[1], [1]]);
    one.set(false);
    assert_eq!(sessions(&view, &mut matches, "a").len(), 1, "somebody gets it even if nobody is connected");
}

#[test]
fn a_session_gets_its_plain_and_its_shared_match() {
    let (routes, mut view, mut matches) = (Routes::default(), View::default(), Matches::default());
    join(&routes, &mut view, "$share/g/a", 7, true);
    join(&routes, &mut view, "a", 7, true);
    assert_eq!(sessions(&view, &mut matches, "a"), [7, 7]);
}

#[test]
fn a_group_ends_with_its_last_member() {
    let (routes, mut view) = (Routes::default(), View::default());
    join(&routes, &mut view, "$share/g/a/b", 1, true);
    assert!(routes.change(&mut view, |routes| routes.unsubscribe("$share/g/a/b", target(1))));
    assert!(routes.is_bare());
}

#[test]
#[ignore = "a measurement: cargo test --release -p reference-broker -- --ignored --nocapture cost_of"]
fn cost_of_a_publication_by_number_of_subscriptions() {
    for count in [10_u32, 10_000, 1_000_000] {
        let (routes, mut view, mut matches) = (Routes::default(), View::default(), Matches::default());
        let presence = Arc::new(Presence::default());
        let subscription =
            Subscription { qos: QoS::AtMostOnce, no_local: false, retain_as_published: false, identifier: None };
        let started = std::time::Instant::now();
        for number in 0..count {
            let filter = format!("farm/{}/device/{number}/telemetry", number % 100);
            routes.change(&mut view, |routes| routes.subscribe(&filter, target(number), subscription, &presence));
        }
        let subscribing = started.elapsed() / count;
        let topics: Vec<_> = (0..1000_u32)
            .map(|number| number * 7919 % count)
            .map(|number| format!("farm/{}/device/{number}/telemetry", number % 100))
            .collect();
        let started = std::time::Instant::now();
        for topic in topics.iter().cycle().take(1_000_000) {
            view.route(topic, None, &mut matches);
            assert_eq!(matches.hits().len(), 1);
        }
        println!("{count} subscriptions: subscribe {subscribing:?}, route {:?}", started.elapsed() / 1_000_000);
    }
}
