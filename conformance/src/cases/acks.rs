//! PUBACK, PUBREC, PUBREL and PUBCOMP: sections 3.4 to 3.7, and their Packet Identifiers (2.2.1, 2.3.1 of 3.1.1).

use wire::{Property, Subscribe, Unsubscribe};

use super::prelude::*;

pub(super) const CASES: &[Case] = &[
    emitted(
        "acks.puback_code",
        "The reason code of a server's PUBACK is one of PUBACK's",
        &[V5("3.4.2-1")],
        &[Mutant::rules("says Packet Identifier not found in PUBACK", || wrong_code(Kind::Puback, 0x92))],
    ),
    emitted(
        "acks.pubrec_code",
        "The reason code of a server's PUBREC is one of PUBREC's",
        &[V5("3.5.2-1")],
        &[Mutant::rules("says Protocol Error in PUBREC", || wrong_code(Kind::Pubrec, 0x82))],
    ),
    emitted(
        "acks.pubrel_code",
        "The reason code of a server's PUBREL is one of PUBREL's",
        &[V5("3.6.2-1")],
        &[Mutant::rules("says No matching subscribers in PUBREL", || wrong_code(Kind::Pubrel, 0x10))],
    ),
    emitted(
        "acks.pubcomp_code",
        "The reason code of a server's PUBCOMP is one of PUBCOMP's",
        &[V5("3.7.2-1")],
        &[Mutant::rules("says Unspecified error in PUBCOMP", || wrong_code(Kind::Pubcomp, 0x80))],
    ),
    Case {
        id: "acks.identifiers_are_repeated",
        title: "PUBACK, PUBREC, PUBREL and PUBCOMP have the Packet Identifier of their PUBLISH",
        decides: &[V311("2.3.1-6"), V5("2.2.1-5"), V5("4.3.3-11"), V5("4.3.3-8")],
        needs: &[Capability::Qos2],
        mutants: &[
            Mutant::rules("acknowledges another PUBLISH by PUBACK", || other_identifier(Kind::Puback)),
            Mutant::rules("acknowledges another PUBLISH by PUBREC", || other_identifier(Kind::Pubrec)),
            Mutant::rules("releases another PUBLISH", || other_identifier(Kind::Pubrel)),
            Mutant::rules("completes another PUBLISH", || other_identifier(Kind::Pubcomp)),
        ],
        script: run!(identifiers_are_repeated),
        ..Case::PLAIN
    },
    Case {
        id: "acks.requests_are_answered_by_identifier",
        title: "SUBACK and UNSUBACK have the Packet Identifier of their request",
        decides: &[V311("2.3.1-7"), V5("2.2.1-6")],
        mutants: &[
            Mutant::rules("answers another SUBSCRIBE", || {
                server(Kind::Suback).edit(|suback: &mut Suback| suback.packet_identifier ^= 0x100).into()
            }),
            Mutant::rules("answers another UNSUBSCRIBE", || {
                server(Kind::Unsuback).edit(|unsuback: &mut Unsuback| unsuback.packet_identifier ^= 0x100).into()
            }),
        ],
        script: run!(requests_are_answered_by_identifier),
        ..Case::PLAIN
    },
    Case {
        id: "acks.fit_into_maximum_packet_size",
        title: "No acknowledgement is made larger than the client's Maximum Packet Size by what explains it",
        decides: &[
            V5("3.4.2-2"),
            V5("3.4.2-3"),
            V5("3.5.2-2"),
            V5("3.5.2-3"),
            V5("3.6.2-2"),
            V5("3.6.2-3"),
            V5("3.7.2-2"),
            V5("3.7.2-3"),
        ],
        needs: &[Capability::Qos2],
        mutants: &[
            Mutant::rules("explains PUBACK at length", || long_reason(Kind::Puback)),
            Mutant::rules("adds long User Properties to PUBACK", || long_property(Kind::Puback)),
            Mutant::rules("explains PUBREC at length", || long_reason(Kind::Pubrec)),
            Mutant::rules("adds long User Properties to PUBREC", || long_property(Kind::Pubrec)),
            Mutant::rules("explains PUBREL at length", || long_reason(Kind::Pubrel)),
            Mutant::rules("adds long User Properties to PUBREL", || long_property(Kind::Pubrel)),
            Mutant::rules("explains PUBCOMP at length", || long_reason(Kind::Pubcomp)),
            Mutant::rules("adds long User Properties to PUBCOMP", || long_property(Kind::Pubcomp)),
        ],
        script: run!(fit_into_maximum_packet_size),
        ..Case::PLAIN
    },
];

/// A case about the form of what a server sends: the strict parser of every peer decides it, and cites.
pub(super) const fn emitted(
    id: &'static str,
    title: &'static str,
    decides: &'static [Mark],
    mutants: &'static [Mutant],
) -> Case {
    const NEEDS: &[Capability] = &[Capability::Qos2];
    Case { id, title, decides, needs: NEEDS, mutants, script: run!(exchange), ..Case::PLAIN }
}

