//! TLS byte by byte: handshakes that are old, halved or none, and what surrounds MQTT.

use tokio::{io::AsyncWriteExt, time::Instant};
use transport::{Scheme, Stream};
use wire::Packet;

use super::{
    super::prelude::*,
    session::{Session, heard, socket},
};
use crate::{Stop, patience::Patience, tls::TlsLie};

pub(in crate::cases) const CASES: &[Case] = &[
    Case {
        id: "tls.refuses_1_0_and_1_1",
        title: "TLS 1.0 and 1.1 are not spoken",
        unnumbered: &[Both("RFC 8996, 4 and 5")],
        needs: &[Capability::Tls],
        mutants: &[
            Mutant::tls("speaks TLS 1.0", TlsLie::Says(SERVER_HELLO_1_0)).against_advice(),
            Mutant::tls("lets old clients wait", TlsLie::Says(&[])).against_advice(),
        ],
        script: run!(refuses_1_0_and_1_1),
        ..Case::PLAIN
    },
    Case {
        id: "tls.refuses_plain_mqtt",
        title: "A CONNECT without TLS on a port for TLS is not answered, and harms nobody else",
        unnumbered: &[Both("section 5.4.5")],
        needs: &[Capability::Tls],
        mutants: &[
            Mutant::tls("speaks MQTT 3.1.1 on the port for TLS", TlsLie::Says(&[0x20, 0x02, 0x00, 0x00]))
                .only_in(Version::V3_1_1),
            Mutant::tls("speaks MQTT 5.0 on the port for TLS", TlsLie::Says(&[0x20, 0x03, 0x00, 0x00, 0x00]))
                .only_in(Version::V5),
            Mutant::tls("waits for more than a CONNECT without TLS", TlsLie::Says(&[])),
        ],
        script: run!(refuses_plain_mqtt),
        ..Case::PLAIN
    },
    Case {
        id: "tls.half_handshakes_end",
        title: "A client that begins TLS and says no more is closed after a while",
        unnumbered: &[Both("section 3.1.4")],
        needs: &[Capability::Tls],
        tags: &["time"],
        mutants: &[Mutant::tls("lets half handshakes wait", TlsLie::Says(&[])).against_advice()],
        script: run!(half_handshakes_end),
        ..Case::PLAIN
    },
    Case {
        id: "tls.connect_may_come_with_the_handshake",
        title: "A CONNECT in the same flight as the end of the handshake is answered",
        unnumbered: &[Both("section 4.2")],
        needs: &[Capability::Tls],
        mutants: &[Mutant::tls("loses what comes with the handshake", TlsLie::LosesTheFirst)],
        script: run!(connect_may_come_with_the_handshake),
        ..Case::PLAIN
    },
    Case {
        id: "tls.server_says_close_notify",
        title: "The server says close_notify before it closes",
        unnumbered: &[Both("RFC 8446, 6.1")],
        needs: &[Capability::Tls],
        mutants: &[Mutant::tls("closes without close_notify", TlsLie::EndsAbruptly).against_advice()],
        script: run!(server_says_close_notify),
        ..Case::PLAIN
    },
    Case {
        id: "tls.close_notify_is_no_disconnect",
        title: "close_notify without DISCONNECT lets the Will be published",
        decides: &[Both("3.1.2-8")],
        needs: &[Capability::Tls],
        mutants: &[Mutant::tls("takes close_notify for DISCONNECT", TlsLie::TakesEndForDisconnect)],
        script: run!(close_notify_is_no_disconnect),
        ..Case::PLAIN
    },
];

/// A record of TLS 1.0 with a ServerHello that selects TLS_RSA_WITH_AES_128_CBC_SHA.
const SERVER_HELLO_1_0: &[u8] = b"\x16\x03\x01\x00\x2a\x02\x00\x00\x26\x03\x01\
    paddock paddock paddock paddock \x00\x00\x2f\x00";

/// The first flight of a client that speaks this version and no later one.
fn client_hello(minor: u8) -> Vec<u8> {
    let mut hello = vec![0x03, minor];
    hello.extend_from_slice(b"paddock paddock paddock paddock ");
    // No session.
    hello.push(0);
    // ECDHE with ECDSA and RSA, RSA alone; AES in CBC mode, SHA-1.
    let suites = [0xc009_u16, 0xc00a, 0xc013, 0xc014, 0x002f, 0x0035];
    hello.extend_from_slice(&[0, suites.len() as u8 * 2]);
    hello.extend(suites.iter().flat_map(|suite| suite.to_be_bytes()));
    // No compression.
    hello.extend_from_slice(&[1, 0]);
    // supported_groups: x25519 and secp256r1; ec_point_formats: uncompressed.
    let extensions = [0, 10, 0, 6, 0, 4, 0, 0x1d, 0, 0x17, 0, 11, 0, 2, 1, 0];
    hello.extend_from_slice(&[0, extensions.len() as u8]);
    hello.extend_from_slice(&extensions);
    let length = hello.len() as u8;
    [&[0x16, 0x03, 0x01, 0, length + 4, 0x01, 0, 0, length], hello.as_slice()].concat()
}

