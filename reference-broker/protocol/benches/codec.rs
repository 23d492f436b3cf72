//! What one packet costs to decode and to encode.
#![expect(clippy::unwrap_used, reason = "a broken benchmark may panic")]

use std::{hint::black_box, time::Duration};

use bytes::{Bytes, BytesMut};
use criterion::{
    BatchSize, BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime,
};
use protocol::{
    Connect, Decoder, Message, OutgoingPublish, Packet, PacketId, PacketLimits, Properties, Property, QoS, Role,
    TopicName, Utf8String, Version, Will,
};

const TOPIC: &str = "farm/01/milking/parlour-1/stall-07/milk-meter/telemetry";

/// How many packets lie in one read.
const BATCH: usize = 64;

fn text(text: &str) -> Utf8String {
    Utf8String::new(text).unwrap()
}

fn message(size: usize, properties: Properties) -> Message {
    Message { topic: TopicName::new(TOPIC).unwrap(), payload: Bytes::from(vec![b'x'; size]), properties }
}

fn properties() -> Properties {
    let mut properties =
        Properties::from_iter([Property::MessageExpiryInterval(3600), Property::ContentType(text("application/json"))]);
    properties.push_user(text("source"), text("milk-meter-07"));
    properties
}

fn publish(message: &Message, version: Version, qos: QoS) -> Vec<u8> {
    let packet_id = if qos == QoS::AtMostOnce { None } else { PacketId::new(7) };
    let mut out = Vec::new();
    OutgoingPublish::new(message, qos, packet_id).encode(version, u32::MAX, &mut out).unwrap();
    out
}

fn connect(version: Version) -> Vec<u8> {
    let connect = Connect {
        version,
        clean_start: true,
        keep_alive: 60,
        client_id: text("milk-meter-07"),
        will: Some(Box::new(Will { message: message(20, Properties::EMPTY), qos: QoS::AtLeastOnce, retain: true })),
        user_name: Some(text("device")),
        password: Some(Bytes::from_static(b"secret")),
        properties: Properties::from_iter([Property::SessionExpiryInterval(3600), Property::ReceiveMaximum(100)]),
    };
    let mut out = Vec::new();
    Packet::Connect(Box::new(connect)).encode(version, &mut out).unwrap();
    out
}

/// Decodes a read of [`BATCH`] packets; the time is that of one.
fn decode(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, version: Version, packet: &[u8]) {
    let read = Bytes::from(packet.repeat(BATCH));
    let mut decoder = Decoder::new(Role::Server, PacketLimits::default());
    decoder.set_version(version);
    group.throughput(Throughput::Elements(BATCH as u64));
    group.bench_function(name, |bencher| {
        bencher.iter_batched(
            || BytesMut::from(&read[..]).freeze(),
            |mut bytes| {
                while let Some(packet) = decoder.decode(&mut bytes).unwrap() {
                    black_box(packet);
                }
            },
            BatchSize::SmallInput,
        );
    });
}

fn kinds() -> impl Iterator<Item = (String, Version, QoS, Message)> {
    [(64, "64 B"), (256, "256 B"), (4096, "4 KiB")].into_iter().flat_map(|(size, size_name)| {
        [QoS::AtMostOnce, QoS::AtLeastOnce].into_iter().flat_map(move |qos| {
            [
                ("3.1.1", Version::V311, Properties::EMPTY),
                ("5.0", Version::V5, Properties::EMPTY),
                ("5.0 with 3 properties", Version::V5, properties()),
            ]
            .map(|(name, version, properties)| {
                (format!("{name}, QoS {}, {size_name}", qos.value()), version, qos, message(size, properties))
            })
        })
    })
}

fn decoding(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode");
    group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    for (name, version, qos, message) in kinds() {
        decode(&mut group, &format!("PUBLISH {name}"), version, &publish(&message, version, qos));
    }
    decode(&mut group, "CONNECT 3.1.1", Version::V311, &connect(Version::V311));
    decode(&mut group, "CONNECT 5.0", Version::V5, &connect(Version::V5));
    group.finish();
}

fn encoding(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("encode");
    group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    group.throughput(Throughput::Elements(BATCH as u64));
    for (name, version, qos, message) in kinds() {
        let packet_id = if qos == QoS::AtMostOnce { None } else { PacketId::new(7) };
        let outgoing = OutgoingPublish::new(&message, qos, packet_id);
        let mut out = Vec::new();
        group.bench_function(format!("PUBLISH {name}"), |bencher| {
            bencher.iter(|| {
                out.clear();
                for _ in 0..BATCH {
                    black_box(&outgoing).encode(version, u32::MAX, &mut out).unwrap();
                }
                black_box(&out);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, decoding, encoding);
criterion_main!(benches);
