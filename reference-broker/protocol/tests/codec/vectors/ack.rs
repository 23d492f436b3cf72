use protocol::{
    Ack, Packet, PacketId, Properties, Property, ReasonCode,
    Role::{self, Client, Server},
    UserProperty,
    Version::{V5, V311},
    Violation as V,
};

use super::{Row, hex, text};

/// First byte, how the packet wraps what it says, name.
type Kind = (u8, fn(Ack) -> Packet, &'static str);

const KINDS: [Kind; 4] = [
    (0x40, Packet::PubAck, "PUBACK"),
    (0x50, Packet::PubRec, "PUBREC"),
    (0x62, Packet::PubRel, "PUBREL"),
    (0x70, Packet::PubComp, "PUBCOMP"),
];

fn row(first: u8, rest: &str, row: Row) -> Row {
    Row { bytes: [vec![first], hex(rest)].concat(), ..row }
}

fn ack(reason: ReasonCode) -> Ack {
    Ack::new(PacketId::new(10).unwrap(), reason)
}

fn explained(reason: ReasonCode) -> Ack {
    Ack {
        properties: Properties::from_iter([
            Property::ReasonString(text("no")),
            Property::UserProperty(UserProperty { name: text("k"), value: text("v") }),
        ]),
        ..ack(reason)
    }
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for (first, kind, name) in KINDS {
        for sender in [Client, Server] {
            rows.extend(of_kind(first, kind, name, sender));
        }
    }
    rows
}

fn of_kind(first: u8, kind: fn(Ack) -> Packet, name: &'static str, sender: Role) -> Vec<Row> {
    let valid = |version, rest, ack| row(first, rest, super::valid(version, sender, name, "", kind(ack)));
    let lenient = |version, rest, ack| row(first, rest, super::lenient(version, sender, name, "", kind(ack)));
    let invalid =
        |version, what, rest, violation| row(first, rest, super::invalid(version, sender, what, "", violation));
    let (failure, failure_bytes, failure_explained) = match first {
        0x40 | 0x50 => (ReasonCode::QuotaExceeded, "03 000A 97", "10 000A 97 0C 1F 0002 6E6F 26 0001 6B 0001 76"),
        _ => (ReasonCode::PacketIdentifierNotFound, "03 000A 92", "10 000A 92 0C 1F 0002 6E6F 26 0001 6B 0001 76"),
    };
    let mut rows = vec![
        valid(V311, "02 000A", ack(ReasonCode::Success)),
        valid(V5, "02 000A", ack(ReasonCode::Success)),
        lenient(V5, "03 000A 00", ack(ReasonCode::Success)),
        lenient(V5, "04 000A 00 00", ack(ReasonCode::Success)),
        valid(V5, failure_bytes, ack(failure)),
        valid(V5, failure_explained, explained(failure)),
        valid(V5, "10 000A 00 0C 1F 0002 6E6F 26 0001 6B 0001 76", explained(ReasonCode::Success)),
        invalid(V311, "MQTT-2.3.1-1 in 3.1.1", "02 0000", V::PacketIdentifierZero),
        invalid(V5, "MQTT-2.2.1-3", "02 0000", V::PacketIdentifierZero),
        invalid(V311, "4.8: too long", "03 000A 00", V::TrailingBytes),
        invalid(V311, "4.8: too short", "01 00", V::PacketTooShort),
        invalid(V5, "4.13: too short", "00", V::PacketTooShort),
        invalid(V5, "4.13: too long", "05 000A 00 00 00", V::TrailingBytes),
        invalid(V5, "MQTT-3.4.2-1 and its likes", "03 000A 8E", V::ReasonCodeNotAllowed),
        invalid(V5, "2.4: undefined", "03 000A 03", V::ReasonCodeNotAllowed),
        invalid(V5, "2.2.2.2: Reason String twice", "0C 000A 00 08 1F 0001 61 1F 0001 62", V::PropertyDuplicate),
        invalid(V5, "2.2.2.2: foreign", "07 000A 00 03 21 0001", V::PropertyNotAllowed),
    ];
    if matches!(first, 0x40 | 0x50) {
        rows.push(match sender {
            Server => valid(V5, "03 000A 10", ack(ReasonCode::NoMatchingSubscribers)),
            Client => invalid(V5, "3.4.2.1: only a server", "03 000A 10", V::ReasonCodeNotAllowed),
        });
    }
    rows
}
