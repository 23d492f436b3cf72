//! What a client was sent.

use super::{
    Client, Dialect, Finding, Message, Model, Number,
    debts::{Copy, Kind},
    rules::{
        DUP_OF_FIRST, DUP_OF_QOS_0, DUP_OF_RESEND, EXPIRY_COUNTS, FREE_IDENTIFIER, NO_RESEND, NOT_AGAIN, ORDER,
        PAYLOAD, RECEIVE_MAXIMUM, RELEASES, TOPIC_FITS, USER_PROPERTIES,
    },
    sessions::Inflight,
};

/// A PUBLISH that came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arrival {
    /// The topic, without what the runner put before it.
    pub topic: String,
    /// The payload.
    pub payload: Vec<u8>,
    /// 0, 1 or 2.
    pub qos: u8,
    /// DUP.
    pub dup: bool,
    /// RETAIN.
    pub retain: bool,
    /// Packet Identifier, above QoS 0.
    pub id: Option<u16>,
    /// Subscription Identifiers, in 5.0.
    pub identifiers: Vec<u32>,
    /// User Properties, in 5.0.
    pub user_properties: Vec<(String, String)>,
    /// Message Expiry Interval in seconds, in 5.0.
    pub expiry: Option<u32>,
}

/// What a PUBLISH with a Packet Identifier is.
enum Kinship {
    /// A new delivery.
    New,
    /// The same delivery again.
    Again,
}

/// An acknowledgement that a client owes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// PUBACK.
    Puback(u16),
    /// PUBREC.
    Pubrec(u16),
    /// PUBCOMP.
    Pubcomp(u16),
}

impl Model {
    /// A PUBLISH came.
    ///
    /// # Errors
    ///
    /// No conforming server sends it now.
    pub fn arrived(&mut self, client: Client, arrival: &Arrival) -> Result<(), Finding> {
        let number = self.identify(client, arrival)?;
        self.check_content(client, number, arrival)?;
        let kinship = match arrival.id {
            None if arrival.dup => {
                let what = format!("{} came at QoS 0 with DUP 1", self.messages[number].words());
                return Err(self.finding(client, DUP_OF_QOS_0, what));
            }
            None => Kinship::New,
            Some(id) => self.flight(client, number, id, arrival)?,
        };
        match kinship {
            Kinship::Again => Ok(()),
            Kinship::New => self.count(client, number, arrival),
        }
    }

    /// Which message it is.
    fn identify(&self, client: Client, arrival: &Arrival) -> Result<Number, Finding> {
        let unknown = || {
            let payload = String::from_utf8_lossy(&arrival.payload);
            self.finding(client, PAYLOAD, format!("{payload:?} came to {}, and nobody published that", arrival.topic))
        };
        if !arrival.payload.is_empty() {
            let number = std::str::from_utf8(&arrival.payload)
                .ok()
                .and_then(|payload| payload.strip_prefix('m')?.parse::<Number>().ok());
            return number
                .filter(|number| self.messages.get(*number).is_some_and(|message| !message.empty))
                .ok_or_else(unknown);
        }
        let named = arrival
            .user_properties
            .iter()
            .find(|(name, _)| name == "message")
            .and_then(|(_, number)| number.parse::<Number>().ok());
        if let Some(number) = named.filter(|number| *number < self.messages.len()) {
            return Ok(number);
        }
        self.guess(client, arrival).ok_or_else(unknown)
    }

