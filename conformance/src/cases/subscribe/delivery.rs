//! What a subscription brings, and what becomes of it when it is made again.

use std::collections::BTreeMap;

use super::super::prelude::*;

pub(in super::super) const CASES: &[Case] = &[
    Case {
        id: "subscribe.delivery_qos_is_the_lower",
        title: "A message is delivered at the lower of its own QoS and the granted one",
        decides: &[V311("3.8.4-6"), V5("3.8.4-8")],
        needs: &[Capability::Qos2],
        mutants: &[
            Mutant::rules("delivers everything at QoS 0", || {
                server(Kind::Publish)
                    .edit(|publish: &mut Publish| (publish.qos, publish.packet_identifier) = (0, None))
                    .into()
            }),
            Mutant::rules("raises QoS 0 to 1", || {
                server(Kind::Publish)
                    .when(|publish| publish.qos() == Some(0))
                    .edit(|publish: &mut Publish| (publish.qos, publish.packet_identifier) = (1, Some(9_999)))
                    .into()
            }),
            Mutant::rules("raises QoS 1 to 2", || {
                server(Kind::Publish)
                    .when(|publish| publish.qos() == Some(1))
                    .edit(|publish: &mut Publish| publish.qos = 2)
                    .into()
            }),
        ],
        script: run!(delivery_qos_is_the_lower),
        ..Case::PLAIN
    },
    Case {
        id: "subscribe.again_replaces_no_local",
        title: "A SUBSCRIBE with the Topic Filter of a subscription turns its No Local off and on",
        decides: &[V5("3.8.4-3")],
        mutants: &[
            Mutant::rules("keeps No Local", || no_local_of(2, true)),
            Mutant::rules("keeps its subscriptions without No Local", || no_local_of(4, false)),
        ],
        script: run!(again_replaces_no_local),
        ..Case::PLAIN
    },
    Case {
        id: "subscribe.again_replaces",
        title: "A SUBSCRIBE with the Topic Filter of a subscription takes its place",
        decides: &[Both("3.8.4-3")],
        needs: &[Capability::Qos1],
        mutants: &[
            Mutant::rules("keeps both subscriptions", || server(Kind::Publish).topic("/t").duplicate().into()),
            Mutant::rules("keeps the first subscription", || {
                server(Kind::Publish)
                    .topic("/t")
                    .edit(|publish: &mut Publish| (publish.qos, publish.packet_identifier) = (0, None))
                    .into()
            }),
            Mutant::rules("loses the subscription", || server(Kind::Publish).topic("/t").drop().into()),
        ],
        script: run!(again_replaces),
        ..Case::PLAIN
    },
    Case {
        id: "subscribe.again_brings_what_is_retained",
        title: "A SUBSCRIBE with the Topic Filter of a subscription brings the retained messages again",
        decides: &[V311("3.8.4-3"), V5("3.8.4-4")],
        needs: &[Capability::Retain],
        mutants: &[Mutant::rules("sends what is retained only the first time", || {
            server(Kind::Publish).topic("/t").after(1).drop().into()
        })],
        script: run!(again_brings_what_is_retained),
        ..Case::PLAIN
    },
    Case {
        id: "subscribe.again_loses_nothing",
        title: "No message is lost while a subscription takes the place of its like",
        decides: &[V311("3.8.4-3"), V5("3.8.4-4")],
        needs: &[Capability::Qos1],
        mutants: &[Mutant::rules("loses a message on the way", || {
            server(Kind::Publish).topic("/t").nth(5).drop().into()
        })],
        script: run!(again_loses_nothing),
        ..Case::PLAIN
    },
    Case {
        id: "subscribe.no_local",
        title: "A subscription with No Local brings no message of its own client",
        decides: &[V5("3.8.3-3")],
        mutants: &[Mutant::rules("does not look at No Local", || {
            client(Kind::Subscribe)
                .edit(|subscribe: &mut Subscribe| {
                    subscribe.filters.iter_mut().take(1).for_each(|(_, options)| options.no_local = false)
                })
                .into()
        })],
        script: run!(no_local),
        ..Case::PLAIN
    },
];

