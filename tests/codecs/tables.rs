//! wire's tables against `conformance/statements`.

use std::{collections::BTreeSet, fs, path::Path};

use wire::{
    Direction::{self, FromClient, FromServer},
    Kind, Version, rule,
    tables::{self, DataType, Place, Values},
};

type Row = [String; 7];

/// version, kind, id, name, value, packets, note.
fn limits() -> Vec<Row> {
    let text = fs::read_to_string(statements().join("limits.tsv")).unwrap();
    let row = |line: &str| line.split('\t').map(str::to_owned).collect::<Vec<_>>().try_into().unwrap();
    text.lines().skip(1).map(row).collect()
}

fn statements() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance/statements")
}

fn rows(version: &str, kind: &str) -> Vec<Row> {
    let rows: Vec<Row> = limits().into_iter().filter(|row| row[0] == version && row[1] == kind).collect();
    assert!(!rows.is_empty(), "{version} has rows of {kind}");
    rows
}

fn number(text: &str) -> u32 {
    u32::from_str_radix(text.trim_start_matches("0x"), 16).unwrap()
}

fn kind(name: &str) -> Kind {
    Kind::ALL.into_iter().find(|kind| kind.to_string() == name).unwrap_or_else(|| panic!("no packet {name}"))
}

fn listed(packets: &str) -> BTreeSet<String> {
    packets.split(',').map(|packet| packet.trim().to_owned()).collect()
}

#[test]
fn packet_types_are_those_of_the_standards() {
    for (name, version) in [("3.1.1", Version::V3_1_1), ("5.0", Version::V5)] {
        let rows = rows(name, "packet-type");
        assert_eq!(rows.len(), 16);
        for [_, _, code, name, flags, senders, _] in rows {
            let of_code = Kind::of(code.parse().unwrap());
            let of_code = of_code.filter(|kind| !tables::packet_type(*kind).senders(version).is_empty());
            if name == "(forbidden)" {
                assert_eq!(of_code, None, "{code} in {version}");
                continue;
            }
            let row = tables::packet_type(of_code.unwrap());
            let expected: &[Direction] = match senders.as_str() {
                "C>S" => &[FromClient],
                "S>C" => &[FromServer],
                _ => &[FromClient, FromServer],
            };
            assert_eq!((row.name, row.senders(version)), (name.as_str(), expected), "{version}");
            let constant = row.flags.map(|flags| format!("flags {flags:04b}"));
            assert_eq!(constant.unwrap_or("flags DUP QoS QoS RETAIN".to_owned()), flags, "{name} in {version}");
        }
    }
}

#[test]
fn properties_are_those_of_the_standard() {
    let rows = rows("5.0", "property");
    assert_eq!(rows.len(), tables::PROPERTIES.len());
    for [_, _, identifier, name, data, places, note] in rows {
        let row = tables::property_type(number(&identifier)).unwrap();
        let row_data = match row.data {
            DataType::Byte => "Byte",
            DataType::TwoByte => "Two Byte Integer",
            DataType::FourByte => "Four Byte Integer",
            DataType::Variable => "Variable Byte Integer",
            DataType::Text => "UTF-8 Encoded String",
            DataType::Binary => "Binary Data",
            DataType::Pair => "UTF-8 String Pair",
        };
        assert_eq!((row.name, row_data), (name.as_str(), data.as_str()));
        assert_eq!(row.field, name.to_lowercase().replace(' ', "_"));
        let place = |place: &Place| match place {
            Place::Packet(kind) => kind.to_string(),
            Place::Will => "Will Properties".to_owned(),
        };
        assert_eq!(row.places.iter().map(place).collect::<BTreeSet<_>>(), listed(&places), "{name}");
        let repeats = match note.split(';').next().unwrap() {
            "at most once" => BTreeSet::new(),
            "may repeat in PUBLISH only" => listed("PUBLISH"),
            "may repeat" => listed(&places),
            other => panic!("{name}: {other}"),
        };
        assert_eq!(row.repeats.iter().map(place).collect::<BTreeSet<_>>(), repeats, "{name}");
        let range = note.split(';').nth(1).unwrap().trim();
        match row.values {
            Values::ZeroOrOne => assert_eq!(range, "range 0 or 1", "{name}"),
            Values::NotZero => assert!(range.starts_with("range 1-"), "{name}: {range}"),
            Values::TopicName => assert!(range.contains("no wildcards"), "{name}: {range}"),
            Values::Any => {
                assert!(range.starts_with("range 0-") || range.starts_with("range string"), "{name}: {range}")
            }
        }
    }
}

