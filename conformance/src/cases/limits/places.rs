//! Properties and the packets that they belong to: table 2-4 of 5.0.

use faults::Rules;
use wire::{
    Property,
    tables::{DataType, PROPERTIES, Place},
};

use super::super::{acks, prelude::*};

pub(in crate::cases) const CASES: &[Case] = &[
    foreign(
        "limits.properties_of_publish",
        "A PUBLISH with any property that is not PUBLISH's closes",
        PUBLISH,
        run!(publish),
    ),
    foreign(
        "limits.properties_of_puback",
        "A PUBACK with any property that is not PUBACK's closes",
        PUBACK,
        run!(puback),
    ),
    foreign(
        "limits.properties_of_pubrec",
        "A PUBREC with any property that is not PUBREC's closes",
        PUBREC,
        run!(pubrec),
    ),
    foreign(
        "limits.properties_of_pubrel",
        "A PUBREL with any property that is not PUBREL's closes",
        PUBREL,
        run!(pubrel),
    ),
    foreign(
        "limits.properties_of_pubcomp",
        "A PUBCOMP with any property that is not PUBCOMP's closes",
        PUBCOMP,
        run!(pubcomp),
    ),
    foreign(
        "limits.properties_of_subscribe",
        "A SUBSCRIBE with any property that is not SUBSCRIBE's closes",
        SUBSCRIBE,
        run!(subscribe),
    ),
    foreign(
        "limits.properties_of_unsubscribe",
        "An UNSUBSCRIBE with any property that is not UNSUBSCRIBE's closes",
        UNSUBSCRIBE,
        run!(unsubscribe),
    ),
    foreign(
        "limits.reason_strings_stand_once",
        "An acknowledgement with two Reason Strings closes the connection",
        &[Mutant::rules("takes a second Reason String", || {
            Rules::from(client(Kind::Puback).drop())
                .and(client(Kind::Pubrec).drop())
                .and(client(Kind::Pubrel).drop())
                .and(client(Kind::Pubcomp).drop())
        })],
        run!(reason_strings_stand_once),
    ),
    Case {
        unnumbered: &[V5("section 2.2.2.2")],
        ..acks::emitted(
            "limits.properties_of_the_server",
            "What a server sends has only the properties of its packet, each as often as it may stand there",
            &[],
            &[
                Mutant::rules("says Server Keep Alive in PUBLISH", || {
                    wrong(Kind::Publish, Property::server_keep_alive(9))
                }),
                Mutant::rules("says Topic Alias in PUBACK", || wrong(Kind::Puback, Property::topic_alias(1))),
                Mutant::rules("says Content Type in PUBREC", || wrong(Kind::Pubrec, Property::content_type("x"))),
                Mutant::rules("says Receive Maximum in PUBREL", || wrong(Kind::Pubrel, Property::receive_maximum(9))),
                Mutant::rules("says Maximum QoS in PUBCOMP", || wrong(Kind::Pubcomp, Property::maximum_qos(1))),
                Mutant::rules("says Subscription Identifier in SUBACK", || {
                    wrong(Kind::Suback, Property::subscription_identifier(1))
                }),
                Mutant::rules("says Server Reference in UNSUBACK", || {
                    wrong(Kind::Unsuback, Property::server_reference("x"))
                }),
                Mutant::rules("says Request Problem Information in CONNACK", || {
                    wrong(Kind::Connack, Property::request_problem_information(1))
                }),
                Mutant::rules("says Maximum Packet Size 0", || wrong(Kind::Connack, Property::maximum_packet_size(0))),
                Mutant::rules("says Maximum QoS 2", || wrong(Kind::Connack, Property::maximum_qos(2))),
                Mutant::rules("says Retain Available 2", || wrong(Kind::Connack, Property::retain_available(2))),
                Mutant::rules("says two Server Keep Alives", || {
                    server(Kind::Connack)
                        .replace(|draft| {
                            draft.with(Property::server_keep_alive(9)).with(Property::server_keep_alive(9))
                        })
                        .into()
                }),
                Mutant::rules("says two Content Types", || {
                    server(Kind::Publish)
                        .replace(|draft| draft.with(Property::content_type("x")).with(Property::content_type("x")))
                        .into()
                }),
                Mutant::rules("says a property that there is not", || wrong(Kind::Suback, Property::raw(0x7e, [1]))),
            ],
        )
    },
];

