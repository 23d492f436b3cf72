//! What the target answers, and what it means for the model.

use wire::{Ack, Direction, Packet};

use super::{
    Discrepancy,
    execution::{Execution, Flow, Outcome},
    link::{Event, Heard},
};
use crate::model::{
    Arrival, Client, Dialect, End, Granted, Number,
    program::{Ending, Filter},
};

/// An answer that is awaited.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) client: Client,
    pub(super) link: usize,
    pub(super) want: Want,
}

#[derive(Debug)]
pub(super) enum Want {
    Connack,
    Suback {
        id: u16,
        filters: Vec<Filter>,
    },
    Unsuback {
        id: u16,
        filters: Vec<String>,
    },
    Pingresp {
        numbers: Vec<Number>,
    },
    /// The server's end of a connection that its client closed.
    Closed(End),
    /// The end of a connection whose session was taken over.
    TakenOver,
}

/// A PUBLISH above QoS 0 of a client.
#[derive(Debug)]
pub(super) struct Flight {
    pub(super) client: Client,
    pub(super) link: usize,
    pub(super) id: u16,
    pub(super) number: Number,
    pub(super) qos: u8,
    pub(super) ending: Ending,
    pub(super) stage: Stage,
    /// What PUBREC said.
    pub(super) reason: u8,
    /// Whether its PUBLISH was sent more than once.
    pub(super) again: bool,
}

/// ```text
///   Sent ─PUBACK─▶ (done)
///   Sent ─PUBREC─▶ Repeated ─PUBREC─▶ Released ─PUBCOMP─▶ (done)
///   Sent ─PUBREC─▶ Held ──(resumes)──▶ Released
///   any  ─end of connection─▶ Lost (PUBLISH is sent again) or LostHeld (PUBREL is)
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Sent,
    Repeated,
    Held,
    Released,
    Lost,
    LostHeld,
}

impl Stage {
    pub(super) fn is_held(self) -> bool {
        self == Self::Held
    }

    fn awaits(self) -> bool {
        matches!(self, Self::Sent | Self::Repeated | Self::Released)
    }
}

