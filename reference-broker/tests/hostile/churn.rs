//! The same over and over: whatever it takes is given back. What may be left is a few pages of an allocator.

use super::{
    victim::Victim,
    wire::{Bystander, Wire, connect, packet, text},
};

const MEBIBYTE: usize = 1 << 20;

/// Runs `round` a few times, so that buffers have their sizes, and then looks at what `rounds` of it add.
fn flat(rounds: usize, mut round: impl FnMut(&Victim, usize)) {
    let victim = Victim::start(64 * MEBIBYTE);
    let mut bystander = Bystander::new(victim.address);
    (0..rounds.div_ceil(5)).for_each(|number| round(&victim, number));
    bystander.check();
    let before = victim.resident();
    (0..rounds).for_each(|number| round(&victim, number));
    bystander.check();
    let grown = victim.resident().saturating_sub(before);
    assert!(grown < 2 * MEBIBYTE, "{} KiB more after {rounds} rounds", grown / 1024);
}

/// A thousand QoS 2 messages of one client that never sends PUBREL, with identifiers that come again and again.
fn unreleased(client: &mut Wire, round: usize) {
    let mut packets = Vec::new();
    for number in 0..1_000 {
        let id = ((round * 1_000 + number) as u16).max(1).to_be_bytes();
        packets.extend(packet(0x34, &[&text("t"), &id, b"x"]));
    }
    client.send(&packets);
    (0..1_000).for_each(|_| assert_eq!(client.packet().0, 0x50));
}

fn qos_2_ids_that_are_never_released(messages: usize) {
    let mut client = None;
    flat(messages / 1_000, |victim, round| {
        let client = client.get_or_insert_with(|| Wire::connected(victim.address, "never"));
        unreleased(client, round);
    });
}

#[test]
fn qos_2_ids_that_are_never_released_leave_memory_flat_over_100_000() {
    qos_2_ids_that_are_never_released(100_000);
}

#[test]
#[ignore = "takes minutes unoptimized; tests/run --peers runs it"]
fn qos_2_ids_that_are_never_released_leave_memory_flat_over_1_000_000() {
    qos_2_ids_that_are_never_released(1_000_000);
}

fn connects_with_one_identifier(connects: usize) {
    let mut last: Option<Wire> = None;
    flat(connects, |victim, number| {
        let mut wire = Wire::dial(victim.address);
        wire.send(&connect("same", number % 5 == 0, Some(&[b'x'; 10_000])));
        assert_eq!(wire.packet().0, 0x20);
        wire.send(&packet(0x82, &[&[0, 1], &text("a/#"), &[1]]));
        // Whatever is left of the one before is closed by now.
        last.replace(wire);
    });
}

#[test]
fn connects_with_one_identifier_leave_memory_flat_over_1_000() {
    connects_with_one_identifier(1_000);
}

#[test]
#[ignore = "takes long unoptimized; tests/run --peers runs it"]
fn connects_with_one_identifier_leave_memory_flat_over_50_000() {
    connects_with_one_identifier(50_000);
}

fn shared_subscriptions(rounds: usize) {
    let mut clients = Vec::new();
    flat(rounds, |victim, round| {
        if clients.is_empty() {
            clients.extend(["one", "two"].map(|name| Wire::connected(victim.address, name)));
        }
        let filters = [format!("$share/g{}/t/{}", round % 7, round % 11), format!("$share/g/{round}/+/#")];
        let filters = filters.map(|filter| text(&filter));
        for client in &mut clients {
            client.send(&packet(0x82, &[&[0, 1], &filters[0], &[1], &filters[1], &[1]]));
            assert_eq!(client.packet(), (0x90, vec![0, 1, 1, 1]));
        }
        for client in &mut clients {
            client.send(&packet(0xA2, &[&[0, 2], &filters[0], &filters[1]]));
            assert_eq!(client.packet(), (0xB0, vec![0, 2]));
        }
    });
}

#[test]
fn shared_subscriptions_that_come_and_go_leave_memory_flat_over_2_000() {
    shared_subscriptions(2_000);
}

#[test]
#[ignore = "takes long unoptimized; tests/run --peers runs it"]
fn shared_subscriptions_that_come_and_go_leave_memory_flat_over_100_000() {
    shared_subscriptions(100_000);
}