const PUBLISH: &[Mutant] = &[Mutant::rules("takes any property in PUBLISH", || client(Kind::Publish).drop().into())];
const PUBACK: &[Mutant] = &[Mutant::rules("takes any property in PUBACK", || client(Kind::Puback).drop().into())];
const PUBREC: &[Mutant] = &[Mutant::rules("takes any property in PUBREC", || client(Kind::Pubrec).drop().into())];
const PUBREL: &[Mutant] = &[Mutant::rules("takes any property in PUBREL", || client(Kind::Pubrel).drop().into())];
const PUBCOMP: &[Mutant] = &[Mutant::rules("takes any property in PUBCOMP", || client(Kind::Pubcomp).drop().into())];
const SUBSCRIBE: &[Mutant] =
    &[Mutant::rules("takes any property in SUBSCRIBE", || client(Kind::Subscribe).drop().into())];
const UNSUBSCRIBE: &[Mutant] =
    &[Mutant::rules("takes any property in UNSUBSCRIBE", || client(Kind::Unsubscribe).drop().into())];

/// A case about what a server does not take.
const fn foreign(id: &'static str, title: &'static str, mutants: &'static [Mutant], script: crate::Script) -> Case {
    Case { id, title, decides: &[V5("4.13.1-1")], mutants, script, ..Case::PLAIN }
}

/// What the server sends has this property as well.
fn wrong(kind: Kind, property: Property) -> Rules {
    server(kind).replace(move |draft| draft.with(property.clone())).into()
}

/// Each property that does not belong to `kind` closes a connection of its own.
async fn closes(bench: &Bench, kind: Kind, packet: impl Fn() -> Draft) -> CaseResult {
    for property in PROPERTIES.iter().filter(|property| !property.places.contains(&Place::Packet(kind))) {
        bench.remark(property.name);
        let value: &[u8] = match property.data {
            DataType::Byte | DataType::Variable => &[1],
            DataType::TwoByte => &[0, 9],
            DataType::FourByte => &[0, 0, 0, 9],
            DataType::Text | DataType::Binary => &[0, 1, b'x'],
            DataType::Pair => &[0, 1, b'x', 0, 1, b'y'],
        };
        let wrong = packet().with(Property::raw(property.identifier, value));
        closed_by(bench, &format!("client{}", property.identifier), wrong).await?;
    }
    Ok(())
}

/// Each has a name of its own: some servers refuse one that they have not yet taken leave of.
async fn closed_by(bench: &Bench, name: &str, packet: Draft) -> CaseResult {
    let mut peer = bench.connected(name).await?;
    peer.send(packet).await?;
    peer.expect_closed(&[0x81, 0x82]).await
}

async fn publish(bench: &mut Bench) -> CaseResult {
    closes(bench, Kind::Publish, || Publish::to(bench.topic("t")).draft(Version::V5)).await
}

async fn puback(bench: &mut Bench) -> CaseResult {
    closes(bench, Kind::Puback, || Ack::puback(7).draft(Version::V5)).await
}

async fn pubrec(bench: &mut Bench) -> CaseResult {
    closes(bench, Kind::Pubrec, || Ack::pubrec(7).draft(Version::V5)).await
}

async fn pubrel(bench: &mut Bench) -> CaseResult {
    closes(bench, Kind::Pubrel, || Ack::pubrel(7).draft(Version::V5)).await
}

async fn pubcomp(bench: &mut Bench) -> CaseResult {
    closes(bench, Kind::Pubcomp, || Ack::pubcomp(7).draft(Version::V5)).await
}

async fn subscribe(bench: &mut Bench) -> CaseResult {
    closes(bench, Kind::Subscribe, || Subscribe::new(7).filter(bench.topic("t"), 0).draft(Version::V5)).await
}

async fn unsubscribe(bench: &mut Bench) -> CaseResult {
    closes(bench, Kind::Unsubscribe, || Unsubscribe::new(7).filter(bench.topic("t")).draft(Version::V5)).await
}

async fn reason_strings_stand_once(bench: &mut Bench) -> CaseResult {
    let acks = [Ack::puback(7), Ack::pubrec(7), Ack::pubrel(7), Ack::pubcomp(7)];
    for (name, ack) in ["puback", "pubrec", "pubrel", "pubcomp"].into_iter().zip(acks) {
        let twice = ack.with(Property::reason_string("x")).with(Property::reason_string("y"));
        closed_by(bench, name, twice.draft(Version::V5)).await?;
    }
    Ok(())
}
