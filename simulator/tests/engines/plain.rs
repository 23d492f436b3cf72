//! Plain messages, whose bytes the owner keeps, and those that are heard of together.

use std::{iter, num::NonZeroU16, str::from_utf8, time::Duration};

use protocol::{QoS, ReasonCode, Tag, Time, TopicName, Version, client::PlainPublish};
use simulator::{ClientEngine, ClientEvent, Engine, EngineKind, engine::Closed};
use tokio::time::timeout;

use super::{
    Bench,
    support::{
        broker::{Script, Seen},
        watch::event,
    },
};

pub(crate) async fn plain_publications_are_written_and_acknowledged(kind: EngineKind, version: Version) {
    // What a session keeps goes another way than what ends with the connection.
    for clean_start in [true, false] {
        let mut bench = Bench::new(kind, version, Script::default()).await;
        bench.options.clean_start = clean_start;
        bench.options.session_expiry = 3600;
        let client = bench.connected().await;
        let topic = TopicName::new("farm/barn_1/data").unwrap();
        let qualities = [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::AtLeastOnce, QoS::ExactlyOnce];
        for (tag, qos) in (0..).zip(qualities) {
            let payload = [b'0' + tag as u8];
            let plain = PlainPublish { topic: &topic, payload: &payload, qos, retain: true, tag: Some(Tag(tag)) };
            bench.engine.publish_plain(client, &plain).unwrap();
        }
        let (mut written, mut published) = (Vec::new(), Vec::new());
        event(&mut bench.engine, |_, event| {
            match event {
                ClientEvent::Written { tag, count, .. } => written.extend((tag.0..).take(*count as usize)),
                ClientEvent::Published { tag, count, reason: ReasonCode::Success, .. } => {
                    published.extend((tag.0..).take(*count as usize));
                }
                other => panic!("{other:?}"),
            }
            (published.len() == 4).then_some(())
        })
        .await;
        published.sort_unstable();
        if kind == EngineKind::Rumqttc {
            written.sort_unstable();
        }
        assert_eq!((&written[..], &published[..]), (&[0, 1, 2, 3][..], &[0, 1, 2, 3][..]));
        for (expected, qos) in ["0", "1", "2", "3"].into_iter().zip(qualities) {
            let seen = bench.seen(|seen| match seen {
                Seen::Publish { message, qos, .. } => Some((message.topic, message.payload, qos)),
                _ => None,
            });
            assert_eq!(seen.await, (topic.clone(), expected.into(), qos));
        }
        assert_eq!(bench.engine.backlog(client), 0);
    }
}

#[tokio::test]
async fn plain_messages_are_told_together_and_others_one_by_one() {
    for version in [Version::V311, Version::V5] {
        let mut bench = Bench::new(EngineKind::Native, version, Script::default()).await;
        bench.options.bunches = true;
        bench.connected().await;
        let texts = ["a", "b", "c", "d"];
        let qualities = [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce, QoS::AtLeastOnce];
        for (text, qos) in texts.into_iter().zip(qualities) {
            bench.broker.deliver("meter-1", "farm/barn_1/config", text, qos, true);
        }
        let (mut heard, mut bunches) = (Vec::new(), 0);
        event(&mut bench.engine, |_, event| {
            match event {
                ClientEvent::Arrived { arrivals, .. } => {
                    bunches += 1;
                    for one in arrivals.iter() {
                        assert_eq!((one.topic, one.retain, one.dup), (&b"farm/barn_1/config"[..], true, false));
                        heard.push((from_utf8(one.payload).unwrap().to_owned(), one.qos));
                    }
                }
                ClientEvent::Message { message, qos, .. } => {
                    // What comes while a QoS 2 message is unfinished is looked at more closely.
                    assert!(heard.len() >= 2, "{message:?}");
                    heard.push((from_utf8(&message.payload).unwrap().to_owned(), *qos));
                }
                other => panic!("{other:?}"),
            }
            (heard.len() == texts.len()).then_some(())
        })
        .await;
        let expected: Vec<_> = texts.map(str::to_owned).into_iter().zip(qualities).collect();
        assert_eq!(heard, expected);
        assert!((1..=3).contains(&bunches), "{bunches}");
    }
}

