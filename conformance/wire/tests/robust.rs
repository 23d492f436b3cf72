//! No bytes make the codec panic, and what it accepts it writes again as it came.

mod random;

use random::Random;
use wire::{
    Ack, Auth, Connack, Connect,
    Direction::{self, *},
    Disconnect, Frame, Frames, Options, Packet, Pingreq, Pingresp, Property, Publish, Suback, Subscribe, Unsuback,
    Unsubscribe, Version, Will, hex, line,
};

/// Packets with many fields, one of each type.
fn packets() -> Vec<(Direction, Packet)> {
    let will = Will::to("w").qos(1).retain(true).payload("gone").with(Property::will_delay_interval(1));
    let connect = Connect::as_("me").keep_alive(5).user("u").password("p").will(will);
    let publish = Publish::to("a/ü").qos(2).id(0x1234).payload([0, 0xff]);
    let subscribe =
        Subscribe::new(9).filter("a/+", Options::qos(2).no_local().retain_handling(2)).filter("$share/g/#", 1);
    vec![
        (FromClient, connect.with(Property::session_expiry_interval(9)).with(Property::user("k", "v")).into()),
        (FromServer, Connack::accepted().session_present(true).with(Property::assigned_client_identifier("c")).into()),
        (
            FromServer,
            publish.with(Property::subscription_identifier(300)).with(Property::correlation_data(b"c")).into(),
        ),
        (FromServer, Ack::puback(1).reason(0x10).with(Property::reason_string("r")).into()),
        (FromServer, Ack::pubrec(2).into()),
        (FromClient, Ack::pubrel(3).reason(0x92).into()),
        (FromServer, Ack::pubcomp(4).with(Property::user("a", "b")).into()),
        (FromClient, subscribe.with(Property::subscription_identifier(1)).into()),
        (FromServer, Suback::new(9).reason(1).reason(0x80).into()),
        (FromClient, Unsubscribe::new(10).filter("a").filter("b/#").into()),
        (FromServer, Unsuback::new(10).reason(0x11).reason(0).into()),
        (FromClient, Pingreq.into()),
        (FromServer, Pingresp.into()),
        (FromServer, Disconnect::because(0x8e).with(Property::server_reference("s")).into()),
        (FromClient, Auth::new(0x19, "m").data("d").into()),
    ]
}

/// What a packet of 5.0 keeps in an older version.
fn bytes_of(version: Version) -> Vec<(Direction, Vec<u8>)> {
    packets().into_iter().map(|(direction, packet)| (direction, packet.draft(version).encode())).collect()
}

/// Asks everything that there is to ask about some bytes.
fn ask(version: Version, direction: Direction, bytes: &[u8]) {
    let frame = Frame::new(bytes);
    let _ = (frame.kind(), frame.flags(), frame.remaining_length(), frame.body(), frame.version(), frame.clean_start());
    let _ = (frame.keep_alive(), frame.client_identifier(), frame.qos(), frame.dup(), frame.retain(), frame.topic());
    let _ = (frame.payload(version), frame.packet_identifier(), frame.reason(version), frame.reasons(version));
    let _ = (frame.session_present(), frame.properties(version), frame.filters(version), frame.to_string());
    let text = line(version, direction, bytes);
    assert!(!text.is_empty() && !text.contains('\n'), "{text}");
    if let Ok(packet) = Packet::parse(version, direction, bytes) {
        let again = packet.draft(version).encode();
        let same = Packet::parse(version, direction, &again).expect("what was accepted is accepted again");
        assert_eq!(same, packet, "{version} {}", hex::line(bytes));
        // 3.1.1 does not forbid a Remaining Length in more bytes than it needs, and 3.1 leaves some bits unused.
        if version == Version::V5 {
            assert_eq!(hex::line(&again), hex::line(bytes));
        }
    }
}

#[test]
fn packets_of_every_type_come_back() {
    for version in [Version::V3_1_1, Version::V5] {
        for (direction, packet) in packets() {
            let bytes = packet.draft(version).encode();
            match Packet::parse(version, direction, &bytes) {
                Ok(parsed) if version == Version::V5 => assert_eq!(parsed, packet),
                Ok(parsed) => assert_eq!(parsed.draft(version).encode(), bytes),
                // The codes, packets and senders that only 5.0 has.
                Err(breach) => assert!(version == Version::V3_1_1, "{packet:?}: {breach}"),
            }
        }
    }
}

