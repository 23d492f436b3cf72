//! TLS by hand: what goes into which flight is the case's.

use std::io::{Read, Write};

use bytes::BytesMut;
use reports::observation::LineKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::rustls::{ClientConnection, pki_types::ServerName};
use transport::{Endpoint, Scheme, Stream};
use wire::{Direction, Frames, Packet};

use super::{super::prelude::*, trusted};
use crate::{Stop, patience::Patience};

/// A TLS connection whose bytes go when the case says so.
pub(super) struct Session<'a> {
    bench: &'a Bench,
    stream: Stream,
    connection: ClientConnection,
    packets: Frames,
    /// Whether the server said close_notify.
    pub(super) dismissed: bool,
    /// Whether the socket was closed.
    pub(super) ended: bool,
}

/// The socket below the target's TLS listener.
pub(super) async fn socket(bench: &Bench) -> CaseResult<Stream> {
    let endpoint = Endpoint { scheme: Scheme::Mqtt, ..bench.endpoint(Scheme::Mqtts)?.clone() };
    let stream = bench.site().dial(&endpoint).await.map_err(|error| Stop::Inconclusive(error.to_string()))?;
    bench.desk().transcript.say("client", LineKind::Opened, format!("{endpoint}, for TLS"));
    Ok(stream)
}

/// Waits for more bytes: empty ones at the end of the connection, none when patience ends.
pub(super) async fn heard(stream: &mut Stream, patience: &mut Patience) -> Option<BytesMut> {
    let mut arrived = BytesMut::with_capacity(16 * 1024);
    // A reset is an end, too.
    let _ = patience.wait(stream.read_buf(&mut arrived)).await?;
    Some(arrived)
}

impl<'a> Session<'a> {
    /// A socket on which nothing was said.
    pub(super) async fn on_socket(bench: &'a Bench) -> CaseResult<Self> {
        let host = bench.endpoint(Scheme::Mqtts)?.host.clone();
        let name = ServerName::try_from(host).map_err(|error| Stop::Error(error.to_string()))?;
        let connection = ClientConnection::new(trusted(bench)?.config(), name);
        let connection = connection.map_err(|error| Stop::Error(error.to_string()))?;
        let (packets, stream) = (Frames::up_to(4 << 20), socket(bench).await?);
        Ok(Self { bench, stream, connection, packets, dismissed: false, ended: false })
    }

    /// Goes with the next flight in which it can.
    pub(super) fn queue(&mut self, bytes: &[u8]) -> CaseResult {
        self.bench.desk().transcript.packet("client", LineKind::Sent, bytes);
        self.connection.writer().write_all(bytes).map_err(|error| Stop::Error(error.to_string()))
    }

    /// Says that nothing more comes, as TLS does.
    pub(super) fn queue_goodbye(&mut self) {
        self.bench.remark("close_notify");
        self.connection.send_close_notify();
    }

    /// Sends everything that is ready in one write.
    pub(super) async fn flush(&mut self) -> CaseResult {
        let mut flight = Vec::new();
        while self.connection.wants_write() {
            self.connection.write_tls(&mut flight).map_err(|error| Stop::Error(error.to_string()))?;
        }
        // What cannot be sent any more shows in what is heard.
        let _ = self.stream.write_all(&flight).await;
        let _ = self.stream.flush().await;
        Ok(())
    }

    /// Sends what is ready and hears once; false when nothing comes any more.
    async fn turn(&mut self, patience: &mut Patience) -> CaseResult<bool> {
        self.flush().await?;
        let Some(arrived) = heard(&mut self.stream, patience).await else { return Ok(false) };
        if arrived.is_empty() {
            self.ended = true;
            self.bench.desk().transcript.say("client", LineKind::Closed, "the connection was closed");
            return Ok(false);
        }
        let mut rest: &[u8] = &arrived;
        while !rest.is_empty() {
            self.connection.read_tls(&mut rest).map_err(|error| Stop::Error(error.to_string()))?;
            let state = self.connection.process_new_packets();
            let state = state.map_err(|error| Stop::Inconclusive(format!("TLS: {error}")))?;
            self.dismissed |= state.peer_has_closed();
            let mut plain = vec![0; state.plaintext_bytes_to_read()];
            self.connection.reader().read_exact(&mut plain).map_err(|error| Stop::Error(error.to_string()))?;
            self.packets.push(&plain);
        }
        Ok(true)
    }

    /// The next packet; none when there is none in time.
    pub(super) async fn packet(&mut self) -> CaseResult<Option<Packet>> {
        let mut patience = Patience::of(self.bench.site().patience);
        loop {
            if let Some(frame) = self.packets.next() {
                self.bench.desk().transcript.packet("client", LineKind::Received, frame.bytes());
                let parsed = frame.parse(self.bench.version(), Direction::FromServer);
                return parsed.map(Some).map_err(|breach| Stop::unnumbered("a packet of MQTT", breach.to_string()));
            }
            if !self.turn(&mut patience).await? {
                return Ok(None);
            }
        }
    }

    /// Hears until the socket is closed, or until patience ends.
    pub(super) async fn end(&mut self) -> CaseResult {
        let mut patience = Patience::of(self.bench.site().patience);
        while self.turn(&mut patience).await? {}
        Ok(())
    }
}
