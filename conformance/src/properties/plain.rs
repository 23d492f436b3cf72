//! A client that does what the standard asks, one packet after the other.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, timeout_at},
};
use transport::Stream;
use wire::{Ack, Breach, Connect, Direction, Disconnect, Draft, Frames, Packet, Pingreq, Publish, Subscribe, Version};

use super::{Discrepancy, Outcome, Site, record::Record};

/// The client, connected.
#[derive(Debug)]
pub(crate) struct Plain<'a> {
    site: &'a Site,
    stream: Stream,
    frames: Frames,
    version: Version,
    name: String,
    next_identifier: u16,
    /// PUBLISH packets that came, in their order.
    pub(crate) inbox: Vec<Publish>,
    /// Every packet, decoded.
    pub(crate) record: Record,
}

/// Stops what a client is used for.
pub(crate) type Flow<T = ()> = Result<T, Outcome>;

impl<'a> Plain<'a> {
    /// Connects with a clean start. `run` keeps its Client Identifier apart from that of others.
    pub(crate) async fn connect(site: &'a Site, version: Version, run: &str, name: &str) -> Flow<Self> {
        let began = Instant::now();
        Self::connect_since(site, version, run, name, began).await
    }

    /// The same, where time counts from `began`.
    pub(crate) async fn connect_since(
        site: &'a Site,
        version: Version,
        run: &str,
        name: &str,
        began: Instant,
    ) -> Flow<Self> {
        let stream = site.dial(version).await.map_err(|error| Outcome::Unreachable(error.to_string()))?;
        let mut plain = Self {
            site,
            stream,
            frames: Frames::up_to(1 << 20),
            version,
            name: name.to_owned(),
            next_identifier: 0,
            inbox: Vec::new(),
            record: Record::new(began, run),
        };
        let mut connect = Connect::as_(format!("{run}{name}")).keep_alive(300);
        if let Some((user, password)) = &site.credentials {
            connect = connect.user(user);
            connect.password.clone_from(password);
        }
        plain.send(&connect.draft(version)).await?;
        let packet = plain.expect("CONNACK", |packet| matches!(packet, Packet::Connack(_))).await?;
        match packet {
            Packet::Connack(connack) if connack.reason == 0 => Ok(plain),
            _ => Err(Outcome::Void(format!("{name} was refused"))),
        }
    }

