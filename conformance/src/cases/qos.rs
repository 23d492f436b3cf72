//! Quality of Service: section 4.3, the server as the receiver here, as the sender in `sending`.

mod sending;

use std::time::Duration;

use wire::Property;

use super::{prelude::*, retain};
use crate::{Peer, Stop};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "qos.identifier_is_free_after_puback",
        title: "After PUBACK the same Packet Identifier stands for a new message, with DUP too",
        decides: &[V311("4.3.2-2"), V5("4.3.2-5")],
        needs: &[Capability::Qos1],
        mutants: &[Mutant::rules("takes the next message with an identifier for a repetition", || {
            server(Kind::Publish).by("sub").nth(2).drop().into()
        })],
        script: run!(identifier_is_free_after_puback),
        ..Case::PLAIN
    },
    Case {
        id: "qos.identifier_is_free_after_pubcomp",
        title: "After PUBCOMP the same Packet Identifier stands for a new message",
        decides: &[V311("4.3.3-2"), V5("4.3.3-12")],
        needs: &[Capability::Qos2],
        mutants: &[Mutant::rules("takes the next message with an identifier for a repetition", || {
            server(Kind::Publish).by("sub").nth(2).drop().into()
        })],
        script: run!(identifier_is_free_after_pubcomp),
        ..Case::PLAIN
    },
    Case {
        id: "qos.repeated_is_delivered_once",
        title: "A PUBLISH at QoS 2 that is repeated before PUBREL is answered again, and delivered once",
        decides: &[V311("4.3.3-2"), V5("4.3.3-10")],
        needs: &[Capability::Qos2],
        mutants: &[
            Mutant::rules("delivers each copy", || server(Kind::Publish).by("sub").once().duplicate().into()),
            Mutant::rules("does not answer a repetition", || server(Kind::Pubrec).nth(2).drop().into()),
        ],
        script: run!(repeated_is_delivered_once),
        ..Case::PLAIN
    },
    Case {
        id: "qos.repeated_after_reconnecting_is_delivered_once",
        title: "A PUBLISH at QoS 2 that is repeated on another connection of its session is delivered once",
        decides: &[V311("4.3.3-2"), V5("4.3.3-10"), Both("4.4.0-1")],
        needs: &[Capability::Qos2, Capability::Sessions],
        mutants: &[Mutant::rules("delivers each copy", || server(Kind::Publish).by("sub").once().duplicate().into())],
        script: run!(repeated_after_reconnecting_is_delivered_once),
        ..Case::PLAIN
    },
    Case {
        id: "qos.pubrel_is_completed",
        title: "PUBREL is answered by PUBCOMP with its Packet Identifier",
        decides: &[V5("4.3.3-11"), V5("2.2.1-5"), V311("4.3.3-2")],
        needs: &[Capability::Qos2],
        mutants: &[
            Mutant::rules("loses PUBCOMP", || server(Kind::Pubcomp).drop().into()),
            Mutant::rules("completes another PUBLISH", || {
                server(Kind::Pubcomp).edit(|ack: &mut Ack| ack.packet_identifier ^= 0x100).into()
            }),
        ],
        script: run!(pubrel_is_completed),
        ..Case::PLAIN
    },
    Case {
        id: "qos.expired_is_completed",
        title: "The exchange of QoS 2 goes on although the message has expired",
        decides: &[V5("4.3.3-13")],
        needs: &[Capability::Qos2],
        tags: &["time"],
        mutants: &[Mutant::rules("forgets the exchange with the message", || server(Kind::Pubcomp).drop().into())],
        script: run!(expired_is_completed),
        ..Case::PLAIN
    },
    Case {
        id: "qos.refused_identifier_is_free",
        title: "After a PUBREC that refuses, the same Packet Identifier stands for a new message",
        decides: &[V5("4.3.3-9")],
        needs: &[Capability::Qos2, Capability::ForbiddenTopic],
        mutants: &[
            Mutant::rules("takes the next message with the identifier for a repetition", || {
                server(Kind::Publish).drop().into()
            }),
            Mutant::rules("refuses the next message with the identifier", || {
                server(Kind::Pubrec).nth(2).edit(|ack: &mut Ack| ack.reason = 0x91).into()
            }),
        ],
        script: run!(refused_identifier_is_free),
        ..Case::PLAIN
    },
];

/// The server as the sender.
pub(super) const SENDING: &[Case] = sending::CASES;

/// A subscriber at QoS 0, which sees each delivery once, and a publisher.
async fn pair(bench: &Bench, topic: &str) -> CaseResult<(Peer, Peer)> {
    let mut subscriber = bench.connected("sub").await?;
    subscriber.subscribed(topic, 0).await?;
    Ok((bench.connected("pub").await?, subscriber))
}

