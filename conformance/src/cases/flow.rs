//! Flow control and Topic Aliases of 5.0: sections 4.9, 3.3.4 and 3.3.2.3.4.

use wire::{Packet, Property, Subscribe};

use super::{forward::lasting, prelude::*};
use crate::{Peer, Stop};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "flow.server_keeps_to_receive_maximum",
        title: "A server has no more messages unacknowledged than the client's Receive Maximum",
        decides: &[V5("3.3.4-9"), V5("4.9.0-1"), V5("4.9.0-2")],
        needs: &[Capability::Qos1],
        mutants: &[
            Mutant::rules("does not look at Receive Maximum", || {
                client(Kind::Connect)
                    .edit(|connect: &mut Connect| connect.properties.0.retain(|property| property.identifier != 0x21))
                    .into()
            }),
            Mutant::rules("sends nothing at all", || server(Kind::Publish).drop().into()),
            Mutant::rules("never gets its quota back", || server(Kind::Publish).after(2).drop().into()),
        ],
        script: run!(server_keeps_to_receive_maximum),
        ..Case::PLAIN
    },
    Case {
        id: "flow.other_packets_are_not_held_up",
        title: "A server whose quota is used up still answers SUBSCRIBE and PINGREQ",
        decides: &[V5("3.3.4-10"), V5("4.9.0-3")],
        needs: &[Capability::Qos1],
        mutants: &[
            Mutant::rules("holds PINGRESP back", || server(Kind::Pingresp).since(server(Kind::Publish)).drop().into()),
            Mutant::rules("holds SUBACK back", || server(Kind::Suback).since(server(Kind::Publish)).drop().into()),
        ],
        script: run!(other_packets_are_not_held_up),
        ..Case::PLAIN
    },
    Case {
        id: "flow.client_keeps_to_receive_maximum",
        title: "A client that has more messages unacknowledged than the server's Receive Maximum is not served",
        decides: &[V5("3.3.4-7"), V5("4.9.0-2"), V5("4.13.1-1")],
        needs: &[Capability::Qos2, Capability::ReceiveLimit],
        mutants: &[Mutant::rules("does not count", faults::keep_open)],
        script: run!(client_keeps_to_receive_maximum),
        ..Case::PLAIN
    },
    refused(
        "flow.alias_0",
        "A Topic Alias of 0 closes the connection",
        &[V5("3.3.2-8"), V5("4.13.1-1")],
        |bench| Publish::to(bench.topic("t")).with(Property::topic_alias(0)).draft(bench.version()),
        // The text does not call it one or the other.
        &[Outcome::Closed(&[0x94, 0x82, 0x81])],
    ),
    refused(
        "flow.alias_twice",
        "A PUBLISH with two Topic Aliases closes the connection",
        &[V5("4.13.1-1")],
        |bench| {
            let alias = Property::topic_alias(1);
            Publish::to(bench.topic("t")).with(alias.clone()).with(alias).draft(bench.version())
        },
        &[Outcome::Closed(&[0x82, 0x81, 0x94])],
    ),
    Case::row(
        "flow.alias_unknown",
        "A Topic Alias without a topic that was not set before closes the connection",
        &[V5("4.13.1-1")],
        Connecting,
        |bench| Publish::to("").with(Property::topic_alias(1)).draft(bench.version()),
        &[Outcome::Closed(&[0x82, 0x94])],
        &[Mutant::rules("passes over aliases that nobody set", || {
            client(Kind::Publish).when(|publish| publish.topic() == Some("")).drop().into()
        })],
    ),
    Case {
        id: "flow.alias_above_maximum",
        title: "A Topic Alias above the server's Topic Alias Maximum closes the connection",
        decides: &[V5("3.3.2-9"), V5("4.13.1-1")],
        mutants: &[Mutant::rules("takes any Topic Alias", faults::keep_open)],
        script: run!(alias_above_maximum),
        ..Case::PLAIN
    },
    Case {
        id: "flow.aliases_are_taken",
        title: "A server takes each Topic Alias from 1 to its Topic Alias Maximum, and may be given another topic for it",
        decides: &[V5("3.3.2-12")],
        needs: &[Capability::TopicAliases],
        mutants: &[
            Mutant::rules("loses what has no topic", || {
                client(Kind::Publish).when(|publish| publish.topic() == Some("")).drop().into()
            }),
            Mutant::rules("refuses the last alias", || {
                client(Kind::Publish)
                    .when(|seen| seen.topic().is_some_and(|topic| topic.ends_with("/last")))
                    .close()
                    .into()
            }),
        ],
        script: run!(aliases_are_taken),
        ..Case::PLAIN
    },
    Case {
        id: "flow.aliases_are_forgotten",
        title: "A Topic Alias means nothing on the next connection, even of the same session",
        decides: &[V5("3.3.2-7")],
        needs: &[Capability::TopicAliases],
        mutants: &[Mutant::rules("remembers aliases", faults::keep_open)],
        script: run!(aliases_are_forgotten),
        ..Case::PLAIN
    },
    Case {
        id: "flow.server_aliases_stay_below_maximum",
        title: "A server uses no Topic Alias above the client's Topic Alias Maximum",
        decides: &[V5("3.3.2-11"), V5("3.1.2-26"), V5("3.3.2-8")],
        needs: &[Capability::OutgoingTopicAliases],
        mutants: &[
            Mutant::rules("uses an alias above the maximum", || alias(3)),
            Mutant::rules("uses alias 0", || alias(0)),
        ],
        script: run!(server_aliases_stay_below_maximum),
        ..Case::PLAIN
    },
    Case {
        id: "flow.no_aliases_unless_allowed",
        title: "A server uses no Topic Alias toward a client that did not allow any",
        decides: &[V5("3.1.2-27"), V5("3.3.2-11")],
        mutants: &[Mutant::rules("uses aliases unasked", || alias(1))],
        script: run!(no_aliases_unless_allowed),
        ..Case::PLAIN
    },
];

