//! What it costs to find who wants a message, and what is retained, among few and many.
//!
//! Both stores are private. Their files are compiled here once more, as the broker has them; nothing is made public for
//! a measurement.
#![expect(unused, reason = "the files are whole, with their tests, and a measurement needs some of them")]
#![expect(clippy::unwrap_used, reason = "a broken benchmark may panic")]

#[path = "../src"]
mod source {
    pub(crate) mod children;
    pub(crate) mod memory;
    pub(crate) mod retained;
    pub(crate) mod routing;
    pub(crate) mod sync;
}

/// What the files call `crate::access`: nobody published what is retained here.
mod access {
    #[derive(Clone, Debug)]
    pub(crate) struct Identity;

    impl Identity {
        pub(crate) fn weight(&self) -> usize {
            0
        }
    }
}

use std::{hint::black_box, sync::Arc, time::Duration};

use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use protocol::{Message, Properties, QoS, Time, TopicName};
use reference_broker::{Limits, Overlap};
use source::{
    children, memory,
    retained::{Retained, RetainedStore, Search},
    routing::{self, Matches, Presence, Routes, SessionKey, Subscription, Target, View},
    sync,
};

const COUNTS: [u32; 3] = [10, 10_000, 1_000_000];
/// How many topics are asked for in turn: what one costs that is in the cache, and what many cost that are not.
const ASKED: [u32; 3] = [1, 1_000, 100_000];

/// A tree as farms have it: a hundred sites, and as many devices below each as there must be.
fn topic(number: u32) -> String {
    format!("farm/{}/device/{number}/telemetry", number % 100)
}

/// Some of `count` topics, far apart from each other.
fn spread(asked: u32, count: u32) -> Vec<String> {
    (0..asked).map(|number| topic((u64::from(number) * 7919 % u64::from(count)) as u32)).collect()
}

/// One subscriber for each of `count` topics; each message has one receiver.
fn subscribed(count: u32) -> View {
    let (routes, mut view) = (Routes::default(), View::default());
    let presence = Arc::new(Presence::default());
    let subscription =
        Subscription { qos: QoS::AtMostOnce, no_local: false, retain_as_published: false, identifier: None };
    for number in 0..count {
        let session = SessionKey { index: number, generation: 0 };
        let target = Target { session, ..Target::default() };
        routes.change(&mut view, |routes| routes.subscribe(&topic(number), target, subscription, &presence));
    }
    view
}

fn routes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("find the receiver of a message");
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    for count in COUNTS {
        let view = subscribed(count);
        let mut matches = Matches::new(Overlap::Merged);
        for asked in ASKED.into_iter().filter(|asked| *asked <= count) {
            let topics = spread(asked, count);
            let mut next = topics.iter().cycle();
            group.bench_function(format!("among {count} subscriptions, {asked} topics in turn"), |bencher| {
                bencher.iter(|| {
                    view.route(next.next().unwrap(), None, &mut matches);
                    assert_eq!(matches.hits().len(), 1);
                });
            });
        }
    }
    group.finish();
}

fn retained_messages(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("find the retained message of a topic");
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    let now = Time::from_secs(1);
    for count in COUNTS {
        let limits = Limits { retained_messages: 1_000_000, retained_bytes: 1 << 30, ..Limits::default() };
        let store = RetainedStore::new(&limits, &memory::Memory::new(None));
        for number in 0..count {
            let topic = TopicName::new(topic(number)).unwrap();
            let message = Message { topic, payload: Bytes::from_static(&[0; 64]), properties: Properties::EMPTY };
            let (message, qos) = (Arc::new(message), QoS::AtMostOnce);
            store.open(now).set(Retained { message, qos, expires_at: None, source: None }).unwrap();
        }
        let topics = spread(1_000.min(count), count);
        let mut next = topics.iter().cycle();
        group.bench_function(format!("among {count} messages, 1,000 topics in turn"), |bencher| {
            bencher.iter(|| {
                let mut search = Search { messages: 10, visits: 1_000, ..Search::default() };
                let all = store.open(now).snapshot().matching(next.next().unwrap(), &mut search);
                assert!(all && search.found.len() == 1);
                black_box(search);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, routes, retained_messages);
criterion_main!(benches);
