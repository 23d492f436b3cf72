//! What a session carries over to the next connection.

use std::num::NonZeroU16;

use protocol::{QoS, ReasonCode, Tag, Version};
use simulator::{ClientEngine, ClientEvent, EngineKind};

use super::{
    Bench, outgoing,
    support::{
        broker::{Script, Seen},
        watch::event,
    },
};

pub(crate) async fn resumed_session_sends_again_what_was_not_acknowledged(kind: EngineKind, version: Version) {
    for qos in [QoS::AtLeastOnce, QoS::ExactlyOnce] {
        resumed_session_sends_again(kind, version, qos).await;
    }
}

async fn resumed_session_sends_again(kind: EngineKind, version: Version, qos: QoS) {
    let mut bench = Bench::new(kind, version, Script { acknowledge: None, ..Script::default() }).await;
    bench.options.clean_start = false;
    bench.options.session_expiry = 3600;
    let client = bench.connected().await;
    bench.engine.publish(client, outgoing("precious", qos, 9)).unwrap();
    let publish = |seen| match seen {
        Seen::Publish { message, dup, .. } => Some((message.payload, dup)),
        _ => None,
    };
    assert_eq!(bench.seen(publish).await, ("precious".into(), false));
    bench.broker.cut("meter-1");
    bench.closed().await;
    assert_eq!(bench.engine.backlog(client), 1);

    bench.broker.script(|script| script.acknowledge = Some(ReasonCode::Success));
    bench.engine.reconnect(client, None);
    let mut again = false;
    event(&mut bench.engine, |_, event| {
        assert!(!matches!(event, ClientEvent::Written { .. }), "it was written before");
        again |= matches!(event, ClientEvent::Connected { session_present: true, .. });
        matches!(event, ClientEvent::Published { tag: Tag(9), .. }).then_some(())
    })
    .await;
    assert!(again);
    let (payload, dup) = bench.seen(publish).await;
    // MQTT-3.3.1-1, which rumqttc breaks.
    assert_eq!((payload, dup), ("precious".into(), kind == EngineKind::Native));
    assert_eq!(bench.engine.backlog(client), 0);
}

pub(crate) async fn lost_session_drops_what_was_in_flight(kind: EngineKind, version: Version) {
    let script = Script { acknowledge: None, keep_sessions: false, ..Script::default() };
    let mut bench = Bench::new(kind, version, script).await;
    bench.options.clean_start = false;
    bench.options.session_expiry = 3600;
    bench.options.maximum_inflight = NonZeroU16::MIN;
    let client = bench.connected().await;
    // The second waits for the acknowledgement of the first.
    bench.engine.publish(client, outgoing("in flight", QoS::AtLeastOnce, 1)).unwrap();
    bench.engine.publish(client, outgoing("waits", QoS::AtLeastOnce, 2)).unwrap();
    bench.seen(|seen| matches!(seen, Seen::Publish { .. }).then_some(())).await;
    bench.broker.cut("meter-1");
    bench.closed().await;
    bench.engine.reconnect(client, None);
    let mut told = Vec::new();
    event(&mut bench.engine, |_, event| {
        match event {
            ClientEvent::Connected { session_present, .. } => assert!(!session_present),
            ClientEvent::Dropped { tag } => told.push((tag.0, "dropped")),
            ClientEvent::Written { tag, .. } => told.push((tag.0, "written")),
            other => panic!("{other:?}"),
        }
        (told.len() == 2).then_some(())
    })
    .await;
    // The library gives up what was never written, too.
    let second = if kind == EngineKind::Native { "written" } else { "dropped" };
    assert_eq!(told, [(1, "dropped"), (2, second)]);
}

/// The library cannot: see the faults that its engine's text lists.
#[tokio::test]
async fn resumed_session_releases_what_was_received() {
    for version in [Version::V311, Version::V5] {
        let script = Script { cut_on_publish: true, ..Script::default() };
        let mut bench = Bench::new(EngineKind::Native, version, script).await;
        bench.options.clean_start = false;
        bench.options.session_expiry = 3600;
        let client = bench.connected().await;
        bench.engine.publish(client, outgoing("once", QoS::ExactlyOnce, 4)).unwrap();
        bench.closed().await;
        assert_eq!(bench.engine.backlog(client), 1, "PUBCOMP is owed");

        bench.engine.reconnect(client, None);
        let (mut resumed, mut published) = (false, 0);
        event(&mut bench.engine, |_, event| {
            resumed |= matches!(event, ClientEvent::Connected { session_present: true, .. });
            published += u32::from(matches!(event, ClientEvent::Published { tag: Tag(4), .. }));
            (published == 1).then_some(())
        })
        .await;
        assert!(resumed);
        bench.engine.disconnect(client);
        bench.closed().await;
        let (mut publishes, mut ends) = (0, 0);
        bench
            .seen(|seen| {
                publishes += u32::from(matches!(seen, Seen::Publish { .. }));
                ends += u32::from(matches!(seen, Seen::Closed { .. }));
                (ends == 2).then_some(())
            })
            .await;
        assert_eq!(publishes, 1, "MQTT-4.3.3-1: released, not sent again");
    }
}
