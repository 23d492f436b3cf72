//! A whole broker, scraped as a monitoring system would.
#![expect(clippy::unwrap_used, reason = "in a test a failure is a panic")]

mod openmetrics;

use std::{collections::BTreeSet, net::SocketAddr, time::Duration};

use openmetrics::Page;
use reference_broker::{Bind, Broker, Config, Counters, Monitor, MonitorOptions, metrics};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout},
};
use transport::{Address, Listener, Options};

const DEADLINE: Duration = Duration::from_secs(20);

fn start(workers: usize) -> Broker {
    let address = Address::Tcp("127.0.0.1:0".parse().unwrap());
    let bind = Bind { name: "barn \"1\"\n".into(), ..Bind::new(Listener::bind(address, Options::default()).unwrap()) };
    Broker::start(vec![bind], Config { workers, ..Config::default() }).unwrap()
}

fn monitor(broker: &Broker, options: MonitorOptions) -> Monitor {
    let options = MonitorOptions { address: "127.0.0.1:0".parse().unwrap(), ..options };
    Monitor::start(options, broker.handle()).unwrap()
}

/// Head and body of the answer to a request.
async fn ask(address: SocketAddr, request: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(DEADLINE, stream.read_to_string(&mut answer)).await.expect("in time").unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    (head.to_owned(), body.to_owned())
}

async fn get(address: SocketAddr, path: &str) -> (String, String) {
    ask(address, &format!("GET {path} HTTP/1.1\r\nHost: barn\r\n\r\n")).await
}

async fn scrape(address: SocketAddr) -> Page {
    let (head, body) = get(address, "/metrics").await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(head.to_lowercase().contains("content-type: application/openmetrics-text; version=1.0.0"), "{head}");
    openmetrics::parse(&body).unwrap_or_else(|error| panic!("{error}\n{body}"))
}

async fn exchange(stream: &mut TcpStream, send: &[u8], expect: &[u8]) {
    stream.write_all(send).await.unwrap();
    let mut got = vec![0; expect.len()];
    timeout(DEADLINE, stream.read_exact(&mut got)).await.expect("in time").unwrap();
    assert_eq!(got, expect);
}

/// A 3.1.1 connection with Clean Session and the one-letter identifier `id`.
async fn client(address: SocketAddr, id: u8) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let connect = [0x10, 13, 0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 0, 0, 1, id];
    exchange(&mut stream, &connect, &[0x20, 2, 0, 0]).await;
    stream
}

#[tokio::test]
async fn metrics_are_valid_and_agree_with_what_was_done() {
    let broker = start(2);
    let monitor = monitor(&broker, MonitorOptions::default());
    let before = scrape(monitor.address()).await;
    assert_eq!(before.value("paddock_broker_clients", &[]), 0.0);
    let mut clients = Vec::new();
    for id in b'a'..=b'c' {
        let mut stream = client(broker.handle().address(), id).await;
        exchange(&mut stream, &[0x82, 6, 0, 1, 0, 1, b't', 0], &[0x90, 3, 0, 1, 0]).await;
        clients.push(stream);
    }
    // Retained, QoS 1, five bytes of payload.
    let publish = [0x33, 10, 0, 1, b'r', 0, 9, b'h', b'e', b'l', b'l', b'o'];
    exchange(&mut clients[0], &publish, &[0x40, 2, 0, 9]).await;
    exchange(&mut clients[1], &[0x30, 5, 0, 1, b't', b'h', b'i'], &[0x30, 5, 0, 1, b't', b'h', b'i']).await;
    for stream in [0, 2] {
        exchange(&mut clients[stream], &[], &[0x30, 5, 0, 1, b't', b'h', b'i']).await;
    }
    // Clients may not publish below `$`.
    exchange(&mut clients[0], &[0x30, 4, 0, 2, b'$', b'x', 0xC0, 0], &[0xD0, 0]).await;
    let after = scrape(monitor.address()).await;
    for (metric, value) in [
        ("connects_accepted_total", 3),
        ("messages_received_total", 3),
        ("messages_sent_total", 3),
        ("payload_received_bytes_total", 7),
        ("payload_sent_bytes_total", 6),
        // 3 CONNECT, 3 SUBSCRIBE, 3 PUBLISH, PINGREQ.
        ("packets_received_total", 10),
        ("received_bytes_total", 3 * 15 + 3 * 8 + 12 + 7 + 6 + 2),
        ("sent_bytes_total", 3 * 4 + 3 * 5 + 4 + 3 * 7 + 2),
        ("clients", 3),
        ("connections", 3),
        ("subscriptions", 3),
        ("retained_messages", 1),
        ("retained_bytes", 6),
        ("ready", 1),
    ] {
        assert_eq!(after.sum(&format!("paddock_broker_{metric}"), &[]), f64::from(value), "{metric}");
    }
    assert_eq!(after.sum("paddock_broker_messages_dropped_total", &[("cause", "denied")]), 1.0);
    assert_eq!(after.value("paddock_broker_listener_connections", &[("listener", "barn \"1\"\n")]), 3.0);
    assert_eq!(after.value("paddock_broker_build_info", &[("version", env!("CARGO_PKG_VERSION"))]), 1.0);
    assert!(after.value("process_resident_memory_bytes", &[]) > 1e6);
    assert!(after.value("process_open_fds", &[]) > 3.0);
    let (process, broker_began) =
        (after.value("process_start_time_seconds", &[]), after.value("paddock_broker_start_time_seconds", &[]));
    assert!(process > 1.5e9 && process <= broker_began + 1.0 && broker_began - process < 3600.0);
    let counters = broker.handle().counters();
    for ((name, _), value) in Counters::ALL.iter().zip(counters.values()) {
        let (metric, labels) = match name.strip_prefix("dropped_") {
            Some(cause) => ("messages_dropped".to_owned(), vec![("cause", cause)]),
            None if name.contains("bytes") => {
                let words: Vec<_> = name.split('_').filter(|word| *word != "bytes").collect();
                (format!("{}_bytes", words.join("_")), Vec::new())
            }
            None => ((*name).to_owned(), Vec::new()),
        };
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let expected = value as f64;
        assert_eq!(after.sum(&format!("paddock_broker_{metric}_total"), &labels), expected, "{name}");
    }
    broker.stop().await;
}

