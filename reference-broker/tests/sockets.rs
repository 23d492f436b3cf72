//! A whole broker on a loopback port, spoken to in literal bytes.
#![expect(clippy::unwrap_used, reason = "in a test a failure is a panic")]

use std::{net::SocketAddr, time::Duration};

use reference_broker::{Bind, Broker, Config, Redirect, serve};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
    time::timeout,
};
use transport::{Listener, Options};

const DEADLINE: Duration = Duration::from_secs(20);

fn listener() -> Vec<Bind> {
    let address: SocketAddr = "127.0.0.1:0".parse().unwrap();
    vec![Listener::bind(address, Options::default()).unwrap().into()]
}

fn start(workers: usize) -> Broker {
    Broker::start(listener(), Config { workers, ..Config::default() }).unwrap()
}

/// A client that sends and expects literal bytes.
struct Wire(TcpStream);

impl Wire {
    async fn dial(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.unwrap())
    }

    /// A 3.1.1 connection with Clean Session and the one-letter identifier `id`.
    async fn connected(address: SocketAddr, id: u8) -> Self {
        let mut wire = Self::dial(address).await;
        wire.send(&[0x10, 13, 0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 0, 0, 1, id]).await;
        wire.expect(&[0x20, 2, 0, 0]).await;
        wire
    }

    async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    async fn expect(&mut self, bytes: &[u8]) {
        let mut got = vec![0; bytes.len()];
        timeout(DEADLINE, self.0.read_exact(&mut got)).await.expect("in time").unwrap();
        assert_eq!(got, bytes);
    }

    async fn expect_closed(&mut self) {
        let mut rest = Vec::new();
        timeout(DEADLINE, self.0.read_to_end(&mut rest)).await.expect("in time").unwrap();
        assert_eq!(rest, [0; 0]);
    }
}

/// MQTT-4.2-1 (MQTT-7.1.1-1 in 3.1.1): over TCP.
#[tokio::test]
async fn messages_pass_between_connections_of_all_workers() {
    for workers in [1, 3] {
        let broker = start(workers);
        let address = broker.handle().address();
        let mut wires = Vec::new();
        for id in b'a'..=b'f' {
            let mut wire = Wire::connected(address, id).await;
            wire.send(&[0x82, 6, 0, 1, 0, 1, b't', 1]).await;
            wire.expect(&[0x90, 3, 0, 1, 1]).await;
            wires.push(wire);
        }
        wires[0].send(&[0x32, 7, 0, 1, b't', 0, 9, b'h', b'i']).await;
        // PUBACK and the own copy, in either order.
        let mut first = vec![0; 13];
        timeout(DEADLINE, wires[0].0.read_exact(&mut first)).await.unwrap().unwrap();
        assert!(first.windows(4).any(|bytes| bytes == [0x40, 2, 0, 9]));
        for wire in &mut wires[1..] {
            wire.expect(&[0x32, 7, 0, 1, b't', 0, 1, b'h', b'i']).await;
        }
        let report = broker.stop().await;
        assert!(report.graceful);
        assert_eq!(report.counters.messages_delivered, 6);
        assert_eq!(report.counters.connections(), 0);
    }
}

#[tokio::test]
async fn many_qos_0_messages_of_many_publishers_all_arrive() {
    const PUBLISHERS: u8 = 20;
    const EACH: usize = 500;
    let broker = start(2);
    let address = broker.handle().address();
    let mut subscriber = Wire::connected(address, b's').await;
    subscriber.send(&[0x82, 6, 0, 1, 0, 1, b't', 0]).await;
    subscriber.expect(&[0x90, 3, 0, 1, 0]).await;
    let publish = [&[0x30, 103, 0, 1, b't'][..], &[b'x'; 100]].concat();
    for id in 0..PUBLISHERS {
        let mut publisher = Wire::connected(address, b'A' + id).await;
        publisher.send(&publish.repeat(EACH)).await;
        publisher.send(&[0xC0, 0]).await;
        publisher.expect(&[0xD0, 0]).await;
    }
    subscriber.expect(&publish.repeat(EACH * usize::from(PUBLISHERS))).await;
    assert_eq!(broker.handle().counters().dropped(), 0);
    assert!(broker.stop().await.graceful);
}

#[tokio::test]
async fn a_burst_beyond_what_waits_for_one_socket_does_not_stall() {
    let mut config = Config { workers: 1, ..Config::default() };
    config.limits.outbound_bytes = 64 * 1024;
    let broker = Broker::start(listener(), config).unwrap();
    let mut wire = Wire::connected(broker.handle().address(), b'a').await;
    wire.send(&[0x82, 6, 0, 1, 0, 1, b't', 0]).await;
    wire.expect(&[0x90, 3, 0, 1, 0]).await;
    let payload = [&[0x30, 0x83, 0x20, 0, 1, b't'][..], &[b'x'; 4096]].concat();
    for _ in 0..50 {
        wire.send(&payload).await;
        wire.expect(&payload).await;
    }
    assert!(broker.stop().await.graceful);
}

