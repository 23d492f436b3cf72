//! The proxy over real sockets: everything passes, closes arrive as they were sent, nothing is left behind.

#![expect(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

use std::{io::ErrorKind, net::SocketAddr, time::Duration};

use faults::{Deed, Manner, Proxy, Rules, Upstream, client, server};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use wire::{Kind, Pingreq, Pingresp, Publish, Version::V5};

const LONG: Duration = Duration::from_secs(10);

/// What happens within a deadline.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(LONG, future).await.expect("in time")
}

/// A client, its proxy, and the broker's end of the connection.
async fn joined(rules: impl Into<Rules>) -> (TcpStream, Proxy, TcpStream) {
    let broker = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = Proxy::start(broker.local_addr().unwrap(), rules, 42).await.unwrap();
    let client = soon(TcpStream::connect(proxy.address())).await.unwrap();
    let (server, _) = soon(broker.accept()).await.unwrap();
    (client, proxy, server)
}

async fn read(stream: &mut TcpStream, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    soon(stream.read_exact(&mut bytes)).await.unwrap();
    bytes
}

#[tokio::test]
async fn megabytes_pass_both_ways_at_once() {
    let (client, _proxy, server) = joined(Rules::none()).await;
    let payload: Vec<u8> = (0..4 << 20).map(|index: u32| (index % 251) as u8).collect();
    let pump = |stream: TcpStream, payload: Vec<u8>| async move {
        let (mut reader, mut writer) = stream.into_split();
        let expected = payload.len();
        let sending = tokio::spawn(async move { writer.write_all(&payload).await.map(|()| writer) });
        let mut got = vec![0; expected];
        reader.read_exact(&mut got).await.unwrap();
        sending.await.unwrap().unwrap();
        got
    };
    let (one, other) = soon(async { tokio::join!(pump(client, payload.clone()), pump(server, payload.clone())) }).await;
    assert!(one == payload && other == payload);
}