fn wrong_code(kind: Kind, code: u8) -> faults::Rules {
    server(kind).replace(move |ack| ack.replace("reason_code", [code])).into()
}

fn other_identifier(kind: Kind) -> faults::Rules {
    server(kind).edit(|ack: &mut Ack| ack.packet_identifier ^= 0x100).into()
}

fn long_reason(kind: Kind) -> faults::Rules {
    server(kind).edit(|ack: &mut Ack| ack.properties.0.push(Property::reason_string(&"x".repeat(300)))).into()
}

fn long_property(kind: Kind) -> faults::Rules {
    server(kind).edit(|ack: &mut Ack| ack.properties.0.push(Property::user("x", &"x".repeat(300)))).into()
}

/// Has the server send each packet that it sends to a client without errors.
async fn exchange(bench: &mut Bench) -> CaseResult {
    let (once, twice) = (bench.topic("once"), bench.topic("twice"));
    let mut peer = bench.connected("client").await?;
    peer.subscribed(&once, 1).await?;
    peer.subscribed(&twice, 2).await?;
    for (topic, qos) in [(&once, 0), (&once, 1), (&twice, 2)] {
        peer.published(Publish::to(topic).qos(qos).payload("x")).await?;
        let message = peer.expect_publish(topic, "x").await.set_up("delivery")?;
        peer.acknowledged(&message).await?;
    }
    peer.unsubscribed(&once).await?;
    peer.ping().await.set_up("PINGREQ")
}

async fn identifiers_are_repeated(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("t");
    let mut peer = bench.connected("client").await?;
    peer.subscribed(&topic, 2).await?;
    peer.send(Publish::to(bench.topic("other")).qos(1).id(0x1234)).await?;
    peer.expect_puback(0x1234).await?;
    peer.send(Publish::to(&topic).qos(2).id(0xabc).payload("x")).await?;
    peer.expect_pubrec(0xabc).await?;
    peer.send(Ack::pubrel(0xabc)).await?;
    peer.expect_pubcomp(0xabc).await?;
    let message = peer.expect_publish(&topic, "x").await.set_up("delivery")?;
    let Some(id) = message.packet_identifier else {
        return Err(crate::Stop::Inconclusive("the message came at QoS 0".into()));
    };
    peer.send(Ack::pubrec(id)).await?;
    peer.expect_pubrel(id).await.map(|_| ())
}

async fn requests_are_answered_by_identifier(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("t");
    let mut peer = bench.connected("client").await?;
    peer.send(Subscribe::new(0x1234).filter(&topic, 0)).await?;
    peer.expect_suback(0x1234).await?;
    peer.send(Unsubscribe::new(0xfedc).filter(&topic)).await?;
    peer.expect_unsuback(0xfedc).await.map(|_| ())
}

async fn fit_into_maximum_packet_size(bench: &mut Bench) -> CaseResult {
    const SIZE: u32 = 200;
    let topic = bench.topic("t");
    let connect = bench.connect("client").with(Property::maximum_packet_size(SIZE));
    let mut peer = bench.connected_as("client", connect).await?;
    peer.subscribed(&topic, 2).await?;
    peer.send(Publish::to(bench.topic("other")).qos(1).id(1)).await?;
    let puback = peer.expect_puback(1).await.set_up("PUBACK")?;
    fits(bench, &puback, SIZE, "3.4.2-2", "3.4.2-3")?;
    peer.send(Publish::to(&topic).qos(2).id(2).payload("x")).await?;
    let pubrec = peer.expect_pubrec(2).await.set_up("PUBREC")?;
    fits(bench, &pubrec, SIZE, "3.5.2-2", "3.5.2-3")?;
    peer.send(Ack::pubrel(2)).await?;
    let pubcomp = peer.expect_pubcomp(2).await.set_up("PUBCOMP")?;
    fits(bench, &pubcomp, SIZE, "3.7.2-2", "3.7.2-3")?;
    let message = peer.expect_publish(&topic, "x").await.set_up("delivery")?;
    let id = message.packet_identifier.unwrap_or_default();
    peer.send(Ack::pubrec(id)).await?;
    let pubrel = peer.expect_pubrel(id).await.set_up("PUBREL")?;
    fits(bench, &pubrel, SIZE, "3.6.2-2", "3.6.2-3")
}

/// Judges the size of an acknowledgement; what makes it too large is the Reason String, or the User Properties.
fn fits(bench: &Bench, ack: &Ack, limit: u32, reason: &'static str, user: &'static str) -> CaseResult {
    let size = ack.draft(bench.version()).encode().len();
    let cause = if ack.properties.reason_string().is_some() { reason } else { user };
    let seen = format!("{} of {size} bytes", ack.kind());
    bench.check(size <= limit as usize, format!("at most {limit} bytes"), seen).cites(V5(cause))
}
