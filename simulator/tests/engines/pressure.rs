//! Clients that can take no more.

use protocol::{QoS, Time, Version};
use simulator::{
    ClientEngine, ClientEvent, EngineKind,
    engine::{Closed, Unsent},
};

use super::{
    Bench, outgoing,
    support::{
        broker::{Script, Seen},
        watch::event,
    },
};

pub(crate) async fn full_queue_takes_nothing(kind: EngineKind, version: Version) {
    let mut bench = Bench::new(kind, version, Script { connack: None, ..Script::default() }).await;
    bench.options.queue_limit = 2;
    let client = bench.engine.connect(bench.options.clone());
    for tag in [1, 2] {
        assert!(bench.engine.takes(client));
        assert_eq!(bench.engine.publish(client, outgoing("taken", QoS::AtLeastOnce, tag)), Ok(()));
    }
    assert!(!bench.engine.takes(client));
    assert_eq!(bench.engine.publish(client, outgoing("lost", QoS::AtLeastOnce, 3)), Err(Unsent::Full));
}

#[tokio::test]
async fn broker_that_does_not_read_fills_the_client_and_abandoning_drops_what_waits() {
    let mut bench = Bench::new(EngineKind::Native, Version::V5, Script { read: false, ..Script::default() }).await;
    let client = bench.connected().await;
    let large: &'static str = "x".repeat(256 * 1024).leak();
    let (mut taken, mut written) = (0, 0);
    while bench.engine.takes(client) {
        assert_eq!(bench.engine.publish(client, outgoing(large, QoS::AtMostOnce, taken)), Ok(()));
        taken += 1;
        assert!(taken < 1000, "no socket holds 250 MiB");
        bench.engine.turn(Time::ZERO).await;
        while let Some((_, event)) = bench.engine.poll_event() {
            if let ClientEvent::Written { count, .. } = event {
                written += u64::from(count);
            }
        }
    }
    assert_eq!(bench.engine.publish(client, outgoing(large, QoS::AtMostOnce, taken)), Err(Unsent::Full));
    assert!(written < taken, "{written} of {taken}");

    bench.engine.abandon(client);
    let cause = event(&mut bench.engine, |_, event| match event {
        ClientEvent::Closed(cause) => Some(cause.clone()),
        other => panic!("{other:?} after it was abandoned"),
    });
    assert_eq!(cause.await, Closed::Abandoned);
    bench.broker.read("meter-1");
    let mut arrived = 0;
    bench
        .seen(|seen| {
            arrived += u64::from(matches!(seen, Seen::Publish { .. }));
            matches!(seen, Seen::Closed { .. }).then_some(())
        })
        .await;
    assert!(written <= arrived && arrived < taken, "{arrived} of {taken}, {written} written");
}
