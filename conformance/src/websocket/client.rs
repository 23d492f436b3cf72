//! A WebSocket client that sends what it is told to and judges what it hears.

use std::collections::VecDeque;

use bytes::BytesMut;
use reports::observation::LineKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use transport::{Endpoint, Scheme, Stream};
use wire::{Direction, Draftable, Kind, Packet};

use super::{Frame, Frames, Head, opcode};
use crate::{Bench, CaseResult, Finding, Judge, Mark, Stop, desk::Desk, patience::Patience, peer::malformed};

/// What a request for a WebSocket came to.
#[derive(Debug)]
pub(crate) enum Answered {
    /// An answer of HTTP.
    Head(Head),
    /// The connection ended without one.
    Closed,
}

/// A connection that speaks WebSocket, and MQTT in it.
///
/// Whatever comes is held against RFC 6455 and goes through the strict parser of MQTT.
#[derive(Debug)]
pub(crate) struct Socket {
    name: String,
    desk: Desk,
    stream: Stream,
    early: Vec<u8>,
    frames: Frames,
    packets: wire::Frames,
    inbox: VecDeque<Heard>,
    /// Whether a message has begun whose last frame has not come.
    in_message: bool,
    /// The Close frame of the server, with its code.
    goodbye: Option<Option<u16>>,
    ended: bool,
}

/// What came and no verb has taken yet.
#[derive(Debug)]
enum Heard {
    Packet(Packet, String),
    Pong(Vec<u8>),
}

impl Bench {
    /// Where the target is asked for WebSockets: without TLS if it listens so.
    fn web_endpoint(&self) -> CaseResult<&Endpoint> {
        self.endpoint(Scheme::Ws).or_else(|_| self.endpoint(Scheme::Wss))
    }

    /// The request that a correct client sends to the target's WebSocket listener.
    ///
    /// # Errors
    ///
    /// Not applicable when there is none.
    pub(crate) fn web_request(&self) -> CaseResult<Head> {
        self.web_endpoint().map(|endpoint| self.web_request_at(endpoint))
    }

    /// The request that a correct client sends there.
    pub(crate) fn web_request_at(&self, endpoint: &Endpoint) -> Head {
        Head::request(endpoint, &super::key(self.desk().tag.as_ref()))
    }

    /// Sends a request for a WebSocket and awaits the answer.
    ///
    /// # Errors
    ///
    /// Not applicable when the target does not listen so, inconclusive when it cannot be reached; a breach when it does not
    /// answer, or not in HTTP.
    pub(crate) async fn web_requested(&self, name: &str, request: &Head) -> CaseResult<(Answered, Socket)> {
        self.web_requested_at(self.web_endpoint()?, name, request).await
    }

    /// The same at this listener, with TLS or without.
    ///
    /// # Errors
    ///
    /// As [`Bench::web_requested`].
    pub(crate) async fn web_requested_at(
        &self,
        endpoint: &Endpoint,
        name: &str,
        request: &Head,
    ) -> CaseResult<(Answered, Socket)> {
        // What is above TCP or TLS is the case's.
        let scheme = if endpoint.scheme.is_tls() { Scheme::Mqtts } else { Scheme::Mqtt };
        let endpoint = Endpoint { scheme, ..endpoint.clone() };
        let stream = self.site().dial(&endpoint).await.map_err(|error| Stop::Inconclusive(error.to_string()))?;
        self.desk().transcript.say(name, LineKind::Opened, format!("{endpoint}, for WebSocket"));
        let mut socket = Socket::new(name, stream, self.desk().clone());
        socket.say(format!("asks: {}", String::from_utf8_lossy(&request.encode()).trim_end().replace("\r\n", " | ")));
        socket.write(&request.encode()).await?;
        let answered = socket.answer().await?;
        Ok((answered, socket))
    }

