//! Drafts: correct until somebody lies, and then wrong in just that place.

use wire::{
    Ack, Connack, Connect, Direction::*, Disconnect, Draftable, Form, Packet, Property, Publish, Raw, Suback,
    Subscribe, Version::*, Will,
};

fn publish() -> Publish {
    Publish::to("t").qos(1).id(7).payload("x")
}

#[test]
fn lengths_follow_what_they_measure() {
    let draft = publish().draft(V5).with(Property::topic_alias(3)).append([9, 9]);
    assert_eq!(draft.encode(), [0x32, 12, 0, 1, b't', 0, 7, 3, 0x23, 0, 3, b'x', 9, 9]);
}

#[test]
fn a_replaced_length_stays_what_it_is() {
    let draft =
        publish().draft(V5).with(Property::topic_alias(3)).replace("properties_length", [0]).remaining_length(200);
    assert_eq!(draft.encode(), [0x32, 0xc8, 0x01, 0, 1, b't', 0, 7, 0, 0x23, 0, 3, b'x']);
}

#[test]
fn every_part_can_be_wrong() {
    let draft = || publish().draft(V3_1_1);
    let cases: [(wire::Draft, &[u8]); 11] = [
        (draft(), &[0x32, 6, 0, 1, b't', 0, 7, b'x']),
        (draft().first_byte(0x36), &[0x36, 6, 0, 1, b't', 0, 7, b'x']),
        (draft().flags(0x0d), &[0x3d, 6, 0, 1, b't', 0, 7, b'x']),
        (draft().remaining_length_bytes([0xff; 4]), &[0x32, 0xff, 0xff, 0xff, 0xff, 0, 1, b't', 0, 7, b'x']),
        (draft().remaining_length_in(3), &[0x32, 0x86, 0x80, 0, 0, 1, b't', 0, 7, b'x']),
        (draft().replace_text("topic_name", [0xff, 0]), &[0x32, 7, 0, 2, 0xff, 0, 0, 7, b'x']),
        (draft().without("packet_identifier"), &[0x32, 4, 0, 1, b't', b'x']),
        (draft().insert_before("topic_name", "lie", [5]), &[0x32, 7, 5, 0, 1, b't', 0, 7, b'x']),
        (draft().insert_after("topic_name", "lie", [5]), &[0x32, 7, 0, 1, b't', 5, 0, 7, b'x']),
        (draft().truncate(4), &[0x32, 4, 0, 1, b't', 0]),
        (draft().cut(4), &[0x32, 6, 0, 1]),
    ];
    for (index, (draft, bytes)) in cases.iter().enumerate() {
        assert_eq!(draft.encode(), *bytes, "case {index}");
        assert_eq!(draft.misuse(), None, "case {index}");
    }
}

#[test]
fn a_field_that_is_not_there_is_named() {
    let draft = publish().draft(V3_1_1).replace("topic", [1]);
    assert_eq!(draft.misuse(), Some("PUBLISH has no field topic; it has topic_name, packet_identifier, payload"));
    assert_eq!(draft.encode(), publish().draft(V3_1_1).encode());
}

#[test]
fn repeated_fields_are_counted_from_0() {
    let draft = Suback::new(1).reason(0).reason(1).draft(V3_1_1).replace("reason_code[1]", [0x80]);
    assert_eq!(draft.encode(), [0x90, 4, 0, 1, 0, 0x80]);
    assert!(!draft.has("reason_code[2]"));
}

#[test]
fn what_may_be_left_out_is_written_once_it_is_touched() {
    let draft = Ack::puback(7).draft(V5);
    assert_eq!(draft.encode(), [0x40, 2, 0, 7]);
    assert_eq!(draft.clone().replace("reason_code", [0x80]).encode(), [0x40, 3, 0, 7, 0x80]);
    assert_eq!(draft.clone().with(Property::raw(0x1f, [0])).encode(), [0x40, 6, 0, 7, 0, 2, 0x1f, 0]);
    assert_eq!(Ack::puback(7).form(Form::Full).draft(V5).encode(), [0x40, 4, 0, 7, 0, 0]);
    assert_eq!(Disconnect::because(4).draft(V5).encode(), [0xe0, 1, 4]);
    assert_eq!(Disconnect::because(4).draft(V3_1_1).encode(), [0xe0, 0]);
}

#[test]
fn will_properties_are_fields_of_their_own() {
    let will = Will::to("w").payload("gone").with(Property::user("a", "b"));
    let draft = Connect::as_("me").will(will).draft(V5).with_will(Property::will_delay_interval(1));
    let draft = draft.edit("will_user_property", |bytes| bytes[0] = 0x7f);
    let bytes = draft.encode();
    assert_eq!(&bytes[17..31], [12, 0x7f, 0, 1, b'a', 0, 1, b'b', 0x18, 0, 0, 0, 1, 0]);
}

#[test]
fn a_parsed_packet_is_changed_in_one_field() {
    let bytes = Connack::accepted().session_present(true).with(Property::receive_maximum(5)).draft(V5).encode();
    let lie = Packet::parse(V5, FromServer, &bytes).unwrap().draft(V5).replace("reason_code", [0x80]);
    assert_eq!(lie.encode(), [0x20, 6, 1, 0x80, 3, 0x21, 0, 5]);
}

#[test]
fn raw_bytes_are_sent_as_they_are() {
    assert_eq!(Raw(b"GET /".to_vec()).into_draft(V5).encode(), b"GET /");
    assert_eq!(Subscribe::new(1).filter("a", 1).into_draft(V3_1_1).encode(), [0x82, 6, 0, 1, 0, 1, b'a', 1]);
}
