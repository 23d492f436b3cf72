//! Sizes: what is refused before it is read, and what is left out before it is sent.

use bytes::Bytes;
use protocol::{
    Ack, ConnAck, Connect, Decoder, EncodeError, Encoded, MAXIMUM_PACKET_SIZE, Message, Packet, PacketId, PacketLimits,
    Properties, Property, PropertyId, Publish, QoS, ReasonCode, Role, TopicName, UserProperty, Utf8String, Version,
    Violation, Will,
};

fn text(text: &str) -> Utf8String {
    Utf8String::new(text).unwrap()
}

fn explained() -> Properties {
    Properties::from_iter([
        Property::ReasonString(text("reason")),
        Property::UserProperty(UserProperty { name: text("name"), value: text("value") }),
    ])
}

fn puback() -> Packet {
    let packet_id = PacketId::new(1).unwrap();
    Packet::PubAck(Ack { packet_id, reason: ReasonCode::NotAuthorized, properties: explained() })
}

#[test]
fn too_large_a_packet_is_refused_by_its_header() {
    let mut decoder = Decoder::new(Role::Server, PacketLimits { maximum_packet_size: 100, ..PacketLimits::default() });
    decoder.set_version(Version::V5);
    assert_eq!(decoder.decode(&mut Bytes::from_static(&[0x30, 98])), Ok(None));
    let mut decoder = Decoder::new(Role::Server, PacketLimits { maximum_packet_size: 100, ..PacketLimits::default() });
    decoder.set_version(Version::V5);
    assert_eq!(decoder.decode(&mut Bytes::from_static(&[0x30, 99])), Err(Violation::PacketTooLarge));
    // Also when the header straddles reads.
    let mut decoder =
        Decoder::new(Role::Server, PacketLimits { maximum_packet_size: 1 << 20, ..PacketLimits::default() });
    decoder.set_version(Version::V5);
    for byte in [0x30, 0xFF, 0xFF, 0xFF] {
        assert_eq!(decoder.decode(&mut Bytes::copy_from_slice(&[byte])), Ok(None));
    }
    assert_eq!(decoder.decode(&mut Bytes::from_static(&[0x7F])), Err(Violation::PacketTooLarge));
}

#[test]
fn what_is_not_connect_is_refused_by_its_first_byte() {
    let mut decoder = Decoder::new(Role::Server, PacketLimits::default());
    assert_eq!(decoder.decode(&mut Bytes::from_static(&[0x30])), Err(Violation::FirstPacketNotConnect));
}

#[test]
fn connect_fixes_the_version() {
    let mut decoder = Decoder::new(Role::Server, PacketLimits::default());
    assert_eq!(decoder.version(), None);
    let mut bytes = Bytes::from_static(b"\x10\x0E\0\x04MQTT\x05\x02\0\x3C\0\0\x01a\x30\x08\0\x03a/b\0hi");
    assert!(matches!(decoder.decode(&mut bytes), Ok(Some(Packet::Connect(_)))));
    assert_eq!(decoder.version(), Some(Version::V5));
    assert!(matches!(decoder.decode(&mut bytes), Ok(Some(Packet::Publish(_)))));
}

#[test]
fn user_properties_go_first_then_the_reason_string() {
    let size_of = |packet: &Packet, maximum| {
        let mut out = Vec::new();
        let encoded = packet.encode_within(Version::V5, maximum, &mut out);
        (out.len(), encoded, out)
    };
    let (whole, encoded, _) = size_of(&puback(), u32::MAX);
    assert_eq!((whole, encoded), (29, Ok(Encoded::Whole)));
    assert_eq!(size_of(&puback(), 29).1, Ok(Encoded::Whole));
    let (len, encoded, out) = size_of(&puback(), 28);
    assert_eq!((len, encoded), (15, Ok(Encoded::Trimmed)));
    assert_eq!(out, b"\x40\x0D\0\x01\x87\x09\x1F\0\x06reason");
    let (_, encoded, out) = size_of(&puback(), 14);
    assert_eq!((encoded, &out[..]), (Ok(Encoded::Trimmed), &b"\x40\x03\0\x01\x87"[..]));
    let (len, encoded, _) = size_of(&puback(), 4);
    assert_eq!((len, encoded), (0, Err(EncodeError::TooLarge { size: 5, maximum: 4 })));
}