    /// Which of several empty messages it may be: one that is under way with its Packet Identifier, one that is owed, or the
    /// last. What explains it looks at all of them.
    fn guess(&self, client: Client, arrival: &Arrival) -> Option<Number> {
        let is_empty = |message: &&Message| message.empty && message.topic == arrival.topic;
        let inflight = self.session(client).into_iter().flat_map(|session| &session.inflight);
        let mut flying =
            inflight.filter(|inflight| Some(inflight.id) == arrival.id && (arrival.dup || !inflight.acked));
        if let Some(inflight) = flying.find(|inflight| is_empty(&&self.messages[inflight.message])) {
            return Some(inflight.message);
        }
        let reader = self.dialect(client);
        let known = || self.messages.iter().filter(is_empty).map(|message| message.number);
        let nameless = || known().filter(|number| !self.messages[*number].is_named_to(reader));
        let is_owed = |number: &Number| {
            let copy = self.copy(client, *number, arrival);
            let paid = self.copies.iter().filter(|copy| copy.message == *number && copy.client == client).count();
            self.debts.iter().any(|debt| {
                debt.message == *number
                    && debt.concerns(client, copy.epoch)
                    && debt.paid.len() + paid < debt.capacity()
                    && debt.accepts(&[&copy])
            })
        };
        nameless().find(is_owed).or_else(|| nameless().next_back()).or_else(|| known().next_back())
    }

    fn check_content(&self, client: Client, number: Number, arrival: &Arrival) -> Result<(), Finding> {
        let message = &self.messages[number];
        if arrival.topic != message.topic {
            let what = format!("{} came to {}", message.words(), arrival.topic);
            return Err(self.finding(client, TOPIC_FITS, what));
        }
        if self.dialect(client) == Dialect::V311 {
            return Ok(());
        }
        let expected = message.user_properties();
        let came: Vec<(String, String)> =
            arrival.user_properties.iter().filter(|(name, _)| name == "message").cloned().collect();
        if came != expected {
            let what = format!("{} came with the User Properties {came:?} and not {expected:?}", message.words());
            return Err(self.finding(client, USER_PROPERTIES, what));
        }
        let Some(expiry) = message.expiry else { return Ok(()) };
        let waited = self.now.saturating_sub(message.sent.begin).as_secs() as u32 + 1;
        match arrival.expiry {
            Some(left) if left <= expiry && left + waited >= expiry => Ok(()),
            left => {
                let left = left.map_or("none".to_owned(), |left| left.to_string());
                let what = format!(
                    "{} was published with expiry interval {expiry} and came with {left} within {waited} s",
                    message.words()
                );
                Err(self.finding(client, EXPIRY_COUNTS, what))
            }
        }
    }

    /// Packet Identifiers, DUP and the Receive Maximum.
    fn flight(&mut self, client: Client, number: Number, id: u16, arrival: &Arrival) -> Result<Kinship, Finding> {
        let words = self.messages[number].words();
        let old = self.dialect(client) == Dialect::V311;
        let Some(session) = self.session(client) else { return Ok(Kinship::New) };
        let Some(online) = session.online() else { return Ok(Kinship::New) };
        let connection = online.number;
        let known = session.inflight.iter().position(|inflight| inflight.id == id);
        let Some(place) = known else { return self.take_off(client, number, id, arrival) };
        let before = &session.inflight[place];
        let same = before.message == number && before.qos == arrival.qos;
        if before.connection == connection {
            if old && arrival.dup && same && !before.received {
                // 3.1.1 does not forbid to send again on one connection.
                return Ok(Kinship::Again);
            }
            if before.acked {
                return self.replace(client, place, number, id, arrival);
            }
            if !same {
                let other = self.messages[before.message].words();
                let what = format!("{words} came as PUBLISH {id}, which {other} has unacknowledged");
                return Err(self.finding(client, FREE_IDENTIFIER, what));
            }
            let rule = match (old, arrival.dup) {
                (true, true) => NOT_AGAIN,
                (true, false) => DUP_OF_RESEND,
                (false, _) => NO_RESEND,
            };
            let what = format!("{words} was sent again as PUBLISH {id} on the same connection");
            return Err(self.finding(client, rule, what));
        }
        if before.acked && !(same && arrival.dup) {
            return self.replace(client, place, number, id, arrival);
        }
        if !same {
            let other = self.messages[before.message].words();
            let what = format!("{words} came as PUBLISH {id}, which {other} has unacknowledged from before");
            return Err(self.finding(client, FREE_IDENTIFIER, what));
        }
        if !arrival.dup {
            let what = format!("{words} was sent again as PUBLISH {id} with DUP 0");
            return Err(self.finding(client, DUP_OF_RESEND, what));
        }
        if before.received && !before.unsure {
            let what = format!("{words} was sent again as PUBLISH {id}, although PUBREC had come");
            return Err(self.finding(client, NOT_AGAIN, what));
        }
        let stream = self.stream(client, number, arrival.qos);
        let overtaken = session.inflight[place + 1..].iter().find(|later| {
            later.connection == connection
                && stream.is_some()
                && self.stream(client, later.message, later.qos) == stream
        });
        if let Some(later) = overtaken {
            let what = format!("{words} was sent again after {}", self.messages[later.message].words());
            return Err(self.finding(client, ORDER, what));
        }
        if let Some(session) = self.session_mut(client) {
            let inflight = &mut session.inflight[place];
            (inflight.connection, inflight.received, inflight.acked, inflight.unsure) =
                (connection, false, false, false);
        }
        Ok(Kinship::Again)
    }