/// What comes on a socket after `bytes` until it is closed; an error when it stays open.
async fn answer(bench: &Bench, stream: &mut Stream, bytes: &[u8]) -> CaseResult<Result<Vec<u8>, Vec<u8>>> {
    // One that has closed already is heard below.
    let _ = stream.write_all(bytes).await;
    let _ = stream.flush().await;
    let mut patience = Patience::of(bench.site().patience);
    let mut all = Vec::new();
    loop {
        match heard(stream, &mut patience).await {
            None => return Ok(Err(all)),
            Some(arrived) if arrived.is_empty() => break,
            Some(arrived) => all.extend_from_slice(&arrived),
        }
    }
    bench.remark(format!("{} bytes came, then the connection was closed", all.len()));
    Ok(Ok(all))
}

/// How many bytes, and which.
fn shown(bytes: &[u8]) -> String {
    let first: Vec<String> = bytes.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    if bytes.is_empty() { "nothing".into() } else { format!("{} bytes: {}", bytes.len(), first.join(" ")) }
}

async fn refuses_1_0_and_1_1(bench: &mut Bench) -> CaseResult {
    for minor in [1, 2] {
        bench.remark(format!("TLS 1.{}", minor - 1));
        let mut stream = socket(bench).await?;
        let came = answer(bench, &mut stream, &client_hello(minor)).await?;
        let (open, bytes) = came.map_or_else(|bytes| (true, bytes), |bytes| (false, bytes));
        // A record of the handshake that carries a ServerHello.
        let hello = bytes.first() == Some(&0x16) && bytes.get(5) == Some(&0x02);
        bench.advise(!hello && !open, "an alert or nothing, and the end of the connection", shown(&bytes));
    }
    Ok(())
}

async fn refuses_plain_mqtt(bench: &mut Bench) -> CaseResult {
    let mut stream = socket(bench).await?;
    let connect = bench.packet(bench.connect("plain"));
    let came = answer(bench, &mut stream, &connect).await?;
    let (open, bytes) = came.map_or_else(|bytes| (true, bytes), |bytes| (false, bytes));
    bench.check(bytes.first() != Some(&0x20), "no CONNACK", shown(&bytes))?;
    bench.check(!open, "the end of the connection", format!("it stays open; {} came", shown(&bytes)))?;
    let mut other = bench.opened_over(Scheme::Mqtts, "other").await?;
    other.send(bench.connect("other")).await?;
    other.expect_accepted().await.map(|_| ())
}

async fn half_handshakes_end(bench: &mut Bench) -> CaseResult {
    let mut stream = socket(bench).await?;
    let hello = client_hello(3);
    let began = Instant::now();
    // Not one whole record: there is nothing to answer.
    let _ = stream.write_all(&hello[..hello.len() / 2]).await;
    let _ = stream.flush().await;
    // The standard says "a reasonable amount of time".
    let reasonable = bench.site().patience * 4;
    let mut ended = false;
    let mut patience = Patience::of(reasonable);
    while let Some(arrived) = heard(&mut stream, &mut patience).await {
        if arrived.is_empty() {
            ended = true;
            break;
        }
    }
    if ended {
        bench.note(format!("closed after {} s", began.elapsed().as_secs()));
    }
    bench.advise(ended, "the connection is closed after a while", format!("it is open after {reasonable:?}"));
    Ok(())
}

async fn connect_may_come_with_the_handshake(bench: &mut Bench) -> CaseResult {
    let mut session = Session::on_socket(bench).await?;
    session.queue(&bench.packet(bench.connect("client")))?;
    accepted(bench, &mut session).await
}

async fn accepted(bench: &Bench, session: &mut Session<'_>) -> CaseResult {
    match session.packet().await? {
        Some(Packet::Connack(connack)) if connack.reason == 0 => Ok(()),
        Some(other) => Err(Stop::breach("CONNACK 0x00", other.line(bench.version()))),
        None => Err(Stop::breach("CONNACK 0x00", "nothing came")),
    }
}

async fn server_says_close_notify(bench: &mut Bench) -> CaseResult {
    let mut session = Session::on_socket(bench).await?;
    session.queue(&bench.packet(bench.connect("client")))?;
    accepted(bench, &mut session).await.set_up("connecting")?;
    session.queue(&bench.packet(wire::Disconnect::normal()))?;
    session.end().await?;
    if !session.ended {
        return Err(Stop::Inconclusive("the server does not close after DISCONNECT".into()));
    }
    bench.advise(session.dismissed, "close_notify, then the end of the connection", "the end without close_notify");
    Ok(())
}

async fn close_notify_is_no_disconnect(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("will");
    let mut watcher = bench.connected("watcher").await?;
    watcher.subscribed(&topic, 0).await?;
    let mut session = Session::on_socket(bench).await?;
    session.queue(&bench.packet(bench.connect("client").will(Will::to(&topic).payload("gone"))))?;
    accepted(bench, &mut session).await.set_up("connecting")?;
    session.queue_goodbye();
    session.flush().await?;
    watcher.expect_publish(&topic, "gone").await.map(|_| ())
}
