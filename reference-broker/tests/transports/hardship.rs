//! Peers that are slow, silent, confused or gone.

use std::time::{Duration, Instant};

use reference_broker::Broker;
use transport::{Address, Options, ServerTls, WebSocketOptions};

use super::support::{Pki, Version, Wire, bind, publish, start, until_counted};

fn secured(pki: &Pki) -> Options {
    Options { tls: Some(ServerTls::load(pki.server()).unwrap()), ..Options::default() }
}

fn address(broker: &Broker) -> Address {
    broker.handle().entrances().next().unwrap().address.clone()
}

/// What the socket does not take waits in three places: the kernel, the records that are encrypted already, and the
/// broker's own buffer. Once the reader reads, none of it may be forgotten.
#[tokio::test]
async fn a_slow_reader_gets_everything_in_the_end_over_tls_and_websocket() {
    let pki = Pki::new();
    for framed in [false, true] {
        let mut options = secured(&pki);
        options.websocket = framed.then(WebSocketOptions::default);
        let broker = start(bind(options));
        let client = pki.client(Version::Tls13, None);
        let dial = async |id: u8| {
            let wire = Wire::dial(&address(&broker)).await.secured(&client).await.unwrap();
            let wire = if framed { wire.framed().await } else { wire };
            wire.connected(id).await
        };
        let mut slow = dial(b's').await;
        slow.subscribe(b't').await;
        let mut publisher = dial(b'p').await;
        // The sizes differ so that the end of the last one stops in each of the three places.
        for length in [5_000_000, 2_500_000, 3_000_000, 2_600_000, 4_000_000] {
            let message = publish(b't', length);
            publisher.send(&message).await;
            publisher.ping().await;
            slow.expect(&message).await;
        }
        assert_eq!(broker.handle().counters().dropped(), 0);
        broker.stop().await;
    }
}

#[tokio::test]
async fn a_bad_handshake_disturbs_nobody_and_is_counted_by_its_cause() {
    let pki = Pki::new();
    let mut options = secured(&pki);
    options.handshake_timeout = Duration::from_millis(200);
    let broker = start(bind(options));
    let address = address(&broker);
    let client = pki.client(Version::Tls13, None);
    let mut bystander = Wire::dial(&address).await.secured(&client).await.unwrap().connected(b'b').await;
    // Plain MQTT, a client that trusts another CA, one that leaves, one that says nothing.
    let mut plain = Wire::dial(&address).await;
    plain.send(&[0x10, 13, 0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 0, 0, 1, b'a']).await;
    bystander.ping().await;
    let stranger = Pki::new().client(Version::Tls13, None);
    assert!(Wire::dial(&address).await.secured(&stranger).await.is_err());
    bystander.ping().await;
    until_counted(&broker, |counters| counters.handshakes_without_tls == 2).await;
    drop(Wire::dial(&address).await);
    until_counted(&broker, |counters| counters.handshakes_abandoned == 1).await;
    let mut silent = Wire::dial(&address).await;
    until_counted(&broker, |counters| counters.handshakes_timed_out == 1).await;
    silent.expect_closed().await;
    bystander.ping().await;
    assert_eq!(broker.handle().counters().connections_opened, 1, "none of them reached MQTT");
    broker.stop().await;
}

#[tokio::test]
async fn silent_sockets_take_no_more_than_their_places_and_make_room_for_who_speaks() {
    const PLACES: usize = 4;
    let pki = Pki::new();
    let mut options = secured(&pki);
    options.pending_handshakes = PLACES;
    options.handshake_timeout = Duration::from_secs(4);
    let broker = start(bind(options));
    let address = address(&broker);
    let began = Instant::now();
    let mut silent = Vec::new();
    for _ in 0..PLACES + 1 {
        silent.push(Wire::dial(&address).await);
    }
    let client = pki.client(Version::Tls13, None);
    Wire::dial(&address).await.secured(&client).await.unwrap().connected(b'a').await.ping().await;
    // A quarter of the time-out is the least that everybody gets; the whole of it nobody has to wait.
    let took = began.elapsed();
    assert!((1000..3500).contains(&took.as_millis()), "{took:?}");
    let counters = broker.handle().counters();
    assert!((2..=3).contains(&counters.handshakes_evicted), "{counters:?}");
    broker.stop().await;
}

#[tokio::test]
async fn without_its_header_nobody_comes_in_behind_a_proxy_and_with_one_nobody_elsewhere() {
    let connect = [0x10, 13, 0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 0, 0, 1, b'a'];
    let broker = start(bind(Options { proxy_protocol: true, ..Options::default() }));
    let mut direct = Wire::dial(&address(&broker)).await;
    direct.send(&connect).await;
    until_counted(&broker, |counters| counters.handshakes_without_proxy == 1).await;
    assert_eq!(broker.handle().counters().connections_opened, 0);
    broker.stop().await;

    let broker = start(bind(Options::default()));
    let mut proxied = Wire::dial(&address(&broker)).await;
    proxied.send(b"PROXY TCP4 192.0.2.7 198.51.100.1 50000 1883\r\n").await;
    proxied.send(&connect).await;
    until_counted(&broker, |counters| counters.violations == 1).await;
    broker.stop().await;
}

/// MQTT-6.0.0-3 in both.
#[tokio::test]
async fn a_web_page_that_is_lost_is_told_so_and_counted() {
    let broker = start(bind(Options { websocket: Some(WebSocketOptions::default()), ..Options::default() }));
    let mut lost = Wire::dial(&address(&broker)).await;
    lost.send(b"GET / HTTP/1.1\r\nHost: barn\r\n\r\n").await;
    lost.expect(b"HTTP/1.1 404 Not Found\r\n").await;
    until_counted(&broker, |counters| counters.handshakes_without_websocket == 1).await;
    broker.stop().await;
}
