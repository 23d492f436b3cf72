//! Any bytes, cut anywhere: decoding neither panics nor depends on the cut, and what it accepts survives being written
//! and read again.
//!
//! The first byte of an input chooses role, version and cut; the rest is the stream.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use protocol::{Decoder, Packet, PacketLimits, Role, Version, Violation};

fuzz_target!(|input: &[u8]| {
    let Some((choice, stream)) = input.split_first() else { return };
    let role = if choice & 1 == 0 { Role::Server } else { Role::Client };
    let version = [None, Some(Version::V311), Some(Version::V5), Some(Version::V5)][usize::from(choice >> 1 & 0b11)];
    let whole = decode(role, version, &[stream]);
    let cut = stream.len().min(usize::from(choice >> 3));
    let (left, right) = stream.split_at(cut);
    assert_eq!(whole, decode(role, version, &[left, right]), "cut at {cut}");
    for packet in &whole.0 {
        survives(role, whole.1, packet);
    }
});

/// The packets, the version after them, and how the stream ended.
type Outcome = (Vec<Packet>, Option<Version>, Option<Violation>);

fn decode(role: Role, version: Option<Version>, reads: &[&[u8]]) -> Outcome {
    let mut decoder = Decoder::new(role, PacketLimits { maximum_packet_size: 1 << 16, ..PacketLimits::default() });
    if let Some(version) = version {
        decoder.set_version(version);
    }
    let mut packets = Vec::new();
    for read in reads {
        let mut bytes = Bytes::copy_from_slice(read);
        loop {
            match decoder.decode(&mut bytes) {
                Ok(Some(packet)) => packets.push(packet),
                Ok(None) => break,
                Err(violation) => return (packets, decoder.version(), Some(violation)),
            }
        }
    }
    (packets, decoder.version(), None)
}

fn survives(role: Role, version: Option<Version>, packet: &Packet) {
    let version = version.unwrap_or(Version::V311);
    let mut out = Vec::new();
    packet.encode(version, &mut out).expect("what was decoded can be encoded");
    let mut decoder = Decoder::new(role, PacketLimits::default());
    decoder.set_version(version);
    assert_eq!(decoder.decode(&mut Bytes::from(out)).as_ref(), Ok(&Some(packet.clone())));
}
