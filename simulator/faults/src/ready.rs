//! Rules that many need, by name.

use std::collections::VecDeque;

use wire::{Ack, Connack, Direction, Disconnect, Frame, Kind, Packet, Pingresp, Publish, Suback, Unsuback};

use crate::{Actions, Connection, Rules, Seen, Time, client, client_closes, server};

/// "The connection is not closed": the broker's close never reaches the client, nor its DISCONNECT. What the client asks from then
/// on, and had asked last, is answered as by a broker that lives (PINGRESP, SUBACK, PUBACK and so on), but does nothing.
///
/// A malformed packet can often be mended or dropped before the broker sees it, which leaves a connection that works:
/// `client(Kind::Subscribe).when(|frame| frame.flags() != 2).drop()`.
#[must_use]
pub fn keep_open() -> Rules {
    server(Kind::Disconnect).called("keep open").drop().and(swallow_close())
}

/// "Said why, and did not close": the broker's DISCONNECT or refusing CONNACK passes, its close does not. What the client asks
/// from then on is answered as with [`keep_open`].
#[must_use]
pub fn swallow_close() -> Rules {
    Rules::new(|_| {
        let mut impostor = Impostor::default();
        move |_now: Time, seen: Seen<'_>, actions: &mut Actions<'_>| impostor.on(seen, actions)
    })
}

/// "The Will is published although the client said DISCONNECT": the broker never hears of it.
#[must_use]
pub fn forget_disconnect() -> Rules {
    client(Kind::Disconnect).called("forget disconnect").drop().into()
}

/// "The Will is not published": before every close of the client the broker gets a DISCONNECT.
#[must_use]
pub fn withhold_will() -> Rules {
    client_closes().called("withhold will").inject_to_server(|_| Disconnect::normal()).into()
}

/// "Delivered to who did not subscribe": every PUBLISH of a client goes, with QoS 0, also to all other clients.
#[must_use]
pub fn leak() -> Rules {
    client(Kind::Publish)
        .called("leak")
        .inject_to_others(|sight| {
            let payload = sight.payload(sight.version()).unwrap_or_default().to_vec();
            Publish::to(sight.topic().unwrap_or_default()).payload(payload)
        })
        .into()
}

/// Stands in for a broker that has closed.
#[derive(Default)]
struct Impostor {
    gone: bool,
    /// What the broker was asked and has not answered, with the answer.
    asked: VecDeque<Answer>,
}

#[derive(PartialEq)]
struct Answer {
    kind: Kind,
    id: Option<u16>,
    bytes: Vec<u8>,
}

impl Impostor {
    const MOST: usize = 64;

    fn on(&mut self, seen: Seen<'_>, actions: &mut Actions<'_>) {
        match seen {
            Seen::Frame(Direction::FromClient, frame) => {
                let Some(answer) = answer(frame, actions.connection()) else { return };
                if self.gone {
                    actions.inject(Direction::FromServer, answer.bytes);
                } else {
                    self.asked.truncate(Self::MOST - 1);
                    self.asked.push_back(answer);
                }
            }
            Seen::Frame(Direction::FromServer, frame) => {
                let mut asked = self.asked.iter();
                let answered = asked
                    .position(|answer| Some(answer.kind) == frame.kind() && answer.id == frame.packet_identifier());
                answered.map(|place| self.asked.remove(place));
            }
            Seen::Close(Direction::FromServer, _) => {
                actions.swallow();
                self.gone = true;
                for answer in self.asked.drain(..) {
                    actions.inject(Direction::FromServer, answer.bytes);
                }
            }
            _ => {}
        }
    }
}

/// What a broker that is content answers.
fn answer(frame: &Frame, connection: &Connection) -> Option<Answer> {
    let version = connection.version();
    let id = frame.packet_identifier();
    let packet = match frame.kind()? {
        Kind::Connect => Packet::Connack(Connack::accepted()),
        Kind::Publish => match frame.qos()? {
            1 => Packet::Puback(Ack::puback(id?)),
            2 => Packet::Pubrec(Ack::pubrec(id?)),
            _ => return None,
        },
        Kind::Pubrel => Packet::Pubcomp(Ack::pubcomp(id?)),
        Kind::Pubrec => Packet::Pubrel(Ack::pubrel(id?)),
        Kind::Subscribe => {
            let filters = frame.filters(version).len();
            Packet::Suback((0..filters).fold(Suback::new(id?), |suback, _| suback.reason(0)))
        }
        Kind::Unsubscribe => {
            let filters = if version.has_properties() { frame.filters(version).len() } else { 0 };
            Packet::Unsuback((0..filters).fold(Unsuback::new(id?), |unsuback, _| unsuback.reason(0)))
        }
        Kind::Pingreq => Packet::Pingresp(Pingresp),
        _ => return None,
    };
    Some(Answer { kind: packet.kind(), id, bytes: packet.draft(version).encode() })
}
