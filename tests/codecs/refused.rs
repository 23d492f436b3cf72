//! What wire refuses the broker's codec refuses, and the other way round; where they differ, the standard's text has settled it.

use std::collections::BTreeSet;

use proptest::{prelude::*, sample::Index};
use wire::{
    Direction, Frame, Packet, Version,
    Version::{V3_1_1, V5},
    hex,
};

use crate::{
    ours::{heard, meaning, without_form},
    packets::any_packet,
};

#[path = "../../conformance/wire/tests/breaches/rows.rs"]
mod rows;

/// What wire says of a packet that the broker's codec takes, and the text of the standard by which both are right.
const SETTLED: &[(&str, &str)] = &[(
    "the payload says it is UTF-8 and is not",
    "5.0, section 3.3.2.3.2: the payload \"MUST be well-formed UTF-8\", which binds who made it, and \"the receiver MAY validate\" it: \
     a judge of the sender does, a broker may leave it",
)];

/// Whether both take it, with the same meaning, or both refuse it. `Ok` is what they agree on.
fn agreed(version: Version, direction: Direction, bytes: &[u8]) -> Result<bool, String> {
    let told = format!("{direction} {version}: {}", hex::line(bytes));
    match (Packet::parse(version, direction, bytes), heard(version, direction, bytes)) {
        (Ok(packet), Ok(Some(theirs))) if without_form(packet.clone()) == meaning(version, theirs.clone()) => Ok(true),
        (Ok(packet), Ok(theirs)) => Err(format!("{told}\n  wire {packet:?}\n  the broker {theirs:?}")),
        (Ok(packet), Err(violation)) => Err(format!("{told}\n  wire {packet:?}\n  the broker {violation}")),
        (Err(breach), Ok(Some(_))) if SETTLED.iter().any(|(what, _)| breach.what.contains(what)) => Ok(false),
        (Err(breach), Ok(Some(packet))) => Err(format!("{told}\n  wire {breach}\n  the broker {packet:?}")),
        // A decoder of a stream waits for what was announced.
        (Err(_), Ok(None) | Err(_)) => Ok(false),
    }
}

#[test]
fn every_lie_is_refused_by_both() {
    let mut disagreements = Vec::new();
    let mut settled = BTreeSet::new();
    for row in rows::all() {
        for (version, judged) in [(V3_1_1, row.v3_1_1), (V5, row.v5)] {
            let bytes = (row.lie)(version).encode();
            if let Err(breach) = Packet::parse(version, row.direction, &bytes) {
                settled.extend(SETTLED.iter().map(|(what, _)| *what).filter(|what| breach.what.contains(what)));
            }
            match agreed(version, row.direction, &bytes) {
                Ok(taken) => assert!(judged.is_none_or(|judged| taken == (judged == rows::OK)), "{}", row.what),
                Err(told) if judged.is_some() => disagreements.push(format!("{}: {told}", row.what)),
                // A lie that this version cannot tell.
                Err(_) => {}
            }
        }
    }
    assert!(disagreements.is_empty(), "{}", disagreements.join("\n"));
    assert_eq!(settled.len(), SETTLED.len(), "a disagreement was settled that nobody has");
}

/// One change of a body.
#[derive(Clone, Debug)]
enum Change {
    Set(Index, u8),
    Insert(Index, u8),
    Remove(Index),
    Truncate(Index),
}

fn change() -> impl Strategy<Value = Change> {
    // Mostly small numbers: they are flags, lengths and codes.
    let byte = || prop_oneof![0..=4_u8, any::<u8>()];
    prop_oneof![
        (any::<Index>(), byte()).prop_map(|(at, byte)| Change::Set(at, byte)),
        (any::<Index>(), byte()).prop_map(|(at, byte)| Change::Insert(at, byte)),
        any::<Index>().prop_map(Change::Remove),
        any::<Index>().prop_map(Change::Truncate),
    ]
}

impl Change {
    fn apply(&self, body: &mut Vec<u8>) {
        match self {
            Self::Insert(at, byte) => body.insert(at.index(body.len() + 1), *byte),
            _ if body.is_empty() => {}
            Self::Set(at, byte) => {
                let at = at.index(body.len());
                body[at] = *byte;
            }
            Self::Remove(at) => {
                body.remove(at.index(body.len()));
            }
            Self::Truncate(at) => body.truncate(at.index(body.len())),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(2_000), ..ProptestConfig::default() })]

    /// Any legal packet, changed by a byte or two, its Remaining Length mended.
    #[test]
    fn changed_packets_are_judged_alike(
        sent in any_packet(),
        changes in prop::collection::vec(change(), 1..3),
        flags in prop_oneof![4 => Just(0), 1 => 0..16_u8],
    ) {
        let bytes = sent.encode();
        let mut body = Frame::new(bytes.as_slice()).body().to_vec();
        changes.iter().for_each(|change| change.apply(&mut body));
        let length = wire::number::encode(u32::try_from(body.len()).unwrap());
        let changed = [vec![bytes[0] ^ flags], length, body].concat();
        let agreed = agreed(sent.version, sent.direction, &changed);
        prop_assert!(agreed.is_ok(), "{}", agreed.unwrap_err());
    }
}