#[test]
fn every_short_packet_gets_an_answer() {
    for version in Version::ALL {
        for direction in [FromClient, FromServer] {
            ask(version, direction, &[]);
            for first in 0..=255 {
                ask(version, direction, &[first]);
                for second in (0..=255).step_by(17).chain([1, 2, 3, 128]) {
                    ask(version, direction, &[first, second]);
                    ask(version, direction, &[first, 1, second]);
                }
            }
        }
    }
}

#[test]
fn every_byte_of_every_packet_may_be_any_other() {
    for version in [Version::V3_1_1, Version::V5] {
        for (direction, bytes) in bytes_of(version) {
            for index in 0..bytes.len() {
                for value in [0, 1, 2, 3, 0x26, 0x7f, 0x80, 0xed, 0xff] {
                    let mut changed = bytes.clone();
                    changed[index] = value;
                    ask(version, direction, &changed);
                }
                ask(version, direction, &bytes[..index]);
            }
        }
    }
}

#[test]
fn seeded_mutations_get_an_answer() {
    let seed = random::seed();
    println!("seed {seed}");
    let mut random = Random::new(seed);
    for version in Version::ALL {
        let corpus = bytes_of(version);
        for _ in 0..3_000 {
            let (direction, bytes) = &corpus[random.below(corpus.len())];
            let (_, other) = &corpus[random.below(corpus.len())];
            let direction = if random.below(8) == 0 { direction.reverse() } else { *direction };
            let mutated = mutate(&mut random, bytes, other);
            ask(version, direction, &mutated);
        }
    }
}

/// Some changes, after which the Remaining Length is often made right, so that they reach further in.
fn mutate(random: &mut Random, bytes: &[u8], other: &[u8]) -> Vec<u8> {
    let mut body = Frame::new(bytes).body().to_vec();
    for _ in 0..=random.below(3) {
        let at = random.below(body.len() + 1);
        match random.below(5) {
            0 => body.insert(at, random.byte()),
            1 => body.truncate(at),
            2 => drop(body.splice(at..at, other.iter().copied())),
            _ => {
                if let Some(byte) = body.get_mut(at) {
                    *byte = random.byte();
                }
            }
        }
    }
    let first = if random.below(4) == 0 { random.byte() } else { bytes[0] };
    let length = body.len() as u32 + u32::from(random.below(10) == 0);
    [vec![first], wire::number::encode(length), body].concat()
}

#[test]
fn a_stream_may_be_split_anywhere() {
    let seed = random::seed();
    println!("seed {seed}");
    let mut random = Random::new(seed);
    let expected: Vec<Vec<u8>> = bytes_of(Version::V5).into_iter().map(|(_, bytes)| bytes).collect();
    let stream = expected.concat();
    for _ in 0..50 {
        let mut frames = Frames::new();
        let mut seen = Vec::new();
        let mut rest = stream.as_slice();
        while !rest.is_empty() {
            let (now, later) = rest.split_at(random.below(rest.len().min(20)) + 1);
            frames.push(now);
            seen.extend(frames.by_ref().map(Frame::into_bytes));
            rest = later;
        }
        assert_eq!(seen, expected);
        assert!(frames.pending().is_empty());
    }
}

#[test]
fn a_stream_that_is_no_mqtt_passes_as_it_comes() {
    let mut frames = Frames::new();
    frames.push(&[0xc0, 0, 0x10, 0xff, 0xff]);
    assert_eq!(frames.next().map(Frame::into_bytes), Some(vec![0xc0, 0]));
    assert_eq!(frames.next(), None);
    frames.push(&[0xff, 0xff, 1]);
    let opaque = frames.next().expect("the rest");
    assert!(opaque.is_opaque() && frames.is_opaque());
    assert_eq!((opaque.kind(), opaque.body()), (None, &[][..]));
    assert_eq!(opaque.bytes(), [0x10, 0xff, 0xff, 0xff, 0xff, 1]);
    frames.push(&[0xc0, 0]);
    assert!(frames.next().is_some_and(|frame| frame.is_opaque()));
    assert_eq!(frames.next(), None);
}

#[test]
fn a_packet_longer_than_wanted_is_not_waited_for() {
    let mut frames = Frames::up_to(100);
    frames.push(&[0x30, 98]);
    assert_eq!(frames.next(), None);
    let mut frames = Frames::up_to(100);
    frames.push(&[0x30, 99]);
    assert!(frames.next().is_some_and(|frame| frame.is_opaque()));
}
