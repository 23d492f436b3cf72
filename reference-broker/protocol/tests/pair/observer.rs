//! Watches one direction of the wire with a reader of its own, and knows what its sender may send.

use std::collections::BTreeSet;

/// The unacknowledged PUBLISH packets of one sender, as that sender knows them.
#[derive(Debug)]
pub(crate) struct Observer {
    receive_maximum: usize,
    /// Ids of PUBLISH packets on this connection whose PUBACK, PUBCOMP or failing PUBREC has not come.
    in_flight: BTreeSet<u16>,
    /// Ids in flight on any connection.
    in_use: BTreeSet<u16>,
}

impl Observer {
    pub(crate) fn new(receive_maximum: u16) -> Self {
        Self { receive_maximum: receive_maximum.into(), in_flight: BTreeSet::new(), in_use: BTreeSet::new() }
    }

    /// The sender wrote `bytes`.
    pub(crate) fn sent(&mut self, bytes: &[u8]) {
        for packet in packets(bytes) {
            let (first, body) = (packet[0], &packet[2..]);
            if first >> 4 != 3 || first & 0b0110 == 0 {
                continue;
            }
            let topic = usize::from(u16::from_be_bytes([body[0], body[1]]));
            let id = u16::from_be_bytes([body[2 + topic], body[3 + topic]]);
            let dup = first & 0b1000 != 0;
            // MQTT-2.2.1-3, MQTT-2.2.1-4 (MQTT-2.3.1-2, MQTT-2.3.1-4 in 3.1.1); MQTT-3.3.1-1 in both.
            assert_eq!(self.in_use.contains(&id), dup, "id {id} in {:?}", self.in_use);
            self.in_use.insert(id);
            self.in_flight.insert(id);
            // MQTT-3.3.4-7, MQTT-3.3.4-9.
            assert!(self.in_flight.len() <= self.receive_maximum, "{:?}", self.in_flight);
        }
    }

    /// `bytes` of the other direction reached the sender.
    pub(crate) fn acknowledged(&mut self, bytes: &[u8]) {
        for packet in packets(bytes) {
            let failed = packet.len() > 4 && packet[4] >= 0x80;
            let ends = match packet[0] >> 4 {
                4 | 7 => true,
                5 => failed,
                _ => false,
            };
            if ends {
                let id = u16::from_be_bytes([packet[2], packet[3]]);
                self.in_flight.remove(&id);
                self.in_use.remove(&id);
            }
        }
    }

    pub(crate) fn cut(&mut self) {
        self.in_flight.clear();
    }
}

/// The packets in `bytes`, all of which are shorter than 128 bytes in these tests.
fn packets(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut packets = Vec::new();
    while !bytes.is_empty() {
        assert!(bytes[1] < 0x80, "a longer packet than these tests send");
        let (packet, rest) = bytes.split_at(2 + usize::from(bytes[1]));
        packets.push(packet);
        bytes = rest;
    }
    packets
}