    fn replace(
        &mut self,
        client: Client,
        place: usize,
        number: Number,
        id: u16,
        arrival: &Arrival,
    ) -> Result<Kinship, Finding> {
        if let Some(session) = self.session_mut(client) {
            session.inflight.remove(place);
        }
        self.take_off(client, number, id, arrival)
    }

    /// A PUBLISH whose Packet Identifier is free.
    fn take_off(&mut self, client: Client, number: Number, id: u16, arrival: &Arrival) -> Result<Kinship, Finding> {
        let words = self.messages[number].words();
        let Some(session) = self.session(client) else { return Ok(Kinship::New) };
        let Some(online) = session.online().cloned() else { return Ok(Kinship::New) };
        let alike = self.alike(number);
        let unseen = self.debts.iter().any(|debt| {
            alike.contains(&debt.message) && debt.serial < session.unseen_before && debt.concerns(client, session.epoch)
        });
        if arrival.dup && !unseen {
            let what = format!("{words} came the first time, as PUBLISH {id} with DUP 1");
            return Err(self.finding(client, DUP_OF_FIRST, what));
        }
        let flying = session.inflight.iter().filter(|inflight| !inflight.acked && !inflight.unsure).count();
        if flying >= usize::from(online.receive_maximum) {
            let what = format!(
                "{words} came while {flying} were unacknowledged, and Receive Maximum is {}",
                online.receive_maximum
            );
            return Err(self.finding(client, RECEIVE_MAXIMUM, what));
        }
        let inflight = Inflight {
            id,
            message: number,
            qos: arrival.qos,
            connection: online.number,
            received: false,
            released: None,
            acked: false,
            pinged: false,
            unsure: false,
        };
        if let Some(session) = self.session_mut(client) {
            session.inflight.push(inflight);
        }
        Ok(Kinship::New)
    }

    /// A delivery that is not a repetition: some debt has to explain it.
    fn count(&mut self, client: Client, number: Number, arrival: &Arrival) -> Result<(), Finding> {
        let copy = self.copy(client, number, arrival);
        self.copies.push(copy.clone());
        if !self.is_explained(number) {
            self.copies.pop();
            return Err(self.unexplained(&copy));
        }
        self.check_order(client, number, arrival)
    }

    fn copy(&self, client: Client, message: Number, arrival: &Arrival) -> Copy {
        let mut identifiers = arrival.identifiers.clone();
        identifiers.sort_unstable();
        let epoch = self.session(client).map_or(0, |session| session.epoch);
        let nameless = !self.messages[message].is_named_to(self.dialect(client));
        Copy { message, client, epoch, qos: arrival.qos, retain: arrival.retain, identifiers, nameless }
    }