#[test]
fn reason_codes_are_those_of_the_standard() {
    let rows = rows("5.0", "reason-code");
    assert_eq!(rows.len(), tables::REASONS.len());
    for ([_, _, code, name, _, packets, _], row) in rows.into_iter().zip(&tables::REASONS) {
        assert_eq!((u32::from(row.code), row.name), (number(&code), name.as_str()));
        assert_eq!(row.packets.iter().map(Kind::to_string).collect::<BTreeSet<_>>(), listed(&packets), "{name}");
    }
}

#[test]
fn each_packet_has_the_codes_of_its_own_table() {
    for [_, _, packet, count, codes, ..] in rows("5.0", "reason-codes-of-packet") {
        let listed: BTreeSet<u32> = codes.split(' ').map(number).collect();
        let mut row: BTreeSet<u32> =
            tables::reasons(Version::V5, kind(&packet)).map(|reason| u32::from(reason.code)).collect();
        if packet == "DISCONNECT" {
            // In the summary (table 2-6), but not in the table of DISCONNECT (3-10); an erratum that limits.tsv says to accept.
            assert!(row.remove(&0x8c));
        }
        assert_eq!(row, listed, "{packet}");
        assert_eq!(count, format!("{} codes", listed.len()));
    }
}

#[test]
fn codes_of_one_side_are_its_own() {
    let packets = [("disconnect-sender", Kind::Disconnect), ("auth-sender", Kind::Auth)];
    for (rows_of, packet) in packets {
        for [_, _, code, name, sender, ..] in rows("5.0", rows_of) {
            let row = tables::reason(Version::V5, packet, u8::try_from(number(&code)).unwrap()).unwrap();
            let only = row.only.iter().find(|(kind, _)| *kind == packet).map(|(_, side)| *side);
            let expected = match sender.as_str() {
                "Client" => Some(FromClient),
                "Server" => Some(FromServer),
                _ => None,
            };
            assert_eq!((row.name, only), (name.as_str(), expected), "{packet}");
        }
    }
    let server_only = rows("5.0", "reason-code").into_iter().filter(|row| row[6] == "server only");
    for [_, _, code, _, _, packets, _] in server_only {
        for packet in listed(&packets) {
            let row = tables::reason(Version::V5, kind(&packet), u8::try_from(number(&code)).unwrap()).unwrap();
            assert!(row.only.contains(&(kind(&packet), FromServer)), "{packet}");
        }
    }
}

#[test]
fn return_codes_are_those_of_3_1_1() {
    for (rows_of, packet) in [("connack-return-code", Kind::Connack), ("suback-return-code", Kind::Suback)] {
        let named: Vec<(u32, String)> = rows("3.1.1", rows_of)
            .into_iter()
            .filter(|row| row[3] != "reserved")
            .map(|row| (number(&row[2]), row[3].clone()))
            .collect();
        let listed: Vec<(u32, String)> = tables::reasons(Version::V3_1_1, packet)
            .map(|reason| (u32::from(reason.code), reason.name.to_owned()))
            .collect();
        assert_eq!(listed, named, "{packet}");
    }
}

#[test]
fn every_statement_that_is_cited_exists() {
    for (version, file) in [(Version::V3_1_1, "mqtt311.tsv"), (Version::V5, "mqtt5.tsv")] {
        let text = fs::read_to_string(statements().join(file)).unwrap();
        let known: BTreeSet<&str> = text.lines().filter_map(|line| line.split('\t').next()).collect();
        for rule in rule::RULES {
            if let Some(id) = rule.id(version) {
                assert!(known.contains(id), "{id} is no statement of {version}");
            }
        }
    }
}
