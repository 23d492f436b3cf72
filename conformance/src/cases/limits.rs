//! The facts of `statements/limits.tsv` that are nobody else's: how large things may be, and what stands where.
//!
//! Elsewhere: what an absent property of CONNACK means follows from how capabilities are found (`probe.rs`), as every case that
//! needs one runs where nothing says that it is not there; no Session Expiry Interval (`session`), no Topic Aliases
//! (`client_limits`, `connack`), no Receive Maximum of the client (`flow`), the longest topic (`topics`), reason codes of a
//! server (`acks`, `connack`, `disconnect`), properties of CONNECT (`connect_properties`).
//!
//! * here: sizes and numbers.
//! * `places`: properties and the packets that they belong to.

mod places;

use wire::{Disconnect, Property};

use super::prelude::*;
use crate::Stop;
pub(super) use places::CASES as PLACES;

pub(super) const CASES: &[Case] = &[
    Case {
        id: "limits.remaining_lengths_of_every_width",
        title: "Packets at either side of each width of Remaining Length up to three bytes are read and delivered",
        unnumbered: &[V311("section 2.2.3"), V5("section 2.1.4")],
        mutants: &[
            Mutant::rules("reads lengths of one byte only", || too_long(127)),
            Mutant::rules("reads lengths of two bytes only", || too_long(16_383)),
            Mutant::rules("takes two bytes of a length for 14 bits and one", || {
                server(Kind::Publish).edit(|publish: &mut Publish| publish.payload.truncate(8_000)).into()
            }),
        ],
        script: run!(remaining_lengths_of_every_width),
        ..Case::PLAIN
    },
    Case {
        id: "limits.remaining_length_of_four_bytes",
        title: "A packet whose Remaining Length takes four bytes is delivered where none is too large",
        // 3.1.1 has no way to say how much is too much.
        unnumbered: &[V5("section 3.2.2.3.6")],
        needs: &[Capability::LargePackets],
        // The proxy sees no packets of this size, but bytes.
        mutants: &[Mutant::rules("reads lengths of three bytes only", || faults::client_garbage().sever().into())],
        script: run!(remaining_length_of_four_bytes),
        ..Case::PLAIN
    },
    Case {
        id: "limits.properties_of_65535_bytes",
        title: "Properties of a message that are as long as they may be reach subscribers as they are",
        decides: &[V5("3.3.2-16"), V5("3.3.2-17"), V5("3.3.2-20")],
        mutants: &[
            Mutant::rules("cuts long Correlation Data", || cut(0x09)),
            Mutant::rules("cuts long Content Types", || cut(0x03)),
            Mutant::rules("cuts long User Properties", || cut(0x26)),
        ],
        script: run!(properties_of_65535_bytes),
        ..Case::PLAIN
    },
    Case {
        id: "limits.subscription_identifiers_to_268435455",
        title: "Messages come with the Subscription Identifier that was given, however large it is",
        decides: &[V5("3.3.4-3")],
        needs: &[Capability::SubscriptionIdentifiers],
        mutants: &[
            Mutant::rules("keeps seven bits of a Subscription Identifier", || masked(0x7f)),
            Mutant::rules("keeps sixteen bits of a Subscription Identifier", || masked(0xffff)),
        ],
        script: run!(subscription_identifiers_to_268435455),
        ..Case::PLAIN
    },
    Case {
        id: "limits.packet_identifiers_to_65535",
        title: "Packet Identifiers from 1 to 65535 are answered",
        decides: &[V311("2.3.1-6"), V5("2.2.1-5"), V311("2.3.1-7"), V5("2.2.1-6")],
        needs: &[Capability::Qos1],
        mutants: &[
            Mutant::rules("keeps eight bits of a Packet Identifier", || {
                server(Kind::Puback)
                    .edit(|ack: &mut Ack| ack.packet_identifier = (ack.packet_identifier & 0xff).max(1))
                    .into()
            }),
            Mutant::rules("keeps fifteen bits of the identifier of a SUBSCRIBE", || {
                server(Kind::Suback).edit(|ack: &mut Suback| ack.packet_identifier &= 0x7fff).into()
            }),
        ],
        script: run!(packet_identifiers_to_65535),
        ..Case::PLAIN
    },
    Case {
        id: "limits.receive_maximum_is_all_there",
        title: "As many messages may be unacknowledged as the server says, 65535 where it says nothing",
        unnumbered: &[V5("section 3.2.2.3.3")],
        needs: &[Capability::Qos2],
        mutants: &[Mutant::rules("keeps its Receive Maximum to itself", || without(0x21))],
        script: run!(receive_maximum_is_all_there),
        ..Case::PLAIN
    },
    Case {
        id: "limits.maximum_qos_is_taken",
        title: "Every QoS is taken up to the Maximum QoS, QoS 2 where the server says nothing",
        unnumbered: &[V5("section 3.2.2.3.4")],
        mutants: &[
            Mutant::rules("refuses QoS 2 and does not say so before", || refuses_qos(2)),
            Mutant::rules("refuses QoS 1 and does not say so before", || refuses_qos(1)),
        ],
        script: run!(maximum_qos_is_taken),
        ..Case::PLAIN
    },
    Case {
        id: "limits.session_expiry_of_4294967295",
        title: "A session whose Session Expiry Interval is the longest there is outlives its connection",
        decides: &[V5("3.1.2-23")],
        needs: &[Capability::Sessions],
        mutants: &[Mutant::rules("takes 4294967295 for -1", || {
            client(Kind::Connect)
                .edit(|connect: &mut Connect| {
                    connect.properties.0.retain(|property| property.identifier != 0x11);
                })
                .into()
        })],
        script: run!(session_expiry_of_4294967295),
        ..Case::PLAIN
    },
];

