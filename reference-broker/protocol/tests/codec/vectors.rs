//! Literal bytes: one row per case, one file per family.

mod ack;
mod connect;
mod control;
mod framing;
mod publish;
mod subscribe;

use bytes::Bytes;
use protocol::{Decoder, Packet, PacketLimits, Role, Utf8String, Version, Violation};

/// Bytes from one side, and what they mean.
pub(crate) struct Row {
    /// The fact, or the statement that the bytes break.
    what: &'static str,
    version: Version,
    sender: Role,
    bytes: Vec<u8>,
    meaning: Result<Packet, Violation>,
    /// Whether the packet is written as exactly these bytes.
    canonical: bool,
}

fn valid(version: Version, sender: Role, what: &'static str, bytes: &str, packet: Packet) -> Row {
    Row { what, version, sender, bytes: hex(bytes), meaning: Ok(packet), canonical: true }
}

/// Legal, though not as this crate writes it.
fn lenient(version: Version, sender: Role, what: &'static str, bytes: &str, packet: Packet) -> Row {
    Row { canonical: false, ..valid(version, sender, what, bytes, packet) }
}

fn invalid(version: Version, sender: Role, statement: &'static str, bytes: &str, violation: Violation) -> Row {
    Row { what: statement, version, sender, bytes: hex(bytes), meaning: Err(violation), canonical: false }
}

fn rows() -> impl Iterator<Item = Row> {
    connect::rows()
        .into_iter()
        .chain(framing::rows())
        .chain(publish::rows())
        .chain(ack::rows())
        .chain(subscribe::rows())
        .chain(control::rows())
}

impl Row {
    fn decoder(&self) -> Decoder {
        let mut decoder = Decoder::new(self.sender.peer(), PacketLimits::default());
        let is_connect = self.bytes[0] >> 4 == 1;
        if !is_connect && !self.what.contains("MQTT-3.1.0-1") {
            decoder.set_version(self.version);
        }
        decoder
    }

    fn decode_in(&self, reads: &[&[u8]]) -> Result<Packet, Violation> {
        let mut decoder = self.decoder();
        for read in reads {
            let mut bytes = Bytes::copy_from_slice(read);
            if let Some(packet) = decoder.decode(&mut bytes)? {
                assert!(bytes.is_empty(), "{self}: bytes are left");
                assert_eq!(decoder.buffered(), 0, "{self}: bytes are held");
                return Ok(packet);
            }
        }
        panic!("{self}: no packet after all bytes");
    }
}

impl std::fmt::Display for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({:?} from {:?}: {:02X?})", self.what, self.version, self.sender, self.bytes)
    }
}

#[test]
fn bytes_mean_what_the_standard_says() {
    for row in rows() {
        assert_eq!(row.decode_in(&[&row.bytes]), row.meaning, "{row}");
    }
}

#[test]
fn packets_are_written_as_the_same_bytes() {
    for row in rows().filter(|row| row.canonical) {
        let mut out = b"before".to_vec();
        row.meaning.as_ref().unwrap().encode(row.version, &mut out).unwrap();
        assert_eq!(out, [b"before", &row.bytes[..]].concat(), "{row}");
    }
}

#[test]
fn any_split_of_the_stream_means_the_same() {
    for row in rows() {
        for at in 0..=row.bytes.len() {
            let (left, right) = row.bytes.split_at(at);
            assert_eq!(row.decode_in(&[left, right]), row.meaning, "{row} split at {at}");
        }
        let single: Vec<_> = row.bytes.chunks(1).collect();
        assert_eq!(row.decode_in(&single), row.meaning, "{row} byte by byte");
    }
}

#[test]
fn every_invalid_row_breaks_a_rule_of_its_version() {
    for row in rows() {
        if let Err(violation) = row.meaning {
            assert!(violation.statement(row.version).is_some(), "{row}: {violation:?} has no statement there");
        }
    }
}

#[test]
fn packets_in_one_read_come_out_in_order() {
    for sender in [Role::Client, Role::Server] {
        for version in [Version::V311, Version::V5] {
            let rows: Vec<_> = rows()
                .filter(|row| row.sender == sender && row.version == version && row.meaning.is_ok())
                .filter(|row| row.bytes[0] >> 4 != 1)
                .collect();
            let mut bytes: Bytes = rows.iter().flat_map(|row| row.bytes.clone()).collect();
            let mut decoder = Decoder::new(sender.peer(), PacketLimits::default());
            decoder.set_version(version);
            for row in &rows {
                assert_eq!(decoder.decode(&mut bytes), row.meaning.clone().map(Some), "{row}");
            }
            assert_eq!(decoder.decode(&mut bytes), Ok(None));
        }
    }
}

/// Bytes from hex digits; blanks are for the reader.
pub(crate) fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        digits.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_digit(16).expect("hex digit") as u8).collect();
    assert!(digits.len().is_multiple_of(2), "odd number of hex digits");
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn text(text: &str) -> Utf8String {
    Utf8String::new(text).unwrap()
}
