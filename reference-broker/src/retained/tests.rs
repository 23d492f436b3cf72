use std::time::Duration;

use protocol::{Properties, TopicName};

use super::*;

fn message(topic: &str, payload: &'static str) -> Arc<Message> {
    let topic = TopicName::new(topic).unwrap();
    Arc::new(Message { topic, payload: payload.into(), properties: Properties::EMPTY })
}

fn keep(store: &RetainedStore, topic: &str, expires_at: Option<Time>) -> Result<(), Full> {
    let retained = Retained { message: message(topic, "payload"), qos: QoS::AtLeastOnce, expires_at, source: None };
    store.open(Time::ZERO).set(retained)
}

fn topics(store: &RetainedStore, now: Time, filter: &str) -> Vec<String> {
    let mut search = Search { messages: usize::MAX, visits: usize::MAX, ..Search::default() };
    assert!(store.open(now).snapshot().matching(filter, &mut search));
    let mut topics: Vec<_> = search.found.iter().map(|retained| retained.message.topic.as_str().to_owned()).collect();
    topics.sort();
    topics
}

fn store(messages: usize, bytes: usize) -> RetainedStore {
    let limits = Limits { retained_messages: messages, retained_bytes: bytes, ..Limits::default() };
    RetainedStore::new(&limits, &Memory::new(None))
}

#[test]
fn wildcards_find_what_they_match() {
    let store = store(100, 10_000);
    for topic in ["a", "a/b", "a/b/c", "a/c", "/a", "$x/a", "d"] {
        keep(&store, topic, None).unwrap();
    }
    let find = |filter| topics(&store, Time::ZERO, filter);
    assert_eq!(find("a/#"), ["a", "a/b", "a/b/c", "a/c"]);
    assert_eq!(find("a/+"), ["a/b", "a/c"]);
    assert_eq!(find("+"), ["a", "d"]);
    assert_eq!(find("+/a"), ["/a"], "a wildcard at the front does not match $x");
    assert_eq!(find("#"), ["/a", "a", "a/b", "a/b/c", "a/c", "d"]);
    assert_eq!(find("$x/#"), ["$x/a"]);
    assert_eq!(find("a/b/c/+"), [""; 0]);
}

#[test]
fn removed_messages_leave_nothing_behind() {
    let store = store(100, 10_000);
    keep(&store, "a/b/c", None).unwrap();
    keep(&store, "a/b", Some(Time::from_secs(9))).unwrap();
    store.open(Time::ZERO).remove("a/b/c");
    store.open(Time::ZERO).remove("a/b");
    store.open(Time::ZERO).remove("never/was");
    assert_eq!(store.size(), (0, 0));
    let inner = store.inner.lock().unwrap();
    assert!(inner.root.children.is_empty() && inner.expiring.is_empty());
}

#[test]
fn expired_messages_are_gone() {
    let store = store(100, 10_000);
    keep(&store, "soon", Some(Time::from_secs(1))).unwrap();
    keep(&store, "late", Some(Time::from_secs(5))).unwrap();
    assert_eq!(topics(&store, Time::from_millis(999), "#"), ["late", "soon"]);
    assert_eq!(topics(&store, Time::from_secs(1), "#"), ["late"]);
    assert_eq!(store.size().0, 1);
}

#[test]
fn a_replacement_does_not_expire_with_what_it_replaced() {
    let store = store(100, 10_000);
    keep(&store, "a", Some(Time::from_secs(1))).unwrap();
    keep(&store, "a", None).unwrap();
    assert_eq!(topics(&store, Time::from_secs(1).after(Duration::from_secs(9)), "#"), ["a"]);
}

#[test]
fn a_full_store_replaces_but_does_not_grow() {
    let by_count = store(2, 10_000);
    keep(&by_count, "a", None).unwrap();
    keep(&by_count, "b", None).unwrap();
    assert_eq!(keep(&by_count, "c", None), Err(Full));
    keep(&by_count, "a", None).unwrap();
    assert_eq!(by_count.size(), (2, 16));
    let by_bytes = store(100, 20);
    keep(&by_bytes, "a", None).unwrap();
    keep(&by_bytes, "b", None).unwrap();
    assert_eq!(keep(&by_bytes, "c", None), Err(Full));
    by_bytes.open(Time::ZERO).remove("a");
    keep(&by_bytes, "c", None).unwrap();
}

#[test]
fn a_reader_keeps_what_it_took() {
    let store = store(100, 10_000);
    keep(&store, "a/b", None).unwrap();
    let root = store.inner.lock().unwrap().root.clone();
    store.open(Time::ZERO).remove("a/b");
    let mut search = Search { messages: 9, visits: 9, ..Search::default() };
    assert!(root.collect(Some("#"), true, &mut search));
    assert_eq!(search.found.len(), 1);
    assert_eq!(topics(&store, Time::ZERO, "#"), [""; 0]);
}

#[test]
fn a_search_goes_as_far_as_it_may() {
    let store = store(100, 10_000);
    for topic in ["a/1", "a/2", "b/1"] {
        keep(&store, topic, None).unwrap();
    }
    let snapshot = store.open(Time::ZERO).snapshot();
    for (messages, visits, found, all) in [(3, 100, 3, true), (2, 100, 2, false), (9, 2, 0, false), (9, 6, 3, true)] {
        let mut search = Search { messages, visits, ..Search::default() };
        assert_eq!(snapshot.matching("#", &mut search), all, "{messages} {visits}");
        assert_eq!(search.found.len(), found, "{messages} {visits}");
    }
}

#[test]
fn the_charge_of_the_store_is_that_of_what_it_holds() {
    let memory = Memory::new(None);
    let limits = Limits { retained_messages: 2, ..Limits::default() };
    let store = RetainedStore::new(&limits, &memory);
    keep(&store, "a/b", None).unwrap();
    let one = memory.of(Kind::Retained);
    keep(&store, "a/b", Some(Time::from_secs(9))).unwrap();
    assert_eq!(memory.of(Kind::Retained), one, "in place of the other");
    keep(&store, "b", None).unwrap();
    keep(&store, "c", None).unwrap_err();
    assert!(memory.of(Kind::Retained).bytes > one.bytes);
    topics(&store, Time::from_secs(9), "#");
    store.open(Time::ZERO).remove("b");
    assert_eq!(memory.bytes(), 0);
}