    /// Sends a packet.
    pub(crate) async fn send(&mut self, draft: &Draft) -> Flow {
        let bytes = draft.encode();
        self.record.sent(&self.name, self.version, &bytes);
        match self.stream.write_all(&bytes).await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.ended(&error.to_string())),
        }
    }

    /// Subscribes and waits for SUBACK: the codes.
    pub(crate) async fn subscribe(&mut self, filters: &[&str], qos: u8) -> Flow<Vec<u8>> {
        let id = self.identifier();
        let packet = filters.iter().fold(Subscribe::new(id), |packet, filter| packet.filter(*filter, qos));
        self.send(&packet.draft(self.version)).await?;
        let is_answer = |packet: &Packet| matches!(packet, Packet::Suback(suback) if suback.packet_identifier == id);
        match self.expect("SUBACK", is_answer).await? {
            Packet::Suback(suback) => Ok(suback.reasons),
            _ => Ok(Vec::new()),
        }
    }

    /// Publishes at QoS 1 and waits for PUBACK: its Reason Code.
    pub(crate) async fn publish(&mut self, topic: &str, payload: &str) -> Flow<u8> {
        let id = self.identifier();
        self.send(&Publish::to(topic).qos(1).id(id).payload(payload).draft(self.version)).await?;
        let is_answer = |packet: &Packet| matches!(packet, Packet::Puback(ack) if ack.packet_identifier == id);
        match self.expect("PUBACK", is_answer).await? {
            Packet::Puback(ack) => Ok(ack.reason),
            _ => Ok(0),
        }
    }

    /// Waits for the answer to a ping: everything that was asked before is done.
    pub(crate) async fn ping(&mut self) -> Flow {
        self.send(&Pingreq.draft(self.version)).await?;
        self.expect("PINGRESP", |packet| matches!(packet, Packet::Pingresp(_))).await.map(drop)
    }

    /// What was recorded so far.
    pub(crate) fn take_record(&mut self) -> Record {
        let began = self.record.began();
        std::mem::replace(&mut self.record, Record::new(began, &self.name))
    }

    /// Says goodbye.
    pub(crate) async fn disconnect(mut self) {
        let _ = self.send(&Disconnect::normal().draft(self.version)).await;
        let _ = self.stream.shutdown().await;
    }

    /// Waits until the inbox is as wanted; `false` if it is not in time.
    pub(crate) async fn until(&mut self, is_enough: impl Fn(&[Publish]) -> bool) -> Flow<bool> {
        let deadline = Instant::now() + self.site.patience;
        while !is_enough(&self.inbox) {
            if self.next(deadline).await?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(crate) fn identifier(&mut self) -> u16 {
        self.next_identifier = self.next_identifier.checked_add(1).unwrap_or(1);
        self.next_identifier
    }

    async fn expect(&mut self, what: &str, is_wanted: impl Fn(&Packet) -> bool) -> Flow<Packet> {
        let deadline = Instant::now() + self.site.patience;
        loop {
            match self.next(deadline).await? {
                Some(packet) if is_wanted(&packet) => return Ok(packet),
                Some(_) => {}
                None => {
                    let what = format!("{}: no {what} came within {:?}", self.name, self.site.patience);
                    return Err(broken(self.version, None, "every request is answered", what));
                }
            }
        }
    }

    /// The next packet, acknowledged as it asks for; `None` if none came until `deadline`.
    pub(crate) async fn next(&mut self, deadline: Instant) -> Flow<Option<Packet>> {
        let mut buffer = [0; 4096];
        loop {
            if let Some(frame) = self.frames.next() {
                let line = frame.line(self.version, Direction::FromServer);
                self.record.received(&self.name, self.version, frame.bytes());
                return match frame.parse(self.version, Direction::FromServer) {
                    Ok(packet) => self.answer(packet).await.map(Some),
                    Err(breach) => Err(malformed(self.version, breach, format!("{}: {line}", self.name))),
                };
            }
            match timeout_at(deadline, self.stream.read(&mut buffer)).await {
                Ok(Ok(0)) => return Err(self.ended("the server closed the connection")),
                Ok(Ok(length)) => self.frames.push(&buffer[..length]),
                Ok(Err(error)) => return Err(self.ended(&error.to_string())),
                Err(_) => return Ok(None),
            }
        }
    }

    async fn answer(&mut self, packet: Packet) -> Flow<Packet> {
        let answer = match &packet {
            Packet::Publish(publish) => {
                let id = publish.packet_identifier.unwrap_or_default();
                self.inbox.push(publish.clone());
                match publish.qos {
                    0 => None,
                    1 => Some(Ack::puback(id)),
                    _ => Some(Ack::pubrec(id)),
                }
            }
            Packet::Pubrel(ack) => Some(Ack::pubcomp(ack.packet_identifier)),
            Packet::Pubrec(ack) => Some(Ack::pubrel(ack.packet_identifier)),
            _ => None,
        };
        if let Some(answer) = answer {
            self.send(&answer.draft(self.version)).await?;
        }
        Ok(packet)
    }

    fn ended(&self, why: &str) -> Outcome {
        let what = format!("{}: {why}, and the client had done nothing wrong", self.name);
        broken(self.version, None, "a server closes a connection for a cause, and here is none", what)
    }
}

/// Something that no conforming server does, with the number of the statement.
pub(crate) fn broken(version: Version, statement: Option<&str>, rule: &str, what: String) -> Outcome {
    Outcome::Broken(Discrepancy::new(version, statement, rule, what))
}

/// A packet that the strict parser does not take.
pub(crate) fn malformed(version: Version, breach: Breach, what: String) -> Outcome {
    Outcome::Broken(Discrepancy::malformed(version, breach, what))
}
