//! Both engines in one value.

use std::{collections::BTreeSet, time::Duration};

use protocol::{QoS, Utf8String, Version};
use simulator::{ClientEngine, ClientEvent, EngineKind};

use super::{
    Bench, outgoing,
    support::{
        broker::{Script, Seen},
        watch::{PATIENCE, event},
    },
};

/// Neither engine may keep the other waiting, whichever of them has something to tell.
#[tokio::test]
async fn clients_of_both_engines_share_one_value() {
    let mut bench = Bench::new(EngineKind::Native, Version::V5, Script::default()).await;
    let mut clients = Vec::new();
    for (name, engine) in [
        ("rumqttc-1", EngineKind::Rumqttc),
        ("native-1", EngineKind::Native),
        ("rumqttc-2", EngineKind::Rumqttc),
        ("native-2", EngineKind::Native),
    ] {
        bench.options.engine = engine;
        bench.options.client_id = Utf8String::new(name).unwrap();
        clients.push((name, bench.connected().await));
    }
    let slots: BTreeSet<_> = clients.iter().map(|(_, client)| client.slot()).collect();
    assert_eq!(slots.len(), clients.len(), "slots are unique over both engines");

    for (tag, &(name, client)) in clients.iter().enumerate() {
        bench.engine.publish(client, outgoing(name, QoS::AtLeastOnce, tag as u64)).unwrap();
        let (by, published) = event(&mut bench.engine, |key, event| match event {
            ClientEvent::Published { tag, .. } => Some((key, tag.0)),
            _ => None,
        })
        .await;
        assert_eq!((by, published), (client, tag as u64));
        let from = bench.seen(|seen| match seen {
            Seen::Publish { client, message, .. } => Some((client, message.payload)),
            _ => None,
        });
        assert_eq!(from.await, (name.to_owned(), name.into()));
    }

    bench.engine.forget(clients[1].1);
    assert!(!bench.engine.takes(clients[1].1));
    assert!(bench.engine.takes(clients[0].1) && bench.engine.takes(clients[2].1) && bench.engine.takes(clients[3].1));
}

#[tokio::test]
async fn a_turn_of_both_engines_ends_at_its_deadline() {
    let mut bench = Bench::new(EngineKind::Rumqttc, Version::V5, Script::default()).await;
    bench.connected().await;
    for wait in [Duration::ZERO, Duration::from_millis(3)] {
        let until = bench.engine.clock().now().after(wait);
        tokio::time::timeout(PATIENCE, bench.engine.turn(until)).await.unwrap();
        assert!(bench.engine.poll_event().is_some() || bench.engine.clock().now() >= until);
    }
}