    /// A WebSocket without a word of MQTT said on it.
    ///
    /// # Errors
    ///
    /// Inconclusive when the target does not open one.
    pub(crate) async fn web_opened(&self, name: &str) -> CaseResult<Socket> {
        match self.web_requested(name, &self.web_request()?).await? {
            (Answered::Head(head), socket) if head.status() == 101 => Ok(socket),
            (Answered::Head(head), _) => Err(Stop::Inconclusive(format!("no WebSocket: {}", head.first))),
            (Answered::Closed, _) => Err(Stop::Inconclusive("no WebSocket: the connection was closed".into())),
        }
    }

    /// A client over a WebSocket whose CONNECT was accepted.
    ///
    /// # Errors
    ///
    /// Inconclusive when it is not.
    pub(crate) async fn web_connected(&self, name: &str) -> CaseResult<Socket> {
        let mut socket = self.web_opened(name).await?;
        socket.send(&Frame::binary(self.packet(self.connect(name)))).await?;
        socket.expect_accepted().await.set_up("connecting")?;
        Ok(socket)
    }

    /// A packet as bytes, for frames.
    pub(crate) fn packet(&self, packet: impl Draftable) -> Vec<u8> {
        packet.into_draft(self.version()).encode()
    }
}

/// Sending.
impl Socket {
    fn new(name: &str, stream: Stream, desk: Desk) -> Self {
        Self {
            name: name.to_owned(),
            desk,
            stream,
            early: Vec::new(),
            frames: Frames::default(),
            packets: wire::Frames::up_to(4 << 20),
            inbox: VecDeque::new(),
            in_message: false,
            goodbye: None,
            ended: false,
        }
    }

    /// Sends a frame.
    ///
    /// # Errors
    ///
    /// Inconclusive when the target does not take it in time. One that has closed already makes this no failure.
    pub(crate) async fn send(&mut self, frame: &Frame) -> CaseResult {
        self.say(format!("sends a {}", frame.line()));
        self.write(&frame.encode()).await
    }

    async fn write(&mut self, bytes: &[u8]) -> CaseResult {
        let written = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        match Patience::of(self.desk.site.patience).wait(written).await {
            Some(Ok(())) => Ok(()),
            Some(Err(error)) => {
                self.say(format!("could not be sent: {error}"));
                Ok(())
            }
            None => Err(Stop::Inconclusive(format!("the target does not read what {} sends", self.name))),
        }
    }

    fn say(&self, text: impl Into<String>) {
        self.desk.transcript.say(&self.name, LineKind::Remark, text);
    }
}

/// Hearing.
impl Socket {
    /// The answer to the request, or the end of the connection.
    async fn answer(&mut self) -> CaseResult<Answered> {
        let mut patience = Patience::of(self.desk.site.patience);
        loop {
            match Head::take(&mut self.early) {
                Ok(Some(head)) => {
                    self.say(format!("is answered: {}", head.first));
                    let early = std::mem::take(&mut self.early);
                    if head.status() == 101 {
                        self.frames.push(&early);
                    }
                    return Ok(Answered::Head(head));
                }
                Ok(None) => {}
                Err(what) => return Err(Stop::unnumbered("an answer of HTTP/1.1", format!("{what} came"))),
            }
            let mut arrived = BytesMut::with_capacity(4 * 1024);
            match self.read(&mut arrived, &mut patience).await {
                None => {
                    return Err(Stop::unnumbered(
                        "an answer of HTTP/1.1, or the end of the connection",
                        "nothing came",
                    ));
                }
                Some(false) => return Ok(Answered::Closed),
                Some(true) => self.early.extend_from_slice(&arrived),
            }
        }
    }

    /// Reads once; false at the end of the connection, nothing when patience ends.
    async fn read(&mut self, into: &mut BytesMut, patience: &mut Patience) -> Option<bool> {
        match patience.wait(self.stream.read_buf(into)).await? {
            Ok(1..) => Some(true),
            Ok(0) => {
                self.end("the connection was closed");
                Some(false)
            }
            Err(error) => {
                self.end(&format!("the connection was reset: {error}"));
                Some(false)
            }
        }
    }