/// A packet that must close the connection.
const fn refused(
    id: &'static str,
    title: &'static str,
    decides: &'static [Mark],
    packet: fn(&Bench) -> Draft,
    outcomes: &'static [Outcome],
) -> Case {
    const MUTANTS: &[Mutant] = &[Mutant::overlooks("passes over what is wrong there")];
    Case::row(id, title, decides, Connecting, packet, outcomes, MUTANTS)
}

/// Gives each message that has a topic this alias.
fn alias(value: u16) -> faults::Rules {
    server(Kind::Publish)
        .edit(move |publish: &mut Publish| {
            if !publish.topic.is_empty() {
                publish.properties.0.retain(|property| property.identifier != 0x23);
                publish.properties.0.push(Property::topic_alias(value));
            }
        })
        .into()
}

async fn server_keeps_to_receive_maximum(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("t");
    let connect = bench.connect("sub").with(Property::receive_maximum(2));
    let mut subscriber = bench.connected_as("sub", connect).await?;
    subscriber.subscribed(&topic, 1).await?;
    let mut publisher = bench.connected("pub").await?;
    for payload in ["1", "2", "3", "4"] {
        publisher.published(Publish::to(&topic).qos(1).payload(payload)).await?;
    }
    let mut unacknowledged = Vec::new();
    for payload in ["1", "2"] {
        unacknowledged.push(subscriber.expect_publish(&topic, payload).await.cites(V5("4.9.0-1"))?);
        // Nothing beyond what the quota allows; the second may be there already.
        subscriber.ping().await.set_up("PINGREQ")?;
    }
    subscriber.fence().await?;
    for (acknowledged, payload) in unacknowledged.iter().zip(["3", "4"]) {
        subscriber.acknowledged(acknowledged).await?;
        subscriber.expect_publish(&topic, payload).await.cites(V5("4.9.0-2"))?;
        subscriber.fence().await?;
    }
    Ok(())
}

async fn other_packets_are_not_held_up(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("t");
    let connect = bench.connect("sub").with(Property::receive_maximum(1));
    let mut subscriber = bench.connected_as("sub", connect).await?;
    subscriber.subscribed(&topic, 1).await?;
    let mut publisher = bench.connected("pub").await?;
    for payload in ["1", "2"] {
        publisher.published(Publish::to(&topic).qos(1).payload(payload)).await?;
    }
    let first = subscriber.expect_publish(&topic, "1").await.set_up("delivery")?;
    subscriber.send(Subscribe::new(7).filter(bench.topic("other"), 1)).await?;
    subscriber.expect_suback(7).await?;
    subscriber.ping().await?;
    subscriber.acknowledged(&first).await
}

