//! What a message costs from its publisher's socket to its subscribers', through one worker of a running broker.
//!
//! Everything is on Unix sockets and a single thread feeds and drains them, in batches that fit into the sockets. So the
//! time is that of the broker, of the client and of the kernel between them; `tests/bench/brokers` tells them apart.
#![expect(clippy::unwrap_used, reason = "a broken benchmark may panic")]

use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::Duration,
};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use protocol::{
    Connect, Message, OutgoingPublish, Packet, PacketId, Properties, QoS, Subscribe, SubscribeFilter,
    SubscriptionOptions, TopicFilter, TopicName, Utf8String, Version,
};
use reference_broker::{Broker, Config};
use transport::{Address, Listener, Options};

const TOPIC: &str = "farm/01/milking/parlour-1/stall-07/milk-meter/telemetry";
const PATIENCE: Duration = Duration::from_secs(10);

/// A client and what it reads into.
struct Client {
    stream: UnixStream,
    buffer: Vec<u8>,
}

impl Client {
    fn connect(socket: &Path, id: &str) -> Self {
        let stream = UnixStream::connect(socket).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        let mut client = Self { stream, buffer: Vec::new() };
        let connect = Connect {
            version: Version::V311,
            clean_start: true,
            keep_alive: 0,
            client_id: Utf8String::new(id).unwrap(),
            will: None,
            user_name: None,
            password: None,
            properties: Properties::EMPTY,
        };
        client.ask(&Packet::Connect(Box::new(connect)), 4);
        client
    }

    fn subscribed(socket: &Path, id: &str) -> Self {
        let mut client = Self::connect(socket, id);
        let options = SubscriptionOptions::default();
        let filters = vec![SubscribeFilter { filter: TopicFilter::new("farm/#").unwrap(), options }];
        let packet_id = PacketId::new(1).unwrap();
        client.ask(&Packet::Subscribe(Subscribe { packet_id, properties: Properties::EMPTY, filters }), 5);
        client
    }

    /// Sends a packet and reads an answer of `length` bytes.
    fn ask(&mut self, packet: &Packet, length: usize) {
        let mut bytes = Vec::new();
        packet.encode(Version::V311, &mut bytes).unwrap();
        self.stream.write_all(&bytes).unwrap();
        self.read(length);
    }

    fn read(&mut self, length: usize) {
        self.buffer.resize(length, 0);
        self.stream.read_exact(&mut self.buffer).unwrap();
    }
}

/// A broker of one worker in this process.
fn started(socket: PathBuf) -> Broker {
    let listener = Listener::bind(Address::Unix(socket), Options::default()).unwrap();
    Broker::start(vec![listener.into()], Config { workers: 1, ..Config::default() }).unwrap()
}

/// `count` PUBLISH packets, one after the other.
fn batch(count: u16, qos: QoS, size: usize) -> Vec<u8> {
    let payload = vec![b'x'; size].into();
    let message = Message { topic: TopicName::new(TOPIC).unwrap(), payload, properties: Properties::EMPTY };
    let mut bytes = Vec::new();
    for number in 1..=count {
        let packet_id = (qos > QoS::AtMostOnce).then(|| PacketId::new(number).unwrap());
        OutgoingPublish::new(&message, qos, packet_id).encode(Version::V311, u32::MAX, &mut bytes).unwrap();
    }
    bytes
}

fn publish(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("publish");
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3));
    let folder = tempfile::tempdir().unwrap();
    for (name, publishers, subscribers, each, qos, size) in [
        ("QoS 0, 256 B, 50 publishers to 1", 50, 1, 10_u16, QoS::AtMostOnce, 256),
        ("QoS 1, 256 B, 50 publishers to 1 at QoS 0", 50, 1, 10, QoS::AtLeastOnce, 256),
        ("QoS 0, 64 B, 1 publisher to 100", 1, 100, 100, QoS::AtMostOnce, 64),
    ] {
        let socket = folder.path().join(format!("{publishers}-{}.sock", qos.value()));
        let _broker = started(socket.clone());
        let mut readers: Vec<_> =
            (0..subscribers).map(|number| Client::subscribed(&socket, &format!("s{number}"))).collect();
        let mut writers: Vec<_> =
            (0..publishers).map(|number| Client::connect(&socket, &format!("p{number}"))).collect();
        let sent = batch(each, qos, size);
        // Each subscriber has QoS 0.
        let received = batch(each, QoS::AtMostOnce, size).len() * publishers;
        let acknowledged = if qos == QoS::AtMostOnce { 0 } else { 4 * usize::from(each) };
        group.throughput(Throughput::Elements(u64::from(each) * (publishers * subscribers) as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                writers.iter_mut().for_each(|writer| writer.stream.write_all(&sent).unwrap());
                readers.iter_mut().for_each(|reader| reader.read(received));
                writers.iter_mut().for_each(|writer| writer.read(acknowledged));
            });
        });
    }
    group.finish();
}

criterion_group!(benches, publish);
criterion_main!(benches);
