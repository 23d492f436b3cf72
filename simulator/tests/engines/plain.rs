//! Plain messages, whose bytes the owner keeps, and those that are heard of together.

use std::str::from_utf8;

use protocol::{QoS, ReasonCode, Tag, TopicName, Version, client::PlainPublish};
use simulator::{ClientEngine, ClientEvent, EngineKind};

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
