//! What comes: read, framed, judged by the strict parser, and kept until a verb takes it.

use std::io;

use bytes::BytesMut;
use reports::observation::LineKind;
use tokio::io::AsyncReadExt;
use wire::{Breach, Direction, Frame, Kind, Packet, Publish, Version};

use super::Peer;
use crate::{About, CaseResult, Finding, Mark, Statement, Stop, outcome::Ending, patience::Patience};

/// A packet that came.
#[derive(Clone, Debug)]
pub(super) struct Heard {
    pub(super) packet: Packet,
    /// In one line, for messages.
    pub(super) line: String,
}

impl Peer {
    /// Waits until something comes, the connection ends, or patience does; whether something did.
    ///
    /// # Errors
    ///
    /// A breach when what came is not allowed to come.
    pub(super) async fn hear(&mut self, patience: &mut Patience) -> CaseResult<bool> {
        if self.ending.is_some() {
            return Ok(false);
        }
        let Some(stream) = &mut self.stream else {
            return Err(Stop::Error(format!("{} listens after it ended its connection", self.name)));
        };
        let mut buffer = BytesMut::with_capacity(16 * 1024);
        let Some(read) = patience.wait(stream.read_buf(&mut buffer)).await else { return Ok(false) };
        match read {
            Ok(0) => self.end(Ending::Closed),
            Ok(_) => {
                self.frames.push(&buffer);
                while let Some(frame) = self.frames.next() {
                    self.take_in(&frame)?;
                }
            }
            // TLS and WebSocket call an end without their own good-bye an error.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => self.end(Ending::Closed),
            Err(error) => {
                self.desk.transcript.say(&self.name, LineKind::Remark, error.to_string());
                self.end(Ending::Reset);
            }
        }
        Ok(true)
    }

    fn end(&mut self, ending: Ending) {
        let cut = match self.frames.pending().len() {
            0 => String::new(),
            bytes => format!(", {bytes} bytes into a packet"),
        };
        self.desk.transcript.say(&self.name, LineKind::Closed, format!("{ending}{cut}"));
        self.ending = Some(ending);
    }

    fn take_in(&mut self, frame: &Frame) -> CaseResult {
        self.desk.transcript.packet(&self.name, LineKind::Received, frame.bytes());
        let packet = match frame.parse(self.version(), Direction::FromServer) {
            Ok(packet) => packet,
            // Another run may have published it so.
            Err(_) if self.is_of_another_run(frame) => return Ok(()),
            Err(breach) => return Err(self.malformed(frame, &breach)),
        };
        let line = packet.line(self.version());
        self.watch(&packet, &line)?;
        match packet {
            Packet::Publish(publish) => self.take_in_publish(publish, line),
            packet => {
                self.dismissed |= matches!(packet, Packet::Disconnect(_));
                self.inbox.push_back(Heard { packet, line });
                Ok(())
            }
        }
    }

    /// Puts the topic in the place of its alias, and passes over publications of others.
    fn take_in_publish(&mut self, mut publish: Publish, line: String) -> CaseResult {
        if let Some(alias) = publish.properties.topic_alias() {
            if !publish.topic.is_empty() {
                self.aliases.insert(alias, publish.topic.clone());
            } else if let Some(topic) = self.aliases.get(&alias) {
                publish.topic.clone_from(topic);
            } else {
                let finding = Finding::breach("a Topic Alias that was set before on this connection", line);
                return Err(Stop::Breach(Finding { about: About::Unnumbered, ..finding }));
            }
        }
        if self.heeds(&publish.topic) {
            self.inbox.push_back(Heard { packet: publish.into(), line });
        }
        Ok(())
    }

    /// Whether this is a PUBLISH to somebody else's topic, whatever is wrong with it.
    fn is_of_another_run(&self, frame: &Frame) -> bool {
        let Some((length, rest)) = frame.body().split_first_chunk() else { return false };
        let topic = rest.get(..u16::from_be_bytes(*length).into()).unwrap_or_default();
        // A topic need not be text.
        let legible = String::from_utf8_lossy(topic);
        frame.kind() == Some(Kind::Publish) && !topic.is_empty() && !self.heeds(&legible)
    }

    /// Whether what is published there may be of this run.
    fn heeds(&self, topic: &str) -> bool {
        (self.heeds_dollar_topics && topic.starts_with('$')) || topic.contains(&*self.desk.tag)
    }

    /// What no connection may see, whatever the case is about.
    fn watch(&mut self, packet: &Packet, line: &str) -> CaseResult {
        let first = !std::mem::replace(&mut self.greeted, true);
        let breach = |mark: Mark, expected: &str| Err(Stop::Breach(Finding::breach(expected, line).watched(mark)));
        match packet {
            _ if self.dismissed => breach(Mark::V5("3.14.4-1"), "nothing after DISCONNECT"),
            Packet::Connack(_) if std::mem::replace(&mut self.answered, true) => match (&self.to_end, self.version()) {
                // It answers a second CONNECT, which was to end the connection.
                (Some(expected), _) => Err(Stop::breach(expected, line)),
                (None, Version::V5) => breach(Mark::V5("3.2.0-2"), "one CONNACK on a connection"),
                (None, _) => breach(Mark::V311("3.2.0-1"), "CONNACK as the first packet, once"),
            },
            Packet::Connack(_) | Packet::Auth(_) => Ok(()),
            Packet::Disconnect(_) if first => breach(Mark::V5("3.14.0-1"), "no DISCONNECT before CONNACK"),
            _ if first => breach(Mark::Both("3.2.0-1"), "CONNACK as the first packet"),
            _ => Ok(()),
        }
    }

    /// What a packet is that the strict parser does not take.
    fn malformed(&self, frame: &Frame, breach: &Breach) -> Stop {
        let ends = matches!(frame.kind(), Some(Kind::Connack | Kind::Disconnect));
        match self.to_end.as_ref().filter(|_| !ends) {
            // A malformed answer to what was to end the connection shows first of all that it did not.
            Some(expected) => Stop::breach(expected, format!("{}, malformed besides: {breach}", called(frame))),
            None => malformed(self.version(), frame, breach),
        }
    }
}

/// What a packet is that the strict parser does not take.
pub(crate) fn malformed(version: Version, frame: &Frame, breach: &Breach) -> Stop {
    let number = breach.statement.and_then(|statement| statement.strip_prefix("MQTT-"));
    let statement = number.and_then(|number| Statement::find(version, number));
    let about = statement.map_or(About::Unnumbered, |statement| {
        About::Watched(if version == Version::V5 { Mark::V5(statement.number) } else { Mark::V311(statement.number) })
    });
    let expected = format!("{} as the standard lays it out", called(frame));
    Stop::Breach(Finding { about, ..Finding::breach(expected, breach.to_string()) })
}

fn called(frame: &Frame) -> String {
    frame.kind().map_or("a packet".to_owned(), |kind| kind.to_string())
}
