//! What comes before CONNECT is accepted, and bytes that stop anywhere.

use std::{
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

use reference_broker::{Broker, Config};
use transport::{Listener, Options};

use super::{
    victim::Victim,
    wire::{Bystander, Wire, connect, packet, text},
};

const MEBIBYTE: usize = 1 << 20;

fn descriptors() {
    rlimit::increase_nofile_limit(u64::MAX).unwrap();
}

#[test]
fn a_thousand_strangers_that_announce_256_mb_hold_nothing() {
    descriptors();
    let victim = Victim::start(64 * MEBIBYTE);
    let mut bystander = Bystander::new(victim.address);
    let before = victim.resident();
    let mut strangers: Vec<_> = (0..1_000).map(|_| Wire::dial(victim.address)).collect();
    for stranger in &mut strangers {
        stranger.send_in_vain(&[0x10, 0xFF, 0xFF, 0xFF, 0x7F]);
        stranger.send_in_vain(&[0; 2_000]);
    }
    bystander.check();
    for stranger in &mut strangers {
        assert_eq!(stranger.rest(), [0; 0], "nothing is said to what is no CONNECT");
    }
    let grown = victim.resident().saturating_sub(before);
    assert!(grown < 8 * MEBIBYTE, "{grown} bytes for strangers that are gone");
    bystander.check();
}

#[test]
fn a_thousand_strangers_hold_what_they_sent_and_not_what_they_announce() {
    descriptors();
    let victim = Victim::start(64 * MEBIBYTE);
    let mut bystander = Bystander::new(victim.address);
    let before = victim.resident();
    // A CONNECT of 64 KiB, the largest that is taken, of which 100 bytes come.
    let begun = [&[0x10, 0xFC, 0xFF, 0x03][..], &text("MQTT"), &[4, 2, 0, 0], &[0xFF, 0x00], &[b'x'; 86]].concat();
    let mut strangers: Vec<_> = (0..1_000).map(|_| Wire::dial(victim.address)).collect();
    strangers.iter_mut().for_each(|stranger| stranger.send(&begun));
    bystander.check();
    let grown = victim.resident().saturating_sub(before);
    assert!(grown < 12 * MEBIBYTE, "{grown} bytes for 100,000 that came");
    // The same after CONNECT: a PUBLISH of a megabyte, of which ten bytes come.
    drop(strangers);
    let mut clients: Vec<_> =
        (0..1_000).map(|number| Wire::connected(victim.address, &format!("client-{number}"))).collect();
    clients.iter_mut().for_each(|client| client.send(&[0x30, 0xFC, 0xFF, 0x3F, 0, 1, b't', b'x', b'x', b'x']));
    bystander.check();
    let grown = victim.resident().saturating_sub(before);
    assert!(grown < 16 * MEBIBYTE, "{grown} bytes for 10,000 that came");
}

/// A conversation in which every length is followed by what it announces.
pub(crate) fn conversation() -> Vec<Vec<u8>> {
    let properties = [&[0x11, 0, 0, 0, 9, 0x26][..], &text("name"), &text("value")].concat();
    let will = [&[2, 0x01, 1][..], &text("will"), &[0, 1, b'x']].concat();
    let length = [properties.len() as u8];
    vec![
        packet(0x10, &[&text("MQTT"), &[5, 0x06, 0, 60], &length, &properties, &text("id"), &will]),
        packet(0x82, &[&[0, 1, 2, 0x0B, 7], &text("a/+/#"), &[1]]),
        packet(0x3A, &[&text("a/b"), &[0, 9, 6, 0x26, 0, 1, b'k', 0, 0], b"payload"]),
        packet(0x34, &[&text("c"), &[0, 8, 0], &[b'x'; 200]]),
        packet(0x62, &[&[0, 8]]),
        packet(0xA2, &[&[0, 2, 0], &text("a/+/#")]),
        vec![0xC0, 0],
        packet(0xE0, &[&[0x04, 5, 0x11, 0, 0, 0, 0]]),
    ]
}

#[test]
fn a_conversation_may_be_split_at_every_point() {
    let victim = Victim::start(64 * MEBIBYTE);
    let mut bystander = Bystander::new(victim.address);
    let bytes = conversation().concat();
    let mut whole = Wire::dial(victim.address);
    whole.send(&bytes);
    let expected = whole.rest();
    assert_eq!(expected[0], 0x20);
    for point in 1..bytes.len() {
        let mut wire = Wire::dial(victim.address);
        wire.send(&bytes[..point]);
        // By then the broker has read the first part.
        bystander.check();
        wire.send(&bytes[point..]);
        assert_eq!(wire.rest(), expected, "split after {point} bytes");
    }
}

#[test]
fn a_conversation_may_end_at_every_point() {
    let victim = Victim::start(64 * MEBIBYTE);
    let mut bystander = Bystander::new(victim.address);
    let bytes = conversation().concat();
    let mut wires = Vec::new();
    for point in 0..bytes.len() {
        let mut wire = Wire::dial(victim.address);
        wire.send(&bytes[..point]);
        wire.end();
        wires.push(wire);
    }
    wires.iter_mut().for_each(|wire| drop(wire.rest()));
    bystander.check();
}

#[test]
fn every_length_may_lie() {
    let victim = Victim::start(64 * MEBIBYTE);
    let mut bystander = Bystander::new(victim.address);
    let before = victim.resident();
    let packets = conversation();
    // Every byte in turn is 0, one less, one more, or as much as it can be: among them is every length.
    for (index, packet) in packets.iter().enumerate() {
        for at in 0..packet.len().min(60) {
            for value in [0, packet[at].wrapping_sub(1), packet[at].wrapping_add(1), 0x7F, 0xFF] {
                let mut lie = packet.clone();
                lie[at] = value;
                let mut wire = Wire::dial(victim.address);
                let first = if index == 0 { Vec::new() } else { packets[0].clone() };
                wire.send_in_vain(&[first, lie].concat());
                wire.end();
                wire.rest();
            }
        }
        bystander.check();
    }
    let grown = victim.resident().saturating_sub(before);
    assert!(grown < 8 * MEBIBYTE, "{grown} bytes for connections that are gone");
}

#[test]
fn sockets_that_say_nothing_or_too_little_are_closed_in_time() {
    const SOCKETS: usize = 100;
    let mut config = Config { workers: 1, ..Config::default() };
    config.protocol.connect_timeout = Duration::from_millis(800);
    let listener = Listener::bind(SocketAddr::from(([127, 0, 0, 1], 0)), Options::default()).unwrap();
    let broker = Broker::start(vec![listener.into()], config).unwrap();
    let address = broker.handle().address();
    let mut bystander = Bystander::new(address);
    let start = Instant::now();
    let mut silent: Vec<_> = (0..SOCKETS).map(|_| Wire::dial(address)).collect();
    let mut slow: Vec<_> = (0..SOCKETS).map(|_| Wire::dial(address)).collect();
    // A CONNECT one byte at a time: at this pace it would take eight seconds.
    let bytes = connect(&"x".repeat(60), true, None);
    for byte in &bytes {
        let open = slow.iter_mut().filter_map(|wire| wire.send_in_vain(&[*byte]).then_some(())).count();
        if open == 0 || start.elapsed() > Duration::from_secs(3) {
            break;
        }
        // The pace of the attack, not a wait for the broker.
        thread::sleep(Duration::from_millis(100));
    }
    for wire in silent.iter_mut().chain(&mut slow) {
        assert_eq!(wire.rest(), [0; 0]);
    }
    assert!(start.elapsed() < Duration::from_secs(8), "a byte at a time gains no time: {:?}", start.elapsed());
    assert_eq!(broker.handle().counters().connect_timeouts, 2 * SOCKETS as u64);
    bystander.check();
}
