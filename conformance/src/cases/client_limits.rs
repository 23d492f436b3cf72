//! What a client of 5.0 allows the server: limits that CONNECT announces (section 3.1.2.11).

use wire::{Property, Suback, Subscribe, Unsuback, Unsubscribe};

use super::prelude::*;

pub(super) const CASES: &[Case] = &[
    Case {
        id: "client_limits.maximum_packet_size",
        title: "The server sends nothing larger than the client's Maximum Packet Size",
        decides: &[V5("3.1.2-24")],
        mutants: &[Mutant::rules("does not look at the client's Maximum Packet Size", || {
            client(Kind::Connect).by("sub").edit(forget).into()
        })],
        script: run!(maximum_packet_size),
        ..Case::PLAIN
    },
    Case {
        id: "client_limits.too_large_is_as_delivered",
        title: "A message that is too large for a client is done with, and what follows it is delivered",
        decides: &[V5("3.1.2-25")],
        needs: &[Capability::Qos1, Capability::Sessions],
        mutants: &[
            Mutant::rules("waits for ever behind what is too large", || {
                server(Kind::Publish).by("sub").topic("/t").drop().into()
            }),
            Mutant::rules("keeps what is too large for the next connection", || {
                client(Kind::Connect).by("sub").edit(forget).into()
            }),
        ],
        script: run!(too_large_is_as_delivered),
        ..Case::PLAIN
    },
    Case {
        id: "client_limits.topic_alias_maximum",
        title: "The server uses no Topic Alias above the client's Topic Alias Maximum",
        decides: &[V5("3.1.2-26")],
        needs: &[Capability::OutgoingTopicAliases],
        mutants: &[Mutant::rules("does not look at the client's Topic Alias Maximum", || {
            server(Kind::Publish)
                .edit(|publish: &mut Publish| {
                    publish.properties.0.retain(|property| property.identifier != 0x23);
                    publish.properties.0.push(Property::topic_alias(2));
                })
                .into()
        })],
        script: run!(topic_alias_maximum),
        ..Case::PLAIN
    },
    Case {
        id: "client_limits.no_topic_aliases",
        title: "The server uses no Topic Alias where the client does not allow any",
        decides: &[V5("3.1.2-27")],
        mutants: &[Mutant::rules("uses Topic Aliases that nobody has allowed", || {
            server(Kind::Publish)
                .edit(|publish: &mut Publish| publish.properties.0.push(Property::topic_alias(1)))
                .into()
        })],
        script: run!(no_topic_aliases),
        ..Case::PLAIN
    },
    Case {
        id: "client_limits.no_problem_information",
        title: "Acknowledgements have no Reason String and no User Property where the client wants none",
        decides: &[V5("3.1.2-29")],
        needs: &[Capability::Qos1],
        mutants: &[
            Mutant::rules("explains PUBACK to who does not want it", || {
                server(Kind::Puback).edit(|ack: &mut Ack| ack.properties.0.push(Property::reason_string("fine"))).into()
            }),
            Mutant::rules("explains SUBACK to who does not want it", || {
                server(Kind::Suback)
                    .edit(|ack: &mut Suback| ack.properties.0.push(Property::user("why", "fine")))
                    .into()
            }),
            Mutant::rules("explains UNSUBACK to who does not want it", || {
                server(Kind::Unsuback)
                    .edit(|ack: &mut Unsuback| ack.properties.0.push(Property::reason_string("fine")))
                    .into()
            }),
        ],
        script: run!(no_problem_information),
        ..Case::PLAIN
    },
];

/// In bytes, and a payload above it.
const SMALL: u32 = 200;

/// Takes the client's limits out of its CONNECT.
fn forget(connect: &mut Connect) {
    connect.properties.0.retain(|property| property.identifier != 0x27);
}

fn big(topic: &str) -> Publish {
    Publish::to(topic).payload(vec![b'x'; SMALL as usize])
}

