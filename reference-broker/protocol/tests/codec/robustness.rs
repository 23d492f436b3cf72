//! Noise: whatever arrives, decoding neither panics nor invents.

use bytes::Bytes;
use proptest::{collection::vec, prelude::*};
use protocol::{Decoder, PacketLimits, ReasonCode, Role, Version, Violation};

use crate::strategy::{connection, packet};

/// Feeds everything; whatever comes out must survive being written and read again.
fn survives(version: Option<Version>, role: Role, reads: &[&[u8]]) {
    let mut decoder = Decoder::new(role, PacketLimits { maximum_packet_size: 1 << 20, ..PacketLimits::default() });
    if let Some(version) = version {
        decoder.set_version(version);
    }
    for read in reads {
        let mut bytes = Bytes::copy_from_slice(read);
        loop {
            match decoder.decode(&mut bytes) {
                Ok(Some(packet)) => {
                    let version = decoder.version().unwrap_or(Version::V311);
                    let mut out = Vec::new();
                    packet.encode(version, &mut out).unwrap();
                    let mut again = Decoder::new(role, PacketLimits::default());
                    again.set_version(version);
                    assert_eq!(again.decode(&mut Bytes::from(out)), Ok(Some(packet)));
                }
                Ok(None) => break assert!(bytes.is_empty()),
                Err(_) => return,
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]
    #[test]
    fn noise_never_panics(bytes in vec(any::<u8>(), 0..200), role in any::<bool>(), version in 0..3_u8) {
        let role = if role { Role::Client } else { Role::Server };
        let version = [None, Some(Version::V311), Some(Version::V5)][usize::from(version)];
        survives(version, role, &[&bytes]);
    }

    #[test]
    fn damaged_packets_never_panic(
        (version, sender, packet) in connection()
            .prop_flat_map(|(version, sender)| (Just(version), Just(sender), packet(version, sender))),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = Vec::new();
        packet.encode(version, &mut bytes).unwrap();
        for (index, byte) in damage {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        let (left, right) = bytes.split_at(cut.index(bytes.len()));
        survives(Some(version), sender.peer(), &[left, right]);
    }
}

#[test]
fn every_violation_names_a_rule_and_a_failure() {
    for violation in Violation::ALL {
        assert!(violation.reason_code().is_failure(), "{violation:?}");
        let statements = [Version::V311, Version::V5].map(|version| violation.statement(version));
        assert!(statements.iter().any(Option::is_some), "{violation:?}");
        let text = violation.to_string();
        assert!(!text.ends_with('.') && !text.starts_with(char::is_uppercase), "{text}");
    }
    assert!(Violation::ALL.is_sorted_by_key(|violation| format!("{violation:?}")));
}

#[test]
fn a_violation_of_the_wire_may_stand_in_a_disconnect_or_connack() {
    for violation in Violation::ALL {
        let reason: ReasonCode = violation.reason_code();
        assert!(
            reason.allowed_in(protocol::PacketType::Disconnect) || reason.allowed_in(protocol::PacketType::ConnAck),
            "{violation:?}"
        );
    }
}
