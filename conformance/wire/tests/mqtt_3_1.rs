//! What 3.1 has otherwise than 3.1.1. Its statements have no numbers.

use wire::{Ack, Connack, Connect, Direction::*, Disconnect, Draft, Packet, Suback, Subscribe, Version::*};

fn taken(direction: wire::Direction, draft: Draft) -> bool {
    match Packet::parse(V3_1, direction, &draft.encode()) {
        Ok(_) => true,
        Err(breach) => {
            assert_eq!(breach.statement, None, "{breach}");
            false
        }
    }
}

#[test]
fn the_protocol_is_called_mqisdp() {
    let draft = Connect::as_("me").draft(V3_1);
    assert_eq!(&draft.encode()[2..11], b"\x00\x06MQIsdp\x03");
    assert!(taken(FromClient, draft));
    assert!(!taken(FromClient, Connect::as_("me").draft(V3_1_1)));
}

#[test]
fn a_client_identifier_has_1_to_23_characters() {
    for (length, legal) in [(0, false), (1, true), (23, true), (24, false)] {
        assert_eq!(taken(FromClient, Connect::as_("x".repeat(length)).draft(V3_1)), legal, "{length}");
    }
}

/// DUP and QoS stand in more packets; what has no meaning is unused and not reserved.
#[test]
fn flags_without_meaning_may_be_anything() {
    let subscribe = || Subscribe::new(1).filter("a", 1).draft(V3_1);
    assert!(taken(FromClient, subscribe().flags(0b1010)));
    assert!(!taken(FromClient, subscribe().flags(0)));
    assert!(taken(FromClient, Ack::pubrel(1).draft(V3_1).flags(0b1010)));
    assert!(taken(FromServer, Ack::puback(1).draft(V3_1).flags(0b0110)));
    assert!(taken(FromClient, Disconnect::normal().draft(V3_1).flags(0b1111)));
    assert!(taken(FromClient, Connect::as_("me").draft(V3_1).replace("connect_flags", [0x03])));
    assert!(taken(FromServer, Connack::accepted().draft(V3_1).replace("connack_flags", [0xff])));
}

#[test]
fn a_subscription_cannot_fail() {
    assert!(taken(FromServer, Suback::new(1).reason(2).draft(V3_1)));
    assert!(!taken(FromServer, Suback::new(1).reason(0x80).draft(V3_1)));
}

#[test]
fn a_refused_connection_has_a_code_up_to_5() {
    assert!(taken(FromServer, Connack::refused(5).draft(V3_1)));
    assert!(!taken(FromServer, Connack::refused(6).draft(V3_1)));
}