impl Execution<'_> {
    pub(super) fn awaits(&self) -> bool {
        !self.requests.is_empty() || self.flights.iter().any(|flight| flight.stage.awaits())
    }

    /// An answer did not come in time.
    pub(super) fn unanswered(&self) -> Outcome {
        let broken = |client: Client, old: &str, new: &str, what: String| {
            let number = match self.dialects[client.index()] {
                Dialect::V311 => old,
                Dialect::V5 => new,
            };
            let what = format!("client {client}: {what} within {:?}", self.site.patience);
            self.broken(client, Some(number), "every request is answered", what)
        };
        if let Some(request) = self.requests.first() {
            let (old, new, what) = match &request.want {
                Want::Connack => ("3.1.4-4", "3.1.4-5", "no CONNACK came".to_owned()),
                Want::Suback { id, .. } => ("3.8.4-1", "3.8.4-1", format!("no SUBACK {id} came")),
                Want::Unsuback { id, .. } => ("3.10.4-4", "3.10.4-4", format!("no UNSUBACK {id} came")),
                Want::Pingresp { .. } => ("3.12.4-1", "3.12.4-1", "no PINGRESP came".to_owned()),
                Want::Closed(_) => {
                    ("4.8.0-1", "3.14.4-2", "the server did not close a connection that its client closed".to_owned())
                }
                Want::TakenOver => (
                    "3.1.4-2",
                    "3.1.4-3",
                    "the server did not close the connection whose session was taken over".to_owned(),
                ),
            };
            return broken(request.client, old, new, what);
        }
        match self.flights.iter().find(|flight| flight.stage.awaits()) {
            Some(flight) if flight.stage == Stage::Released => {
                broken(flight.client, "4.3.3-2", "4.3.3-11", format!("no PUBCOMP {} came", flight.id))
            }
            Some(flight) if flight.qos == 2 => {
                broken(flight.client, "4.3.3-2", "4.3.3-8", format!("no PUBREC {} came", flight.id))
            }
            Some(flight) => broken(flight.client, "4.3.2-2", "4.3.2-4", format!("no PUBACK {} came", flight.id)),
            None => Outcome::Void("nothing was awaited".to_owned()),
        }
    }

    pub(super) fn hear(&mut self, event: Event) -> Flow {
        let (client, link) = (self.links[event.link].0, event.link);
        let is_current = self.current[client.index()] == Some(link);
        let who = if is_current { client.to_string() } else { format!("{client} (old connection)") };
        let version = self.version(client);
        match &event.heard {
            Heard::Closed => self.record.closed(&who),
            Heard::Packet(_) | Heard::Breach(_) => self.record.received(&who, version, &event.bytes),
        }
        match event.heard {
            Heard::Breach(breach) => {
                let what = format!("client {client}: {}", wire::line(version, Direction::FromServer, &event.bytes));
                Err(Outcome::Broken(Discrepancy::malformed(version, breach, what)))
            }
            Heard::Closed => self.closed(client, link, is_current),
            Heard::Packet(packet) if is_current => self.packet(client, *packet),
            // What a server still had to say on a connection that it was closing.
            Heard::Packet(_) => Ok(()),
        }
    }

    fn packet(&mut self, client: Client, packet: Packet) -> Flow {
        match packet {
            Packet::Publish(publish) => {
                let arrival = self.arrival(publish);
                let dup = if arrival.dup { ", again" } else { "" };
                let message =
                    if arrival.payload.is_empty() { "empty".into() } else { String::from_utf8_lossy(&arrival.payload) };
                let line = format!(
                    "{message} to {} at QoS {}, RETAIN {}{dup}",
                    arrival.topic,
                    arrival.qos,
                    u8::from(arrival.retain)
                );
                self.got[client.index()].push(line);
                self.model.arrived(client, &arrival)?;
                self.acknowledge(client);
            }
            Packet::Pubrel(ack) => {
                self.model.released(client, ack.packet_identifier)?;
                self.acknowledge(client);
            }
            Packet::Puback(ack) => self.puback(client, &ack)?,
            Packet::Pubrec(ack) => self.pubrec(client, &ack)?,
            Packet::Pubcomp(ack) => self.pubcomp(client, &ack)?,
            Packet::Connack(connack) => {
                self.take(client, |want| matches!(want, Want::Connack), "CONNACK")?;
                if connack.reason != 0 {
                    return Err(Outcome::Void(format!("client {client} was refused with 0x{:02x}", connack.reason)));
                }
                self.receive_maximum[client.index()] = connack.properties.receive_maximum().unwrap_or(u16::MAX);
                self.model.connected(client, connack.session_present)?;
                self.send_again(client, connack.session_present);
            }
            Packet::Suback(suback) => {
                let id = suback.packet_identifier;
                let want =
                    self.take(client, |want| matches!(want, Want::Suback { id: asked, .. } if *asked == id), "SUBACK")?;
                if let Want::Suback { filters, .. } = want {
                    let granted: Vec<Granted> = suback
                        .reasons
                        .iter()
                        .map(|code| if *code < 3 { Granted::Qos(*code) } else { Granted::Refused })
                        .collect();
                    self.same_count(client, "SUBACK", filters.len(), granted.len())?;
                    self.model.subscribed(client, &filters, &granted);
                }
            }
            Packet::Unsuback(unsuback) => {
                let id = unsuback.packet_identifier;
                let want = self.take(
                    client,
                    |want| matches!(want, Want::Unsuback { id: asked, .. } if *asked == id),
                    "UNSUBACK",
                )?;
                if let Want::Unsuback { filters, .. } = want {
                    if self.dialects[client.index()] == Dialect::V5 {
                        self.same_count(client, "UNSUBACK", filters.len(), unsuback.reasons.len())?;
                    }
                    self.model.unsubscribed(client, &filters, &unsuback.reasons)?;
                }
            }
            Packet::Pingresp(_) => {
                let want = self.take(client, |want| matches!(want, Want::Pingresp { .. }), "PINGRESP")?;
                self.model.pinged(client);
                if let Want::Pingresp { numbers } = want {
                    for number in numbers {
                        self.model.published(number, 0)?;
                    }
                }
            }
            Packet::Disconnect(_) => {}
            other => return Err(self.unasked(client, &format!("{}", other.kind()))),
        }
        Ok(())
    }

    fn arrival(&self, publish: wire::Publish) -> Arrival {
        let root = format!("{}/", self.name);
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Arrival {
            topic: publish.topic.strip_prefix(&root).unwrap_or(&publish.topic).to_owned(),
            payload: publish.payload,
            qos: publish.qos,
            dup: publish.dup,
            retain: publish.retain,
            id: publish.packet_identifier,
            identifiers: publish.properties.subscription_identifiers(),
            user_properties: publish.properties.user().into_iter().map(owned).collect(),
            expiry: publish.properties.message_expiry_interval(),
        }
    }

    fn flight(&mut self, client: Client, id: u16) -> Option<usize> {
        self.flights.iter().position(|flight| flight.client == client && flight.id == id)
    }

    fn puback(&mut self, client: Client, ack: &Ack) -> Flow {
        match self.flight(client, ack.packet_identifier) {
            Some(place) if self.flights[place].qos == 1 => {
                let flight = self.flights.remove(place);
                self.judged(&flight, ack.reason)
            }
            _ => Err(self.unasked(client, "PUBACK")),
        }
    }

    /// The target took a message over, or refused it.
    fn judged(&mut self, flight: &Flight, reason: u8) -> Flow {
        if reason >= 0x80 && flight.again {
            // It may be refused the second time only, because the target has it from the first.
            self.model.unacknowledged(flight.number);
            return Ok(());
        }
        Ok(self.model.published(flight.number, reason)?)
    }

    fn pubrec(&mut self, client: Client, ack: &Ack) -> Flow {
        let Some(place) = self.flight(client, ack.packet_identifier).filter(|place| self.flights[*place].qos == 2)
        else {
            return Err(self.unasked(client, "PUBREC"));
        };
        if ack.reason >= 0x80 {
            let flight = self.flights.remove(place);
            return self.judged(&flight, ack.reason);
        }
        let Flight { id, number, ending, stage, .. } = self.flights[place];
        self.flights[place].reason = ack.reason;
        self.flights[place].stage = match (ending, stage) {
            _ if self.closing[client.index()] => Stage::Held,
            (Ending::Repeated, Stage::Sent) => {
                let draft = self.publish_packet(number, Some(id), true).draft(self.version(client));
                self.send(client, draft);
                self.flights[place].again = true;
                Stage::Repeated
            }
            (Ending::Unreleased | Ending::Unheard, Stage::Sent) => Stage::Held,
            _ => self.pubrel(client, id, number),
        };
        Ok(())
    }

    fn pubcomp(&mut self, client: Client, ack: &Ack) -> Flow {
        match self.flight(client, ack.packet_identifier) {
            Some(place) if self.flights[place].stage == Stage::Released => {
                let flight = self.flights.remove(place);
                Ok(self.model.published(flight.number, flight.reason)?)
            }
            _ => Err(self.unasked(client, "PUBCOMP")),
        }
    }

    fn pubrel(&mut self, client: Client, id: u16, number: Number) -> Stage {
        self.model.releasing(number);
        self.send(client, Ack::pubrel(id).draft(self.version(client)));
        Stage::Released
    }

    /// Releases what the client left unreleased.
    pub(super) fn release(&mut self, client: Client) {
        for place in 0..self.flights.len() {
            if self.flights[place].client == client && self.flights[place].stage == Stage::Held {
                let Flight { id, number, .. } = self.flights[place];
                self.flights[place].stage = self.pubrel(client, id, number);
            }
        }
    }

    /// What the client sends again after CONNACK, in the order of the first time (MQTT-4.4.0-1 in both, MQTT-4.6.0-1 in both).
    fn send_again(&mut self, client: Client, present: bool) {
        if !present {
            // MQTT-3.2.2-5.
            self.flights.retain(|flight| flight.client != client);
            return;
        }
        let Some(link) = self.current[client.index()] else { return };
        for place in 0..self.flights.len() {
            let Flight { client: owner, id, number, stage, .. } = self.flights[place];
            if owner != client {
                continue;
            }
            let stage = match stage {
                Stage::Lost => {
                    self.model.publishing_again(number);
                    let draft = self.publish_packet(number, Some(id), true).draft(self.version(client));
                    self.send(client, draft);
                    (self.flights[place].ending, self.flights[place].again) = (Ending::Whole, true);
                    Stage::Sent
                }
                Stage::LostHeld => self.pubrel(client, id, number),
                other => other,
            };
            (self.flights[place].stage, self.flights[place].link) = (stage, link);
        }
    }

    /// A connection ended: what its client has in flight there waits for the next one.
    pub(super) fn ground(&mut self, link: usize, concerned: impl Fn(Stage) -> bool) {
        for flight in self.flights.iter_mut().filter(|flight| flight.link == link && concerned(flight.stage)) {
            if !matches!(flight.stage, Stage::Lost | Stage::LostHeld) {
                self.model.unacknowledged(flight.number);
            }
            flight.stage = match (flight.stage, flight.ending) {
                (Stage::Sent | Stage::Lost, _) | (Stage::Held, Ending::Unheard) => Stage::Lost,
                _ => Stage::LostHeld,
            };
        }
    }

    fn closed(&mut self, client: Client, link: usize, is_current: bool) -> Flow {
        let wanted = self
            .requests
            .iter()
            .position(|request| request.link == link && matches!(request.want, Want::Closed(_) | Want::TakenOver));
        let Some(place) = wanted else {
            let is_refused =
                self.requests.iter().any(|request| request.link == link && matches!(request.want, Want::Connack));
            if is_current && is_refused {
                return Err(Outcome::Void(format!("client {client} was refused without CONNACK")));
            }
            return if is_current { Err(self.model.closed(client, "nothing was wrong").into()) } else { Ok(()) };
        };
        let request = self.requests.remove(place);
        self.requests.retain(|request| request.link != link);
        if let Want::Closed(end) = request.want {
            self.ground(link, |_| true);
            for number in std::mem::take(&mut self.unfenced[client.index()]) {
                self.model.unacknowledged(number);
            }
            self.current[client.index()] = None;
            self.model.left(client, end);
        }
        Ok(())
    }

    /// The request that an answer is for.
    fn take(&mut self, client: Client, is_wanted: impl Fn(&Want) -> bool, what: &str) -> Flow<Want> {
        let place = self.requests.iter().position(|request| request.client == client && is_wanted(&request.want));
        match place {
            Some(place) => Ok(self.requests.remove(place).want),
            None => Err(self.unasked(client, what)),
        }
    }

    fn same_count(&self, client: Client, packet: &str, asked: usize, answered: usize) -> Flow {
        if asked == answered {
            return Ok(());
        }
        let statement = match (packet, self.dialects[client.index()]) {
            // MQTT-3.8.4-5 in 3.1.1.
            ("SUBACK", Dialect::V311) => Some("3.8.4-5"),
            // MQTT-3.8.4-6.
            ("SUBACK", Dialect::V5) => Some("3.8.4-6"),
            // MQTT-3.11.3-2.
            (_, Dialect::V5) => Some("3.11.3-2"),
            (_, Dialect::V311) => None,
        };
        let what = format!("client {client}: {packet} has {answered} codes for {asked} filters");
        Err(self.broken(client, statement, "there is one code for each filter", what))
    }

    fn unasked(&self, client: Client, packet: &str) -> Outcome {
        let what = format!("client {client}: {packet} came, and nothing was asked that it answers");
        self.broken(client, None, "an answer belongs to a request", what)
    }

    fn broken(&self, client: Client, statement: Option<&str>, rule: &str, what: String) -> Outcome {
        Outcome::Broken(Discrepancy::new(self.version(client), statement, rule, what))
    }
}
