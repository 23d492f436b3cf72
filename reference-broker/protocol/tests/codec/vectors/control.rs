use bytes::Bytes;
use protocol::{
    Auth, Disconnect, Packet, Properties, Property, ReasonCode,
    Role::{Client, Server},
    Version::{V5, V311},
    Violation as V,
};

use super::{Row, invalid, lenient, text, valid};

fn disconnect(reason: ReasonCode, properties: Properties) -> Packet {
    Packet::Disconnect(Disconnect { reason, properties })
}

fn auth(reason: ReasonCode, data: &'static [u8]) -> Packet {
    let properties = Properties::from_iter([
        Property::AuthenticationMethod(text("m")),
        Property::AuthenticationData(Bytes::from_static(data)),
    ]);
    Packet::Auth(Auth { reason, properties })
}

pub(super) fn rows() -> Vec<Row> {
    let normal = disconnect(ReasonCode::Success, Properties::EMPTY);
    let mut rows = Vec::new();
    for version in [V311, V5] {
        rows.extend([
            valid(version, Client, "PINGREQ", "C0 00", Packet::PingReq),
            valid(version, Server, "PINGRESP", "D0 00", Packet::PingResp),
            valid(version, Client, "DISCONNECT", "E0 00", normal.clone()),
            invalid(version, Client, "4.8: too long", "C0 01 00", V::TrailingBytes),
            invalid(version, Server, "4.8: too long", "D0 01 00", V::TrailingBytes),
        ]);
    }
    rows.extend([
        lenient(V311, Client, "a Remaining Length longer than needed", "C0 8000", Packet::PingReq),
        invalid(V311, Client, "4.8: too long", "E0 01 00", V::TrailingBytes),
        valid(V5, Server, "DISCONNECT", "E0 00", normal.clone()),
        lenient(V5, Server, "DISCONNECT without properties", "E0 01 00", normal.clone()),
        lenient(V5, Server, "DISCONNECT with a Property Length", "E0 02 00 00", normal),
        valid(
            V5,
            Client,
            "DISCONNECT asks for the Will",
            "E0 07 04 05 11 0000000A",
            disconnect(
                ReasonCode::DisconnectWithWillMessage,
                Properties::from_iter([Property::SessionExpiryInterval(10)]),
            ),
        ),
        valid(
            V5,
            Server,
            "DISCONNECT refers to another server",
            "E0 0B 9D 09 1F 0002 676F 1C 0001 73",
            disconnect(
                ReasonCode::ServerMoved,
                Properties::from_iter([Property::ReasonString(text("go")), Property::ServerReference(text("s"))]),
            ),
        ),
        valid(
            V5,
            Server,
            "errata: 0x8C in DISCONNECT",
            "E0 01 8C",
            disconnect(ReasonCode::BadAuthenticationMethod, Properties::EMPTY),
        ),
        invalid(V5, Server, "MQTT-3.14.2-2", "E0 07 00 05 11 0000000A", V::SessionExpiryFromServer),
        invalid(V5, Client, "3.14.2.2.5", "E0 06 00 04 1C 0001 73", V::PropertyNotAllowed),
        invalid(V5, Server, "table 3-10: a client's", "E0 01 04", V::ReasonCodeNotAllowed),
        invalid(V5, Client, "table 3-10: a server's", "E0 01 8E", V::ReasonCodeNotAllowed),
        invalid(V5, Client, "MQTT-3.14.2-1", "E0 01 01", V::ReasonCodeNotAllowed),
        invalid(V5, Client, "2.2.2.2: twice", "E0 0C 00 0A 11 00000001 11 00000001", V::PropertyDuplicate),
        invalid(V5, Client, "4.13: too long", "E0 03 00 00 00", V::TrailingBytes),
        valid(
            V5,
            Client,
            "AUTH goes on",
            "F0 0B 18 09 15 0001 6D 16 0002 0102",
            auth(ReasonCode::ContinueAuthentication, &[1, 2]),
        ),
        valid(V5, Client, "AUTH starts again", "F0 09 19 07 15 0001 6D 16 0000", auth(ReasonCode::ReAuthenticate, &[])),
        valid(V5, Server, "AUTH succeeds", "F0 0A 00 08 15 0001 6D 16 0001 FF", auth(ReasonCode::Success, &[0xFF])),
        invalid(V5, Server, "3.15.2.2.2: empty", "F0 00", V::AuthenticationMethodMissing),
        invalid(V5, Client, "3.15.2.2.2", "F0 02 18 00", V::AuthenticationMethodMissing),
        invalid(V5, Client, "3.15.2.1: a server's", "F0 06 00 04 15 0001 6D", V::ReasonCodeNotAllowed),
        invalid(V5, Server, "3.15.2.1: a client's", "F0 06 19 04 15 0001 6D", V::ReasonCodeNotAllowed),
        invalid(V5, Server, "MQTT-3.15.2-1", "F0 06 80 04 15 0001 6D", V::ReasonCodeNotAllowed),
    ]);
    rows
}