    fn end(&mut self, how: &str) {
        self.ended = true;
        self.desk.transcript.say(&self.name, LineKind::Closed, how);
    }

    /// Waits until something comes, the connection ends, or patience does; whether something did.
    async fn hear(&mut self, patience: &mut Patience) -> CaseResult<bool> {
        loop {
            match self.frames.take() {
                Ok(Some(frame)) => {
                    self.take_in(frame)?;
                    return Ok(true);
                }
                Ok(None) => {}
                Err(uncut) => return Err(Stop::unnumbered("frames as RFC 6455 lays them out (5.2)", uncut.0)),
            }
            if self.ended {
                return Ok(false);
            }
            let mut arrived = BytesMut::with_capacity(16 * 1024);
            match self.read(&mut arrived, patience).await {
                None | Some(false) => return Ok(false),
                Some(true) => self.frames.push(&arrived),
            }
        }
    }

    fn take_in(&mut self, frame: Frame) -> CaseResult {
        self.say(format!("hears a {}", frame.line()));
        let wrong = |expected: &str| Err(Stop::unnumbered(expected, format!("a {}", frame.line())));
        if self.goodbye.is_some() {
            return wrong("nothing after the Close frame (RFC 6455, 5.5.1)");
        }
        if frame.masked {
            return Err(Stop::unnumbered("frames of a server are not masked (RFC 6455, 5.1)", "a masked frame"));
        }
        if frame.reserved != 0 {
            return wrong("no reserved bit is set without an extension (RFC 6455, 5.2)");
        }
        if frame.is_control() && (!frame.last || frame.payload.len() > 125) {
            return wrong("control frames are whole and have at most 125 bytes (RFC 6455, 5.5)");
        }
        match frame.opcode {
            opcode::BINARY | opcode::CONTINUATION => {
                if (frame.opcode == opcode::CONTINUATION) != self.in_message {
                    return wrong("a message ends before the next begins (RFC 6455, 5.4)");
                }
                self.in_message = !frame.last;
                self.packets.push(&frame.payload);
                while let Some(packet) = self.packets.next() {
                    self.take_in_packet(&packet)?;
                }
                Ok(())
            }
            opcode::TEXT => {
                let finding = Finding::breach("MQTT in binary frames", format!("a {}", frame.line()));
                Err(Stop::Breach(finding.watched(Mark::Both("6.0.0-1"))))
            }
            opcode::CLOSE => {
                self.goodbye = Some(frame.payload.first_chunk().map(|code| u16::from_be_bytes(*code)));
                Ok(())
            }
            // A server may ask whether the client is there.
            opcode::PING => Ok(()),
            opcode::PONG => {
                self.inbox.push_back(Heard::Pong(frame.payload));
                Ok(())
            }
            _ => wrong("opcodes that RFC 6455 defines (5.2)"),
        }
    }

    fn take_in_packet(&mut self, frame: &wire::Frame) -> CaseResult {
        self.desk.transcript.packet(&self.name, LineKind::Received, frame.bytes());
        let version = self.desk.version;
        let parsed = frame.parse(version, Direction::FromServer);
        let packet = parsed.map_err(|breach| malformed(version, frame, &breach))?;
        let line = packet.line(version);
        self.inbox.push_back(Heard::Packet(packet, line));
        Ok(())
    }

    /// What came instead of what was awaited.
    fn instead(&self) -> String {
        match (self.goodbye, self.ended) {
            (Some(Some(code)), _) => format!("the server said Close with code {code}"),
            (Some(None), _) => "the server said Close".into(),
            (None, true) => "the connection was closed".into(),
            (None, false) => format!("nothing came in {:?}", self.desk.site.patience),
        }
    }
}