#[tokio::test]
async fn as_many_of_a_run_leave_as_the_flow_control_lets() {
    for (version, clean_start) in [(Version::V311, true), (Version::V5, true), (Version::V5, false)] {
        let mut bench = Bench::new(EngineKind::Native, version, Script::default()).await;
        bench.options.clean_start = clean_start;
        bench.options.session_expiry = 3600;
        bench.options.maximum_inflight = NonZeroU16::new(3).unwrap();
        let client = bench.connected().await;
        let topic = TopicName::new("farm/barn_1/data").unwrap();
        let plain =
            PlainPublish { topic: &topic, payload: b"0", qos: QoS::AtLeastOnce, retain: false, tag: Some(Tag(7)) };
        let taken = bench.engine.publish_plain_run(client, &plain, 5, &mut |payload| payload[0] += 1);
        // What a session keeps is handed over one by one.
        assert_eq!(taken, if clean_start { 3 } else { 0 });
        let mut ended = 0;
        if taken > 0 {
            event(&mut bench.engine, |_, event| {
                match event {
                    ClientEvent::Written { tag, count, .. } => assert_eq!((*tag, *count), (Tag(7), 3)),
                    ClientEvent::Published { tag, count, reason: ReasonCode::Success, .. } => {
                        assert_eq!(*tag, Tag(7 + u64::from(ended)));
                        ended += count;
                    }
                    other => panic!("{other:?}"),
                }
                (ended == 3).then_some(())
            })
            .await;
        }
        for expected in ["0", "1", "2"].into_iter().take(ended as usize) {
            let seen = bench.seen(|seen| match seen {
                Seen::Publish { message, .. } => Some(message.payload),
                _ => None,
            });
            assert_eq!(seen.await, expected);
        }
        assert_eq!(bench.engine.backlog(client), 0);
    }
}

#[tokio::test]
async fn traffic_does_not_end_a_turn_that_lingers() {
    let mut bench = Bench::new(EngineKind::Native, Version::V5, Script::default()).await;
    let client = bench.connected().await;
    let topic = TopicName::new("farm/barn_1/data").unwrap();
    let publish = |engine: &mut Engine, tag, qos| {
        let plain = PlainPublish { topic: &topic, payload: b"0", qos, retain: false, tag: Some(Tag(tag)) };
        engine.publish_plain(client, &plain).unwrap();
    };

    let engine = &mut bench.engine;
    publish(engine, 0, QoS::AtLeastOnce);
    let until = engine.clock().now().after(Duration::from_millis(300));
    engine.linger(until).await;
    assert!(engine.clock().now() >= until);
    let mut told = Vec::new();
    while let Some((_, event)) = engine.poll_event() {
        match event {
            ClientEvent::Written { at, .. } | ClientEvent::Published { at, .. } => told.push(at),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(told.len(), 2);
    assert!(told[0] <= told[1] && told[1] < until, "{told:?} before {until:?}");

    // Much of it does, and so does anything else.
    const DEADLINE: Duration = Duration::from_secs(20);
    let never = Time::from_nanos(u64::MAX);
    (0..200).for_each(|n| publish(engine, 2 * n, QoS::AtMostOnce));
    timeout(DEADLINE, engine.linger(never)).await.unwrap();
    assert_eq!(iter::from_fn(|| engine.poll_event()).count(), 400);
    engine.disconnect(client);
    timeout(DEADLINE, engine.linger(never)).await.unwrap();
    assert!(matches!(engine.poll_event(), Some((_, ClientEvent::Closed(Closed::Disconnected)))));
}
