//! Frames against literal bytes, at every split, and against an independent implementation.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use proptest::prelude::*;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async, client_async,
    tungstenite::{
        ClientRequestBuilder, Error, Message,
        handshake::server::{Request, Response},
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};

use super::{
    Role, WebSocket, WebSocketOptions, accept,
    frame::{End, FrameReader, Signals, Violation},
    request,
};

const DEADLINE: Duration = Duration::from_secs(10);

/// What a server makes of `wire`, cut at `cuts`.
fn decoded(wire: &[u8], cuts: &[usize]) -> (Vec<u8>, Signals) {
    let mut reader = FrameReader::new(Role::Server);
    let mut signals = Signals::default();
    let mut payload = Vec::new();
    let mut from = 0;
    for to in cuts.iter().copied().chain([wire.len()]) {
        let mut piece = wire[from..to].to_vec();
        let length = reader.decode(&mut piece, &mut signals);
        payload.extend_from_slice(&piece[..length]);
        from = to;
    }
    (payload, signals)
}

fn violation(wire: &[u8]) -> Violation {
    match decoded(wire, &[]).1.end {
        Some(End::Violated(violation)) => violation,
        other => panic!("{wire:02x?}: {other:?}"),
    }
}

#[test]
fn the_masked_frame_of_rfc_6455_is_read() {
    // RFC 6455, section 5.7, with the opcode of a binary frame.
    let wire = [0x82, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    assert_eq!(decoded(&wire, &[]), (b"Hello".to_vec(), Signals::default()));
}

/// Three frames of one message with a Ping between them, an empty frame, and a Close: MQTT-6.0.0-2 in both.
fn conversation() -> (Vec<u8>, Vec<u8>) {
    let frame = |first: u8, mask: [u8; 4], payload: &[u8]| {
        let mut wire = vec![first];
        match payload.len() {
            short @ ..126 => wire.push(0x80 | u8::try_from(short).unwrap()),
            medium => {
                wire.push(0x80 | 126);
                wire.extend(u16::try_from(medium).unwrap().to_be_bytes());
            }
        }
        wire.extend(mask);
        wire.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        wire
    };
    let long: Vec<u8> = (0..=255).collect();
    let wire = [
        frame(0x02, [1, 2, 3, 4], b"one "),
        frame(0x89, [9, 8, 7, 6], b"are you there"),
        frame(0x00, [0, 0, 0, 0], b""),
        frame(0x00, [5, 6, 7, 8], b"message "),
        frame(0x80, [0xff, 0, 0xff, 0], b"ends, "),
        frame(0x82, [3, 1, 4, 1], &long),
        frame(0x88, [2, 7, 1, 8], &[0x03, 0xe8, b'b', b'y', b'e']),
    ]
    .concat();
    (wire, [&b"one message ends, "[..], &long].concat())
}

#[test]
fn every_split_of_a_conversation_gives_the_same_bytes() {
    let (wire, payload) = conversation();
    let signals = Signals { ping: Some(b"are you there".to_vec()), end: Some(End::Closed(Some(1000))) };
    for cut in 0..=wire.len() {
        let (got, heard) = decoded(&wire, &[cut]);
        assert!(got == payload && heard == signals, "cut at {cut}");
    }
    let everywhere: Vec<_> = (0..wire.len()).collect();
    assert_eq!(decoded(&wire, &everywhere), (payload, signals));
}

/// MQTT-6.0.0-1 in both, and what RFC 6455 forbids.
#[test]
fn whatever_is_no_binary_frame_of_a_client_ends_the_connection() {
    let mask = [0, 0, 0, 0];
    assert_eq!(violation(&[0x81, 0x80]), Violation::Text);
    assert_eq!(violation(&[0x82, 0x01]), Violation::Unmasked);
    assert_eq!(violation(&[0xc2, 0x80]), Violation::Reserved);
    for opcode in [0x83, 0x87, 0x8b, 0x8f] {
        assert_eq!(violation(&[opcode, 0x80]), Violation::Reserved);
    }
    assert_eq!(violation(&[0x09, 0x80]), Violation::Control, "a Ping in fragments");
    assert_eq!(violation(&[0x89, 0xfe]), Violation::Control, "a long Ping");
    assert_eq!(violation(&[&[0x80, 0x80][..], &mask].concat()), Violation::Fragments, "the end of nothing");
    assert_eq!(
        violation(&[&[0x02, 0x80][..], &mask, &[0x82, 0x80], &mask].concat()),
        Violation::Fragments,
        "a message within a message"
    );
    assert_eq!(violation(&[0x82, 0xfe, 0, 125]), Violation::LongLength);
    assert_eq!(violation(&[0x82, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff]), Violation::LongLength);
    assert_eq!(violation(&[0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0]), Violation::TooLong(1 << 63));
    for close in [&[0x03][..], &[0, 5], &[0x03, 0xed], &[0x13, 0x88], &[0x03, 0xe8, 0xff]] {
        let wire = [&[0x88, 0x80 | u8::try_from(close.len()).unwrap()][..], &mask, close].concat();
        assert_eq!(violation(&wire), Violation::Close, "{close:02x?}");
    }
}

#[test]
fn a_server_that_masks_is_not_heard() {
    let mut signals = Signals::default();
    FrameReader::new(Role::Client).decode(&mut [0x82, 0x80], &mut signals);
    assert_eq!(signals.end, Some(End::Violated(Violation::Masked)));
}

#[test]
fn what_came_before_a_violation_counts_and_nothing_after_it() {
    let wire = [0x82, 0x82, 0, 0, 0, 0, b'o', b'k', 0x81, 0x80, 0x82, 0x81, 0, 0, 0, 0, b'x'];
    let (payload, signals) = decoded(&wire, &[]);
    assert_eq!(payload, b"ok");
    assert_eq!(signals.end, Some(End::Violated(Violation::Text)));
}

proptest! {
    #[test]
    fn arbitrary_bytes_give_the_same_at_any_two_splits(
        wire in proptest::collection::vec(prop_oneof![Just(0x82_u8), Just(0x80), Just(0x89), any::<u8>()], 0..200),
        a in any::<prop::sample::Index>(),
        b in any::<prop::sample::Index>(),
    ) {
        let (a, b) = (a.index(wire.len() + 1), b.index(wire.len() + 1));
        prop_assert_eq!(decoded(&wire, &[a.min(b), a.max(b)]), decoded(&wire, &[]));
    }
}

/// Our server and their client, upgraded.
async fn our_server() -> (WebSocket<DuplexStream>, WebSocketStream<DuplexStream>) {
    let (mut ours, theirs) = duplex(1000);
    let uri = "ws://barn.example/mqtt?herd=7".parse().unwrap();
    let request = ClientRequestBuilder::new(uri).with_sub_protocol("mqtt");
    let options = WebSocketOptions::default();
    let (accepted, client) = tokio::join!(accept(&mut ours, &options), client_async(request, theirs));
    accepted.unwrap();
    let (client, response) = client.unwrap();
    assert_eq!(response.headers()["Sec-WebSocket-Protocol"], "mqtt");
    (WebSocket::new(ours, Role::Server, Vec::new()), client)
}

/// Our client and their server, upgraded.
#[expect(clippy::result_large_err, reason = "the library's signature")]
async fn our_client() -> (WebSocket<DuplexStream>, WebSocketStream<DuplexStream>) {
    let (mut ours, theirs) = duplex(1000);
    let select = |request: &Request, mut response: Response| {
        // MQTT-6.0.0-3 in both.
        assert_eq!(request.headers()["Sec-WebSocket-Protocol"], "mqtt");
        assert_eq!((request.headers()["Host"].to_str().unwrap(), request.uri().path()), ("barn:8083", "/mqtt"));
        response.headers_mut().insert("Sec-WebSocket-Protocol", "mqtt".parse().unwrap());
        Ok(response)
    };
    let (early, server) = tokio::join!(request(&mut ours, "barn:8083", "/mqtt"), accept_hdr_async(theirs, select));
    (WebSocket::new(ours, Role::Client, early.unwrap()), server.unwrap())
}

/// Sends bytes of many sizes both ways and says good-bye.
async fn converse(mut ours: WebSocket<DuplexStream>, theirs: WebSocketStream<DuplexStream>) {
    let sizes = [0_usize, 1, 2, 125, 126, 127, 1000, 65_535, 65_536, 70_000, 1 << 20, (1 << 20) + 1, 3 << 20];
    let bytes = |size: usize| (0..size).map(|at| (at % 251) as u8).collect::<Vec<_>>();
    let all: Vec<u8> = sizes.iter().flat_map(|size| bytes(*size)).collect();
    let (mut their_sink, mut their_stream) = theirs.split_halves();
    let ping = Message::Ping(b"there?".to_vec().into());
    let ours = async {
        let mut got = vec![0; all.len()];
        ours.read_exact(&mut got).await.unwrap();
        assert!(got == all);
        for size in sizes {
            ours.write_all(&bytes(size)).await.unwrap();
        }
        ours.shutdown().await.unwrap();
        // Their Close answers ours.
        assert_eq!(ours.read(&mut [0]).await.unwrap(), 0);
    };
    let sending = async {
        for size in sizes {
            their_sink.send(Message::binary(bytes(size))).await.unwrap();
            their_sink.send(ping.clone()).await.unwrap();
        }
    };
    let receiving = async {
        let (mut got, mut pongs) = (Vec::new(), 0);
        loop {
            match their_stream.next().await.unwrap().unwrap() {
                Message::Binary(bytes) => {
                    assert!(bytes.len() <= 1 << 20);
                    got.extend_from_slice(&bytes);
                }
                Message::Pong(payload) => {
                    assert_eq!(&payload[..], b"there?");
                    pongs += 1;
                }
                Message::Close(frame) => {
                    assert_eq!(frame.unwrap().code, CloseCode::Normal);
                    break;
                }
                other => panic!("{other:?}"),
            }
        }
        assert!(got == all);
        assert!((1..=sizes.len()).contains(&pongs));
        // Has their side answer our Close.
        assert!(their_stream.next().await.is_none_or(|end| matches!(end, Err(Error::ConnectionClosed))));
    };
    timeout(DEADLINE, async { tokio::join!(ours, sending, receiving) }).await.expect("no standstill");
}

/// Their stream in two halves.
trait Halves: Sized {
    fn split_halves(
        self,
    ) -> (impl SinkExt<Message, Error = Error> + Unpin, impl StreamExt<Item = Result<Message, Error>> + Unpin);
}

impl Halves for WebSocketStream<DuplexStream> {
    fn split_halves(
        self,
    ) -> (impl SinkExt<Message, Error = Error> + Unpin, impl StreamExt<Item = Result<Message, Error>> + Unpin) {
        self.split()
    }
}

/// MQTT-6.0.0-1, MQTT-6.0.0-2 and MQTT-6.0.0-4 in both.
#[tokio::test]
async fn our_server_understands_their_client() {
    let (ours, theirs) = our_server().await;
    converse(ours, theirs).await;
}

/// MQTT-6.0.0-1, MQTT-6.0.0-2 and MQTT-6.0.0-3 in both.
#[tokio::test]
async fn our_client_understands_their_server() {
    let (ours, theirs) = our_client().await;
    converse(ours, theirs).await;
}

#[tokio::test]
async fn the_close_of_the_other_side_is_answered_with_its_code() {
    let (mut ours, mut theirs) = our_server().await;
    theirs.send(Message::binary(b"last".to_vec())).await.unwrap();
    theirs.close(Some(CloseFrame { code: CloseCode::Away, reason: "milking".into() })).await.unwrap();
    let mut got = Vec::new();
    timeout(DEADLINE, ours.read_to_end(&mut got)).await.unwrap().unwrap();
    assert_eq!(got, b"last");
    let answer = timeout(DEADLINE, theirs.next()).await.unwrap().unwrap().unwrap();
    assert_eq!(answer, Message::Close(Some(CloseFrame { code: CloseCode::Away, reason: "".into() })));
    assert!(ours.write_all(b"more").await.is_err(), "nothing follows a Close");
}

/// MQTT-6.0.0-1 in both.
#[tokio::test]
async fn a_text_frame_is_answered_with_unsupported_data() {
    let (mut ours, mut theirs) = our_server().await;
    theirs.send(Message::text("CONNECT")).await.unwrap();
    let error = timeout(DEADLINE, ours.read(&mut [0; 10])).await.unwrap().unwrap_err();
    assert!(error.to_string().contains("text frame"), "{error}");
    let answer = timeout(DEADLINE, theirs.next()).await.unwrap().unwrap().unwrap();
    assert!(matches!(answer, Message::Close(Some(CloseFrame { code: CloseCode::Unsupported, .. }))), "{answer:?}");
}

#[tokio::test]
async fn a_flood_of_pings_that_nobody_reads_costs_one_answer() {
    let (ours, mut theirs) = duplex(64);
    let mut ours = WebSocket::new(ours, Role::Server, Vec::new());
    let flood = async {
        for _ in 0..10_000 {
            theirs.write_all(&[0x89, 0x84, 0, 0, 0, 0, b'p', b'i', b'n', b'g']).await.unwrap();
        }
        theirs.write_all(&[0x82, 0x81, 0, 0, 0, 0, b'x']).await.unwrap();
    };
    let mut got = [0; 10];
    let (length, ()) = timeout(DEADLINE, async { tokio::join!(ours.read(&mut got), flood) }).await.unwrap();
    assert_eq!(&got[..length.unwrap()], b"x");
    assert!(ours.out.len() <= 128, "{} bytes of answers wait", ours.out.len());
}

/// The answer of our server to `head`.
async fn answer(head: &str, options: &WebSocketOptions) -> (String, bool) {
    let (mut ours, mut theirs) = duplex(16 * 1024);
    theirs.write_all(head.as_bytes()).await.unwrap();
    let opened = timeout(DEADLINE, accept(&mut ours, options)).await.unwrap().is_ok();
    drop(ours);
    let mut answer = String::new();
    theirs.read_to_string(&mut answer).await.unwrap();
    (answer, opened)
}

const GOOD: &str = "GET /mqtt HTTP/1.1\r\nHost: barn\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\
                    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
                    Sec-WebSocket-Protocol: chat, mqtt\r\n\r\n";

#[tokio::test]
async fn the_key_of_rfc_6455_gets_its_answer() {
    let (answer, opened) = answer(GOOD, &WebSocketOptions::default()).await;
    assert!(opened);
    assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
    assert!(answer.contains("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), "{answer}");
    // MQTT-6.0.0-4 in both.
    assert!(answer.contains("\r\nSec-WebSocket-Protocol: mqtt\r\n"), "{answer}");
}

/// MQTT-6.0.0-3, MQTT-6.0.0-4 in both, and the rules of HTTP.
#[tokio::test]
async fn whatever_is_no_request_for_mqtt_is_refused_by_its_cause() {
    let options = WebSocketOptions { origins: vec!["https://barn.example".to_owned()], ..WebSocketOptions::default() };
    let long = format!("Cookie: {}\r\n\r\n", "x".repeat(9000));
    let many = format!("{}\r\n", "A: b\r\n".repeat(100));
    for (from, to, status) in [
        ("/mqtt", "/", 404),
        ("/mqtt", "/mqtt/", 404),
        ("GET", "POST", 405),
        ("HTTP/1.1", "HTTP/1.0", 400),
        ("HTTP/1.1", "FTP", 400),
        ("Upgrade: websocket\r\n", "", 426),
        ("keep-alive, Upgrade", "close", 426),
        ("Version: 13", "Version: 8", 426),
        ("dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ=", 400),
        ("Sec-WebSocket-Key", "X-Key", 400),
        ("chat, mqtt", "chat", 400),
        ("chat, mqtt", "MQTT", 400),
        ("Sec-WebSocket-Protocol: chat, mqtt\r\n", "", 400),
        ("Host: barn", "Origin: https://evil.example", 403),
        ("\r\n\r\n", &format!("\r\n{long}"), 431),
        ("\r\n\r\n", &format!("\r\n{many}"), 431),
        ("\r\n\r\n", "\r\n\r\nearly", 400),
    ] {
        let (answer, opened) = answer(&GOOD.replacen(from, to, 1), &options).await;
        assert!(!opened && answer.starts_with(&format!("HTTP/1.1 {status} ")), "{from} -> {to:.50}: {answer}");
    }
    for origin in ["Origin: https://BARN.example", "X: y"] {
        assert!(answer(&GOOD.replacen("Host: barn", origin, 1), &options).await.1, "{origin}");
    }
}

#[tokio::test]
async fn the_older_name_of_the_subprotocol_is_selected_when_only_that_is_offered() {
    let (answer, _) = answer(&GOOD.replace("chat, mqtt", "mqttv3.1"), &WebSocketOptions::default()).await;
    assert!(answer.contains("\r\nSec-WebSocket-Protocol: mqttv3.1\r\n"), "{answer}");
}

#[tokio::test]
async fn a_client_trusts_no_answer_but_the_right_one() {
    let good = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                Sec-WebSocket-Accept: KEY\r\nSec-WebSocket-Protocol: mqtt\r\n\r\nearly";
    for (from, to, complaint) in [
        ("", "", None),
        ("KEY", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", Some("not for our key")),
        ("101", "404", Some("answers 404")),
        ("Upgrade: websocket", "X: y", Some("does not upgrade")),
        ("Protocol: mqtt", "Protocol: chat", Some("subprotocol")),
        ("HTTP/1.1", "SSH-2.0", Some("not HTTP")),
    ] {
        let (mut ours, mut theirs) = duplex(16 * 1024);
        let server = async {
            let mut head = vec![0; 2000];
            let length = theirs.read(&mut head).await.unwrap();
            let head = String::from_utf8(head[..length].to_vec()).unwrap();
            let key = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap();
            let answer = good.replace(from, to).replace("KEY", &super::upgrade::accept_key(key));
            theirs.write_all(answer.as_bytes()).await.unwrap();
        };
        let (result, ()) = tokio::join!(request(&mut ours, "barn", "/mqtt"), server);
        match (result, complaint) {
            (Ok(early), None) => assert_eq!(early, b"early"),
            (Err(error), Some(complaint)) => assert!(error.to_string().contains(complaint), "{error}"),
            (other, _) => panic!("{from} -> {to}: {other:?}"),
        }
    }
}