#[tokio::test]
async fn a_mailbox_that_was_full_does_not_stop_the_reading() {
    const MESSAGES: usize = 3_000;
    let mut config = Config { workers: 2, ..Config::default() };
    config.limits.mailbox = 1;
    let broker = Broker::start(listener(), config).unwrap();
    let address = broker.handle().address();
    let mut subscribers = Vec::new();
    for id in b'a'..=b'f' {
        let mut wire = Wire::connected(address, id).await;
        wire.send(&[0x82, 6, 0, 1, 0, 1, b't', 0]).await;
        wire.expect(&[0x90, 3, 0, 1, 0]).await;
        subscribers.push(wire);
    }
    let publish = [0x30, 5, 0, 1, b't', b'h', b'i'];
    for id in [b'p', b'q'] {
        let mut publisher = Wire::connected(address, id).await;
        for _ in 0..MESSAGES / 100 {
            publisher.send(&publish.repeat(100)).await;
        }
        publisher.send(&[0xC0, 0]).await;
        publisher.expect(&[0xD0, 0]).await;
    }
    for wire in &mut subscribers {
        wire.expect(&publish.repeat(2 * MESSAGES)).await;
    }
    assert!(broker.stop().await.graceful);
}

#[tokio::test]
async fn a_malformed_packet_closes_only_its_connection() {
    let broker = start(1);
    let address = broker.handle().address();
    let mut good = Wire::connected(address, b'g').await;
    let mut bad = Wire::connected(address, b'b').await;
    // QoS 3.
    bad.send(&[0x36, 5, 0, 1, b't', 0, 1]).await;
    bad.expect_closed().await;
    let mut stranger = Wire::dial(address).await;
    stranger.send(b"GET / HTTP/1.1\r\n\r\n").await;
    stranger.expect_closed().await;
    good.send(&[0xC0, 0]).await;
    good.expect(&[0xD0, 0]).await;
    assert_eq!(broker.handle().counters().violations, 2);
    broker.stop().await;
}

#[tokio::test]
async fn shutdown_tells_5_0_clients_and_ends_in_time() {
    let listener = listener();
    let address = listener[0].listener.address().tcp().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(serve(listener, Config { workers: 2, ..Config::default() }, async {
        stopped.await.unwrap();
    }));
    let mut wire = Wire::dial(address).await;
    wire.send(&[0x10, 14, 0, 4, b'M', b'Q', b'T', b'T', 5, 2, 0, 0, 0, 0, 1, b'a']).await;
    let mut header = [0; 2];
    wire.0.read_exact(&mut header).await.unwrap();
    assert_eq!(header[0], 0x20);
    let mut connack = vec![0; usize::from(header[1])];
    wire.0.read_exact(&mut connack).await.unwrap();
    assert_eq!(connack[..2], [0, 0]);
    stop.send(()).unwrap();
    wire.expect(&[0xE0, 1, 0x8B]).await;
    wire.expect_closed().await;
    drop(wire);
    let report = timeout(DEADLINE, server).await.unwrap().unwrap().unwrap();
    assert!(report.graceful);
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn a_connection_too_many_is_closed_at_once() {
    let mut config = Config { workers: 1, ..Config::default() };
    config.limits.connections = Some(1);
    let broker = Broker::start(listener(), config).unwrap();
    let address = broker.handle().address();
    let mut first = Wire::connected(address, b'a').await;
    Wire::dial(address).await.expect_closed().await;
    first.send(&[0xE0, 0]).await;
    first.expect_closed().await;
    drop(first);
    Wire::connected(address, b'b').await;
    assert_eq!(broker.handle().counters().connections_refused, 1);
    broker.stop().await;
}

#[tokio::test]
async fn each_listener_has_its_own_limit_and_all_share_the_sessions() {
    let mut binds = listener();
    binds.append(&mut listener());
    binds[0].connections = Some(1);
    binds[1].acceptors = Some(1);
    let broker = Broker::start(binds, Config { workers: 2, ..Config::default() }).unwrap();
    let addresses: Vec<_> = broker.handle().entrances().map(|entrance| entrance.address.tcp().unwrap()).collect();
    let mut first = Wire::connected(addresses[0], b'a').await;
    first.send(&[0x82, 6, 0, 1, 0, 1, b't', 0]).await;
    first.expect(&[0x90, 3, 0, 1, 0]).await;
    Wire::dial(addresses[0]).await.expect_closed().await;
    for id in [b'b', b'c'] {
        let mut other = Wire::connected(addresses[1], id).await;
        other.send(&[0x30, 5, 0, 1, b't', b'h', b'i']).await;
        first.expect(&[0x30, 5, 0, 1, b't', b'h', b'i']).await;
    }
    assert_eq!(broker.handle().counters().connections_refused, 1);
    broker.stop().await;
}

#[tokio::test]
async fn a_handle_sends_clients_to_another_server_and_takes_them_back() {
    const CONNECT: &[u8] = &[0x10, 14, 0, 4, b'M', b'Q', b'T', b'T', 5, 2, 0, 60, 0, 0, 1, b'a'];
    const CONNACK: &[u8] = &[0x20, 14, 0, 0, 11, 0x21, 4, 0, 0x27, 0, 16, 0, 0, 0x22, 0, 64];
    for workers in [1, 3] {
        let broker = start(workers);
        let handle = broker.handle();
        let mut wire = Wire::dial(handle.address()).await;
        wire.send(CONNECT).await;
        wire.expect(CONNACK).await;
        let server = Some(protocol::Utf8String::new("b").unwrap());
        handle.redirect(Some(Redirect { permanent: true, server }));
        wire.expect(&[0xE0, 6, 0x9D, 4, 0x1C, 0, 1, b'b']).await;
        wire.expect_closed().await;
        let mut wire = Wire::dial(handle.address()).await;
        wire.send(CONNECT).await;
        wire.expect(&[0x20, 7, 0, 0x9D, 4, 0x1C, 0, 1, b'b']).await;
        wire.expect_closed().await;
        handle.redirect(None);
        let mut wire = Wire::dial(handle.address()).await;
        wire.send(CONNECT).await;
        wire.expect(CONNACK).await;
        assert!(broker.stop().await.graceful);
    }
}
