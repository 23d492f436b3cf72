//! What every packet begins with: sections 2.1 and 2.2 (types, flags, Remaining Length, properties), 2.3 of 3.1.1.

use wire::{Draftable, Property, Raw, Subscribe, Unsubscribe};

use super::{acks, prelude::*};

pub(super) const CASES: &[Case] = &[
    malformed("fixed_header.puback_flags", "A PUBACK with a reserved flag set closes the connection", FLAGS, |bench| {
        Ack::puback(7).draft(bench.version()).flags(0b0001)
    }),
    malformed("fixed_header.pubrec_flags", "A PUBREC with a reserved flag set closes the connection", FLAGS, |bench| {
        Ack::pubrec(7).draft(bench.version()).flags(0b0010)
    }),
    malformed(
        "fixed_header.pubrel_flags",
        "A PUBREL whose flags are not 0010 closes the connection",
        &[Both("3.6.1-1"), V311("2.2.2-2"), V311("4.8.0-1"), V5("2.1.3-1"), V5("4.13.1-1")],
        |bench| Ack::pubrel(7).draft(bench.version()).flags(0),
    ),
    malformed(
        "fixed_header.pubcomp_flags",
        "A PUBCOMP with a reserved flag set closes the connection",
        FLAGS,
        |bench| Ack::pubcomp(7).draft(bench.version()).flags(0b1000),
    ),
    malformed(
        "fixed_header.subscribe_flags",
        "A SUBSCRIBE whose flags are not 0010 closes the connection",
        FLAGS,
        |bench| Subscribe::new(7).filter(bench.topic("t"), 0).draft(bench.version()).flags(0),
    ),
    malformed(
        "fixed_header.unsubscribe_flags",
        "An UNSUBSCRIBE whose flags are not 0010 closes the connection",
        FLAGS,
        |bench| Unsubscribe::new(7).filter(bench.topic("t")).draft(bench.version()).flags(0),
    ),
    malformed(
        "fixed_header.pingreq_flags",
        "A PINGREQ with a reserved flag set closes the connection",
        FLAGS,
        |bench| Pingreq.draft(bench.version()).flags(0b0100),
    ),
    Case::row(
        "fixed_header.connect_flags",
        "A CONNECT with a reserved flag of the fixed header set is refused",
        FLAGS,
        Opening,
        |bench| bench.connect("client").draft(bench.version()).flags(0b0010),
        &[Outcome::Refused(&[0x81, 0x82], &[])],
        &[Mutant::rules("does not look at the flags of CONNECT", || {
            client(Kind::Connect).bytes(|packet| packet[0] = 0x10).into()
        })],
    ),
    malformed("fixed_header.type_0", "A packet of the reserved type 0 closes the connection", ERROR, |bench| {
        Raw(vec![0, 0]).into_draft(bench.version())
    }),
    malformed(
        "fixed_header.type_15",
        "A packet of the reserved type 15 closes the connection",
        &[V311("4.8.0-1")],
        |bench| Raw(vec![0xf0, 0]).into_draft(bench.version()),
    ),
    Case::row(
        "fixed_header.remaining_length_of_five_bytes",
        "A Remaining Length of more than four bytes closes the connection",
        ERROR,
        Connecting,
        |bench| Pingreq.draft(bench.version()).remaining_length_bytes([0x80, 0x80, 0x80, 0x80, 0x01]),
        CLOSED,
        &[Mutant::rules("keeps the connection open", faults::keep_open)],
    ),
    Case::row(
        "fixed_header.publish_identifier_0",
        "A PUBLISH at QoS 1 with Packet Identifier 0 closes the connection",
        IDENTIFIER,
        Connecting,
        |bench| Publish::to(bench.topic("t")).qos(1).id(0).draft(bench.version()),
        &[Outcome::Closed(&[0x81, 0x82])],
        &[Mutant::rules("passes over it", || client(Kind::Publish).drop().into())],
    ),
    Case::row(
        "fixed_header.subscribe_identifier_0",
        "A SUBSCRIBE with Packet Identifier 0 closes the connection",
        IDENTIFIER,
        Connecting,
        |bench| Subscribe::new(0).filter(bench.topic("t"), 0).draft(bench.version()),
        &[Outcome::Closed(&[0x81, 0x82])],
        &[Mutant::rules("passes over it", || client(Kind::Subscribe).drop().into())],
    ),
    Case::row(
        "fixed_header.unsubscribe_identifier_0",
        "An UNSUBSCRIBE with Packet Identifier 0 closes the connection",
        IDENTIFIER,
        Connecting,
        |bench| Unsubscribe::new(0).filter(bench.topic("t")).draft(bench.version()),
        &[Outcome::Closed(&[0x81, 0x82])],
        &[Mutant::rules("passes over it", || client(Kind::Unsubscribe).drop().into())],
    ),
    malformed(
        "fixed_header.property_length_beyond_the_end",
        "A Property Length beyond the end of its packet closes the connection",
        &[V5("4.13.1-1")],
        |bench| Publish::to(bench.topic("t")).payload("x").draft(bench.version()).replace("properties_length", [100]),
    ),
    malformed(
        "fixed_header.unknown_property",
        "A property that the standard does not know closes the connection",
        &[V5("4.13.1-1")],
        |bench| Publish::to(bench.topic("t")).with(Property::raw(0x7f, [1])).draft(bench.version()),
    ),
    malformed(
        "fixed_header.property_of_another_packet",
        "A property that does not belong to its packet closes the connection",
        &[V5("4.13.1-1")],
        |bench| Publish::to(bench.topic("t")).with(Property::receive_maximum(9)).draft(bench.version()),
    ),
    acks::emitted(
        "fixed_header.flags_of_the_server",
        "The reserved flags of what a server sends are those of its packet types",
        &[V311("2.2.2-1"), V5("2.1.3-1")],
        &[
            Mutant::rules("sets a flag of SUBACK", || server(Kind::Suback).bytes(|packet| packet[0] |= 2).into()),
            Mutant::rules("sets a flag of PUBREC", || server(Kind::Pubrec).bytes(|packet| packet[0] |= 1).into()),
            Mutant::rules("sets a flag of PINGRESP", || server(Kind::Pingresp).bytes(|packet| packet[0] |= 8).into()),
        ],
    ),
    acks::emitted(
        "fixed_header.pubrel_flags_of_the_server",
        "The flags of a server's PUBREL are 0010",
        &[Both("3.6.1-1")],
        &[Mutant::rules("sends PUBREL without its flag", || {
            server(Kind::Pubrel).bytes(|packet| packet[0] = 0x60).into()
        })],
    ),
    acks::emitted(
        "fixed_header.lengths_are_shortest",
        "A server encodes lengths in as few bytes as they need",
        &[V5("1.5.5-1")],
        &[
            Mutant::rules("takes two bytes for a short Remaining Length", || {
                server(Kind::Publish).replace(|publish| publish.remaining_length_in(2)).into()
            }),
            Mutant::rules("takes two bytes for a Property Length of 0", || {
                server(Kind::Publish).replace(|publish| publish.replace("properties_length", [0x80, 0])).into()
            }),
        ],
    ),
    acks::emitted(
        "fixed_header.no_properties_are_announced",
        "A server that has no properties to send says so by a Property Length of 0",
        &[V5("2.2.2-1")],
        &[Mutant::rules("leaves the Property Length out", || {
            server(Kind::Publish).replace(|publish| publish.without("properties_length").without("payload")).into()
        })],
    ),
    acks::emitted(
        "fixed_header.identifiers_of_the_server",
        "No packet of a server has the Packet Identifier 0",
        &[V311("2.3.1-1"), V5("2.2.1-4")],
        &[Mutant::rules("sends PUBLISH with Packet Identifier 0", || {
            server(Kind::Publish).replace(|publish| publish.replace("packet_identifier", [0, 0])).into()
        })],
    ),
];

/// Wrong flags in the fixed header.
const FLAGS: &[Mark] = &[V311("2.2.2-2"), V311("4.8.0-1"), V5("2.1.3-1"), V5("4.13.1-1")];
/// Something that the standard gives no number.
const ERROR: &[Mark] = &[V311("4.8.0-1"), V5("4.13.1-1")];
/// A Packet Identifier of 0.
const IDENTIFIER: &[Mark] = &[V311("2.3.1-1"), V311("4.8.0-1"), V5("2.2.1-3"), V5("4.13.1-1")];

/// What comes of a malformed packet.
const CLOSED: &[Outcome] = &[Outcome::Closed(&[0x81, 0x82])];

/// A packet that must close the connection.
pub(super) const fn malformed(
    id: &'static str,
    title: &'static str,
    decides: &'static [Mark],
    packet: fn(&Bench) -> Draft,
) -> Case {
    const MUTANTS: &[Mutant] = &[Mutant::overlooks("passes over what is wrong there")];
    Case::row(id, title, decides, Connecting, packet, CLOSED, MUTANTS)
}