/// Closes at a PUBLISH with a longer Remaining Length.
fn too_long(longest: u32) -> faults::Rules {
    client(Kind::Publish)
        .when(move |frame| frame.remaining_length().is_some_and(|length| length > longest))
        .sever()
        .into()
}

/// A property of messages is delivered with its first bytes only.
fn cut(identifier: u32) -> faults::Rules {
    server(Kind::Publish)
        .edit(move |publish: &mut Publish| {
            for property in publish.properties.0.iter_mut().filter(|property| property.identifier == identifier) {
                match &mut property.value {
                    wire::Value::Text(text) | wire::Value::Pair(_, text) => text.truncate(32_767),
                    wire::Value::Binary(bytes) => bytes.truncate(32_767),
                    _ => {}
                }
            }
        })
        .into()
}

fn masked(bits: u32) -> faults::Rules {
    server(Kind::Publish)
        .edit(move |publish: &mut Publish| {
            for property in publish.properties.0.iter_mut().filter(|property| property.identifier == 0x0b) {
                if let wire::Value::Variable(number) = &mut property.value {
                    *number = (*number & bits).max(1);
                }
            }
        })
        .into()
}

/// CONNACK comes without this property.
fn without(identifier: u32) -> faults::Rules {
    server(Kind::Connack)
        .edit(move |connack: &mut Connack| connack.properties.0.retain(|property| property.identifier != identifier))
        .into()
}

fn refuses_qos(qos: u8) -> faults::Rules {
    client(Kind::Publish)
        .when(move |frame| frame.qos() == Some(qos))
        .answer_instead(|_| Disconnect::because(0x9b))
        .then_close_client()
        .into()
}

/// What the Remaining Length of this PUBLISH is without its payload.
fn overhead(bench: &Bench, topic: &str) -> usize {
    let empty = bench.packet(Publish::to(topic));
    // First byte, and a length that fits in one.
    empty.len() - 2
}

async fn remaining_lengths_of_every_width(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("t");
    let mut peer = bench.connected("client").await?;
    let largest = peer.connack.as_ref().and_then(|connack| connack.properties.maximum_packet_size());
    peer.subscribed(&topic, 0).await?;
    let before = overhead(bench, &topic);
    for length in [before, 127, 128, 16_383, 16_384] {
        if largest.is_some_and(|largest| length + 5 > largest as usize) {
            bench.note(format!("the target takes no packet of {length} bytes"));
            break;
        }
        let payload: Vec<u8> = (0..length - before).map(|at| (at % 251) as u8).collect();
        peer.send(Publish::to(&topic).payload(payload.as_slice())).await?;
        peer.expect_publish(&topic, payload.as_slice()).await?;
    }
    Ok(())
}

async fn remaining_length_of_four_bytes(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("t");
    let mut peer = bench.connected("client").await?;
    peer.subscribed(&topic, 0).await?;
    let payload: Vec<u8> = (0..2_097_152 - overhead(bench, &topic)).map(|at| (at % 251) as u8).collect();
    peer.send(Publish::to(&topic).payload(payload.as_slice())).await?;
    peer.expect_publish(&topic, payload.as_slice()).await.map(|_| ())
}