    /// What keeps its order: MQTT-4.6.0-5 (4.6.0-6 in 3.1.1). `None`: nobody knows which message it is.
    fn stream(&self, client: Client, number: Number, qos: u8) -> Option<(u8, String, u8, u8)> {
        let message = &self.messages[number];
        message
            .is_named_to(self.dialect(client))
            .then(|| (message.publisher.0, message.topic.clone(), message.qos, qos))
    }

    fn check_order(&mut self, client: Client, number: Number, arrival: &Arrival) -> Result<(), Finding> {
        let message = &self.messages[number];
        let live = |kind: &Kind| *kind == Kind::Live;
        let epoch = self.session(client).map_or(0, |session| session.epoch);
        let mut debts = self.debts.iter().filter(|debt| debt.message == number && debt.concerns(client, epoch));
        // Copies for several subscriptions may come one subscription after the other: each has its own order.
        if !message.ordered || !debts.all(|debt| live(&debt.kind) && debt.slots.len() == 1) {
            return Ok(());
        }
        let Some(stream) = self.stream(client, number, arrival.qos) else { return Ok(()) };
        let Some(session) = self.session_mut(client) else { return Ok(()) };
        let last = session.last.entry(stream).or_insert(number);
        if number >= *last {
            *last = number;
            return Ok(());
        }
        let last = *last;
        let what = format!("{} came after {}", self.messages[number].words(), self.messages[last].words());
        Err(self.finding(client, ORDER, what))
    }

    /// A PUBREL came.
    ///
    /// # Errors
    ///
    /// Nothing was to be released.
    pub fn released(&mut self, client: Client, id: u16) -> Result<(), Finding> {
        let Some(session) = self.session_mut(client) else { return Ok(()) };
        let Some(connection) = session.online().map(|online| online.number) else { return Ok(()) };
        let known = session.inflight.iter_mut().find(|inflight| inflight.id == id && inflight.qos == 2);
        if let Some(inflight) = known.filter(|inflight| inflight.received) {
            (inflight.released, inflight.unsure) = (Some(connection), false);
            return Ok(());
        }
        Err(self.finding(client, RELEASES, format!("PUBREL {id} came, and there was no PUBREC {id} to answer")))
    }

    /// What the client has not acknowledged, in the order in which it came.
    pub fn due(&self, client: Client) -> Vec<Due> {
        let Some(session) = self.session(client) else { return Vec::new() };
        let Some(online) = session.online() else { return Vec::new() };
        let mine = session.inflight.iter().filter(|inflight| !inflight.acked);
        mine.filter_map(|inflight| match (inflight.qos, inflight.received) {
            (1, _) if inflight.connection == online.number => Some(Due::Puback(inflight.id)),
            (2, false) if inflight.connection == online.number => Some(Due::Pubrec(inflight.id)),
            (2, true) if inflight.released == Some(online.number) => Some(Due::Pubcomp(inflight.id)),
            _ => None,
        })
        .collect()
    }

    /// The client sent an acknowledgement.
    pub fn acknowledged(&mut self, client: Client, due: Due) {
        let Some(session) = self.session_mut(client) else { return };
        let (Due::Puback(id) | Due::Pubrec(id) | Due::Pubcomp(id)) = due;
        if let Some(inflight) = session.inflight.iter_mut().find(|inflight| inflight.id == id && !inflight.acked) {
            match due {
                Due::Pubrec(_) => inflight.received = true,
                Due::Puback(_) | Due::Pubcomp(_) => inflight.acked = true,
            }
        }
    }

    /// The client sends PINGREQ.
    pub fn pinging(&mut self, client: Client) {
        for inflight in self.session_mut(client).into_iter().flat_map(|session| &mut session.inflight) {
            inflight.pinged = inflight.acked;
        }
    }

    /// PINGRESP came: what was acknowledged before is read.
    pub fn pinged(&mut self, client: Client) {
        if let Some(session) = self.session_mut(client) {
            session.inflight.retain(|inflight| !inflight.pinged);
        }
    }
}
