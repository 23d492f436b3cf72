//! Every property in every packet: where the standard's table 2-4 puts it, and nowhere else.

use bytes::Bytes;
use protocol::{Decoder, Packet, PacketLimits, PropertyId, Role, Version::V5, Violation};

use crate::vectors::hex;

/// Identifier, a legal value, and the places of table 2-4 (`Will` stands for Will Properties).
const TABLE: [(u8, &str, &str); 27] = [
    (0x01, "01", "Publish Will"),
    (0x02, "0000000A", "Publish Will"),
    (0x03, "0001 61", "Publish Will"),
    (0x08, "0001 61", "Publish Will"),
    (0x09, "0001 FF", "Publish Will"),
    (0x0B, "01", "Publish Subscribe"),
    (0x11, "0000000A", "Connect ConnAck Disconnect"),
    (0x12, "0001 61", "ConnAck"),
    (0x13, "000A", "ConnAck"),
    (0x15, "0001 6D", "Connect ConnAck Auth"),
    (0x16, "0001 FF", "Connect ConnAck Auth"),
    (0x17, "01", "Connect"),
    (0x18, "0000000A", "Will"),
    (0x19, "01", "Connect"),
    (0x1A, "0001 61", "ConnAck"),
    (0x1C, "0001 61", "ConnAck Disconnect"),
    (0x1F, "0001 61", "ConnAck PubAck PubRec PubRel PubComp SubAck UnsubAck Disconnect Auth"),
    (0x21, "000A", "Connect ConnAck"),
    (0x22, "000A", "Connect ConnAck"),
    (0x23, "000A", "Publish"),
    (0x24, "01", "ConnAck"),
    (0x25, "01", "ConnAck"),
    (
        0x26,
        "0001 6B 0001 76",
        "Connect ConnAck Publish Will PubAck PubRec PubRel PubComp Subscribe SubAck Unsubscribe UnsubAck Disconnect Auth",
    ),
    (0x27, "0000000A", "Connect ConnAck"),
    (0x28, "01", "ConnAck"),
    (0x29, "01", "ConnAck"),
    (0x2A, "01", "ConnAck"),
];

/// Name, sender, first byte, what stands before and after the properties.
const PLACES: [(&str, Role, u8, &str, &str); 15] = [
    ("Connect", Role::Client, 0x10, "0004 4D515454 05 02 003C", "0001 61"),
    ("Will", Role::Client, 0x10, "0004 4D515454 05 06 003C 00 0001 61", "0001 77 0000"),
    ("ConnAck", Role::Server, 0x20, "00 00", ""),
    ("Publish", Role::Server, 0x30, "0001 61", ""),
    ("PubAck", Role::Client, 0x40, "0001 00", ""),
    ("PubRec", Role::Server, 0x50, "0001 00", ""),
    ("PubRel", Role::Client, 0x62, "0001 00", ""),
    ("PubComp", Role::Server, 0x70, "0001 00", ""),
    ("Subscribe", Role::Client, 0x82, "0001", "0001 61 00"),
    ("SubAck", Role::Server, 0x90, "0001", "00"),
    ("Unsubscribe", Role::Client, 0xA2, "0001", "0001 61"),
    ("UnsubAck", Role::Server, 0xB0, "0001", "00"),
    ("Disconnect", Role::Client, 0xE0, "00", ""),
    ("Disconnect", Role::Server, 0xE0, "00", ""),
    ("Auth", Role::Server, 0xF0, "18", ""),
];

/// A packet of this place whose properties are `properties`.
fn decode(place: usize, properties: &[u8]) -> Result<Packet, Violation> {
    let (name, sender, first, before, after) = PLACES[place];
    // 3.15.2.2.2, 3.1.2.11.10: these two need a method, unless it is the property at hand.
    let needs_method = name == "Auth" || (name == "Connect" && properties.first() == Some(&0x16));
    let method = if needs_method && properties.first() != Some(&0x15) { hex("15 0001 6D") } else { Vec::new() };
    let properties = [method, properties.to_vec()].concat();
    let body = [hex(before), vec![properties.len() as u8], properties, hex(after)].concat();
    let bytes = [vec![first, body.len() as u8], body].concat();
    let mut decoder = Decoder::new(sender.peer(), PacketLimits::default());
    if first != 0x10 {
        decoder.set_version(V5);
    }
    decoder.decode(&mut Bytes::from(bytes)).map(|packet| packet.expect("a whole packet"))
}

#[test]
fn every_property_stands_where_the_table_says() {
    for (id, value, places) in TABLE {
        for (index, (name, sender, ..)) in PLACES.iter().enumerate() {
            let property = [vec![id], hex(value)].concat();
            let allowed = places.split(' ').any(|place| place == *name);
            let expected = match (id, *name, sender) {
                // MQTT-3.14.2-2.
                (0x11, "Disconnect", Role::Server) => Err(Violation::SessionExpiryFromServer),
                // 3.14.2.2.5.
                (0x1C, "Disconnect", Role::Client) => Err(Violation::PropertyNotAllowed),
                _ if allowed => Ok(()),
                _ => Err(Violation::PropertyNotAllowed),
            };
            let result = decode(index, &property).map(|_| ());
            assert_eq!(result, expected, "0x{id:02X} in {name} from {sender:?}");
        }
    }
}

#[test]
fn a_property_repeats_only_where_the_standard_allows_it() {
    for (id, value, places) in TABLE {
        for (index, (name, ..)) in PLACES.iter().enumerate() {
            if !places.split(' ').any(|place| place == *name) {
                continue;
            }
            let property = [vec![id], hex(value)].concat();
            if decode(index, &property).is_err() {
                continue;
            }
            let repeats = id == 0x26 || (id == 0x0B && *name == "Publish");
            let expected = if repeats { Ok(()) } else { Err(Violation::PropertyDuplicate) };
            let twice = decode(index, &[property.clone(), property].concat()).map(|_| ());
            assert_eq!(twice, expected, "0x{id:02X} twice in {name}");
        }
    }
}

#[test]
fn undefined_identifiers_are_unknown_everywhere() {
    for id in (0..=0x7F_u8).filter(|id| TABLE.iter().all(|(known, ..)| known != id)) {
        for (place, (name, ..)) in PLACES.iter().enumerate() {
            assert_eq!(decode(place, &[id, 0]), Err(Violation::PropertyUnknown), "0x{id:02X} in {name}");
        }
    }
}

#[test]
fn the_identifiers_are_those_of_the_table() {
    let ids: Vec<_> = PropertyId::ALL.iter().map(|id| id.value()).collect();
    assert_eq!(ids, TABLE.map(|(id, ..)| id));
}