async fn properties_of_65535_bytes(bench: &mut Bench) -> CaseResult {
    let (topic, long) = (bench.topic("t"), "x".repeat(65_535));
    let mut peer = bench.connected("client").await?;
    let largest = peer.connack.as_ref().and_then(|connack| connack.properties.maximum_packet_size());
    if largest.is_some_and(|largest| largest < 140_000) {
        return Err(Stop::NotApplicable("the target takes no packets of 140,000 bytes".into()));
    }
    peer.subscribed(&topic, 0).await?;
    let same = |what: &str, same: bool, length: usize| {
        bench.check(same, format!("{what} of 65535 bytes as published"), format!("{length} bytes, or others"))
    };
    let data: Vec<u8> = (0..65_535_u32).map(|at| (at % 251) as u8).collect();
    peer.send(Publish::to(&topic).with(Property::correlation_data(&data))).await?;
    let seen = peer.expect_any_publish().await.set_up("delivery")?;
    let seen = seen.properties.correlation_data().unwrap_or_default();
    same("Correlation Data", seen == data, seen.len()).cites(V5("3.3.2-16"))?;
    peer.send(Publish::to(&topic).with(Property::content_type(&long))).await?;
    let seen = peer.expect_any_publish().await.set_up("delivery")?;
    let seen = seen.properties.content_type().unwrap_or_default();
    same("a Content Type", seen == long, seen.len()).cites(V5("3.3.2-20"))?;
    peer.send(Publish::to(&topic).with(Property::user(&long, &long))).await?;
    let seen = peer.expect_any_publish().await.set_up("delivery")?;
    let seen = seen.properties.user();
    let whole = seen == [(long.as_str(), long.as_str())];
    let length = seen.iter().map(|(name, value)| name.len().min(value.len())).sum();
    same("name and value of a User Property", whole, length).cites(V5("3.3.2-17"))
}

async fn subscription_identifiers_to_268435455(bench: &mut Bench) -> CaseResult {
    let mut peer = bench.connected("client").await?;
    for identifier in [1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152, 268_435_455] {
        let topic = bench.topic(&format!("t{identifier}"));
        let subscribe = Subscribe::new(7).filter(&topic, 0).with(Property::subscription_identifier(identifier));
        peer.send(subscribe).await?;
        peer.expect_suback(7).await?;
        peer.send(Publish::to(&topic).payload("x")).await?;
        let message = peer.expect_publish(&topic, "x").await?;
        bench.equal("the Subscription Identifier", vec![identifier], message.properties.subscription_identifiers())?;
    }
    Ok(())
}

async fn packet_identifiers_to_65535(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("t");
    let mut peer = bench.connected("client").await?;
    for identifier in [1, 255, 256, 32_767, 32_768, 65_535] {
        peer.send(Publish::to(bench.topic("other")).qos(1).id(identifier)).await?;
        peer.expect_puback(identifier).await?;
        peer.send(Subscribe::new(identifier).filter(&topic, 0)).await?;
        peer.expect_suback(identifier).await.cites(bench.pick(V311("2.3.1-7"), V5("2.2.1-6")))?;
    }
    Ok(())
}

/// More than that is not tried: it is far above what servers take that take few.
const MANY: u16 = 2000;

async fn receive_maximum_is_all_there(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("t");
    let mut peer = bench.connected("client").await?;
    let announced = peer.connack.as_ref().and_then(|connack| connack.properties.receive_maximum());
    let count = announced.unwrap_or(u16::MAX).min(MANY);
    // No PUBREL follows, so that none of them is done.
    let packets = (1..=count).map(|id| bench.packet(Publish::to(&topic).qos(2).id(id)));
    let packets: Vec<Vec<u8>> = packets.collect();
    for some in packets.chunks(100) {
        peer.send_together(some.to_vec()).await?;
    }
    for id in 1..=count {
        let pubrec = peer.expect_pubrec(id).await?;
        // A server may have other bounds, and says so.
        if pubrec.reason >= 0x80 {
            bench.note(format!("PUBREC 0x{:02X} at {id}", pubrec.reason));
            break;
        }
    }
    Ok(())
}

async fn maximum_qos_is_taken(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("t");
    let mut peer = bench.connected("client").await?;
    let maximum = peer.connack.as_ref().and_then(|connack| connack.properties.maximum_qos()).unwrap_or(2);
    peer.send(Publish::to(&topic)).await?;
    peer.ping().await?;
    if maximum >= 1 {
        peer.send(Publish::to(&topic).qos(1).id(1)).await?;
        let reason = peer.expect_puback(1).await?.reason;
        bench.check(reason != 0x9b, "PUBACK that takes QoS 1", format!("PUBACK 0x{reason:02X}"))?;
    }
    if maximum >= 2 {
        peer.send(Publish::to(&topic).qos(2).id(2)).await?;
        let reason = peer.expect_pubrec(2).await?.reason;
        bench.check(reason != 0x9b, "PUBREC that takes QoS 2", format!("PUBREC 0x{reason:02X}"))?;
    }
    Ok(())
}

async fn session_expiry_of_4294967295(bench: &mut Bench) -> CaseResult {
    let connect = || bench.connect("client").clean(false).with(Property::session_expiry_interval(u32::MAX));
    bench.connected_as("first", connect()).await?.severed().await?;
    let mut again = bench.connected_as("again", connect()).await?;
    let present = again.connack.as_ref().is_some_and(|connack| connack.session_present);
    bench.equal("Session Present", true, present)?;
    // Nothing of it shall be left.
    again.disconnected_with(Disconnect::normal().with(Property::session_expiry_interval(0))).await
}