/// Judging.
impl Socket {
    /// Awaits the next packet of this type; others stay unread.
    ///
    /// # Errors
    ///
    /// A breach when none comes.
    pub(crate) async fn expect(&mut self, kind: Kind) -> CaseResult<Packet> {
        let mut patience = Patience::of(self.desk.site.patience);
        loop {
            let wanted = |heard: &Heard| matches!(heard, Heard::Packet(packet, _) if packet.kind() == kind);
            if let Some(at) = self.inbox.iter().position(wanted)
                && let Some(Heard::Packet(packet, _)) = self.inbox.remove(at)
            {
                return Ok(packet);
            }
            if !self.hear(&mut patience).await? {
                return Err(Stop::breach(kind.to_string(), self.instead()));
            }
        }
    }

    /// Awaits CONNACK with code 0.
    ///
    /// # Errors
    ///
    /// A breach when it does not come or refuses.
    pub(crate) async fn expect_accepted(&mut self) -> CaseResult {
        match self.expect(Kind::Connack).await? {
            Packet::Connack(connack) if connack.reason == 0 => Ok(()),
            other => Err(Stop::breach("CONNACK 0x00", other.line(self.desk.version))),
        }
    }

    /// Awaits a message of the case's own with this payload.
    ///
    /// # Errors
    ///
    /// A breach when none comes, or another.
    pub(crate) async fn expect_publish(&mut self, topic: &str, payload: &[u8]) -> CaseResult {
        match self.expect(Kind::Publish).await? {
            Packet::Publish(publish) if publish.topic == topic && publish.payload == payload => Ok(()),
            other => {
                let expected = format!("PUBLISH to {topic} with the {} bytes that were sent", payload.len());
                Err(Stop::breach(expected, other.line(self.desk.version)))
            }
        }
    }

    /// Awaits a Pong frame with this payload.
    ///
    /// # Errors
    ///
    /// A breach when none comes, or another.
    pub(crate) async fn expect_pong(&mut self, payload: &[u8]) -> CaseResult {
        let mut patience = Patience::of(self.desk.site.patience);
        loop {
            let pong = self.inbox.iter().position(|heard| matches!(heard, Heard::Pong(_)));
            if let Some(Heard::Pong(seen)) = pong.and_then(|at| self.inbox.remove(at)) {
                if seen == payload {
                    return Ok(());
                }
                return Err(Stop::breach(
                    "a Pong frame with the bytes of the Ping",
                    format!("{} other bytes", seen.len()),
                ));
            }
            if !self.hear(&mut patience).await? {
                return Err(Stop::breach("a Pong frame", self.instead()));
            }
        }
    }

    /// Awaits a Close frame.
    ///
    /// # Errors
    ///
    /// A breach when none comes before the connection ends.
    pub(crate) async fn expect_goodbye(&mut self) -> CaseResult {
        let mut patience = Patience::of(self.desk.site.patience);
        while self.goodbye.is_none() {
            if !self.hear(&mut patience).await? {
                return Err(Stop::breach("a Close frame", self.instead()));
            }
        }
        Ok(())
    }

    /// Awaits the end of the connection; a Close frame and DISCONNECT may come before, nothing else.
    ///
    /// # Errors
    ///
    /// A breach when something else comes, or it stays open.
    pub(crate) async fn expect_closed(&mut self) -> CaseResult {
        let mut patience = Patience::of(self.desk.site.patience);
        let expected = "the connection is closed";
        while !self.ended {
            let came = self.hear(&mut patience).await?;
            if let Some(heard) = self.inbox.pop_front() {
                match heard {
                    Heard::Packet(Packet::Disconnect(_), _) => {}
                    Heard::Packet(_, line) => return Err(Stop::breach(expected, line)),
                    Heard::Pong(_) => return Err(Stop::breach(expected, "a Pong frame")),
                }
            }
            if !came && !self.ended {
                return Err(Stop::breach(expected, format!("{} and it stays open", self.instead())));
            }
        }
        if let Some(Some(code)) = self.goodbye {
            self.desk.note(format!("Close with code {code}"));
        }
        Ok(())
    }
}