#[tokio::test]
async fn a_finish_and_a_reset_arrive_as_such() {
    let (mut client, _proxy, mut server) = joined(Rules::none()).await;
    client.write_all(b"half").await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(read(&mut server, 4).await, b"half");
    assert_eq!(soon(server.read(&mut [0])).await.unwrap(), 0, "the end of one direction");
    server.write_all(b"answer").await.unwrap();
    drop(server);
    assert_eq!(read(&mut client, 6).await, b"answer");
    assert_eq!(soon(client.read(&mut [0])).await.unwrap(), 0);

    let (client, _proxy, mut server) = joined(Rules::none()).await;
    client.set_zero_linger().unwrap();
    drop(client);
    assert_eq!(soon(server.read(&mut [0])).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn an_end_in_order_stays_one_although_more_was_sent() {
    let (mut client_end, proxy, mut server_end) = joined(client(Kind::Pingreq).close()).await;
    // More than the proxy takes at once: what it left unread would send a reset behind the end.
    let sent = [Pingreq.draft(V5).encode(), vec![0; 60_000]].concat();
    client_end.write_all(&sent).await.unwrap();
    assert_eq!(soon(client_end.read(&mut [0])).await.unwrap(), 0);
    assert_eq!(soon(server_end.read(&mut [0])).await.unwrap(), 0);
    let gone = async {
        while !proxy.shared().connections().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    soon(gone).await;
    assert!(client_end.take_error().unwrap().is_none());
}

#[tokio::test]
async fn rules_act_and_the_log_tells() {
    let (mut client_end, proxy, mut server_end) = joined(server(Kind::Pingresp).nth(2).sever()).await;
    for _ in 0..2 {
        client_end.write_all(&Pingreq.draft(V5).encode()).await.unwrap();
        read(&mut server_end, 2).await;
        server_end.write_all(&Pingresp.draft(V5).encode()).await.unwrap();
    }
    assert_eq!(read(&mut client_end, 2).await, [0xd0, 0]);
    let ended = soon(client_end.read(&mut [0])).await;
    assert_eq!(ended.unwrap_err().kind(), ErrorKind::ConnectionReset);
    let deeds: Vec<Deed> = proxy.log().into_iter().map(|entry| entry.deed).collect();
    assert_eq!(deeds, [Deed::Swallowed, Deed::Severed(Manner::Reset)]);
    assert_eq!(proxy.take_log().0.len(), 2);
    assert!(proxy.log().is_empty());
}

#[tokio::test]
async fn delays_and_trickles_run_by_the_clock() {
    let rules = client(Kind::Pingreq)
        .delay(Duration::from_millis(30))
        .and(client(Kind::Publish).trickle(Duration::from_millis(2)));
    let (mut client, _proxy, mut server) = joined(rules).await;
    let begun = std::time::Instant::now();
    client.write_all(&Pingreq.draft(V5).encode()).await.unwrap();
    // Also while there is always something to do.
    let (mut arrives, mut chatters) = server.split();
    let chatter = async {
        loop {
            chatters.write_all(&Pingresp.draft(V5).encode()).await.unwrap();
            read(&mut client, 2).await;
        }
    };
    let mut pingreq = [0; 2];
    tokio::select! {
        arrived = soon(arrives.read_exact(&mut pingreq)) => assert_eq!(arrived.unwrap(), 2),
        () = chatter => {}
    }
    assert!(begun.elapsed() >= Duration::from_millis(30));
    let publish = Publish::to("t").payload("milk").draft(V5).encode();
    let begun = std::time::Instant::now();
    client.write_all(&publish).await.unwrap();
    assert_eq!(read(&mut server, publish.len()).await, publish);
    assert!(begun.elapsed() >= Duration::from_millis(2) * (publish.len() as u32 - 1));
}

#[tokio::test]
async fn all_can_be_severed_from_outside() {
    let (mut client, proxy, mut server) = joined(Rules::none()).await;
    client.write_all(b"\xc0\x00").await.unwrap();
    read(&mut server, 2).await;
    assert_eq!(proxy.sever_all(Manner::Reset), 1);
    assert!(soon(client.read(&mut [0])).await.is_err());
    assert!(soon(server.read(&mut [0])).await.is_err());
}

#[tokio::test]
async fn who_stops_reading_stops_the_sender() {
    let (mut client, _proxy, server) = joined(Rules::none()).await;
    let chunk = vec![0x30; 1 << 20];
    let mut sent = 0;
    // A deadline that passes without a write is what is to be seen.
    while let Ok(written) = timeout(Duration::from_millis(200), client.write(&chunk)).await {
        sent += written.unwrap();
        assert!(sent < 64 << 20, "nothing holds the sender up");
    }
    drop(server);
}

#[tokio::test]
async fn a_broker_that_is_not_there_resets_clients_and_is_named() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let proxy = Proxy::start(nobody, Rules::none(), 1).await.unwrap();
    let mut client = soon(TcpStream::connect(proxy.address())).await.unwrap();
    assert!(soon(client.read(&mut [0])).await.is_err());
    assert!(matches!(&proxy.log()[..], [entry] if matches!(entry.deed, Deed::Unreached(_))), "{:?}", proxy.log());
}

#[tokio::test]
async fn dropping_the_proxy_ends_its_connections() {
    let (mut client, proxy, mut server) = joined(Rules::none()).await;
    let address: SocketAddr = proxy.address();
    drop(proxy);
    assert_eq!(soon(client.read(&mut [0])).await.unwrap_or(0), 0);
    assert_eq!(soon(server.read(&mut [0])).await.unwrap_or(0), 0);
    assert!(soon(TcpStream::connect(address)).await.is_err());
}

#[tokio::test]
async fn what_is_taken_in_small_pieces_arrives_whole() {
    let (taken, arrived) = tokio::sync::oneshot::channel();
    let taken = std::sync::Mutex::new(Some(taken));
    let upstream = Upstream::dialled(move || {
        let taken = taken.lock().unwrap().take().unwrap();
        async move {
            // It takes no more than this at once.
            let (near, mut far) = tokio::io::duplex(7);
            tokio::spawn(async move {
                let mut all = Vec::new();
                far.read_to_end(&mut all).await.unwrap();
                taken.send(all).unwrap();
            });
            Ok(near)
        }
    });
    let proxy = Proxy::start(upstream, Rules::none(), 1).await.unwrap();
    let mut client = soon(TcpStream::connect(proxy.address())).await.unwrap();
    let publish = Publish::to("t").payload((0..=255).collect::<Vec<u8>>()).draft(V5).encode();
    client.write_all(&publish).await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(soon(arrived).await.unwrap(), publish);
}

#[tokio::test]
async fn a_broker_can_be_whatever_is_dialled() {
    let upstream = Upstream::dialled(|| async {
        let (near, mut far) = tokio::io::duplex(64);
        tokio::spawn(async move { far.write_all(b"\xd0\x00").await });
        Ok(near)
    });
    let proxy = Proxy::start(upstream, server(Kind::Pingresp).duplicate(), 1).await.unwrap();
    let mut client = soon(TcpStream::connect(proxy.address())).await.unwrap();
    assert_eq!(read(&mut client, 4).await, [0xd0, 0, 0xd0, 0]);
}