#[test]
fn essential_properties_are_never_left_out() {
    let mut properties = explained();
    properties.push(Property::ServerKeepAlive(30));
    let packet = Packet::ConnAck(Box::new(ConnAck { properties, ..ConnAck::new(ReasonCode::Success) }));
    let mut out = Vec::new();
    assert_eq!(packet.encode_within(Version::V5, 8, &mut out), Ok(Encoded::Trimmed));
    assert_eq!(out, b"\x20\x06\0\0\x03\x13\0\x1E");
}

#[test]
fn user_properties_of_a_message_are_never_left_out() {
    let publish = Publish {
        dup: false,
        qos: QoS::AtMostOnce,
        retain: false,
        topic: Some(TopicName::new("t").unwrap()),
        packet_id: None,
        properties: explained(),
        payload: Bytes::new(),
    };
    let mut out = b"kept".to_vec();
    let result = Packet::Publish(publish).encode_within(Version::V5, 20, &mut out);
    assert!(matches!(result, Err(EncodeError::TooLarge { maximum: 20, .. })));
    assert_eq!(out, b"kept");
}

fn connect() -> Connect {
    Connect {
        version: Version::V5,
        clean_start: true,
        keep_alive: 0,
        client_id: text("a"),
        will: None,
        user_name: None,
        password: None,
        properties: Properties::EMPTY,
    }
}

#[test]
fn binary_fields_have_two_bytes_of_length() {
    let long = Bytes::from(vec![0; 65_536]);
    let error = Err(EncodeError::FieldTooLong { length: 65_536 });
    let encode = |connect: Connect| Packet::Connect(Box::new(connect)).encode(Version::V5, &mut Vec::new());
    assert_eq!(encode(Connect { password: Some(long.clone()), ..connect() }), error);
    assert_eq!(encode(Connect { password: Some(long.slice(1..)), ..connect() }), Ok(()));
    let data = Properties::from_iter([Property::AuthenticationData(long.clone())]);
    assert_eq!(encode(Connect { properties: data, ..connect() }), error);
    let will = |payload, properties| {
        let topic = TopicName::new("t").unwrap();
        Some(Box::new(Will { message: Message { topic, payload, properties }, qos: QoS::AtMostOnce, retain: false }))
    };
    assert_eq!(encode(Connect { will: will(long.clone(), Properties::EMPTY), ..connect() }), error);
    let data = Properties::from_iter([Property::CorrelationData(long)]);
    assert_eq!(encode(Connect { will: will(Bytes::new(), data), ..connect() }), error);
}

#[test]
fn a_packet_larger_than_the_format_is_refused() {
    let publish = Publish {
        dup: false,
        qos: QoS::AtMostOnce,
        retain: false,
        topic: Some(TopicName::new("t").unwrap()),
        packet_id: None,
        properties: Properties::EMPTY,
        payload: Bytes::from(vec![0; MAXIMUM_PACKET_SIZE as usize]),
    };
    let mut out = Vec::new();
    let result = Packet::Publish(publish).encode(Version::V311, &mut out);
    assert!(matches!(result, Err(EncodeError::TooLarge { maximum: MAXIMUM_PACKET_SIZE, .. })));
    assert_eq!(out.capacity(), 0);
}

#[test]
fn auth_does_not_exist_in_3_1_1() {
    let auth = Packet::Auth(protocol::Auth { reason: ReasonCode::Success, properties: Properties::EMPTY });
    assert_eq!(auth.encode(Version::V311, &mut Vec::new()), Err(EncodeError::Version));
}

#[test]
fn properties_change_in_place() {
    let mut properties = explained();
    properties.set(Property::ReasonString(text("other")));
    properties.push_user(text("name"), text("again"));
    assert_eq!(properties.reason_string(), Some(&text("other")));
    assert_eq!(properties.user_properties().map(|pair| pair.value.as_str()).collect::<Vec<_>>(), ["value", "again"]);
    assert!(properties.remove(PropertyId::UserProperty));
    assert!(!properties.remove(PropertyId::UserProperty));
    assert_eq!(properties.len(), 1);
    assert_eq!(properties.detached(), properties);
}