async fn identifier_is_free_after_puback(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("t");
    let (mut publisher, mut subscriber) = pair(bench, &topic).await?;
    for (payload, dup) in [("first", false), ("second", true)] {
        publisher.published(Publish::to(&topic).qos(1).id(7).dup(dup).payload(payload)).await?;
        subscriber.expect_publish(&topic, payload).await?;
    }
    Ok(())
}

async fn identifier_is_free_after_pubcomp(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("t");
    let (mut publisher, mut subscriber) = pair(bench, &topic).await?;
    for payload in ["first", "second"] {
        publisher.published(Publish::to(&topic).qos(2).id(7).payload(payload)).await?;
        subscriber.expect_publish(&topic, payload).await?;
    }
    Ok(())
}

async fn repeated_is_delivered_once(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("t");
    let (mut publisher, mut subscriber) = pair(bench, &topic).await?;
    let message = Publish::to(&topic).qos(2).id(7).payload("x");
    publisher.send(message.clone()).await?;
    publisher.expect_pubrec(7).await?;
    for _ in 0..2 {
        publisher.send(message.clone().dup(true)).await?;
        let outcomes = [Outcome::Answer(Kind::Pubrec, &[0x00, 0x10]), Outcome::Answer(Kind::Pubrec, &[0x91])];
        if publisher.expect_one_of(&outcomes).await? == outcomes[1] {
            // It is acknowledged by a PUBREC, as the words want it; but the sender takes that for the end of the exchange.
            bench.advise(false, "PUBREC with reason 0x00", "PUBREC with reason 0x91");
            return Ok(());
        }
    }
    publisher.send(Ack::pubrel(7)).await?;
    publisher.expect_pubcomp(7).await?;
    let messages = retain::gathered(bench, &mut publisher, &mut subscriber).await?;
    retain::payloads_are(bench, &["x"], &messages)
}

async fn repeated_after_reconnecting_is_delivered_once(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("t");
    let mut subscriber = bench.connected("sub").await?;
    subscriber.subscribed(&topic, 0).await?;
    let mut publisher = bench.connected_as("pub", super::forward::lasting(bench, "pub")).await?;
    let message = Publish::to(&topic).qos(2).id(7).payload("x");
    publisher.send(message.clone()).await?;
    publisher.expect_pubrec(7).await.set_up("publishing")?;
    publisher.severed().await?;
    let mut publisher = bench.connected_as("pub", super::forward::lasting(bench, "pub")).await?;
    publisher.send(message.dup(true)).await?;
    publisher.expect_pubrec(7).await?;
    publisher.send(Ack::pubrel(7)).await?;
    publisher.expect_pubcomp(7).await?;
    let messages = retain::gathered(bench, &mut publisher, &mut subscriber).await?;
    retain::payloads_are(bench, &["x"], &messages)
}

async fn pubrel_is_completed(bench: &mut Bench) -> CaseResult {
    let mut peer = bench.connected("client").await?;
    peer.send(Publish::to(bench.topic("t")).qos(2).id(7).payload("x")).await?;
    peer.expect_pubrec(7).await.set_up("PUBREC")?;
    peer.send(Ack::pubrel(7)).await?;
    peer.expect_pubcomp(7).await.map(|_| ())
}

async fn expired_is_completed(bench: &mut Bench) -> CaseResult {
    let mut peer = bench.connected("client").await?;
    let expiry = Property::message_expiry_interval(1);
    peer.send(Publish::to(bench.topic("t")).qos(2).id(7).payload("x").with(expiry)).await?;
    peer.expect_pubrec(7).await.set_up("PUBREC")?;
    bench.let_pass(Duration::from_secs(2)).await;
    peer.send(Ack::pubrel(7)).await?;
    peer.expect_pubcomp(7).await.map(|_| ())
}

async fn refused_identifier_is_free(bench: &mut Bench) -> CaseResult {
    let Some(forbidden) = bench.site().facts.forbidden_topic.clone() else {
        return Err(Stop::NotApplicable("no topic is forbidden".into()));
    };
    let topic = bench.topic("t");
    let (mut publisher, mut subscriber) = pair(bench, &topic).await?;
    publisher.send(Publish::to(forbidden).qos(2).id(7).payload("x")).await?;
    let refused = Outcome::Answer(Kind::Pubrec, &[0x80, 0x83, 0x87, 0x90, 0x97, 0x99]);
    let accepted = Outcome::Answer(Kind::Pubrec, &[0x00, 0x10]);
    let seen = publisher.expect_one_of(&[refused, accepted, Outcome::Closed(&[])]).await.set_up("a refusal")?;
    if seen != refused {
        return Err(Stop::NotApplicable("what is not allowed is not refused by PUBREC".into()));
    }
    publisher.send(Publish::to(&topic).qos(2).id(7).payload("new")).await?;
    publisher.expect_pubrec(7).await?;
    publisher.send(Ack::pubrel(7)).await?;
    publisher.expect_pubcomp(7).await?;
    subscriber.expect_publish(&topic, "new").await.map(|_| ())
}
