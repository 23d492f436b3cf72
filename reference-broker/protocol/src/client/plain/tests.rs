//! The short way against the general one: the same told, the same written.

use std::sync::Arc;

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::{
    ConnAck, Connect, Delivery, Machine, Message, OutgoingPublish, Packet, Properties, ReasonCode, Session, Utf8String,
    client::{Answer, Config, Event},
};

/// A packet of a server.
#[derive(Clone, Debug)]
enum Said {
    Publish { topic: &'static str, payload: usize, qos: QoS, retain: bool, dup: bool, packet_id: u16 },
    PubAck { packet_id: u16 },
    PingResp,
    Bytes(Vec<u8>),
}

/// What its owner hears, one by one.
#[derive(Debug, PartialEq, Eq)]
enum Heard {
    Message { topic: String, payload: Vec<u8>, qos: QoS, retain: bool, dup: bool },
    Published(Tag),
    Other(String),
}

fn said() -> impl Strategy<Value = Said> {
    // A wildcard breaks the standard; other characters than ASCII are lawful and not plain.
    let topics =
        prop_oneof![12 => Just("g0/bench/meter-1"), 1 => Just("käse"), 1 => Just("g0/bench/meter-#"), 1 => Just("t")];
    let qos = prop_oneof![6 => Just(QoS::AtMostOnce), 6 => Just(QoS::AtLeastOnce), 1 => Just(QoS::ExactlyOnce)];
    prop_oneof![
        12 => (topics, 0_usize..300, qos, any::<bool>(), any::<bool>(), 1_u16..9).prop_map(
            |(topic, payload, qos, retain, dup, packet_id)| {
                let dup = dup && qos != QoS::AtMostOnce;
                Said::Publish { topic, payload, qos, retain, dup, packet_id }
            }
        ),
        8 => (1_u16..40).prop_map(|packet_id| Said::PubAck { packet_id }),
        1 => Just(Said::PingResp),
        1 => vec(any::<u8>(), 1..8).prop_map(Said::Bytes),
    ]
}

fn encoded(said: &Said, version: Version, out: &mut Vec<u8>) {
    match said {
        Said::Publish { topic, payload, qos, retain, dup, packet_id } => {
            let text = Utf8String::new(*topic).unwrap();
            let packet_id = (*qos != QoS::AtMostOnce).then(|| PacketId::new(*packet_id).unwrap());
            let body = text.as_str().len() + 2 + if packet_id.is_some() { 2 } else { 0 };
            let body = body + usize::from(version == Version::V5) + payload;
            out.push(0x30 | u8::from(*dup) << 3 | qos.value() << 1 | u8::from(*retain));
            crate::codec::Writer::new(out).variable(body);
            crate::codec::Writer::new(out).text(text.as_str());
            out.extend(packet_id.iter().flat_map(|packet_id| packet_id.value().to_be_bytes()));
            out.extend((version == Version::V5).then_some(0));
            out.extend((0..*payload).map(|n| n as u8));
        }
        Said::PubAck { packet_id } => out.extend([&[0x40, 2], &packet_id.to_be_bytes()[..]].concat()),
        Said::PingResp => out.extend([0xD0, 0]),
        Said::Bytes(bytes) => out.extend(bytes),
    }
}

fn connect(version: Version, clean_start: bool) -> Connect {
    Connect {
        version,
        clean_start,
        keep_alive: 60,
        client_id: Utf8String::new("meter-1").unwrap(),
        will: None,
        user_name: None,
        password: None,
        properties: Properties::default(),
    }
}

fn connected(version: Version, inflight: u16) -> Client {
    let connect = connect(version, true);
    let config = Config { maximum_inflight: inflight, ..Config::new(connect) };
    let mut client = Client::new(config, Box::<Session>::default(), Time::ZERO);
    let accepted = ConnAck { session_present: false, reason: ReasonCode::Success, properties: Properties::default() };
    let mut bytes = Vec::new();
    Packet::ConnAck(Box::new(accepted)).encode(version, &mut bytes).unwrap();
    client.receive(Time::ZERO, bytes.into());
    assert!(matches!(client.poll_event(), Some(Event::Connected(_))));
    assert!(client.poll_event().is_none());
    client.poll_transmit(&mut Vec::new());
    client
}

fn drained(client: &mut Client, short: bool, heard: &mut Vec<Heard>) {
    let now = Time::ZERO;
    loop {
        while short && let Some(plain) = client.poll_plain(now, true) {
            match plain {
                Plain::Published { tag, count } => {
                    heard.extend((0..count).map(|n| Heard::Published(Tag(tag.0 + u64::from(n)))))
                }
                Plain::Arrivals(arrivals) => {
                    let before = heard.len();
                    heard.extend(arrivals.iter().map(|one| Heard::Message {
                        topic: String::from_utf8(one.topic.to_vec()).unwrap(),
                        payload: one.payload.to_vec(),
                        qos: one.qos,
                        retain: one.retain,
                        dup: one.dup,
                    }));
                    assert_eq!(heard.len() - before, arrivals.len());
                }
            }
        }
        let Some(event) = client.poll_event() else { return };
        heard.push(match event {
            Event::Message { token, message, qos, retain, dup } => {
                if let Some(token) = token {
                    client.answer(now, token, Answer::Publish(ReasonCode::Success, Properties::default()));
                }
                let (topic, payload) = (message.topic.as_str().to_owned(), message.payload.to_vec());
                Heard::Message { topic, payload, qos, retain, dup }
            }
            Event::Published { tag, reason: ReasonCode::Success } => Heard::Published(tag),
            other => Heard::Other(format!("{other:?}")),
        });
    }
}

proptest! {
    /// Whatever a server says, however it is cut into reads, and whatever was published before and between.
    #[test]
    fn both_ways_hear_and_write_the_same(
        version in prop_oneof![Just(Version::V311), Just(Version::V5)],
        reads in vec((vec(said(), 0..12), 0_usize..60, 0_u8..12), 1..12),
        inflight in 1_u16..20,
    ) {
        let (mut short, mut general) = (connected(version, inflight), connected(version, inflight));
        let (mut wrote, mut heard) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
        let topic = TopicName::new("g0/bench/meter-1").unwrap();
        let (mut stream, mut tag) = (Vec::new(), 0);
        for (packets, kept_back, publications) in reads {
            for n in 0..publications {
                let qos = if n % 3 == 0 { QoS::AtMostOnce } else { QoS::AtLeastOnce };
                let payload = vec![n; usize::from(n) * 30];
                tag += 1;
                // At QoS 0 the general way tells the end, the short one leaves that to its owner.
                let name = (qos != QoS::AtMostOnce).then_some(Tag(tag));
                let plain = PlainPublish { topic: &topic, payload: &payload, qos, retain: n == 1, tag: name };
                let message = Message { topic: topic.clone(), payload: payload.clone().into(), properties: Properties::EMPTY };
                let delivery = Delivery { retain: n == 1, tag: name, ..Delivery::new(Arc::new(message), qos) };
                let fate = general.publish(Time::ZERO, delivery.clone());
                match short.publish_plain(Time::ZERO, &plain) {
                    Some(sent) => prop_assert_eq!(sent, fate),
                    None => prop_assert_eq!(short.publish(Time::ZERO, delivery), fate),
                }
            }
            packets.iter().for_each(|said| encoded(said, version, &mut stream));
            let rest = stream.split_off(stream.len().saturating_sub(kept_back));
            let read = Bytes::from(std::mem::replace(&mut stream, rest));
            for (way, client) in [&mut short, &mut general].into_iter().enumerate() {
                client.receive(Time::ZERO, read.clone());
                drained(client, way == 0, &mut heard[way]);
                client.poll_transmit(&mut wrote[way]);
            }
            prop_assert_eq!(&heard[0], &heard[1]);
            prop_assert_eq!(&wrote[0], &wrote[1]);
        }
        prop_assert_eq!(short.session().in_flight(), general.session().in_flight());
        prop_assert_eq!(short.session().queued(), general.session().queued());
    }
}

proptest! {
    /// As many as the flow control lets through leave as a run, and then each waits for itself.
    #[test]
    fn a_run_writes_what_single_messages_do(
        version in prop_oneof![Just(Version::V311), Just(Version::V5)],
        qos in prop_oneof![Just(QoS::AtMostOnce), Just(QoS::AtLeastOnce)],
        (inflight, before, count, payload) in (1_u16..12, 0_u8..4, 0_u32..20, prop_oneof![1_usize..40, 120_usize..140]),
        acknowledged in vec(1_u16..12, 0..12),
    ) {
        let (mut together, mut singly) = (connected(version, inflight), connected(version, inflight));
        let topic = TopicName::new("g0/bench/meter-1").unwrap();
        let mut payload = vec![7; payload];
        let publish = |payload: &[u8], tag: u64, client: &mut Client| {
            let tag = Some(Tag(tag));
            let plain = PlainPublish { topic: &topic, payload, qos, retain: false, tag };
            let sent = client.publish_plain(Time::ZERO, &plain);
            if sent.is_none() {
                let (topic, payload) = (topic.clone(), payload.to_vec().into());
                let message = Message { topic, payload, properties: Properties::EMPTY };
                client.publish(Time::ZERO, Delivery { tag, ..Delivery::new(Arc::new(message), qos) });
            }
            sent.is_some()
        };
        for tag in 0..before {
            publish(&payload, u64::from(tag), &mut together);
            publish(&payload, u64::from(tag), &mut singly);
        }
        let mut wrote = [Vec::new(), Vec::new()];
        // What is written already is not there to be repeated.
        together.poll_transmit(&mut wrote[0]);
        let first = PlainPublish { topic: &topic, payload: &payload, qos, retain: false, tag: Some(Tag(100)) };
        let sent = together.publish_plain_run(Time::ZERO, &first, count, &mut |payload| payload[0] += 1);
        let room = if qos == QoS::AtMostOnce { 20 } else { u32::from(inflight).saturating_sub(u32::from(before)) };
        prop_assert_eq!(sent, count.min(room));
        for nth in 0..count {
            prop_assert_eq!(publish(&payload, 100 + u64::from(nth), &mut singly), nth < sent);
            if nth >= sent {
                publish(&payload, 100 + u64::from(nth), &mut together);
            }
            payload[0] += 1;
        }
        let mut heard = [Vec::new(), Vec::new()];
        for (way, client) in [&mut together, &mut singly].into_iter().enumerate() {
            let mut acks = Vec::new();
            acknowledged.iter().for_each(|id| encoded(&Said::PubAck { packet_id: *id }, version, &mut acks));
            client.receive(Time::ZERO, acks.into());
            drained(client, true, &mut heard[way]);
            client.poll_transmit(&mut wrote[way]);
        }
        prop_assert_eq!(&wrote[0], &wrote[1]);
        prop_assert_eq!(&heard[0], &heard[1]);
        prop_assert_eq!(together.session().in_flight(), singly.session().in_flight());
    }
}

#[test]
fn plain_packets_of_one_read_are_taken_together() {
    let mut client = connected(Version::V311, 10);
    let topic = TopicName::new("t").unwrap();
    let publish =
        |n| PlainPublish { topic: &topic, payload: b"p", qos: QoS::AtLeastOnce, retain: false, tag: Some(Tag(n)) };
    assert!((0..3).all(|n| client.publish_plain(Time::ZERO, &publish(n)) == Some(Fate::Sent)));
    let read = b"\x40\x02\x00\x01\x40\x02\x00\x02\x30\x04\x00\x01ab\x32\x06\x00\x01a\x00\x09b\x40\x02\x00\x03";
    client.receive(Time::ZERO, Bytes::from_static(read));
    let mut next = || client.poll_plain(Time::ZERO, true);
    assert!(matches!(next(), Some(Plain::Published { tag: Tag(0), count: 2 })));
    assert!(matches!(next(), Some(Plain::Arrivals(arrivals)) if arrivals.len() == 2));
    assert!(matches!(next(), Some(Plain::Published { tag: Tag(2), count: 1 })));
    assert!(next().is_none());
    assert!(client.poll_event().is_none());
}

#[test]
fn what_is_larger_than_the_server_takes_goes_the_general_way() {
    let mut client = connected(Version::V5, 10);
    client.outbox.maximum_packet_size = 100;
    let topic = TopicName::new("t").unwrap();
    for (length, fits) in [(93, true), (94, true), (95, false)] {
        let payload = vec![0; length];
        let plain = PlainPublish { topic: &topic, payload: &payload, qos: QoS::AtMostOnce, retain: false, tag: None };
        let message = Message { topic: topic.clone(), payload: payload.clone().into(), properties: Properties::EMPTY };
        let encoded = OutgoingPublish::new(&message, QoS::AtMostOnce, None).encode(Version::V5, 100, &mut Vec::new());
        assert_eq!((client.publish_plain(Time::ZERO, &plain).is_some(), encoded.is_ok()), (fits, fits), "{length}");
    }
}

#[test]
fn a_message_that_was_not_kept_is_given_up_when_a_session_is_resumed_all_the_same() {
    let mut client = connected(Version::V311, 10);
    let topic = TopicName::new("t").unwrap();
    let plain = PlainPublish { topic: &topic, payload: b"p", qos: QoS::AtLeastOnce, retain: false, tag: Some(Tag(7)) };
    assert_eq!(client.publish_plain(Time::ZERO, &plain), Some(Fate::Sent));
    let session = client.into_session();
    assert_eq!((session.in_flight(), session.outgoing().count()), (1, 0));
    let mut again = Client::new(Config::new(connect(Version::V311, false)), session, Time::ZERO);
    again.receive(Time::ZERO, Bytes::from_static(b"\x20\x02\x01\x00"));
    assert!(matches!(again.poll_event(), Some(Event::Connected(_))));
    assert!(matches!(again.poll_event(), Some(Event::Dropped { tag: Tag(7), .. })));
    assert_eq!(again.session().in_flight(), 0);
}
