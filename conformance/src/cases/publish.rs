//! PUBLISH: section 3.3.

use super::prelude::*;

pub(super) const CASES: &[Case] = &[
    Case::row(
        "publish.qos_3_is_malformed",
        "A PUBLISH with both QoS bits set closes the connection",
        &[Both("3.3.1-4")],
        Connecting,
        |bench| Publish::to(bench.topic("t")).qos(1).id(7).draft(bench.version()).flags(0b0110),
        &[Outcome::Closed(&[0x81])],
        &[Mutant::rules("takes QoS 3 for QoS 1", || client(Kind::Publish).bytes(|packet| packet[0] = 0x32).into())],
    ),
    Case::row(
        "publish.topic_has_no_wildcards",
        "A PUBLISH to a topic with a wildcard is refused",
        &[Both("3.3.2-2"), V311("4.7.1-1"), V5("4.7.0-1")],
        Connecting,
        |bench| Publish::to(bench.topic("#")).qos(1).id(7).draft(bench.version()),
        &[Outcome::Closed(&[0x81, 0x82, 0x90]), Outcome::Answer(Kind::Puback, &[0x90])],
        &[Mutant::rules("takes wildcards in topics for ordinary characters", || {
            client(Kind::Publish).answer_instead(|seen: &Sight<'_>| Ack::puback(seen.id())).into()
        })],
    ),
    Case {
        id: "publish.qos_1_is_acknowledged",
        title: "A PUBLISH at QoS 1 is answered by PUBACK with its Packet Identifier",
        decides: &[Both("3.3.4-1"), V311("2.3.1-6"), V5("2.2.1-5"), V311("4.3.2-2"), V5("4.3.2-4")],
        needs: &[Capability::Qos1],
        mutants: &[
            Mutant::rules("loses PUBACK", || server(Kind::Puback).drop().into()),
            Mutant::rules("acknowledges another Packet Identifier", || {
                server(Kind::Puback).edit(|puback: &mut Ack| puback.packet_identifier ^= 0x100).into()
            }),
        ],
        script: run!(qos_1_is_acknowledged),
        ..Case::PLAIN
    },
    Case {
        id: "publish.dup_is_not_copied",
        title: "The DUP flag of a publisher does not reach subscribers",
        decides: &[Both("3.3.1-3")],
        needs: &[Capability::Qos1],
        mutants: &[Mutant::rules("hands on DUP", || {
            server(Kind::Publish).edit(|publish: &mut Publish| publish.dup = true).into()
        })],
        script: run!(dup_is_not_copied),
        ..Case::PLAIN
    },
    Case {
        id: "publish.retained_is_kept",
        title: "A retained message reaches a client that subscribes later, with RETAIN 1",
        decides: &[Both("3.3.1-5"), V311("3.3.1-6"), V311("3.3.1-8")],
        needs: &[Capability::Retain],
        mutants: &[
            Mutant::rules("does not retain", || {
                client(Kind::Publish).edit(|publish: &mut Publish| publish.retain = false).into()
            }),
            Mutant::rules("keeps the first retained message", || client(Kind::Publish).nth(2).drop().into()),
        ],
        script: run!(retained_is_kept),
        ..Case::PLAIN
    },
    Case {
        id: "publish.unretained_is_not_kept",
        title: "A message without RETAIN does not reach a client that subscribes later",
        decides: &[V311("3.3.1-12"), V5("3.3.1-8")],
        mutants: &[Mutant::rules("retains everything", || {
            client(Kind::Publish).topic("/kept").edit(|publish: &mut Publish| publish.retain = true).into()
        })],
        script: run!(unretained_is_not_kept),
        ..Case::PLAIN
    },
];

async fn qos_1_is_acknowledged(bench: &mut Bench) -> CaseResult {
    let mut peer = bench.connected("client").await?;
    peer.send(Publish::to(bench.topic("t")).qos(1).id(7)).await?;
    // 5.0 may say 0x10 when nobody has subscribed.
    peer.expect_puback(7).await.map(|_| ())
}

async fn dup_is_not_copied(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("t");
    let mut subscriber = bench.connected("sub").await?;
    subscriber.subscribed(&topic, 1).await?;
    let mut publisher = bench.connected("pub").await?;
    publisher.published(Publish::to(&topic).qos(1).dup(true).payload("x")).await?;
    let message = subscriber.expect_publish(&topic, "x").await.set_up("delivery")?;
    bench.equal("DUP", false, message.dup)
}

async fn retained_is_kept(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("t");
    let mut publisher = bench.connected("pub").await?;
    for payload in ["first", "second"] {
        publisher.published(Publish::to(&topic).retain(true).payload(payload)).await?;
    }
    let mut subscriber = bench.connected("sub").await?;
    subscriber.subscribed(&topic, 0).await?;
    let message = subscriber.expect_publish(&topic, "second").await?;
    bench.equal("RETAIN", true, message.retain).cites(V311("3.3.1-8"))
}

async fn unretained_is_not_kept(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("kept");
    let mut publisher = bench.connected("pub").await?;
    publisher.published(Publish::to(&topic).payload("x")).await?;
    let mut subscriber = bench.connected("sub").await?;
    subscriber.subscribed(&topic, 0).await?;
    bench.fence(&mut publisher, &mut subscriber).await
}