async fn client_keeps_to_receive_maximum(bench: &mut Bench) -> CaseResult {
    let mut peer = bench.connected("client").await?;
    let limit = peer.connack.as_ref().and_then(|connack| connack.properties.receive_maximum()).unwrap_or(u16::MAX);
    // Without PUBREL each stays unacknowledged.
    for id in 1..=limit.saturating_add(1) {
        peer.send(Publish::to(bench.topic("t")).qos(2).id(id).payload("x")).await?;
    }
    match answer_to(&mut peer, limit.saturating_add(1)).await? {
        // To disconnect is told in a sentence without a MUST; a refusal bounds the client as well.
        Some(refusal) if refusal >= 0x80 => {
            let expected = "DISCONNECT 0x93, then the connection is closed";
            bench.advise(false, expected, format!("PUBREC with reason 0x{refusal:02X} for the one too many"));
            Ok(())
        }
        _ => peer.expect_closed(&[0x93]).await,
    }
}

/// The reason of the PUBREC for this Packet Identifier, if there is one.
async fn answer_to(peer: &mut Peer, id: u16) -> CaseResult<Option<u8>> {
    loop {
        match peer.expect(Kind::Pubrec, "PUBREC").await.set_up("hearing PUBREC") {
            Ok(Packet::Pubrec(ack)) if ack.packet_identifier == id => return Ok(Some(ack.reason)),
            Ok(_) => {}
            Err(Stop::Inconclusive(_)) => return Ok(None),
            Err(other) => return Err(other),
        }
    }
}

async fn alias_above_maximum(bench: &mut Bench) -> CaseResult {
    let mut peer = bench.connected("client").await?;
    let maximum = peer.connack.as_ref().and_then(|connack| connack.properties.topic_alias_maximum()).unwrap_or(0);
    let Some(above) = maximum.checked_add(1) else {
        return Err(Stop::NotApplicable("every Topic Alias is allowed".into()));
    };
    peer.send(Publish::to(bench.topic("t")).with(Property::topic_alias(above)).payload("x")).await?;
    peer.expect_closed(&[0x94]).await
}

async fn aliases_are_taken(bench: &mut Bench) -> CaseResult {
    let mut subscriber = bench.connected("sub").await?;
    for topic in ["first", "last", "changed"] {
        subscriber.subscribed(&bench.topic(topic), 0).await?;
    }
    let mut publisher = bench.connected("pub").await?;
    let maximum = publisher.connack.as_ref().and_then(|connack| connack.properties.topic_alias_maximum()).unwrap_or(1);
    for (topic, alias) in [("first", 1), ("last", maximum), ("changed", 1)] {
        let (topic, alias) = (bench.topic(topic), Property::topic_alias(alias));
        publisher.send(Publish::to(&topic).with(alias.clone()).payload("set")).await?;
        subscriber.expect_publish(&topic, "set").await?;
        publisher.send(Publish::to("").with(alias).payload("used")).await?;
        subscriber.expect_publish(&topic, "used").await?;
    }
    Ok(())
}

async fn aliases_are_forgotten(bench: &mut Bench) -> CaseResult {
    let mut peer = bench.connected_as("client", lasting(bench, "client")).await?;
    peer.published(Publish::to(bench.topic("t")).with(Property::topic_alias(1)).payload("x")).await?;
    peer.disconnected().await?;
    let mut peer = bench.connected_as("client", lasting(bench, "client")).await?;
    peer.send(Publish::to("").with(Property::topic_alias(1)).payload("x")).await?;
    peer.expect_closed(&[0x82, 0x94]).await
}

async fn server_aliases_stay_below_maximum(bench: &mut Bench) -> CaseResult {
    let connect = bench.connect("sub").with(Property::topic_alias_maximum(2));
    let mut subscriber = bench.connected_as("sub", connect).await?;
    subscriber.subscribed(&bench.topic("+"), 0).await?;
    let mut publisher = bench.connected("pub").await?;
    for name in ["a", "b", "c", "d", "a", "b", "c", "d"] {
        let topic = bench.topic(name);
        publisher.send(Publish::to(&topic).payload("x")).await?;
        let message = subscriber.expect_publish(&topic, "x").await.set_up("delivery")?;
        let alias = message.properties.topic_alias();
        bench.check(alias.is_none_or(|alias| alias <= 2), "a Topic Alias of 2 at most", format!("{alias:?}"))?;
    }
    Ok(())
}

async fn no_aliases_unless_allowed(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("t");
    let mut peer = bench.connected("client").await?;
    peer.subscribed(&topic, 0).await?;
    for _ in 0..3 {
        peer.send(Publish::to(&topic).payload("x")).await?;
        let message = peer.expect_publish(&topic, "x").await.set_up("delivery")?;
        bench.equal("Topic Alias", None, message.properties.topic_alias())?;
    }
    Ok(())
}