async fn maximum_packet_size(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("t");
    let connect = bench.connect("sub").with(Property::maximum_packet_size(SMALL));
    let mut subscriber = bench.connected_as("sub", connect).await?;
    subscriber.subscribed(&topic, 0).await?;
    let mut publisher = bench.connected("pub").await?;
    publisher.published(big(&topic)).await?;
    bench.fence(&mut publisher, &mut subscriber).await
}

async fn too_large_is_as_delivered(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("t");
    let lasting = bench.connect("sub").clean(false).with(Property::session_expiry_interval(300));
    // With a Receive Maximum of 1 a message that is never acknowledged would hold up the next.
    let small = lasting.clone().with(Property::maximum_packet_size(SMALL)).with(Property::receive_maximum(1));
    let mut subscriber = bench.connected_as("sub", small).await?;
    subscriber.subscribed(&topic, 1).await?;
    let mut publisher = bench.connected("pub").await?;
    publisher.published(big(&topic).qos(1)).await?;
    publisher.published(Publish::to(&topic).qos(1).payload("small")).await?;
    let message = subscriber.expect_publish(&topic, "small").await?;
    subscriber.acknowledged(&message).await?;
    subscriber.ping().await.set_up("acknowledging")?;
    subscriber.disconnected().await?;
    let mut resumed = bench.connected_as("resumed", lasting).await?;
    bench.fence(&mut publisher, &mut resumed).await
}

/// Publishes twice to each of three topics, and gives the aliases that a client of these properties sees.
async fn aliases(bench: &Bench, connect: Connect) -> CaseResult<Vec<u16>> {
    let mut subscriber = bench.connected_as("sub", connect).await?;
    let mut publisher = bench.connected("pub").await?;
    let topics = ["a", "b", "c"].map(|name| bench.topic(name));
    for topic in &topics {
        subscriber.subscribed(topic, 0).await?;
    }
    let mut seen = Vec::new();
    for topic in topics.iter().chain(&topics) {
        publisher.published(Publish::to(topic).payload("x")).await?;
        let message = subscriber.expect_any_publish().await.set_up("delivery")?;
        seen.extend(message.properties.topic_alias());
    }
    Ok(seen)
}

async fn topic_alias_maximum(bench: &mut Bench) -> CaseResult {
    let seen = aliases(bench, bench.connect("sub").with(Property::topic_alias_maximum(1))).await?;
    bench.check(seen.iter().all(|alias| *alias <= 1), "no Topic Alias above 1", format!("the aliases {seen:?}"))
}

async fn no_topic_aliases(bench: &mut Bench) -> CaseResult {
    for connect in [bench.connect("sub"), bench.connect("sub").with(Property::topic_alias_maximum(0))] {
        let seen = aliases(bench, connect).await?;
        bench.check(seen.is_empty(), "no Topic Alias", format!("the aliases {seen:?}"))?;
    }
    Ok(())
}

async fn no_problem_information(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("t");
    let connect = bench.connect("client").with(Property::request_problem_information(0));
    let mut peer = bench.connected_as("client", connect).await?;
    let judge = |properties: &Properties, kind: Kind| {
        let silent = properties.reason_string().is_none() && properties.user().is_empty();
        bench.check(silent, format!("{kind} without Reason String and User Property"), format!("{properties:?}"))
    };
    // Nobody has subscribed, then there is nothing to unsubscribe from: both have reason codes of their own.
    peer.send(Publish::to(&topic).qos(1).id(7).payload("x")).await?;
    judge(&peer.expect_puback(7).await.set_up("publishing")?.properties, Kind::Puback)?;
    peer.send(Unsubscribe::new(8).filter(&topic)).await?;
    judge(&peer.expect_unsuback(8).await.set_up("unsubscribing")?.properties, Kind::Unsuback)?;
    peer.send(Subscribe::new(9).filter(&topic, 1)).await?;
    judge(&peer.expect_suback(9).await.set_up("subscribing")?.properties, Kind::Suback)
}
