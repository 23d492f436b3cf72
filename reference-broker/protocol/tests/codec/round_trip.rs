//! What is written is what is read.

use bytes::Bytes;
use proptest::{collection::vec, prelude::*};
use protocol::{Decoder, Packet, PacketLimits, Role, Version};

use crate::strategy::{connection, packet};

fn stream(version: Version, packets: &[Packet]) -> Vec<u8> {
    let mut out = Vec::new();
    for packet in packets {
        packet.encode(version, &mut out).unwrap();
    }
    out
}

fn read(version: Version, sender: Role, reads: &[&[u8]]) -> Vec<Packet> {
    let mut decoder = Decoder::new(sender.peer(), PacketLimits::default());
    decoder.set_version(version);
    let mut packets = Vec::new();
    for read in reads {
        let mut bytes = Bytes::copy_from_slice(read);
        while let Some(packet) = decoder.decode(&mut bytes).unwrap() {
            packets.push(packet);
        }
    }
    assert_eq!(decoder.buffered(), 0);
    packets
}

proptest! {
    #[test]
    fn packets_come_back_as_they_were(
        (version, sender, packets) in connection()
            .prop_flat_map(|(version, sender)| (Just(version), Just(sender), vec(packet(version, sender), 1..6)))
    ) {
        let bytes = stream(version, &packets);
        prop_assert_eq!(read(version, sender, &[&bytes]), packets);
    }

    #[test]
    fn packets_come_back_however_the_stream_is_cut(
        (version, sender, packets) in connection()
            .prop_flat_map(|(version, sender)| (Just(version), Just(sender), vec(packet(version, sender), 1..6))),
        size in 1..40_usize,
    ) {
        let bytes = stream(version, &packets);
        let reads: Vec<_> = bytes.chunks(size).collect();
        prop_assert_eq!(read(version, sender, &reads), packets);
    }
}

#[test]
fn payload_and_topic_are_slices_of_the_read_buffer() {
    let mut bytes = Bytes::copy_from_slice(b"\x30\x07\x00\x03a/bhi");
    let buffer = bytes.as_ptr_range();
    let mut decoder = Decoder::new(Role::Server, PacketLimits::default());
    decoder.set_version(Version::V311);
    let Ok(Some(Packet::Publish(publish))) = decoder.decode(&mut bytes) else { panic!("a PUBLISH") };
    assert!(buffer.contains(&publish.payload.as_ptr()));
    assert!(buffer.contains(&publish.topic.unwrap().as_str().as_ptr()));
}

#[test]
fn packets_stay_small() {
    assert!(size_of::<Packet>() <= 104, "{}", size_of::<Packet>());
}