#[tokio::test]
async fn the_list_of_metrics_is_complete() {
    let broker = start(1);
    let monitor = monitor(&broker, MonitorOptions::default());
    let shown = scrape(monitor.address()).await;
    let listed: BTreeSet<_> = metrics().map(|(name, _)| name.split('{').next().unwrap().to_owned()).collect();
    assert_eq!(shown.names(), listed);
    broker.stop().await;
}

#[tokio::test]
async fn readiness_follows_the_broker_and_liveness_stays() {
    let broker = start(2);
    let handle = broker.handle();
    let monitor = monitor(&broker, MonitorOptions::default());
    let address = monitor.address();
    let until = async |wanted: &str| {
        let end = Instant::now() + DEADLINE;
        loop {
            let (head, body) = get(address, "/health/ready").await;
            let status = head.split_whitespace().nth(1).unwrap().to_owned();
            if body == wanted {
                return status;
            }
            assert!(Instant::now() < end, "{head} {body}");
        }
    };
    assert_eq!(until("ready\n").await, "200");
    // It does not hang up when it is told to, so that the end takes a moment.
    let mut lazy = client(handle.address(), b'l').await;
    let stopping = tokio::spawn(broker.stop());
    assert_eq!(until("draining\n").await, "503");
    assert!(get(monitor.address(), "/health/live").await.0.starts_with("HTTP/1.1 200"));
    assert_eq!(scrape(monitor.address()).await.value("paddock_broker_ready", &[]), 0.0);
    assert!(stopping.await.unwrap().graceful);
    assert_eq!(lazy.read(&mut [0; 8]).await.unwrap(), 0);
}

#[tokio::test]
async fn other_requests_get_an_answer_too() {
    let broker = start(1);
    let monitor = monitor(&broker, MonitorOptions::default());
    let status = |answer: (String, String)| answer.0.split_whitespace().nth(1).unwrap().to_owned();
    let index = get(monitor.address(), "/").await;
    for path in ["/metrics", "/health/live", "/health/ready"] {
        assert!(index.1.contains(path));
    }
    assert_eq!(status(index), "200");
    assert_eq!(status(get(monitor.address(), "/etc/passwd").await), "404");
    assert_eq!(
        status(ask(monitor.address(), "POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n").await),
        "405"
    );
    let long = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(15_000));
    assert_eq!(status(ask(monitor.address(), &long).await), "404");
    broker.stop().await;
}

/// Strangers who say nothing, little, or too much hold a bounded number of places for a bounded time.
#[tokio::test]
async fn idle_and_greedy_connections_are_bounded() {
    let broker = start(1);
    let monitor = monitor(
        &broker,
        MonitorOptions { connections: 2, time: Duration::from_millis(200), ..MonitorOptions::default() },
    );
    let mut idle = Vec::new();
    for _ in 0..4 {
        let mut stream = TcpStream::connect(monitor.address()).await.unwrap();
        stream.write_all(b"GET /health/live HTTP/1.1\r\nHost:").await.unwrap();
        idle.push(stream);
    }
    let began = Instant::now();
    assert!(get(monitor.address(), "/health/live").await.0.starts_with("HTTP/1.1 200"));
    // Two turns of two places.
    assert!(began.elapsed() >= Duration::from_millis(300), "{:?}", began.elapsed());
    for mut stream in idle {
        let mut rest = Vec::new();
        let _cut_off = timeout(DEADLINE, stream.read_to_end(&mut rest)).await.expect("closed in time");
    }
    let mut greedy = TcpStream::connect(monitor.address()).await.unwrap();
    let mut sent = 0;
    let line = "x-header: ".to_owned() + &"y".repeat(1000) + "\r\n";
    greedy.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    while sent < 10_000_000 && greedy.write_all(line.as_bytes()).await.is_ok() {
        sent += line.len();
    }
    assert!(sent < 10_000_000, "a head of any length is read");
    broker.stop().await;
}
