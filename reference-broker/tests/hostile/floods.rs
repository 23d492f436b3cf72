//! Floods of everything that a broker holds for clients, against one that may hold a few mebibytes. What its process takes
//! shows whether the broker charges for what it really holds.

use super::{
    victim::Victim,
    wire::{Bystander, Wire, connect, packet, text},
};

const MEBIBYTE: usize = 1 << 20;
/// What the broker may hold.
const MEMORY: usize = 4 * MEBIBYTE;
/// What its process may grow by: read buffers, code that is touched for the first time, and slack of the allocator come
/// besides.
const GROWTH: usize = MEMORY + 6 * MEBIBYTE;

/// Lets `flood` loose on a broker and looks at its memory, while what `flood` made lasts, and at a bystander.
fn bounded<T>(flood: impl FnOnce(&Victim) -> T) {
    bounded_by(GROWTH, flood);
}

fn bounded_by<T>(growth: usize, flood: impl FnOnce(&Victim) -> T) {
    let victim = Victim::start(MEMORY);
    let mut bystander = Bystander::new(victim.address);
    bystander.check();
    let before = victim.resident();
    let held = flood(&victim);
    bystander.check();
    let grown = victim.resident().saturating_sub(before);
    assert!(grown < growth, "{} KiB more for a broker that may hold {} KiB", grown / 1024, MEMORY / 1024);
    drop(held);
}

#[test]
fn retained_messages_of_many_topics() {
    bounded(|victim| {
        let mut client = Wire::connected(victim.address, "flood");
        for number in 0..20_000 {
            client.send(&packet(0x31, &[&text(&format!("flat/{number}")), &[b'x'; 200]]));
        }
        client.ping();
    });
}

#[test]
fn retained_messages_of_deep_topics() {
    bounded(|victim| {
        let mut client = Wire::connected(victim.address, "flood");
        for number in 0..3_000 {
            client.send(&packet(0x31, &[&text(&format!("{number}{}", "/".repeat(100))), b"x"]));
        }
        client.ping();
    });
}

#[test]
fn subscriptions_to_deep_and_shared_filters() {
    bounded(|victim| {
        let mut client = Wire::connected(victim.address, "flood");
        let mut refused = 0;
        for number in 0..1_500_u32 {
            let deep = text(&format!("{number}{}", "/+".repeat(50)));
            let shared = text(&format!("$share/{number}/{number}/{}", "x".repeat(500)));
            client.send(&packet(0x82, &[&[0, 1], &deep, &[1], &shared, &[1]]));
            let (_, suback) = client.packet();
            refused += suback.iter().filter(|code| **code == 0x80).count();
        }
        assert!(refused > 500, "{refused} were refused");
        client
    });
}

#[test]
fn sessions_with_wills() {
    bounded(|victim| {
        let will = vec![b'x'; 40_000];
        let mut open = Vec::new();
        let mut refused = 0;
        for number in 0..200 {
            let mut wire = Wire::dial(victim.address);
            wire.send(&connect(&format!("will-{number}"), true, Some(&will)));
            match wire.packet() {
                (0x20, body) if body == [0, 0] => open.push(wire),
                // Server unavailable, the nearest that 3.1.1 has to Quota exceeded.
                (0x20, body) if body == [0, 3] => refused += 1,
                other => panic!("{other:?}"),
            }
        }
        assert!(open.len() > 50 && refused > 50, "{} open, {refused} refused", open.len());
        open
    });
}

#[test]
fn sessions_that_stay_under_many_names() {
    bounded(|victim| {
        let mut refused = 0;
        for number in 0..4_500 {
            let mut wire = Wire::dial(victim.address);
            wire.send(&connect(&format!("name-{number}"), false, None));
            refused += usize::from(wire.packet().1 == [0, 3]);
        }
        assert!(refused > 400, "{refused} were refused");
    });
}

#[test]
fn messages_for_sessions_that_are_away() {
    bounded(|victim| {
        for number in 0..20 {
            let mut wire = Wire::dial(victim.address);
            wire.send(&connect(&format!("away-{number}"), false, None));
            assert_eq!(wire.packet(), (0x20, vec![0, 0]));
            wire.send(&packet(0x82, &[&[0, 1], &text("t"), &[1]]));
            assert_eq!(wire.packet(), (0x90, vec![0, 1, 1]));
        }
        let mut client = Wire::connected(victim.address, "flood");
        for window in 0..40_u16 {
            for number in 1..=100_u16 {
                let id = (window * 100 + number).to_be_bytes();
                client.send(&packet(0x32, &[&text("t"), &id, &[b'x'; 3_000]]));
            }
            (0..100).for_each(|_| assert_eq!(client.packet().0, 0x40));
        }
    });
}

#[test]
fn messages_for_clients_that_do_not_read() {
    bounded(|victim| {
        let stuck: Vec<_> = (0..10)
            .map(|number| {
                let mut wire = Wire::connected(victim.address, &format!("stuck-{number}"));
                wire.send(&packet(0x82, &[&[0, 1], &text("t"), &[0]]));
                assert_eq!(wire.packet(), (0x90, vec![0, 1, 0]));
                wire
            })
            .collect();
        let mut client = Wire::connected(victim.address, "flood");
        for _ in 0..2_000 {
            client.send(&packet(0x30, &[&text("t"), &[b'x'; 10_000]]));
        }
        client.ping();
        stuck
    });
}

#[test]
fn requests_of_a_client_that_does_not_read() {
    // Nothing is refused here: the broker stops reading once three times `outbound_bytes` of answers wait.
    bounded_by(3 * (4 << 20) + 12 * MEBIBYTE, |victim| {
        let mut stuck = Wire::connected(victim.address, "stuck");
        stuck.is_impatient();
        let all = (0..1_600).all(|_| stuck.send_in_vain(&[0xC0, 0].repeat(32_768)));
        assert!(!all, "100 MB of PINGREQ were read");
        stuck
    });
}

#[test]
fn retained_messages_asked_for_again_and_again() {
    bounded(|victim| {
        let mut client = Wire::connected(victim.address, "publisher");
        for number in 0..2_000 {
            client.send(&packet(0x31, &[&text(&format!("r/{number}")), &[b'x'; 500]]));
        }
        client.ping();
        let mut stuck = Wire::connected(victim.address, "stuck");
        for _ in 0..200 {
            stuck.send(&packet(0x82, &[&[0, 1], &text("#"), &[1], &text("r/+"), &[1]]));
        }
        client.ping();
        stuck
    });
}
