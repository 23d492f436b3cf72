use protocol::{
    Role::{Client, Server},
    Version::{self, V5, V311},
    Violation as V,
};

use super::{Row, invalid};

fn flags(version: Version) -> &'static str {
    match version {
        V311 => "MQTT-2.2.2-2 in 3.1.1",
        V5 => "MQTT-2.1.3-1",
    }
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for version in [V311, V5] {
        rows.extend([
            invalid(version, Client, "2.1: type 0", "00 00", V::PacketTypeReserved),
            invalid(version, Server, "2.1: type 0", "00 00", V::PacketTypeReserved),
            invalid(version, Client, "MQTT-3.1.0-1 in both", "C0 00", V::FirstPacketNotConnect),
            invalid(version, Client, "MQTT-3.1.0-1 in both", "30 03 0001 61", V::FirstPacketNotConnect),
            invalid(version, Client, "2.2: more than four bytes", "C0 FFFFFFFF", V::VariableByteIntegerTooLong),
            invalid(version, Server, "2.2: more than four bytes", "30 80808080 01", V::VariableByteIntegerTooLong),
            invalid(version, Client, "from the wrong side: CONNACK", "20 00", V::PacketFromWrongSide),
            invalid(version, Client, "from the wrong side: SUBACK", "90 00", V::PacketFromWrongSide),
            invalid(version, Client, "from the wrong side: UNSUBACK", "B0 00", V::PacketFromWrongSide),
            invalid(version, Client, "from the wrong side: PINGRESP", "D0 00", V::PacketFromWrongSide),
            invalid(version, Server, "from the wrong side: CONNECT", "10 00", V::PacketFromWrongSide),
            invalid(version, Server, "from the wrong side: SUBSCRIBE", "82 00", V::PacketFromWrongSide),
            invalid(version, Server, "from the wrong side: UNSUBSCRIBE", "A2 00", V::PacketFromWrongSide),
            invalid(version, Server, "from the wrong side: PINGREQ", "C0 00", V::PacketFromWrongSide),
        ]);
        // Among them MQTT-3.6.1-1, MQTT-3.8.1-1, MQTT-3.10.1-1, MQTT-3.14.1-1 in both.
        for bytes in ["11 00", "41 02 0001", "52 02 0001", "60 02 0001", "63 02 0001", "72 02 0001", "80 00", "83 00"] {
            rows.push(invalid(version, Client, flags(version), bytes, V::FixedHeaderFlags));
        }
        for bytes in ["A0 00", "A3 00", "C1 00", "E1 00"] {
            rows.push(invalid(version, Client, flags(version), bytes, V::FixedHeaderFlags));
        }
        for bytes in ["21 02 00 00", "91 00", "B2 00", "D8 00"] {
            rows.push(invalid(version, Server, flags(version), bytes, V::FixedHeaderFlags));
        }
    }
    rows.extend([
        invalid(V5, Client, "MQTT-3.15.1-1", "F1 00", V::FixedHeaderFlags),
        invalid(V5, Client, "MQTT-1.5.5-1", "C0 8000", V::VariableByteIntegerNotMinimal),
        invalid(V5, Server, "MQTT-1.5.5-1", "D0 808000", V::VariableByteIntegerNotMinimal),
        invalid(V311, Client, "2.2.1: type 15", "F0 00", V::PacketTypeReserved),
        invalid(V311, Server, "2.2.1: type 15", "F0 00", V::PacketTypeReserved),
        invalid(V311, Server, "from the wrong side: DISCONNECT", "E0 00", V::PacketFromWrongSide),
    ]);
    rows
}