async fn delivery_qos_is_the_lower(bench: &mut Bench) -> CaseResult {
    let topics = ["t0", "t1", "t2"].map(|name| bench.topic(name));
    let mut subscriber = bench.connected("sub").await?;
    subscriber.send((0..).zip(&topics).fold(Subscribe::new(7), |all, (qos, topic)| all.filter(topic, qos))).await?;
    let granted = subscriber.expect_suback(7).await.set_up("subscribing")?.reasons;
    let refused = granted.iter().any(|code| *code > 2);
    bench.check(!refused, "three granted subscriptions", format!("codes {granted:02x?}")).set_up("subscribing")?;
    let mut publisher = bench.connected("pub").await?;
    let mut due = BTreeMap::new();
    for (topic, granted) in topics.iter().zip(granted) {
        for qos in 0..=2 {
            publisher.published(Publish::to(topic).qos(qos).payload([qos])).await?;
            due.insert((topic.clone(), vec![qos]), qos.min(granted));
        }
    }
    // A second copy is lawful at QoS 1 in both versions, and in 3.1.1 where QoS 1 was lowered to 0.
    let mut missing = due.clone();
    while !missing.is_empty() {
        let message = subscriber.expect_any_publish().await?;
        let key = (message.topic, message.payload);
        if let Some(qos) = due.get(&key) {
            bench.equal(&format!("the QoS of {:?} to {}", key.1, key.0), *qos, message.qos)?;
            missing.remove(&key);
        }
    }
    Ok(())
}

/// The nth SUBSCRIBE of the client is taken for one with, or without, No Local.
fn no_local_of(nth: u64, no_local: bool) -> faults::Rules {
    let change = move |subscribe: &mut Subscribe| subscribe.filters[0].1.no_local = no_local;
    client(Kind::Subscribe).by("client").nth(nth).edit(change).into()
}

async fn again_replaces(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("t");
    let mut subscriber = bench.connected("sub").await?;
    subscriber.subscribed(&topic, 0).await?;
    subscriber.subscribed(&topic, 1).await?;
    let mut publisher = bench.connected("pub").await?;
    publisher.published(Publish::to(&topic).qos(1).payload("x")).await?;
    let message = subscriber.expect_publish(&topic, "x").await?;
    bench.equal("QoS", 1, message.qos)?;
    bench.fence(&mut publisher, &mut subscriber).await
}

async fn again_replaces_no_local(bench: &mut Bench) -> CaseResult {
    let mut peer = bench.connected("client").await?;
    let (off, on) = (bench.topic("off"), bench.topic("on"));
    for (id, topic, no_local) in [(1, &off, true), (2, &off, false), (3, &on, false), (4, &on, true)] {
        let options = if no_local { Options::qos(0).no_local() } else { Options::qos(0) };
        peer.send(Subscribe::new(id).filter(topic, options)).await?;
        peer.expect_suback(id).await.set_up("subscribing")?;
    }
    peer.send(Publish::to(&off).payload("own")).await?;
    peer.expect_publish(&off, "own").await?;
    peer.published(Publish::to(&on).payload("own")).await?;
    let mut other = bench.connected("other").await?;
    bench.fence(&mut other, &mut peer).await
}

async fn again_brings_what_is_retained(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("t");
    let mut publisher = bench.connected("pub").await?;
    publisher.published(Publish::to(&topic).retain(true).payload("x")).await?;
    let mut subscriber = bench.connected("sub").await?;
    subscriber.subscribed(&topic, 0).await?;
    subscriber.expect_publish(&topic, "x").await.set_up("the retained message")?;
    subscriber.subscribed(&topic, 0).await?;
    subscriber.expect_publish(&topic, "x").await.map(|_| ())
}

async fn again_loses_nothing(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("t");
    let mut subscriber = bench.connected("sub").await?;
    let mut publisher = bench.connected("pub").await?;
    subscriber.subscribed(&topic, 1).await?;
    for round in 1..=8_u8 {
        subscriber.send(Subscribe::new(u16::from(round)).filter(&topic, 1)).await?;
        publisher.published(Publish::to(&topic).qos(1).payload([round])).await?;
    }
    for round in 1..=8_u8 {
        let message = subscriber.expect_publish(&topic, [round]).await?;
        subscriber.acknowledged(&message).await?;
    }
    Ok(())
}

async fn no_local(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("t");
    let mut peer = bench.connected("client").await?;
    peer.send(Subscribe::new(7).filter(&topic, Options::qos(0).no_local())).await?;
    peer.expect_suback(7).await.set_up("subscribing")?;
    peer.published(Publish::to(&topic).payload("own")).await?;
    let mut other = bench.connected("other").await?;
    other.published(Publish::to(&topic).payload("another's")).await?;
    peer.expect_publish(&topic, "another's").await?;
    bench.fence(&mut other, &mut peer).await
}
