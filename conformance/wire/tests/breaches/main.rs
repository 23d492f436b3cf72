//! Every rule of the strict parser is broken once, in every version that has it, and cited by the id of that version.
//!
//! The rows name no ids in their text: they stand as numbers behind the lie, first that of 3.1.1, then that of 5.0. `""` is a breach without a
//! number, `OK` is none.

mod rows;

use std::collections::BTreeSet;

use rows::{OK, Row};
use wire::{Direction::*, Packet, Version, Version::*, rule};

/// What the parser says of a lie: `OK`, a number, or `""`.
fn judge(version: Version, row: &Row) -> String {
    let draft = (row.lie)(version);
    assert_eq!(draft.misuse(), None, "{}", row.what);
    match Packet::parse(version, row.direction, &draft.encode()) {
        Ok(_) => OK.to_owned(),
        Err(breach) => breach.statement.unwrap_or("").trim_start_matches("MQTT-").to_owned(),
    }
}

#[test]
fn every_lie_is_found_and_cited() {
    let mut wrong = Vec::new();
    for row in rows::all() {
        for (version, expected) in [(V3_1_1, row.v3_1_1), (V5, row.v5)] {
            let Some(expected) = expected else { continue };
            let judged = judge(version, &row);
            if judged != expected {
                wrong.push(format!("{} in {version}: {judged:?}, not {expected:?}", row.what));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_has_a_row() {
    let mut broken = BTreeSet::new();
    for row in rows::all() {
        broken.extend(row.v3_1_1.map(|number| (V3_1_1, number)));
        broken.extend(row.v5.map(|number| (V5, number)));
    }
    for rule in rule::RULES {
        for version in [V3_1_1, V5] {
            if let Some(id) = rule.id(version) {
                let number = id.trim_start_matches("MQTT-");
                assert!(broken.contains(&(version, number)), "no row breaks {number} in {version}");
            }
        }
    }
}

#[test]
fn rules_of_3_1_have_no_numbers() {
    for row in rows::all().iter().filter(|row| row.v3_1_1.is_some()) {
        let judged = judge(V3_1, row);
        assert!(judged == OK || judged.is_empty(), "{}: {judged}", row.what);
    }
}

/// A breach says where: byte 0 is the first of the packet.
#[test]
fn a_breach_says_where() {
    let at = |version, direction, bytes: &[u8]| Packet::parse(version, direction, bytes).map_err(|breach| breach.at);
    let lies: [(Result<Packet, usize>, usize); 8] = [
        (at(V5, FromClient, &[]), 0),
        (at(V5, FromClient, &[0x00, 0]), 0),
        (at(V5, FromClient, &[0xc0, 0x80]), 1),
        (at(V3_1_1, FromClient, &[0x40, 2, 0, 0]), 2),
        (at(V5, FromServer, &[0x30, 4, 0, 1, b'#', 0]), 4),
        (at(V5, FromServer, &[0x30, 7, 0, 1, b'a', 3, 0x23, 0, 0]), 7),
        (at(V5, FromServer, &[0x30, 6, 0, 1, b'a', 2, 0x01, 2]), 7),
        (at(V3_1_1, FromServer, &[0x30, 5, 0, 3, b'a', 0xff, b'b']), 5),
    ];
    for (index, (judged, at)) in lies.into_iter().enumerate() {
        assert_eq!(judged, Err(at), "case {index}");
    }
}
