//! What people and rules read of a packet, also of a bad one.

use wire::{
    Ack, Auth, Connack, Connect,
    Direction::*,
    Disconnect, Draftable, Frame, Kind, Pingreq, Property, Publish, Suback, Subscribe, Unsuback,
    Version::{self, *},
    Will, hex, line,
};

fn frame(version: Version, packet: impl Draftable) -> Frame {
    Frame::new(packet.into_draft(version).encode())
}

#[test]
fn a_packet_is_one_line() {
    let will = Will::to("w").qos(1).retain(true).payload([0, 1]).with(Property::will_delay_interval(3));
    let connect = Connect::as_("me").clean(false).user("u").password("p").will(will);
    let connect = connect.with(Property::receive_maximum(5)).with(Property::user("a", "b"));
    let publish = Publish::to("a\u{1b}").qos(1).id(7).dup(true).retain(true).payload("x".repeat(70));
    let lines: [(Version, _, Vec<u8>, &str); 9] = [
        (
            V5,
            FromClient,
            connect.draft(V5).encode(),
            "CONNECT 5.0 \"me\" keep_alive=60 user_name=\"u\" password=\"p\" \
             will={\"w\" qos=1 retain will_delay_interval=3 0001} receive_maximum=5 user_property=\"a\":\"b\"",
        ),
        (V3_1_1, FromClient, Connect::as_("").draft(V3_1_1).encode(), "CONNECT 3.1.1 \"\" clean_session keep_alive=60"),
        (V5, FromServer, Connack::refused(0x87).draft(V5).encode(), "CONNACK reason=0x87 Not authorized"),
        (
            V3_1_1,
            FromServer,
            publish.draft(V3_1_1).encode(),
            &format!("PUBLISH \"a\\u{{1b}}\" qos=1 dup retain id=7 {:?}.. (70 bytes)", "x".repeat(64)),
        ),
        (V3_1_1, FromServer, Ack::puback(7).draft(V3_1_1).encode(), "PUBACK id=7"),
        (
            V5,
            FromServer,
            Suback::new(1).reason(2).reason(0x80).draft(V5).encode(),
            "SUBACK id=1 reason=0x02 Granted QoS 2 reason=0x80 Unspecified error",
        ),
        (V5, FromServer, Disconnect::normal().draft(V5).encode(), "DISCONNECT reason=0x00 Normal disconnection"),
        (
            V5,
            FromServer,
            Publish::to("a").draft(V5).flags(0x06).encode(),
            "PUBLISH \"a\" BREACH byte 0: PUBLISH has QoS 3 [MQTT-3.3.1-4]: 36 04 00 01 61 00",
        ),
        (V5, FromServer, vec![], "? BREACH byte 0: no bytes: "),
    ];
    for (version, direction, bytes, expected) in lines {
        assert_eq!(line(version, direction, &bytes), expected);
    }
}

#[test]
fn rules_read_what_there_is() {
    let connect = frame(V5, Connect::as_("me").clean(false).keep_alive(9).with(Property::receive_maximum(5)));
    assert_eq!((connect.kind(), connect.version()), (Some(Kind::Connect), Some(V5)));
    assert_eq!((connect.clean_start(), connect.keep_alive()), (Some(false), Some(9)));
    assert_eq!(connect.client_identifier(), Some("me"));
    assert_eq!(connect.properties(V5).and_then(|properties| properties.receive_maximum()), Some(5));
    let publish = Publish::to("a/b").qos(2).id(7).dup(true).payload("x").with(Property::topic_alias(1));
    for version in [V3_1_1, V5] {
        let publish = frame(version, &publish);
        assert_eq!((publish.qos(), publish.dup(), publish.retain()), (Some(2), Some(true), Some(false)));
        assert_eq!((publish.topic(), publish.packet_identifier()), (Some("a/b"), Some(7)));
        assert_eq!(publish.payload(version), Some(&b"x"[..]));
    }
    let subscribe = frame(V5, Subscribe::new(3).filter("a", 1).filter("b/#", 0));
    assert_eq!((subscribe.filters(V5), subscribe.packet_identifier()), (vec!["a", "b/#"], Some(3)));
}

#[test]
fn codes_are_read_where_they_are_left_out() {
    assert_eq!(frame(V5, Ack::pubrec(1)).reason(V5), Some(0));
    assert_eq!(frame(V5, Ack::pubrec(1).reason(0x97)).reason(V5), Some(0x97));
    assert_eq!(frame(V3_1_1, Ack::pubrec(1)).reason(V3_1_1), None);
    assert_eq!(frame(V5, Disconnect::normal()).reason(V5), Some(0));
    assert_eq!(frame(V5, Auth::new(0x18, "m")).reason(V5), Some(0x18));
    assert_eq!(frame(V3_1_1, Connack::refused(5)).reason(V3_1_1), Some(5));
    assert_eq!(frame(V3_1_1, Connack::accepted().session_present(true)).session_present(), Some(true));
    assert_eq!(frame(V5, Suback::new(1).reason(1).reason(0)).reasons(V5), Some(&[1, 0][..]));
    assert_eq!(frame(V5, Unsuback::new(1).reason(0x11)).reason(V5), Some(0x11));
    assert_eq!(frame(V5, Pingreq).reason(V5), None);
}

#[test]
fn readers_see_through_lies() {
    let lie = Publish::to("a").qos(1).id(7).draft(V5).first_byte(0x36).remaining_length(100);
    let frame = Frame::new(lie.encode());
    assert_eq!((frame.kind(), frame.qos(), frame.topic()), (Some(Kind::Publish), Some(3), Some("a")));
    assert_eq!((frame.packet_identifier(), frame.remaining_length()), (Some(7), Some(100)));
    assert_eq!(Frame::new([0x36, 0xff, 0xff, 0xff, 0xff, 1]).kind(), None);
    assert_eq!(Frame::new([0x05, 0]).kind(), None);
}

#[test]
fn bytes_are_shown_and_read_in_hexadecimal() {
    assert_eq!(hex::line(&[0x30, 0, 0xff]), "30 00 ff");
    assert_eq!(hex::parse("30 00\nFF"), Ok(vec![0x30, 0, 0xff]));
    assert_eq!(hex::parse("3000f"), Err("half a byte at the end of \"3000f\"".to_owned()));
    assert_eq!(hex::parse("0x"), Err("'x' is no hexadecimal digit in \"0x\"".to_owned()));
    assert_eq!(
        hex::dump(b"\x30\x0f\x00\x04barn\x00milk and more"),
        "00000000  30 0f 00 04 62 61 72 6e 00 6d 69 6c 6b 20 61 6e  |0...barn.milk an|\n\
         00000010  64 20 6d 6f 72 65                                |d more|\n"
    );
}
