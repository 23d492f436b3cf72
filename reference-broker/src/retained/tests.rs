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
    let mut found = Vec::new();
    store.open(now).snapshot().matching(filter, &mut found);
    let mut topics: Vec<_> = found.iter().map(|retained| retained.message.topic.as_str().to_owned()).collect();
    topics.sort();
    topics
}

fn store(messages: usize, bytes: usize) -> RetainedStore {
    RetainedStore::new(&Limits { retained_messages: messages, retained_bytes: bytes, ..Limits::default() })
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
    let mut found = Vec::new();
    root.collect(Some("#"), true, &mut found);
    assert_eq!(found.len(), 1);
    assert_eq!(topics(&store, Time::ZERO, "#"), [""; 0]);
}
